"""Segments over a large contact database: how long each condition takes to count, and where the time goes.

`python -m benchmarks.segments` writes `output/bench/segments-*.md`. The people are made up by the database's own
loader, in the tables that an import fills. `--plans` shows the plan of each statement as well.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import time
import typing as t
from statistics import median

import sqlalchemy as sa

from benchmarks.common import FOLDER, say
from benchmarks.target import running_postgres
from target_contactdb.admin import segments
from target_contactdb.admin.connect import opened
from target_contactdb.conditions.times import Clock, read_zone
from target_contactdb.database import open_database
from target_contactdb.dialects import loader_for
from target_contactdb.engines import open_engine
from target_contactdb.fields import ContactField, FieldType
from target_contactdb.tables import checkout_lines, checkouts, contact_sources, suppressions

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from target_contactdb.dialects.base import Row

NOW = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
SHOP = "sandbox.myshopify.com"
WORK = FOLDER / "work" / "segments"

FIELDS = (
    ContactField("email", FieldType.EMAIL),
    ContactField("first_name", FieldType.TEXT),
    ContactField("country_code", FieldType.TEXT),
    ContactField("orders_count", FieldType.INTEGER),
    ContactField("orders_total_spent", FieldType.DECIMAL),
    ContactField("last_order_created_at", FieldType.DATETIME),
    ContactField("tags", FieldType.LIST),
)
CONDITIONS = (
    "may_email = true and checkout.updated_at within 2 days and checkout.price >= 50",
    "checkout.created_at >= 2026-10-01 and checkout.price < 100",
    "may_email = true and checkout.product contains shirt",
    "has no checkout and email_status = subscribed",
    "orders_total_spent >= 1000 and not tag = staff",
    "country_code in (DE, FR) and last_order_created_at within 30 days",
    "email_unsubscription_cause is set and email_status_at within 7 days",
    'in segment "Big spenders" and may_email = true',
)
SAVED = ("Big spenders", "orders_total_spent >= 1000")

_COUNTRIES = ("US", "US", "US", "GB", "DE", "FR", "IE", "SE")
_PRODUCTS = ("Mug", "Teapot", "Linen shirt", "Socks", "Poster", "Notebook")
_CLOSED_SHARE = 6
_RUNS = 5


def main(arguments: list[str] | None = None) -> str:
    """Measure on both engines, and return the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.segments", description=__doc__)
    parser.add_argument("--contacts", type=int, default=1_000_000, help="how many contacts there are")
    parser.add_argument("--checkouts", type=int, default=200_000, help="how many of them have an open checkout")
    parser.add_argument("--plans", action="store_true", help="show the plans")
    given = parser.parse_args(arguments)
    WORK.mkdir(parents=True, exist_ok=True)
    file = WORK / "contacts.db"
    for one in WORK.glob(f"{file.name}*"):
        one.unlink()
    tables = [measured("SQLite", sa.URL.create("sqlite", database=str(file)), given)]
    with running_postgres() as url:
        tables.append(measured("PostgreSQL", url, given))
    return "\n".join(tables)


def measured(engine: str, url: sa.URL, given: argparse.Namespace) -> str:
    """Fill a database, count every condition several times, and return the table."""
    address = url.render_as_string(hide_password=False)
    say(f"{engine}: filling")
    fill(address, given.contacts, given.checkouts)
    clock = Clock(NOW, read_zone("Europe/Dublin", "timezone"))
    lines = [
        f"## Segments on {engine}: {given.contacts:,} contacts, {given.checkouts:,} checkouts",
        "",
        "| condition | contacts | seconds |",
        "|---|---:|---:|",
    ]
    with opened(address, write=True) as database:
        segments.save(database, *SAVED, clock)
    with opened(address) as database:
        for text in CONDITIONS:
            found = segments.members(database, segments.read(text, "--where"), "--where", clock)
            counting = sa.select(sa.func.count()).select_from(found.subquery())
            count, seconds = timed(lambda counting=counting: database.connection.execute(counting).scalar_one())  # type: ignore[misc]
            say(f"{engine}: {seconds:.3f} s: {text}")
            lines.append(f"| `{text}` | {count:,} | {seconds:.2f} |")
            if given.plans:
                say(plan_of(database.connection, counting))
    lines += ["", f"Medians of {_RUNS} counts in one process, after one to warm up.", ""]
    table = "\n".join(lines)
    (FOLDER / f"segments-{engine.lower()}.md").write_text(table)
    return table


