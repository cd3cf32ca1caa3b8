"""Unsubscription causes: the declared list, and which of them stand for which reason of the state table."""

from __future__ import annotations

import enum
import typing as t


class Reason(enum.Enum):
    """Why the state table unsubscribes a contact."""

    OPTED_OUT = "opted out"
    AWAITING = "awaiting confirmation"
    NO_CONSENT = "no consent"
    INVALID_ADDRESS = "invalid address"
    ADDRESS_REMOVED = "address removed"


OPTED_OUT: t.Final = "Shopify - opted out"
NO_CONSENT: t.Final = "Shopify - no marketing consent"

FIXED_CAUSES: t.Final[dict[Reason, str]] = {
    Reason.OPTED_OUT: OPTED_OUT,
    Reason.AWAITING: "Shopify - awaiting confirmation",
    Reason.INVALID_ADDRESS: "invalid address",
    Reason.ADDRESS_REMOVED: "address removed",
}

CUSTOMER_DELETED: t.Final = "Shopify - customer deleted"
DEFAULT_PROTECTED: t.Final = ("hard bounce", "complaint", "blocked")
PERSON: t.Final = "person unsubscribed"
DEFAULT_CAUSES: t.Final = (NO_CONSENT, *FIXED_CAUSES.values(), CUSTOMER_DELETED, PERSON, *DEFAULT_PROTECTED)
