"""Migrating a database in the middle of life: killed, raced, newer than the program, or not its own."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from target_contactdb.database import HEAD, VERSION_TABLE, migrate, open_database, version
from target_contactdb.engines import open_engine
from target_contactdb.errors import DatabaseError
from target_contactdb.fields import ContactField, FieldType
from target_contactdb.tables import database_state, metadata

if t.TYPE_CHECKING:
    from collections.abc import Iterator

VIEWS = {"last_checkout", "abandoned_checkout_node"}
FIELDS = [ContactField("vip", FieldType.BOOLEAN), ContactField("note", FieldType.TEXT)]


class Killed(BaseException):
    """The program ends between two statements."""


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[sa.Engine]:
    """An engine on a database with nothing in it."""
    engine = open_engine(empty_database_url)
    yield engine
    engine.dispose()


def _state(engine: sa.Engine) -> dict[str, t.Any]:
    """Return what a migrated database is like, as far as it does not depend on chance."""
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        return {
            "version": version(connection),
            "difference": compare_metadata(MigrationContext.configure(connection, opts=options), metadata),
            "views": set(sa.inspect(connection).get_view_names()),
            "states": connection.execute(sa.select(database_state.c.id)).scalars().all(),
        }


MIGRATED = {"version": HEAD, "difference": [], "views": VIEWS, "states": [1]}


def _killed(url: str, work: t.Callable[[sa.Engine], object], seen: set[str], *, each: int) -> bool:
    """Do something with a program that is killed once it has changed the tables in a new way; tell whether it was.

    Args:
        url: The database.
        work: What it does.
        seen: The changes that earlier tries have come to. Those of this one are added.
        each: After how many new changes it is killed.
    """
    engine = open_engine(url)
    left = each

    @sa.event.listens_for(engine, "after_cursor_execute")
    def kill(connection: sa.Connection, _cursor: t.Any, statement: str, *_arguments: t.Any) -> None:
        nonlocal left
        if statement in seen or not statement.lstrip().startswith(("CREATE", "ALTER")):
            return
        seen.add(statement)
        left -= 1
        if not left:
            # The connection breaks, as it does when a process dies: nothing is rolled back from this side.
            connection.connection.dbapi_connection.close()  # type: ignore[union-attr]
            raise Killed

    try:
        work(engine)
    except Killed:
        return True
    finally:
        engine.dispose()
    return False


def test_a_migration_that_is_killed_at_any_step_goes_on(empty_database_url, engine):
    # Only there does a step stay that comes before the end.
    each = 1 if engine.dialect.name == "mysql" else 10
    killed, seen = 0, set[str]()
    while _killed(empty_database_url, migrate, seen, each=each):
        killed += 1

    assert killed == len(seen) // each > 2
    assert _state(engine) == MIGRATED


def test_a_program_that_is_killed_while_it_adds_contact_fields_goes_on(empty_database_url, engine):
    migrate(engine)
    killed, seen = 0, set[str]()
    while _killed(empty_database_url, lambda one: open_database(one, FIELDS), seen, each=1):
        killed += 1

    assert killed == len(seen) > 0
    assert list(open_database(engine, FIELDS).fields.values()) == [
        ContactField("vip", FieldType.BOOLEAN, "vip"),
        ContactField("note", FieldType.TEXT, "note"),
    ]


def test_programs_that_start_at_once_on_a_new_database_migrate_it_once(empty_database_url, engine):
    def start(_number: int) -> None:
        own = open_engine(empty_database_url)
        open_database(own, FIELDS, ["cause"])
        own.dispose()

    with ThreadPoolExecutor() as pool:
        list(pool.map(start, range(3)))

    assert _state(engine) | {"difference": []} == MIGRATED


def test_a_database_with_tables_of_another_program_is_left_alone(empty_database_url, engine):
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE contacts (name VARCHAR(20))"))
    with pytest.raises(DatabaseError, match="contacts"):
        migrate(engine)

    assert sa.inspect(engine).get_table_names() == ["contacts"]


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(database_url):
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(DatabaseError) as caught:
        open_database(engine, FIELDS)
    columns = {column["name"] for column in sa.inspect(engine).get_columns("contacts")}
    engine.dispose()

    assert str(caught.value) == (
        "the contact database was migrated by a newer version of target-contactdb; upgrade this one"
    )
    assert columns == set(metadata.tables["contacts"].columns.keys())
