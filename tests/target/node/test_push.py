"""Entries pushed to a web address: signed, repeated, and acknowledged once they are taken."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typing_extensions import override

from target_contactdb import tables
from target_contactdb.node.push import Pusher, PushFailed
from target_contactdb.node.rules import Verdict

SECRET = "secret"
WAYS = ("abandoned-checkout", "--flow", "reminder", "--after", "60")
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


class Receiver:
    """A web service that answers with the given status codes, one after the other, and then with 200."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.received: list[tuple[str, str, bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((self.headers["Idempotency-Key"], self.headers["Contactdb-Signature"], body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Location", "/elsewhere")
                self.send_header("Retry-After", "7")
                self.send_header("Content-Length", "0")
                self.end_headers()

            @override
            def log_message(self, *_: t.Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    @property
    def keys(self) -> list[str]:
        return [key for key, _signature, _body in self.received]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


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
    gone = Receiver()
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
    assert receiver.keys == ["reminder/1", "reminder/2"]
    assert [json.loads(body)["checkout"]["id"] for _key, _signature, body in receiver.received] == [11, 12]
    assert node.reasons(*WAYS) == {1: Verdict.ENTERED, 2: Verdict.ENTERED}


def test_a_refused_entry_does_not_hold_up_the_others_and_comes_again(two, node, receiver):
    receiver.answers = [400]

    result = node.run(*WAYS, "--post", receiver.url, CONTACTDB_POST_SECRET=SECRET)

    assert result.exit_code == 2
    assert result.stderr == "Error: option --post: the receiver answered 400 (entry reminder/1, try 1)\n"
    assert node.reasons(*WAYS) == {1: Verdict.ENTERS, 2: Verdict.ENTERED}
    node.lines(*WAYS, "--post", receiver.url, CONTACTDB_POST_SECRET=SECRET)
    assert receiver.keys == ["reminder/1", "reminder/2", "reminder/1"]
    assert len(two.rows(tables.flow_entries)) == 2
