"""What a channel holds once two contacts have become one. No I/O here."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from target_contactdb.consent import Standing
from target_contactdb.consent_rules import moved
from target_contactdb.consent_values import Held, OptOut, Policy, Status
from target_contactdb.opt_outs import later_of, latest_opt_out, standing_of

if t.TYPE_CHECKING:
    import datetime as dt


@dataclass(frozen=True, slots=True)
class Merged:
    """One channel of a contact that has taken in another.

    Attributes:
        held: What it holds.
        opt_out: The person's own opt-out that came from another address and closes this one too, or None.
    """

    held: Held
    opt_out: OptOut | None = None


def merge_channel(kept: Held, gone: Held, policy: Policy) -> Merged:
    """Return what a contact holds that takes in another one.

    The stricter status stays, unless a yes told to the contact database itself is later than every opt-out of the two.
    Of an address that the contact does not keep, only the person's own opt-out moves.

    Args:
        kept: What the contact that stays holds (after `adopt`).
        gone: What the other one held (after `adopt`).
        policy: The consent options.
    """
    is_same_address = gone.address_hash is not None and gone.address_hash == kept.address_hash
    taken = gone if is_same_address else replace(moved(gone), opted_in_at=None)
    yes_at = _later(kept.opted_in_at, taken.opted_in_at)
    opted_out_at = _later(kept.opted_out_at, taken.opted_out_at)
    base = replace(kept, opted_in_at=yes_at, opted_out_at=opted_out_at)
    if kept.address_hash is None or taken.status is Status.NONE:
        return Merged(base)
    ours, theirs = standing_of(kept, None, policy), standing_of(taken, None, policy)
    stricter = max((kept, taken), key=lambda one: (standing_of(one, None, policy), _time(one), one is kept))
    no_at = _later(latest_opt_out(kept, None, policy), latest_opt_out(taken, None, policy))
    says_yes = yes_at is not None and no_at is not None and yes_at > no_at
    if says_yes and max(ours, theirs) is not Standing.PROTECTED:
        agreed = next((one for one in (kept, taken) if one.status is Status.SUBSCRIBED), stricter)
        return Merged(_with_status(replace(base, opted_out_at=None), agreed))
    merged = _with_status(base, stricter)
    if is_same_address or stricter is kept or stricter.source is None or stricter.cause is None or stricter.at is None:
        return Merged(merged)
    return Merged(merged, OptOut(stricter.cause, stricter.source, stricter.at))


def _with_status(base: Held, of: Held) -> Held:
    return replace(base, status=of.status, source=of.source, cause=of.cause, at=of.at)


def _time(held: Held) -> float:
    return held.at.timestamp() if held.at is not None else 0.0


def _later(one: dt.datetime | None, other: dt.datetime | None) -> dt.datetime | None:
    return one if other is None else later_of(one, other)
