"""The reports over the contact database of `reported.py`, worked out by hand; what is zero is left out."""

from __future__ import annotations

import typing as t

from tests.end_to_end.expected import Row
from tests.end_to_end.reported import OTHER_SHOP, SHOP


def _audience(channel: str, percentage: str, **parts: int) -> Row:
    return {"channel": channel, "contacts": 8, "contactable_percentage": percentage} | parts


def _coverage(channel: str, country: str, locale: str, percentage: str | None, contacts: int, **parts: int) -> Row:
    group = {"channel": channel, "country_code": country, "locale": locale}
    return group | {"contacts": contacts, "subscribed_percentage": percentage} | parts


def _opt_outs(day: str, channel: str, cause: str, source: str, **numbers: int) -> Row:
    return {"day": day, "channel": channel, "cause": cause, "source": source} | numbers


# Of the four checkouts of one day two were completed; the customer of a third has ordered since, and that of the fourth
# has completed one of the two.
_FOUR: Row = {
    "checkouts": 4,
    "completed": 2,
    "ordered_since": 2,
    "recovery_percentage": "100",
    "value": "20.2999",
    "completed_value": "0.3",
    "ordered_since_value": "19.9999",
}


def _open(checkouts: int, value: str) -> Row:
    return {"checkouts": checkouts, "still_open": checkouts, "value": value, "open_value": value}


def _by_day(day: str, shop: str, currency: str, **numbers: t.Any) -> Row:
    return {"day": day, "shop": shop, "currency": currency} | numbers


def _by_age(hours: int, age: str, shop: str, currency: str, **numbers: t.Any) -> Row:
    from_hours = {"age_from_hours": hours} if hours else {}
    return from_hours | {"age": age, "shop": shop, "currency": currency} | numbers


def _rfm(contact: int, orders: int, spent: str, currency: str, last: str | None, rfm: int) -> Row:
    recency, frequency, monetary = (int(digit) for digit in str(rfm))
    held = {"contact_id": contact, "orders": orders, "spent": spent, "currency": currency, "last_order_on": last}
    return held | {"recency": recency, "frequency": frequency, "monetary": monetary, "rfm": rfm}


def _health(day: str, shop: str, kind: str, **numbers: t.Any) -> Row:
    nothing = {"rejected_percentage": None, "read_up_to": None}
    return {"day": day, "shop": shop, "kind": kind, "imports": 1} | nothing | numbers


EXPECTED: t.Final[dict[str, list[Row]]] = {
    "contactable_audience": [
        _audience(
            "email",
            "37.5",
            without_address=2,
            unsubscribed_by_import=1,
            unsubscribed_by_person=1,
            suppressed=1,
            contactable=3,
        ),
        _audience("sms", "12.5", without_address=5, unsubscribed_by_person=1, protected=1, contactable=1),
    ],
    "consent_coverage": [
        _coverage("email", "DE", "de", "60", 5, with_address=5, subscribed=3, unsubscribed=2, contactable=2),
        _coverage("email", "US", "en", "100", 2, with_address=1, subscribed=1, contactable=1),
        _coverage("email", "unknown", "unknown", None, 1),
        _coverage("sms", "DE", "de", "50", 5, with_address=2, subscribed=1, unsubscribed=1, contactable=1),
        _coverage("sms", "US", "en", None, 2),
        _coverage("sms", "unknown", "unknown", None, 1),
    ],
    "opt_outs_by_cause": [
        _opt_outs(
            "2026-11-01",
            "email",
            "Shopify - no marketing consent",
            "import",
            unsubscribed=2,
            arrived_unsubscribed=2,
        ),
        _opt_outs(
            "2026-11-01", "email", "Shopify - opted out", "import", unsubscribed=1, opt_outs=1, left_subscribed=1
        ),
        _opt_outs("2026-11-02", "sms", "hard bounce", "protected", unsubscribed=1, opt_outs=1, arrived_unsubscribed=1),
        _opt_outs("2026-11-03", "email", "unknown", "person", unsubscribed=1, opt_outs=1, left_subscribed=1),
    ],
    "abandoned_value_by_day": [
        _by_day("2026-08-01", SHOP, "USD", **_open(1, "70")),
        _by_day(
            "2026-11-01",
            SHOP,
            "EUR",
            **_FOUR,
            completed_within_an_hour=1,
            completed_within_a_day=1,
            completed_within_a_week=2,
        ),
        _by_day("2026-11-05", OTHER_SHOP, "unknown", **_open(1, "8")),
        _by_day("2026-11-10", SHOP, "EUR", **_open(2, "101")),
    ],
    "abandoned_value_by_age": [
        _by_age(0, "under 1 hour", SHOP, "EUR", **_open(1, "100")),
        _by_age(1, "1 to 24 hours", SHOP, "EUR", **_open(1, "1")),
        _by_age(24, "1 to 3 days", OTHER_SHOP, "unknown", **_open(1, "8")),
        _by_age(168, "7 to 30 days", SHOP, "EUR", **_FOUR),
        _by_age(2160, "90 days and more", SHOP, "USD", **_open(1, "70")),
    ],
    # Six have ordered, five of them in euros. The two of one day, and the three with one order, share a fifth.
    "contact_rfm": [
        _rfm(1, 1, "10.1", "EUR", "2026-01-05", 111),
        _rfm(2, 1, "20.2", "EUR", "2026-02-01", 212),
        _rfm(3, 2, "30.3", "EUR", "2026-03-01", 333),
        _rfm(4, 3, "40.4", "EUR", "2026-03-01", 344),
        _rfm(5, 9, "9999999.9999", "EUR", "2026-10-31", 555),
        _rfm(8, 1, "5", "USD", None, 111),
    ],
    "import_health": [
        _health(
            "2025-01-01",
            OTHER_SHOP,
            "customers",
            completed=1,
            longest_seconds=9,
            read_up_to="2025-01-01 00:00:00.000000",
        ),
        _health(
            "2026-11-09",
            SHOP,
            "customers",
            imports=2,
            completed=1,
            not_completed=1,
            records_read=8,
            inserted=3,
            updated=1,
            unchanged=2,
            discarded=1,
            rejected=1,
            rejected_percentage="12.5",
            subscribed=2,
            unsubscribed=1,
            restored=1,
            longest_seconds=61,
            read_up_to="2026-11-09 23:50:00.000000",
        ),
        _health(
            "2026-11-10",
            SHOP,
            "checkouts",
            completed=1,
            longest_seconds=60,
            read_up_to="2026-11-10 12:00:00.000000",
        ),
        _health("2026-11-10", SHOP, "consents", paused=1),
        # It still runs.
        _health("2026-11-10", SHOP, "customers", longest_seconds=None),
    ],
}
