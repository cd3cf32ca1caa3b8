"""What a record of the checkout stream says, read strictly. Pure: a record in, values or a reason out."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.fields import CONVERTERS, FieldType, to_datetime, to_decimal, to_integer
from target_contactdb.records import ADDRESS_PROPERTY, RecordError, content_hash, field_value, required
from target_contactdb.tables import checkout_lines, checkouts
from target_contactdb.types import Json, Money, UtcDateTime

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from target_contactdb.records import Record

_OWN: t.Final = frozenset({"shop", "contact_id", "content_hash", "last_operation_id", "checkout_id", "position"})
CHECKOUT_NAMES: t.Final = tuple(column.name for column in checkouts.columns if column.name not in _OWN)
"""The columns of `checkouts` that a record fills."""

LINE_NAMES: t.Final = tuple(column.name for column in checkout_lines.columns if column.name not in _OWN)
"""The columns of `checkout_lines` that a line of a record fills."""

_REQUIRED: t.Final = frozenset({"id", "created_at", "updated_at"})


def _converter(column: sa.Column[t.Any]) -> Callable[[t.Any], t.Any]:
    kind = column.type
    if isinstance(kind, UtcDateTime):
        return to_datetime
    if isinstance(kind, Money):
        return to_decimal
    if isinstance(kind, Json):
        return CONVERTERS[FieldType.JSON]
    if isinstance(kind, sa.Boolean):
        return CONVERTERS[FieldType.BOOLEAN]
    if isinstance(kind, sa.Integer):
        return to_integer if isinstance(kind, sa.BigInteger) else _to_small_integer
    longest = kind.length if isinstance(kind, sa.String) else None
    return CONVERTERS[FieldType.TEXT] if longest is None else _to_text_of(longest)


def _to_small_integer(value: t.Any) -> int:
    number = to_integer(value)
    if not -(2**31) <= number < 2**31:
        msg = "is too large"
        raise ValueError(msg)
    return number


def _to_text_of(longest: int) -> Callable[[t.Any], str]:
    """Return what converts to text that a column of this many characters holds."""

    def convert(value: t.Any) -> str:
        text: str = CONVERTERS[FieldType.TEXT](value)
        if len(text) > longest:
            msg = f"is longer than {longest} characters"
            raise ValueError(msg)
        return text

    return convert


_CHECKOUT_CONVERTERS: t.Final = {name: _converter(checkouts.c[name]) for name in CHECKOUT_NAMES}
_LINE_CONVERTERS: t.Final = {name: _converter(checkout_lines.c[name]) for name in LINE_NAMES}


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout record, read.

    Attributes:
        position: Its place in the batch.
        values: By column of `checkouts`.
        lines: By position, the values in the order of the columns of `checkout_lines`.
        content_hash: Hash of both.
    """

    position: int
    values: dict[str, t.Any]
    lines: tuple[tuple[t.Any, ...], ...]
    content_hash: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A checkout record that cannot be taken in.

    Attributes:
        position: Its place in the batch.
        record: The record.
        reason: Why; it names fields, never values.
    """

    position: int
    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a checkout record names, as far as that can be read.

    Attributes:
        customer_id: Its customer.
        addresses: By channel, the address that the customer gave.
    """

    customer_id: int | None
    addresses: Mapping[str, str | None]

    @classmethod
    def by(cls, values: Mapping[str, t.Any]) -> Named:
        """Return whom the values of a checkout name, those of a record that cannot be read among them."""

        def read(name: str, convert: Callable[[t.Any], t.Any]) -> t.Any:
            try:
                return field_value(name, convert, values.get(name))
            except RecordError:
                return None

        text = CONVERTERS[FieldType.TEXT]
        addresses = {channel: read(f"customer_{name}", text) for channel, name in ADDRESS_PROPERTY.items()}
        return cls(read("customer_id", to_integer), addresses)


def read_checkout(record: Record, position: int) -> Checkout:
    """Read a record of the checkout stream.

    Raises:
        RecordError: It cannot be taken in.
    """
    values = {
        name: required(record, name, convert) if name in _REQUIRED else field_value(name, convert, record.get(name))
        for name, convert in _CHECKOUT_CONVERTERS.items()
    }
    items = record.get("line_items") or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        msg = "field `line_items` is not a list of objects"
        raise RecordError(msg)
    lines = tuple(
        tuple(
            field_value(f"line_items[{number}].{name}", convert, item.get(name))
            for name, convert in _LINE_CONVERTERS.items()
        )
        for number, item in enumerate(items)
    )
    return Checkout(position, values, lines, content_hash(values, lines))
