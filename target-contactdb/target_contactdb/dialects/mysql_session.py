"""What a session on MariaDB or MySQL is set to, whatever its server is set to."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from target_contactdb.errors import DatabaseError

if t.TYPE_CHECKING:
    from sqlalchemy.pool import ConnectionPoolEntry

# A value that does not fit is an error; backslashes and quotes mean what the driver takes them for.
_MODES: t.Final = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION"
_VARIABLES: t.Final = {
    "sql_mode": f"'{_MODES}'",
    "time_zone": "'+00:00'",
    # A big batch of another shop may take longer than the server's usual 50 seconds.
    "innodb_lock_wait_timeout": "600",
}
OPTIONS: t.Final[dict[str, t.Any]] = {
    # As on PostgreSQL: what is read after a lock was waited for is what is so by then.
    "isolation_level": "READ COMMITTED",
    "connect_args": {"init_command": "SET " + ", ".join(f"SESSION {name} = {one}" for name, one in _VARIABLES.items())},
}
"""Arguments of `create_engine`."""

# The first versions that have the collations below and the JSON type, and are still looked after by their makers.
_OLDEST: t.Final = {True: (10, 6), False: (8, 0, 17)}

# Errors that speak of servers, users, tables, functions and locks. All others may repeat a value of a row.
_HARMLESS: t.Final = frozenset(
    {1040, 1044, 1045, 1046, 1049, 1050, 1051, 1054, 1061, 1091, 1114, 1118, 1129, 1130, 1142, 1143, 1146, 1205, 1213}
    | {1227, 1267, 1290, 1305, 3159, 3750}
)
_CLIENT_ERRORS: t.Final = range(2000, 2100)


def prepare(engine: sa.Engine) -> None:
    """Set up each connection of an engine.

    The first one raises DatabaseError where the server is too old.
    """

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: t.Any, _record: ConnectionPoolEntry) -> None:
        refuse_old(engine.dialect)
        with connection.cursor() as cursor:
            cursor.execute(f"SET NAMES utf8mb4 COLLATE {collation(engine.dialect)}")

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("read_only"):
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def refuse_old(dialect: t.Any) -> None:
    """Raise DatabaseError if the server lacks what the tables need."""
    oldest = _OLDEST[dialect.is_mariadb]
    if dialect.server_version_info < oldest:
        name = "MariaDB" if dialect.is_mariadb else "MySQL"
        found, wanted = (".".join(str(part) for part in one) for one in (dialect.server_version_info, oldest))
        msg = f"setting `sqlalchemy_url`: the server is {name} {found}; {wanted} or newer is needed"
        raise DatabaseError(msg)


def collation(dialect: t.Any) -> str:
    """Return the collation of every text: case and spaces at the end count, as they do on other engines."""
    return "utf8mb4_nopad_bin" if dialect.is_mariadb else "utf8mb4_0900_bin"


@sa.event.listens_for(sa.Table, "before_create")
def _choose_storage(table: sa.Table, connection: sa.Connection, **_arguments: t.Any) -> None:
    """Say in each CREATE TABLE what a database that others have made may not have as its default."""
    if connection.dialect.name == "mysql":
        options = {"engine": "InnoDB", "charset": "utf8mb4", "collate": collation(connection.dialect)}
        table.dialect_kwargs.update({f"mysql_{name}": value for name, value in options.items()})


def safe_message(error: t.Any) -> str:
    """Return what may be shown of a driver's error: such an error may quote a row's value.

    Args:
        error: An error of PyMySQL's, whose arguments are a number and a text.
    """
    number, text = (*error.args, "", "")[:2]
    if number in _HARMLESS or number in _CLIENT_ERRORS:
        return f"{text} ({number})"
    return f"error {number} of the server"
