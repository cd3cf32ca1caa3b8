"""The name of a flow: a slip begins no flow of its own, and a new one is told."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from target_contactdb import tables
from target_contactdb.node.flows import NewFlow
from target_contactdb.node.rules import Verdict

NODE = ("abandoned-checkout", "--after", "60")


@pytest.fixture
def entered(shop, node):
    """Contact 1 has entered `reminder`; contact 2 waits for whatever flow comes."""
    for number in (1, 2):
        shop.contact(number)
        shop.checkout(10 + number, number, 120 - number)
    shop.read_checkouts(10)
    assert node.carts("--limit", "1") == [11]
    return shop


@pytest.mark.parametrize("name", ["remindr", "Reminder", "reminder ", "reminders"])
def test_a_slip_in_the_name_of_a_flow_enters_nobody(entered, node, name):
    before = entered.rows(tables.flow_entries)

    result = node.run(*NODE, "--flow", name)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"Error: option --flow: nobody has entered a flow `{name}`; did you mean `reminder`? --new-flow begins one of"
        " this name\n"
    )
    assert entered.rows(tables.flow_entries) == before


def test_a_flow_of_nearly_the_same_name_begins_on_purpose(entered, node):
    told = "the flow `reminder-2` is new; there were `reminder`\n"
    assert node.carts("--new-flow", "--limit", "1", flow="reminder-2", told=told) == [11]

    # It is one like any other from then on, with the option and without.
    assert node.carts("--new-flow", "--limit", "1", flow="reminder-2") == [12]
    assert node.carts(flow="reminder-2") == []


def test_a_flow_of_another_name_begins_and_is_told_once_somebody_has_entered(entered, node):
    assert node.carts("--min-total", "1000", flow="vip") == []
    assert node.carts("--limit", "1", flow="vip", told="the flow `vip` is new; there were `reminder`\n") == [11]
    assert node.carts(flow="vip") == [12]


def test_the_first_flow_of_a_database_begins_without_a_word(shop, node):
    shop.contact(1)
    shop.checkout(11, 1, 120)
    shop.read_checkouts(10)

    assert node.reasons(*NODE, "--flow", "welcome") == {1: Verdict.ENTERS}
    assert node.carts(flow="welcome") == [11]


@pytest.mark.parametrize(
    ("name", "hint"), [("remindr", "did you mean `reminder`?"), ("vip", "there are `reminder`")], ids=["near", "far"]
)
def test_looking_at_a_flow_that_nobody_has_entered_says_so_and_takes_nobody(entered, node, name, hint):
    told = f"nobody has entered a flow `{name}`; {hint}\n"

    peeked = node.lines(*NODE, "--flow", name, "--peek", told=told)
    explained = node.lines(*NODE, "--flow", name, "--explain", told=told)

    assert [line["checkout"]["id"] for line in peeked] == [11, 12]
    assert [line["reason"] for line in explained] == [Verdict.ENTERS, Verdict.ENTERS]
    assert node.lines(*NODE, "--flow", name, "--peek", "--new-flow") == peeked
    assert len(entered.rows(tables.flow_entries)) == 1


@pytest.mark.parametrize("command", ["ack", "release"])
def test_an_entry_of_another_flow_is_told_by_its_flow(entered, node, command):
    node.carts("--limit", "1", flow="vip", told="the flow `vip` is new; there were `reminder`\n")
    before = entered.rows(tables.flow_entries)

    result = node.run(command, "--flow", "reminder", "1", "2", "7")

    assert result.exit_code == 2
    assert result.stderr == "Error: the flow `reminder` has no entry 2 (it is one of `vip`), 7\n"
    assert entered.rows(tables.flow_entries) == before


def test_flows_are_listed_with_their_numbers(shop, node):
    assert node.run("flows").stdout == "Flows\nNobody has entered a flow yet.\n"
    for number in (1, 2, 3, 4):
        shop.contact(number)
        shop.checkout(10 + number, number, 120 - number)
    shop.read_checkouts(10)
    node.carts("--limit", "1")
    given_back, leased, over = node.lines(*NODE, "--flow", "reminder", "--lease", "10m")
    node.lines("release", "--flow", "reminder", str(given_back["entry_id"]))
    node.carts("--limit", "1", flow="vip", told="the flow `vip` is new; there were `reminder`\n")
    entry_id = tables.flow_entries.c.entry_id
    shop.update(tables.flow_entries, entry_id == over["entry_id"], leased_until=shop.ago(1))
    shop.update(tables.flow_entries, sa.true(), entered_at=shop.ago(5))
    shop.update(tables.flow_entries, entry_id == leased["entry_id"], entered_at=shop.ago(3))

    told, table = node.run("flows", "--format", "json"), node.run("flows", COLUMNS="120").stdout.splitlines()

    moments = [shop.ago(minutes).isoformat().replace("+00:00", "Z") for minutes in (3, 5)]
    names = ("flow", "node", "entered", "acknowledged", "leased", "free", "last_entry_at")
    rows = [("reminder", NODE[0], 4, 1, 1, 2, moments[0]), ("vip", NODE[0], 1, 1, 0, 0, moments[1])]
    assert json.loads(told.stdout) == {"flows": [dict(zip(names, row, strict=True)) for row in rows]}
    assert [line.split()[:6] for line in table[3:5]] == [[str(cell) for cell in row[:6]] for row in rows]


def test_of_many_flows_only_the_first_are_listed():
    new = NewFlow("new", tuple(f"flow {number:02}" for number in range(12)))

    listed = ", ".join(f"`flow {number:02}`" for number in range(10))
    assert new.begun == f"the flow `new` is new; there were {listed} and 2 more"
