"""The receiver in examples/flows takes what `--post` sends: each entry once, and from nobody else."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sqlite3
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import requests

from target_contactdb.node.push import sign
from target_contactdb.node.rules import Verdict
from tests.target.node.shop import SHOP, Shop

PROGRAM = Path(__file__).parents[3] / "examples" / "flows" / "receiver.py"
SECRET = "secret"
WAYS = ("abandoned-checkout", "--flow", "reminder", "--after", "60")
KEY = f"reminder/checkout:{SHOP}/11"
BODY = json.dumps({"idempotency_key": KEY, "contact": {"contact_id": 1}}).encode()


class Served:
    """The receiver, running in a process of its own."""

    def __init__(self, inbox: Path) -> None:
        self.inbox = inbox
        command = [sys.executable, str(PROGRAM), str(inbox), "--port", "0"]
        environment = {**os.environ, "CONTACTDB_POST_SECRET": SECRET}
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self.url = self.next_line().split()[-1]

    def next_line(self) -> str:
        """Wait for what it says next."""
        assert self._process.stderr is not None
        return self._process.stderr.readline()

    def post(self, body: bytes, signature: str, key: str = KEY) -> int:
        """Send a request as anybody could."""
        headers = {"Contactdb-Signature": signature, "Idempotency-Key": key}
        return requests.post(self.url, data=body, headers=headers, timeout=30).status_code

    def entries(self) -> list[tuple[str, t.Any]]:
        """Return what is in the inbox."""
        with contextlib.closing(sqlite3.connect(self.inbox)) as connection:
            rows = connection.execute("SELECT idempotency_key, entry FROM inbox ORDER BY rowid").fetchall()
        return [(key, json.loads(entry)) for key, entry in rows]

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.communicate()


@pytest.fixture
def served(tmp_path: Path) -> t.Iterator[Served]:
    served = Served(tmp_path / "inbox.db")
    yield served
    served.close()


@pytest.fixture
def shop(migrated_sqlite_url: str) -> t.Iterator[Shop]:
    """Contact 1 left checkout 11 two hours ago, and an import has read on since."""
    shop = Shop(migrated_sqlite_url)
    shop.contact(1)
    shop.checkout(11, 1, 120)
    shop.read_checkouts(10)
    yield shop
    shop.close()


def signed(body: bytes = BODY, *, secret: str = SECRET, minutes: float = 0) -> str:
    return sign(secret, dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes), body)


def test_a_pushed_entry_is_in_the_inbox_as_the_node_told_it(shop, node, served):
    (told,) = node.lines(*WAYS, "--peek")
    posted = node.lines(*WAYS, "--post", served.url, CONTACTDB_POST_SECRET=SECRET)

    ((key, entry),) = served.entries()
    assert posted == [{"flow": "reminder", "entry_id": 1, "posted": True}]
    assert key == KEY
    varying = ("entry_id", "leased_until", "age_minutes")
    assert [entry[name] for name in entry if name not in varying] == [
        told[name] for name in told if name not in varying
    ]


def test_a_receiver_that_cannot_write_is_asked_again_and_takes_the_entry_once(shop, node, served):
    command = [str(Path(sys.executable).parent / "contactdb"), "node", *WAYS, "--post", served.url]
    environment = {**os.environ, "TARGET_CONTACTDB_SQLALCHEMY_URL": shop.url, "CONTACTDB_POST_SECRET": SECRET}
    with contextlib.closing(sqlite3.connect(served.inbox, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        said = [served.next_line(), served.next_line()]
        other.execute("ROLLBACK")
    out, err = process.communicate()

    assert "the inbox cannot be written: database is locked" in said[0]
    assert '"POST / HTTP/1.1" 503' in said[1]
    assert (process.returncode, err, json.loads(out)["posted"]) == (0, "", True)
    assert '"POST / HTTP/1.1" 200' in served.next_line()
    assert [key for key, _entry in served.entries()] == [KEY]


def test_an_entry_signed_with_another_secret_is_refused_and_comes_again(shop, node, served):
    result = node.run(*WAYS, "--post", served.url, CONTACTDB_POST_SECRET="other")

    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: option --post: the receiver answered 401 (entry {KEY}, 1 try);"
        " given back, for the next call to try again: 1 of 1 entry\n"
    )
    assert node.reasons(*WAYS) == {1: Verdict.ENTERS}
    assert not served.inbox.exists()


def test_an_entry_that_comes_twice_is_taken_once(served):
    assert [served.post(BODY, signed()) for _ in range(2)] == [200, 200]
    assert served.entries() == [(KEY, json.loads(BODY))]


@pytest.mark.parametrize(
    ("body", "sign_it", "key", "answer"),
    [
        (BODY, lambda: signed(secret="other"), KEY, 401),
        (BODY + b" ", lambda: signed(), KEY, 401),
        (BODY, lambda: signed(minutes=6), KEY, 401),
        (BODY, lambda: signed(minutes=-6), KEY, 401),
        (BODY, lambda: "", KEY, 401),
        (BODY, lambda: "t=1,v1=00", KEY, 401),
        # A key in the header alone proves nothing: it is not signed.
        (BODY, lambda: signed(), "reminder/another", 400),
        (b"[]", lambda: signed(b"[]"), KEY, 400),
        (b"\xff", lambda: signed(b"\xff"), KEY, 400),
        (b" " * 1_000_001, lambda: signed(), KEY, 413),
    ],
    # The same in every process that collects tests, whatever the time.
    ids=[
        "another secret",
        "another body",
        "too old",
        "too far ahead",
        "no signature",
        "no digest",
        "another key",
        "no object",
        "no text",
        "too long",
    ],
)
def test_what_is_not_from_contactdb_is_refused(served, body, sign_it, key, answer):
    assert served.post(body, sign_it(), key) == answer
    assert not served.inbox.exists()


def test_it_needs_a_secret(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "CONTACTDB_POST_SECRET"}

    done = subprocess.run(
        [sys.executable, PROGRAM, tmp_path / "inbox.db"], capture_output=True, text=True, check=False, env=environment
    )

    assert done.returncode == 2
    assert done.stderr.endswith("set the environment variable CONTACTDB_POST_SECRET\n")
