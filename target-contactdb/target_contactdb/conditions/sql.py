"""A checked condition as one SQL expression: values are bound, never written into the statement.

An expression may also be NULL, which means false; `Opposite` is the one place that has to mind it.
"""

from __future__ import annotations

import re
import typing as t
from decimal import Decimal

import sqlalchemy as sa

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
from target_contactdb.conditions.engines import (
    ending,
    folded,
    has_content,
    has_element,
    has_part,
    part_of_number,
    whole_number,
)
from target_contactdb.fields import FieldType
from target_contactdb.types import Money

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from target_contactdb.conditions.fields import Known

    Truth = sa.ColumnElement[bool]

_LETTER: t.Final = re.compile("[a-z]")


class Columns(t.Protocol):
    """Where the fields of a condition are in a statement."""

    def test(self, field: Known, build: Callable[[sa.ColumnElement[t.Any]], Truth]) -> Truth:
        """Return the test of a field.

        Args:
            field: The field.
            build: Makes the test of one column; of a field of many values, it must hold for one of them.
        """

    def has_checkout(self) -> Truth:
        """Return whether the contact has a last checkout."""


def to_sql(tree: Checked, columns: Columns) -> Truth:
    """Compile a condition for a WHERE clause.

    Args:
        tree: The checked condition.
        columns: Where its fields are.
    """
    match tree:
        case Every(parts):
            return sa.and_(*(to_sql(part, columns) for part in parts))
        case Some(parts):
            return sa.or_(*(to_sql(part, columns) for part in parts))
        case Opposite(part):
            return sa.not_(sa.func.coalesce(to_sql(part, columns), sa.false()))
        case CheckoutExists():
            return columns.has_checkout()
        case _:
            return columns.test(tree.field, lambda column: _leaf(tree, column))


def _leaf(leaf: Leaf, column: sa.ColumnElement[t.Any]) -> Truth:
    match leaf:
        case Equal(field, values):
            return _equal(field, column, values)
        case Compare(_field, order, limit):
            truth: Truth = ORDERS[order](column, _bound(limit))
            return truth
        case Contains(field, text):
            looked_at = folded(column)
            return has_part(part_of_number(looked_at) if field.type is FieldType.PHONE else looked_at, text)
        case DomainIn(_field, domains):
            address = folded(column)
            return sa.or_(*(ending(address, sa.literal(len(domain) + 1)) == f"@{domain}" for domain in domains))
        case IsSet(field):
            return _is_set(field, column)


def _equal(field: Known, column: sa.ColumnElement[t.Any], values: tuple[t.Any, ...]) -> Truth:
    if field.type is FieldType.LIST:
        return has_element(column, *values)
    if field.type is FieldType.BOOLEAN:
        return column if values[0] else sa.not_(column)
    # Text without a letter that can be folded is compared as it is, which an index helps with.
    if field.type in TEXTS and not field.choices and any(_LETTER.search(value) for value in values):
        column = folded(column)
    if field.type is FieldType.PHONE:
        column = whole_number(column)
    return column.in_([_bound(value) for value in values])


def _is_set(field: Known, column: sa.ColumnElement[t.Any]) -> Truth:
    if field.type in TEXTS:
        return sa.func.trim(column) != ""
    if field.type in {FieldType.LIST, FieldType.JSON}:
        return has_content(column)
    return column.is_not(None)


def _bound(value: t.Any) -> t.Any:
    # A whole-number column is compared with the exact number too.
    return sa.literal(value, Money()) if isinstance(value, Decimal) else value
