"""A contact database with four operations, four people and their checkouts, as the imports leave it."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import typing as t
from dataclasses import dataclass
from decimal import Decimal

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from target_contactdb import tables
from target_contactdb.addresses import address_hash
from target_contactdb.admin.cli import main
from target_contactdb.causes import DEFAULT_CAUSES
from target_contactdb.database import Database, open_database
from target_contactdb.engines import open_engine
from target_contactdb.fields import ContactField, FieldType

if t.TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

SHOP = "sandbox.myshopify.com"
FIELDS = (
    ContactField("first_name", FieldType.TEXT, "First name"),
    ContactField("email", FieldType.EMAIL, "Email"),
    ContactField("phone", FieldType.PHONE, "Phone"),
    ContactField("orders_total_spent", FieldType.DECIMAL, "Orders - Total spent"),
    ContactField("tags", FieldType.LIST, "Tags"),
    ContactField("company", FieldType.TEXT, "Company"),
)

SUBSCRIBED, OPTED_OUT, TWIN, LOCAL = 1, 2, 3, 4
"""Ids of the contacts: Ann; Ben, who opted out; Ann's second account; Cleo, whom another program wrote."""


def at(hour: int, minute: int = 0, second: int = 0, *, day: int = 1) -> dt.datetime:
    """Return a moment of November 2026, UTC."""
    return dt.datetime(2026, 11, day, hour, minute, second, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Contactdb:
    """The command, as a user calls it, on one database."""

    url: str

    def run(self, *arguments: str, columns: int = 80) -> Result:
        """Run a command."""
        runner = CliRunner(env={"TARGET_CONTACTDB_SQLALCHEMY_URL": self.url, "COLUMNS": str(columns)})
        return runner.invoke(main, arguments)

    def json(self, *arguments: str) -> t.Any:
        """Run a command that must succeed, and return its answer."""
        result = self.run(*arguments, "--format", "json")
        assert result.exit_code in {0, 1}, result.output
        return json.loads(result.stdout)

    def engine(self) -> sa.Engine:
        """Return an engine of its own for looking behind the command."""
        return open_engine(self.url)

    def contacts(self) -> sa.Table:
        """Return the table `contacts` with its contact fields."""
        engine = self.engine()
        table = open_database(engine).contacts
        engine.dispose()
        return table

    def rows(self, table: sa.Table) -> list[dict[str, t.Any]]:
        """Return all rows of a table, in the order of its key."""
        engine = self.engine()
        with engine.connect() as connection:
            found = connection.execute(sa.select(table).order_by(*table.primary_key.columns)).mappings().all()
        engine.dispose()
        return [dict(row) for row in found]

    def execute(self, statement: sa.Executable) -> None:
        """Change the database, as another program does."""
        engine = self.engine()
        with engine.begin() as connection:
            connection.execute(statement)
        engine.dispose()


@pytest.fixture(scope="session")
def seeded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with people, to be copied: making one takes longer than the tests do."""
    path = tmp_path_factory.mktemp("seeded") / "contacts.db"
    seed(f"sqlite:///{path}")
    return path


@pytest.fixture
def on_sqlite(seeded_file: Path, tmp_path: Path) -> Contactdb:
    """The command on a SQLite database with people."""
    path = tmp_path / "contacts.db"
    shutil.copy(seeded_file, path)
    return Contactdb(f"sqlite:///{path}")


@pytest.fixture
def on_postgresql(migrated_postgres_url: str) -> Contactdb:
    """The command on a PostgreSQL database with people."""
    seed(migrated_postgres_url)
    return Contactdb(migrated_postgres_url)


@pytest.fixture
def on_mariadb(migrated_mariadb_url: str) -> Contactdb:
    """The command on a MariaDB database with people."""
    seed(migrated_mariadb_url)
    return Contactdb(migrated_mariadb_url)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def contactdb(request: pytest.FixtureRequest) -> Contactdb:
    """The command on a database with people, once for each engine."""
    command: Contactdb = request.getfixturevalue(f"on_{request.param}")
    return command


def seed(url: str, schema: str | None = None) -> None:
    """Write what imports leave behind."""
    engine = open_engine(url, schema)
    database = open_database(engine, FIELDS, DEFAULT_CAUSES)
    with engine.begin() as connection:
        # Salts are random; a fixed one makes rows comparable.
        connection.execute(sa.update(tables.database_state).values(salt="salt"))
        for table, rows in (
            (tables.operations, operations()),
            (database.contacts, contacts(database)),
            (tables.contact_sources, sources()),
            (tables.suppressions, suppressions()),
            (tables.checkouts, checkouts()),
            (tables.checkout_lines, checkout_lines()),
            (tables.operation_records, operation_records()),
            (tables.status_changes, status_changes()),
        ):
            for row in rows:
                connection.execute(sa.insert(table), row)
    engine.dispose()


def hashed(channel: str, address: str | None) -> str | None:
    """Return the hash of an address under the fixed salt."""
    return address_hash("salt", channel, address)


def operations() -> list[dict[str, t.Any]]:
    """Two runs of both imports."""
    shared = {"shop": SHOP, "state": "completed"}
    return [
        {
            **shared,
            "kind": "customers",
            "started_at": at(10),
            "ended_at": at(10, 0, 2),
            "window_to": at(9, 58),
            "bookmark": at(9, 58),
            "records_read": 1000,
            "inserted": 998,
            "discarded": 1,
            "rejected": 1,
            "state": "completed with rejections",
            "unsubscribed": 600,
            "subscribed": 398,
        },
        {
            **shared,
            "kind": "checkouts",
            "started_at": at(10, 0, 3),
            "ended_at": at(10, 0, 4),
            "window_to": at(9, 58),
            "bookmark": at(9, 58),
            "records_read": 250,
            "inserted": 250,
            "unlinked": 12,
        },
        {
            **shared,
            "kind": "customers",
            "started_at": at(11),
            "ended_at": at(12, 2, 3),
            "window_from": at(9, 58),
            "window_to": at(10, 58),
            "bookmark": at(10, 58),
            "records_read": 12,
            "inserted": 2,
            "updated": 4,
            "unchanged": 6,
            "unsubscribed": 2,
            "restored": 1,
        },
        {
            **shared,
            "kind": "checkouts",
            "started_at": at(12, 2, 4),
            "ended_at": at(12, 2, 5),
            "window_from": at(9, 58),
            "window_to": at(10, 58),
            "bookmark": at(10, 58),
            "records_read": 0,
        },
    ]


def contacts(database: Database) -> list[dict[str, t.Any]]:
    """Four people; Ann has two accounts with one address."""
    nothing = dict.fromkeys(database.fields) | {"user_code": None, "last_operation_id": None}
    ann = {
        "first_name": "Ann [red]",
        "email": "Ann@example.com",
        "email_status": "subscribed",
        "email_status_source": "import",
        "email_status_at": at(8),
        "email_address_hash": hashed("email", "ann@example.com"),
        "email_written_status": "subscribed",
        "created_at": at(10, 0, 1),
        "updated_at": at(11, 0, 1),
    }
    return [
        {
            **nothing,
            **ann,
            "user_code": "7000000000001",
            "last_operation_id": 3,
            "phone": "+49 170 1111111",
            "orders_total_spent": Decimal("1234.5"),
            "tags": ["vip", "berlin"],
            "sms_status": "unsubscribed",
            "sms_status_source": "import",
            "sms_unsubscription_cause": "Shopify - no marketing consent",
            "sms_status_at": at(7),
            "sms_address_hash": hashed("sms", "+491701111111"),
            "sms_written_status": "unsubscribed",
            "sms_written_cause": "Shopify - no marketing consent",
        },
        {
            **nothing,
            "user_code": "7000000000002",
            "last_operation_id": 3,
            "first_name": "Ben",
            "email": "ben@example.com",
            "email_status": "unsubscribed",
            "email_status_source": "import",
            "email_unsubscription_cause": "Shopify - opted out",
            "email_status_at": at(9),
            "email_address_hash": hashed("email", "ben@example.com"),
            "email_written_status": "unsubscribed",
            "email_written_cause": "Shopify - opted out",
            "created_at": at(10, 0, 1),
            "updated_at": at(11, 0, 1),
        },
        {**nothing, **ann, "user_code": "7000000000003", "last_operation_id": 1},
        {
            **nothing,
            "first_name": "Cleo",
            "email": "cleo@example.com",
            "email_status": "subscribed",
            "created_at": at(6),
            "updated_at": at(6),
        },
    ]


def sources() -> list[dict[str, t.Any]]:
    """The three customers of Shopify."""
    shared = {"shop": SHOP, "owned": True, "first_seen_at": at(10, 0, 1)}
    ann = {
        **shared,
        "source_updated_at": at(8, 30),
        "email_address": "Ann@example.com",
        "email_address_hash": hashed("email", "ann@example.com"),
        "email_state": "SUBSCRIBED",
        "email_opt_in_level": "SINGLE_OPT_IN",
        "email_consent_at": at(8),
    }
    return [
        {
            **ann,
            "customer_id": 7000000000001,
            "contact_id": SUBSCRIBED,
            "last_order_at": at(7),
            "sms_address": "+49 170 1111111",
            "sms_address_hash": hashed("sms", "+491701111111"),
            "sms_state": "NOT_SUBSCRIBED",
        },
        {
            **shared,
            "customer_id": 7000000000002,
            "contact_id": OPTED_OUT,
            "source_updated_at": at(9),
            "email_address": "ben@example.com",
            "email_address_hash": hashed("email", "ben@example.com"),
            "email_state": "UNSUBSCRIBED",
            "email_consent_at": at(9),
        },
        {**ann, "customer_id": 7000000000003, "contact_id": TWIN},
    ]


def suppressions() -> list[dict[str, t.Any]]:
    """Ben's opt-out."""
    return [
        {
            "channel": "email",
            "address_hash": hashed("email", "ben@example.com"),
            "cause": "Shopify - opted out",
            "source": "import",
            "at": at(9),
        }
    ]


def checkouts() -> list[dict[str, t.Any]]:
    """Ann's last checkout, an older one, a completed one; Ben's, which he ordered after; one of nobody yet."""
    shared = {"shop": SHOP, "updated_at": at(9, 30), "contact_id": SUBSCRIBED, "customer_id": 7000000000001}
    return [
        {
            **shared,
            "id": 41,
            "name": "#C41",
            "created_at": at(9),
            "abandoned_checkout_url": "https://sandbox.example/checkouts/41/recover",
            "currency": "EUR",
            "subtotal_price": Decimal("50"),
            "total_line_items_price": Decimal("55"),
            "total_discounts": Decimal("5"),
            "total_tax": Decimal("7.9832"),
            "total_price": Decimal("50.00"),
            "presentment_currency": "USD",
            "presentment_total_price": Decimal("54.10"),
            "line_items_quantity": 3,
            "discount_codes": ["TAKE5"],
            "last_operation_id": 2,
        },
        {**shared, "id": 40, "created_at": at(8), "updated_at": at(8, 30)},
        {**shared, "id": 42, "created_at": at(7, 40), "updated_at": at(9, 40), "completed_at": at(7, 50)},
        {**shared, "id": 43, "created_at": at(9, 20), "contact_id": OPTED_OUT, "customer_id": 7000000000002},
        {**shared, "id": 44, "created_at": at(9, 20), "contact_id": None, "customer_id": 7000000000009},
    ]


def checkout_lines() -> list[dict[str, t.Any]]:
    """What is in Ann's last checkout."""
    shared = {"shop": SHOP, "checkout_id": 41, "currency": "EUR"}
    return [
        {
            **shared,
            "position": 0,
            "title": "Mug",
            "variant_title": "Blue",
            "sku": "MUG-1",
            "quantity": 2,
            "unit_price": Decimal("15"),
            "discounted_unit_price": Decimal("12.5"),
            "total_price": Decimal("30"),
            "discounted_total_price": Decimal("25"),
        },
        {
            **shared,
            "position": 1,
            "title": "Teapot",
            "variant_title": "Default Title",
            "quantity": 1,
            "unit_price": Decimal("25"),
            "discounted_unit_price": Decimal("25"),
            "total_price": Decimal("25"),
            "discounted_total_price": Decimal("25"),
        },
    ]


def operation_records() -> list[dict[str, t.Any]]:
    """What the first import did not take in."""
    shared = {"operation_id": 1, "stream": "customers"}
    return [
        {**shared, "key": "7000000000007", "outcome": "discarded", "reason": "import filter 1"},
        {
            **shared,
            "key": "7000000000008",
            "outcome": "rejected",
            "reason": "field `updated_at` is missing",
            "record": {"id": 7000000000008, "email": "secret@example.com"},
        },
    ]


def status_changes() -> list[dict[str, t.Any]]:
    """How Ann and Ben came to their status."""
    said = "Shopify said {} (2026-11-01T0{}:00:00Z); {}"
    return [
        {
            "contact_id": SUBSCRIBED,
            "channel": "email",
            "change": "subscribed",
            "to": "subscribed",
            "source": "import",
            "acted_at": at(8),
            "written_at": at(10, 0, 1),
            "evidence": said.format("SUBSCRIBED", 8, "open: insert subscribed"),
            "operation_id": 1,
        },
        {
            "contact_id": SUBSCRIBED,
            "channel": "sms",
            "change": "unsubscribed",
            "to": "unsubscribed",
            "cause": "Shopify - no marketing consent",
            "source": "import",
            "acted_at": at(7),
            "written_at": at(10, 0, 1),
            "evidence": "Shopify said NOT_SUBSCRIBED (no time); open: flag",
            "operation_id": 1,
        },
        {
            "contact_id": OPTED_OUT,
            "channel": "email",
            "change": "unsubscribed",
            "from": "subscribed",
            "to": "unsubscribed",
            "cause": "Shopify - opted out",
            "source": "import",
            "acted_at": at(9),
            "written_at": at(11, 0, 1),
            "evidence": said.format("UNSUBSCRIBED", 9, "subscribed: unsubscribe, same cause"),
            "operation_id": 3,
        },
    ]
