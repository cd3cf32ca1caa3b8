"""Two contacts that become one: the stricter status stays, and a yes that came last is not lost."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_contactdb.causes import DEFAULT_PROTECTED, NO_CONSENT, OPTED_OUT, PERSON
from target_contactdb.consent_values import Held, OptOut, Policy, Source, Status
from target_contactdb.merging import Merged, merge_channel
from target_contactdb.opt_outs import latest_opt_out, standing_of

POLICY = Policy(protected_causes=frozenset(DEFAULT_PROTECTED))
T1, T2, T3 = (dt.datetime(2026, 11, day, tzinfo=dt.UTC) for day in (1, 2, 3))
SAME, OTHER = "same address", "another address"


def subscribed(at=T1, address=SAME, **values):
    return Held(Status.SUBSCRIBED, Source.IMPORT, None, at, address_hash=address, **values)


def unsubscribed(cause, source, at=T1, address=SAME, **values):
    return Held(Status.UNSUBSCRIBED, source, cause, at, address_hash=address, **values)


BOUNCED = unsubscribed("hard bounce", Source.PROTECTED, T2)
OPTED = unsubscribed(PERSON, Source.PERSON, T2, opted_out_at=T2)
NEVER = unsubscribed(NO_CONSENT, Source.IMPORT, T2)


@pytest.mark.parametrize(
    ("kept", "gone", "held"),
    [
        (subscribed(), NEVER, NEVER),
        (subscribed(), OPTED, OPTED),
        (OPTED, BOUNCED, unsubscribed("hard bounce", Source.PROTECTED, T2, opted_out_at=T2)),
        (OPTED, subscribed(T3), OPTED),
        (subscribed(T1), subscribed(T3), subscribed(T3)),
        (unsubscribed(NO_CONSENT, Source.IMPORT, T1), NEVER, NEVER),
        # A yes told to the contact database itself, after the opt-out.
        (OPTED, subscribed(T3, opted_in_at=T3), subscribed(T3, opted_in_at=T3)),
        (subscribed(T3, opted_in_at=T3), OPTED, subscribed(T3, opted_in_at=T3)),
        (subscribed(T3, opted_in_at=T3), BOUNCED, unsubscribed("hard bounce", Source.PROTECTED, T2, opted_in_at=T3)),
        # Nothing to write to stays nothing, and what the person said is remembered.
        (Held(), OPTED, Held(opted_out_at=T2)),
        (subscribed(), Held(), subscribed()),
    ],
)
def test_the_stricter_status_stays_unless_a_later_yes_was_told(kept, gone, held):
    assert merge_channel(kept, gone, POLICY) == Merged(held)


def test_of_another_address_only_the_persons_own_opt_out_moves():
    kept = subscribed()
    bounced = unsubscribed("hard bounce", Source.PROTECTED, T2, OTHER, opted_in_at=T3)
    assert merge_channel(kept, bounced, POLICY) == Merged(kept)
    assert merge_channel(kept, unsubscribed(NO_CONSENT, Source.IMPORT, T2, OTHER), POLICY) == Merged(kept)
    opted = unsubscribed(PERSON, Source.PERSON, T2, OTHER, opted_out_at=T2, opted_in_at=T1)
    assert merge_channel(kept, opted, POLICY) == Merged(
        unsubscribed(PERSON, Source.PERSON, T2, opted_out_at=T2), OptOut(PERSON, Source.PERSON, T2)
    )


moments = st.none() | st.sampled_from([T1, T2, T3])
addresses = st.sampled_from([None, SAME, OTHER])


@st.composite
def channels(draw):
    """Return what a contact may hold on one channel."""
    address = draw(addresses)
    opted_in_at, opted_out_at = draw(moments), draw(moments)
    if address is None:
        return Held(opted_out_at=opted_out_at)
    at = draw(st.sampled_from([T1, T2, T3]))
    if draw(st.booleans()):
        return Held(
            Status.SUBSCRIBED, draw(st.sampled_from([Source.IMPORT, Source.PERSON])), None, at, opted_in_at, address
        )
    cause, source = draw(
        st.sampled_from(
            [
                (NO_CONSENT, Source.IMPORT),
                (OPTED_OUT, Source.IMPORT),
                (PERSON, Source.PERSON),
                ("complaint", Source.PROTECTED),
            ]
        )
    )
    return Held(Status.UNSUBSCRIBED, source, cause, at, opted_in_at, address, opted_out_at)


@given(channels(), channels())
def test_nobody_becomes_contactable_by_a_merge_whose_last_word_was_no(kept, gone):
    merged = merge_channel(kept, gone, POLICY).held
    same = [one for one in (kept, gone) if one.address_hash == kept.address_hash]
    assert merged.address_hash == kept.address_hash
    if merged.status is Status.SUBSCRIBED:
        no_at = max((at for one in same if (at := latest_opt_out(one, None, POLICY))), default=None)
        yes_at = max((one.opted_in_at for one in same if one.opted_in_at), default=None)
        assert no_at is None or all(one.status is Status.SUBSCRIBED for one in same) or (yes_at and yes_at > no_at)
        assert not any(standing_of(one, None, POLICY).name == "PROTECTED" for one in same)


@given(channels())
def test_a_merge_with_an_equal_contact_changes_nothing_but_an_answered_no(held):
    merged = merge_channel(held, held, POLICY).held
    if held.status is not Status.UNSUBSCRIBED or held.opted_in_at is None:
        assert (merged.status, merged.cause, merged.at) == (held.status, held.cause, held.at)
