"""The rules around the state table: times, addresses and suppressions become facts, a verdict becomes a status.

Everything here takes values and returns values. Times are UTC. Addresses come as hashes: no rule needs to read one.
The order of one record and channel is `adopt` (notice what others changed), `decide` (ask the table), and, for every
other contact that holds an address which an opt-out has closed, `opt_outs.follow`.
"""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import replace

from target_contactdb.causes import OPTED_OUT, PERSON
from target_contactdb.consent import TABLE, Action, Facts, Standing, State, Verdict, judge
from target_contactdb.consent_values import (
    Consent,
    Decision,
    Held,
    OptOut,
    Policy,
    Seen,
    Source,
    Status,
    change_between,
)
from target_contactdb.opt_outs import closed, has_local_opt_in, is_later, later_of, latest_opt_out, standing_of


def normal_state(state: str | None, *, has_address: bool, opt_in_level: str | None, policy: Policy) -> State:
    """Return the row of the table for what Shopify said.

    A state never heard of is the row NOT_SUBSCRIBED. An opt-out or a redaction counts without an address as well.
    """
    if state == State.REDACTED:
        return State.REDACTED
    if not has_address:
        return State.UNSUBSCRIBED if state == State.UNSUBSCRIBED else State.NOTHING
    if state == State.SUBSCRIBED and policy.confirmed_only and opt_in_level != "CONFIRMED_OPT_IN":
        return State.PENDING
    return State(state) if state in _KNOWN_STATES else State.NOT_SUBSCRIBED


_KNOWN_STATES: t.Final = frozenset(state.value for state in State) - {State.NOTHING.value}


def is_unknown_state(state: str | None) -> bool:
    """Tell whether Shopify named a state that this program has never heard of."""
    return state is not None and state not in _KNOWN_STATES


def adopt(
    held: Held,
    *,
    written_status: str | None,
    written_cause: str | None,
    row_written_at: dt.datetime,
    now: dt.datetime,
    policy: Policy,
    is_status: bool = True,
) -> tuple[Held, OptOut | None]:
    """Notice a status that somebody else wrote, and make it the person's own.

    The time of such an act is not known. Consent asks for the careful guess: an opt-out counts as made now,
    an opt-in as made right after our own last write of the row. A cause that is new beside `subscribed` tells of a
    bounce or of an opt-out, and of no subscription: only a status that changed does.

    Args:
        held: The channel as the row holds it.
        written_status: The status as this program wrote it last; None = never.
        written_cause: The cause as this program wrote it last.
        row_written_at: When this program wrote the row last.
        now: The time of this operation.
        policy: The consent options.
        is_status: The row holds a status of ours, and not another word in its place.

    Returns:
        The channel as it is to be read, and the opt-out to record for its address, if there is one.
    """
    is_ours = is_status and held.status == written_status and held.cause == written_cause
    if held.status is Status.NONE or is_ours:
        return held, None
    is_denied = held.status is Status.SUBSCRIBED and held.cause is not None and held.cause != written_cause
    if held.status is Status.SUBSCRIBED and not is_denied:
        if held.status == written_status:
            return held, None
        told = [moment for moment in (held.at, held.opted_in_at) if moment is not None]
        # A row that we never wrote says itself when the person agreed, if anyone knows.
        guess = [row_written_at] if written_status is not None or not told else []
        opted_in_at = max(told + guess)
        answered = held.opted_out_at is None or opted_in_at > held.opted_out_at
        adopted = replace(
            held,
            source=Source.PERSON,
            cause=None,
            at=opted_in_at,
            opted_in_at=opted_in_at,
            opted_out_at=None if answered else held.opted_out_at,
        )
        return adopted, None
    source = Source.PROTECTED if held.cause in policy.protected_causes else Source.PERSON
    at = held.at if written_status is None and held.at is not None and not is_denied else now
    adopted = replace(held, status=Status.UNSUBSCRIBED, source=source, at=at)
    if source is Source.PERSON:
        adopted = replace(adopted, opted_out_at=later_of(held.opted_out_at, at))
    return adopted, OptOut(held.cause or source.value, source, at)


