"""The tables and views of a contact database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from target_contactdb.types import Json, Money, UtcDateTime

revision = "0001"
down_revision = None

# A checkout counts as recovered once it is completed, or once its customer has ordered at or after it.
LAST_CHECKOUT = """
CREATE VIEW last_checkout AS
SELECT contact_id, shop, id AS checkout_id, name, created_at, updated_at, abandoned_checkout_url, currency,
       subtotal_price, total_line_items_price, total_discounts, total_tax, total_price,
       presentment_currency, presentment_total_price, line_items_quantity
FROM (
    SELECT c.*, ROW_NUMBER() OVER (PARTITION BY c.contact_id ORDER BY c.updated_at DESC, c.id DESC) AS newest
    FROM checkouts c
    LEFT JOIN contact_sources s ON s.shop = c.shop AND s.customer_id = c.customer_id
    WHERE c.contact_id IS NOT NULL
      AND c.completed_at IS NULL
      AND (s.last_order_at IS NULL OR s.last_order_at < c.created_at)
) ranked
WHERE newest = 1
"""

MAY = """
    p.{channel}_status = 'subscribed' AND p.{channel}_address_hash IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM suppressions x
        WHERE x.channel = '{channel}' AND x.address_hash = p.{channel}_address_hash AND x.lifted_at IS NULL
    )"""

NODE = f"""
CREATE VIEW abandoned_checkout_node AS
SELECT l.*, p.user_code, p.email_status, p.sms_status,
    {MAY.format(channel="email")} AS may_email,
    {MAY.format(channel="sms")} AS may_sms
