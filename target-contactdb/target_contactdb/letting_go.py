"""Unsubscribing who is no longer wanted or no longer there: a reason to write no more, not an opt-out. No I/O here."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from target_contactdb.consent_values import Change, Decision, OptOut, Policy, Source, Status
from target_contactdb.opt_outs import closed, has_local_opt_in

if t.TYPE_CHECKING:
    import datetime as dt

    from target_contactdb.consent_values import Held


def let_go(
    held: Held,
    cause: str | None,
    opt_out: OptOut | None,
    *,
    owned: bool,
    at: dt.datetime,
    evidence: str,
    policy: Policy,
) -> Decision | None:
    """Decide one channel of a contact that the import has a reason to write to no more.

    It closes no address, and its time decides nothing.

    Args:
        held: What the contact holds.
        cause: The cause that the option names; None = it is switched off.
        opt_out: The latest opt-out known for the contact's address.
        owned: An import created the contact.
        at: The time to write with the status.
        evidence: The reason, for the log.
        policy: The consent options.

    Returns:
        The decision, or None if the contact stays as it is.
    """
    if held.status is not Status.SUBSCRIBED or cause is None or not owned:
        return None
    if opt_out is not None and opt_out.lifted_at is None:
        # The address was closed meanwhile: an opt-out says more than such a reason.
        after = closed(held, opt_out)
        told = "the address was closed by an opt-out elsewhere"
        return Decision(after, Change.UNSUBSCRIBED, opt_out.at, told, explicit=True)
    if has_local_opt_in(held, opt_out, policy):
        return None
    after = replace(held, status=Status.UNSUBSCRIBED, source=Source.IMPORT, cause=cause, at=at)
    return Decision(after, Change.UNSUBSCRIBED, at, evidence)
