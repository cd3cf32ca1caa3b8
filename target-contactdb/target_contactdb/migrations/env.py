"""Alembic's entry point: runs the migrations on the connection that `database.migrate` opened."""

from __future__ import annotations

from alembic import context

configuration = context.config

context.configure(
    connection=configuration.attributes["connection"],
    version_table=configuration.attributes["version_table"],
    transactional_ddl=False,
)
context.run_migrations()
