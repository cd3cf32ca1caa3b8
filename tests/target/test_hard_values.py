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
        '"id": 5, "tags": [1e400]',
        f'"id": 6, "tags": [{10**400}]',
    ]
    record = json.dumps(customer(0)["record"])[:-1]
    # Of a name that comes twice the last counts.
    lines = [f'{{"type": "RECORD", "stream": "customers", "record": {record}, {number}}}}}' for number in numbers]

    run(database_url, [schema(), *lines, customer(9)])

    assert [key for key, _reason in query(database_url, REASONS)] == [
        "1E+9999999",
        *("1", "2", "3", "4", "5", "6"),
    ]
    assert query(database_url, "SELECT user_code FROM contacts") == [("9",)]


ENDLESS = ("9" * 5000, "-" + "9" * 5000, "9" * 1_000_000, "1e" + "9" * 30, "-1e-" + "9" * 30, "1e" + "9" * 5000)


@pytest.mark.parametrize("number", ENDLESS, ids=range(len(ENDLESS)))
def test_a_number_that_python_refuses_to_read_rejects_its_record(database_url, number):
    names = ("orders_count", "orders_total_spent", "first_name", "email", "tags")
    changed = {name: [NUMBER] if name == "tags" else NUMBER for name in names}
    messages = [customer(n, **{name: value}) for n, (name, value) in enumerate(changed.items(), start=1)]
    messages += [customer(NUMBER, email_marketing_state="UNSUBSCRIBED"), customer(8, not_mapped=NUMBER), customer(9)]
    messages += [schema("abandoned_checkouts"), checkout(1, 9, total_price=NUMBER), checkout(2, 9)]

    run(database_url, [schema(), *(json.dumps(one).replace(f'"{NUMBER}"', number) for one in messages)])

    assert query(database_url, "SELECT user_code FROM contacts ORDER BY user_code") == [("8",), ("9",)]
    assert query(database_url, "SELECT id FROM checkouts") == [(2,)]
    told = query(database_url, REASONS)
    assert sorted(reason for _key, reason in told) == [
        "field `email` is not text",
        "field `first_name` is a number with too many digits",
        "field `id` is not a whole number",
        "field `orders_count` is not a whole number",
        "field `orders_total_spent` is a number with too many digits",
        "field `tags` is a number with too many digits",
        "field `total_price` is a number with too many digits",
    ]
    assert {key for key, _reason in told if len(key) == 1} == {"1", "2", "3", "4", "5"}
    kept = dict(query(database_url, "SELECT \"key\", record FROM operation_records WHERE stream = 'customers'"))
    # Of an exponent that no number of Python has, only that is kept.
    assert _json([[kept["5"]]])[0][0]["tags"] == ["Infinity" if "e" in number else number]


NUMBER = "NUMBER"


def test_a_number_without_end_reaches_a_record_through_stream_maps_and_files_as_well(migrated_sqlite_url, tmp_path):
    number, record = "9" * 5000, json.dumps(customer(1, orders_count=NUMBER, first_name="Half \ud83d")["record"])
    file = tmp_path / "records.jsonl"
    file.write_text(record.replace(f'"{NUMBER}"', number))
    batch = {"type": "BATCH", "stream": "customers", "encoding": {"format": "jsonl"}, "manifest": [file.as_uri()]}
    line = f'{{"type": "RECORD", "stream": "customers", "record": {file.read_text()}}}'

    run(migrated_sqlite_url, [schema(), batch, customer(2)])
    run(migrated_sqlite_url, [schema(), line, customer(3)], stream_maps={"customers": {"first_name": "first_name"}})

    assert query(migrated_sqlite_url, REASONS) == [("1", "field `orders_count` is not a whole number")] * 2
    assert query(migrated_sqlite_url, "SELECT user_code FROM contacts ORDER BY user_code") == [("2",), ("3",)]


def nested(levels, innermost="x"):
    """Return JSON of lists in each other."""
    return "[" * levels + json.dumps(innermost) + "]" * levels


@pytest.mark.parametrize("levels", [31, 300, 980, 1200, 100_000])
def test_a_value_of_many_levels_rejects_its_record_which_is_kept_with_the_value_as_text(database_url, levels):
    messages = [
        customer(1, tags=DEEP),
        customer(2, bag={"a": DEEP}),
        customer(3, tags=DEEP, email_marketing_state="UNSUBSCRIBED"),
        customer(DEEP),
        customer(4, not_mapped=DEEP),
        schema("abandoned_checkouts", custom_attributes={"type": "array"}),
        checkout(1, 4, custom_attributes=DEEP),
        checkout(2, 4),
    ]
    lines = [json.dumps(one).replace(f'"{DEEP}"', nested(levels, '"\\\x7f]{')) for one in messages]

    run(database_url, [schema(bag=OBJECT), *lines])

    problem = "has more than 30 levels of lists and objects in each other"
    told = dict(query(database_url, 'SELECT reason, "key" FROM operation_records'))
    assert set(told) == {
        f"field `tags` {problem}",
        f"field `bag` {problem}",
        "field `id` is not a whole number",
        f"field `custom_attributes` {problem}",
    }
    assert told["field `id` is not a whole number"].startswith("[" * 31)
    assert query(database_url, "SELECT user_code FROM contacts") == [("4",)]
    assert query(database_url, "SELECT id FROM checkouts") == [(2,)]
    kept = dict(query(database_url, "SELECT \"key\", record FROM operation_records WHERE stream = 'customers'"))
    record = _json([[kept["1"]]])[0][0]
    assert (record["id"], record["email"], type(record["tags"])) == (1, "person1@example.com", str)
    assert record["tags"].startswith("[" * 31)
    # What it says against writing counts all the same.
    assert query(database_url, "SELECT COUNT(*) FROM suppressions") == [(1,)]


DEEP = "DEEP"


def test_a_value_of_as_many_levels_as_every_engine_holds_is_taken_in_and_kept(database_url):
    value = json.loads(nested(30))

    run(database_url, [schema(), customer(1, tags=value), customer(2, tags=value, orders_count="x")])

    assert _json(query(database_url, "SELECT tags FROM contacts")) == [[value]]
    assert _json(query(database_url, "SELECT record FROM operation_records"))[0][0]["tags"] == value


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
