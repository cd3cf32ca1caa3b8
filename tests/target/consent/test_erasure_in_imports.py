"""REDACTED, through the real target: the person goes, a tombstone stays."""

from __future__ import annotations

import json
import typing as t

import pytest

from target_contactdb import contact_import
from tests.target.consent.outsiders import OPTED_OUT
from tests.target.consent.people import (
    HOME,
    LATER,
    SHOP_A,
    WORK,
    at,
    contactable,
    feed,
    outcomes,
    person,
    statuses,
)
from tests.target.singer import checkout, query, run, schema

# REDACTED: the person goes, a tombstone stays.


def everything(url: str) -> str:
    """Return all that the database holds, as one text."""
    tables = [
        "contacts",
        "contact_sources",
        "suppressions",
        "checkouts",
        "checkout_lines",
        "operations",
        "operation_records",
        "status_changes",
        "tombstones",
    ]
    return "\n".join(str(query(url, f"SELECT * FROM {table}")) for table in tables)


@pytest.mark.parametrize("redacted_by", ["email", "sms"])
def test_redacted_on_either_channel_removes_the_person_from_every_table(database_url, redacted_by):
    phone = {"phone": "+49 170 111111", "sms_marketing_state": "SUBSCRIBED"}
    feed(
        database_url,
        person(1, HOME, "SUBSCRIBED", at(1), first_name="Annegret", **phone),
        person(2, WORK, "SUBSCRIBED", at(1), first_name="Bob"),
    )
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1), updated="not a time", first_name="Annegret", **phone))
    columns: dict[str, t.Any] = {"customer_email": {"type": ["string", "null"]}}
    carts = [
        checkout(41, 1, customer_email=HOME),
        checkout(42, 1, customer_email=HOME, total_price="no money"),
        checkout(43, None, customer_email=HOME),
        checkout(44, 2, customer_email=WORK),
    ]
    run(database_url, [schema("abandoned_checkouts", **columns), *carts])
    gone = {"email": HOME, "email_marketing_state": "SUBSCRIBED", **phone}
    gone |= {f"{redacted_by}_marketing_state": "REDACTED"}

    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1), **{**gone, "updated_at": at(9)}))

    assert outcomes(database_url) == {"erased": 1}
    left = everything(database_url)
    assert [word for word in (HOME, "Annegret", "+49 170 111111") if word in left] == []
    assert query(database_url, "SELECT user_code, first_name FROM contacts") == [("2", "Bob")]
    assert query(database_url, "SELECT id FROM checkouts") == [(44,)]
    assert sorted(query(database_url, "SELECT kind FROM tombstones")) == [("email",), ("sms",), ("source",)]


def test_nothing_of_an_erased_customer_ever_comes_back(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    feed(database_url, person(1, HOME, "REDACTED", at(2)))

    feed(database_url, person(1, HOME, "SUBSCRIBED", LATER))
    of_customer = outcomes(database_url)
    run(database_url, [schema("abandoned_checkouts"), checkout(41, 1)])

    assert of_customer == outcomes(database_url) == {"suppressed": 1}
    assert query(database_url, "SELECT count(*) FROM contacts") == [(0,)]
    assert query(database_url, "SELECT count(*) FROM checkouts") == [(0,)]


@pytest.mark.parametrize(
    ("state", "when", "outcome"),
    [
        ("SUBSCRIBED", at(1), "suppressed"),
        ("SUBSCRIBED", None, "suppressed"),
        ("NOT_SUBSCRIBED", LATER, "suppressed"),
        ("SUBSCRIBED", LATER, "inserted"),
    ],
)
def test_an_erased_address_comes_back_only_by_a_newer_consent(database_url, state, when, outcome):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    feed(database_url, person(1, HOME, "REDACTED", at(2)))

    feed(database_url, person(2, HOME.upper(), state, when, updated=at(9)))

    assert outcomes(database_url) == {outcome: 1}


def test_an_erased_address_does_not_come_back_by_way_of_another_contact(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)), person(2, WORK, "SUBSCRIBED", at(1)))
    feed(database_url, person(1, HOME, "REDACTED", at(2)))

    feed(database_url, person(2, HOME, "SUBSCRIBED", at(1), updated=at(9)))

    assert contactable(database_url) == set()


@pytest.mark.parametrize("order", [[0, 1], [1, 0]], ids=["erasure first", "erasure last"])
def test_an_erased_address_does_not_come_back_within_the_batch(database_url, order):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    records = [person(1, HOME, "REDACTED", at(2)), person(2, HOME, "SUBSCRIBED", at(1))]

    feed(database_url, *(records[index] for index in order))

    assert outcomes(database_url) == {"erased": 1, "suppressed": 1}


