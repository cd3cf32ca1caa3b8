"""Opening a contact database for a command: never made, never migrated, and for a reader never written."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from target_contactdb.causes import DEFAULT_PROTECTED
from target_contactdb.database import HEAD, Database, lock_for_writing, read_fields, version
from target_contactdb.engines import brief, open_engine
from target_contactdb.errors import ConfigError, DatabaseError, DatabaseUnavailable
from target_contactdb.fields import ContactField
from target_contactdb.key_state import keys_of
from target_contactdb.keys import Keys
from target_contactdb.table_lock import changing_tables
from target_contactdb.tables import contacts_table, database_state

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.pool import ConnectionPoolEntry

_NO_DATABASE: t.Final = "there is no contact database at `sqlalchemy_url` yet"


@dataclass(frozen=True, slots=True)
class Opened:
    """One transaction on a contact database, and what has to be known to read it.

    Attributes:
        connection: The connection, with its transaction begun.
        contacts: `contacts` with all its contact fields.
        fields: The contact fields by name, in their order.
        salt: Secret of this database that goes into every hash of an address.
        protected_causes: Causes that no import ever restores.
        keys: The primary key and the unique fields.
    """

    connection: sa.Connection
    contacts: sa.Table
    fields: dict[str, ContactField]
    salt: str
    protected_causes: frozenset[str]
    keys: Keys

    @property
    def database(self) -> Database:
        """The same, as imports know it."""
        return Database(self.connection.engine, self.contacts, self.fields, self.salt, self.keys)


@contextlib.contextmanager
def opened(
    url: str | None, schema: str | None = None, *, write: bool = False, tables: bool = False
) -> Iterator[Opened]:
    """Begin a transaction on an existing contact database; it is committed at the end if nothing was raised.

    Args:
        url: SQLAlchemy URL.
        schema: PostgreSQL schema of the tables; None = the connection's own.
        write: Whether the command may write.
        tables: Whether it may change tables as well.

    Raises:
        ConfigError: The URL is blank or cannot be used.
        DatabaseError: The database does not exist, or has another version.
        DatabaseUnavailable: The database cannot be reached.
    """
    if not (url or "").strip():
        problem = "no contact database: give --sqlalchemy-url or set TARGET_CONTACTDB_SQLALCHEMY_URL"
        raise ConfigError([problem])
    engine = _engine(str(url).strip(), (schema or "").strip() or None)
    try:
        with changing_tables(engine) if tables else _transaction(engine, write=write) as connection:
            _check_version(connection)
            if write:
                lock_for_writing(connection)
            yield _describe(connection)
    except SQLAlchemyError as error:
        msg = f"setting `sqlalchemy_url`: the contact database cannot be used: {brief(error)}"
        raise DatabaseUnavailable(msg) from None
    finally:
        engine.dispose()


def _engine(url: str, schema: str | None) -> sa.Engine:
    # `open_engine` makes a schema that does not exist, which no command here may do.
    engine = open_engine(url, schema if url.startswith("sqlite") else None)
    if engine.dialect.name == "sqlite":
        file = engine.url.database
        if file and file != ":memory:" and not file.startswith("file:") and not Path(file).exists():
            # The whole path: a relative one may have been meant from another folder.
            msg = f"{_NO_DATABASE}: the file {Path(file).absolute()} does not exist; the first import makes it"
            raise DatabaseError(msg)
    elif schema:
        quoted = engine.dialect.identifier_preparer.quote(schema)

        @sa.event.listens_for(engine, "connect")
        def on_connect(connection: t.Any, _record: ConnectionPoolEntry) -> None:
            autocommit, connection.autocommit = connection.autocommit, True
            connection.execute(f"SET search_path TO {quoted}")
            connection.autocommit = autocommit

    return engine


@contextlib.contextmanager
def _transaction(engine: sa.Engine, *, write: bool) -> Iterator[sa.Connection]:
    with engine.connect().execution_options(**_options(engine, write=write)) as connection, connection.begin():
        yield connection


def _options(engine: sa.Engine, *, write: bool) -> dict[str, t.Any]:
    if write:
        return {}
    options: dict[str, t.Any] = {"read_only": True}
    if engine.dialect.name != "sqlite":
        # Several queries make one answer: they must see one moment.
        options["isolation_level"] = "REPEATABLE READ"
    if engine.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    return options


def _check_version(connection: sa.Connection) -> None:
    current = version(connection)
    if current is None:
        msg = f"{_NO_DATABASE}: no import has run"
        raise DatabaseError(msg)
    if current == HEAD:
        return
    from target_contactdb import migrations

    if migrations.is_known(current):
        msg = "the contact database is of an older version than this program: the next import upgrades it"
    else:
        msg = "the contact database is of a newer version than this program: upgrade target-contactdb here"
    raise DatabaseError(msg)


def _describe(connection: sa.Connection) -> Opened:
    fields = read_fields(connection)
    state = connection.execute(sa.select(database_state)).mappings().one()
    protected = state["protected_causes"]
    return Opened(
        connection,
        contacts_table(sa.MetaData(), (field.column() for field in fields.values())),
        fields,
        state["salt"],
        frozenset(DEFAULT_PROTECTED if protected is None else protected),
        keys_of(state) or Keys(),
    )
