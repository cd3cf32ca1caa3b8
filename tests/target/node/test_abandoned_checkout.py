"""The Abandoned Checkout node: who enters, once, and who does not."""

from __future__ import annotations

import datetime as dt
import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typing_extensions import override

from target_contactdb import tables
from target_contactdb.admin.cli import main
from target_contactdb.node.rules import Verdict
from tests.target.node.shop import SHOP

WAYS = ("abandoned-checkout", "--flow", "reminder", "--after", "60")


@pytest.fixture
def ripe(shop):
    """Contact 1 left checkout 11 two hours ago, and an import has read on since."""
    shop.contact(1)
    shop.checkout(11, 1, 120)
    shop.read_checkouts(10)
    return shop


def test_a_flow_is_told_all_about_the_contact_and_its_checkout(ripe, node):
    (line,) = node.lines(*WAYS)

    assert 120 <= line.pop("age_minutes") <= 122
    cart, person = line.pop("checkout"), line.pop("contact")
    assert line == {
        "entry_id": 1,
        "flow": "reminder",
        "idempotency_key": f"reminder/checkout:{SHOP}/11",
        "leased_until": None,
        "channel": "email",
        "may_email": True,
        "may_sms": False,
        "shop": SHOP,
    }
    assert person == {
        "contact_id": 1,
        "user_code": "1",
        "first_name": "Name 1",
        "email": "c1@example.com",
        "phone": None,
        "account_state": None,
    }
    assert (cart["id"], cart["name"], cart["currency"], cart["total_price"]) == (11, "#11", "EUR", "20.00")
    assert [(line["title"], line["quantity"]) for line in cart["products"]] == [("Mug", 2)]


def test_a_checkout_enters_a_flow_once_and_each_flow_by_itself(ripe, node):
    assert [node.carts(), node.carts()] == [[11], []]
    assert node.carts(flow="other", told="the flow `other` is new; there were `reminder`\n") == [11]


def test_a_recovered_checkout_never_enters(ripe, node):
    ripe.update(tables.checkouts, tables.checkouts.c.id == 11, completed_at=ripe.ago(30))
    ripe.contact(2)
    ripe.source(2, 900, last_order_at=ripe.ago(100))
    ripe.checkout(12, 2, 110)

    assert node.carts() == []


def test_a_checkout_before_a_completed_one_never_enters(ripe, node):
    ripe.checkout(12, 1, 100, completed_at=ripe.ago(96))
    ripe.checkout(13, 1, 90)
    before = node.carts("--peek")
    ripe.update(tables.checkouts, tables.checkouts.c.id == 13, created_at=ripe.ago(97))

    assert (before, node.carts()) == ([13], [])


@pytest.mark.parametrize("address", ["other@example.com", None])
def test_nobody_enters_with_an_address_that_no_import_has_seen(ripe, node, address):
    ripe.change_contact(1, email=address)

    assert (node.carts(), node.reasons(*WAYS)) == ([], {1: Verdict.NOT_CONTACTABLE})


def test_who_was_given_back_waits_behind_those_who_have_waited_since(ripe, node):
    ripe.contact(2)
    ripe.checkout(12, 2, 110)
    lines = node.lines(*WAYS, "--lease", "10m", "--limit", "1")
    node.lines("release", "--flow", "reminder", "1")

    assert [line["checkout"]["id"] for line in lines] == [11]
    assert node.carts("--peek") == [12, 11]


def test_who_may_not_be_written_to_does_not_enter_and_is_not_used_up(ripe, node):
    contacts = ripe.rows(tables.contacts)[0]
    closed = {"channel": "email", "address_hash": contacts["email_address_hash"], "cause": "x", "source": "person"}
    ripe.insert(tables.suppressions, closed | {"at": ripe.ago(10)})
    before = (node.carts(), node.reasons(*WAYS))
    ripe.update(tables.suppressions, tables.suppressions.c.cause == "x", lifted_at=ripe.ago(1))

    assert (before, node.carts()) == (([], {1: Verdict.NOT_CONTACTABLE}), [11])


