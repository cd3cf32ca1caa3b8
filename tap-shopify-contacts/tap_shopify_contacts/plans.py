"""The streams that there are: their fields, where they come from, and how they are read."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import timedelta

from tap_shopify_contacts.checkout_fields import CHECKOUT_FIELDS
from tap_shopify_contacts.customer_fields import CONSENT_FIELDS, CUSTOMER_FIELDS
from tap_shopify_contacts.documents import ABANDONED_CHECKOUTS, CUSTOMERS, Connection
from tap_shopify_contacts.fields import Field
from tap_shopify_contacts.metafields import Metafield, metafield_fields
from tap_shopify_contacts.settings import LARGEST_PAGE, Edition
from tap_shopify_contacts.windows import WindowPlan

REPLICATION_KEY = "updated_at"
AUTOMATIC = ("id", "shop", REPLICATION_KEY)
"""Fields of every record, selected or not."""


@dataclass(frozen=True)
class StreamPlan:
    """What is particular to one stream.

    `oldest` is the node's time that a first run begins with. From more than `many` records on a bulk operation pays.
    """

    name: str
    fields: tuple[Field, ...]
    connection: Connection
    oldest: str
    page_size: int
    many: int
    windows: WindowPlan


CUSTOMER_STREAM = StreamPlan(
    "customers",
    CUSTOMER_FIELDS,
    CUSTOMERS,
    "updatedAt",
    LARGEST_PAGE,
    # Fewer than Shopify's smallest bucket of points holds: so many come by pages without a wait.
    2_000,
    WindowPlan(timedelta(days=30), 250, 10_000),
)
CHECKOUT_STREAM = StreamPlan(
    "abandoned_checkouts",
    CHECKOUT_FIELDS,
    ABANDONED_CHECKOUTS,
    # Shopify sorts checkouts by their creation, which is never after their last change.
    "createdAt",
    50,
    500,
    WindowPlan(timedelta(days=7), 50, 2_000),
)
CONSENT_STREAM = StreamPlan(
    "customer_consents",
    CONSENT_FIELDS,
    CUSTOMERS,
    "updatedAt",
    LARGEST_PAGE,
    # Neither is used: there is one bulk operation over all customers, whatever their number.
    0,
    CUSTOMER_STREAM.windows,
)


def plans_of(edition: Edition) -> tuple[StreamPlan, ...]:
    """Return the streams of an edition that have a bookmark."""
    return (CUSTOMER_STREAM, CHECKOUT_STREAM) if edition is Edition.ADVANCED else (CUSTOMER_STREAM,)


def fields_of(plan: StreamPlan, edition: Edition, metafields: t.Iterable[Metafield] = ()) -> tuple[Field, ...]:
    """Return the fields of a stream in an edition; metafields are those of customers."""
    fields = tuple(field for field in plan.fields if edition is Edition.ADVANCED or not field.advanced)
    return (*fields, *metafield_fields(metafields)) if plan is CUSTOMER_STREAM else fields
