"""The tree of a condition, checked: fields that exist, values of their types, and six questions in all.

Each leaf is true or false. What the other operators mean is said in these: `ne` is not `Equal`, a day is two
`Compare`, and so on.
"""

from __future__ import annotations

import datetime as dt
import operator
import typing as t
from dataclasses import dataclass
from decimal import Decimal

from target_contactdb.fields import FieldType

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from target_contactdb.conditions.fields import Known

Ordered: t.TypeAlias = "Decimal | dt.date | dt.datetime"
Order: t.TypeAlias = "t.Literal['gt', 'gte', 'lt', 'lte']"

ORDERS: t.Final[Mapping[Order, Callable[[t.Any, t.Any], t.Any]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
"""What an order means, of values in Python and of columns in SQL alike."""

TEXTS: t.Final = frozenset({FieldType.TEXT, FieldType.EMAIL, FieldType.PHONE, FieldType.CHOICE})
"""The types whose values are text."""


@dataclass(frozen=True, slots=True)
class Equal:
    """The field equals one of the values; a list has one of them.

    Text is folded, a phone number has no marks in it, choices are spelled as declared.
    """

    field: Known
    values: tuple[t.Any, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """The field is set, and greater or less than the value."""

    field: Known
    order: Order
    value: Ordered


@dataclass(frozen=True, slots=True)
class Contains:
    """The text has the folded text in it; that of a phone number has no marks in it but the plus."""

    field: Known
    text: str


@dataclass(frozen=True, slots=True)
class DomainIn:
    """The address ends in `@` and one of the folded domains."""

    field: Known
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IsSet:
    """The field is not empty."""

    field: Known


@dataclass(frozen=True, slots=True)
class CheckoutExists:
    """The contact has a last checkout."""


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold."""

    parts: tuple[Checked, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds."""

    parts: tuple[Checked, ...]


@dataclass(frozen=True, slots=True)
class Opposite:
    """The part does not hold."""

    part: Checked


Leaf: t.TypeAlias = "Equal | Compare | Contains | DomainIn | IsSet"
Checked: t.TypeAlias = "Leaf | CheckoutExists | Every | Some | Opposite"


def fields_of(tree: Checked) -> Iterator[Known]:
    """Yield every field that a condition asks about."""
    match tree:
        case Every(parts) | Some(parts):
            for part in parts:
                yield from fields_of(part)
        case Opposite(part):
            yield from fields_of(part)
        case CheckoutExists():
            return
        case _:
            yield tree.field


def asks_for_checkout(tree: Checked) -> bool:
    """Tell whether a condition asks whether there is a checkout."""
    match tree:
        case Every(parts) | Some(parts):
            return any(asks_for_checkout(part) for part in parts)
        case Opposite(part):
            return asks_for_checkout(part)
        case _:
            return isinstance(tree, CheckoutExists)
