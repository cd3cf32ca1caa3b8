"""The columns of the contact fields: adding them, and widening their types."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from target_contactdb.engines import brief
from target_contactdb.errors import ConfigError
from target_contactdb.fields import ContactField, FieldType
from target_contactdb.tables import contact_fields

if t.TYPE_CHECKING:
    from target_contactdb.field_changes import FieldChanges

_DECIMAL_LIMIT: t.Final = 10**15


def apply_field_changes(connection: sa.Connection, changes: FieldChanges, position: int) -> None:
    """Change the columns of `contacts`, and what `contact_fields` says of them.

    On MariaDB and MySQL a column is changed, and the change committed, before `contact_fields` says so: a run that is
    killed between the two is made good by the next one.

    Args:
        connection: Of `changing_tables`.
        changes: What must happen.
        position: Of the first field that is added.

    Raises:
        ConfigError: A value does not fit into the wider type after all: a whole number of more than 15 digits. Or the
            database does not change the column: somebody's view reads it.
    """
    for known, field in changes.widened:
        _require_room(connection, known, field)
    for known, field in changes.widened:
        try:
            _widen(connection, known, field)
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            raise ConfigError([_refused(field, error)]) from None
        _describe(connection, field)
    for field in changes.renewed:
        _describe(connection, field)
    _add(connection, changes.added, position)


def _refused(field: ContactField, error: DBAPIError) -> str:
    # PostgreSQL tells the view here.
    detail = getattr(getattr(error.orig, "diag", None), "message_detail", None)
    why = f"{brief(error)}{f' ({detail})' if detail else ''}"
    hint = "; drop the view first" if " view " in why else ""
    return f"contact field `{field.name}` cannot become {field.type}: {why}{hint}"


def _describe(connection: sa.Connection, field: ContactField) -> None:
    connection.execute(
        sa.update(contact_fields)
        .where(contact_fields.c.name == field.name)
        .values(type=field.type.value, label=field.label, choices=list(field.choices) or None)
    )


def _add(connection: sa.Connection, added: tuple[ContactField, ...], position: int) -> None:
    if not added:
        return
    left = _columns(connection) if connection.dialect.name == "mysql" else frozenset()
    # MariaDB and MySQL keep the columns of a run that was killed before it could say so in `contact_fields`.
    verbs = [f"{'MODIFY' if one.name in left else 'ADD'} COLUMN {_specification(connection, one)}" for one in added]
    # SQLite adds one at a time.
    for verb in verbs if connection.dialect.name == "sqlite" else [", ".join(verbs)]:
        connection.exec_driver_sql(f"ALTER TABLE contacts {verb}")
    rows = [
        {
            "name": one.name,
            "type": one.type.value,
            "label": one.label,
            "choices": list(one.choices) or None,
            "position": position + offset,
        }
        for offset, one in enumerate(added)
    ]
    connection.execute(sa.insert(contact_fields), rows)


def _columns(connection: sa.Connection) -> frozenset[str]:
    return frozenset(column["name"] for column in sa.inspect(connection).get_columns("contacts"))


def _specification(connection: sa.Connection, field: ContactField, name: str | None = None) -> str:
    column = field.column()
    if name is not None:
        column.name = name
    sa.Table("contacts", sa.MetaData(), column)
    compiler = connection.dialect.ddl_compiler(connection.dialect, None)  # type: ignore[arg-type]
    return compiler.get_column_specification(column)


def _column(connection: sa.Connection, field: ContactField) -> tuple[sa.Column[t.Any], str]:
    """Return the column of a field, in `contacts`, and its name as the engine writes it."""
    column = field.column()
    sa.Table("contacts", sa.MetaData(), column)
    return column, connection.dialect.identifier_preparer.quote(field.name)


def _require_room(connection: sa.Connection, known: ContactField, field: ContactField) -> None:
    if (known.type, field.type) != (FieldType.INTEGER, FieldType.DECIMAL):
        return
    column, _name = _column(connection, known)
    too_big = sa.select(column).where(sa.or_(column >= _DECIMAL_LIMIT, column <= -_DECIMAL_LIMIT)).limit(1)
    if connection.execute(too_big).first() is not None:
        problem = f"contact field `{field.name}` cannot become decimal: a number in it has more than 15 digits"
        raise ConfigError([problem])


def _widen(connection: sa.Connection, known: ContactField, field: ContactField) -> None:
    if type(known.column().type) is type(field.column().type):
        return
    if connection.dialect.name == "sqlite":
        _widen_sqlite(connection, known, field)
    elif connection.dialect.name == "postgresql":
        name = _column(connection, known)[1]
        kind = field.column().type.dialect_impl(connection.dialect).compile(connection.dialect)
        # A date has no zone: its midnight is that of UTC, whatever the session's zone is.
        using = f"{name}::timestamp AT TIME ZONE 'UTC'" if field.type is FieldType.DATETIME else f"{name}::{kind}"
        connection.exec_driver_sql(f"ALTER TABLE contacts ALTER COLUMN {name} TYPE {kind} USING {using}")
    else:
        connection.exec_driver_sql(f"ALTER TABLE contacts MODIFY COLUMN {_specification(connection, field)}")


def _widen_sqlite(connection: sa.Connection, known: ContactField, field: ContactField) -> None:
    column, name = _column(connection, known)
    if field.type is FieldType.DECIMAL:
        # A column of whole numbers holds others just as well.
        return
    if field.type is FieldType.DATETIME:
        midnight = sa.type_coerce(column, sa.Text) + " 00:00:00.000000"
        connection.execute(sa.update(column.table).values({column.name: sa.type_coerce(midnight, sa.Text)}))
        return
    # A column of whole numbers would turn text that looks like one back into a number.
    wide = f"_wide_{field.name}"
    connection.exec_driver_sql(f"ALTER TABLE contacts ADD COLUMN {_specification(connection, field, wide)}")
    connection.exec_driver_sql(f"UPDATE contacts SET {wide} = CAST({name} AS TEXT)")  # noqa: S608 - names of ours
    connection.exec_driver_sql(f"ALTER TABLE contacts DROP COLUMN {name}")
    connection.exec_driver_sql(f"ALTER TABLE contacts RENAME COLUMN {wide} TO {name}")
