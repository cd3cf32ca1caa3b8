"""How Shopify's values become values of a record."""

from __future__ import annotations

import typing as t
from decimal import ROUND_HALF_UP, Decimal

from tap_shopify_contacts.times import format_instant, parse_instant

_FOUR_PLACES = Decimal("0.0001")
_INSTANT_LENGTH = len("2026-01-01T00:00:00Z")


def whole_number(value: str | int | None) -> int | None:
    """Read an integer. Shopify writes 64-bit ones as text."""
    return None if value is None else int(value)


def money(value: str | None) -> Decimal | None:
    """Read an amount exactly as it is written."""
    return None if value is None else Decimal(value)


def instant(value: str | None) -> str | None:
    """Return a time in the one written form.

    Raises:
        ValueError: If the text is not a time.
    """
    # Shopify's own form is already right; parsing each of a record's ten times would be the dearest step of all.
    if value is None or (len(value) == _INSTANT_LENGTH and value[10] == "T" and value[-1] == "Z"):
        return value
    return format_instant(parse_instant(value))


def global_id(value: str | None) -> int | None:
    """Return the number of a global id such as `gid://shopify/Order/1?key=value`.

    Raises:
        ValueError: If it does not end in a number.
    """
    return None if value is None else int(value.partition("?")[0].rpartition("/")[2])


def sms_state(value: str | None) -> str | None:
    """Return the consent state by the one name that every version and channel shares.

    Since 2026-10 Shopify says NEVER_SUBSCRIBED on the phone for what it calls NOT_SUBSCRIBED elsewhere.
    """
    return "NOT_SUBSCRIBED" if value == "NEVER_SUBSCRIBED" else value


def email_state(state: str | None, older_state: str | None) -> str | None:
    """Return the e-mail consent state.

    Only the older field has REDACTED among its values, so an erased person may be told by it alone.
    """
    return older_state if older_state == "REDACTED" else state


def average_amount(total: str | None, orders: str | int | None) -> Decimal | None:
    """Return the total divided by the number of orders, rounded half up to four places; null without orders."""
    count = int(orders or 0)
    if total is None or count == 0:
        return None
    return (Decimal(total) / count).quantize(_FOUR_PLACES, ROUND_HALF_UP)


def total_quantity(quantities: t.Sequence[int]) -> int:
    """Return the sum of the quantities of a checkout's lines."""
    return sum(quantities)


def attributes(pairs: t.Sequence[t.Mapping[str, t.Any]] | None) -> list[dict[str, t.Any]]:
    """Return custom attributes as key and value, in Shopify's order."""
    return [{"key": pair["key"], "value": pair.get("value")} for pair in pairs or ()]
