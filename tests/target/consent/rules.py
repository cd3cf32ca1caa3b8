"""People, words and opt-outs as values, for the tests of the rules: their story is told in seconds."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import replace

from target_contactdb.causes import DEFAULT_PROTECTED, NO_CONSENT, OPTED_OUT, PERSON
from target_contactdb.consent import Resubscribe, State
from target_contactdb.consent_rules import decide
from target_contactdb.consent_values import Consent, Decision, Held, OptOut, Policy, Seen, Source, Status

POLICY = Policy(protected_causes=frozenset(DEFAULT_PROTECTED))
NEVER = replace(POLICY, resubscribe=Resubscribe.NEVER)
ALWAYS = replace(POLICY, resubscribe=Resubscribe.ALWAYS)
NO_FLAG = replace(POLICY, no_consent_cause=None)
BOUNCE = "hard bounce"
HOME, WORK = "hash-of-home", "hash-of-work"


def at(second: int, microsecond: int = 0) -> dt.datetime:
    """Return a moment; tests tell their story in seconds."""
    return dt.datetime(2026, 11, 1, 10, 0, second, microsecond, tzinfo=dt.UTC)


NOW = at(50)


def says(state: State, when: int | None = None, *, address: str | None = HOME, updated: int = 40) -> Consent:
    """Return a word of Shopify's about the address HOME."""
    return Consent(state, state.value, None if when is None else at(when), at(updated), address)


def subscribed(when: int = 1) -> Held:
    """Return a contact that an import subscribed."""
    return Held(Status.SUBSCRIBED, Source.IMPORT, None, at(when), None, HOME)


def agreed_locally(when: dt.datetime) -> Held:
    """Return a contact that was subscribed by anything but an import."""
    return Held(Status.SUBSCRIBED, Source.PERSON, None, when, when, HOME)


def unsubscribed(source: Source, cause: str, when: int = 10) -> Held:
    """Return an unsubscribed contact; the person's own opt-out is remembered apart from the status."""
    own = source is Source.PERSON or cause == OPTED_OUT
    return Held(Status.UNSUBSCRIBED, source, cause, at(when), None, HOME, at(when) if own else None)


SELF = unsubscribed(Source.PERSON, PERSON)
BOUNCED = unsubscribed(Source.PROTECTED, BOUNCE)
NEVER_AGREED = unsubscribed(Source.IMPORT, NO_CONSENT)
OPTED_OUT_IN_SHOP = unsubscribed(Source.IMPORT, OPTED_OUT)


def closed_by(source: Source, when: int = 10, lifted: int | None = None) -> OptOut:
    """Return the opt-out on record for the address HOME."""
    cause = {Source.IMPORT: OPTED_OUT, Source.PERSON: PERSON, Source.PROTECTED: BOUNCE}[source]
    return OptOut(cause, source, at(when), None if lifted is None else at(lifted))


def judged(
    consent: Consent,
    held: Held | None,
    opt_out: OptOut | None = None,
    *,
    seen: Seen | None = None,
    kept: str | None = HOME,
    policy: Policy = POLICY,
) -> Decision:
    """Decide, for a contact that an import created and whose address came before, unless told otherwise."""
    known = seen if seen is not None or held is None else Seen(had_address=True)
    return decide(consent, held, known, opt_out, kept_address_hash=kept, now=NOW, policy=policy)


def outcome(decision: Decision) -> tuple[t.Any, ...]:
    """Return status, source, cause and time of the act."""
    held = decision.held
    return (held.status, held.source, held.cause, held.at)
