"""What Shopify said, what others wrote, and where a contact stands: the rows and columns of the state table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from target_contactdb.causes import NO_CONSENT, PERSON
from target_contactdb.consent import Standing, State
from target_contactdb.consent_rules import adopt, is_unknown_state, normal_state
from target_contactdb.consent_values import Held, OptOut, Source, Status
from target_contactdb.opt_outs import standing_of
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
    subscribed,
    unsubscribed,
)

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


def test_a_cause_that_is_new_on_somebody_subscribed_is_an_unsubscription_and_no_yes():
    bounced = replace(subscribed(), cause=BOUNCE)
    footer = replace(subscribed(), cause="newsletter footer")

    assert adopted(bounced, Status.SUBSCRIBED) == (
        replace(bounced, status=Status.UNSUBSCRIBED, source=Source.PROTECTED, at=NOW),
        OptOut(BOUNCE, Source.PROTECTED, NOW),
    )
    assert adopted(footer, Status.SUBSCRIBED)[0].status is Status.UNSUBSCRIBED
    assert adopted(bounced, None)[1] == OptOut(BOUNCE, Source.PROTECTED, NOW)


def test_a_cause_that_was_left_beside_a_new_subscription_says_nothing():
    held = replace(subscribed(), cause=NO_CONSENT)

    after, opt_out = adopted(held, Status.UNSUBSCRIBED, NO_CONSENT)

    assert (after.status, after.source, after.cause, opt_out) == (Status.SUBSCRIBED, Source.PERSON, None, None)
