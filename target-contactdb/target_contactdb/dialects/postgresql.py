"""PostgreSQL: rows go in by COPY, ids come from the column's own sequence."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa
from typing_extensions import override

from target_contactdb.dialects.base import Loader, Rows, bound

if t.TYPE_CHECKING:
    from collections.abc import Sequence


class PostgresqlLoader(Loader):
    """Loads into PostgreSQL through psycopg."""

    @override
    def append(self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows) -> None:
        if not rows:
            return
        prepare = connection.dialect.identifier_preparer
        columns = ", ".join(prepare.quote(name) for name in names)
        cursor = connection.connection.cursor()
        with cursor.copy(f"COPY {prepare.format_table(table)} ({columns}) FROM STDIN") as copy:
            for row in bound(connection, table, names, rows):
                copy.write_row(row)
        cursor.close()

    @override
    def new_contact_ids(self, connection: sa.Connection, count: int) -> list[int]:
        sequence = sa.func.nextval(sa.func.pg_get_serial_sequence("contacts", "contact_id"))
        numbers = sa.select(sequence).select_from(sa.func.generate_series(1, count))
        return list(connection.execute(numbers).scalars())
