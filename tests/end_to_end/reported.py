"""A small contact database, made up so that each report of transform/ can be worked out by hand."""

from __future__ import annotations

import datetime as dt
import typing as t
from decimal import Decimal

import sqlalchemy as sa

from target_contactdb import tables
from target_contactdb.database import open_database
from target_contactdb.engines import open_engine
from target_contactdb.fields import ContactField, FieldType

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHOP, OTHER_SHOP = "one.example", "two.example"

FIELDS = (
    ContactField("country_code", FieldType.TEXT),
    ContactField("locale", FieldType.TEXT),
    ContactField("currency", FieldType.TEXT),
    ContactField("orders_count", FieldType.INTEGER),
    ContactField("orders_total_spent", FieldType.DECIMAL),
    ContactField("last_order_created_at", FieldType.DATETIME),
)
"""The contact fields that the reports read, under the names that they have without a mapping."""

RENAMED = {
    "country_code": ContactField("land", FieldType.CHOICE, choices=("DE", "US", " ")),
    "last_order_created_at": ContactField("ordered_on", FieldType.DATE),
}
"""Two of them under names and types of a user's own."""


def at(text: str) -> dt.datetime:
    """Return a moment, UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


LAST_OF_OTHER_SHOP = at("2025-01-01T00:00:09")


def write_reported(url: str, fields: Sequence[ContactField], renamed: Mapping[str, ContactField] | None = None) -> None:
    """Write contacts, checkouts and imports into a contact database, in place of those that are in it.

    Args:
        url: The database; it is made if need be.
        fields: The contact fields that it has. What another field would hold is left out.
        renamed: What a field is in this database, by the name that it has otherwise.
    """
    own = {field.name: (renamed or {}).get(field.name, field) for field in fields}
    engine = open_engine(url)
    contacts = open_database(engine, own.values()).contacts
    rows = {
        contacts: [_in_fields(row, own) for row in _contacts()],
        tables.contact_sources: _sources(),
        tables.suppressions: _suppressions(),
        tables.status_changes: _status_changes(),
        tables.checkouts: _checkouts(),
        tables.operations: _operations(),
    }
    with engine.begin() as connection:
        for table in reversed(rows):
            connection.execute(sa.delete(table))
        for table, written in rows.items():
            for row in written:
                connection.execute(sa.insert(table), row)
    engine.dispose()


def _in_fields(row: dict[str, t.Any], fields: Mapping[str, ContactField]) -> dict[str, t.Any]:
    """Return a contact as a database with these fields holds it."""
    held = {name: value for name, value in row.items() if name in tables.contacts.columns}
    return held | {field.name: field.convert(row.get(name)) for name, field in fields.items()}


def _contacts() -> list[dict[str, t.Any]]:
    """Eight contacts. A channel with a source of its status has an address, which is known by its hash."""
    german = {"country_code": "DE", "locale": "de", "currency": "EUR"}
    american = {"country_code": "US", "locale": "en", "currency": "USD"}
    people: list[dict[str, t.Any]] = [
        german | _email("subscribed", "import") | _orders(1, "10.10", "2026-01-05"),
        # The address is closed, and on the other channel it is open again.
        german | _email("subscribed", "import") | _sms("subscribed", "person") | _orders(1, "20.20", "2026-02-01"),
        german | _email("unsubscribed", "import") | _orders(2, "30.30", "2026-03-01T00:00:00"),
        german
        | _email("unsubscribed", "person")
        | _sms("unsubscribed", "protected")
        | _orders(3, "40.40", "2026-03-01T23:59:59.999999"),
        german | _email("subscribed", "import") | _orders(9, "9999999.9999", "2026-10-31T23:30:00"),
        # Written by another program, which says nothing of a source.
        american | {"email_status": "subscribed", "sms_status": "unsubscribed"} | _orders(0, None, None),
        {"country_code": " "},
        # The last order is older than the app may read.
        american | _email("subscribed", "person") | _orders(1, "5", None),
    ]
    times = {"created_at": at("2026-10-01"), "updated_at": at("2026-10-01")}
    return [
        {"contact_id": number} | times | person | _hashes(number, person)
        for number, person in enumerate(people, start=1)
    ]


def _hashes(number: int, person: dict[str, t.Any]) -> dict[str, str]:
    with_address = [channel for channel in tables.CHANNELS if f"{channel}_status_source" in person]
    return {f"{channel}_address_hash": f"{channel} {number}" for channel in with_address}


def _email(status: str, source: str) -> dict[str, t.Any]:
    return {"email_status": status, "email_status_source": source}


def _sms(status: str, source: str) -> dict[str, t.Any]:
    return {"sms_status": status, "sms_status_source": source}


def _orders(count: int, spent: str | None, last: str | None) -> dict[str, t.Any]:
    return {
        "orders_count": count,
        "orders_total_spent": None if spent is None else Decimal(spent),
        "last_order_created_at": None if last is None else at(last),
    }


def _sources() -> list[dict[str, t.Any]]:
    """Two customers: one ordered at the very moment of a checkout, the other just before one."""
    common = {"shop": SHOP, "owned": True, "first_seen_at": at("2026-10-01")}
    return [
        {**common, "customer_id": 1, "contact_id": 1, "last_order_at": at("2026-11-01T09:00")},
        {**common, "customer_id": 2, "contact_id": 2, "last_order_at": at("2026-11-01T07:59:59.999999")},
    ]


def _suppressions() -> list[dict[str, t.Any]]:
    """Contact 2's addresses: one closed, one opened again."""
    common = {"cause": "complaint", "source": "protected", "at": at("2026-10-02")}
    return [
        {**common, "channel": "email", "address_hash": "email 2", "lifted_at": None},
        {**common, "channel": "sms", "address_hash": "sms 2", "lifted_at": at("2026-10-03")},
        # Nobody's, and the address of another channel.
        {**common, "channel": "sms", "address_hash": "email 1", "lifted_at": None},
    ]


