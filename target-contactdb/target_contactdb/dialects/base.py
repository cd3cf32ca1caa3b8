"""What the import needs of an engine beyond SQLAlchemy Core."""

from __future__ import annotations

import abc
import contextlib
import datetime as dt
import typing as t

import sqlalchemy as sa

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Row: t.TypeAlias = tuple[t.Any, ...]


class Loader(abc.ABC):
    """Brings rows into a table the way that the engine is fastest at."""

    def append(self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Iterable[Row]) -> None:
        """Append rows to a table.

        Args:
            connection: In a transaction.
            table: The table.
            names: Columns, in the order of the rows' values.
            rows: One tuple per row.
        """
        self.append_ready(connection, table, names, bound(connection, table, names, rows))

    @abc.abstractmethod
    def append_ready(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Iterable[Row]
    ) -> None:
        """Append rows whose values are as the driver takes them (`moment`, `day`; amounts and JSON as text)."""

    @staticmethod
    def moment(value: dt.datetime) -> t.Any:
        """Return a time in UTC as the driver takes it for a `UtcDateTime` column."""
        return value.replace(tzinfo=None)

    @classmethod
    def moment_of(cls, text: str) -> t.Any:
        """Return a time in UTC, written as `2026-11-24T10:00:00Z`, as the driver takes it.

        Args:
            text: Must be a time in this very form.
        """
        return cls.moment(dt.datetime.fromisoformat(text))

    @staticmethod
    def day(value: dt.date) -> t.Any:
        """Return a date as the driver takes it."""
        return value

    def look_up_by_keys(self, connection: sa.Connection) -> None:  # noqa: B027 - most engines do so by themselves
        """Let the statements of a transaction find rows by their keys, and not read whole tables to join them.

        Args:
            connection: In a transaction that joins batches to tables.
        """

    @abc.abstractmethod
    def new_contact_ids(self, connection: sa.Connection, count: int) -> list[int]:
        """Return ids that no contact has had and no other program can get."""

    @contextlib.contextmanager
    def staged(
        self, connection: sa.Connection, table: sa.Table, rows: Iterable[Row], *, ready: bool = False
    ) -> Iterator[sa.Table]:
        """Hold rows in a temporary table for the length of a block.

        Args:
            connection: In a transaction.
            table: A table that `staging_table` made.
            rows: One tuple per row, in the order of its columns.
            ready: The values are as the driver takes them already.
        """
        table.create(connection, checkfirst=False)
        self.fill(connection, table, rows, ready=ready)
        yield table
        table.drop(connection, checkfirst=False)

    def fill(self, connection: sa.Connection, table: sa.Table, rows: Iterable[Row], *, ready: bool) -> None:
        """Append rows to a staging table, in the order of its columns."""
        append = self.append_ready if ready else self.append
        append(connection, table, table.columns.keys(), rows)


@contextlib.contextmanager
def own_words(connection: sa.Connection, statement: str) -> Iterator[None]:
    """Turn an error of the driver's own cursor into SQLAlchemy's, as if it had gone through SQLAlchemy.

    Args:
        connection: The connection whose cursor is used.
        statement: What is executed, for the error.

    Raises:
        DBAPIError: What the driver raised; its text shows no values that were bound.
    """
    dbapi = t.cast("t.Any", connection.dialect.loaded_dbapi)
    try:
        yield
    except dbapi.Error as error:
        raise sa.exc.DBAPIError(statement, None, error, hide_parameters=True) from None


def staging_table(name: str, columns: Sequence[sa.Column[t.Any]], unique: str | None = None) -> sa.Table:
    """Return a temporary table of its own metadata, not created yet.

    Args:
        name: Its name.
        columns: Its columns.
        unique: A column that is indexed on MariaDB and MySQL, whose planner may begin with the other table of a join:
            it would read this one from end to end for each row of that.
    """
    keys = [] if unique is None else [sa.UniqueConstraint(unique).ddl_if(dialect="mysql")]
    return sa.Table(name, sa.MetaData(), *columns, *keys, prefixes=["TEMPORARY"])


def bound(connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Iterable[Row]) -> Iterable[Row]:
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
