"""A flow as a Python program: it takes who enters now, asks once more just before each send, sends, and acknowledges.

    MAIL_URL=https://mail.example.com/send python consumer.py abandoned-checkout --flow reminder --after 60 --limit 50

The arguments are a node and its options, as `contactdb node` takes them. `post` is where it sends: put your own in its
place. Python's standard library is enough; the contact database is asked by the command `contactdb` alone, with
TARGET_CONTACTDB_SQLALCHEMY_URL set.

Each entry is sent at least once. What was sent is acknowledged, what was not is released and comes again with the next
call, and if the program dies between the two, the entry comes again once its lease is over. It always has the same
`idempotency_key`, by which a service that sends can tell.
"""

from __future__ import annotations

import datetime as dt
import http.client
import json
import logging
import os
import subprocess
import sys
import typing as t
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

Entry = dict[str, t.Any]

CONTACTDB = "contactdb"
LEASE = "15m"
"""How long entries are ours: it has to be longer than a round takes."""

_MAY, _MAY_NOT, _NOT_KNOWN = 0, 1, 2
_DONE, _GONE = 0, 2

logger = logging.getLogger("consumer")


class NotSent(Exception):
    """An entry could not be sent. It comes again, under the same key."""


class NotConfigured(Exception):
    """A setting is missing. Nobody has been taken."""


class NotAnswered(Exception):
    """`contactdb` could not do what was asked, and has said why. What was taken comes again once its lease is over."""


@dataclass
class Round:
    """What came of the entries that one round took.

    Attributes:
        sent: How many were sent.
        declined: How many may not be written to any more.
        unsent: How many could not be sent.
    """

    sent: int = 0
    declined: int = 0
    unsent: int = 0


class _Strict(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a POST would arrive as a GET without its body, and look as if it had been taken."""

    def redirect_request(self, *_: t.Any) -> None:  # type: ignore[explicit-override]
        """Follow nothing."""


_opener = urllib.request.build_opener(_Strict)


def check_settings() -> None:
    """Check what `post` needs, before anybody is taken who would then have to wait for the lease to end.

    Raises:
        NotConfigured: MAIL_URL is missing, or no web address.
    """
    if not os.environ.get("MAIL_URL", "").startswith(("https://", "http://")):
        problem = "set the environment variable MAIL_URL to the address that sends"
        raise NotConfigured(problem)


def post(entry: Entry) -> None:
    """Send one entry: hand it to the service at MAIL_URL, which takes a key once.

    Raises:
        NotSent: The service did not take it.
    """
    headers = {"Content-Type": "application/json", "Idempotency-Key": entry["idempotency_key"]}
    body = json.dumps(entry).encode()
    request = urllib.request.Request(os.environ["MAIL_URL"], body, headers)  # noqa: S310 - an address of our own
    try:
        _opener.open(request, timeout=30).close()
    except (OSError, http.client.HTTPException) as error:
        # Only what kind it is: the text of an error may repeat an address.
        raise NotSent(type(error).__name__) from None


def run(node: t.Sequence[str], send: Callable[[Entry], None]) -> Round:
    """Take who enters now and send to them, once through.

    Args:
        node: A node and its options, such as `abandoned-checkout --flow reminder --after 60`.
        send: Sends one entry, or raises `NotSent`.

    Raises:
        NotAnswered: The contact database could not be asked.
    """
    came_of = Round()
    for entry in _take(node):
        if _is_over(entry):
            # Somebody else may hold it by now: it is no longer ours to send or to give back.
            logger.warning("%s: the lease was over before its turn came", entry["idempotency_key"])
            came_of.unsent += 1
            continue
        may = _may_still(entry)
        if may == _NOT_KNOWN:
            # The person was erased, and the entry with it: the others are still to be sent to.
            logger.warning("%s: not sent, for the reason above", entry["idempotency_key"])
            came_of.unsent += 1
        elif may == _MAY_NOT:
            _tell("release", entry)
            came_of.declined += 1
        else:
            try:
                send(entry)
            except NotSent as problem:
                logger.warning("%s: not sent (%s)", entry["idempotency_key"], problem)
                _tell("release", entry)
                came_of.unsent += 1
            else:
                _tell("ack", entry)
                came_of.sent += 1
    return came_of


def _take(node: t.Sequence[str]) -> list[Entry]:
    lines = _contactdb("node", *node, "--lease", LEASE).stdout.splitlines()
    return [json.loads(line) for line in lines]


def _is_over(entry: Entry) -> bool:
    return dt.datetime.fromisoformat(entry["leased_until"]) <= dt.datetime.now(dt.UTC)


def _may_still(entry: Entry) -> int:
    arguments = ["may", f"#{entry['contact']['contact_id']}", "--channel", entry["channel"]]
    if "checkout" in entry:
        arguments += ["--checkout", str(entry["checkout"]["id"])]
    return _contactdb(*arguments, expected=(_MAY, _MAY_NOT, _NOT_KNOWN)).returncode


def _tell(what: str, entry: Entry) -> None:
    done = _contactdb("node", what, "--flow", entry["flow"], str(entry["entry_id"]), expected=(_DONE, _GONE))
    if done.returncode == _GONE:
        # The person was erased meanwhile, and the entry with it: nothing is left to tell, and it never comes again.
        logger.warning("%s: no %s, for the reason above", entry["idempotency_key"], what)


def _contactdb(*arguments: str, expected: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([CONTACTDB, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in expected:
        problem = f"contactdb {arguments[0]}: exit code {done.returncode}"
        raise NotAnswered(problem)
    return done


if __name__ == "__main__":
    logging.basicConfig(format="%(levelname)s %(message)s")
    try:
        check_settings()
    except NotConfigured as missing:
        logger.critical("%s", missing)
        sys.exit(2)
    try:
        came_of = run(sys.argv[1:], post)
    except NotAnswered as problem:
        logger.critical("%s", problem)
        sys.exit(2)
    sys.exit(1 if came_of.unsent else 0)
