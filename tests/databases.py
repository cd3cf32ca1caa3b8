"""Databases for tests: empty ones, and copies of one that the migrations have made."""

from __future__ import annotations

import contextlib
import os
import shutil
import typing as t
import uuid
from pathlib import Path

import sqlalchemy as sa

from target_contactdb.database import migrate
from target_contactdb.engines import open_engine


def place_of_servers() -> Path | None:
    """Return where files are kept in memory, if there is room: each change of a table waits for a disk otherwise."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    is_roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30
    return memory if is_roomy else None


def migrated(url: sa.URL | str) -> None:
    """Run the migrations on an empty database."""
    engine = open_engine(url if isinstance(url, str) else url.render_as_string(hide_password=False))
    migrate(engine)
    engine.dispose()


@contextlib.contextmanager
def postgres_database(server: sa.Engine, template: str = "template1") -> t.Iterator[sa.URL]:
    """Make a database, and drop it at the end, whoever is still connected.

    Args:
        server: Of an administrator, in autocommit.
        template: The database to copy.
    """
    name = f"test_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
    yield server.url.set(database=name)
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextlib.contextmanager
def mariadb_database(server: sa.Engine) -> t.Iterator[sa.URL]:
    """Make a database whose default is an alphabet of 1990, and drop it at the end, whoever is still connected.

    Args:
        server: Of an administrator, in autocommit.
    """
    name = f"test_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} CHARACTER SET latin1"))
    yield server.url.set(database=name)
    others = sa.text(f"SELECT id FROM information_schema.processlist WHERE db = '{name}' AND id <> CONNECTION_ID()")
    with server.connect() as connection:
        for number in connection.execute(others).scalars().all():
            # One that was leaving is gone by now.
            with contextlib.suppress(sa.exc.OperationalError):
                connection.execute(sa.text(f"KILL {number}"))
        connection.execute(sa.text(f"DROP DATABASE {name}"))


class MariadbTemplate:
    """A MariaDB database, to be copied into empty ones of the same server."""

    def __init__(self, server: sa.Engine, name: str | None) -> None:
        """Read what is in it.

        Args:
            server: Of an administrator, in autocommit.
            name: Of the database.
        """
        self._server = server
        self._statements = ["SET foreign_key_checks = 0"]
        with server.connect() as connection:
            connection.exec_driver_sql(f"USE {name}")
            tables = connection.exec_driver_sql("SHOW FULL TABLES").all()
            # A view comes after the tables and the views that it reads.
            for table, kind in sorted(tables, key=lambda one: (one[1] == "VIEW", one[0] == "abandoned_checkout_node")):
                is_view = kind == "VIEW"
                create = connection.exec_driver_sql(f"SHOW CREATE {'VIEW' if is_view else 'TABLE'} {table}").one()[1]
                self._statements.append(create)
                if not is_view:
                    self._statements.append(f"INSERT INTO {table} SELECT * FROM {name}.{table}")

    def copy_to(self, url: sa.URL) -> None:
        """Make the same in an empty database."""
        with self._server.connect() as connection:
            for statement in (f"USE {url.database}", *self._statements):
                connection.exec_driver_sql(statement)