def decide(
    consent: Consent,
    held: Held | None,
    seen: Seen | None,
    opt_out: OptOut | None,
    *,
    kept_address_hash: str | None,
    now: dt.datetime,
    policy: Policy,
    other_yes_at: dt.datetime | None = None,
) -> Decision:
    """Decide one channel of one record.

    Args:
        consent: What Shopify says.
        held: What the contact holds (after `adopt`); None without a contact.
        seen: What the source row held; None when this customer is new.
        opt_out: The latest opt-out known for the record's address.
        kept_address_hash: The address that the contact will hold once the record's fields are written.
        now: The time of this operation.
        policy: The consent options.
        other_yes_at: The latest yes that another source of the contact gave for the address that it will hold; beside
            a later one, what this source says against writing counts as what a local opt-in outlives.
    """
    current = held or Held()
    if consent.state is State.REDACTED:
        return Decision(current, evidence=_evidence(consent, Standing.OPEN), erase=True)
    elsewhere = consent.address_hash is not None and consent.address_hash != kept_address_hash
    if elsewhere and consent.state is not State.UNSUBSCRIBED:
        return Decision(current)
    changes_address = kept_address_hash is not None and kept_address_hash != current.address_hash
    base = moved(current) if changes_address else current
    # What is known of an address closes that address only: not a contact that holds another one.
    here = None if elsewhere else opt_out
    standing = standing_of(base, here, policy)
    said_at = _act_time(consent, seen, opt_out, current.opted_out_at or current.at, now)
    facts = _facts(consent, base, seen, here, said_at, policy)
    if other_yes_at is not None and other_yes_at > said_at:
        facts = replace(facts, local_opt_in_newer=True)
    verdict = judge(consent.state, standing, facts)
    if verdict.action is Action.RESTORE and held is not None and not policy.update_existing:
        verdict = Verdict(Action.KEEP)
    fresh = replace(base, address_hash=kept_address_hash)
    decision = _close_suppressed(_apply(verdict, fresh, here, said_at, policy), facts, here)
    if consent.state is State.UNSUBSCRIBED:
        held_after = decision.held
        if not facts.local_opt_in_newer:
            held_after = replace(held_after, opted_out_at=later_of(held_after.opted_out_at, said_at))
        decision = replace(decision, held=held_after, explicit=True)
    return replace(decision, change=change_between(current, decision.held), evidence=_evidence(consent, standing))


def opt_out_of(consent: Consent, seen: Seen | None, known: OptOut | None, *, now: dt.datetime) -> OptOut | None:
    """Return the opt-out that Shopify's word records for its address, also where a newer local opt-in outlives it.

    Args:
        consent: What Shopify says.
        seen: What the source row held.
        known: The latest opt-out known for the address.
        now: The time of this operation.
    """
    if consent.state is not State.UNSUBSCRIBED or consent.address_hash is None:
        return None
    return OptOut(OPTED_OUT, Source.IMPORT, _act_time(consent, seen, known, None, now))


def moved(held: Held) -> Held:
    """Return what a contact keeps when its address changes: the person's own opt-outs, and nothing else.

    Local opt-ins and bounces belong to the old address.
    """
    if held.status is not Status.UNSUBSCRIBED:
        return Held()
    if held.source is Source.PERSON or held.cause == OPTED_OUT:
        return held
    if held.opted_out_at is None or (held.opted_in_at is not None and held.opted_in_at > held.opted_out_at):
        return Held()
    return Held(Status.UNSUBSCRIBED, Source.PERSON, PERSON, held.opted_out_at, opted_out_at=held.opted_out_at)


def _act_time(
    consent: Consent, seen: Seen | None, opt_out: OptOut | None, held_at: dt.datetime | None, now: dt.datetime
) -> dt.datetime:
    """Return when Shopify's word was given; without a time, an UNSUBSCRIBED counts from its first sight."""
    if consent.consent_at is not None:
        return consent.consent_at
    if consent.state is not State.UNSUBSCRIBED:
        return consent.updated_at
    seen_before = seen is not None and seen.state == State.UNSUBSCRIBED and seen.consent_at is None
    known = opt_out.at if opt_out is not None else held_at
    return known if seen_before and known is not None else now


