"""SQLite: rows go in by executemany; one writer at a time, so ids can be counted."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa
from typing_extensions import override

from target_contactdb.dialects.base import Loader, Rows, bound

if t.TYPE_CHECKING:
    from collections.abc import Sequence


class SqliteLoader(Loader):
    """Loads into SQLite."""

    @override
    def append(self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows) -> None:
        if not rows:
            return
        prepare = connection.dialect.identifier_preparer
        columns = ", ".join(prepare.quote(name) for name in names)
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {prepare.format_table(table)} ({columns}) VALUES ({marks})"  # noqa: S608 - no value
        connection.exec_driver_sql(statement, list(bound(connection, table, names, rows)))

    @override
    def new_contact_ids(self, connection: sa.Connection, count: int) -> list[int]:
        # AUTOINCREMENT never gives an id twice; its memory is sqlite_sequence.
        last = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'contacts'").scalar() or 0
        return list(range(last + 1, last + 1 + count))