FROM last_checkout l
JOIN contacts p ON p.contact_id = l.contact_id
"""  # noqa: S608 - put together from the constants above


def upgrade() -> None:
    """Make every table and view."""
    op.create_table(
        "contact_fields",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=True),
        sa.Column("choices", Json(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "contacts",
        sa.Column(
            "contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("user_code", sa.String(length=255), nullable=True),
        sa.Column("email_status", sa.String(length=32), server_default="none", nullable=False),
        sa.Column("email_status_source", sa.String(length=32), nullable=True),
        sa.Column("email_unsubscription_cause", sa.String(length=255), nullable=True),
        sa.Column("email_status_at", UtcDateTime(), nullable=True),
        sa.Column("email_opted_in_at", UtcDateTime(), nullable=True),
        sa.Column("email_opted_out_at", UtcDateTime(), nullable=True),
        sa.Column("email_address_hash", sa.String(length=32), nullable=True),
        sa.Column("email_written_status", sa.String(length=32), nullable=True),
        sa.Column("email_written_cause", sa.String(length=255), nullable=True),
        sa.Column("sms_status", sa.String(length=32), server_default="none", nullable=False),
        sa.Column("sms_status_source", sa.String(length=32), nullable=True),
        sa.Column("sms_unsubscription_cause", sa.String(length=255), nullable=True),
        sa.Column("sms_status_at", UtcDateTime(), nullable=True),
        sa.Column("sms_opted_in_at", UtcDateTime(), nullable=True),
        sa.Column("sms_opted_out_at", UtcDateTime(), nullable=True),
        sa.Column("sms_address_hash", sa.String(length=32), nullable=True),
        sa.Column("sms_written_status", sa.String(length=32), nullable=True),
        sa.Column("sms_written_cause", sa.String(length=255), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("last_operation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("contact_id"),
        sa.UniqueConstraint("user_code"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_contacts_email_address_hash", "contacts", ["email_address_hash"], unique=False)
    op.create_index("ix_contacts_sms_address_hash", "contacts", ["sms_address_hash"], unique=False)
    op.create_table(
        "database_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.String(length=255), nullable=False),
        sa.Column("options_fingerprint", sa.String(length=32), nullable=True),
        sa.Column("protected_causes", Json(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "operations",
        sa.Column(
            "operation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("shop", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("window_from", UtcDateTime(), nullable=True),
        sa.Column("window_to", UtcDateTime(), nullable=True),
        sa.Column("bookmark", UtcDateTime(), nullable=True),
        sa.Column("records_read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("inserted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("discarded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rejected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("superseded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("suppressed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("erased", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("subscribed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unsubscribed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("restored", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unlinked", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.String(length=32), nullable=True),
        sa.CheckConstraint(
            "records_read = inserted + updated + unchanged + discarded + rejected + superseded + suppressed + erased",
            name="one_outcome_per_record",
        ),
        sa.PrimaryKeyConstraint("operation_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_operations_kind_shop", "operations", ["kind", "shop", "operation_id"], unique=False)
    op.create_table(
        "suppressions",
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("address_hash", sa.String(length=32), nullable=False),
        sa.Column("cause", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("channel", "address_hash"),
    )
    op.create_table(
        "tombstones",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.String(length=32), nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "hash"),
    )
    op.create_table(
        "unsubscription_causes",
        sa.Column("cause", sa.String(length=255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("cause"),
    )
    op.create_table(
        "checkouts",
        sa.Column("shop", sa.String(length=255), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.Column("abandoned_checkout_url", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_email", sa.String(length=255), nullable=True),
        sa.Column("customer_phone", sa.String(length=255), nullable=True),
        sa.Column("currency", sa.String(length=32), nullable=True),
        sa.Column("subtotal_price", Money(), nullable=True),
        sa.Column("total_line_items_price", Money(), nullable=True),
        sa.Column("total_discounts", Money(), nullable=True),
        sa.Column("total_tax", Money(), nullable=True),
        sa.Column("total_duties", Money(), nullable=True),
        sa.Column("total_price", Money(), nullable=True),
        sa.Column("presentment_currency", sa.String(length=32), nullable=True),
        sa.Column("presentment_total_price", Money(), nullable=True),
        sa.Column("taxes_included", sa.Boolean(), nullable=True),
        sa.Column("discount_codes", Json(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("custom_attributes", Json(), nullable=True),
        sa.Column("line_items_quantity", sa.Integer(), nullable=True),
        sa.Column("billing_address", Json(), nullable=True),
        sa.Column("shipping_address", Json(), nullable=True),
        sa.Column("content_hash", sa.String(length=32), nullable=True),
        sa.Column("last_operation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.contact_id"],
        ),
        sa.PrimaryKeyConstraint("shop", "id"),
    )
    op.create_index("ix_checkouts_contact_id", "checkouts", ["contact_id"], unique=False)
    op.create_index("ix_checkouts_shop_customer", "checkouts", ["shop", "customer_id"], unique=False)
    op.create_table(
        "contact_sources",
        sa.Column("shop", sa.String(length=255), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owned", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("source_updated_at", UtcDateTime(), nullable=True),
        sa.Column("last_order_at", UtcDateTime(), nullable=True),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("email_address", sa.String(length=255), nullable=True),
        sa.Column("email_address_hash", sa.String(length=32), nullable=True),
        sa.Column("email_state", sa.String(length=255), nullable=True),
        sa.Column("email_opt_in_level", sa.String(length=255), nullable=True),
        sa.Column("email_consent_at", UtcDateTime(), nullable=True),
        sa.Column("email_answered_state", sa.String(length=255), nullable=True),
        sa.Column("email_answered_at", UtcDateTime(), nullable=True),
        sa.Column("sms_address", sa.String(length=255), nullable=True),
        sa.Column("sms_address_hash", sa.String(length=32), nullable=True),
        sa.Column("sms_state", sa.String(length=255), nullable=True),
        sa.Column("sms_opt_in_level", sa.String(length=255), nullable=True),
        sa.Column("sms_consent_at", UtcDateTime(), nullable=True),
        sa.Column("sms_answered_state", sa.String(length=255), nullable=True),
        sa.Column("sms_answered_at", UtcDateTime(), nullable=True),
        sa.Column("content_hash", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("shop", "customer_id"),
    )
    op.create_index("ix_contact_sources_contact_id", "contact_sources", ["contact_id"], unique=False)
    op.create_table(
        "operation_records",
        sa.Column(
            "record_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("operation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stream", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("record", Json(), nullable=True),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["operations.operation_id"],
        ),
        sa.PrimaryKeyConstraint("record_id"),
    )
    op.create_index("ix_operation_records_operation_id", "operation_records", ["operation_id"], unique=False)
    op.create_table(
        "status_changes",
        sa.Column(
            "change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("change", sa.String(length=32), nullable=False),
        sa.Column("from", sa.String(length=32), nullable=True),
        sa.Column("to", sa.String(length=32), nullable=False),
        sa.Column("cause", sa.String(length=255), nullable=True),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("acted_at", UtcDateTime(), nullable=True),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("operation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("change_id"),
    )
    op.create_index("ix_status_changes_contact_id", "status_changes", ["contact_id"], unique=False)
    op.create_index("ix_status_changes_operation_id", "status_changes", ["operation_id"], unique=False)
    op.create_table(
        "checkout_lines",
        sa.Column("shop", sa.String(length=255), nullable=False),
        sa.Column("checkout_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("variant_title", sa.Text(), nullable=True),
        sa.Column("sku", sa.String(length=255), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("unit_price", Money(), nullable=True),
        sa.Column("discounted_unit_price", Money(), nullable=True),
        sa.Column("total_price", Money(), nullable=True),
        sa.Column("discounted_total_price", Money(), nullable=True),
        sa.Column("currency", sa.String(length=32), nullable=True),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("product_title", sa.Text(), nullable=True),
        sa.Column("product_handle", sa.String(length=255), nullable=True),
        sa.Column("vendor", sa.String(length=255), nullable=True),
        sa.Column("product_type", sa.String(length=255), nullable=True),
        sa.Column("variant_id", sa.BigInteger(), nullable=True),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("custom_attributes", Json(), nullable=True),
        sa.ForeignKeyConstraint(
            ["shop", "checkout_id"],
            ["checkouts.shop", "checkouts.id"],
        ),
        sa.PrimaryKeyConstraint("shop", "checkout_id", "position"),
    )

    # Where each step commits by itself, a migration that was killed may have made a view already.
    create = "CREATE OR REPLACE VIEW" if op.get_context().dialect.name == "mysql" else "CREATE VIEW"
    for view in (LAST_CHECKOUT, NODE):
        op.execute(view.replace("CREATE VIEW", create, 1))
