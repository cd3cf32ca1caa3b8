"""Who enters a flow now, who waits, and who does not: one pure rule per node, for entering and for explaining alike."""

from __future__ import annotations

import datetime as dt
import enum
import typing as t
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote
from zoneinfo import ZoneInfo

if t.TYPE_CHECKING:
    from target_contactdb.conditions.tree import Condition

_UTC: t.Final = ZoneInfo("UTC")
CHANNEL_CHOICES: t.Final = ("email", "sms", "any")


class Verdict(enum.StrEnum):
    """What becomes of a candidate."""

    ENTERS = "enters"
    ENTERED = "has entered this flow already"
    LEASED = "was handed out and is not acknowledged yet"
    RECENT = "entered this flow with another checkout too recently"
    NOT_CONTACTABLE = "may not be written to"
    TOO_CHEAP = "is below the minimum total"
    TOO_YOUNG = "has not been left alone for long enough"
    WAITS = "waits for an import to read further: a purchase made meanwhile would not have been seen yet"
    TOO_OLD = "was left, or seen for the first time, longer ago than --max-age"
    NEXT_CALL = "would enter, but --limit leaves it for the next call"
    BACKFILL = "came with a backfill"
    OTHER_STATE = "has another account state"
    NOT_MEANT = "is not in the --segment, or not what --where asks for"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contact that could enter a flow, with what the rule asks about it.

    Attributes:
        contact_id: The contact.
        subject: What enters once per flow: a checkout, or the contact itself.
        since: When the person left the checkout, or when an import first saw the customer.
        may_email: May be written to by e-mail.
        may_sms: May be written to by SMS.
        shop: The shop.
        checkout_id: The checkout; None in the New Customer node.
        customer_id: The customer that was seen first; None in the Abandoned Checkout node.
        total: What the checkout comes to.
        read_through: How far a committed checkout import of the shop has read; None = no import has.
        entry_id: The entry of this subject in the flow; None = none.
        acknowledged: The entry is final.
        leased_until: Until when the entry is in the hands of a consumer.
        last_entry_at: When the contact last entered the flow with anything else.
        is_backfill: An import that was not an increment brought it.
        account_state: As Shopify has it; None = unknown.
        is_meant: The condition of the rule holds for the contact.
    """

    contact_id: int
    subject: str
    since: dt.datetime
    may_email: bool
    may_sms: bool
    shop: str
    checkout_id: int | None = None
    customer_id: int | None = None
    total: Decimal | None = None
    read_through: dt.datetime | None = None
    entry_id: int | None = None
    acknowledged: bool = False
    leased_until: dt.datetime | None = None
    last_entry_at: dt.datetime | None = None
    is_backfill: bool = False
    account_state: str | None = None
    is_meant: bool = True


@dataclass(frozen=True, slots=True)
class EntryRule:
    """The options of a node.

    Attributes:
        after: How long the checkout, or the customer, has to be left alone.
        max_age: Who is older than this does not enter any more.
        channel: `email`, `sms` or `any`: how a contact must be contactable.
        min_total: Least total of the checkout; None = any.
        re_entry: How long after an entry the same contact may enter with another checkout.
        account_states: Account states that may enter, in capitals; empty = all.
        backfill: Customers of a backfill may enter.
        reads_checkouts: A committed checkout import has to have read past `since` + `after`.
        where: What has to hold for the contact, as in a segment; None = nothing.
        zone: Where the dates of that condition begin.
    """

    after: dt.timedelta
    max_age: dt.timedelta
    channel: str = "email"
    min_total: Decimal | None = None
    re_entry: dt.timedelta = dt.timedelta(0)
    account_states: tuple[str, ...] = ()
    backfill: bool = False
    reads_checkouts: bool = True
    where: Condition | None = None
    zone: ZoneInfo = _UTC


def verdict(candidate: Candidate, rule: EntryRule, now: dt.datetime) -> Verdict:
    """Decide about one candidate. Reasons that stay come before those that pass.

    Args:
        candidate: The contact and what it would enter with.
        rule: The options of the node.
        now: The time, UTC.
    """
    if candidate.entry_id is not None:
        if candidate.acknowledged:
            return Verdict.ENTERED
        if candidate.leased_until is not None and candidate.leased_until > now:
            return Verdict.LEASED
    if candidate.since < now - rule.max_age:
        return Verdict.TOO_OLD
    if candidate.is_backfill and not rule.backfill:
        return Verdict.BACKFILL
    if rule.account_states and (candidate.account_state or "").upper() not in rule.account_states:
        return Verdict.OTHER_STATE
    if rule.min_total is not None and (candidate.total is None or candidate.total < rule.min_total):
        return Verdict.TOO_CHEAP
    if not candidate.is_meant:
        return Verdict.NOT_MEANT
    if not _contactable(candidate, rule.channel):
        return Verdict.NOT_CONTACTABLE
    if candidate.last_entry_at is not None and now < candidate.last_entry_at + rule.re_entry:
        return Verdict.RECENT
    ripe_at = candidate.since + rule.after
    if now < ripe_at:
        return Verdict.TOO_YOUNG
    if rule.reads_checkouts and (candidate.read_through is None or candidate.read_through < ripe_at):
        return Verdict.WAITS
    return Verdict.ENTERS


def _contactable(candidate: Candidate, channel: str) -> bool:
    if channel == "any":
        return candidate.may_email or candidate.may_sms
    return candidate.may_email if channel == "email" else candidate.may_sms


def channel_of(candidate: Candidate, channel: str) -> str:
    """Return the channel to write to a contact by: the one asked for, or with `any` e-mail before SMS."""
    if channel == "any":
        return "email" if candidate.may_email else "sms"
    return channel


def idempotency_key(flow: str, candidate: Candidate) -> str:
    """Return what a receiver knows an entry by: the same however often it is handed out, in ASCII.

    It names the flow, and what enters it by Shopify's number: our own numbers begin again in another database, and in
    one that was restored from a backup.
    """
    one, number = "checkout", candidate.checkout_id
    if number is None:
        one, number = "customer", candidate.customer_id
    return f"{quote(flow, safe='')}/{one}:{candidate.shop}/{number}"


_LONGEST: t.Final = dt.timedelta(days=36_500)
UNITS: t.Final = {"m": "minutes", "h": "hours", "d": "days"}
"""The units of a duration, by the letter behind the number."""


def read_duration(text: str) -> dt.timedelta:
    """Return a duration such as `30m`, `12h` or `1d`.

    Raises:
        ValueError: It is none.
    """
    number, unit = text.strip()[:-1], text.strip()[-1:]
    if unit not in UNITS or not number.isdecimal():
        msg = "is not a duration such as 30m, 12h or 1d"
        raise ValueError(msg)
    try:
        duration = dt.timedelta(**{UNITS[unit]: int(number)})
    except OverflowError:
        duration = dt.timedelta.max
    if duration > _LONGEST:
        msg = "is longer than a hundred years"
        raise ValueError(msg)
    return duration
