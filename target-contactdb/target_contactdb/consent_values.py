"""What the rules of consent speak of: statuses, what Shopify says, what a contact holds, opt-outs, decisions."""

from __future__ import annotations

import datetime as dt
import enum
import typing as t
from dataclasses import dataclass

from target_contactdb.causes import CUSTOMER_DELETED, FIXED_CAUSES, NO_CONSENT, Reason
from target_contactdb.consent import Resubscribe, State


class Status(enum.StrEnum):
    """What the contact database holds for one channel."""

    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    NONE = "none"


_STATUSES: t.Final = {status.value: status for status in Status}


def is_status(text: str) -> bool:
    """Tell whether a text means a status of ours, however it is spelt."""
    return text.strip().lower() in _STATUSES


def read_status(text: str) -> Status:
    """Return the status that a row holds.

    A word never heard of, such as `bounced`, stands where a yes would stand: it means that there is none.
    """
    return _STATUSES.get(text.strip().lower(), Status.UNSUBSCRIBED)


class Source(enum.StrEnum):
    """Who a status comes from: `import` is "own", `person` is "self"."""

    IMPORT = "import"
    PERSON = "person"
    PROTECTED = "protected"


class Change(enum.StrEnum):
    """How a status changed."""

    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Policy:
    """The consent options of one run.

    Attributes:
        no_consent_cause: Cause of those who never agreed ("the flag"); None = they come in subscribed.
        resubscribe: Whether SUBSCRIBED in Shopify restores who unsubscribed itself.
        protected_causes: Causes that no import ever restores.
        confirmed_only: SUBSCRIBED with less than a confirmed opt-in counts as PENDING.
        update_existing: False = nothing is restored on existing contacts.
        discarded_cause: Cause of owned contacts that fail the import filters now; None = they stay as they are.
        deleted_cause: Cause of owned contacts none of whose sources exists any more; None = they stay as they are.
    """

    no_consent_cause: str | None = NO_CONSENT
    resubscribe: Resubscribe = Resubscribe.IF_NEWER
    protected_causes: frozenset[str] = frozenset()
    confirmed_only: bool = False
    update_existing: bool = True
    discarded_cause: str | None = None
    deleted_cause: str | None = CUSTOMER_DELETED

    def cause(self, reason: Reason) -> str:
        """Return the cause to write for a reason of the state table."""
        if reason is Reason.NO_CONSENT:
            return self.no_consent_cause or NO_CONSENT
        return FIXED_CAUSES[reason]


@dataclass(frozen=True, slots=True)
class Consent:
    """What Shopify says about one channel of one customer now.

    Attributes:
        state: The row of the table.
        said: Shopify's own word, for the evidence.
        consent_at: When the person said so; None where Shopify knows no time.
        updated_at: The customer's `updated_at`.
        address_hash: Hash of the address it is about; None without an address.
    """

    state: State
    said: str
    consent_at: dt.datetime | None
    updated_at: dt.datetime
    address_hash: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """What a contact holds on one channel.

    Attributes:
        status: subscribed, unsubscribed or none.
        source: Who the status comes from.
        cause: The unsubscription cause.
        at: Time of the act behind the status.
        opted_in_at: The latest local opt-in.
        address_hash: Hash of the address.
        opted_out_at: The person's own latest opt-out, from either side, that no yes has answered: a bounce may hide
            it in the status, but it stays with the person.
    """

    status: Status = Status.NONE
    source: Source | None = None
    cause: str | None = None
    at: dt.datetime | None = None
    opted_in_at: dt.datetime | None = None
    address_hash: str | None = None
    opted_out_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What the source row held before this record: Shopify's last known word on the channel."""

    owned: bool = True
    state: str | None = None
    consent_at: dt.datetime | None = None
    had_address: bool = False
    answered_state: str | None = None
    answered_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class OptOut:
    """The latest opt-out known for an address, lifted or not (a row of `suppressions`)."""

    cause: str
    source: Source
    at: dt.datetime
    lifted_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What comes of one record on one channel.

    Attributes:
        held: The channel as it shall be.
        change: The status change to log, or None.
        acted_at: Time of the act behind the change.
        evidence: What was said and which rule applied; never a personal value.
        opt_out: The opt-out to write for the address (local acts only: an import records those of a batch first).
        lifted_at: The yes that lifts the address's suppression, or None.
        erase: The person is to be erased.
        explicit: An opt-out says so: Shopify's, or one that has closed the address. No limit holds it back.
    """

    held: Held
    change: Change | None = None
    acted_at: dt.datetime | None = None
    evidence: str = ""
    opt_out: OptOut | None = None
    lifted_at: dt.datetime | None = None
    erase: bool = False
    explicit: bool = False


def change_between(before: Held, after: Held) -> Change | None:
    """Return how a status changed, or None if it did not, or became `none`."""
    if before.status is after.status or after.status is Status.NONE:
        return None
    if after.status is Status.UNSUBSCRIBED:
        return Change.UNSUBSCRIBED
    return Change.RESTORED if before.status is Status.UNSUBSCRIBED else Change.SUBSCRIBED
