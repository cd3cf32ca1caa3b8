"""What a person tells the contact database itself: one act on one channel, decided. No I/O here."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from target_contactdb.consent_values import Decision, Held, OptOut, Policy, Source, Status, change_between
from target_contactdb.opt_outs import is_later, later_of, latest_opt_out, standing_of, standing_of_source


def act_locally(
    wish: Status,
    held: Held,
    opt_out: OptOut | None,
    *,
    yes_at: dt.datetime | None,
    told_at: dt.datetime | None,
    now: dt.datetime,
    cause: str,
    policy: Policy,
) -> Decision:
    """Decide what a person's word, told to the contact database itself, makes of one channel.

    An act older than the latest act of the other kind is recorded and changes nothing.

    Args:
        wish: SUBSCRIBED or UNSUBSCRIBED.
        held: What the contact holds (after `adopt`).
        opt_out: The latest opt-out known for its address.
        yes_at: The latest yes known, from anyone.
        told_at: When the person said so, where that is not now.
        now: The time of this write.
        cause: The unsubscription cause.
        policy: The consent options.
    """
    at = told_at or now
    source = Source.PROTECTED if cause in policy.protected_causes else Source.PERSON
    if wish is Status.UNSUBSCRIBED:
        told = OptOut(cause, source, at)
        if told_at is not None and yes_at is not None and is_later(yes_at, told):
            return Decision(
                held, evidence="an older act than the latest opt-in", opt_out=replace(told, lifted_at=yes_at)
            )
        stands = standing_of(held, None, policy)
        fresh = held
        if stands <= standing_of_source(source):
            known = latest_opt_out(held, None, policy)
            fresh = replace(held, status=wish, source=source, cause=cause, at=later_of(known, at))
        if source is Source.PERSON:
            fresh = replace(fresh, opted_out_at=later_of(held.opted_out_at, at))
        return Decision(fresh, change_between(held, fresh), at, "told to the contact database", opt_out=told)
    latest = latest_opt_out(held, opt_out, policy)
    if told_at is not None and latest is not None and latest >= at.replace(microsecond=0):
        return Decision(held, evidence="an older act than the latest opt-out")
    if told_at is not None and held.status is Status.SUBSCRIBED and held.at is not None and held.at > at:
        return Decision(held, evidence="an older act than the latest opt-in")
    fresh = replace(held, status=wish, source=Source.PERSON, cause=None, at=at, opted_in_at=at, opted_out_at=None)
    return Decision(fresh, change_between(held, fresh), at, "told to the contact database", lifted_at=at)
