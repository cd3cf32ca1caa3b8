"""What the import needs of an engine beyond SQLAlchemy Core."""

from __future__ import annotations

import abc
import contextlib
import typing as t

import sqlalchemy as sa

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Rows: t.TypeAlias = "Sequence[tuple[t.Any, ...]]"


class Loader(abc.ABC):
    """Brings rows into a table the way that the engine is fastest at."""

    @abc.abstractmethod
    def append(self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows) -> None:
        """Append rows to a table.

        Args:
            connection: In a transaction.
            table: The table.
            names: Columns, in the order of the rows' values.
            rows: One tuple per row.
        """

    @abc.abstractmethod
    def new_contact_ids(self, connection: sa.Connection, count: int) -> list[int]:
        """Return ids that no contact has had and no other program can get."""

    @contextlib.contextmanager
    def staged(self, connection: sa.Connection, table: sa.Table, rows: Rows) -> Iterator[sa.Table]:
        """Hold rows in a temporary table for the length of a block.

        Args:
            connection: In a transaction.
            table: A table that `staging_table` made.
            rows: One tuple per row, in the order of its columns.
        """
        table.create(connection)
        self.append(connection, table, table.columns.keys(), rows)
        yield table
        table.drop(connection)


def staging_table(name: str, columns: Sequence[sa.Column[t.Any]]) -> sa.Table:
    """Return a temporary table of its own metadata, not created yet."""
    return sa.Table(name, sa.MetaData(), *columns, prefixes=["TEMPORARY"])


def bound(connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Rows) -> Rows:
    """Return rows with each value as the driver takes it; SQLAlchemy would do the same value by value, and slower."""
    dialect = connection.dialect
    processors = [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]
    working = [(index, processor) for index, processor in enumerate(processors) if processor is not None]
    if not working:
        return rows
    done = []
    for row in rows:
        values = list(row)
        for index, processor in working:
            if values[index] is not None:
                values[index] = processor(values[index])
        done.append(tuple(values))
    return done