def _status_changes() -> list[dict[str, t.Any]]:
    """Who became unsubscribed, and one who did not."""
    known = {"change": "unsubscribed", "from": None, "to": "unsubscribed", "source": "import", "evidence": "-"}
    never = known | {"channel": "email", "cause": "Shopify - no marketing consent", "acted_at": at("2026-11-01T12:00")}
    written = {"written_at": at("2026-11-03")}
    left = known | written | {"from": "subscribed", "channel": "email"}
    return [
        never | written | {"contact_id": 6},
        never | written | {"contact_id": 7},
        left | {"contact_id": 3, "cause": "Shopify - opted out", "acted_at": at("2026-11-01T23:59:59.999999")},
        # No cause and no time of the act: the write counts.
        left | {"contact_id": 4, "source": "person", "cause": None, "acted_at": None},
        known
        | written
        | {
            "contact_id": 4,
            "channel": "sms",
            "source": "protected",
            "cause": "hard bounce",
            "acted_at": at("2026-11-02"),
        },
        known
        | written
        | {"contact_id": 1, "channel": "email", "change": "subscribed", "to": "subscribed", "cause": None}
        | {"acted_at": at("2026-11-02")},
    ]


def _checkouts() -> list[dict[str, t.Any]]:
    """Seven checkouts of a shop that has been read up to 2026-11-10 12:00, and one of a shop without such imports."""
    missing = dict.fromkeys(("contact_id", "customer_id", "completed_at", "total_price"))

    def checkout(number: int, created: str, price: str | None, **more: t.Any) -> dict[str, t.Any]:
        value = None if price is None else Decimal(price)
        begun = {"shop": SHOP, "id": number, "created_at": at(created), "updated_at": at(created), "currency": "EUR"}
        return missing | begun | {"total_price": value} | more

    return [
        checkout(1, "2026-11-01T23:30", "0.10", completed_at=at("2026-11-02T00:15")),
        # A day to the second is no longer within a day.
        checkout(2, "2026-11-01T10:00", "0.20", completed_at=at("2026-11-02T10:00"), customer_id=2),
        checkout(3, "2026-11-01T09:00", "19.9999", customer_id=1, contact_id=1),
        checkout(4, "2026-11-01T08:00", None, customer_id=2, contact_id=2),
        checkout(5, "2026-11-10T11:30", "100"),
        checkout(6, "2026-08-01T00:00", "70", currency="USD"),
        checkout(7, "2026-11-10T11:00", "1"),
        checkout(8, "2026-11-05T00:00", "8", shop=OTHER_SHOP, updated_at=at("2026-11-07T00:00"), currency=None),
    ]


def _operations() -> list[dict[str, t.Any]]:
    """Five imports of one shop, of which one still runs; and the last one of a shop that is no longer imported."""
    common = {"shop": SHOP, "kind": "customers", "error": None, "ended_at": None, "bookmark": None, "records_read": 0}
    return [
        {
            **common,
            "state": "completed with rejections",
            "started_at": at("2026-11-09T23:59:59.5"),
            "ended_at": at("2026-11-10T00:01:00"),
            "bookmark": at("2026-11-09T23:50"),
            "records_read": 6,
            "inserted": 3,
            "updated": 1,
            "discarded": 1,
            "rejected": 1,
            "subscribed": 2,
            "unsubscribed": 1,
        },
        {
            **common,
            "state": "failed",
            "started_at": at("2026-11-09T22:00"),
            "ended_at": at("2026-11-09T22:00:07"),
            "records_read": 2,
            "unchanged": 2,
            "restored": 1,
        },
        {
            **common,
            "kind": "checkouts",
            "state": "completed",
            "started_at": at("2026-11-10T12:02"),
            "ended_at": at("2026-11-10T12:03"),
            "bookmark": at("2026-11-10T12:00"),
        },
        {
            **common,
            "kind": "consents",
            "state": "paused",
            "started_at": at("2026-11-10T13:00"),
            "ended_at": at("2026-11-10T13:00"),
        },
        {**common, "state": "running", "started_at": at("2026-11-10T14:00")},
        {
            **common,
            "shop": OTHER_SHOP,
            "state": "completed",
            "started_at": at("2025-01-01"),
            "ended_at": LAST_OF_OTHER_SHOP,
            "bookmark": at("2025-01-01"),
        },
    ]
