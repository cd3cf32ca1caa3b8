"""Customers become contacts: keys, fields, mappings, and what the log says of each record."""

from __future__ import annotations

import pytest

from target_contactdb.errors import ConfigError
from tests.target.singer import customer, query, refuse_writes, run, schema

OUTCOMES = """
SELECT state, records_read, inserted, updated, unchanged, rejected, superseded, suppressed, erased
FROM operations ORDER BY operation_id
"""


def test_a_customer_becomes_a_contact_with_every_field_under_its_own_name(database_url):
    run(database_url, [schema(), customer(9007199254740993, orders_total_spent=902.45)])

    columns = "user_code, email, first_name, orders_total_spent, email_status, sms_status"
    ((code, email, name, spent, by_email, by_sms),) = query(database_url, f"SELECT {columns} FROM contacts")
    assert (code, email, name) == ("9007199254740993", "person9007199254740993@example.com", "Name9007199254740993")
    assert (format(spent, ".2f"), by_email, by_sms) == ("902.45", "subscribed", "none")


def test_the_same_input_twice_writes_no_row_the_second_time(database_url):
    messages = [schema(), *(customer(number) for number in range(1, 40))]
    run(database_url, messages)
    tables = ["contacts", "contact_sources", "suppressions", "status_changes", "contact_fields", "checkouts"]
    before = {table: query(database_url, f"SELECT * FROM {table}") for table in tables}
    refuse_writes(database_url, *tables)

    run(database_url, messages)

    assert {table: query(database_url, f"SELECT * FROM {table}") for table in tables} == before
    assert query(database_url, OUTCOMES) == [
        ("completed", 39, 39, 0, 0, 0, 0, 0, 0),
        ("completed", 39, 0, 0, 39, 0, 0, 0, 0),
    ]


def test_a_changed_customer_is_updated_and_keeps_its_contact_id(database_url):
    run(database_url, [schema(), customer(1), customer(2)])
    run(database_url, [schema(), customer(2, first_name="Other", updated_at="2026-10-02T00:00:00Z")])

    assert query(database_url, "SELECT contact_id, user_code, first_name FROM contacts ORDER BY contact_id") == [
        (1, "1", "Name1"),
        (2, "2", "Other"),
    ]
    assert query(database_url, OUTCOMES)[1] == ("completed", 1, 0, 1, 0, 0, 0, 0, 0)


def test_an_older_record_never_overwrites_a_newer_one(database_url):
    run(database_url, [schema(), customer(1)])
    run(database_url, [schema(), customer(1, first_name="Old", updated_at="2026-09-30T00:00:00Z")])

    assert query(database_url, "SELECT first_name FROM contacts") == [("Name1",)]
    assert query(database_url, OUTCOMES)[1] == ("completed", 1, 0, 0, 0, 0, 1, 0, 0)


def test_of_two_records_of_a_key_in_one_batch_the_later_wins(database_url):
    run(database_url, [schema(), customer(1, first_name="First"), customer(1, first_name="Second")])

    assert query(database_url, "SELECT first_name FROM contacts") == [("Second",)]
    assert query(database_url, OUTCOMES) == [("completed", 2, 1, 0, 0, 0, 1, 0, 0)]


def test_a_bad_record_is_rejected_and_kept_and_the_rest_goes_on(database_url):
    bad = customer(2, orders_total_spent="plenty")
    run(database_url, [schema(), customer(1), bad, customer(3)])

    assert query(database_url, OUTCOMES) == [("completed with rejections", 3, 2, 0, 0, 1, 0, 0, 0)]
    assert query(database_url, 'SELECT stream, "key", outcome, reason FROM operation_records') == [
        ("customers", "2", "rejected", "field `orders_total_spent` is not a number")
    ]


def test_a_record_without_its_key_is_rejected(database_url):
    keyless = customer(1)
    del keyless["record"]["id"]
    run(database_url, [schema(), keyless])

    assert query(database_url, 'SELECT "key", reason FROM operation_records') == [(None, "field `id` is missing")]


