"""Contact fields change: they are added and widened with all that they hold, and never narrowed or dropped."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import product

import pytest
import sqlalchemy as sa

from target_contactdb.database import open_database
from target_contactdb.engines import open_engine
from target_contactdb.errors import ConfigError
from target_contactdb.field_changes import WIDER, field_changes
from target_contactdb.fields import ContactField, FieldType
from target_contactdb.keys import Keys
from tests.target.singer import customer, execute, query, run, schema

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
BEFORE = {
    FieldType.EMAIL: "a@b.example",
    FieldType.PHONE: "+49 30 1",
    FieldType.CHOICE: "gold",
    FieldType.INTEGER: 42,
    FieldType.DATE: dt.date(2026, 10, 25),
    FieldType.LIST: ["a", 1],
}
AFTER = {
    (FieldType.INTEGER, FieldType.DECIMAL): Decimal(42),
    (FieldType.INTEGER, FieldType.TEXT): "42",
    (FieldType.DATE, FieldType.DATETIME): dt.datetime(2026, 10, 25, tzinfo=dt.UTC),
}
NEW = {
    FieldType.TEXT: "007",
    FieldType.DECIMAL: Decimal("12.5001"),
    FieldType.DATETIME: NOW,
    FieldType.JSON: {"a": Decimal("1.5")},
}
PAIRS = [(old, new) for old, wider in WIDER.items() for new in wider]


# A word of SQL is a name as good as any.
def field(kind, name="order", **more):
    return ContactField(name, kind, "One", choices=("gold", "silver") if kind is FieldType.CHOICE else (), **more)


def with_database(url, wanted, use, **more):
    """Open a database with contact fields, and use it in a transaction."""
    engine = open_engine(url)
    try:
        database = open_database(engine, wanted, **more)
        with engine.begin() as connection:
            return use(database, connection)
    finally:
        engine.dispose()


def write(rows):
    def use(database, connection):
        common = {"created_at": NOW, "updated_at": NOW}
        connection.execute(sa.insert(database.contacts), [common | row for row in rows])

    return use


def read(database, connection):
    names = list(database.fields)
    statement = sa.select(*(database.contacts.c[name] for name in names)).order_by(database.contacts.c.contact_id)
    return [row._mapping for row in connection.execute(statement)]


def test_a_type_is_widened_with_all_that_the_field_holds(database_url):
    # Every pair in one database: a field each, which holds something and nothing.
    names = [f"{old}_{new}" for old, new in PAIRS]
    narrow = [field(old, name) for (old, _new), name in zip(PAIRS, names, strict=True)]
    wide = [field(new, name) for (_old, new), name in zip(PAIRS, names, strict=True)]
    held = {name: BEFORE[old] for (old, _new), name in zip(PAIRS, names, strict=True)}
    new = {name: NEW[kind] for (_old, kind), name in zip(PAIRS, names, strict=True)}
    with_database(database_url, narrow, write([held, dict.fromkeys(names)]))

    with_database(database_url, wide, write([new]))

    kept = {name: AFTER.get(pair, BEFORE[pair[0]]) for pair, name in zip(PAIRS, names, strict=True)}
    assert with_database(database_url, (), read) == [kept, dict.fromkeys(names), new]
    types = with_database(database_url, wide, lambda database, _: [one.type for one in database.fields.values()])
    assert types == [kind for _old, kind in PAIRS]


def test_every_other_type_is_refused_and_all_of_them_at_once():
    kinds = [pair for pair in product(FieldType, FieldType) if pair[0] is not pair[1] and pair not in PAIRS]
    existing = {f"{old}_{new}": field(old, f"{old}_{new}") for old, new in kinds}
    with pytest.raises(ConfigError) as caught:
        field_changes(existing, [field(new, f"{old}_{new}") for old, new in kinds])
    told = [problem.split(":")[0] for problem in caught.value.problems]
    assert told == [
        f"contact field `{old}_{new}` is of type {old} in the database and cannot become {new}" for old, new in kinds
    ]


def test_a_refused_field_changes_no_other(database_url):
    names = ("order", "two")
    with_database(database_url, [field(FieldType.INTEGER, name) for name in names], write([{"order": 1, "two": 2}]))
    with pytest.raises(ConfigError, match="`two` is of type integer in the database and cannot become date"):
        with_database(database_url, [field(FieldType.TEXT), field(FieldType.DATE, "two")], read)
    assert with_database(database_url, (), read) == [{"order": 1, "two": 2}]


def test_a_number_that_a_decimal_cannot_hold_is_not_lost(database_url):
    with_database(database_url, [field(FieldType.INTEGER)], write([{"order": -(10**15)}]))
    with pytest.raises(ConfigError, match="`order` cannot become decimal: a number in it has more than 15 digits"):
        with_database(database_url, [field(FieldType.DECIMAL)], read)
    assert with_database(database_url, [field(FieldType.TEXT)], read) == [{"order": "-1000000000000000"}]


def test_a_key_keeps_its_type(database_url):
    keys = Keys("user_code", ("order",))
    with_database(database_url, [field(FieldType.EMAIL)], write([{"order": "A@b.example"}]), keys=keys)
    with pytest.raises(ConfigError, match="`order` is a key of the database, and so keeps its type email"):
        with_database(database_url, [field(FieldType.TEXT)], read)


def test_choices_are_added_and_none_is_taken_away(sqlite_url):
    first = ContactField("tier", FieldType.CHOICE, "Tier", ("gold", "silver"))
    second = ContactField("tier", FieldType.CHOICE, "Rank", ("bronze", "gold"))
    for wanted in (first, second, second):
        with_database(sqlite_url, [wanted], read)
    fields = with_database(sqlite_url, (), lambda database, _: database.fields)
    assert fields == {"tier": ContactField("tier", FieldType.CHOICE, "Rank", ("gold", "silver", "bronze"))}


def test_a_field_that_is_no_longer_wanted_keeps_its_values(sqlite_url):
    with_database(sqlite_url, [field(FieldType.TEXT)], write([{"order": "kept"}]))
    assert with_database(sqlite_url, [field(FieldType.TEXT, "two")], read) == [{"order": "kept", "two": None}]


def test_a_widening_that_was_killed_on_mariadb_is_made_good(mariadb_url):
    with_database(mariadb_url, [field(FieldType.DATE)], write([{"order": BEFORE[FieldType.DATE]}]))

    def as_if_killed(_database, connection):
        connection.exec_driver_sql("ALTER TABLE contacts MODIFY COLUMN `order` DATETIME(6)")

    with_database(mariadb_url, (), as_if_killed)
    assert with_database(mariadb_url, [field(FieldType.DATETIME)], read) == [
        {"order": AFTER[FieldType.DATE, FieldType.DATETIME]}
    ]


@pytest.mark.parametrize("kind", ["decimal", "text"])
def test_a_field_that_is_no_longer_declared_keeps_its_wider_column_and_is_filled_on(database_url, kind):
    count = "SELECT orders_count FROM contacts"
    run(database_url, [schema(), customer(1, orders_count=7)])
    run(database_url, [schema()], contact_fields=[{"name": "orders_count", "type": kind}])
    for day, number in ((1, 7), (2, 8)):
        run(database_url, [schema(), customer(1, orders_count=number, updated_at=f"2026-10-0{day}T00:00:00Z")])
        assert [str(value).removesuffix(".0000") for (value,) in query(database_url, count)] == [str(number)]

    assert query(database_url, "SELECT type FROM contact_fields WHERE name = 'orders_count'") == [(kind,)]


def test_a_column_that_does_not_hold_its_source_any_more_is_refused(sqlite_url):
    run(sqlite_url, [schema()])
    with pytest.raises(ConfigError, match=r"`orders_count` is of type integer in the database and cannot become list"):
        run(sqlite_url, [schema(orders_count={"type": "array"})])


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_column_that_a_view_reads_is_told_by_its_field_and_the_view(request, engine):
    url = request.getfixturevalue(f"migrated_{engine}_url")
    run(url, [schema(), customer(1)])
    execute(url, "CREATE VIEW of_mine AS SELECT orders_count FROM contacts")
    with pytest.raises(ConfigError) as caught:
        run(url, [schema(), customer(2)], contact_fields=[{"name": "orders_count", "type": "text"}])

    (problem,) = caught.value.problems
    assert problem.startswith("contact field `orders_count` cannot become text: ")
    assert " view of_mine " in problem
    assert problem.endswith("; drop the view first")
    assert query(url, "SELECT orders_count FROM of_mine") == [(0,)]


def test_mariadb_changes_a_column_that_a_view_reads(migrated_mariadb_url):
    run(migrated_mariadb_url, [schema(), customer(1)])
    execute(migrated_mariadb_url, "CREATE VIEW of_mine AS SELECT orders_count FROM contacts")
    run(migrated_mariadb_url, [schema()], contact_fields=[{"name": "orders_count", "type": "text"}])

    assert query(migrated_mariadb_url, "SELECT orders_count FROM of_mine") == [("0",)]
