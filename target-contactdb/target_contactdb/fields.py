"""Contact fields: their types, and the strict conversion of a stream's values into them."""

from __future__ import annotations

import datetime as dt
import enum
import re
import typing as t
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import sqlalchemy as sa

from target_contactdb.json_values import bounded, cleaned
from target_contactdb.types import Json, LongText, Money, UtcDateTime

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAME: t.Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


class FieldType(enum.StrEnum):
    """The type of a contact field."""

    TEXT = "text"
    EMAIL = "email"
    PHONE = "phone"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    LIST = "list"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class ContactField:
    """One column of `contacts` that the user defines.

    Attributes:
        name: Column name.
        type: What it holds.
        label: The name that people see.
        choices: The allowed values, for type choice.
    """

    name: str
    type: FieldType
    label: str = ""
    choices: tuple[str, ...] = ()

    def column(self) -> sa.Column[t.Any]:
        """Return a new column for this field, not attached to a table."""
        return sa.Column(self.name, _COLUMN_TYPES[self.type]())

    def convert(self, value: t.Any) -> t.Any:
        """Convert a value of a stream, strictly. None stays None.

        Raises:
            ValueError: The value does not fit; the text says why and does not repeat it.
        """
        if value is None:
            return None
        if self.type is FieldType.CHOICE:
            return _choice(value, self.choices)
        return CONVERTERS[self.type](value)


_COLUMN_TYPES: t.Final[Mapping[FieldType, type[t.Any]]] = {
    FieldType.TEXT: LongText,
    FieldType.EMAIL: LongText,
    FieldType.PHONE: LongText,
    FieldType.INTEGER: sa.BigInteger,
    FieldType.DECIMAL: Money,
    FieldType.DATE: sa.Date,
    FieldType.DATETIME: UtcDateTime,
    FieldType.BOOLEAN: sa.Boolean,
    FieldType.CHOICE: LongText,
    FieldType.LIST: Json,
    FieldType.JSON: Json,
}


def _text(value: t.Any) -> str:
    if isinstance(value, str):
        # PostgreSQL's text cannot hold the null character.
        return value.replace("\x00", "") if "\x00" in value else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(bounded(value), "f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dt.datetime):
        return value.isoformat()
    msg = "is not text"
    raise ValueError(msg)


def to_short_text(value: t.Any) -> str | None:
    """Convert text of at most 255 characters; white space around it does not count, and alone is nothing.

    Raises:
        ValueError: It is not text, or longer.
    """
    if not isinstance(value, str):
        msg = "is not text"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for one kind of problem
    text = _text(value).strip()
    if len(text) > 255:
        msg = "is longer than 255 characters"
        raise ValueError(msg)
    return text or None


def to_integer(value: t.Any) -> int:
    """Convert to a whole number of at most 64 bits.

    Raises:
        ValueError: It is not one.
    """
    if isinstance(value, bool):
        msg = "is a yes/no value, not a whole number"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for one kind of problem
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        msg = "is not a whole number"
        raise ValueError(msg)
    try:
        number = int(value) if isinstance(value, int | str) else _whole(value)
    except (ValueError, ArithmeticError, TypeError):
        msg = "is not a whole number"
        raise ValueError(msg) from None
    if not -(2**63) <= number < 2**63:
        msg = "does not fit into 64 bits"
        raise ValueError(msg)
    return number


def _whole(value: t.Any) -> int:
    number = bounded(Decimal(value))
    if number != number.to_integral_value():
        msg = "has decimals"
        raise ValueError(msg)
    return int(number)


_WHOLE: t.Final = re.compile(r"[+-]?[0-9]{1,40}")
_AMOUNT: t.Final = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,4})?")
_DAY: t.Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CENT_OF_CENT: t.Final = Decimal("0.0001")
_DECIMAL_LIMIT: t.Final = Decimal(10) ** 15


def to_decimal(value: t.Any) -> Decimal:
    """Convert to an exact amount that NUMERIC(19,4) holds as it is.

    Raises:
        ValueError: It is not a number, or it would have to be rounded.
    """
    try:
        if isinstance(value, bool | float):
            msg = "is not an exact number"
            raise ValueError(msg)  # noqa: TRY004 - one kind of error for one kind of problem
        if isinstance(value, str) and not _AMOUNT.fullmatch(value):
            msg = "is not a number"
            raise ValueError(msg)
        number = bounded(Decimal(value))
        fits = number.is_finite() and abs(number) < _DECIMAL_LIMIT and number == number.quantize(_CENT_OF_CENT)
    except (InvalidOperation, TypeError):
        msg = "is not a number"
        raise ValueError(msg) from None
    if not fits:
        msg = "does not fit into NUMERIC(19,4)"
        raise ValueError(msg)
    return number


