"""Opening a contact database: the engine, its migrations, and the contact fields' columns."""

from __future__ import annotations

import contextlib
import secrets
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from target_contactdb.engines import brief
from target_contactdb.errors import ConfigError, DatabaseError
from target_contactdb.field_changes import field_changes
from target_contactdb.field_columns import apply_field_changes
from target_contactdb.fields import ContactField, FieldType
from target_contactdb.key_state import keys_in_use, settle_keys
from target_contactdb.keys import Keys, key_problems
from target_contactdb.table_lock import changing_tables
from target_contactdb.tables import contact_fields, contacts_table, database_state, unsubscription_causes

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Other programs share the database, and one of them may use Alembic as well.
VERSION_TABLE: t.Final = "contactdb_version"
# The newest migration. Kept here so that a run on an up-to-date database need not load Alembic.
HEAD: t.Final = "0004"


def migrate(engine: sa.Engine) -> None:
    """Bring the tables to this program's version.

    Raises:
        DatabaseError: The database cannot be reached or written, or it is newer than this program.
    """
    try:
        with engine.connect() as connection:
            if version(connection) == HEAD:
                return
        with changing_tables(engine) as connection:
            _upgrade(connection)
            if connection.execute(sa.select(database_state.c.id)).first() is None:
                connection.execute(sa.insert(database_state).values(id=1, salt=secrets.token_hex(16)))
    except SQLAlchemyError as error:
        raise unusable(error) from None


def _upgrade(connection: sa.Connection) -> None:
    from target_contactdb import migrations

    if not migrations.is_known(version(connection)):
        msg = "the contact database was migrated by a newer version of target-contactdb; upgrade this one"
        raise DatabaseError(msg)
    migrations.upgrade(connection, VERSION_TABLE)


def version(connection: sa.Connection) -> str | None:
    """Return the migration that a database has come to; None without any table of ours."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - our own constant
    number: str | None = found.scalar_one_or_none()
    return number


@contextlib.contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Begin a transaction that may write consent; it is the only one of ours at a time.

    What an import decides rests on what it has read: two writers at once could each miss the other's opt-out.
    On SQLite every transaction that may write is alone already.
    """
    with engine.begin() as connection:
        lock_for_writing(connection)
        yield connection


def lock_for_writing(connection: sa.Connection) -> None:
    """Wait until no other transaction of ours writes consent, and keep others waiting until this one ends."""
    connection.execute(sa.select(database_state.c.id).with_for_update())


@dataclass(frozen=True, slots=True)
class Database:
    """An opened and migrated contact database.

    Attributes:
        engine: Its engine.
        contacts: `contacts` with all its contact fields.
        fields: The contact fields by name.
        salt: Secret of this database that goes into every hash of an address.
        keys: The primary key and the unique fields.
        shares_contacts: A contact has several sources; as far as it was asked.
    """

    engine: sa.Engine
    contacts: sa.Table
    fields: dict[str, ContactField]
    salt: str
    keys: Keys = field(default_factory=Keys)
    shares_contacts: bool = False

    @property
    def one_source_each(self) -> bool:
        """Whether each customer is a contact of its own, so that no other one has a say in it."""
        return not self.keys.indexed and not self.shares_contacts


def open_database(
    engine: sa.Engine,
    wanted: Iterable[ContactField] = (),
    causes: Sequence[str] = (),
    protected_causes: Iterable[str] | None = None,
    keys: Keys | None = None,
    filled: Iterable[ContactField] = (),
) -> Database:
    """Migrate a database, bring its contact fields to what is wanted, and declare causes.

    Args:
        engine: From `open_engine`.
        wanted: Contact fields that must exist. A column is made or widened, never dropped or narrowed.
        causes: Unsubscription causes that must be declared.
        protected_causes: Those that no import restores; None = leave them as they are.
        keys: Keys that the database must have, or gets if it is new; None = take those that it has.
        filled: Contact fields that must exist as well, and may be of another type that does: see `field_changes`.

    Raises:
        DatabaseError: The database cannot be used.
        ConfigError: A wanted field exists with a type that does not become the wanted one, or the database has other
            keys.
    """
    wanted, filled = tuple(wanted), tuple(filled)
    if keys is not None:
        _refuse_unknown_keys(engine, keys, (*wanted, *filled))
    migrate(engine)
    try:
        with changing_tables(engine) as connection:
            fields = read_fields(connection)
            changes = field_changes(fields, wanted, keys_in_use(connection), filled)
            apply_field_changes(connection, changes, len(fields))
            fields = changes.applied_to(fields)
            declare_causes(connection, causes)
            if protected_causes is not None:
                connection.execute(sa.update(database_state).values(protected_causes=sorted(protected_causes)))
            salt = connection.execute(sa.select(database_state.c.salt)).scalar_one()
            settled = settle_keys(connection, fields, keys)
    except SQLAlchemyError as error:
        raise unusable(error) from None
    table = contacts_table(sa.MetaData(), (field.column() for field in fields.values()))
    return Database(engine, table, fields, salt, settled)


def _refuse_unknown_keys(engine: sa.Engine, keys: Keys, fields: Iterable[ContactField]) -> None:
    """Refuse keys that a new database cannot have, before it gets a table."""
    problems = key_problems(keys, {one.name: one for one in reversed(tuple(fields))})
    if problems and _is_new(engine):
        raise ConfigError(problems)


def _is_new(engine: sa.Engine) -> bool:
    # To connect to a file makes it.
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return True
    try:
        with engine.connect() as connection:
            return version(connection) is None
    except SQLAlchemyError as error:
        raise unusable(error) from None


def unusable(error: SQLAlchemyError) -> DatabaseError:
    """Return what to say of a database that cannot be opened."""
    return DatabaseError(f"setting `sqlalchemy_url`: the contact database cannot be used: {brief(error)}")


def read_fields(connection: sa.Connection) -> dict[str, ContactField]:
    """Return the contact fields of a database, by name, in their order."""
    rows = connection.execute(sa.select(contact_fields).order_by(contact_fields.c.position)).mappings()
    return {
        row["name"]: ContactField(
            row["name"], FieldType(row["type"]), row["label"] or row["name"], tuple(row["choices"] or ())
        )
        for row in rows
    }


def declare_causes(connection: sa.Connection, causes: Sequence[str]) -> None:
    """Add the unsubscription causes that are not declared yet."""
    known = set(connection.execute(sa.select(unsubscription_causes.c.cause)).scalars())
    new = [cause for cause in dict.fromkeys(causes) if cause not in known]
    if new:
        rows = [{"cause": cause, "position": len(known) + offset} for offset, cause in enumerate(new)]
        connection.execute(sa.insert(unsubscription_causes), rows)
