"""SQLite: rows go in by executemany; one writer at a time, so ids can be counted."""

from __future__ import annotations

import contextlib
import typing as t

import sqlalchemy as sa
from typing_extensions import override

from target_contactdb.dialects.base import Loader, Row, own_words

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence


class SqliteLoader(Loader):
    """Loads into SQLite."""

    @override
    def append_ready(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Iterable[Row]
    ) -> None:
        prepare = connection.dialect.identifier_preparer
        columns = ", ".join(prepare.quote(name) for name in names)
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {prepare.format_table(table)} ({columns}) VALUES ({marks})"  # noqa: S608 - no value
        # The driver's own cursor: SQLAlchemy would copy every row.
        with own_words(connection, statement), contextlib.closing(connection.connection.cursor()) as cursor:
            cursor.executemany(statement, rows)  # type: ignore[arg-type]

    @staticmethod
    @override
    def moment(value: dt.datetime) -> str:
        # As SQLAlchemy writes a DATETIME, so that texts compare as times do.
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")

    @classmethod
    @override
    def moment_of(cls, text: str) -> str:
        return f"{text[:10]} {text[11:19]}.000000"

    @staticmethod
    @override
    def day(value: dt.date) -> str:
        return value.isoformat()

    @override
    def new_contact_ids(self, connection: sa.Connection, count: int) -> list[int]:
        # AUTOINCREMENT never gives an id twice; its memory is sqlite_sequence.
        last = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'contacts'").scalar() or 0
        return list(range(last + 1, last + 1 + count))
