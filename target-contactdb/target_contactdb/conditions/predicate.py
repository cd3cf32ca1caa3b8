"""A checked condition as a Python predicate, compiled once and asked for every record."""

from __future__ import annotations

import typing as t

from target_contactdb.conditions.checked import (
    ORDERS,
    TEXTS,
    Checked,
    CheckoutExists,
    Compare,
    Contains,
    DomainIn,
    Equal,
    Every,
    IsSet,
    Leaf,
    Opposite,
    Some,
)
from target_contactdb.conditions.phones import part_of_number, whole_number
from target_contactdb.conditions.words import fold
from target_contactdb.fields import FieldType

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from target_contactdb.conditions.fields import Known

    Predicate = Callable[[t.Any], bool]
    Read = Callable[[t.Any], t.Any]


def to_predicate(
    tree: Checked, reader: Callable[[Known], Read], has_checkout: Predicate = lambda _record: False
) -> Predicate:
    """Compile a condition.

    Args:
        tree: The checked condition.
        reader: For a field, returns what reads its value out of a record: None if it has none, else the type of the
            field (Decimal or int, date, aware datetime, bool, text, list); for a field of many values a list of them.
        has_checkout: Tells whether a record has a checkout.
    """
    match tree:
        case Every(parts):
            return _every([to_predicate(part, reader, has_checkout) for part in parts])
        case Some(parts):
            return _some([to_predicate(part, reader, has_checkout) for part in parts])
        case Opposite(part):
            return _opposite(to_predicate(part, reader, has_checkout))
        case CheckoutExists():
            return has_checkout
        case _:
            return _leaf(tree, reader(tree.field))


def _every(parts: list[Predicate]) -> Predicate:
    if len(parts) == 2:
        first, second = parts
        return lambda record: first(record) and second(record)
    return lambda record: all(part(record) for part in parts)


def _some(parts: list[Predicate]) -> Predicate:
    if len(parts) == 2:
        first, second = parts
        return lambda record: first(record) or second(record)
    return lambda record: any(part(record) for part in parts)


def _opposite(part: Predicate) -> Predicate:
    return lambda record: not part(record)


def _leaf(leaf: Leaf, read: Read) -> Predicate:
    holds = _of_value(leaf)
    if leaf.field.many:
        return lambda record: any(value is not None and holds(value) for value in read(record) or ())

    def test(record: t.Any) -> bool:
        value = read(record)
        return value is not None and holds(value)

    return test


def _of_value(leaf: Leaf) -> Callable[[t.Any], bool]:
    """Return what tests one value that is not None."""
    match leaf:
        case Equal(field, values):
            return _equal(field, values)
        case Compare(_field, order, limit):
            compare = ORDERS[order]
            return lambda value: compare(value, limit)
        case Contains(field, text):
            looked_at = part_of_number if field.type is FieldType.PHONE else fold
            return lambda value: text in looked_at(value)
        case DomainIn(_field, domains):
            endings = tuple(f"@{domain}" for domain in domains)
            return lambda value: fold(value).endswith(endings)
        case IsSet(field):
            return _is_set(field)


def _equal(field: Known, values: tuple[t.Any, ...]) -> Callable[[t.Any], bool]:
    wanted = frozenset(values)
    if field.type is FieldType.LIST:
        return lambda value: any(isinstance(item, str) and fold(item) in wanted for item in value)
    if field.type in TEXTS and not field.choices:
        compared = whole_number if field.type is FieldType.PHONE else fold
        return lambda value: compared(value) in wanted
    return lambda value: value in wanted


def _is_set(field: Known) -> Callable[[t.Any], bool]:
    if field.type in TEXTS:
        return lambda value: bool(value.strip(" "))
    if field.type in {FieldType.LIST, FieldType.JSON}:
        return lambda value: len(value) > 0
    return lambda _value: True
