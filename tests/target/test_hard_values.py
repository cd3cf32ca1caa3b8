"""Values at the edge of what databases hold: each is taken in, or rejects its own record, and never ends the run."""

from __future__ import annotations

import json

import pytest

from tests.target.singer import checkout, customer, query, run, schema

REASONS = 'SELECT "key", reason FROM operation_records ORDER BY record_id'
BEFORE_ALL, AFTER_ALL = "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"
OBJECT = {"type": ["object", "null"]}


@pytest.mark.parametrize("moment", [BEFORE_ALL, AFTER_ALL])
def test_a_time_that_no_calendar_holds_rejects_its_record(database_url, moment):
    names = ("updated_at", "created_at", "last_order_created_at", "email_marketing_updated_at")

    run(database_url, [schema(), customer(9), *(customer(n, **{name: moment}) for n, name in enumerate(names))])
    run(database_url, [schema("abandoned_checkouts"), checkout(1, None, completed_at=moment), checkout(2, None)])

    problem = "is a time that no calendar holds in UTC"
    told = {(key, reason) for key, reason in query(database_url, REASONS)}
    assert told == {
        *((str(n), f"field `{name}` {problem}") for n, name in enumerate(names)),
        ("1", f"field `completed_at` {problem}"),
    }
    assert query(database_url, "SELECT user_code FROM contacts") == [("9",)]


def test_the_first_and_the_last_moment_are_kept(database_url):
    first, last = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"

    run(database_url, [schema(), customer(1, created_at=first), customer(2, created_at=last)])
    run(database_url, [schema(), customer(1, created_at=last), customer(2, created_at=first)])

    assert query(database_url, "SELECT user_code FROM contacts ORDER BY user_code") == [("1",), ("2",)]


def test_null_characters_in_lists_and_objects_are_left_out(database_url):
    bag = {"na\0me": ["va\0lue", {"in\0ner": "\0"}]}
    messages = [
        schema(bag=OBJECT),
        customer(1, tags=["a\0b"], bag=bag),
        customer(2, orders_count="x", tags=["a\0b"], bag=bag),
        schema("abandoned_checkouts", custom_attributes={"type": "array"}, billing_address=OBJECT),
        checkout(1, 1, custom_attributes=[{"ke\0y": "v\0"}], billing_address={"ci\0ty": "x\0"}),
        checkout("x", 1, billing_address={"ci\0ty": "x\0"}),
    ]

    run(database_url, messages)

    clean = {"name": ["value", {"inner": ""}]}
    assert _json(query(database_url, "SELECT tags, bag FROM contacts")) == [[["ab"], clean]]
    assert _json(query(database_url, "SELECT custom_attributes, billing_address FROM checkouts")) == [
        [[{"key": "v"}], {"city": "x"}]
    ]
    kept = _json(query(database_url, "SELECT record FROM operation_records ORDER BY record_id"))
    assert [(one.get("bag"), one.get("billing_address")) for (one,) in kept] == [
        (clean, None),
        (None, {"city": "x"}),
    ]


def test_a_number_of_millions_of_digits_rejects_its_record_and_takes_no_time(database_url):
    numbers = [
        '"id": 1e9999999',
        '"id": 1, "orders_count": 1e9999999',
        '"id": 2, "orders_total_spent": 1e9999999',
        '"id": 3, "tags": [1e9999999]',
        '"id": 4, "first_name": 1e9999999',
    ]
    record = json.dumps(customer(0)["record"])[:-1]
    # Of a name that comes twice the last counts.
    lines = [f'{{"type": "RECORD", "stream": "customers", "record": {record}, {number}}}}}' for number in numbers]

    run(database_url, [schema(), *lines, customer(9)])

    assert [key for key, _reason in query(database_url, REASONS)] == ["1E+9999999", "1", "2", "3", "4"]
    assert query(database_url, "SELECT user_code FROM contacts") == [("9",)]


def test_half_a_character_is_taken_in_as_the_replacement_character(database_url):
    record = json.dumps(customer(1, first_name="HALF", tags=["HALF"])).replace(
        "HALF", "A\\\\ud83d \\ud83d\\ude00 \\ud83d"
    )

    run(database_url, [schema(), record, customer(2)])

    assert query(database_url, "SELECT user_code, first_name FROM contacts ORDER BY user_code") == [
        ("1", "A\\ud83d \U0001f600 \ufffd"),
        ("2", "Name2"),
    ]


def test_half_a_character_in_a_file_of_a_batch_message_is_no_error_either(migrated_sqlite_url, tmp_path):
    file = tmp_path / "records.jsonl"
    file.write_text(json.dumps(customer(1, first_name="Half \ud83d")["record"]))
    batch = {"type": "BATCH", "stream": "customers", "encoding": {"format": "jsonl"}, "manifest": [file.as_uri()]}

    run(migrated_sqlite_url, [schema(), batch])

    assert query(migrated_sqlite_url, "SELECT first_name, orders_total_spent FROM contacts") == [("Half \ufffd", 12.5)]


def test_half_a_character_passes_through_stream_maps(migrated_sqlite_url):
    record = json.dumps(customer(1, first_name="Half \ud83d"))

    run(migrated_sqlite_url, [schema(), record], stream_maps={"customers": {"first_name": "first_name.upper()"}})

    assert query(migrated_sqlite_url, "SELECT first_name FROM contacts") == [("HALF \ufffd",)]


def test_a_key_that_the_log_has_no_room_for_is_cut_in_it(database_url):
    run(database_url, [schema(), customer("x\0" * 300), customer(["\0"])])

    assert query(database_url, REASONS) == [
        ("x" * 255, "field `id` is not a whole number"),
        ("['']", "field `id` is not a whole number"),
    ]


def _json(rows):
    return [[json.loads(one) if isinstance(one, str) else one for one in row] for row in rows]
