"""The rules around the state table, one by one, on values: times, addresses, suppressions, local acts."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import replace

import pytest

from target_contactdb.causes import DEFAULT_PROTECTED, NO_CONSENT, OPTED_OUT, PERSON
from target_contactdb.consent import Resubscribe, Standing, State
from target_contactdb.consent_rules import adopt, decide, is_unknown_state, moved, normal_state, opt_out_of
from target_contactdb.consent_values import Change, Consent, Decision, Held, OptOut, Policy, Seen, Source, Status
from target_contactdb.ledger import Ledger
from target_contactdb.local_acts import act_locally
from target_contactdb.opt_outs import follow, merge, standing_of

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


# What Shopify said becomes a row of the table.


@pytest.mark.parametrize(
    ("said", "has_address", "level", "confirmed_only", "row"),
    [
        ("SUBSCRIBED", True, "SINGLE_OPT_IN", False, State.SUBSCRIBED),
        ("SUBSCRIBED", True, None, False, State.SUBSCRIBED),
        ("SUBSCRIBED", True, "CONFIRMED_OPT_IN", True, State.SUBSCRIBED),
        ("SUBSCRIBED", True, "SINGLE_OPT_IN", True, State.PENDING),
        ("SUBSCRIBED", True, "UNKNOWN", True, State.PENDING),
        ("SUBSCRIBED", True, None, True, State.PENDING),
        ("UNSUBSCRIBED", True, "SINGLE_OPT_IN", True, State.UNSUBSCRIBED),
        ("PENDING", True, None, False, State.PENDING),
        ("NOT_SUBSCRIBED", True, None, False, State.NOT_SUBSCRIBED),
        ("INVALID", True, None, False, State.INVALID),
        ("REDACTED", True, None, False, State.REDACTED),
        ("A_STATE_NEVER_HEARD_OF", True, None, False, State.NOT_SUBSCRIBED),
        ("NOTHING", True, None, False, State.NOT_SUBSCRIBED),
        ("subscribed", True, None, False, State.NOT_SUBSCRIBED),
        (None, True, None, False, State.NOT_SUBSCRIBED),
        ("SUBSCRIBED", False, "CONFIRMED_OPT_IN", False, State.NOTHING),
        ("PENDING", False, None, False, State.NOTHING),
        ("INVALID", False, None, False, State.NOTHING),
        ("A_STATE_NEVER_HEARD_OF", False, None, False, State.NOTHING),
        (None, False, None, False, State.NOTHING),
        ("UNSUBSCRIBED", False, None, False, State.UNSUBSCRIBED),
        ("REDACTED", False, None, False, State.REDACTED),
    ],
)
def test_what_shopify_said_is_one_row_of_the_table(said, has_address, level, confirmed_only, row):
    policy = replace(POLICY, confirmed_only=confirmed_only)

    assert normal_state(said, has_address=has_address, opt_in_level=level, policy=policy) is row


def test_only_a_state_never_heard_of_is_unknown():
    known = ["SUBSCRIBED", "UNSUBSCRIBED", "PENDING", "NOT_SUBSCRIBED", "INVALID", "REDACTED", None]

    assert [is_unknown_state(state) for state in known] == [False] * 7
    assert [is_unknown_state(state) for state in ("SNOOZED", "NOTHING", "subscribed")] == [True] * 3


# A status that others wrote is the person's own.


def adopted(held: Held, written: Status | None, cause: str | None = None) -> tuple[Held, OptOut | None]:
    """Look at a row that this program wrote last at second 20."""
    status = None if written is None else written.value
    return adopt(held, written_status=status, written_cause=cause, row_written_at=at(20), now=NOW, policy=POLICY)


@pytest.mark.parametrize(
    ("held", "written", "cause"),
    [
        (subscribed(), Status.SUBSCRIBED, None),
        (SELF, Status.UNSUBSCRIBED, PERSON),
        (BOUNCED, Status.UNSUBSCRIBED, BOUNCE),
        (NEVER_AGREED, Status.UNSUBSCRIBED, NO_CONSENT),
        (Held(), Status.NONE, None),
        (Held(), None, None),
    ],
)
def test_a_status_as_we_wrote_it_is_left_as_it_is(held, written, cause):
    assert adopted(held, written, cause) == (held, None)


def test_an_unsubscription_by_others_is_the_persons_and_counts_as_made_now():
    held = replace(subscribed(), status=Status.UNSUBSCRIBED, cause="newsletter footer")

    assert adopted(held, Status.SUBSCRIBED) == (
        replace(held, source=Source.PERSON, at=NOW, opted_out_at=NOW),
        OptOut("newsletter footer", Source.PERSON, NOW),
    )


def test_an_unsubscription_by_others_without_a_cause_is_the_persons():
    held = replace(subscribed(), status=Status.UNSUBSCRIBED)
    after, opt_out = adopted(held, Status.SUBSCRIBED)

    assert after == replace(held, source=Source.PERSON, at=NOW, opted_out_at=NOW)
    assert opt_out is not None
    assert (opt_out.source, opt_out.at, opt_out.lifted_at) == (Source.PERSON, NOW, None)


def test_an_unsubscription_by_others_with_a_protected_cause_is_protected():
    held = replace(subscribed(), status=Status.UNSUBSCRIBED, cause=BOUNCE)

    assert adopted(held, Status.SUBSCRIBED) == (
        replace(held, source=Source.PROTECTED, at=NOW),
        OptOut(BOUNCE, Source.PROTECTED, NOW),
    )


def test_a_new_cause_by_others_is_a_new_opt_out():
    held = replace(NEVER_AGREED, cause=BOUNCE)

    assert adopted(held, Status.UNSUBSCRIBED, NO_CONSENT) == (
        replace(held, source=Source.PROTECTED, at=NOW),
        OptOut(BOUNCE, Source.PROTECTED, NOW),
    )


def test_a_subscription_by_others_counts_as_made_right_after_our_last_write():
    held = replace(SELF, status=Status.SUBSCRIBED, cause=None, source=Source.PERSON)

    after, opt_out = adopted(held, Status.UNSUBSCRIBED, PERSON)

    assert replace(after, opted_out_at=None) == agreed_locally(at(20))
    assert opt_out is None


@pytest.mark.parametrize(
    ("known", "counted"),
    [
        ({"at": at(5)}, at(5)),
        ({"opted_in_at": at(7)}, at(7)),
        ({"at": at(5), "opted_in_at": at(7)}, at(7)),
        ({}, at(20)),
    ],
)
def test_a_subscribed_row_that_we_never_wrote_tells_its_time_itself_if_it_can(known, counted):
    held = Held(Status.SUBSCRIBED, address_hash=HOME, **known)

    assert adopted(held, None) == (Held(Status.SUBSCRIBED, Source.PERSON, None, counted, counted, HOME), None)


@pytest.mark.parametrize(("known", "counted"), [(at(5), at(5)), (None, NOW)])
def test_an_unsubscribed_row_that_we_never_wrote_tells_its_time_itself_if_it_can(known, counted):
    held = Held(Status.UNSUBSCRIBED, None, "asked by phone", known, None, HOME)

    assert adopted(held, None) == (
        replace(held, source=Source.PERSON, at=counted, opted_out_at=counted),
        OptOut("asked by phone", Source.PERSON, counted),
    )


# Where a contact stands.


@pytest.mark.parametrize(
    ("held", "opt_out", "standing"),
    [
        (Held(), None, Standing.OPEN),
        (Held(), closed_by(Source.PROTECTED), Standing.OPEN),
        (subscribed(), closed_by(Source.PROTECTED), Standing.SUBSCRIBED),
        (NEVER_AGREED, None, Standing.OWN),
        (OPTED_OUT_IN_SHOP, None, Standing.OWN),
        (SELF, None, Standing.SELF),
        (BOUNCED, None, Standing.PROTECTED),
        (unsubscribed(Source.IMPORT, BOUNCE), None, Standing.PROTECTED),
        (unsubscribed(Source.PERSON, BOUNCE), None, Standing.PROTECTED),
        (NEVER_AGREED, closed_by(Source.IMPORT), Standing.OWN),
        (NEVER_AGREED, closed_by(Source.PERSON), Standing.SELF),
        (NEVER_AGREED, closed_by(Source.PROTECTED), Standing.PROTECTED),
        (SELF, closed_by(Source.IMPORT), Standing.SELF),
        (SELF, closed_by(Source.PROTECTED), Standing.PROTECTED),
        (BOUNCED, closed_by(Source.PERSON), Standing.PROTECTED),
        (NEVER_AGREED, closed_by(Source.PERSON, lifted=12), Standing.OWN),
        (SELF, closed_by(Source.PROTECTED, lifted=12), Standing.SELF),
    ],
)
def test_protected_beats_self_beats_own_never_the_reverse(held, opt_out, standing):
    assert standing_of(held, opt_out, POLICY) is standing


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

    assert decision.held == replace(agreed_locally(at(30)), opted_out_at=at(20))


def test_redacted_erases_whatever_address_it_is_about():
    assert judged(says(State.REDACTED, address=WORK), subscribed(), kept=HOME).erase
    assert judged(says(State.REDACTED, address=None), None, kept=None).erase


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


# merge: one opt-out per address.


@pytest.mark.parametrize(
    ("known", "told", "yes", "kept"),
    [
        (None, closed_by(Source.IMPORT, 10), None, closed_by(Source.IMPORT, 10)),
        (None, closed_by(Source.IMPORT, 10), at(9), closed_by(Source.IMPORT, 10)),
        (None, closed_by(Source.IMPORT, 10), at(10), closed_by(Source.IMPORT, 10)),
        (None, closed_by(Source.IMPORT, 10), at(11), closed_by(Source.IMPORT, 10, lifted=11)),
        (closed_by(Source.IMPORT, 5), closed_by(Source.IMPORT, 10), None, closed_by(Source.IMPORT, 10)),
        (closed_by(Source.IMPORT, 10), closed_by(Source.IMPORT, 5), None, closed_by(Source.IMPORT, 10)),
        (closed_by(Source.PERSON, 5), closed_by(Source.IMPORT, 10), None, closed_by(Source.PERSON, 10)),
        (closed_by(Source.IMPORT, 10), closed_by(Source.PERSON, 5), None, closed_by(Source.PERSON, 10)),
        (closed_by(Source.PERSON, 10), closed_by(Source.PROTECTED, 5), None, closed_by(Source.PROTECTED, 10)),
        (closed_by(Source.PROTECTED, 5), closed_by(Source.PERSON, 10), None, closed_by(Source.PROTECTED, 10)),
        (closed_by(Source.PROTECTED, 5), closed_by(Source.IMPORT, 10), at(20), closed_by(Source.PROTECTED, 10)),
        (closed_by(Source.IMPORT, 5, lifted=8), closed_by(Source.PERSON, 10), None, closed_by(Source.PERSON, 10)),
        (
            closed_by(Source.IMPORT, 5, lifted=8),
            closed_by(Source.PERSON, 7),
            None,
            closed_by(Source.IMPORT, 7, lifted=8),
        ),
        (
            closed_by(Source.IMPORT, 5, lifted=8),
            closed_by(Source.IMPORT, 10),
            at(12),
            closed_by(Source.IMPORT, 10, lifted=12),
        ),
    ],
)
def test_of_two_opt_outs_of_an_address_the_later_time_and_the_stronger_source_stay(known, told, yes, kept):
    assert merge(known, told, yes) == kept


def test_a_yes_within_the_second_of_shopifys_opt_out_does_not_open_the_address():
    """Shopify's second 10 may be any moment until 11: a tie, and ties go to the more restrictive status."""
    assert merge(None, closed_by(Source.IMPORT, 10), at(10, 500_000)) == closed_by(Source.IMPORT, 10)


