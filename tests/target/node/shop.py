"""Contacts, checkouts and imports written straight into a contact database, as the imports leave them."""

from __future__ import annotations

import datetime as dt
import typing as t
from decimal import Decimal

import sqlalchemy as sa

from target_contactdb import tables
from target_contactdb.addresses import address_hash
from target_contactdb.database import open_database
from target_contactdb.engines import open_engine
from target_contactdb.fields import ContactField, FieldType

SHOP = "sandbox.myshopify.com"
FIELDS = (
    ContactField("first_name", FieldType.TEXT, "First name"),
    ContactField("email", FieldType.EMAIL, "Email"),
    ContactField("phone", FieldType.PHONE, "Phone"),
    ContactField("account_state", FieldType.TEXT, "Account state"),
)


class Shop:
    """A contact database to be filled; times are given in minutes before now."""

    def __init__(self, url: str) -> None:
        """Open the database and forget its salt."""
        self.url = url
        self.now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        engine = open_engine(url)
        self._contacts = open_database(engine, FIELDS).contacts
        self._engine = engine
        with engine.begin() as connection:
            connection.execute(sa.update(tables.database_state).values(salt="salt"))

    def ago(self, minutes: float) -> dt.datetime:
        """Return a moment of the past."""
        return self.now - dt.timedelta(minutes=minutes)

    def insert(self, table: sa.Table, *rows: dict[str, t.Any]) -> None:
        """Write rows."""
        with self._engine.begin() as connection:
            connection.execute(sa.insert(table), list(rows))

    def update(self, table: sa.Table, condition: t.Any, **values: t.Any) -> None:
        """Change rows."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(table).where(condition).values(values))

    def rows(self, table: sa.Table) -> list[dict[str, t.Any]]:
        """Return every row of a table, by its key."""
        with self._engine.connect() as connection:
            found = connection.execute(sa.select(table).order_by(*table.primary_key.columns)).mappings()
            return [dict(row) for row in found]

    def contact(self, number: int, *, email: str = "subscribed", sms: str = "none", **fields: t.Any) -> None:
        """Write a contact."""
        self.contacts([number], email=email, sms=sms, **fields)

    def contacts(
        self, numbers: t.Iterable[int], *, email: str = "subscribed", sms: str = "none", **more: t.Any
    ) -> None:
        """Write contacts that are alike."""
        rows = []
        for number in numbers:
            address, phone = f"c{number}@example.com", f"+49170{number:07}" if sms != "none" else None
            rows.append(
                {
                    "contact_id": number,
                    "user_code": str(number),
                    "email_status": email,
                    "email_address_hash": address_hash("salt", "email", address),
                    "sms_status": sms,
                    "sms_address_hash": address_hash("salt", "sms", phone),
                    "created_at": self.ago(60_000),
                    "updated_at": self.ago(60_000),
                    "first_name": f"Name {number}",
                    "email": address,
                    "phone": phone,
                    "account_state": None,
                    **more,
                }
            )
        self.insert(self._contacts, *rows)

    def change_contact(self, number: int, **values: t.Any) -> None:
        """Change a contact as another program does."""
        self.update(self._contacts, self._contacts.c.contact_id == number, **values)

    def checkout(self, number: int, contact: int, minutes: float, **values: t.Any) -> None:
        """Write a checkout that was left so many minutes ago, with one line."""
        self.checkouts([(number, contact)], minutes, **values)

    def checkouts(self, pairs: t.Sequence[tuple[int, int]], minutes: float, **values: t.Any) -> None:
        """Write checkouts, each with its contact, that were left so many minutes ago, with one line each."""
        made = self.ago(minutes + 5)
        cart = {"created_at": made, "updated_at": self.ago(minutes), "currency": "EUR", "total_price": Decimal("20")}
        self.insert(
            tables.checkouts,
            *(
                {"shop": SHOP, "id": number, "contact_id": contact, "customer_id": contact, "name": f"#{number}"}
                | cart
                | values
                for number, contact in pairs
            ),
        )
        self.insert(
            tables.checkout_lines,
            *(
                {"shop": SHOP, "checkout_id": number, "position": 0, "title": "Mug", "quantity": 2}
                for number, _ in pairs
            ),
        )

    def source(self, customer: int, minutes: float, **values: t.Any) -> None:
        """Write a customer that an import saw for the first time so many minutes ago."""
        row = {"shop": SHOP, "customer_id": customer, "contact_id": customer, "owned": True}
        self.insert(tables.contact_sources, row | {"first_seen_at": self.ago(minutes)} | values)

    def operation(self, kind: str, minutes: float, **values: t.Any) -> None:
        """Write an import that began so many minutes ago and ended a minute later."""
        row = {"kind": kind, "shop": SHOP, "state": "completed", "started_at": self.ago(minutes)}
        self.insert(tables.operations, row | {"ended_at": self.ago(minutes - 1)} | values)

    def read_checkouts(self, minutes: float) -> None:
        """Write a checkout import whose bookmark is so many minutes old."""
        self.operation("checkouts", minutes - 2, window_from=self.ago(9_000), bookmark=self.ago(minutes))

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()
