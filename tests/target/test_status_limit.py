"""The limit of status changes: how it is read, what counts, and when a batch must wait."""

from __future__ import annotations

from decimal import Decimal

import pytest

from target_contactdb.consent_values import Change
from target_contactdb.status_limit import DEFAULT_LIMIT, Limit, counts, is_too_many, read_limit


@pytest.mark.parametrize(
    ("value", "limit"),
    [
        (500, Limit(number=500)),
        ("500", Limit(number=500)),
        (0, Limit(number=0)),
        ("5 %", Limit(percent=Decimal(5))),
        ("2.5%", Limit(percent=Decimal("2.5"))),
    ],
)
def test_a_limit_is_a_number_or_a_percentage(value, limit):
    assert read_limit(value) == limit


@pytest.mark.parametrize("value", [-1, True, None, 1.5, "", "%", "five %", "5 % of all", "\N{ARABIC-INDIC DIGIT FIVE}"])
def test_anything_else_is_refused(value):
    with pytest.raises(ValueError, match="is neither a whole number such as 500 nor a percentage"):
        read_limit(value)


@pytest.mark.parametrize(
    ("value", "contacts", "allowed"),
    [
        (DEFAULT_LIMIT, 0, 100),
        (DEFAULT_LIMIT, 2000, 100),
        (DEFAULT_LIMIT, 2021, 101),
        (7, 10**6, 7),
        ("0 %", 10**6, 100),
    ],
)
def test_a_percentage_allows_at_least_a_hundred(value, contacts, allowed):
    assert read_limit(value).allowed(contacts) == allowed


def test_only_changes_of_known_contacts_count_that_the_shop_did_not_ask_for_itself():
    assert counts(Change.UNSUBSCRIBED, existed=True, explicit=False)
    assert counts(Change.RESTORED, existed=True, explicit=False)
    assert not counts(Change.UNSUBSCRIBED, existed=True, explicit=True)
    assert not counts(Change.SUBSCRIBED, existed=False, explicit=False)
    assert not counts(None, existed=True, explicit=False)


@pytest.mark.parametrize(
    ("counted", "wanted", "stops"),
    [
        (0, 100, False),
        (0, 101, True),
        (99, 1, False),
        (99, 2, True),
        (5000, 0, False),
        # What a person has accepted beforehand goes through, and then the limit counts again.
        (-300, 400, False),
        (-300, 401, True),
    ],
)
def test_a_batch_waits_once_the_count_over_all_runs_would_pass_the_limit(counted, wanted, stops):
    assert is_too_many(read_limit(DEFAULT_LIMIT), contacts=1000, counted=counted, wanted=wanted) is stops
