"""What a person tells the sender, and what the evidence says of any act, on values."""

from __future__ import annotations

import pytest

from target_contactdb.causes import PERSON
from target_contactdb.consent import State
from target_contactdb.consent_values import Change, Decision, Held, OptOut, Source, Status
from target_contactdb.local_acts import act_locally
from tests.target.consent.rules import (
    BOUNCE,
    BOUNCED,
    HOME,
    NEVER_AGREED,
    NOW,
    OPTED_OUT_IN_SHOP,
    POLICY,
    SELF,
    agreed_locally,
    at,
    closed_by,
    judged,
    outcome,
    says,
    subscribed,
)

# Local acts.


def told(
    wish: Status,
    held: Held,
    opt_out: OptOut | None = None,
    *,
    when: int | None = None,
    yes: int | None = None,
    cause: str = PERSON,
) -> Decision:
    """Tell the contact database something."""
    return act_locally(
        wish,
        held,
        opt_out,
        yes_at=None if yes is None else at(yes),
        told_at=None if when is None else at(when),
        now=NOW,
        cause=cause,
        policy=POLICY,
    )


def test_an_opt_out_told_now_unsubscribes_now():
    decision = told(Status.UNSUBSCRIBED, subscribed(), yes=1)

    assert outcome(decision) == (Status.UNSUBSCRIBED, Source.PERSON, PERSON, NOW)
    assert (decision.change, decision.acted_at) == (Change.UNSUBSCRIBED, NOW)
    assert decision.opt_out == OptOut(PERSON, Source.PERSON, NOW)


def test_a_bounce_is_protected():
    decision = told(Status.UNSUBSCRIBED, subscribed(), when=20, yes=1, cause=BOUNCE)

    assert outcome(decision) == (Status.UNSUBSCRIBED, Source.PROTECTED, BOUNCE, at(20))
    assert decision.opt_out == OptOut(BOUNCE, Source.PROTECTED, at(20))


@pytest.mark.parametrize(("when", "status"), [(19, Status.SUBSCRIBED), (20, Status.UNSUBSCRIBED)])
def test_an_opt_out_older_than_the_latest_opt_in_is_recorded_and_changes_nothing(when, status):
    held = agreed_locally(at(20))
    decision = told(Status.UNSUBSCRIBED, held, when=when, yes=20)

    assert decision.held.status is status
    assert decision.opt_out is not None
    assert decision.opt_out.at == at(when)
    if status is Status.SUBSCRIBED:
        assert (decision.held, decision.change, decision.opt_out.lifted_at) == (held, None, at(20))


def test_an_opt_out_never_takes_the_place_of_a_protected_one():
    decision = told(Status.UNSUBSCRIBED, BOUNCED, closed_by(Source.PROTECTED), when=30)

    assert outcome(decision)[:3] == (Status.UNSUBSCRIBED, Source.PROTECTED, BOUNCE)


def test_an_older_opt_out_does_not_move_the_time_of_a_later_one_back():
    decision = told(Status.UNSUBSCRIBED, OPTED_OUT_IN_SHOP, closed_by(Source.IMPORT), when=5)

    assert (decision.held.status, decision.held.source, decision.held.at) == (
        Status.UNSUBSCRIBED,
        Source.PERSON,
        at(10),
    )


def test_an_opt_in_told_now_subscribes_and_opens_the_address():
    decision = told(Status.SUBSCRIBED, SELF, closed_by(Source.PERSON))

    assert decision.held == Held(Status.SUBSCRIBED, Source.PERSON, None, NOW, NOW, HOME)
    assert (decision.change, decision.acted_at, decision.lifted_at) == (Change.RESTORED, NOW, NOW)


def test_a_person_may_come_back_after_a_bounce():
    assert told(Status.SUBSCRIBED, BOUNCED, closed_by(Source.PROTECTED), when=11).held.status is Status.SUBSCRIBED


@pytest.mark.parametrize(
    ("held", "opt_out", "when", "status"),
    [
        (SELF, closed_by(Source.PERSON), 9, Status.UNSUBSCRIBED),
        (SELF, closed_by(Source.PERSON), 10, Status.UNSUBSCRIBED),
        (SELF, closed_by(Source.PERSON), 11, Status.SUBSCRIBED),
        (SELF, closed_by(Source.IMPORT, 15), 12, Status.UNSUBSCRIBED),
        (NEVER_AGREED, None, 5, Status.SUBSCRIBED),
        (Held(address_hash=HOME), None, 5, Status.SUBSCRIBED),
    ],
)
def test_an_opt_in_older_than_the_latest_opt_out_changes_nothing(held, opt_out, when, status):
    decision = told(Status.SUBSCRIBED, held, opt_out, when=when)

    assert decision.held.status is status
    if status is Status.UNSUBSCRIBED:
        assert (decision.held, decision.change, decision.lifted_at) == (held, None, None)


def test_an_opt_in_within_the_second_of_shopifys_opt_out_changes_nothing():
    decision = act_locally(
        Status.SUBSCRIBED,
        OPTED_OUT_IN_SHOP,
        closed_by(Source.IMPORT, 10),
        yes_at=None,
        told_at=at(10, 500_000),
        now=NOW,
        cause=PERSON,
        policy=POLICY,
    )

    assert decision.held == OPTED_OUT_IN_SHOP


# Evidence.


def test_the_evidence_names_what_was_said_and_the_cell_and_no_address():
    decision = judged(says(State.UNSUBSCRIBED, 10), subscribed())

    assert decision.evidence == (
        "Shopify said UNSUBSCRIBED (2026-11-01T10:00:10Z); contact subscribed: "
        "unsubscribe, same cause, unless a local opt-in is newer"
    )
    assert "no time" in judged(says(State.PENDING), subscribed()).evidence