def test_the_channel_says_how_a_contact_must_be_contactable(shop, node):
    shop.contact(1, email="unsubscribed", sms="subscribed")
    shop.checkout(11, 1, 120)
    shop.contact(2)
    shop.checkout(12, 2, 110)
    shop.read_checkouts(10)

    peeked = {name: node.lines(*WAYS, "--channel", name, "--peek") for name in ("email", "sms", "any")}

    found = {name: [(line["checkout"]["id"], line["channel"]) for line in lines] for name, lines in peeked.items()}
    assert found == {"email": [(12, "email")], "sms": [(11, "sms")], "any": [(11, "sms"), (12, "email")]}
    assert node.carts("--channel", "any") == [11, 12]


def test_a_checkout_waits_until_an_import_has_read_past_it(ripe, node):
    ripe.contact(2)
    ripe.checkout(12, 2, 69)
    ripe.contact(3)
    ripe.checkout(13, 3, 30)

    assert node.reasons(*WAYS) == {1: Verdict.ENTERS, 2: Verdict.WAITS, 3: Verdict.TOO_YOUNG}
    assert node.carts() == [11]
    ripe.read_checkouts(8)
    assert node.carts() == [12]


def test_without_any_import_everybody_waits(shop, node):
    shop.contact(1)
    shop.checkout(11, 1, 120)

    assert (node.carts(), node.reasons(*WAYS)) == ([], {1: Verdict.WAITS})


def test_old_checkouts_are_left_alone(ripe, node):
    ripe.contact(2)
    ripe.checkout(12, 2, 60 * 26)

    assert node.reasons(*WAYS) == {1: Verdict.ENTERS, 2: Verdict.TOO_OLD}
    assert node.carts() == [11]
    assert node.reasons(*WAYS) == {1: Verdict.ENTERED, 2: Verdict.TOO_OLD}
    assert node.carts("--max-age", "3d") == [12]


def test_cheap_checkouts_are_left_alone(ripe, node):
    assert [node.carts("--min-total", "20.01"), node.carts("--min-total", "20")] == [[], [11]]


def test_only_the_last_checkout_of_a_contact_enters(ripe, node):
    ripe.checkout(12, 1, 100)

    assert node.carts() == [12]


def test_a_newer_checkout_is_an_entry_of_its_own_by_the_re_entry_rule(ripe, node):
    first = node.carts()
    ripe.checkout(12, 1, 70)

    assert (first, node.carts("--re-entry", "1")) == ([11], [])
    assert node.reasons(*WAYS, "--re-entry", "1") == {1: Verdict.RECENT}
    assert node.carts() == [12]


def test_the_longest_waiting_come_first_up_to_the_limit(ripe, node):
    ripe.contact(2)
    ripe.checkout(12, 2, 180)

    assert [node.carts("--limit", "1") for _ in range(3)] == [[12], [11], []]


def test_what_the_limit_leaves_for_the_next_call_is_explained(ripe, node):
    # Left longest ago, so that it would come first; it is too old, and takes no place.
    for number, minutes in ((2, 180), (3, 150), (4, 60 * 50)):
        ripe.contact(number)
        ripe.checkout(10 + number, number, minutes)

    explained = node.lines(*WAYS, "--explain", "--limit", "2")

    assert [(line["checkout_id"], line["enters"], line["reason"]) for line in explained] == [
        (12, True, Verdict.ENTERS),
        (13, True, Verdict.ENTERS),
        (11, False, Verdict.NEXT_CALL),
        (14, False, Verdict.TOO_OLD),
    ]
    assert node.carts("--limit", "2") == [12, 13]


def test_how_long_a_checkout_was_left_alone_is_minutes_or_a_duration(ripe, node):
    def not_before(after):
        (line,) = node.lines("abandoned-checkout", "--flow", "reminder", "--after", after, "--explain")
        return dt.datetime.fromisoformat(line["not_before"])

    found = {after: not_before(after) for after in ("90", " 90 ", "90m", "1h")}

    assert found == {"90": ripe.ago(30), " 90 ": ripe.ago(30), "90m": ripe.ago(30), "1h": ripe.ago(60)}


