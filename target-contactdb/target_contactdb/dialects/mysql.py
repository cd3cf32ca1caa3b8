"""MariaDB and MySQL: rows go in by INSERTs of many rows, ids come from the column's own counter."""

from __future__ import annotations

import contextlib
import typing as t

import sqlalchemy as sa
from typing_extensions import override

from target_contactdb.dialects.base import Loader, Row, staging_table

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_IDS_AT_ONCE: t.Final = 10_000


class MysqlLoader(Loader):
    """Loads into MariaDB or MySQL through PyMySQL."""

    @override
    def append_ready(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Iterable[Row]
    ) -> None:
        rows = list(rows)
        if not rows:
            return
        prepare = connection.dialect.identifier_preparer
        columns = ", ".join(prepare.quote(name) for name in names)
        marks = ", ".join(["%s"] * len(names))
        # The driver joins many such rows to one statement. Never ON DUPLICATE KEY UPDATE: on a clash of any unique
        # index it would write into another person's row.
        statement = f"INSERT INTO {prepare.format_table(table)} ({columns}) VALUES ({marks})"  # noqa: S608 - no value
        connection.exec_driver_sql(statement, rows)

    @override
    def new_contact_ids(self, connection: sa.Connection, count: int) -> list[int]:
        # AUTO_INCREMENT gives no number twice, not even one whose row was taken back.
        ids: list[int] = []
        if not count:
            return ids
        step = connection.exec_driver_sql("SELECT @@auto_increment_increment").scalar_one()
        with connection.begin_nested() as savepoint:
            for start in range(0, count, _IDS_AT_ONCE):
                size = min(_IDS_AT_ONCE, count - start)
                rows = ", ".join(["(UTC_TIMESTAMP(), UTC_TIMESTAMP())"] * size)
                # The numbers of one INSERT of listed rows follow each other, whoever else inserts.
                inserted = connection.exec_driver_sql(f"INSERT INTO contacts (created_at, updated_at) VALUES {rows}")  # noqa: S608 - no value
                first = inserted.lastrowid
                ids += range(first, first + size * step, step)
            savepoint.rollback()
        return ids

    @override
    @contextlib.contextmanager
    def staged(
        self, connection: sa.Connection, table: sa.Table, rows: Iterable[Row], *, ready: bool = False
    ) -> Iterator[sa.Table]:
        # A plain DROP TABLE would commit; and a rollback does not take a temporary table away.
        drop = f"DROP TEMPORARY TABLE IF EXISTS {connection.dialect.identifier_preparer.format_table(table)}"
        connection.exec_driver_sql(drop)
        _with_primary_key(table).create(connection, checkfirst=False)
        self.fill(connection, table, rows, ready=ready)
        yield table
        connection.exec_driver_sql(drop)


def _with_primary_key(stage: sa.Table) -> sa.Table:
    """Return what to create for a staging table: a server may refuse tables without a primary key."""
    # No stage has a column of this name, and nobody reads it.
    number = sa.Column("_row", sa.BigInteger, primary_key=True)
    columns = [sa.Column(one.name, one.type) for one in stage.columns]
    unique = (one.columns.keys()[0] for one in stage.constraints if isinstance(one, sa.UniqueConstraint))
    return staging_table(stage.name, [number, *columns], next(unique, None))