def to_datetime(value: t.Any) -> dt.datetime:
    """Convert ISO 8601 text or a datetime to UTC; a time without a zone is UTC already.

    The day is written as `2026-11-24`; weeks and days of the year are refused.

    Raises:
        ValueError: It is not a moment, or one that in UTC lies before the year 1 or after the year 9999.
    """
    if isinstance(value, str):
        value = _parsed(value, dt.datetime.fromisoformat, "is not an ISO 8601 time")
    if not isinstance(value, dt.datetime):
        msg = "is not a time"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for one kind of problem
    try:
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)
    except OverflowError:
        msg = "is a time that no calendar holds in UTC"
        raise ValueError(msg) from None


_Parsed = t.TypeVar("_Parsed")


def _parsed(text: str, parse: Callable[[str], _Parsed], problem: str) -> _Parsed:
    if not text.strip():
        problem = f"is empty text, which {problem}"
    elif _DAY.match(text):
        try:
            return parse(text)
        except ValueError:
            raise ValueError(problem) from None
    raise ValueError(problem)


def _date(value: t.Any) -> dt.date:
    if isinstance(value, str) and len(value) <= 10:
        return _parsed(value, dt.date.fromisoformat, "is not an ISO 8601 date")
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    return to_datetime(value).date()


def _boolean(value: t.Any) -> bool:
    if isinstance(value, bool):
        return value
    msg = "is not true or false"
    raise ValueError(msg)


def _list(value: t.Any) -> list[t.Any]:
    if isinstance(value, list):
        return t.cast("list[t.Any]", cleaned(value))
    msg = "is not a list"
    raise ValueError(msg)


def _json(value: t.Any) -> t.Any:
    if isinstance(value, dict | list):
        return cleaned(value)
    msg = "is not an object or a list"
    raise ValueError(msg)


def _choice(value: t.Any, choices: tuple[str, ...]) -> str:
    text = _text(value)
    if text not in choices:
        msg = "is not one of the field's choices"
        raise ValueError(msg)
    return text


CONVERTERS: t.Final[Mapping[FieldType, Callable[[t.Any], t.Any]]] = {
    FieldType.TEXT: _text,
    FieldType.EMAIL: to_short_text,
    FieldType.PHONE: to_short_text,
    FieldType.INTEGER: to_integer,
    FieldType.DECIMAL: to_decimal,
    FieldType.DATE: _date,
    FieldType.DATETIME: to_datetime,
    FieldType.BOOLEAN: _boolean,
    FieldType.LIST: _list,
    FieldType.JSON: _json,
}

_NATURAL: t.Final[Mapping[str, FieldType]] = {
    "integer": FieldType.INTEGER,
    "number": FieldType.DECIMAL,
    "boolean": FieldType.BOOLEAN,
    "array": FieldType.LIST,
    "object": FieldType.JSON,
}

# Which field types can hold every value of a natural type, or check it strictly.
HOLDS: t.Final[Mapping[FieldType, frozenset[FieldType]]] = {
    FieldType.TEXT: frozenset({FieldType.TEXT, FieldType.EMAIL, FieldType.PHONE, FieldType.CHOICE}),
    FieldType.EMAIL: frozenset({FieldType.EMAIL, FieldType.TEXT}),
    FieldType.PHONE: frozenset({FieldType.PHONE, FieldType.TEXT}),
    FieldType.INTEGER: frozenset({FieldType.INTEGER, FieldType.DECIMAL, FieldType.TEXT, FieldType.CHOICE}),
    FieldType.DECIMAL: frozenset({FieldType.DECIMAL, FieldType.TEXT}),
    FieldType.DATE: frozenset({FieldType.DATE, FieldType.TEXT}),
    FieldType.DATETIME: frozenset({FieldType.DATETIME, FieldType.DATE, FieldType.TEXT}),
    FieldType.BOOLEAN: frozenset({FieldType.BOOLEAN, FieldType.TEXT, FieldType.CHOICE}),
    FieldType.LIST: frozenset({FieldType.LIST, FieldType.JSON}),
    FieldType.JSON: frozenset({FieldType.JSON}),
}


def natural_type(name: str, schema: Mapping[str, t.Any]) -> FieldType:
    """Return the field type that a property of a stream's schema has by itself.

    Args:
        name: The property's name: `email` and `phone` are addresses.
        schema: Its JSON schema.
    """
    declared = schema.get("type", "string")
    kinds = {declared} if isinstance(declared, str) else set(declared)
    for kind, field_type in _NATURAL.items():
        if kind in kinds:
            return field_type
    if schema.get("format") in {"date-time", "date"}:
        return FieldType.DATETIME if schema["format"] == "date-time" else FieldType.DATE
    return {"email": FieldType.EMAIL, "phone": FieldType.PHONE}.get(name, FieldType.TEXT)
