"""JSON that every engine holds: no null characters, and no number whose digits would fill the memory."""

from __future__ import annotations

import typing as t
from decimal import Decimal

if t.TYPE_CHECKING:
    from collections.abc import Callable

_MOST_DIGITS: t.Final = 1000


def _is_huge(number: Decimal) -> bool:
    # `1e9999999` is short, but its digits would fill the memory.
    return number.is_finite() and abs(number.adjusted()) > _MOST_DIGITS


def bounded(number: Decimal) -> Decimal:
    """Return a number that can be written in digits.

    Raises:
        ValueError: There would be too many of them.
    """
    if _is_huge(number):
        msg = "is a number with too many digits"
        raise ValueError(msg)
    return number


def cleaned(value: t.Any, number: Callable[[Decimal], t.Any] = bounded) -> t.Any:
    """Return a list or an object as every engine holds it: PostgreSQL has no null character in texts and names.

    Args:
        value: Any JSON.
        number: What is made of a number with a point or an exponent.

    Raises:
        ValueError: `number` does; by itself, where a number has too many digits to be written.
    """
    if isinstance(value, str):
        return value.replace("\x00", "") if "\x00" in value else value
    if isinstance(value, dict):
        return {cleaned(name): cleaned(one, number) for name, one in value.items()}
    if isinstance(value, list):
        return [cleaned(one, number) for one in value]
    return number(value) if isinstance(value, Decimal) else value


def storable(value: t.Any) -> t.Any:
    """Return any JSON as every engine holds it; a number with too many digits becomes text."""
    return cleaned(value, lambda number: str(number) if _is_huge(number) else number)
