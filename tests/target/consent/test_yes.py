"""When SUBSCRIBED restores or subscribes: times, options, suppressed addresses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from target_contactdb.causes import NO_CONSENT, PERSON
from target_contactdb.consent import State
from target_contactdb.consent_values import Change, Held, Seen, Source, Status
from tests.target.consent.rules import (
    ALWAYS,
    BOUNCE,
    BOUNCED,
    HOME,
    NEVER,
    NEVER_AGREED,
    NO_FLAG,
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
    unsubscribed,
)

# Newer: later, in whole seconds, than the latest opt-out from either side, and not what was said already.


@pytest.mark.parametrize("held", [SELF, OPTED_OUT_IN_SHOP])
@pytest.mark.parametrize(
    ("consent", "status"),
    [
        (says(State.SUBSCRIBED, 11), Status.SUBSCRIBED),
        (says(State.SUBSCRIBED, 10), Status.UNSUBSCRIBED),
        (says(State.SUBSCRIBED, 9), Status.UNSUBSCRIBED),
        (says(State.SUBSCRIBED), Status.UNSUBSCRIBED),
    ],
    ids=["later", "tie", "earlier", "no time"],
)
def test_only_a_later_consent_restores(held, consent, status):
    assert judged(consent, held).held.status is status


def test_a_restore_is_an_imports_and_has_the_time_of_the_act():
    decision = judged(says(State.SUBSCRIBED, 11), SELF, closed_by(Source.PERSON))

    assert outcome(decision) == (Status.SUBSCRIBED, Source.IMPORT, None, at(11))
    assert (decision.change, decision.acted_at, decision.lifted_at) == (Change.RESTORED, at(11), at(11))


@pytest.mark.parametrize(("microsecond", "status"), [(0, Status.SUBSCRIBED), (999_999, Status.SUBSCRIBED)])
def test_a_consent_of_the_next_second_is_newer_than_a_local_opt_out(microsecond, status):
    held = replace(SELF, at=at(10, microsecond))

    assert judged(says(State.SUBSCRIBED, 11), held).held.status is status


def test_a_consent_of_the_same_second_is_not_newer_than_a_local_opt_out():
    assert judged(says(State.SUBSCRIBED, 10), replace(SELF, at=at(10, 1))).held.status is Status.UNSUBSCRIBED


def test_the_latest_opt_out_counts_from_whichever_side_it_came():
    on_the_row = judged(says(State.SUBSCRIBED, 12), replace(SELF, at=at(15)), closed_by(Source.IMPORT, 10))
    on_the_address = judged(says(State.SUBSCRIBED, 12), SELF, closed_by(Source.IMPORT, 15))
    lifted_on_the_address = judged(says(State.SUBSCRIBED, 12), SELF, closed_by(Source.PERSON, 15, lifted=16))

    assert {one.held.status for one in (on_the_row, on_the_address, lifted_on_the_address)} == {Status.UNSUBSCRIBED}


@pytest.mark.parametrize("cause", [NO_CONSENT, "Shopify - awaiting confirmation", "invalid address", "address removed"])
def test_the_time_of_a_mere_reason_decides_nothing(cause):
    held = unsubscribed(Source.IMPORT, cause, 30)

    assert outcome(judged(says(State.SUBSCRIBED, 5), held)) == (Status.SUBSCRIBED, Source.IMPORT, None, at(5))


def test_a_consent_without_a_time_restores_where_nobody_ever_opted_out():
    decision = judged(says(State.SUBSCRIBED, updated=33), NEVER_AGREED)

    assert outcome(decision) == (Status.SUBSCRIBED, Source.IMPORT, None, at(33))


@pytest.mark.parametrize(
    ("answered", "status"),
    [
        (Seen(answered_state="SUBSCRIBED", answered_at=at(20)), Status.UNSUBSCRIBED),
        (Seen(answered_state="SUBSCRIBED", answered_at=at(19)), Status.SUBSCRIBED),
        (Seen(answered_state="NOT_SUBSCRIBED", answered_at=at(20)), Status.SUBSCRIBED),
        (Seen(answered_state="SUBSCRIBED", answered_at=None), Status.SUBSCRIBED),
        (Seen(), Status.SUBSCRIBED),
    ],
    ids=["state and time", "another time", "another state", "no time then", "nothing was answered"],
)
def test_the_same_word_as_when_the_opt_out_was_written_is_no_new_consent(answered, status):
    assert judged(says(State.SUBSCRIBED, 20), SELF, seen=answered).held.status is status


# resubscribe


@pytest.mark.parametrize(
    ("policy", "held", "consent", "status"),
    [
        (NEVER, SELF, says(State.SUBSCRIBED, 11), Status.UNSUBSCRIBED),
        (POLICY, SELF, says(State.SUBSCRIBED, 11), Status.SUBSCRIBED),
        (ALWAYS, SELF, says(State.SUBSCRIBED, 9), Status.SUBSCRIBED),
        (ALWAYS, SELF, says(State.SUBSCRIBED), Status.SUBSCRIBED),
        (NEVER, OPTED_OUT_IN_SHOP, says(State.SUBSCRIBED, 11), Status.UNSUBSCRIBED),
        (POLICY, OPTED_OUT_IN_SHOP, says(State.SUBSCRIBED, 11), Status.SUBSCRIBED),
        (NEVER, NEVER_AGREED, says(State.SUBSCRIBED, 9), Status.SUBSCRIBED),
        (NEVER, BOUNCED, says(State.SUBSCRIBED, 11), Status.UNSUBSCRIBED),
        (POLICY, BOUNCED, says(State.SUBSCRIBED, 11), Status.UNSUBSCRIBED),
        (ALWAYS, BOUNCED, says(State.SUBSCRIBED, 11), Status.UNSUBSCRIBED),
    ],
)
def test_resubscribe_says_whether_shopify_restores(policy, held, consent, status):
    assert judged(consent, held, policy=policy).held.status is status


@pytest.mark.parametrize("held", [None, NEVER_AGREED, SELF, subscribed()], ids=["new", "own", "self", "subscribed"])
@pytest.mark.parametrize("policy", [NEVER, POLICY, ALWAYS], ids=lambda policy: policy.resubscribe.value)
def test_an_address_closed_by_a_protected_cause_is_never_opened_by_an_import(held, policy):
    decision = judged(says(State.SUBSCRIBED, 40), held, closed_by(Source.PROTECTED), policy=policy)

    assert (decision.held.status, decision.lifted_at) == (Status.UNSUBSCRIBED, None)


def test_always_opens_the_address_of_a_person_who_unsubscribed():
    decision = judged(says(State.SUBSCRIBED, 9), SELF, closed_by(Source.PERSON), policy=ALWAYS)

    assert decision.held.status is Status.SUBSCRIBED
    assert decision.lifted_at is not None


# Suppressed addresses, for those who are new and those who are subscribed.


@pytest.mark.parametrize("source", [Source.PERSON, Source.IMPORT])
@pytest.mark.parametrize("held", [None, subscribed(), Held(address_hash=HOME)], ids=["new", "subscribed", "none"])
def test_whoever_has_a_suppressed_address_follows_it_until_a_newer_opt_in(held, source):
    closed = closed_by(source)
    following = judged(says(State.SUBSCRIBED, 10), held, closed)
    newer = judged(says(State.SUBSCRIBED, 11), held, closed)

    assert outcome(following) == (Status.UNSUBSCRIBED, source, closed.cause, at(10))
    assert (following.change, following.acted_at, following.lifted_at) == (Change.UNSUBSCRIBED, at(10), None)
    assert (newer.held.status, newer.lifted_at is not None) == (Status.SUBSCRIBED, True)


def test_an_address_that_was_opened_again_suppresses_nobody():
    assert judged(says(State.SUBSCRIBED, 3), None, closed_by(Source.PERSON, 10, lifted=12)).held.status is (
        Status.SUBSCRIBED
    )


@pytest.mark.parametrize("said", [State.NOT_SUBSCRIBED, State.SUBSCRIBED])
def test_a_subscribed_contact_without_a_yes_of_its_own_follows_also_without_the_flag(said):
    decision = judged(says(said), subscribed(), closed_by(Source.PERSON), policy=NO_FLAG)

    assert outcome(decision) == (Status.UNSUBSCRIBED, Source.PERSON, PERSON, at(10))


def test_a_local_opt_in_that_is_newer_opens_the_address():
    decision = judged(says(State.NOT_SUBSCRIBED), agreed_locally(at(12)), closed_by(Source.PERSON))

    assert (decision.held, decision.lifted_at) == (agreed_locally(at(12)), at(12))


def test_a_local_opt_in_does_not_open_an_address_closed_by_a_protected_cause_in_an_import():
    decision = judged(says(State.NOT_SUBSCRIBED), agreed_locally(at(12)), closed_by(Source.PROTECTED))

    assert outcome(decision) == (Status.UNSUBSCRIBED, Source.PROTECTED, BOUNCE, at(10))
