"""Who is no contact can be handed out and erased as well: rejected and discarded records, and checkouts that wait."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from target_contactdb.admin.cli import main
from tests.target.singer import checkout, customer, query, run, schema

TEXT = {"type": ["string", "null"]}
CHECKOUTS = schema("abandoned_checkouts", customer_email=TEXT, customer_phone=TEXT)
ONLY_A = {"import_filters": [{"field": "tags", "op": "contains", "value": "a"}]}


@pytest.fixture
def command(database_url):
    """Return `contactdb`, run over a database with a contact and three people who are none."""
    run(
        database_url,
        [
            schema(),
            customer(1),
            customer(2, orders_count="x"),
            customer(3, tags=["z"]),
            CHECKOUTS,
            checkout(2, 1, customer_email="person1@example.com"),
            checkout(40, 4, customer_email="guest@example.com", line_items=[{"title": "Mug"}]),
            checkout("bad", 4, customer_email="guest@example.com"),
        ],
        options=ONLY_A,
    )
    runner = CliRunner(env={"TARGET_CONTACTDB_SQLALCHEMY_URL": database_url})
    return lambda *words, **more: runner.invoke(main, words, **more)


def held(command, key):
    result = command("export", key)
    assert result.exit_code == 0, result.output
    return {name: len(rows) for name, rows in json.loads(result.stdout).items() if rows}


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        ("2", {"operation_records": 1}),
        ("PERSON2@example.com", {"operation_records": 1}),
        # Of a discarded record only the key is kept, so its address finds nobody.
        ("3", {"operation_records": 1}),
        ("4", {"checkouts": 1, "checkout_lines": 1, "operation_records": 1}),
        ("guest@example.com", {"checkouts": 1, "checkout_lines": 1, "operation_records": 1}),
    ],
)
def test_what_is_kept_of_somebody_who_is_no_contact_is_handed_out_and_erased(database_url, command, key, rows):
    assert held(command, key) == rows

    erased = command("erase", key, "--yes", "--format", "json")
    done = json.loads(erased.stdout)

    assert done["contact_id"] is None
    assert {name: number for name, number in done["removed"].items() if number} == rows
    assert command("export", key).exit_code == 2
    assert query(database_url, "SELECT user_code FROM contacts") == [("1",)]
    assert query(database_url, "SELECT id FROM checkouts WHERE contact_id IS NOT NULL") == [(2,)]
    assert query(database_url, "SELECT kind FROM tombstones") != []


def test_who_was_erased_without_being_a_contact_never_comes_in(database_url, command):
    command("erase", "2", "--yes")

    run(database_url, [schema(), customer(2), customer(9, email="Person2@example.com")])

    assert query(database_url, "SELECT user_code FROM contacts") == [("1",)]


def test_the_erasure_of_a_stranger_asks_first(command):
    result = command("erase", "2", input="n\n")

    assert result.exit_code == 2
    assert "Erase this person, who is no contact, for good?" in result.stderr


def test_a_rejected_record_leads_to_the_contact_of_its_customer(database_url, command):
    run(database_url, [schema(), customer(1, email="new@example.com", orders_count="x")])

    assert json.loads(command("erase", "new@example.com", "--yes", "--format", "json").stdout)["contact_id"] == 1
    assert query(database_url, "SELECT user_code FROM contacts") == []


def test_the_id_of_a_checkout_is_not_taken_for_that_of_a_customer(database_url, command):
    run(database_url, [CHECKOUTS, checkout(77, 1, total_price="x")])

    assert command("export", "77").exit_code == 2
    assert command("erase", "77", "--yes").exit_code == 2
