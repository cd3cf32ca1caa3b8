"""Comparing a contact database with the store's own books, whole and by the database's own word."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from tests.end_to_end.expected import Row, checkout_of, contact_of, in_the_words_of, lines_of

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shopify_sandbox.process import Sandbox

WRITTEN_BY_RECORDS = (
    "contacts",
    "contact_sources",
    "checkouts",
    "checkout_lines",
    "suppressions",
    "status_changes",
    "tombstones",
    "operation_records",
)
"""The tables that a record can write to. An operation itself is logged for every run."""

COUNTS = (
    "records_read",
    "inserted",
    "updated",
    "unchanged",
    "discarded",
    "rejected",
    "superseded",
    "suppressed",
    "erased",
)


@contextlib.contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """A connection of its own, for one look."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def rows(url: str, query: str) -> list[Row]:
    """What a query finds, as the driver hands it out."""
    with connected(url) as connection:
        return [dict(row) for row in connection.execute(sa.text(query)).mappings()]


def operations(url: str) -> list[Row]:
    """The log: kind, state and the counts that are not zero, oldest first."""
    found = rows(url, f"SELECT kind, state, {', '.join(COUNTS)} FROM operations ORDER BY operation_id")
    return [{name: value for name, value in row.items() if value != 0} for row in found]


@dataclass(frozen=True)
class Books:
    """What a store's own books say at one time: customers, and checkouts with their lines, by id."""

    shop: str
    customers: dict[int, Row]
    checkouts: dict[int, Row]


def read_books(store: Sandbox) -> Books:
    """Look into the store's books."""
    customers = store.control("GET", "customers?limit=100000")["customers"]
    checkouts = store.control("GET", "checkouts?limit=100000")["checkouts"]
    return Books(store.shop, {one["id"]: one for one in customers}, {one["id"]: one for one in checkouts})


def assert_holds(url: str, books: Books) -> None:
    """Assert that contacts, checkouts and lines are those of the books, no more, no fewer, each as it is there."""
    contacts = [contact_of(one, books.shop) for one in books.customers.values()]
    assert_same(rows(url, "SELECT * FROM contacts"), contacts, "user_code")
    checkouts = [checkout_of(one, books.shop) for one in books.checkouts.values()]
    assert_same(rows(url, "SELECT * FROM checkouts"), checkouts, "id")
    lines = [line for one in books.checkouts.values() for line in lines_of(one, books.shop)]
    assert_same(rows(url, "SELECT * FROM checkout_lines"), lines, "checkout_id", "position")
    linked = rows(url, "SELECT id, user_code FROM checkouts JOIN contacts USING (contact_id)")
    assert {row["id"]: row["user_code"] for row in linked} == {
        number: str(checkout["customer_id"])
        for number, checkout in books.checkouts.items()
        if checkout["customer_id"] in books.customers
    }


def assert_same(found: list[Row], expected: list[Row], *key: str) -> None:
    """Assert that rows are the expected ones, in the columns that are expected, whatever their order."""

    def by_key(row: Row) -> tuple[t.Any, ...]:
        return tuple(row[name] for name in key)

    found, expected = sorted(found, key=by_key), sorted(expected, key=by_key)
    assert [by_key(row) for row in found] == [by_key(row) for row in expected]
    shown = [in_the_words_of(want, row) for want, row in zip(expected, found, strict=True)]
    different = [
        (*by_key(want), name, row[name], want[name])
        for want, row in zip(expected, shown, strict=True)
        for name in want
        if row[name] != want[name]
    ]
    assert different == []


def row_versions(url: str) -> dict[str, list[Row]]:
    """The version of every row that a record can write, as the engine itself counts them.

    PostgreSQL gives each written row version the number of its transaction and a new place. SQLite counts nothing, so
    there the rows themselves are compared, and `watch_writes` sees what writes the same again.
    """
    if url.startswith("postgresql"):
        return {
            table: rows(url, f"SELECT ctid::text, xmin::text FROM {table} ORDER BY ctid")
            for table in WRITTEN_BY_RECORDS
        }
    return {table: rows(url, f"SELECT rowid, * FROM {table} ORDER BY rowid") for table in WRITTEN_BY_RECORDS}


@contextlib.contextmanager
def watch_writes(url: str) -> Iterator[Callable[[], list[Row]]]:
    """Have the database itself note every row written to a table that records can write to.

    Yields a function that returns what has been noted so far: the table and what was done.
    """
    with connected(url) as connection:
        for statement in _watching(postgres=url.startswith("postgresql")):
            connection.execute(sa.text(statement))
        connection.commit()
    yield lambda: rows(url, "SELECT * FROM witness")


def _watching(*, postgres: bool) -> Iterator[str]:
    yield "CREATE TABLE witness (name TEXT, act TEXT)"
    if postgres:
        yield """
            CREATE FUNCTION bear_witness() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO witness VALUES (TG_TABLE_NAME, TG_OP); RETURN NULL; END $$
        """
    for table in WRITTEN_BY_RECORDS:
        for act in ("INSERT", "UPDATE", "DELETE"):
            trigger = f"CREATE TRIGGER witness_{table}_{act} AFTER {act} ON {table} FOR EACH ROW"
            if postgres:
                yield f"{trigger} EXECUTE FUNCTION bear_witness()"
            else:
                yield f"{trigger} BEGIN INSERT INTO witness VALUES ('{table}', '{act}'); END"
