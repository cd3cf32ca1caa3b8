"""Migrations: the tables that they make are those of `tables.py`, and the newest is the one the program expects."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from target_contactdb import migrations
from target_contactdb.database import HEAD, VERSION_TABLE, migrate, open_engine
from target_contactdb.tables import metadata


def test_the_newest_migration_is_the_one_that_the_program_expects():
    assert migrations.newest() == HEAD


def test_the_migrations_make_the_tables_of_the_program(database_url):
    engine = open_engine(database_url)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        difference = compare_metadata(context, metadata)
    engine.dispose()

    assert difference == []
