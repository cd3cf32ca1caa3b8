"""Opening a contact database: the engine, its migrations, and the contact fields' columns."""

from __future__ import annotations

import contextlib
import secrets
import typing as t
from dataclasses import dataclass
from decimal import Decimal

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from target_contactdb.errors import ConfigError, DatabaseError
from target_contactdb.fields import ContactField, FieldType
from target_contactdb.tables import contact_fields, contacts_table, database_state, unsubscription_causes

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.pool import ConnectionPoolEntry

# Other programs share the database, and one of them may use Alembic as well.
VERSION_TABLE: t.Final = "contactdb_version"
# The newest migration. Kept here so that a run on an up-to-date database need not load Alembic.
HEAD: t.Final = "0001"
SUPPORTED: t.Final = ("sqlite", "postgresql")


def open_engine(url: str, schema: str | None = None, *, setting: str = "sqlalchemy_url") -> sa.Engine:
    """Return an engine that never shows a bound value in an error.

    Args:
        url: SQLAlchemy URL.
        schema: PostgreSQL schema to work in; None = the connection's own.
        setting: The name to blame in an error.

    Raises:
        ConfigError: The URL cannot be parsed, or its engine is not supported.
    """
    try:
        parsed = sa.make_url(url)
        dialect = parsed.get_backend_name()
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if dialect not in SUPPORTED:
            raise ConfigError([f"setting `{setting}`: engine `{dialect}` is not supported; use SQLite or PostgreSQL"])
        engine = sa.create_engine(
            parsed,
            hide_parameters=True,
            pool_pre_ping=dialect != "sqlite",
            json_serializer=_to_json,
            json_deserializer=msgspec.json.Decoder(float_hook=Decimal).decode,
        )
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError):
        raise ConfigError([f"setting `{setting}` is not a SQLAlchemy URL that can be used"]) from None
    if dialect == "sqlite":
        if schema:
            raise ConfigError(["setting `default_target_schema`: SQLite has no schemas"])
        _prepare_sqlite(engine)
    elif schema:
        _prepare_schema(engine, schema)
    return engine


_EXACT_JSON: t.Final = msgspec.json.Encoder(decimal_format="number")


def _to_json(value: t.Any) -> str:
    return _EXACT_JSON.encode(value).decode()


def _prepare_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: t.Any, _record: ConnectionPoolEntry) -> None:
        # The driver must not open transactions by itself: `begin` below does.
        connection.isolation_level = None
        for pragma in ("busy_timeout = 30000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        # Taking the write lock at once spares a deadlock when two writers have both read first.
        mode = "DEFERRED" if connection.get_execution_options().get("read_only") else "IMMEDIATE"
        connection.exec_driver_sql(f"BEGIN {mode}")


def _prepare_schema(engine: sa.Engine, schema: str) -> None:
    quoted = engine.dialect.identifier_preparer.quote(schema)

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: t.Any, _record: ConnectionPoolEntry) -> None:
        autocommit, connection.autocommit = connection.autocommit, True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted}")
            cursor.execute(f"SET search_path TO {quoted}")
        connection.autocommit = autocommit


def migrate(engine: sa.Engine) -> None:
    """Bring the tables to this program's version.

    Raises:
        DatabaseError: The database cannot be reached or written, or it is newer than this program.
    """
    try:
        with engine.begin() as connection:
            if version(connection) == HEAD:
                return
            _upgrade(connection)
            if connection.execute(sa.select(database_state.c.id)).first() is None:
                connection.execute(sa.insert(database_state).values(id=1, salt=secrets.token_hex(16)))
    except SQLAlchemyError as error:
        raise DatabaseError(f"setting `sqlalchemy_url`: the contact database cannot be used: {brief(error)}") from None


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


def brief(error: SQLAlchemyError) -> str:
    """Return one line about a database error, without statement, parameters or row values."""
    cause = getattr(error, "orig", None)
    first = str(cause or error).strip().split("\n", 1)[0]
    diagnosis = getattr(getattr(cause, "diag", None), "message_primary", None)
    return f"{type(cause or error).__name__}: {diagnosis or first}"


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
    """

    engine: sa.Engine
    contacts: sa.Table
    fields: dict[str, ContactField]
    salt: str


def open_database(
    engine: sa.Engine,
    wanted: Iterable[ContactField] = (),
    causes: Sequence[str] = (),
    protected_causes: Iterable[str] | None = None,
) -> Database:
    """Migrate a database, add the columns of contact fields that it lacks, and declare causes.

    Args:
        engine: From `open_engine`.
        wanted: Contact fields that must exist. A column is never dropped or narrowed.
        causes: Unsubscription causes that must be declared.
        protected_causes: Those that no import restores; None = leave them as they are.

    Raises:
        DatabaseError: The database cannot be used.
        ConfigError: A wanted field exists with another type.
    """
    migrate(engine)
    try:
        with engine.begin() as connection:
            fields = read_fields(connection)
            added = _missing_fields(fields, wanted)
            _add_columns(connection, added, len(fields))
            fields |= {field.name: field for field in added}
            _declare_causes(connection, causes)
            if protected_causes is not None:
                connection.execute(sa.update(database_state).values(protected_causes=sorted(protected_causes)))
            salt = connection.execute(sa.select(database_state.c.salt)).scalar_one()
    except SQLAlchemyError as error:
        raise DatabaseError(f"setting `sqlalchemy_url`: the contact database cannot be used: {brief(error)}") from None
    table = contacts_table(sa.MetaData(), (field.column() for field in fields.values()))
    return Database(engine, table, fields, salt)


def read_fields(connection: sa.Connection) -> dict[str, ContactField]:
    """Return the contact fields of a database, by name, in their order."""
    rows = connection.execute(sa.select(contact_fields).order_by(contact_fields.c.position)).mappings()
    return {
        row["name"]: ContactField(
            row["name"], FieldType(row["type"]), row["label"] or row["name"], tuple(row["choices"] or ())
        )
        for row in rows
    }


def _missing_fields(existing: dict[str, ContactField], wanted: Iterable[ContactField]) -> list[ContactField]:
    added: dict[str, ContactField] = {}
    problems = []
    for field in wanted:
        known = existing.get(field.name) or added.get(field.name)
        if known is None:
            added[field.name] = field
        elif known.type is not field.type:
            problems.append(f"contact field `{field.name}` is of type {known.type} in the database, not {field.type}")
    if problems:
        raise ConfigError(problems)
    return list(added.values())


def _add_columns(connection: sa.Connection, added: Sequence[ContactField], position: int) -> None:
    table = sa.Table("contacts", sa.MetaData())
    compiler = connection.dialect.ddl_compiler(connection.dialect, None)  # type: ignore[arg-type]
    for offset, field in enumerate(added):
        column = field.column()
        table.append_column(column)
        specification = compiler.get_column_specification(column)
        connection.exec_driver_sql(f"ALTER TABLE contacts ADD COLUMN {specification}")
        connection.execute(
            sa.insert(contact_fields).values(
                name=field.name,
                type=field.type.value,
                label=field.label,
                choices=list(field.choices) or None,
                position=position + offset,
            )
        )


def _declare_causes(connection: sa.Connection, causes: Sequence[str]) -> None:
    known = set(connection.execute(sa.select(unsubscription_causes.c.cause)).scalars())
    new = [cause for cause in dict.fromkeys(causes) if cause not in known]
    if new:
        rows = [{"cause": cause, "position": len(known) + offset} for offset, cause in enumerate(new)]
        connection.execute(sa.insert(unsubscription_causes), rows)
