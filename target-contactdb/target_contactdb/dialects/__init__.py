"""Where engines differ in writing: one module each, one `Loader` for the rest of the program."""

from __future__ import annotations

import typing as t

from target_contactdb.dialects.mysql import MysqlLoader
from target_contactdb.dialects.postgresql import PostgresqlLoader
from target_contactdb.dialects.sqlite import SqliteLoader

if t.TYPE_CHECKING:
    import sqlalchemy as sa

    from target_contactdb.dialects.base import Loader

_LOADERS: t.Final[dict[str, type[Loader]]] = {
    "mysql": MysqlLoader,
    "postgresql": PostgresqlLoader,
    "sqlite": SqliteLoader,
}


def loader_for(engine: sa.Engine) -> Loader:
    """Return the loader of an engine."""
    return _LOADERS[engine.dialect.name]()