def test_peeking_and_explaining_take_nobody(ripe, node):
    peeked = node.lines(*WAYS, "--peek")
    node.reasons(*WAYS)

    assert [(line["entry_id"], line["checkout"]["id"]) for line in peeked] == [(None, 11)]
    assert ripe.rows(tables.flow_entries) == []


def test_what_was_taken_is_explained_as_taken(ripe, node):
    node.carts()

    assert node.reasons(*WAYS) == {1: Verdict.ENTERED}


def test_who_is_not_acknowledged_in_time_is_handed_out_again_under_the_same_number(ripe, node):
    first = node.lines(*WAYS, "--lease", "1h")
    meanwhile = (node.carts(), node.reasons(*WAYS))
    ripe.update(tables.flow_entries, tables.flow_entries.c.entry_id == 1, leased_until=ripe.ago(1))

    again = node.lines(*WAYS, "--lease", "1h")

    (until,) = [row["leased_until"] for row in ripe.rows(tables.flow_entries)]
    assert [dt.datetime.fromisoformat(line["leased_until"]) for line in again] == [until]
    assert meanwhile == ([], {1: Verdict.LEASED})
    assert [line["entry_id"] for line in first] == [line["entry_id"] for line in again] == [1]


def test_an_acknowledged_entry_is_final_and_a_released_one_comes_again(ripe, node):
    ripe.contact(2)
    ripe.checkout(12, 2, 100)
    node.lines(*WAYS, "--lease", "1h")

    done = node.lines("ack", "--flow", "reminder", "1"), node.lines("release", "--flow", "reminder", "1", "2")

    final = {"entry_id": 1, "reason": "is final already"}
    assert done == (
        [{"flow": "reminder", "acknowledged": 1, "unchanged": []}],
        [{"flow": "reminder", "released": 1, "unchanged": [final]}],
    )
    assert node.lines("ack", "--flow", "reminder", "1") == [
        {"flow": "reminder", "acknowledged": 0, "unchanged": [final]}
    ]
    assert node.lines("release", "--flow", "reminder", "2") == [
        {"flow": "reminder", "released": 0, "unchanged": [{"entry_id": 2, "reason": "is not handed out"}]}
    ]
    assert node.carts() == [12]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("abandoned-checkout", "--flow", "x"), "Missing option '--after'"),
        (("abandoned-checkout", "--after", "9"), "Missing option '--flow'"),
        ((*WAYS, "--max-age", "1h"), "--max-age has to be longer than --after"),
        ((*WAYS, "--max-age", "soon"), "'soon' is not a duration such as 30m, 12h or 1d"),
        ((*WAYS, "--max-age", "999999d"), "'999999d' is longer than a hundred years"),
        (("abandoned-checkout", "--flow", "x", "--after", "soon"), "such as 30m, 12h or 1d, nor a number of minutes"),
        ((*WAYS, "--re-entry", "-1"), "'-1' is not a duration such as 30m, 12h or 1d, nor a number of days"),
        (("abandoned-checkout", "--flow", " ", "--after", "9"), "the name of a flow has 1 to 255 characters"),
        ((*WAYS, "--min-total", "much"), "'much' is not an amount"),
        ((*WAYS, "--post", "ftp://example.com"), "option --post: it is not a web address"),
        ((*WAYS, "--post", "https://example.com"), "set the environment variable CONTACTDB_POST_SECRET"),
        (("new-customer", "--flow", "reminder"), "the flow `reminder` is entered through the node abandoned-checkout"),
        (("ack", "--flow", "remindr", "1"), "nobody has entered a flow `remindr`; did you mean `reminder`?"),
        (("ack", "--flow", "reminder", "1", "7"), "the flow `reminder` has no entry 7"),
        (("abandonned-checkout",), "there is no command of this name; did you mean `abandoned-checkout`?"),
    ],
)
def test_bad_input_is_one_clear_line_and_changes_nothing(ripe, node, arguments, problem):
    node.lines(*WAYS, "--lease", "1h")
    before = ripe.rows(tables.flow_entries)

    result = node.run(*arguments)

    assert result.exit_code == 2
    assert problem in result.stderr.splitlines()[-1]
    assert ripe.rows(tables.flow_entries) == before


