"""A record that does not say how old it is is rejected, and what it says against writing is followed all the same."""

from __future__ import annotations

import pytest

from tests.target.consent.outsiders import OPTED_OUT, SUBSCRIBED
from tests.target.consent.people import HOME, LATER, at, feed, outcomes, person, statuses
from tests.target.singer import query

UNREADABLE = [None, "bad", "0001-01-01T00:00:00+10:00"]


@pytest.mark.parametrize("age", UNREADABLE)
def test_an_opt_out_of_unknown_age_is_followed_as_of_its_consent_time(database_url, age):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1), updated=at(9)))

    feed(database_url, _undated(age, at(5)))

    assert statuses(database_url) == {"1": OPTED_OUT}
    assert outcomes(database_url) == {"rejected": 1}
    assert query(database_url, "SELECT cause, lifted_at FROM suppressions") == [("Shopify - opted out", None)]


def test_the_mended_record_counts_as_if_the_other_had_not_come(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1), updated=at(2)))
    feed(database_url, _undated(None, at(5)))

    feed(database_url, person(1, HOME, "UNSUBSCRIBED", at(5), first_name="Mended"))

    assert outcomes(database_url) == {"updated": 1}
    assert query(database_url, "SELECT first_name, email_status FROM contacts") == [("Mended", "unsubscribed")]


def test_an_opt_out_of_unknown_age_closes_the_address_of_somebody_unknown(database_url):
    feed(database_url, _undated("bad", at(5)))

    feed(database_url, person(2, HOME, "SUBSCRIBED", at(1)), person(3, HOME, "SUBSCRIBED", at(1)))

    assert {status for status, *_rest in statuses(database_url).values()} == {"unsubscribed"}


def test_without_any_time_an_opt_out_counts_from_its_first_sight(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))

    feed(database_url, _undated(None, None))
    first = query(database_url, "SELECT email_status, email_status_at FROM contacts")
    feed(database_url, _undated(None, None))

    assert first[0][0] == "unsubscribed"
    assert query(database_url, "SELECT email_status, email_status_at FROM contacts") == first


@pytest.mark.parametrize("age", UNREADABLE)
def test_an_erasure_of_unknown_age_is_followed(database_url, age):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1), updated=at(9)))

    feed(database_url, _undated(age, None, state="REDACTED"))

    assert statuses(database_url) == {}
    assert outcomes(database_url) == {"erased": 1}
    assert query(database_url, "SELECT record FROM operation_records WHERE record IS NOT NULL") == []


def test_a_yes_of_unknown_age_is_not_followed(database_url):
    feed(database_url, person(1, HOME, "UNSUBSCRIBED", at(1)), person(2, "other@home.example", "SUBSCRIBED", at(1)))

    feed(database_url, _undated(None, LATER, state="SUBSCRIBED"))

    assert statuses(database_url) == {"1": OPTED_OUT, "2": SUBSCRIBED}


def test_of_two_records_in_a_batch_the_one_of_unknown_age_counts_where_it_came_last(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))

    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1), updated=at(3)), _undated(None, at(5)))

    assert statuses(database_url) == {"1": OPTED_OUT}
    assert outcomes(database_url) == {"rejected": 1, "superseded": 1}


def _undated(age, when, state="UNSUBSCRIBED"):
    message = person(1, HOME, state, when)
    message["record"]["updated_at"] = age
    return message