def _facts(
    consent: Consent, base: Held, seen: Seen | None, opt_out: OptOut | None, said_at: dt.datetime, policy: Policy
) -> Facts:
    latest = latest_opt_out(base, opt_out, policy)
    repeated = (
        seen is not None
        and seen.answered_state is not None
        and (seen.answered_state, seen.answered_at) == (consent.state.value, consent.consent_at)
    )
    newer = (
        consent.state is State.SUBSCRIBED
        and consent.consent_at is not None
        and not repeated
        and (latest is None or consent.consent_at > latest)
    )
    local_opt_in = has_local_opt_in(base, opt_out, policy)
    suppressed = opt_out is not None and opt_out.lifted_at is None
    return Facts(
        flag=policy.no_consent_cause is not None,
        resubscribe=policy.resubscribe,
        owned=seen.owned if seen is not None else False,
        local_opt_in=local_opt_in,
        # Shopify's times are cut to the second, so ours is cut too before it may win.
        local_opt_in_newer=local_opt_in
        and base.opted_in_at is not None
        and base.opted_in_at.replace(microsecond=0) > said_at,
        suppressed=suppressed,
        suppressed_for_good=suppressed and opt_out is not None and opt_out.source is Source.PROTECTED,
        opt_out_known=latest is not None,
        newer=newer,
        opted_out_in_shopify=base.cause == OPTED_OUT,
        had_address=seen is not None and seen.had_address,
    )


def _apply(verdict: Verdict, base: Held, opt_out: OptOut | None, said_at: dt.datetime, policy: Policy) -> Decision:
    match verdict.action:
        case Action.KEEP:
            return Decision(base)
        case Action.NO_ADDRESS:
            return Decision(Held(address_hash=base.address_hash))
        case Action.FOLLOW if opt_out is not None:
            return Decision(closed(base, opt_out), acted_at=opt_out.at, explicit=True)
        case Action.MOVE_TIME:
            return _move_time(base, said_at)
        case Action.UNSUBSCRIBE if verdict.reason is not None:
            cause = policy.cause(verdict.reason)
            # An opt-out for an address that is not there leaves nothing to be unsubscribed.
            status = Status.UNSUBSCRIBED if base.address_hash or base.status is not Status.NONE else Status.NONE
            held = replace(base, status=status, source=Source.IMPORT, cause=cause, at=said_at)
            return Decision(held if status is Status.UNSUBSCRIBED else Held(), acted_at=said_at)
        case Action.SUBSCRIBE | Action.RESTORE:
            held = replace(
                base, status=Status.SUBSCRIBED, source=Source.IMPORT, cause=None, at=said_at, opted_out_at=None
            )
            lifted = said_at if opt_out is not None and opt_out.lifted_at is None else None
            return Decision(held, acted_at=said_at, lifted_at=lifted)
        case _:  # pragma: no cover
            msg = f"no way to apply {verdict}"
            raise AssertionError(msg)


def _move_time(base: Held, said_at: dt.datetime) -> Decision:
    """Move the time of a later opt-out; a mere reason gives way to the opt-out as the cause."""
    if base.source is Source.IMPORT and base.cause != OPTED_OUT:
        return Decision(replace(base, cause=OPTED_OUT, at=said_at))
    later = base.at is None or said_at > base.at
    return Decision(replace(base, at=said_at) if later else base)


def _close_suppressed(decision: Decision, facts: Facts, opt_out: OptOut | None) -> Decision:
    """Unsubscribe who would stay subscribed on a suppressed address without a yes that is later."""
    held = decision.held
    if opt_out is None or opt_out.lifted_at is not None or held.status is not Status.SUBSCRIBED:
        return decision
    if decision.lifted_at is not None:
        return decision
    yes = held.opted_in_at if facts.local_opt_in else None
    if opt_out.source is not Source.PROTECTED and (facts.newer or (yes is not None and is_later(yes, opt_out))):
        return replace(decision, lifted_at=held.at if facts.newer else yes)
    return replace(decision, held=closed(held, opt_out), acted_at=opt_out.at, explicit=True)


_STANDING_WORDS: t.Final = {
    Standing.OPEN: "new on this channel",
    Standing.SUBSCRIBED: "subscribed",
    Standing.OWN: "unsubscribed by an import",
    Standing.SELF: "unsubscribed by the person",
    Standing.PROTECTED: "unsubscribed by a protected cause",
}


def _evidence(consent: Consent, standing: Standing) -> str:
    moment = consent.consent_at.strftime("%Y-%m-%dT%H:%M:%SZ") if consent.consent_at else "no time"
    words = TABLE[consent.state][standing].words
    return f"Shopify said {consent.said} ({moment}); contact {_STANDING_WORDS[standing]}: {words}"
