"""Opening an engine: the URL, what each session is set to, and errors in one line."""

from __future__ import annotations

import typing as t
from decimal import Decimal

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from target_contactdb.dialects import mysql_session
from target_contactdb.errors import ConfigError

if t.TYPE_CHECKING:
    from sqlalchemy.pool import ConnectionPoolEntry

# MariaDB and MySQL share a dialect: which of them it is shows once it answers.
_DRIVERS: t.Final = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}


def open_engine(
    url: str, schema: str | None = None, *, setting: str = "sqlalchemy_url", make: bool = True
) -> sa.Engine:
    """Return an engine that never shows a bound value in an error.

    Args:
        url: SQLAlchemy URL.
        schema: PostgreSQL schema to work in; None = the connection's own.
        setting: The name to blame in an error.
        make: Make a schema that does not exist.

    Raises:
        ConfigError: The URL cannot be parsed, or its engine or driver cannot be used.
    """
    try:
        parsed = _supported(sa.make_url(url), setting)
        engine = sa.create_engine(
            parsed,
            hide_parameters=True,
            pool_pre_ping=parsed.get_backend_name() != "sqlite",
            json_serializer=_to_json,
            json_deserializer=msgspec.json.Decoder(float_hook=Decimal).decode,
            **(mysql_session.OPTIONS if parsed.get_backend_name() == "mysql" else {}),
        )
    except ModuleNotFoundError as error:
        problem = f"`{parsed.drivername}` needs the Python package `{error.name}`"
        raise ConfigError([f"setting `{setting}`: {problem}; install `target-contactdb[mysql]`"]) from None
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise ConfigError([f"setting `{setting}` is not a SQLAlchemy URL that can be used"]) from None
    _prepare(engine, schema, make=make)
    return engine


def _supported(url: sa.URL, setting: str) -> sa.URL:
    backend, _plus, driver = url.drivername.partition("+")
    known = _DRIVERS.get(backend)
    if known is None:
        problem = f"engine `{backend}` is not supported; use SQLite, PostgreSQL, MariaDB or MySQL"
        raise ConfigError([f"setting `{setting}`: {problem}"])
    wanted = known.partition("+")[2]
    if driver and wanted and driver != wanted:
        raise ConfigError([f"setting `{setting}`: begin it with `{backend}+{wanted}://`, not `{url.drivername}://`"])
    if wanted:
        url = url.set(drivername=known)
    if known != "mysql+pymysql":
        return url
    if not url.database:
        raise ConfigError([f"setting `{setting}` names no database: `{backend}+{wanted}://host/database`"])
    return url.update_query_dict({"charset": "utf8mb4"})


_EXACT_JSON: t.Final = msgspec.json.Encoder(decimal_format="number")


def _to_json(value: t.Any) -> str:
    return _EXACT_JSON.encode(value).decode()


def _prepare(engine: sa.Engine, schema: str | None, *, make: bool) -> None:
    name = engine.dialect.name
    if name == "postgresql":
        if schema:
            _prepare_schema(engine, schema, make=make)
        return
    if schema:
        other = "SQLite has no schemas" if name == "sqlite" else "name the database in `sqlalchemy_url` instead"
        raise ConfigError([f"setting `default_target_schema`: {other}"])
    if name == "sqlite":
        _prepare_sqlite(engine)
    else:
        mysql_session.prepare(engine)


# Staging tables are small enough for memory, and a batch looks up more pages than the default cache of 2 MB holds.
_PRAGMAS: t.Final = (
    "busy_timeout = 30000",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "temp_store = MEMORY",
    "cache_size = -16000",
)


def _prepare_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: t.Any, _record: ConnectionPoolEntry) -> None:
        # The driver must not open transactions by itself: `begin` below does.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        # Taking the write lock at once spares a deadlock when two writers have both read first.
        mode = "DEFERRED" if connection.get_execution_options().get("read_only") else "IMMEDIATE"
        connection.exec_driver_sql(f"BEGIN {mode}")


def _prepare_schema(engine: sa.Engine, schema: str, *, make: bool) -> None:
    from psycopg import Error

    if schema.startswith("pg_") or schema == "information_schema":
        raise ConfigError([f"setting `default_target_schema`: PostgreSQL keeps the name `{schema}` for itself"])
    quoted = engine.dialect.identifier_preparer.quote(schema)

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: t.Any, _record: ConnectionPoolEntry) -> None:
        autocommit, connection.autocommit = connection.autocommit, True
        with connection.cursor() as cursor:
            if make:
                try:
                    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted}")
                except Error as error:
                    problem = f"the schema `{schema}` cannot be made: {error.diag.message_primary}"
                    raise ConfigError([f"setting `default_target_schema`: {problem}"]) from None
            cursor.execute(f"SET search_path TO {quoted}")
        connection.autocommit = autocommit


def brief(error: SQLAlchemyError) -> str:
    """Return one line about a database error, without statement, parameters or row values."""
    cause = getattr(error, "orig", None)
    kind = type(cause or error).__name__
    if type(cause).__module__.startswith("pymysql"):
        return f"{kind}: {mysql_session.safe_message(cause)}"
    first = str(cause or error).strip().split("\n", 1)[0]
    diagnosis = getattr(getattr(cause, "diag", None), "message_primary", None)
    return f"{kind}: {diagnosis or first}"
