"""The consent rules through the real target: order and reruns, options, and what is written of it."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from tests.target.consent.outsiders import NEVER_AGREED, OPTED_OUT, SUBSCRIBED, bounce, opt_out_by_footer
from tests.target.consent.people import (
    HOME,
    WORK,
    at,
    feed,
    others_write,
    outcomes,
    person,
    statuses,
)
from tests.target.singer import checkout, query, refuse_writes, run, schema

# Words.


@pytest.mark.parametrize(("state", "expected"), [("unsubscribed", OPTED_OUT), ("Subscribed", SUBSCRIBED)])
def test_words_count_in_whatever_case_they_are_written(database_url, state, expected):
    feed(database_url, person(1, HOME, state, at(3)))

    assert statuses(database_url) == {"1": expected}
    words = "SELECT email_state, email_opt_in_level FROM contact_sources"
    feed(database_url, person(2, WORK, state, at(3), email_marketing_opt_in_level="single_opt_in"))
    assert query(database_url, f"{words} WHERE customer_id = 2") == [(state.upper(), "SINGLE_OPT_IN")]


def test_a_redaction_in_lower_case_erases(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(3)))

    feed(database_url, person(1, None, "redacted", updated=at(4)), person(2, HOME, "SUBSCRIBED", at(3)))

    assert (statuses(database_url), outcomes(database_url)) == ({}, {"erased": 1, "suppressed": 1})


# Batches, order and reruns.


def test_an_older_record_changes_no_status(database_url):
    feed(database_url, person(1, HOME, "UNSUBSCRIBED", at(3), updated=at(5)))

    feed(database_url, person(1, HOME, "SUBSCRIBED", at(4), updated=at(4)))

    assert (statuses(database_url), outcomes(database_url)) == ({"1": OPTED_OUT}, {"superseded": 1})


def test_of_two_records_of_a_customer_in_one_batch_the_later_decides(database_url):
    feed(
        database_url,
        person(1, HOME, "SUBSCRIBED", at(1), updated=at(5)),
        person(1, HOME, "UNSUBSCRIBED", at(5), updated=at(5)),
        person(2, WORK, "UNSUBSCRIBED", at(3), updated=at(5)),
        person(2, WORK, "SUBSCRIBED", at(6), updated=at(6)),
    )

    assert statuses(database_url) == {"1": OPTED_OUT, "2": SUBSCRIBED}
    assert outcomes(database_url) == {"inserted": 2, "superseded": 2}


def test_a_store_of_every_kind_of_person_writes_nothing_the_second_time(database_url):
    states = ["SUBSCRIBED", "UNSUBSCRIBED", "PENDING", "NOT_SUBSCRIBED", "INVALID", "SNOOZED", None]
    people = [
        person(number, f"person{number}@example.com", state, when, updated=at(9), phone=f"+49 {number}")
        for number, (state, when) in enumerate(itertools.product(states, [at(5), None]), start=1)
    ]
    people += [
        person(20, None, None, updated=at(9)),
        person(21, None, "UNSUBSCRIBED", updated=at(9)),
        person(22, "person3@example.com", "SUBSCRIBED", at(6), updated=at(9)),
        person(23, "person3@example.com", "SUBSCRIBED", at(4), updated=at(9)),
        person(24, "person4@example.com", "UNSUBSCRIBED", updated=at(9)),
        person(25, "bounced@example.com", "SUBSCRIBED", at(4), updated=at(9)),
        person(26, "footer@example.com", "SUBSCRIBED", at(4), updated=at(9)),
        person(27, "agreed@example.com", "NOT_SUBSCRIBED", updated=at(9)),
        person(28, "left@example.com", "SUBSCRIBED", at(4), updated=at(8)),
    ]
    feed(database_url, *people)
    bounce(database_url, 25)
    opt_out_by_footer(database_url, 26)
    others_write(database_url, 27, email_status="subscribed", email_unsubscription_cause=None)
    people[-1] = person(28, None, "UNSUBSCRIBED", updated=at(9))
    feed(database_url, *people)
    refuse_writes(database_url, "contacts", "contact_sources", "suppressions", "status_changes", "tombstones")

    feed(database_url, *people)

    assert outcomes(database_url) == {"unchanged": len(people)}


def test_an_erasure_told_again_writes_nothing(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    feed(database_url, person(1, HOME, "REDACTED", at(2)))
    refuse_writes(database_url, "contacts", "contact_sources", "suppressions", "status_changes", "tombstones")

    feed(database_url, person(1, HOME, "REDACTED", at(2)))

    assert outcomes(database_url) == {"suppressed": 1}


# Options.


def test_without_updates_opt_outs_apply_and_nothing_is_restored(database_url):
    frozen: dict[str, t.Any] = {"options": {"update_existing": False}}
    people = [person(1, HOME, "SUBSCRIBED", at(1)), person(2, WORK, "NOT_SUBSCRIBED", updated=at(1))]
    feed(database_url, *people)

    feed(
        database_url,
        person(1, HOME, "UNSUBSCRIBED", at(3), first_name="New"),
        person(2, WORK, "SUBSCRIBED", at(3), first_name="New"),
        **frozen,
    )

    assert statuses(database_url) == {"1": OPTED_OUT, "2": NEVER_AGREED}
    assert query(database_url, "SELECT DISTINCT first_name FROM contacts WHERE first_name = 'New'") == []


def test_an_always_restore_is_stable(database_url):
    people = [person(1, HOME, "UNSUBSCRIBED", at(3)), person(2, HOME, "SUBSCRIBED", at(1))]
    always = {"resubscribe": "always"}
    feed(database_url, *people, options=always)
    opt_out_by_footer(database_url, 2)
    feed(database_url, *people, options=always)
    restored = statuses(database_url)
    refuse_writes(database_url, "contacts", "contact_sources", "suppressions", "status_changes")

    feed(database_url, *people, options=always)

    assert restored == {"1": OPTED_OUT, "2": SUBSCRIBED}
    assert outcomes(database_url) == {"unchanged": 2}


def test_a_state_never_heard_of_counts_as_never_agreed_and_is_warned_about_once(database_url, caplog):
    state = "SAID_SOMETHING_THAT_SHOPIFY_MADE_UP_LATER"

    feed(database_url, person(1, HOME, state, at(1)), person(2, WORK, state, at(1)))

    assert statuses(database_url) == {"1": NEVER_AGREED, "2": NEVER_AGREED}
    assert len([record for record in caplog.records if state in record.getMessage()]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"email_marketing_state": 5},
        {"email_marketing_opt_in_level": ["SINGLE_OPT_IN"]},
        {"email_marketing_updated_at": "yesterday"},
        {"email": f"{'a' * 300}@example.com"},
    ],
    ids=["state", "level", "time", "address"],
)
def test_a_consent_that_cannot_be_read_rejects_its_record_and_the_rest_goes_on(database_url, wrong):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1), **wrong), person(2, WORK, "SUBSCRIBED", at(1)))

    assert outcomes(database_url) == {"inserted": 1, "rejected": 1}


# What is written of it.


def test_each_status_change_is_logged_with_its_evidence(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)), person(2, HOME, "SUBSCRIBED", at(2)))
    feed(database_url, person(1, HOME, "UNSUBSCRIBED", at(3)))
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(4)))
    others_write(database_url, 1, email_status="unsubscribed", email_unsubscription_cause="hard bounce")
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(4)))

    rows = query(
        database_url,
        'SELECT user_code, channel, "change", "from", "to", cause, source, operation_id, evidence '
        "FROM status_changes JOIN contacts USING (contact_id) ORDER BY change_id",
    )
    new = (
        "contact new on this channel: "
        "insert subscribed; unsubscribed if the address is suppressed and this is not newer"
    )
    restored = (
        "contact unsubscribed by an import: "
        "restore, unless an opt-out is known for the address that is not older than this consent "
        "(under `never`: nor where an UNSUBSCRIBED of Shopify's was the reason)"
    )
    cause = "Shopify - opted out"
    assert rows == [
        (
            "1",
            "email",
            "subscribed",
            None,
            "subscribed",
            None,
            "import",
            1,
            f"Shopify said SUBSCRIBED ({at(1)}); {new}",
        ),
        (
            "2",
            "email",
            "subscribed",
            None,
            "subscribed",
            None,
            "import",
            1,
            f"Shopify said SUBSCRIBED ({at(2)}); {new}",
        ),
        (
            "1",
            "email",
            "unsubscribed",
            "subscribed",
            "unsubscribed",
            cause,
            "import",
            2,
            f"Shopify said UNSUBSCRIBED ({at(3)}); contact subscribed: "
            "unsubscribe, same cause, unless a local opt-in is newer",
        ),
        (
            "2",
            "email",
            "unsubscribed",
            "subscribed",
            "unsubscribed",
            cause,
            "import",
            2,
            "the address was closed by an opt-out elsewhere",
        ),
        (
            "1",
            "email",
            "restored",
            "unsubscribed",
            "subscribed",
            None,
            "import",
            3,
            f"Shopify said SUBSCRIBED ({at(4)}); {restored}",
        ),
        (
            "1",
            "email",
            "unsubscribed",
            "subscribed",
            "unsubscribed",
            "hard bounce",
            "protected",
            4,
            "found as another program wrote it",
        ),
    ]
    counted = "SELECT subscribed, unsubscribed, restored FROM operations ORDER BY operation_id"
    assert query(database_url, counted) == [(2, 0, 0), (0, 2, 0), (0, 0, 1), (0, 1, 0)]


def test_the_time_of_the_act_is_kept_and_not_that_of_the_write(database_url):
    feed(
        database_url,
        person(1, HOME, "SUBSCRIBED", at(1), updated=at(9)),
        person(2, WORK, "PENDING", updated=at(8)),
    )

    moment = "substr(CAST({} AS char), 1, 16)"
    acted = f"SELECT {moment.format('email_status_at')} FROM contacts ORDER BY user_code"
    logged = f"SELECT {moment.format('acted_at')} FROM status_changes ORDER BY change_id"
    if database_url.startswith("postgresql"):
        acted, logged = (
            text.replace("CAST(", "CAST(timezone('UTC', ").replace(" AS char", ") AS text") for text in (acted, logged)
        )
    assert query(database_url, acted) == query(database_url, logged) == [("2020-01-01 10:01",), ("2020-01-01 10:08",)]


def test_no_address_is_ever_in_the_evidence_or_in_a_suppression(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)), person(2, HOME, "UNSUBSCRIBED", at(3)))

    written = str(query(database_url, "SELECT * FROM status_changes")) + str(
        query(database_url, "SELECT * FROM suppressions")
    )
    assert HOME not in written


# Checkouts that wait for their contact.


def test_a_waiting_checkout_is_linked_when_its_contact_arrives_and_says_whether_it_may_be_written_to(database_url):
    run(database_url, [schema("abandoned_checkouts"), checkout(41, 1), checkout(42, 2), checkout(43, 3)])
    node = "SELECT user_code, checkout_id, may_email, may_sms FROM abandoned_checkout_node ORDER BY user_code"
    before = query(database_url, node)

    feed(
        database_url,
        person(1, HOME, "SUBSCRIBED", at(1)),
        person(2, WORK, "UNSUBSCRIBED", at(1)),
        person(3, "+49 170 111111", "SUBSCRIBED", at(1), channel="sms"),
    )

    assert before == []
    assert [(code, cart, bool(mail), bool(sms)) for code, cart, mail, sms in query(database_url, node)] == [
        ("1", 41, True, False),
        ("2", 42, False, False),
        ("3", 43, False, True),
    ]
    feed(database_url, person(4, HOME, "UNSUBSCRIBED", at(5)))
    assert [(code, bool(mail)) for code, _cart, mail, _sms in query(database_url, node)] == [
        ("1", False),
        ("2", False),
        ("3", False),
    ]
