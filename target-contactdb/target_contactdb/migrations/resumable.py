"""Migrations on MariaDB and MySQL, where each step commits by itself: one that was killed goes on where it was."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa
from alembic.ddl.mysql import MySQLImpl
from typing_extensions import override

from target_contactdb.errors import DatabaseError
from target_contactdb.tables import metadata

_NAMES: t.Final = metadata.tables.keys() | {"last_checkout", "abandoned_checkout_node"}


class ResumableMySQL(MySQLImpl):
    """Leaves out what a migration that did not come to its end has made already."""

    __dialect__ = "mysql"

    def _inspect(self) -> sa.Inspector:
        return sa.inspect(t.cast("sa.Connection", self.connection))

    @override
    def create_table(self, table: sa.Table, **kw: t.Any) -> None:
        if not self._inspect().has_table(table.name):
            super().create_table(table, **kw)
            return
        for index in table.indexes:
            self.create_index(index)

    @override
    def create_index(self, index: sa.Index, **kw: t.Any) -> None:
        table = t.cast("sa.Table", index.table)
        if index.name not in {one["name"] for one in self._inspect().get_indexes(table.name)}:
            super().create_index(index, **kw)

    @override
    def add_column(self, table_name: str, column: sa.Column[t.Any], **kw: t.Any) -> None:
        if column.name not in {one["name"] for one in self._inspect().get_columns(table_name)}:
            super().add_column(table_name, column, **kw)


def refuse_tables_of_others(connection: sa.Connection) -> None:
    """Make sure that no other program's table is taken for one that a killed migration has made.

    Args:
        connection: To a database that no migration of ours was begun in.

    Raises:
        DatabaseError: A table has the name of one of ours.
    """
    inspector = sa.inspect(connection)
    taken = sorted(_NAMES & {*inspector.get_table_names(), *inspector.get_view_names()})
    if taken:
        names = ", ".join(f"`{name}`" for name in taken)
        msg = f"the contact database already has tables of another program: {names}; use a database of its own"
        raise DatabaseError(msg)
