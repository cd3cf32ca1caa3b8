"""When Shopify's word closes a channel: UNSUBSCRIBED, PENDING, NOT_SUBSCRIBED, no address; also without updates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from target_contactdb.causes import NO_CONSENT, OPTED_OUT, PERSON
from target_contactdb.consent import Resubscribe, State
from target_contactdb.consent_rules import opt_out_of
from target_contactdb.consent_values import Change, OptOut, Seen, Source, Status
from tests.target.consent.rules import (
    BOUNCE,
    BOUNCED,
    NEVER_AGREED,
    NO_FLAG,
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
    unsubscribed,
)

# UNSUBSCRIBED and PENDING against a local opt-in.


@pytest.mark.parametrize("state", [State.UNSUBSCRIBED, State.PENDING])
@pytest.mark.parametrize(
    ("opted_in", "status"),
    [
        (at(12), Status.SUBSCRIBED),
        (at(11), Status.SUBSCRIBED),
        (at(10, 999_999), Status.UNSUBSCRIBED),
        (at(10), Status.UNSUBSCRIBED),
        (at(9), Status.UNSUBSCRIBED),
    ],
    ids=["later", "next second", "within the second", "tie", "earlier"],
)
def test_only_a_newer_local_opt_in_outlives_what_shopify_says(state, opted_in, status):
    consent = says(state, 10)
    opt_out = closed_by(Source.IMPORT, 10, lifted=None) if state is State.UNSUBSCRIBED else None

    assert judged(consent, agreed_locally(opted_in), opt_out).held.status is status


@pytest.mark.parametrize("state", [State.UNSUBSCRIBED, State.PENDING])
def test_a_subscription_by_import_outlives_nothing(state):
    assert judged(says(state, 5), subscribed(20)).held.status is Status.UNSUBSCRIBED


def test_pending_without_a_time_is_as_old_as_the_customers_last_change():
    older = judged(says(State.PENDING, updated=20), agreed_locally(at(21)))
    newer = judged(says(State.PENDING, updated=22), agreed_locally(at(21)))

    assert [older.held.status, newer.held.status] == [Status.SUBSCRIBED, Status.UNSUBSCRIBED]
    assert newer.held.at == at(22)


def test_an_invalid_address_is_unsubscribed_also_after_a_local_opt_in():
    decision = judged(says(State.INVALID, 10), agreed_locally(at(30)))

    assert outcome(decision) == (Status.UNSUBSCRIBED, Source.IMPORT, "invalid address", at(10))


def test_a_local_opt_in_counts_although_an_import_restored_the_contact_in_between():
    """Agreed at 30; an invalid address and its repair in between; then an opt-out of 20 is told late."""
    agreed = agreed_locally(at(30))
    invalid = judged(says(State.INVALID, 5), agreed)
    repaired = judged(says(State.SUBSCRIBED, 5), invalid.held)
    told_late = judged(says(State.UNSUBSCRIBED, 20), repaired.held, closed_by(Source.IMPORT, 20, lifted=30))

    assert [one.held.status for one in (invalid, repaired, told_late)] == [
        Status.UNSUBSCRIBED,
        Status.SUBSCRIBED,
        Status.SUBSCRIBED,
    ]


# The time of an UNSUBSCRIBED.


@pytest.mark.parametrize("held", [SELF, OPTED_OUT_IN_SHOP], ids=["self", "own"])
@pytest.mark.parametrize(("when", "kept"), [(12, 12), (10, 10), (8, 10)], ids=["later", "same", "earlier"])
def test_a_later_opt_out_moves_the_time_and_nothing_else(held, when, kept):
    decision = judged(says(State.UNSUBSCRIBED, when), held, closed_by(Source.IMPORT, max(when, 10)))

    assert (decision.held, decision.change) == (replace(held, at=at(kept), opted_out_at=at(kept)), None)


def test_an_opt_out_after_a_mere_reason_becomes_the_cause():
    decision = judged(says(State.UNSUBSCRIBED, 8), unsubscribed(Source.IMPORT, NO_CONSENT, 10))

    assert outcome(decision) == (Status.UNSUBSCRIBED, Source.IMPORT, OPTED_OUT, at(8))


def test_an_unsubscribed_without_a_time_counts_from_its_first_sight():
    first = judged(says(State.UNSUBSCRIBED), subscribed())
    told = opt_out_of(says(State.UNSUBSCRIBED), Seen(state="SUBSCRIBED"), None, now=NOW)
    again_seen = Seen(state="UNSUBSCRIBED")
    again = opt_out_of(says(State.UNSUBSCRIBED), again_seen, told, now=at(59))

    assert outcome(first) == (Status.UNSUBSCRIBED, Source.IMPORT, OPTED_OUT, NOW)
    assert told == OptOut(OPTED_OUT, Source.IMPORT, NOW)
    assert again == told


def test_an_unsubscribed_without_a_time_and_without_an_address_moves_no_time_when_it_is_said_again():
    held = replace(OPTED_OUT_IN_SHOP, address_hash=None)
    consent = says(State.UNSUBSCRIBED, address=None)
    decision = judged(consent, held, seen=Seen(state="UNSUBSCRIBED"), kept=None)

    assert decision.held == held


@pytest.mark.parametrize("state", [state for state in State if state is not State.UNSUBSCRIBED])
def test_only_unsubscribed_is_an_opt_out_of_shopifys(state):
    assert opt_out_of(says(state, 10), None, None, now=NOW) is None


def test_an_opt_out_without_an_address_closes_no_address():
    assert opt_out_of(says(State.UNSUBSCRIBED, 10, address=None), None, None, now=NOW) is None


# NOT_SUBSCRIBED: the flag, owned, a local opt-in.


@pytest.mark.parametrize(
    ("policy", "held", "seen", "status"),
    [
        (POLICY, None, None, Status.UNSUBSCRIBED),
        (NO_FLAG, None, None, Status.SUBSCRIBED),
        (POLICY, subscribed(), Seen(owned=True), Status.UNSUBSCRIBED),
        (POLICY, subscribed(), Seen(owned=False), Status.SUBSCRIBED),
        (POLICY, agreed_locally(at(5)), Seen(owned=True), Status.SUBSCRIBED),
        (NO_FLAG, subscribed(), Seen(owned=True), Status.SUBSCRIBED),
        (NO_FLAG, NEVER_AGREED, Seen(owned=True), Status.UNSUBSCRIBED),
    ],
)
def test_those_who_never_agreed_follow_the_flag(policy, held, seen, status):
    decision = judged(says(State.NOT_SUBSCRIBED), held, seen=seen, policy=policy)

    assert decision.held.status is status
    if decision.change is Change.UNSUBSCRIBED:
        assert outcome(decision) == (Status.UNSUBSCRIBED, Source.IMPORT, NO_CONSENT, at(40))


def test_the_flags_own_cause_is_written():
    policy = replace(POLICY, no_consent_cause="never asked")

    assert judged(says(State.NOT_SUBSCRIBED), None, policy=policy).held.cause == "never asked"


def test_a_local_opt_in_before_the_last_opt_out_counts_no_more():
    decision = judged(says(State.NOT_SUBSCRIBED), agreed_locally(at(8)), closed_by(Source.PERSON, 10, lifted=11))

    assert decision.held.status is Status.UNSUBSCRIBED


# No address.


@pytest.mark.parametrize(
    ("held", "had_address", "expected"),
    [
        (None, False, (Status.NONE, None, None, None)),
        (subscribed(), True, (Status.UNSUBSCRIBED, Source.IMPORT, "address removed", at(40))),
        (subscribed(), False, (Status.SUBSCRIBED, Source.IMPORT, None, at(1))),
        (SELF, True, (Status.UNSUBSCRIBED, Source.PERSON, PERSON, at(10))),
        (BOUNCED, True, (Status.UNSUBSCRIBED, Source.PROTECTED, BOUNCE, at(10))),
    ],
)
def test_without_an_address_a_contact_is_closed_only_if_this_source_had_given_one(held, had_address, expected):
    seen = None if held is None else Seen(had_address=had_address)
    decision = judged(says(State.NOTHING, address=None), held, seen=seen, kept=None)

    assert outcome(decision) == expected


def test_an_opt_out_without_an_address_unsubscribes_who_was_subscribed_and_leaves_nobody_else():
    assert outcome(judged(says(State.UNSUBSCRIBED, 10, address=None), subscribed(), kept=None)) == (
        Status.UNSUBSCRIBED,
        Source.IMPORT,
        OPTED_OUT,
        at(10),
    )
    nobody = judged(says(State.UNSUBSCRIBED, 10, address=None), None, kept=None).held
    assert (nobody.status, nobody.cause) == (Status.NONE, None)


# update_existing: false


FROZEN = replace(POLICY, update_existing=False)


@pytest.mark.parametrize("held", [NEVER_AGREED, SELF, OPTED_OUT_IN_SHOP], ids=["own", "self", "opted out"])
@pytest.mark.parametrize("resubscribe", list(Resubscribe))
def test_without_updates_nothing_is_restored(held, resubscribe):
    policy = replace(FROZEN, resubscribe=resubscribe)
    decision = judged(says(State.SUBSCRIBED, 30), held, closed_by(Source.PERSON), policy=policy)

    assert (decision.held, decision.change, decision.lifted_at) == (held, None, None)


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        (State.UNSUBSCRIBED, OPTED_OUT),
        (State.PENDING, "Shopify - awaiting confirmation"),
        (State.INVALID, "invalid address"),
    ],
)
def test_without_updates_opt_outs_still_apply(state, cause):
    assert judged(says(state, 30), subscribed(), policy=FROZEN).held.cause == cause


def test_without_updates_a_new_contact_is_subscribed_as_ever():
    assert judged(says(State.SUBSCRIBED, 30), None, policy=FROZEN).held.status is Status.SUBSCRIBED


def test_without_updates_redacted_still_erases():
    assert judged(says(State.REDACTED), subscribed(), policy=FROZEN).erase
