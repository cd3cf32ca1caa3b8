"""What is logged of a status that changes. No I/O here."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from target_contactdb.consent_values import Change, Status
from target_contactdb.status_limit import counts

if t.TYPE_CHECKING:
    import datetime as dt

    import sqlalchemy as sa

    from target_contactdb.consent_values import Decision, Held


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A row of `status_changes`, but for the contact and the operation.

    Attributes:
        channel: `email` or `sms`.
        change: How the status changed.
        before: The status it was; None of a new contact.
        after: What the contact holds now.
        acted_at: When the act behind it was done.
        evidence: What was said and which rule applied.
        limited: The limit of status changes counts it.
    """

    channel: str
    change: Change
    before: Status | None
    after: Held
    acted_at: dt.datetime | None
    evidence: str
    limited: bool = False


def adopted_change(channel: str, row: t.Mapping[str, t.Any] | sa.RowMapping, adopted: Held) -> StatusChange:
    """Return what to log of a status that another program wrote.

    Args:
        channel: `email` or `sms`.
        row: The row of `contacts` as it was found.
        adopted: What it is read as.
    """
    written = row[f"{channel}_written_status"]
    before = Status(written) if written else None
    change = Change.UNSUBSCRIBED
    if adopted.status is Status.SUBSCRIBED:
        change = Change.RESTORED if before is Status.UNSUBSCRIBED else Change.SUBSCRIBED
    return StatusChange(channel, change, before, adopted, adopted.at, "found as another program wrote it")


def decided_change(channel: str, before: Held | None, decision: Decision) -> StatusChange:
    """Return what to log of a decision that changes a status.

    Args:
        channel: `email` or `sms`.
        before: What the contact held; None without a contact.
        decision: The decision; its `change` is not None.
    """
    change = t.cast("Change", decision.change)
    status = before.status if before is not None else None
    # A channel that held nothing loses and regains nobody.
    existed = status not in {None, Status.NONE}
    limited = counts(change, existed=existed, explicit=decision.explicit)
    return StatusChange(channel, change, status, decision.held, decision.acted_at, decision.evidence, limited)
