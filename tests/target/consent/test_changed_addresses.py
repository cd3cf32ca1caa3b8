"""What stays with an address and what goes with the person, on values."""

from __future__ import annotations

import pytest

from target_contactdb.causes import NO_CONSENT, OPTED_OUT, PERSON
from target_contactdb.consent import State
from target_contactdb.consent_rules import moved
from target_contactdb.consent_values import Held, Source, Status
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
    WORK,
    agreed_locally,
    at,
    closed_by,
    judged,
    outcome,
    says,
    subscribed,
)

# A changed address.


@pytest.mark.parametrize(
    ("held", "kept"),
    [
        (SELF, SELF),
        (OPTED_OUT_IN_SHOP, OPTED_OUT_IN_SHOP),
        (BOUNCED, Held()),
        (NEVER_AGREED, Held()),
        (subscribed(), Held()),
        (agreed_locally(at(5)), Held()),
        (Held(), Held()),
    ],
    ids=["self", "opted out in the shop", "bounced", "never agreed", "subscribed", "local opt-in", "none"],
)
def test_only_the_persons_own_opt_out_moves_with_the_person(held, kept):
    assert moved(held) == kept


@pytest.mark.parametrize(
    ("held", "consent", "expected"),
    [
        (SELF, says(State.SUBSCRIBED, 9, address=WORK), (Status.UNSUBSCRIBED, Source.PERSON, PERSON, at(10))),
        (SELF, says(State.SUBSCRIBED, 11, address=WORK), (Status.SUBSCRIBED, Source.IMPORT, None, at(11))),
        (
            OPTED_OUT_IN_SHOP,
            says(State.SUBSCRIBED, 9, address=WORK),
            (Status.UNSUBSCRIBED, Source.IMPORT, OPTED_OUT, at(10)),
        ),
        (BOUNCED, says(State.SUBSCRIBED, 9, address=WORK), (Status.SUBSCRIBED, Source.IMPORT, None, at(9))),
        (
            agreed_locally(at(30)),
            says(State.NOT_SUBSCRIBED, address=WORK),
            (Status.UNSUBSCRIBED, Source.IMPORT, NO_CONSENT, at(40)),
        ),
        (
            agreed_locally(at(30)),
            says(State.UNSUBSCRIBED, 20, address=WORK),
            (Status.UNSUBSCRIBED, Source.IMPORT, OPTED_OUT, at(20)),
        ),
        (NEVER_AGREED, says(State.SUBSCRIBED, 3, address=WORK), (Status.SUBSCRIBED, Source.IMPORT, None, at(3))),
    ],
)
def test_a_new_address_is_judged_as_no_contact_yet_but_for_the_persons_own_opt_out(held, consent, expected):
    decision = judged(consent, held, kept=WORK)

    assert outcome(decision) == expected
    assert decision.held.address_hash == WORK


def test_who_moves_to_a_suppressed_address_follows_it():
    decision = judged(says(State.SUBSCRIBED, 9, address=WORK), subscribed(), closed_by(Source.PERSON), kept=WORK)

    assert outcome(decision) == (Status.UNSUBSCRIBED, Source.PERSON, PERSON, at(10))


def test_a_bounce_does_not_hide_the_persons_own_opt_out_when_the_address_changes():
    """Unsubscribed at 10, bounced at 20, then a new address; the only yes is of second 5."""
    opted_out = act_locally(
        Status.UNSUBSCRIBED, subscribed(5), None, yes_at=at(5), told_at=at(10), now=NOW, cause=PERSON, policy=POLICY
    )
    bounced = act_locally(
        Status.UNSUBSCRIBED,
        opted_out.held,
        opted_out.opt_out,
        yes_at=at(5),
        told_at=at(20),
        now=NOW,
        cause=BOUNCE,
        policy=POLICY,
    )
    elsewhere = judged(says(State.SUBSCRIBED, 5, address=WORK), bounced.held, kept=WORK)

    assert elsewhere.held.status is Status.UNSUBSCRIBED


def test_an_opt_out_after_a_bounce_moves_with_the_person():
    """Bounced at 10, unsubscribed at 20, then a new address; the only yes is of second 5."""
    opted_out = act_locally(
        Status.UNSUBSCRIBED,
        BOUNCED,
        closed_by(Source.PROTECTED),
        yes_at=at(5),
        told_at=at(20),
        now=NOW,
        cause=PERSON,
        policy=POLICY,
    )
    elsewhere = judged(says(State.SUBSCRIBED, 5, address=WORK), opted_out.held, kept=WORK)

    assert elsewhere.held.status is Status.UNSUBSCRIBED


# Consent for an address that the contact does not hold.


@pytest.mark.parametrize(
    "state", [State.SUBSCRIBED, State.PENDING, State.NOT_SUBSCRIBED, State.INVALID], ids=lambda state: state.value
)
@pytest.mark.parametrize("held", [subscribed(), SELF, agreed_locally(at(5))], ids=["subscribed", "self", "local"])
def test_consent_for_an_address_that_the_contact_does_not_hold_is_ignored(held, state):
    decision = judged(says(state, 30, address=WORK), held, kept=HOME)

    assert (decision.held, decision.change, decision.lifted_at) == (held, None, None)


def test_an_opt_out_for_an_address_that_the_contact_does_not_hold_counts():
    decision = judged(says(State.UNSUBSCRIBED, 30, address=WORK), subscribed(), kept=HOME)

    assert outcome(decision) == (Status.UNSUBSCRIBED, Source.IMPORT, OPTED_OUT, at(30))
    assert decision.held.address_hash == HOME


def test_a_bounce_of_an_address_that_the_contact_does_not_hold_closes_nothing():
    """WORK bounced. The contact keeps HOME, agreed there at 30, and opted out for WORK at 20."""
    decision = judged(
        says(State.UNSUBSCRIBED, 20, address=WORK), agreed_locally(at(30)), closed_by(Source.PROTECTED, 20), kept=HOME
    )

    assert decision.held == agreed_locally(at(30))


def test_redacted_erases_whatever_address_it_is_about():
    assert judged(says(State.REDACTED, address=WORK), subscribed(), kept=HOME).erase
    assert judged(says(State.REDACTED, address=None), None, kept=None).erase