def test_a_redacted_customer_never_seen_is_not_inserted_and_leaves_a_tombstone_of_its_address(database_url):
    feed(database_url, person(1, HOME, "REDACTED", at(2)))
    first = outcomes(database_url)
    feed(database_url, person(1, HOME, "SUBSCRIBED", LATER))
    again = outcomes(database_url)
    feed(database_url, person(2, HOME, "SUBSCRIBED", at(1)))

    assert (first, again, outcomes(database_url)) == ({"suppressed": 1}, {"suppressed": 1}, {"suppressed": 1})


def test_redacted_counts_also_where_the_address_may_not_be_read(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    record = {"id": 1, "shop": SHOP_A, "updated_at": at(2), "email_marketing_state": "REDACTED"}

    run(database_url, [schema(email=None), {"type": "RECORD", "stream": "customers", "record": record}])

    assert outcomes(database_url) == {"erased": 1}


def test_an_opt_out_counts_also_where_the_address_may_not_be_read(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    record = {
        "id": 1,
        "shop": SHOP_A,
        "updated_at": at(2),
        "email_marketing_state": "UNSUBSCRIBED",
        "email_marketing_updated_at": at(2),
    }

    run(database_url, [schema(email=None), {"type": "RECORD", "stream": "customers", "record": record}])

    assert statuses(database_url) == {"1": OPTED_OUT}


CHECKOUTS = schema("abandoned_checkouts", customer_email={"type": "string"}, customer_phone={"type": "string"})


@pytest.fixture
def erased_url(database_url):
    """The URL of a database in which a person was erased, and another one is a contact."""
    feed(
        database_url,
        person(1, HOME, "SUBSCRIBED", at(1), phone="+49 170 111111"),
        person(2, WORK, "SUBSCRIBED", at(1)),
    )
    feed(database_url, person(1, HOME, "REDACTED", at(2), phone="+49 170 111111"))
    return database_url


@pytest.mark.parametrize("number", [None, 2, 7], ids=["guest", "another contact", "unknown customer"])
@pytest.mark.parametrize("named", [{"customer_email": HOME.upper()}, {"customer_phone": "+49170111111"}])
def test_a_checkout_does_not_bring_an_erased_address_back(erased_url, number, named):
    run(erased_url, [CHECKOUTS, checkout(41, number, **named), checkout(42, number)])

    assert outcomes(erased_url) == {"suppressed": 1, "inserted": 1}
    assert query(erased_url, "SELECT id FROM checkouts") == [(42,)]


@pytest.mark.parametrize("number", [None, 1, 2])
def test_a_rejected_checkout_of_an_erased_person_is_not_kept(erased_url, number):
    run(erased_url, [CHECKOUTS, checkout("bad", number, customer_email=HOME), checkout(42, 2, total_price="bad")])

    assert outcomes(erased_url) == {"suppressed": 1, "rejected": 1}
    assert query(erased_url, 'SELECT "key" FROM operation_records') == [("42",)]


def test_a_rejected_record_without_a_key_is_not_kept_with_an_erased_address(erased_url):
    feed(erased_url, person(None, HOME, "SUBSCRIBED", at(1)), person(None, WORK, "SUBSCRIBED", at(1)))

    assert outcomes(erased_url) == {"rejected": 2}
    kept = query(erased_url, "SELECT record IS NOT NULL FROM operation_records ORDER BY record_id")
    assert [bool(one) for (one,) in kept] == [False, True]


@pytest.mark.parametrize("at_once", [1, 2000])
@pytest.mark.parametrize("number", [5, "x"])
def test_a_rejected_record_before_the_redaction_in_its_batch_is_not_kept_either(
    migrated_sqlite_url, monkeypatch, at_once, number
):
    monkeypatch.setattr(contact_import, "AT_ONCE", at_once)
    rejected = person(number, HOME, "SUBSCRIBED", at(1), orders_count="many")

    feed(migrated_sqlite_url, rejected, person(6, HOME, "REDACTED", updated=at(2)))

    assert HOME not in everything(migrated_sqlite_url)


def test_a_redaction_that_is_written_in_escapes_closes_the_address_within_its_batch(migrated_sqlite_url):
    redacted = json.dumps(person(1, HOME, "REDACTED", updated=at(4))).replace("REDACTED", r"\u0052EDACTED")

    run(migrated_sqlite_url, [schema(), person(2, HOME, "SUBSCRIBED", at(3)), redacted])

    assert (statuses(migrated_sqlite_url), outcomes(migrated_sqlite_url)) == ({}, {"suppressed": 2})


def test_checkouts_of_a_contact_that_holds_an_erased_address_again_come_in(erased_url):
    feed(erased_url, person(3, HOME, "SUBSCRIBED", LATER))

    run(erased_url, [CHECKOUTS, checkout(41, 3, customer_email=HOME), checkout(42, 2, customer_email=HOME)])

    assert outcomes(erased_url) == {"inserted": 1, "suppressed": 1}
    assert query(erased_url, "SELECT id FROM checkouts") == [(41,)]
