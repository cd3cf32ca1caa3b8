"""Abandoned checkouts: which are open, which one is a contact's last, and its lines."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from target_contactdb.tables import checkout_lines, checkouts, contact_sources

if t.TYPE_CHECKING:
    from target_contactdb.admin.connect import Opened

# A view; its rule is in the migration that makes it.
last_checkout: t.Final = sa.table(
    "last_checkout", sa.column("contact_id"), sa.column("shop"), sa.column("checkout_id", sa.BigInteger)
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line item of a checkout, with the prices as Shopify wrote them."""

    position: int
    title: str | None
    variant_title: str | None
    sku: str | None
    quantity: int | None
    unit_price: Decimal | None
    discounted_unit_price: Decimal | None
    total_price: Decimal | None
    discounted_total_price: Decimal | None
    currency: str | None
    product_id: int | None
    product_title: str | None
    product_handle: str | None
    vendor: str | None
    product_type: str | None
    variant_id: int | None
    image_url: str | None
    custom_attributes: t.Any


@dataclass(frozen=True, slots=True)
class Checkout:
    """A contact's last abandoned checkout."""

    shop: str
    checkout_id: int
    name: str | None
    created_at: dt.datetime
    updated_at: dt.datetime
    abandoned_checkout_url: str | None
    currency: str | None
    subtotal_price: Decimal | None
    total_line_items_price: Decimal | None
    total_discounts: Decimal | None
    total_tax: Decimal | None
    total_duties: Decimal | None
    total_price: Decimal | None
    presentment_currency: str | None
    presentment_total_price: Decimal | None
    taxes_included: bool | None
    discount_codes: t.Any
    note: str | None
    custom_attributes: t.Any
    billing_address: t.Any
    shipping_address: t.Any
    line_items_quantity: int | None
    last_operation_id: int | None
    lines: list[Line]


def is_open() -> sa.ColumnElement[bool]:
    """Return whether a checkout is not recovered, over `checkouts_with_sources`: the rule of the view `last_checkout`.

    It is recovered once it is completed, or once its customer has ordered, or completed another one, since it began.
    """
    last_order_at, other = contact_sources.c.last_order_at, checkouts.alias("other_checkouts")
    no_order = sa.or_(last_order_at.is_(None), last_order_at < checkouts.c.created_at)
    bought = sa.select(other.c.id).where(
        other.c.shop == checkouts.c.shop,
        other.c.customer_id == checkouts.c.customer_id,
        other.c.completed_at >= checkouts.c.created_at,
    )
    # Soon after a large import its statistics are still those of an empty table, which it would read whole each time.
    bought = bought.with_hint(other, "FORCE INDEX (ix_checkouts_shop_customer)", "mysql")
    return sa.and_(checkouts.c.completed_at.is_(None), no_order, ~bought.exists())


def checkouts_with_sources() -> sa.Join:
    """Return `checkouts`, each with the source of its customer where there is one."""
    same = sa.and_(contact_sources.c.shop == checkouts.c.shop, contact_sources.c.customer_id == checkouts.c.customer_id)
    return checkouts.outerjoin(contact_sources, same)


def last_checkout_of(database: Opened, contact_id: int) -> Checkout | None:
    """Return the last checkout of a contact that was not recovered, with its lines."""
    joined = sa.and_(checkouts.c.shop == last_checkout.c.shop, checkouts.c.id == last_checkout.c.checkout_id)
    return _checkout(
        database,
        sa.select(*_CHECKOUT_COLUMNS)
        .join_from(last_checkout, checkouts, joined)
        .where(last_checkout.c.contact_id == contact_id),
    )


def newest_checkout_of(database: Opened, contact_id: int) -> Checkout | None:
    """Return the newest checkout of a contact, recovered or not, with its lines."""
    newest_first = (checkouts.c.updated_at.desc(), checkouts.c.id.desc())
    of_contact = sa.select(*_CHECKOUT_COLUMNS).where(checkouts.c.contact_id == contact_id)
    return _checkout(database, of_contact.order_by(*newest_first).limit(1))


_CHECKOUT_COLUMNS: t.Final = (
    checkouts.c.id.label("checkout_id"),
    *(checkouts.c[name] for name in Checkout.__annotations__ if name not in {"checkout_id", "lines"}),
)


def _checkout(database: Opened, statement: sa.Select[t.Any]) -> Checkout | None:
    row = database.connection.execute(statement).mappings().one_or_none()
    if row is None:
        return None
    return Checkout(**row, lines=_lines(database, row["shop"], row["checkout_id"]))


def _lines(database: Opened, shop: str, checkout_id: int) -> list[Line]:
    table = checkout_lines
    statement = (
        sa.select(*(table.c[name] for name in Line.__annotations__))
        .where(table.c.shop == shop, table.c.checkout_id == checkout_id)
        .order_by(table.c.position)
    )
    return [Line(**row) for row in database.connection.execute(statement).mappings()]


def count_of(database: Opened, contact_id: int) -> int:
    """Return how many checkouts of a contact are on record."""
    statement = sa.select(sa.func.count()).select_from(checkouts).where(checkouts.c.contact_id == contact_id)
    return database.connection.execute(statement).scalar_one()


def why_not(database: Opened, contact_id: int, checkout_id: int) -> list[str]:
    """Return why a checkout is no reason to write to a contact: one phrase, or none if it is its last open one.

    Args:
        database: The contact database.
        contact_id: The contact.
        checkout_id: Shopify's id of the checkout.
    """
    statement = (
        sa.select(checkouts.c.contact_id, is_open().label("is_open"))
        .select_from(checkouts_with_sources())
        .where(checkouts.c.id == checkout_id)
    )
    found = {row["contact_id"]: row["is_open"] for row in database.connection.execute(statement).mappings()}
    if not found:
        return [f"checkout {checkout_id} is unknown"]
    if contact_id not in found:
        return [f"checkout {checkout_id} is not a checkout of this contact"]
    if not found[contact_id]:
        return [f"checkout {checkout_id} was recovered"]
    last = last_checkout_of(database, contact_id)
    if last is None or last.checkout_id != checkout_id:
        return [f"checkout {checkout_id} is not the last checkout of this contact"]
    return []
