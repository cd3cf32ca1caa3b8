"""One program at a time changes the tables."""

from __future__ import annotations

import contextlib
import typing as t

import sqlalchemy as sa

from target_contactdb.errors import DatabaseError

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_NAME: t.Final = "contactdb tables"
_PATIENCE_SECONDS: t.Final = 3600


@contextlib.contextmanager
def changing_tables(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Begin a transaction that may change tables; it is the only one of ours in this database at a time.

    MariaDB and MySQL commit with each change of a table, so the lock there outlives the transaction. On SQLite every
    transaction that may write is alone already.

    Raises:
        DatabaseError: Another program of ours has held the lock for an hour.
    """
    with engine.connect() as connection:
        if engine.dialect.name != "mysql":
            with connection.begin():
                if engine.dialect.name == "postgresql":
                    key = sa.func.hashtext(sa.func.concat(_NAME, " ", sa.func.current_schema()))
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
                yield connection
            return
        # The name is one of the whole server, and may have 64 characters. MySQL 9.6 and newer know no MD5 any more.
        name = sa.func.sha2(sa.func.concat(_NAME, " ", sa.func.database()), 256)
        if not connection.execute(sa.select(sa.func.get_lock(name, _PATIENCE_SECONDS))).scalar_one():
            msg = "another program is changing the tables of the contact database, and does not come to an end"
            raise DatabaseError(msg)
        connection.commit()
        try:
            with connection.begin():
                yield connection
        finally:
            if not connection.invalidated:
                connection.execute(sa.select(sa.func.release_lock(name)))
                connection.commit()
