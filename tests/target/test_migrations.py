"""Migrations: the tables that they make are those of `tables.py`, and the newest is the one the program expects."""

from __future__ import annotations

import importlib
import typing as t

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from target_contactdb import migrations
from target_contactdb.database import HEAD, VERSION_TABLE, migrate, open_database
from target_contactdb.engines import open_engine
from target_contactdb.errors import StateError
from target_contactdb.keys import Keys
from target_contactdb.tables import metadata
from tests.target.singer import checkout, customer, execute, query, run, schema, state


def test_the_newest_migration_is_the_one_that_the_program_expects():
    assert migrations.newest() == HEAD


def test_the_migrations_make_the_tables_of_the_program(empty_database_url):
    engine = open_engine(empty_database_url)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        difference = compare_metadata(context, metadata)
    engine.dispose()

    assert difference == []


def test_a_database_of_the_first_version_keeps_all_its_data(database_url_of_first_version):
    url = database_url_of_first_version
    tables = ("contacts", "contact_sources", "status_changes", "operations", "checkouts", "contact_fields")
    before = {table: query(url, f"SELECT count(*) FROM {table}") for table in tables}
    ((salt, fingerprint),) = query(url, "SELECT salt, options_fingerprint FROM database_state")
    engine = open_engine(url)
    keys = open_database(engine).keys
    engine.dispose()

    assert {table: query(url, f"SELECT count(*) FROM {table}") for table in tables} == before
    assert query(url, "SELECT salt, options_fingerprint, primary_key, status_changes_counted FROM database_state") == [
        (salt, fingerprint, "user_code", 0)
    ]
    assert keys == Keys()
    run(url, [schema(), customer(1)])
    assert query(url, "SELECT unchanged FROM operations ORDER BY operation_id DESC LIMIT 1") == [(1,)]


def test_a_database_of_the_first_version_gets_the_rule_of_recovery_of_today(database_url_of_first_version):
    url = database_url_of_first_version
    assert query(url, "SELECT checkout_id FROM last_checkout") == [(7,)]

    bought = checkout(8, 1, created_at="2026-10-02T00:00:00Z", completed_at="2026-10-02T00:00:00Z")
    run(url, [schema("abandoned_checkouts"), bought])

    assert query(url, "SELECT checkout_id FROM abandoned_checkout_node") == []


@pytest.fixture
def database_url_of_first_version(empty_database_url):
    """The URL of a database as the first migration and an import left it."""
    run(empty_database_url, [schema(), customer(1), schema("abandoned_checkouts"), checkout(7, 1)])
    engine = open_engine(empty_database_url)
    # What the second migration adds is taken away again.
    with engine.begin() as connection:
        for table in ("listed_sources", "streams", "segment_members", "segments", "flow_entries"):
            connection.execute(sa.text(f"DROP TABLE {table}"))
        for column in metadata.tables["database_state"].columns:
            if column.name not in {"id", "salt", "options_fingerprint", "protected_causes"}:
                connection.execute(sa.text(f"ALTER TABLE database_state DROP COLUMN {column.name}"))
        # And the view is as the first one made it.
        of_first_version = importlib.import_module(f"{migrations.__name__}.versions.0001_contact_database")
        connection.execute(sa.text("DROP VIEW abandoned_checkout_node"))
        connection.execute(sa.text("DROP VIEW last_checkout"))
        for view in (of_first_version.LAST_CHECKOUT, of_first_version.NODE):
            connection.execute(sa.text(view))
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'"))
    engine.dispose()
    return empty_database_url


def test_a_database_that_did_not_remember_filters_by_stream_has_been_asked_those_of_its_last_import(database_url):
    filtered: dict[str, t.Any] = {"options": {"import_filters": [{"field": "orders_count", "op": "is_set"}]}}
    mapped = {"mappings": [{"source": name, "field": name} for name in ("email", "phone")]}
    since = state("customers", "2026-10-02T00:00:00Z")
    run(database_url, [schema(), customer(1), since, schema("abandoned_checkouts")], **mapped, **filtered)
    before = query(database_url, "SELECT stream, filters FROM streams ORDER BY stream")
    execute(database_url, "ALTER TABLE streams DROP COLUMN filters")
    execute(database_url, f"UPDATE {VERSION_TABLE} SET version_num = '0003'")

    with pytest.raises(StateError, match="the new `import_filters` read `tags`"):
        run(database_url, [since, schema()], options={"import_filters": [{"field": "tags", "op": "is_set"}]}, **mapped)
    run(database_url, [since, schema()], **mapped, **filtered)
    assert query(database_url, "SELECT stream, filters FROM streams ORDER BY stream") == before