def timed(count: Callable[[], int]) -> tuple[int, float]:
    """Return a count, and the median of the seconds that it takes."""
    found, taken = count(), []
    for _ in range(_RUNS):
        begin = time.perf_counter()
        count()
        taken.append(time.perf_counter() - begin)
    return found, median(taken)


def plan_of(connection: sa.Connection, statement: sa.Select[t.Any]) -> str:
    """Return how the engine would run a statement."""
    words = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN (ANALYZE, BUFFERS) "

    def explain(_connection: t.Any, _cursor: t.Any, text: str, given: t.Any, *_others: t.Any) -> tuple[str, t.Any]:
        return words + text, given

    sa.event.listen(connection, "before_cursor_execute", explain, retval=True)
    try:
        return "\n".join(str(row[-1]) for row in connection.execute(statement))
    finally:
        sa.event.remove(connection, "before_cursor_execute", explain)


def fill(address: str, contacts: int, open_checkouts: int) -> None:
    """Make a contact database with people and checkouts that are always the same."""
    engine = open_engine(address)
    database = open_database(engine, FIELDS, ("bounced", "opted-out"), ())
    loader = loader_for(engine)
    with engine.begin() as connection:

        def append(table: sa.Table, names: str, rows: Iterable[Row]) -> None:
            loader.append(connection, table, names.split(), rows)

        append(
            database.contacts,
            "contact_id user_code email_status email_unsubscription_cause email_status_at email_address_hash"
            " created_at updated_at email first_name country_code orders_count orders_total_spent"
            " last_order_created_at tags",
            _people(contacts),
        )
        append(
            contact_sources,
            "shop customer_id contact_id owned first_seen_at source_updated_at",
            ((SHOP, number, number, True, NOW, NOW) for number in range(1, contacts + 1)),
        )
        append(suppressions, "channel address_hash cause source at", _closed(contacts))
        append(
            checkouts,
            "shop id contact_id name created_at updated_at customer_id currency total_price line_items_quantity",
            _carts(contacts, open_checkouts),
        )
        append(
            checkout_lines,
            "shop checkout_id position title quantity total_price currency",
            _lines(open_checkouts),
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def _people(count: int) -> Iterator[Row]:
    chance = random.Random(1)  # noqa: S311 - made-up people
    for number in range(1, count + 1):
        closed = number % _CLOSED_SHARE == 0
        orders = chance.randrange(8)
        at = NOW - dt.timedelta(minutes=chance.randrange(1_000_000))
        tags = ["staff"] if number % 97 == 0 else ["vip", "newsletter"][: number % 3]
        yield (
            number,
            str(number),
            "unsubscribed" if closed else "subscribed",
            "opted-out" if closed else None,
            at,
            f"{number:032x}",
            NOW,
            NOW,
            f"person{number}@example.com",
            f"Person {number}",
            chance.choice(_COUNTRIES),
            orders,
            orders * chance.randrange(400),
            at if orders else None,
            tags,
        )


def _closed(count: int) -> Iterator[Row]:
    return (("email", f"{number:032x}", "opted-out", "import", NOW) for number in range(6, count + 1, _CLOSED_SHARE))


def _carts(people: int, count: int) -> Iterator[Row]:
    chance = random.Random(2)  # noqa: S311 - made-up checkouts
    for number in range(1, count + 1):
        person = number * people // count
        at = NOW - dt.timedelta(minutes=chance.randrange(130_000))
        price = chance.randrange(500, 40_000) / 100
        yield SHOP, number, person, f"#{number}", at, at, person, "EUR", price, 2


def _lines(count: int) -> Iterator[Row]:
    chance = random.Random(3)  # noqa: S311 - made-up checkouts
    for number in range(1, count + 1):
        for position in range(2):
            yield SHOP, number, position, chance.choice(_PRODUCTS), 1, 10, "EUR"


if __name__ == "__main__":
    print(main())  # noqa: T201
