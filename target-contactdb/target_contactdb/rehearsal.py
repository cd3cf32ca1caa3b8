"""A dry run: everything an import does, in one transaction that is never committed, and no change of any table."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from target_contactdb.database import (
    HEAD,
    Database,
    declare_causes,
    open_database,
    read_fields,
    unusable,
    version,
)
from target_contactdb.engines import open_engine
from target_contactdb.errors import DatabaseError
from target_contactdb.field_changes import field_changes
from target_contactdb.key_index import has_exactly
from target_contactdb.key_state import keys_in_use, keys_of, read_state, settle_keys
from target_contactdb.keys import Keys
from target_contactdb.tables import contacts_table

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Iterator, Sequence

    from target_contactdb.fields import ContactField

_IN_MEMORY: t.Final = "sqlite://"


class Rehearsal:
    """Stands in for an engine: one connection, whose transaction is taken back at the end.

    What would be a transaction is a savepoint here, so that a batch is still taken in whole or not at all.
    """

    def __init__(self, engine: sa.Engine) -> None:
        """Begin the transaction.

        Args:
            engine: Of the contact database.
        """
        self._engine = engine
        self._connection = engine.connect()
        self._connection.begin()

    @property
    def dialect(self) -> sa.Dialect:
        """The engine's dialect."""
        return self._engine.dialect

    @contextlib.contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Yield the connection in a savepoint: an error takes back what was done since."""
        with self._connection.begin_nested():
            yield self._connection

    @contextlib.contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """Yield the connection."""
        yield self._connection

    def dispose(self) -> None:
        """Take everything back, and let the database go."""
        with contextlib.suppress(SQLAlchemyError):
            # A server that is gone has taken it back already.
            self._connection.rollback()
        self._connection.close()
        self._engine.dispose()


def open_rehearsal(url: str, schema: str | None, logger: logging.Logger) -> sa.Engine:
    """Open a contact database for a dry run; one without tables is replaced by an empty one in memory.

    Args:
        url: SQLAlchemy URL.
        schema: PostgreSQL schema to work in; None = the connection's own.
        logger: Is told what the dry run works on.

    Raises:
        ConfigError: The URL cannot be used.
        DatabaseError: The database cannot be used, or has tables of an older version.
    """
    engine = open_engine(url, schema, make=False)
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    if file is None or Path(file).exists():
        rehearsal = Rehearsal(engine) if _is_ready(engine) else None
        if rehearsal is not None:
            logger.warning("dry run: nothing is written, and other imports wait meanwhile")
            return t.cast("sa.Engine", rehearsal)
    engine.dispose()
    logger.warning("dry run: no import has made this contact database yet, so an empty one in memory stands in for it")
    return open_engine(_IN_MEMORY)


def is_rehearsal(engine: sa.Engine) -> bool:
    """Tell whether an engine is the stand-in of a dry run on a database with tables."""
    return isinstance(engine, Rehearsal)


def _is_ready(engine: sa.Engine) -> bool:
    try:
        with engine.connect() as connection:
            found = version(connection)
            if found is not None and found != HEAD:
                msg = (
                    "setting `dry_run`: the contact database has tables of another version, and a dry run changes"
                    " no table; run an import of this version first"
                )
                raise DatabaseError(msg)
            return found is not None and bool(read_fields(connection))
    except SQLAlchemyError as error:
        raise unusable(error) from None


def open_for_import(
    engine: sa.Engine,
    wanted: Iterable[ContactField],
    filled: Iterable[ContactField],
    causes: Sequence[str],
    protected_causes: Iterable[str],
    keys: Keys | None,
    logger: logging.Logger,
) -> Database:
    """Open a contact database for an import: as `open_database` does, or in a dry run without changing a table.

    Raises:
        DatabaseError: The database cannot be used.
        ConfigError: As `open_database`.
    """
    if not is_rehearsal(engine):
        return open_database(engine, wanted, causes, protected_causes, keys, filled)
    with engine.begin() as connection:
        fields = read_fields(connection)
        changes = field_changes(fields, wanted, keys_in_use(connection), filled)
        for one in changes.added:
            logger.warning("dry run: would add the contact field `%s` of type %s", one.name, one.type)
        for old, new in changes.widened:
            logger.warning(
                "dry run: would change the contact field `%s` from type %s to %s", old.name, old.type, new.type
            )
        declare_causes(connection, causes)
        salt, keys_now = read_state(connection)["salt"], _keys(connection, fields, keys)
    # A field that is to change cannot be written as it is; its values are only checked.
    unchanged = {name: one for name, one in fields.items() if name not in {old.name for old, _new in changes.widened}}
    table = contacts_table(sa.MetaData(), (one.column() for one in unchanged.values()))
    return Database(engine, table, unchanged, salt, keys_now)


def _keys(connection: sa.Connection, fields: dict[str, ContactField], wanted: Keys | None) -> Keys:
    state = read_state(connection)
    keys = keys_of(state)
    if keys is None:
        return wanted or Keys()
    if state["pending_keys"] is not None or not has_exactly(connection, keys.indexed):
        msg = "setting `dry_run`: a change of keys is not finished; the next import finishes it"
        raise DatabaseError(msg)
    return settle_keys(connection, fields, wanted)
