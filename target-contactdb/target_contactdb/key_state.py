"""The keys that a contact database has, and finishing what a change of them began.

SQLite and PostgreSQL change keys in one transaction. On MariaDB and MySQL a change of the schema commits by itself, so
the wanted keys are written down first (`pending_keys`), then come the new indexes, then the keys themselves, then the
old indexes go. Until the keys are written the old ones hold, and whoever opens the database next finishes the rest.
"""

from __future__ import annotations

import contextlib
import typing as t

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from target_contactdb.errors import ConfigError, DatabaseError
from target_contactdb.key_index import (
    commits_schema_changes,
    drop_other_indexes,
    ensure_indexes,
    has_exactly,
)
from target_contactdb.keys import Keys, key_problems
from target_contactdb.tables import contacts, database_state

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from target_contactdb.fields import ContactField


def keys_of(row: Mapping[str, t.Any] | sa.RowMapping) -> Keys | None:
    """Return the keys that a row of `database_state` holds; None before an import has settled them."""
    if row["primary_key"] is None:
        return None
    return Keys(row["primary_key"], tuple(row["unique_fields"] or ()))


def keys_in_use(connection: sa.Connection) -> frozenset[str]:
    """Return the contact fields that are keys now, or become keys in a change that was begun."""
    state = read_state(connection)
    pending = state["pending_keys"]
    to_be = Keys(pending["primary_key"], tuple(pending["unique_fields"])) if pending else Keys()
    return frozenset((*(keys_of(state) or Keys()).indexed, *to_be.indexed))


def settle_keys(connection: sa.Connection, fields: Mapping[str, ContactField], wanted: Keys | None) -> Keys:
    """Finish a change of keys that was begun, give a new database its keys, and compare.

    Args:
        connection: Of `changing_tables`.
        fields: The contact fields by name.
        wanted: The keys that the settings name; None = take those of the database.

    Returns:
        The keys of the database.

    Raises:
        ConfigError: The settings name other keys than the database has, or keys that cannot be.
    """
    state = read_state(connection)
    keys = keys_of(state)
    is_whole = state["pending_keys"] is None and has_exactly(connection, (keys or Keys()).indexed)
    if is_whole and (wanted is None or (keys is not None and keys.is_same(wanted))):
        return keys or Keys()
    keys = finish_change(connection, fields)
    if wanted is None:
        return keys or Keys()
    if keys is None and connection.execute(sa.select(contacts.c.contact_id).limit(1)).first() is not None:
        keys = Keys()
    if keys is not None and not keys.is_same(wanted):
        msg = (
            "settings `primary_key` and `unique_fields` differ from the contact database, which has"
            f" `{keys.arguments}`; `contactdb keys plan {wanted.arguments}` says what a change would do"
        )
        raise ConfigError([msg])
    problems = key_problems(wanted, fields)
    if problems:
        raise ConfigError(problems)
    ensure_indexes(connection, [fields[name] for name in wanted.indexed])
    write_keys(connection, wanted)
    return wanted


def finish_change(connection: sa.Connection, fields: Mapping[str, ContactField]) -> Keys | None:
    """Finish the change that is written down, and bring the indexes to what the keys say.

    A change that the data stands against is taken back.

    Args:
        connection: Of `changing_tables`.
        fields: The contact fields by name.

    Returns:
        The keys that hold now; None before an import has settled them.
    """
    state = read_state(connection, lock=True)
    keys, pending = keys_of(state), state["pending_keys"]
    if pending is not None:
        wanted = Keys(pending["primary_key"], tuple(pending["unique_fields"]))
        try:
            with _undoable(connection):
                ensure_indexes(connection, [fields[name] for name in wanted.indexed])
        except IntegrityError:
            connection.execute(sa.update(database_state).values(pending_keys=None))
            if commits_schema_changes(connection.dialect):
                connection.exec_driver_sql("COMMIT")
        else:
            # Another key makes other sources of a contact: everyone is decided again.
            write_keys(connection, wanted, options_fingerprint="")
            keys = wanted
    indexed = (keys or Keys()).indexed
    ensure_indexes(connection, [fields[name] for name in indexed])
    drop_other_indexes(connection, indexed)
    return keys


def refuse_changed_keys(connection: sa.Connection, keys: Keys) -> None:
    """Refuse to write by keys that are not those of the database any more.

    Args:
        connection: In a transaction that writes alone.
        keys: The keys that the database was opened with.

    Raises:
        DatabaseError: `contactdb keys set` has come in between, or is not finished.
    """
    state = read_state(connection)
    if state["pending_keys"] is not None or not (keys_of(state) or Keys()).is_same(keys):
        msg = "the keys of the contact database were changed meanwhile: run again"
        raise DatabaseError(msg)


def _undoable(connection: sa.Connection) -> contextlib.AbstractContextManager[t.Any]:
    # A savepoint does not outlive a change of the schema that commits; such a change is whole by itself.
    if commits_schema_changes(connection.dialect):
        return contextlib.nullcontext()
    return connection.begin_nested()


def write_keys(connection: sa.Connection, keys: Keys, **values: t.Any) -> None:
    """Write the keys, and nothing pending, into the database's state."""
    connection.execute(
        sa.update(database_state).values(
            primary_key=keys.primary_key, unique_fields=list(keys.unique_fields), pending_keys=None, **values
        )
    )


def read_state(connection: sa.Connection, *, lock: bool = False) -> sa.RowMapping:
    """Return the database's state; with a lock, no other transaction of ours writes until this one ends."""
    statement = sa.select(database_state)
    return connection.execute(statement.with_for_update() if lock else statement).mappings().one()