def test_an_address_opened_by_a_yes_is_closed_by_an_opt_out_told_late_only_if_that_is_later():
    opened = closed_by(Source.PERSON, 5, lifted=8)

    assert merge(opened, closed_by(Source.IMPORT, 7), None).lifted_at == at(8)
    assert merge(opened, closed_by(Source.IMPORT, 8), None).lifted_at is None
    assert merge(opened, closed_by(Source.IMPORT, 9), None).lifted_at is None


@pytest.mark.parametrize("source", [Source.IMPORT, Source.PERSON])
def test_an_old_opt_out_told_late_with_the_yes_that_answered_it_opens_nothing_that_was_closed_since(source):
    """Closed at 7. Now an opt-out of second 5 is told, which a yes of second 6 had answered."""
    closed = closed_by(source, 7)

    assert merge(closed, OptOut(PERSON, Source.PERSON, at(5), at(6)), None) == closed_by(Source.PERSON, 7)


def test_an_old_opt_out_told_late_opens_no_address_that_a_protected_cause_closed():
    closed = closed_by(Source.PROTECTED, 7)

    assert merge(closed, OptOut(PERSON, Source.PERSON, at(5), at(8)), None) == closed


def test_an_opt_out_in_the_second_of_the_yes_that_opened_the_address_is_news():
    key = ("email", HOME)
    ledger = Ledger({key: closed_by(Source.PROTECTED, 10, lifted=10)})

    assert ledger.is_news(key, closed_by(Source.IMPORT, 10))
    ledger.tell(key, closed_by(Source.IMPORT, 10), at(10))
    assert ledger.known[key] == closed_by(Source.IMPORT, 10)


