"""How values are written for people."""

from __future__ import annotations

import datetime as dt
import json
import re
import typing as t
from decimal import Decimal

NOTHING: t.Final = "-"

CHANNEL_TITLES: t.Final = {"email": "E-mail", "sms": "SMS"}

SOURCES: t.Final = {
    "import": "Shopify, by an import",
    "person": "the person",
    "protected": "a protected cause",
}

# A value of a store must not move the cursor or colour the terminal.
_CONTROL: t.Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_MINUTE: t.Final = 60
_HOUR: t.Final = 3600


def moment(value: dt.datetime | None, *, seconds: bool = True) -> str:
    """Return a time, UTC, to the second or to the minute."""
    if value is None:
        return NOTHING
    return value.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def duration(seconds: float | None) -> str:
    """Return how long something took."""
    if seconds is None:
        return NOTHING
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if seconds < _HOUR:
        return f"{minutes} min {rest} s"
    return f"{minutes // _MINUTE} h {minutes % _MINUTE} min"


def amount(value: Decimal) -> str:
    """Return an exact amount: at least two decimals, and no more than it needs."""
    whole, _, decimals = format(value, "f").partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def price(value: Decimal | None, currency: str | None) -> str:
    """Return an amount of money with its currency."""
    if value is None:
        return NOTHING
    return f"{amount(value)} {currency}" if currency else amount(value)


def shown(value: t.Any) -> str:
    """Return the value of a contact field; empty text for an empty one."""
    match value:
        case None | "" | [] | {}:
            return ""
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return amount(value)
        case dt.datetime():
            return moment(value)
        case list() if all(isinstance(item, str) for item in value):
            return safe(", ".join(value))
        case list() | dict():
            return safe(json.dumps(value, ensure_ascii=False))
        case _:
            return safe(str(value))


def safe(text: str) -> str:
    """Return text without characters that a terminal obeys; line breaks stay."""
    return _CONTROL.sub(" ", text.replace("\r\n", "\n"))


def source_words(source: str | None, *, changed_elsewhere: bool = False) -> str:
    """Return who a status comes from."""
    if changed_elsewhere:
        return "another program, not yet seen by an import"
    return SOURCES.get(source or "", NOTHING)
