"""Rejected records can be played back once their cause is mended: nothing is ever lost."""

from __future__ import annotations

import json
import typing as t

import pytest
from click.testing import CliRunner

from target_contactdb.admin.cli import main
from tests.target.singer import checkout, customer, execute, query, run, schema, state

OTHER_SHOP = "shop-b.myshopify.com"


def exported(url, *arguments):
    """Return what `contactdb log --rejected --export` prints, line by line."""
    result = CliRunner().invoke(main, ["--sqlalchemy-url", url, "log", "--rejected", "--export", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def plan(choices):
    return {"contact_fields": [{"name": "plan", "type": "choice", "choices": choices}]}


def with_plan(number, value, **values):
    return customer(number, plan=value, **values)


def test_a_rejected_record_comes_in_once_its_cause_is_mended(database_url):
    text = {"type": ["string", "null"]}
    mappings = [{"source": name, "field": name} for name in ("plan", "email", "orders_total_spent")]
    run(
        database_url,
        [
            schema(plan=text),
            with_plan(1, "gold"),
            with_plan(2, "silver", orders_total_spent=1234567890.1234),
            checkout_schema := schema("abandoned_checkouts"),
            checkout(7, 2, total_price="much"),
            state("customers", "2026-10-02T00:00:00Z"),
        ],
        mappings=mappings,
        **plan(["gold"]),
    )
    assert query(database_url, "SELECT stream, outcome FROM operation_records ORDER BY record_id") == [
        ("customers", "rejected"),
        ("abandoned_checkouts", "rejected"),
    ]
    lines = exported(database_url)
    messages = [json.loads(line) for line in lines]

    assert [(one["type"], one["stream"]) for one in messages] == [
        ("SCHEMA", "customers"),
        ("RECORD", "customers"),
        ("SCHEMA", "abandoned_checkouts"),
        ("RECORD", "abandoned_checkouts"),
    ]
    assert messages[0]["schema"] == schema(plan=text)["schema"]
    assert messages[2]["schema"] == checkout_schema["schema"]
    assert messages[1]["record"] == with_plan(2, "silver", orders_total_spent=1234567890.1234)["record"]
    assert "1234567890.1234" in lines[1]

    bookmarks = query(database_url, "SELECT max(bookmark) FROM operations")
    run(database_url, lines[:2], mappings=mappings, **plan(["gold", "silver"]))
    assert query(database_url, "SELECT user_code, plan FROM contacts ORDER BY user_code") == [
        ("1", "gold"),
        ("2", "silver"),
    ]
    assert query(database_url, "SELECT max(bookmark) FROM operations") == bookmarks


def test_a_record_without_a_key_is_named_once_however_often_it_is_played_back(sqlite_url):
    run(sqlite_url, [schema(), customer(None), customer(None, first_name="Other")])
    for _ in range(2):
        run(sqlite_url, exported(sqlite_url))

    assert [json.loads(line)["record"]["first_name"] for line in exported(sqlite_url)[1:]] == ["NameNone", "Other"]


def test_of_a_key_that_was_rejected_again_and_again_only_the_latest_is_exported(sqlite_url):
    for note in ("first", "second"):
        run(sqlite_url, [schema(), customer(1, updated_at=note), customer(2, updated_at=note, first_name=note)])

    assert [json.loads(line)["record"]["updated_at"] for line in exported(sqlite_url)[1:]] == ["second", "second"]
    assert [json.loads(line)["record"]["updated_at"] for line in exported(sqlite_url, "--operation", "1")[1:]] == [
        "first",
        "first",
    ]


def test_each_shop_has_its_own_schema(sqlite_url):
    run(sqlite_url, [schema(), customer(1, updated_at="x")])
    run(sqlite_url, [schema(shop=OTHER_SHOP), customer(1, updated_at="x")])
    shops = [
        message["schema"]["properties"]["shop"]["const"]
        for message in map(json.loads, exported(sqlite_url))
        if message["type"] == "SCHEMA"
    ]
    assert shops == ["shop-a.myshopify.com", OTHER_SHOP]


def test_records_of_two_shops_are_played_back_each_into_an_operation_of_its_shop(sqlite_url):
    for shop in (None, OTHER_SHOP):
        run(sqlite_url, [schema(**({"shop": shop} if shop else {})), customer(1, updated_at="x")])
    lines = [line.replace('"updated_at":"x"', '"updated_at":"2026-10-01T00:00:00Z"') for line in exported(sqlite_url)]
    run(sqlite_url, lines)

    assert query(sqlite_url, "SELECT shop, inserted, updated, state FROM operations WHERE operation_id > 2") == [
        ("shop-a.myshopify.com", 1, 0, "completed"),
        (OTHER_SHOP, 0, 1, "completed"),
    ]


def test_a_stream_whose_schema_is_not_known_is_named(sqlite_url):
    run(sqlite_url, [schema(), customer(1, updated_at="x")])
    execute(sqlite_url, "DELETE FROM streams")
    result = CliRunner().invoke(main, ["--sqlalchemy-url", sqlite_url, "log", "--rejected", "--export"])

    assert (result.exit_code, result.stderr) == (
        2,
        "Error: the SCHEMA of stream `customers` of shop shop-a.myshopify.com is not known yet:"
        " run its import once more\n",
    )


@pytest.mark.parametrize("changed", [False, True])
def test_an_unchanged_schema_is_not_written_again(sqlite_url, changed):
    run(sqlite_url, [schema(), customer(1)])
    long_ago = ("2000-01-01 00:00:00.000000",)
    execute(sqlite_url, f"UPDATE streams SET seen_at = '{long_ago[0]}'")
    changes: dict[str, t.Any] = {"first_name": None} if changed else {}
    run(sqlite_url, [schema(**changes), customer(1)])

    assert (query(sqlite_url, "SELECT seen_at FROM streams") == [long_ago]) is not changed


def listed(url, *arguments):
    """Return the keys that `contactdb log --rejected` lists, with the operation of each."""
    result = CliRunner().invoke(
        main, ["--sqlalchemy-url", url, "log", "--rejected", "--format", "json", *arguments], catch_exceptions=False
    )
    return [(one["operation_id"], one["stream"], one["key"]) for one in json.loads(result.stdout)["records"]]


def keys_of(lines):
    records = [json.loads(line).get("record") for line in lines]
    return [record["id"] for record in records if record is not None]


def test_only_what_is_still_rejected_is_listed_and_played_back(database_url):
    text = {"type": ["string", "null"]}
    bad = {"orders_count": "x"}
    only_a = {"import_filters": [{"field": "tags", "op": "contains", "value": "a"}]}
    customers = [customer(1), *(customer(n, **bad) for n in (1, 2, 3, 4)), customer("abc"), customer(None)]
    carts = [schema("abandoned_checkouts", name=text), checkout(1, 1, total_price="x"), checkout(2, 1), checkout(3, 1)]
    run(database_url, [schema(), *customers, *carts], options=only_a)
    later = {"updated_at": "2026-10-02T00:00:00Z"}
    # 1 and 2 were mended, 3 is kept out now, 4 is rejected again; of the checkouts 1 came in, 2 is rejected now.
    mended = [customer(1, **later), customer(2, **later), customer(3, tags=["z"], **later), customer(4, **bad, **later)]
    more = [carts[0], checkout(1, 1, **later), checkout(2, 1, total_price="x", **later)]
    run(database_url, [schema(), *mended, *more], options=only_a)

    assert listed(database_url) == [
        (4, "abandoned_checkouts", "2"),
        (3, "customers", "4"),
        (1, "customers", "abc"),
        (1, "customers", None),
    ]
    assert listed(database_url, "--operation", "2") == [(2, "abandoned_checkouts", "1")]
    assert listed(database_url, "--limit", "1") == [(4, "abandoned_checkouts", "2")]
    assert keys_of(exported(database_url)) == ["abc", None, 4, 2]
    assert keys_of(exported(database_url, "--operation", "1")) == ["abc", None, 1, 2, 3, 4]


def test_a_contact_whose_newer_record_is_rejected_is_listed_until_that_is_mended(database_url):
    run(database_url, [schema(), customer(1)])
    broken = customer(1, orders_count="x", updated_at="2026-10-02T00:00:00Z")
    for _time in range(2):
        run(database_url, [schema(), broken])
    again = listed(database_url)

    run(database_url, [schema(), customer(1, updated_at="2026-10-02T00:00:00Z")])

    assert (again, listed(database_url)) == ([(3, "customers", "1")], [])


def test_a_value_that_no_engine_holds_is_rejected_again_until_it_has_changed(database_url):
    raw = {"orders_count": "9" * 5000, "tags": "[" * 2000 + "]" * 2000}
    lines = []
    for number, (name, value) in enumerate(raw.items(), start=1):
        record = customer(number, **{name: "RAW"}, email_marketing_state="UNSUBSCRIBED")
        lines.append(json.dumps(record).replace('"RAW"', value))
    run(database_url, [schema(), *lines])
    first = exported(database_url)
    run(database_url, first)

    assert exported(database_url) == first
    assert [json.loads(line)["record"]["id"] for line in first[1:]] == [1, 2]
    assert query(database_url, "SELECT COUNT(*) FROM contacts") == [(0,)]

    run(database_url, [schema(), customer(1), customer(2)])
    assert exported(database_url) == []
    for number in (1, 2):
        result = CliRunner().invoke(main, ["--sqlalchemy-url", database_url, "erase", str(number), "--yes"])
        assert result.exit_code == 0, result.output
    assert query(database_url, "SELECT COUNT(*) FROM operation_records WHERE record IS NOT NULL") == [(0,)]
