"""Keys, the count of status changes, the streams as they were seen last, listings, segments, and entries of flows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from target_contactdb.types import Json, UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what 0001 lacks."""
    for column in (
        sa.Column("primary_key", sa.String(length=63), nullable=True),
        sa.Column("unique_fields", Json(), nullable=True),
        sa.Column("pending_keys", Json(), nullable=True),
        sa.Column("status_changes_counted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("status_changes_held", sa.BigInteger(), nullable=True),
        sa.Column("status_changes_stopped_at", UtcDateTime(), nullable=True),
        sa.Column("status_changes_accepted_at", UtcDateTime(), nullable=True),
    ):
        op.add_column("database_state", column)
    # A database that an import has opened before has the keys of that time.
    state = sa.table("database_state", sa.column("primary_key", sa.String()), sa.column("unique_fields", Json()))
    op.execute(sa.update(state).where(state.c.primary_key.is_(None)).values(primary_key="user_code", unique_fields=[]))
    op.create_table(
        "streams",
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("shop", sa.String(length=255), nullable=False),
        sa.Column("json_schema", Json(), nullable=False),
        sa.Column("mappings", Json(), nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "shop"),
    )
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "listed_sources",
        sa.Column("operation_id", number, autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["operation_id"], ["operations.operation_id"]),
        sa.PrimaryKeyConstraint("operation_id", "customer_id"),
    )
    op.create_table(
        "segments",
        sa.Column("segment_id", number, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("timezone", sa.String(length=255), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("evaluated_at", UtcDateTime(), nullable=True),
        sa.Column("members", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("segment_id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "segment_members",
        sa.Column("segment_id", number, autoincrement=False, nullable=False),
        sa.Column("contact_id", number, autoincrement=False, nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.segment_id"]),
        sa.PrimaryKeyConstraint("segment_id", "contact_id"),
    )
    op.create_index("ix_segment_members_contact_id", "segment_members", ["contact_id"], unique=False)
    op.create_table(
        "flow_entries",
        sa.Column("entry_id", number, autoincrement=True, nullable=False),
        sa.Column("flow", sa.String(length=255), nullable=False),
        sa.Column("node", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("contact_id", number, nullable=False),
        sa.Column("shop", sa.String(length=255), nullable=True),
        sa.Column("checkout_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("entry_id"),
        sa.UniqueConstraint("flow", "subject", name="one_entry_per_flow"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_flow_entries_contact_id", "flow_entries", ["contact_id"], unique=False)
