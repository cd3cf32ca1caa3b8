"""Alembic migrations of the contact database. Loading this loads Alembic, which an up-to-date database need not."""

from __future__ import annotations

from importlib import resources

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from target_contactdb.migrations import resumable


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files(__name__)))
    config.set_main_option("path_separator", "os")
    return config


def newest() -> str | None:
    """Return the name of the newest migration."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def is_known(version: str | None) -> bool:
    """Tell whether a database of this version can be upgraded from here: None is an empty one."""
    scripts = ScriptDirectory.from_config(_config())
    return version is None or version in {script.revision for script in scripts.walk_revisions()}


def upgrade(connection: sa.Connection, version_table: str) -> None:
    """Run the migrations that a database lacks, in the connection's transaction.

    Raises:
        DatabaseError: The tables of another program are in the way.
    """
    if connection.dialect.name == "mysql" and not sa.inspect(connection).has_table(version_table):
        resumable.refuse_tables_of_others(connection)
    config = _config()
    config.attributes["connection"] = connection
    config.attributes["version_table"] = version_table
    command.upgrade(config, "head")
