"""The unique indexes of key fields: what the database itself refuses, whoever writes.

SQLite and PostgreSQL index an expression over the field. MariaDB and MySQL index a column that the database computes.
"""

from __future__ import annotations

import hashlib
import string
import typing as t

import sqlalchemy as sa

from target_contactdb.fields import FieldType
from target_contactdb.keys import KEY_LENGTH, PHONE_MARKS

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Dialect

    from target_contactdb.fields import ContactField

# A contact field begins with a letter, so neither can be one.
_INDEX_PREFIX: t.Final = "contacts_key_"
_COLUMN_PREFIX: t.Final = "_key_"
_LONGEST: t.Final = 40  # Names of 63 characters at most, on every engine.


def key_expression(contacts: sa.FromClause, field: ContactField, dialect: Dialect) -> sa.ColumnElement[t.Any]:
    """Return what the unique index of a field holds, to look a contact up by it: `normal_key`, told to the database.

    It does not bring `contacts` into a statement that is not about it already.

    Args:
        contacts: `contacts` with its contact fields, or an alias of it.
        field: A key field of the database.
        dialect: The engine's dialect.
    """
    if commits_schema_changes(dialect):
        name = getattr(contacts, "name", "contacts")
        return sa.literal_column(f"{name}.{_column_name(field.name)}", sa.String(KEY_LENGTH))
    return computed_key(contacts, field, dialect)


def computed_key(contacts: sa.FromClause, field: ContactField, dialect: Dialect) -> sa.ColumnElement[t.Any]:
    """Return what the unique index of a field would hold, whether there is one or not."""
    column = contacts.c[field.name]
    if field.type is FieldType.INTEGER:
        return column
    value: sa.ColumnElement[t.Any] = column
    if field.type is FieldType.EMAIL:
        if commits_schema_changes(dialect):
            # LOWER would go beyond the letters A to Z here.
            for upper, lower in zip(string.ascii_uppercase, string.ascii_lowercase, strict=True):
                value = sa.func.replace(value, _literal(upper), _literal(lower))
        else:
            value = sa.func.lower(sa.collate(value, "C") if dialect.name == "postgresql" else value)
    elif field.type is FieldType.PHONE:
        for mark in PHONE_MARKS:
            value = sa.func.replace(value, _literal(mark), _literal(""))
    return sa.func.nullif(value, _literal(""))


def commits_schema_changes(dialect: Dialect) -> bool:
    """Tell whether the engine commits a transaction by itself when it changes the schema."""
    return dialect.name == "mysql"


def _literal(text: str) -> sa.ColumnElement[str]:
    # A bound value is no part of an index's expression, and a planner would not find the index by it.
    return sa.literal_column(f"'{text}'", sa.String)


def ensure_indexes(connection: sa.Connection, fields: Iterable[ContactField]) -> None:
    """Make the unique indexes of some key fields that do not exist yet.

    On MariaDB and MySQL each step is committed by itself, and with it what the transaction has written before.

    Raises:
        sqlalchemy.exc.IntegrityError: Two contacts share a value.
    """
    existing = _existing(connection)
    for field in fields:
        index = _index_name(field.name)
        if index in existing:
            continue
        key = f"({_compiled(connection.dialect, field)})"
        if commits_schema_changes(connection.dialect):
            _ensure_column(connection, field, key)
            key = _column_name(field.name)
        connection.exec_driver_sql(f"CREATE UNIQUE INDEX {index} ON contacts ({key})")


def has_exactly(connection: sa.Connection, names: Iterable[str]) -> bool:
    """Tell whether the unique indexes of key fields are those of some fields, no more and no less."""
    return _existing(connection) == {_index_name(name) for name in names}


def drop_other_indexes(connection: sa.Connection, names: Iterable[str]) -> None:
    """Drop the unique indexes of all key fields but some.

    Args:
        connection: In a transaction; on MariaDB and MySQL each drop is committed by itself.
        names: The key fields whose index stays.
    """
    kept = set(names)
    on_table = " ON contacts" if commits_schema_changes(connection.dialect) else ""
    for index in sorted(_existing(connection) - {_index_name(name) for name in kept}):
        connection.exec_driver_sql(f"DROP INDEX {index}{on_table}")
    if commits_schema_changes(connection.dialect):
        for column in sorted(_computed_columns(connection) - {_column_name(name) for name in kept}):
            connection.exec_driver_sql(f"ALTER TABLE contacts DROP COLUMN {column}")


def _compiled(dialect: Dialect, field: ContactField) -> str:
    table = sa.Table("contacts", sa.MetaData(), field.column())
    compiler = dialect.ddl_compiler(dialect, None)  # type: ignore[arg-type]
    expression = computed_key(table, field, dialect)
    return compiler.sql_compiler.process(expression, include_table=False, literal_binds=True)


def _ensure_column(connection: sa.Connection, field: ContactField, key: str) -> None:
    column = _column_name(field.name)
    if column not in _computed_columns(connection):
        kind = "BIGINT" if field.type is FieldType.INTEGER else f"VARCHAR({KEY_LENGTH})"
        connection.exec_driver_sql(f"ALTER TABLE contacts ADD COLUMN {column} {kind} GENERATED ALWAYS AS {key} VIRTUAL")


def _computed_columns(connection: sa.Connection) -> set[str]:
    found = connection.execute(
        sa.text(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = database() AND table_name = 'contacts'"
        )
    ).scalars()
    return {name for name in found if name.startswith(_COLUMN_PREFIX)}


def _existing(connection: sa.Connection) -> set[str]:
    # SQLAlchemy's inspector leaves indexes over expressions out, or warns about them.
    statement = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'contacts'",
        "postgresql": "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'contacts'",
    }.get(
        connection.dialect.name,
        "SELECT index_name FROM information_schema.statistics"
        " WHERE table_schema = database() AND table_name = 'contacts'",
    )
    found = connection.execute(sa.text(statement)).scalars()
    return {name for name in found if name.startswith(_INDEX_PREFIX)}


def _index_name(field: str) -> str:
    return _INDEX_PREFIX + _short(field)


def _column_name(field: str) -> str:
    return _COLUMN_PREFIX + _short(field)


def _short(field: str) -> str:
    if len(field) <= _LONGEST:
        return field
    return f"{field[:_LONGEST]}_{hashlib.blake2b(field.encode(), digest_size=4).hexdigest()}"
