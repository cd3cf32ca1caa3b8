"""Opt-outs by address: which of two counts, how strong it is, and who follows it. No I/O here."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import replace

from target_contactdb.causes import OPTED_OUT
from target_contactdb.consent import Standing
from target_contactdb.consent_values import Held, OptOut, Policy, Source, Status


def standing_of(held: Held, opt_out: OptOut | None, policy: Policy) -> Standing:
    """Return the column of the table. A suppressed address puts an unsubscribed contact where the address stands."""
    if held.status is Status.NONE:
        return Standing.OPEN
    if held.status is Status.SUBSCRIBED:
        return Standing.SUBSCRIBED
    if held.cause in policy.protected_causes or held.source is Source.PROTECTED:
        own = Standing.PROTECTED
    else:
        own = Standing.SELF if held.source is Source.PERSON else Standing.OWN
    if opt_out is None or opt_out.lifted_at is not None:
        return own
    return max(own, _STANDING_OF_SOURCE[opt_out.source])


def standing_of_source(source: Source) -> Standing:
    """Return how strong an unsubscription by this source is."""
    return _STANDING_OF_SOURCE[source]


_STANDING_OF_SOURCE: t.Final = {
    Source.IMPORT: Standing.OWN,
    Source.PERSON: Standing.SELF,
    Source.PROTECTED: Standing.PROTECTED,
}


def merge(known: OptOut | None, told: OptOut, opted_in_at: dt.datetime | None) -> OptOut:
    """Return the opt-out to keep for an address: the latest act decides, the stronger source stays.

    Args:
        known: The opt-out on record.
        told: The one just learnt.
        opted_in_at: The latest yes known for the address, from anywhere.
    """
    if told.source is not Source.PROTECTED and known is not None and known.lifted_at is not None:
        if is_later(known.lifted_at, told):
            return replace(known, at=max(known.at, told.at))
        known = None
    if known is None:
        merged = told
    else:
        strongest = max(known, told, key=lambda one: (_STANDING_OF_SOURCE[one.source], one.at))
        merged = OptOut(strongest.cause, strongest.source, max(known.at, told.at))
        yeses = [moment for moment in (opted_in_at, told.lifted_at) if moment is not None]
        opted_in_at = max(yeses, default=None)
    # No import lifts a protected cause, so no yes that an import knows of may do it either.
    if merged.source is not Source.PROTECTED and opted_in_at is not None and is_later(opted_in_at, merged):
        return replace(merged, lifted_at=opted_in_at)
    return merged


def is_later(yes_at: dt.datetime, opt_out: OptOut) -> bool:
    """Tell whether a yes is later than an opt-out. Shopify cuts its times to the second; a tie is a no."""
    if opt_out.source is Source.IMPORT:
        yes_at = yes_at.replace(microsecond=0)
    return yes_at > opt_out.at


def follow(held: Held, opt_out: OptOut, *, opted_in_at: dt.datetime | None) -> Held | None:
    """Return what a contact becomes that holds an address just closed, or None if its own yes is newer.

    Args:
        held: What the contact holds (after `adopt`).
        opt_out: The opt-out of the address.
        opted_in_at: The contact's latest yes.
    """
    if held.status is not Status.SUBSCRIBED or opt_out.lifted_at is not None:
        return None
    if opted_in_at is not None and is_later(opted_in_at, opt_out) and opt_out.source is not Source.PROTECTED:
        return None
    return closed(held, opt_out)


def closed(held: Held, opt_out: OptOut) -> Held:
    """Return what a contact holds once the opt-out of its address has closed it."""
    own = held.opted_out_at if opt_out.source is Source.PROTECTED else later_of(held.opted_out_at, opt_out.at)
    return replace(
        held,
        status=Status.UNSUBSCRIBED,
        source=opt_out.source,
        cause=opt_out.cause,
        at=opt_out.at,
        opted_out_at=own,
    )


def later_of(known: dt.datetime | None, told: dt.datetime) -> dt.datetime:
    """Return the later of two moments, the first of which may be missing."""
    return told if known is None else max(known, told)


def has_local_opt_in(base: Held, opt_out: OptOut | None, policy: Policy) -> bool:
    """Tell whether a contact is subscribed by anything but an import, later than the latest opt-out known."""
    if base.status is not Status.SUBSCRIBED:
        return False
    if base.opted_in_at is None:
        return base.source is Source.PERSON
    latest = latest_opt_out(base, opt_out, policy)
    return latest is None or base.opted_in_at > latest


def latest_opt_out(base: Held, opt_out: OptOut | None, policy: Policy) -> dt.datetime | None:
    """Return the latest opt-out known of a contact or of its address. Mere reasons to unsubscribe do not count."""
    known = [moment for moment in (opt_out.at if opt_out else None, base.opted_out_at) if moment is not None]
    is_opt_out = (
        base.source in {Source.PERSON, Source.PROTECTED}
        or base.cause == OPTED_OUT
        or base.cause in policy.protected_causes
    )
    if base.status is Status.UNSUBSCRIBED and is_opt_out and base.at is not None:
        known.append(base.at)
    return max(known, default=None)
