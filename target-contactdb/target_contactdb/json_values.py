"""JSON that every engine holds: no null characters, no depths, and no number whose digits would fill the memory."""

from __future__ import annotations

import typing as t
from decimal import Decimal

import msgspec

if t.TYPE_CHECKING:
    from collections.abc import Callable

_ENCODER: t.Final = msgspec.json.Encoder(decimal_format="number")

MOST_DIGITS: t.Final = 300
"""How many digits a number may have. MySQL holds those of JSON only as far as a `double` goes."""

MOST_LEVELS: t.Final = 30
"""How many levels a value may have. MariaDB holds 31, and a record that is kept is one around its values."""


def _is_huge(number: Decimal) -> bool:
    # `1e9999999` is short, but its digits would fill the memory.
    return not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS


def bounded(number: Decimal) -> Decimal:
    """Return a number that can be written in digits.

    Raises:
        ValueError: There would be too many of them.
    """
    if _is_huge(number):
        msg = "is a number with too many digits"
        raise ValueError(msg)
    return number


def cleaned(value: t.Any, number: Callable[[Decimal], t.Any] = bounded, levels: int = MOST_LEVELS) -> t.Any:
    """Return a list or an object as every engine holds it: PostgreSQL has no null character in texts and names.

    Args:
        value: Any JSON.
        number: What is made of a number with a point or an exponent, or with very many digits.
        levels: How many levels of lists and objects it may have.

    Raises:
        ValueError: It has more levels, or `number` does; by itself, where a number has too many digits to be written.
    """
    if isinstance(value, str):
        return value.replace("\x00", "") if "\x00" in value else value
    if isinstance(value, dict | list) and not levels:
        msg = f"has more than {MOST_LEVELS} levels of lists and objects in each other"
        raise ValueError(msg)
    if isinstance(value, dict):
        return {cleaned(name): cleaned(one, number, levels - 1) for name, one in value.items()}
    if isinstance(value, list):
        return [cleaned(one, number, levels - 1) for one in value]
    # Its bits are known at once, and are more than its digits: whether those are too many, `number` says.
    if isinstance(value, int) and value.bit_length() > MOST_DIGITS:
        return number(Decimal(value))
    return number(value) if isinstance(value, Decimal) else value


def storable(value: t.Any) -> t.Any:
    """Return any JSON as every engine holds it.

    A number with too many digits becomes text, and so does what has too many levels: of an object, each such property.
    """
    if isinstance(value, dict):
        return {cleaned(name): _storable(one) for name, one in value.items()}
    return _storable(value)


def _storable(value: t.Any) -> t.Any:
    try:
        return cleaned(value, _in_digits)
    except ValueError:
        return _ENCODER.encode(value).decode()


def _in_digits(number: Decimal) -> Decimal | str:
    return str(number) if _is_huge(number) else number
