"""The tables of a contact database. Every name here is a promise to people who query them."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from target_contactdb.types import Json, Money, UtcDateTime

CHANNELS: t.Final = ("email", "sms")

metadata = sa.MetaData()

# Big integers everywhere, but SQLite numbers rows by itself only in a column of type INTEGER.
BIG_ID: t.Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")
KEY_TEXT: t.Final = sa.String(255)
CODE: t.Final = sa.String(32)
HASH: t.Final = sa.String(32)

OUTCOMES: t.Final = (
    "inserted",
    "updated",
    "unchanged",
    "discarded",
    "rejected",
    "superseded",
    "suppressed",
    "erased",
)
STATUS_CHANGES: t.Final = ("subscribed", "unsubscribed", "restored")


def contact_status_columns() -> list[sa.Column[t.Any]]:
    """Return the consent columns of `contacts`, for both channels."""
    columns: list[sa.Column[t.Any]] = []
    for channel in CHANNELS:
        columns += [
            sa.Column(f"{channel}_status", CODE, nullable=False, server_default="none"),
            sa.Column(f"{channel}_status_source", CODE),
            sa.Column(f"{channel}_unsubscription_cause", KEY_TEXT),
            sa.Column(f"{channel}_status_at", UtcDateTime),
            sa.Column(f"{channel}_opted_in_at", UtcDateTime),
            # The person's own opt-out, which a bounce may hide in the status.
            sa.Column(f"{channel}_opted_out_at", UtcDateTime),
            sa.Column(f"{channel}_address_hash", HASH, index=True),
            # What we wrote last: a status that differs from it was changed by somebody else.
            sa.Column(f"{channel}_written_status", CODE),
            sa.Column(f"{channel}_written_cause", KEY_TEXT),
        ]
    return columns


def contacts_table(into: sa.MetaData, fields: t.Iterable[sa.Column[t.Any]] = ()) -> sa.Table:
    """Return `contacts` with the given contact fields behind its own columns.

    Args:
        into: The metadata that will own the table.
        fields: One column per contact field, not yet attached to a table.
    """
    return sa.Table(
        "contacts",
        into,
        sa.Column("contact_id", BIG_ID, primary_key=True, autoincrement=True),
        sa.Column("user_code", KEY_TEXT, unique=True),
        *contact_status_columns(),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("last_operation_id", BIG_ID),
        *fields,
        sqlite_autoincrement=True,
    )


contacts = contacts_table(metadata)

# PostgreSQL has these in every table, and a contact database may move there.
_SYSTEM_COLUMNS: t.Final = frozenset({"tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"})

RESERVED_NAMES: t.Final = frozenset(contacts.columns.keys()) | _SYSTEM_COLUMNS
"""Names that no contact field may have."""


def _source_channel_columns() -> list[sa.Column[t.Any]]:
    columns: list[sa.Column[t.Any]] = []
    for channel in CHANNELS:
        columns += [
            sa.Column(f"{channel}_address", KEY_TEXT),
            sa.Column(f"{channel}_address_hash", HASH),
            sa.Column(f"{channel}_state", KEY_TEXT),
            sa.Column(f"{channel}_opt_in_level", KEY_TEXT),
            sa.Column(f"{channel}_consent_at", UtcDateTime),
            # State and consent time as they were when the latest opt-out was written:
            # the same pair, seen again, is not a new consent.
            sa.Column(f"{channel}_answered_state", KEY_TEXT),
            sa.Column(f"{channel}_answered_at", UtcDateTime),
        ]
    return columns


contact_sources = sa.Table(
    "contact_sources",
    metadata,
    sa.Column("shop", KEY_TEXT, primary_key=True),
    sa.Column("customer_id", sa.BigInteger, primary_key=True, autoincrement=False),
    # No foreign key: checking it row by row costs a large import more than writing the row.
    sa.Column("contact_id", BIG_ID, nullable=False, index=True),
    sa.Column("owned", sa.Boolean, nullable=False),
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
    sa.Column("source_updated_at", UtcDateTime),
    sa.Column("last_order_at", UtcDateTime),
    sa.Column("deleted_at", UtcDateTime),
    *_source_channel_columns(),
    sa.Column("content_hash", HASH),
)

suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("channel", CODE, primary_key=True),
    sa.Column("address_hash", HASH, primary_key=True),
    sa.Column("cause", KEY_TEXT, nullable=False),
    sa.Column("source", CODE, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("lifted_at", UtcDateTime),
)

tombstones = sa.Table(
    "tombstones",
    metadata,
    sa.Column("kind", CODE, primary_key=True),
    sa.Column("hash", HASH, primary_key=True),
    sa.Column("erased_at", UtcDateTime, nullable=False),
)

checkouts = sa.Table(
    "checkouts",
    metadata,
    sa.Column("shop", KEY_TEXT, primary_key=True),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("contact_id", BIG_ID, sa.ForeignKey("contacts.contact_id"), index=True),
    sa.Column("name", KEY_TEXT),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("completed_at", UtcDateTime),
    sa.Column("abandoned_checkout_url", sa.Text),
    sa.Column("customer_id", sa.BigInteger),
    sa.Column("customer_email", KEY_TEXT),
    sa.Column("customer_phone", KEY_TEXT),
    sa.Column("currency", CODE),
    sa.Column("subtotal_price", Money),
    sa.Column("total_line_items_price", Money),
    sa.Column("total_discounts", Money),
    sa.Column("total_tax", Money),
    sa.Column("total_duties", Money),
    sa.Column("total_price", Money),
    sa.Column("presentment_currency", CODE),
    sa.Column("presentment_total_price", Money),
    sa.Column("taxes_included", sa.Boolean),
    sa.Column("discount_codes", Json),
    sa.Column("note", sa.Text),
    sa.Column("custom_attributes", Json),
    sa.Column("line_items_quantity", sa.Integer),
    sa.Column("billing_address", Json),
    sa.Column("shipping_address", Json),
    sa.Column("content_hash", HASH),
    sa.Column("last_operation_id", BIG_ID),
    sa.Index("ix_checkouts_shop_customer", "shop", "customer_id"),
)

checkout_lines = sa.Table(
    "checkout_lines",
    metadata,
    sa.Column("shop", KEY_TEXT, primary_key=True),
    sa.Column("checkout_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("title", sa.Text),
    sa.Column("variant_title", sa.Text),
    sa.Column("sku", KEY_TEXT),
    sa.Column("quantity", sa.Integer),
    sa.Column("unit_price", Money),
    sa.Column("discounted_unit_price", Money),
    sa.Column("total_price", Money),
    sa.Column("discounted_total_price", Money),
    sa.Column("currency", CODE),
    sa.Column("product_id", sa.BigInteger),
    sa.Column("product_title", sa.Text),
    sa.Column("product_handle", KEY_TEXT),
    sa.Column("vendor", KEY_TEXT),
    sa.Column("product_type", KEY_TEXT),
    sa.Column("variant_id", sa.BigInteger),
    sa.Column("image_url", sa.Text),
    sa.Column("custom_attributes", Json),
    sa.ForeignKeyConstraint(["shop", "checkout_id"], ["checkouts.shop", "checkouts.id"]),
)

operations = sa.Table(
    "operations",
    metadata,
    sa.Column("operation_id", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("kind", CODE, nullable=False),
    sa.Column("shop", KEY_TEXT, nullable=False),
    sa.Column("state", CODE, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("window_from", UtcDateTime),
    sa.Column("window_to", UtcDateTime),
    sa.Column("bookmark", UtcDateTime),
    sa.Column("records_read", sa.BigInteger, nullable=False, server_default="0"),
    *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in OUTCOMES),
    *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in STATUS_CHANGES),
    sa.Column("unlinked", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("error", sa.Text),
    sa.Column("fingerprint", HASH),
    # One outcome per record: the sum is checked by the database at every write.
    sa.CheckConstraint("records_read = " + " + ".join(OUTCOMES), name="one_outcome_per_record"),
    sa.Index("ix_operations_kind_shop", "kind", "shop", "operation_id"),
    sqlite_autoincrement=True,
)

listed_sources = sa.Table(
    "listed_sources",
    metadata,
    # The customers that a listing of all of them has named so far; empty once it is complete.
    sa.Column("operation_id", BIG_ID, sa.ForeignKey("operations.operation_id"), primary_key=True, autoincrement=False),
    sa.Column("customer_id", sa.BigInteger, primary_key=True, autoincrement=False),
)

operation_records = sa.Table(
    "operation_records",
    metadata,
    sa.Column("record_id", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("operation_id", BIG_ID, sa.ForeignKey("operations.operation_id"), nullable=False, index=True),
    sa.Column("stream", KEY_TEXT, nullable=False),
    sa.Column("key", KEY_TEXT),
    sa.Column("outcome", CODE, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("record", Json),
)

status_changes = sa.Table(
    "status_changes",
    metadata,
    sa.Column("change_id", BIG_ID, primary_key=True, autoincrement=True),
    # No foreign keys, for the same reason as in `contact_sources`.
    sa.Column("contact_id", BIG_ID, nullable=False, index=True),
    sa.Column("channel", CODE, nullable=False),
    sa.Column("change", CODE, nullable=False),
    sa.Column("from", CODE),
    sa.Column("to", CODE, nullable=False),
    sa.Column("cause", KEY_TEXT),
    sa.Column("source", CODE, nullable=False),
    sa.Column("acted_at", UtcDateTime),
    sa.Column("written_at", UtcDateTime, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("operation_id", BIG_ID, index=True),
)

contact_fields = sa.Table(
    "contact_fields",
    metadata,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("type", CODE, nullable=False),
    sa.Column("label", KEY_TEXT),
    sa.Column("choices", Json),
    sa.Column("position", sa.Integer, nullable=False),
)

unsubscription_causes = sa.Table(
    "unsubscription_causes",
    metadata,
    sa.Column("cause", KEY_TEXT, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
)

database_state = sa.Table(
    "database_state",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("salt", KEY_TEXT, nullable=False),
    sa.Column("options_fingerprint", HASH),
    sa.Column("protected_causes", Json),
    # Null until an import has settled the keys of a new database.
    sa.Column("primary_key", sa.String(63)),
    sa.Column("unique_fields", Json),
    # A change of keys that was begun and not finished: only where schema changes commit by themselves.
    sa.Column("pending_keys", Json),
    # Status changes since a person accepted them last; below zero, so many more were accepted beforehand.
    sa.Column("status_changes_counted", sa.BigInteger, nullable=False, server_default="0"),
    # How many the batch wanted that was stopped by the limit.
    sa.Column("status_changes_held", sa.BigInteger),
    sa.Column("status_changes_stopped_at", UtcDateTime),
    sa.Column("status_changes_accepted_at", UtcDateTime),
)

streams = sa.Table(
    "streams",
    metadata,
    sa.Column("stream", KEY_TEXT, primary_key=True),
    sa.Column("shop", KEY_TEXT, primary_key=True),
    sa.Column("json_schema", Json, nullable=False),
    # What every customer has been through: the mappings, and the import filters. Not those of a run that has not taken
    # everyone in yet.
    sa.Column("mappings", Json),
    sa.Column("filters", HASH),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)

segments = sa.Table(
    "segments",
    metadata,
    sa.Column("segment_id", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("name", KEY_TEXT, nullable=False, unique=True),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("timezone", KEY_TEXT, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("evaluated_at", UtcDateTime),
    sa.Column("members", sa.BigInteger),
    sqlite_autoincrement=True,
)

segment_members = sa.Table(
    "segment_members",
    metadata,
    sa.Column("segment_id", BIG_ID, sa.ForeignKey("segments.segment_id"), primary_key=True, autoincrement=False),
    sa.Column("contact_id", BIG_ID, primary_key=True, autoincrement=False, index=True),
    sa.Column("entered_at", UtcDateTime, nullable=False),
    # Null while the contact was a member at the last evaluation.
    sa.Column("left_at", UtcDateTime),
)

flow_entries = sa.Table(
    "flow_entries",
    metadata,
    sa.Column("entry_id", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("flow", KEY_TEXT, nullable=False),
    sa.Column("node", CODE, nullable=False),
    # What enters a flow once: a checkout, or the contact itself.
    sa.Column("subject", KEY_TEXT, nullable=False),
    sa.Column("contact_id", BIG_ID, nullable=False, index=True),
    sa.Column("shop", KEY_TEXT),
    sa.Column("checkout_id", sa.BigInteger),
    sa.Column("channel", CODE, nullable=False),
    sa.Column("entered_at", UtcDateTime, nullable=False),
    sa.Column("leased_until", UtcDateTime),
    sa.Column("acknowledged_at", UtcDateTime),
    sa.UniqueConstraint("flow", "subject", name="one_entry_per_flow"),
    sqlite_autoincrement=True,
)