def test_a_field_that_the_record_does_not_carry_is_left_as_it_is(database_url):
    run(database_url, [schema(), customer(1)])
    partial = customer(1, updated_at="2026-10-02T00:00:00Z", orders_count=3)
    del partial["record"]["first_name"]
    run(database_url, [schema(), partial, customer(2, first_name=None)])

    assert query(database_url, "SELECT user_code, first_name, orders_count FROM contacts ORDER BY contact_id") == [
        ("1", "Name1", 3),
        ("2", None, 0),
    ]


@pytest.mark.parametrize(
    ("update", "when_empty", "second", "expected"),
    [
        ("always", "clear", "New", "New"),
        ("always", "clear", None, None),
        ("always", "keep", None, "Name1"),
        ("if_empty", "clear", "New", "Name1"),
        ("never", "clear", "New", "Name1"),
    ],
)
def test_a_mapping_writes_an_existing_contact_by_its_rules(database_url, update, when_empty, second, expected):
    mappings = [
        {"source": "email", "field": "email"},
        {"source": "First name", "field": "given_name", "update": update, "when_empty": when_empty},
    ]
    config = {"contact_fields": [{"name": "given_name", "type": "text"}], "mappings": mappings}
    run(database_url, [schema(), customer(1)], **config)
    run(database_url, [schema(), customer(1, first_name=second, updated_at="2026-10-02T00:00:00Z")], **config)

    assert query(database_url, "SELECT given_name FROM contacts") == [(expected,)]


def test_if_empty_fills_an_empty_field(database_url):
    config = {"mappings": [{"source": "first_name", "field": "first_name", "update": "if_empty"}]}
    run(database_url, [schema(), customer(1, first_name=None)], **config)
    run(database_url, [schema(), customer(1, updated_at="2026-10-02T00:00:00Z")], **config)

    assert query(database_url, "SELECT first_name FROM contacts") == [("Name1",)]


def test_wrong_mappings_are_all_named_at_once_and_nothing_is_written(tmp_path):
    url = f"sqlite:///{tmp_path / 'contacts.db'}"
    mappings = [
        {"source": "nothing", "field": "first_name"},
        {"source": "tags", "field": "first_name"},
        {"source": "email", "field": "email_status"},
        {"source": "email", "field": "undeclared"},
    ]
    with pytest.raises(ConfigError) as caught:
        run(url, [schema(), customer(1)], mappings=mappings)

    assert caught.value.problems == [
        "setting `mappings`, entry 1: the stream has no field named or labelled `nothing`",
        "setting `mappings`, entry 2: the contact field `first_name` is mapped twice",
        "setting `mappings`, entry 2: a field of type text cannot hold `tags`, which is list",
        "setting `mappings`, entry 3: `email_status` is a reserved column and cannot be mapped",
        "setting `mappings`, entry 4: unknown contact field `undeclared`; declare it in `contact_fields`",
    ]
    assert not (tmp_path / "contacts.db").exists()


def test_a_field_that_another_type_holds_is_refused(database_url):
    run(database_url, [schema(), customer(1)])
    told = "`orders_count` is of type integer in the database and cannot become boolean: it may become decimal or text"
    with pytest.raises(ConfigError, match=told):
        run(database_url, [schema(orders_count={"type": "boolean"}), customer(1)])


def test_a_new_property_becomes_a_new_field_also_in_the_middle_of_a_run(database_url):
    run(
        database_url,
        [schema(), customer(1), schema(locale={"type": ["string", "null"]}), customer(2, locale="fr")],
    )

    assert query(database_url, "SELECT user_code, locale FROM contacts ORDER BY contact_id") == [
        ("1", None),
        ("2", "fr"),
    ]
    assert query(database_url, OUTCOMES) == [("completed", 2, 2, 0, 0, 0, 0, 0, 0)]


def test_text_that_looks_like_markup_or_control_survives(database_url):
    name = 'O\'Brien\n\t\\N "x" ; ☃ \u202e'
    run(database_url, [schema(), customer(1, first_name=name, tags=["a,b", 'c"d', "\\"])])

    assert query(database_url, "SELECT first_name FROM contacts") == [(name,)]


def test_a_null_character_is_left_out_since_postgresql_has_none(database_url):
    run(database_url, [schema(), customer(1, first_name="a\x00b")])

    assert query(database_url, "SELECT first_name FROM contacts") == [("ab",)]
