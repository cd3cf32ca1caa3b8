"""Entries pushed to a web address: signed, repeated, and acknowledged once they are taken."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import subprocess
import sys
from pathlib import Path

import pytest

from target_contactdb import tables
from target_contactdb.node.push import Pusher, PushFailed
from target_contactdb.node.rules import Verdict
from tests.target.node.shop import SHOP
from tests.target.node.web_service import WebService

SECRET = "secret"
WAYS = ("abandoned-checkout", "--flow", "reminder", "--after", "60")
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
KEYS = [f"reminder/checkout:{SHOP}/{number}" for number in (11, 12)]


@pytest.fixture
def waits():
    return []


@pytest.fixture
def pusher(receiver, waits):
    return Pusher(receiver.url, SECRET, lambda: NOW, sleep=waits.append, chance=lambda: 1.0)


def test_a_request_is_signed_over_its_time_and_its_body(pusher, receiver):
    pusher.push("reminder/1", b'{"a": 1}')

    ((key, signature, body),) = receiver.received
    stamp = int(NOW.timestamp())
    digest = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert (key, signature, body) == ("reminder/1", f"t={stamp},v1={digest}", b'{"a": 1}')


def test_what_may_pass_is_tried_again_under_the_same_key(pusher, receiver, waits):
    receiver.answers = [503, 429, 500]

    pusher.push("reminder/1", b"{}")

    assert receiver.keys == ["reminder/1"] * 4
    assert waits == [7, 7, 8]


@pytest.mark.parametrize(("answers", "refused", "times"), [([400], True, 1), ([302], True, 1), ([503] * 9, False, 5)])
def test_what_does_not_pass_is_told(pusher, receiver, answers, refused, times):
    receiver.answers = answers

    with pytest.raises(PushFailed, match=f"the receiver answered {answers[0]}") as caught:
        pusher.push("reminder/1", b'{"email": "ann@example.com"}')

    assert (caught.value.refused, len(receiver.received)) == (refused, times)
    assert "ann" not in str(caught.value)


def test_a_receiver_that_is_not_there_is_told(waits):
    gone = WebService()
    gone.close()
    nobody = Pusher(gone.url, SECRET, lambda: NOW, sleep=waits.append, chance=lambda: 1.0)

    with pytest.raises(PushFailed, match="cannot be reached"):
        nobody.push("reminder/1", b"{}")

    assert len(waits) == 4


@pytest.fixture
def two(shop):
    for number in (1, 2):
        shop.contact(number)
        shop.checkout(10 + number, number, 120 - number)
    shop.read_checkouts(10)
    return shop


def test_taken_entries_are_final(two, node, receiver):
    posted = node.lines(*WAYS, "--post", receiver.url, CONTACTDB_POST_SECRET=SECRET)

    assert posted == [{"flow": "reminder", "entry_id": number, "posted": True} for number in (1, 2)]
    assert receiver.keys == KEYS
    assert [json.loads(body)["checkout"]["id"] for _key, _signature, body in receiver.received] == [11, 12]
    assert node.reasons(*WAYS) == {1: Verdict.ENTERED, 2: Verdict.ENTERED}


def test_a_refused_entry_does_not_hold_up_the_others_and_comes_again(two, node, receiver):
    receiver.answers = [400]

    result = node.run(*WAYS, "--post", receiver.url, CONTACTDB_POST_SECRET=SECRET)

    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: option --post: the receiver answered 400 (entry {KEYS[0]}, 1 try);"
        " given back, for the next call to try again: 1 of 2 entries\n"
    )
    assert node.reasons(*WAYS) == {1: Verdict.ENTERS, 2: Verdict.ENTERED}
    node.lines(*WAYS, "--post", receiver.url, CONTACTDB_POST_SECRET=SECRET)
    assert receiver.keys == [*KEYS, KEYS[0]]
    assert len(two.rows(tables.flow_entries)) == 2


def test_who_may_not_be_written_to_when_the_turn_comes_is_not_sent(two, node, receiver):
    contacts = two.rows(tables.contacts)
    closed = {"channel": "email", "address_hash": contacts[1]["email_address_hash"], "cause": "x", "source": "person"}
    receiver.upon = lambda _number: two.insert(tables.suppressions, closed | {"at": two.now})

    posted = node.lines(*WAYS, "--post", receiver.url, CONTACTDB_POST_SECRET=SECRET)

    assert posted == [{"flow": "reminder", "entry_id": 1, "posted": True}]
    assert receiver.keys == KEYS[:1]
    assert node.reasons(*WAYS) == {1: Verdict.ENTERED, 2: Verdict.NOT_CONTACTABLE}


def test_a_person_who_is_erased_while_others_are_sent_to_does_not_stop_the_push(two, node, receiver):
    command = [str(Path(sys.executable).parent / "contactdb"), "--sqlalchemy-url", two.url, "erase", "#1", "--yes"]
    receiver.upon = lambda number: number == 1 and subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    node.lines(*WAYS, "--post", receiver.url, CONTACTDB_POST_SECRET=SECRET)

    assert receiver.keys == KEYS
    assert node.reasons(*WAYS) == {2: Verdict.ENTERED}


def test_what_is_left_when_the_lease_is_over_comes_again(two, node, receiver):
    result = node.run(*WAYS, "--lease", "0m", "--post", receiver.url, CONTACTDB_POST_SECRET=SECRET)

    problem = (
        "Error: option --post: the receiver takes longer than the lease; what is left comes again: 2 of 2 entries\n"
    )
    assert (result.exit_code, result.stderr, receiver.keys) == (2, problem, [])
    assert node.reasons(*WAYS) == {1: Verdict.ENTERS, 2: Verdict.ENTERS}


def test_a_key_is_told_in_the_body_too_and_is_ascii_whatever_the_flow_is_called(two, node, receiver):
    ways = ("abandoned-checkout", "--flow", "Rückkehr € 1", "--after", "60", "--limit", "1")

    node.lines(*ways, "--post", receiver.url, CONTACTDB_POST_SECRET=SECRET)

    ((key, _signature, body),) = receiver.received
    assert key == json.loads(body)["idempotency_key"] == f"R%C3%BCckkehr%20%E2%82%AC%201/checkout:{SHOP}/11"