# follow: the others who hold an address that was just closed.


@pytest.mark.parametrize(
    ("held", "opt_out", "yes", "follows"),
    [
        (subscribed(), closed_by(Source.PERSON), None, True),
        (subscribed(), closed_by(Source.PERSON), at(9), True),
        (subscribed(), closed_by(Source.PERSON), at(10), True),
        (subscribed(), closed_by(Source.PERSON), at(11), False),
        (agreed_locally(at(11)), closed_by(Source.IMPORT), at(11), False),
        (agreed_locally(at(11)), closed_by(Source.PROTECTED), at(11), True),
        (subscribed(), closed_by(Source.PERSON, lifted=12), None, False),
        (NEVER_AGREED, closed_by(Source.PERSON), None, False),
        (Held(), closed_by(Source.PERSON), None, False),
    ],
)
def test_who_is_subscribed_follows_a_closed_address_unless_the_own_yes_is_newer(held, opt_out, yes, follows):
    after = follow(held, opt_out, opted_in_at=yes)

    if follows:
        own = None if opt_out.source is Source.PROTECTED else opt_out.at
        closed = Held(Status.UNSUBSCRIBED, opt_out.source, opt_out.cause, opt_out.at, held.opted_in_at, HOME, own)
        assert after == closed
    else:
        assert after is None


def test_a_yes_within_the_second_of_shopifys_opt_out_follows_it():
    yes = at(10, 500_000)

    assert follow(agreed_locally(yes), closed_by(Source.IMPORT, 10), opted_in_at=yes) is not None


# The latest yes.


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
