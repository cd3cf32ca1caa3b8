"""What a customer becomes on one channel when nothing is known of it or of its address: the state table, asked once.

The answer then depends only on what Shopify says, up to the times in it. So the table is asked with marks in the place
of times, and each record puts its own times where the marks came out. No I/O here.
"""

from __future__ import annotations

import datetime as dt
import enum
import typing as t
from dataclasses import dataclass

from target_contactdb.consent_rules import decide, is_unknown_state, normal_state, opt_out_of
from target_contactdb.consent_values import Consent, OptOut

if t.TYPE_CHECKING:
    from target_contactdb.consent_values import Policy


class When(enum.IntEnum):
    """Which of a record's times stands somewhere."""

    NEVER = 0
    CONSENT = 1
    UPDATED = 2
    NOW = 3


_MARKS: t.Final = {
    When.CONSENT: dt.datetime(1971, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
    When.UPDATED: dt.datetime(1972, 3, 4, 5, 6, 7, tzinfo=dt.UTC),
    When.NOW: dt.datetime(1973, 4, 5, 6, 7, 8, tzinfo=dt.UTC),
}
_MARKED_TEXT: t.Final = "1971-02-03T04:05:06Z"
_ANY_HASH: t.Final = "address"


@dataclass(frozen=True, slots=True)
class Told:
    """The status change to log, and the suppression to write with it if it is an opt-out.

    Attributes:
        change: How the status changed.
        acted: The time of the act.
        evidence: Its text, in two parts around the consent time; the second is missing where no time is told.
    """

    change: str
    acted: When
    evidence: tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class FirstSight:
    """What a channel of a new contact holds.

    Attributes:
        status: Its status.
        source: The status source.
        cause: The unsubscription cause.
        at: The time of the act behind the status.
        opted_out: The time of the person's own opt-out.
        told: The status change; None if there is none.
        opt_out: Cause, source and time of the opt-out that closes the address; None if nothing closes it.
    """

    status: str
    source: str | None
    cause: str | None
    at: When
    opted_out: When
    told: Told | None
    opt_out: tuple[str, str, When] | None

    @property
    def is_timeless(self) -> bool:
        """Whether no time of the record stands in it anywhere."""
        return self.at is When.NEVER and self.opted_out is When.NEVER and self.told is None and self.opt_out is None


def first_sight(
    state: str | None, opt_in_level: str | None, *, has_address: bool, has_time: bool, policy: Policy
) -> FirstSight | None:
    """Ask the state table about a customer and an address never seen before.

    Args:
        state: Shopify's word.
        opt_in_level: Shopify's opt-in level.
        has_address: Shopify has an address.
        has_time: Shopify knows the time of the consent.
        policy: The consent options.

    Returns:
        The answer, or None where it takes more than this to answer: an erasure, a state never heard of.
    """
    digest = _ANY_HASH if has_address else None
    normal = normal_state(state, has_address=has_address, opt_in_level=opt_in_level, policy=policy)
    word = state or ("no state" if has_address else "no address")
    marks = _MARKS
    consent_at = marks[When.CONSENT] if has_time else None
    consent = Consent(normal, word, consent_at, marks[When.UPDATED], digest)
    opt_out = opt_out_of(consent, None, None, now=marks[When.NOW])
    decision = decide(consent, None, None, opt_out, kept_address_hash=digest, now=marks[When.NOW], policy=policy)
    held = decision.held
    if is_unknown_state(state) or decision.erase or decision.lifted_at is not None or held.opted_in_at is not None:
        return None
    told = None
    if decision.change is not None:
        before, _mark, after = decision.evidence.partition(_MARKED_TEXT)
        evidence = (before, after if has_time else None)
        told = Told(decision.change.value, _which(decision.acted_at), evidence)
    return FirstSight(
        held.status.value,
        held.source.value if held.source else None,
        held.cause,
        _which(held.at),
        _which(held.opted_out_at),
        told,
        _closing(opt_out),
    )


def _closing(opt_out: OptOut | None) -> tuple[str, str, When] | None:
    return None if opt_out is None else (opt_out.cause, opt_out.source.value, _which(opt_out.at))


def _which(moment: dt.datetime | None) -> When:
    return When.NEVER if moment is None else next(when for when, mark in _MARKS.items() if mark == moment)