def test_a_final_entry_cannot_be_released(ripe, node):
    node.carts()

    told = [{"flow": "reminder", "released": 0, "unchanged": [{"entry_id": 1, "reason": "is final already"}]}]
    assert node.lines("release", "--flow", "reminder", "1") == told
    assert node.carts() == []


def test_what_nobody_read_is_undone_and_what_had_been_handed_out_before_keeps_its_number(shop, node):
    # More than a pipe holds: the command is still writing when its reader leaves.
    people = range(1, 401)
    shop.contacts(people)
    shop.checkouts([(1000 + number, number) for number in people], 120)
    shop.read_checkouts(10)
    before = node.lines(*WAYS, "--lease", "1h", "--limit", "200")
    shop.update(tables.flow_entries, tables.flow_entries.c.flow == "reminder", leased_until=shop.ago(1))

    command = [str(Path(sys.executable).parent / "contactdb"), "--sqlalchemy-url", shop.url, "node", *WAYS]
    with subprocess.Popen([*command, "--lease", "1h"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()

    rows = shop.rows(tables.flow_entries)
    # Those who had been handed out before come last, and nobody has read of them.
    undone = {row["checkout_id"]: row["entry_id"] for row in rows if row["leased_until"] is None}
    written = [row["checkout_id"] for row in rows if row["leased_until"] is not None]
    assert {line["checkout"]["id"]: line["entry_id"] for line in before} == undone
    assert written[0] == 1201
    assert len(written) < 200


@pytest.mark.parametrize("lease", [[], ["--lease", "1h"]], ids=["for good", "leased"])
def test_what_could_not_be_printed_has_not_entered(ripe, node, lease):
    command = [str(Path(sys.executable).parent / "contactdb"), "--sqlalchemy-url", ripe.url, "node", *WAYS, *lease]
    in_a_shell = ["/bin/sh", "-c", '"$@" >/dev/full; "$@" >&-', "sh", *command]
    done = subprocess.run(in_a_shell, stderr=subprocess.PIPE, text=True, check=False)

    back = "given back, for the next call: 1 of 1 entry"
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [
            f"Error: standard output cannot be written: No space left on device; {back}",
            "Error: standard output is closed, so nothing is done",
        ],
    )
    assert ripe.rows(tables.flow_entries) == []
    assert [node.carts(), node.carts()] == [[11], []]


class _Filling(io.StringIO):
    """An output that has room for some lines, and takes the next one no further than into its buffer."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    @override
    def flush(self) -> None:
        if self.getvalue().count("\n") > self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_entry_that_got_no_further_than_a_buffer_has_not_entered(shop, node, monkeypatch):
    shop.contacts(range(1, 6))
    shop.checkouts([(10 + number, number) for number in range(1, 6)], 120)
    shop.read_checkouts(10)
    monkeypatch.setattr(sys, "stdout", _Filling(2))
    with pytest.raises(SystemExit) as ended:
        main(["--sqlalchemy-url", shop.url, "node", *WAYS])
    monkeypatch.undo()

    assert ended.value.code == 2
    entered = [row["checkout_id"] for row in shop.rows(tables.flow_entries)]
    assert len(entered) == 2
    assert sorted(entered + node.carts()) == [11, 12, 13, 14, 15]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--peek", "--explain"], "--peek and --explain do not go together"),
        (["--peek", "--lease", "5m"], "--peek and --lease do not go together"),
        (["--explain", "--post", "https://example.com"], "--explain and --post do not go together"),
    ],
)
def test_options_that_contradict_each_other_are_refused(ripe, node, options, told):
    result = node.run(*WAYS, *options)

    assert (result.exit_code, result.stderr) == (2, f"Error: {told}\n")
    assert ripe.rows(tables.flow_entries) == []
