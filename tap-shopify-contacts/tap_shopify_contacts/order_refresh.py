"""Customers whose orders changed although they themselves did not: what to look for, and from when on. Pure.

Shopify recomputes a customer's number of orders, amount spent and last order without moving `updatedAt`. Such customers
are found by the dates of their orders. State holds how far orders have been followed as `orders_since`, and leaves it
out where that is the bookmark itself.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta

from tap_shopify_contacts.documents import updated_between
from tap_shopify_contacts.fields import Field
from tap_shopify_contacts.times import format_instant

ORDERS_SINCE = "orders_since"
"""Key of the state."""

_BEGINNING = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_FROM_ORDERS = ("numberOfOrders", "amountSpent", "lastOrder")


def follows_orders(fields: t.Iterable[Field], version: str) -> bool:
    """Say whether any of the fields changes with a customer's orders."""
    paths = (path for field in fields for path in field.asked_paths(version))
    return any(path.partition(".")[0] in _FROM_ORDERS for path in paths)


def ordered_since(since: datetime, lookback: timedelta, *, read_from: datetime, start_date: datetime | None) -> str:
    """Return the search filter for those who ordered since a time and were last changed before `read_from`.

    Who was changed at or after that time comes with the windows, of this run or of the next one. The lookback is that
    of the windows, since Shopify's figures come late too.
    """
    earliest = start_date or _BEGINNING
    return f"order_date:>='{format_instant(since - lookback)}' AND {updated_between(earliest, read_from)}"
