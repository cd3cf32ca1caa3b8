"""The views: completing another checkout recovers one, and a cause beside `subscribed` is taken at its word."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

# The customers are read before the checkouts, so a purchase is often known from its checkout first.
LAST_CHECKOUT = """
VIEW last_checkout AS
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
      AND NOT EXISTS (
          SELECT 1 FROM checkouts o {by_index}
          WHERE o.shop = c.shop AND o.customer_id = c.customer_id AND o.completed_at >= c.created_at
      )
) ranked
WHERE newest = 1
"""

# A cause that another program has written beside `subscribed` is an unsubscription, also before an import notices.
MAY = """
    p.{channel}_status = 'subscribed' AND p.{channel}_address_hash IS NOT NULL
    AND COALESCE(p.{channel}_unsubscription_cause, '') IN ('', COALESCE(p.{channel}_written_cause, ''))
    AND NOT EXISTS (
        SELECT 1 FROM suppressions x
        WHERE x.channel = '{channel}' AND x.address_hash = p.{channel}_address_hash AND x.lifted_at IS NULL
    )"""

NODE = f"""
VIEW abandoned_checkout_node AS
SELECT l.*, p.user_code, p.email_status, p.sms_status,
    {MAY.format(channel="email")} AS may_email,
    {MAY.format(channel="sms")} AS may_sms
FROM last_checkout l
JOIN contacts p ON p.contact_id = l.contact_id
"""  # noqa: S608 - put together from the constants above


def upgrade() -> None:
    """Put the new rules in place of the old ones."""
    dialect = op.get_context().dialect.name
    # Soon after a large import MariaDB would not find the index by itself.
    by_index = "FORCE INDEX (ix_checkouts_shop_customer)" if dialect == "mysql" else ""
    # Elsewhere views of others may read them.
    create = "CREATE" if dialect == "sqlite" else "CREATE OR REPLACE"
    if dialect == "sqlite":
        op.execute("DROP VIEW abandoned_checkout_node")
        op.execute("DROP VIEW last_checkout")
    for view in (LAST_CHECKOUT.format(by_index=by_index), NODE):
        op.execute(f"{create} {view}")
