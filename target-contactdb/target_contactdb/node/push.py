"""Pushing entries to a web address: signed, repeated when that may help, and safe to be received twice."""

from __future__ import annotations

import hashlib
import hmac
import random
import time
import typing as t

import requests

from target_contactdb.errors import ContactDbError

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

SECRET_VARIABLE: t.Final = "CONTACTDB_POST_SECRET"  # noqa: S105 - its name
"""Environment variable with the secret that requests are signed with."""

_TIMEOUT_SECONDS: t.Final = (10, 30)
_TRIES: t.Final = 5
_LONGEST_WAIT_SECONDS: t.Final = 30.0
_ONCE_MORE: t.Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class PushFailed(ContactDbError):
    """The receiver did not take an entry. The text says what it answered, and nothing of the person.

    Attributes:
        refused: It refused this one entry; another may be taken.
    """

    def __init__(self, problem: str, *, refused: bool) -> None:
        self.refused = refused
        super().__init__(problem)


def sign(secret: str, moment: dt.datetime, body: bytes) -> str:
    """Return the header that proves who sent a request and when: `t=<unix time>,v1=<HMAC-SHA256 of "t.body", hex>`.

    The receiver computes the same over what it received, compares in constant time, and refuses old times.
    """
    stamp = str(int(moment.timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


class Pusher:
    """Sends entries to one address."""

    def __init__(
        self,
        url: str,
        secret: str,
        now: Callable[[], dt.datetime],
        *,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Prepare the connection. Nothing is sent yet.

        Args:
            url: Where entries go.
            secret: What they are signed with.
            now: The time, UTC.
            sleep: Waits for some seconds.
            chance: Between 0 and 1, to spread what is sent again.
        """
        self._url = url
        self._secret = secret
        self._now = now
        self._sleep = sleep
        self._chance = chance
        self._session = requests.Session()

    def push(self, key: str, body: bytes) -> None:
        """Send one entry until the receiver has taken it.

        Args:
            key: The same however often the entry is sent: the receiver takes it once.
            body: A JSON object.

        Raises:
            PushFailed: The receiver refuses it, or cannot be reached.
        """
        for attempt in range(1, _TRIES + 1):
            problem, wait = self._send(key, body)
            if problem is None:
                return
            if wait is None or attempt == _TRIES:
                tries = "1 try" if attempt == 1 else f"{attempt} tries"
                msg = f"option --post: {problem} (entry {key}, {tries})"
                raise PushFailed(msg, refused=wait is None)
            backoff = min(_LONGEST_WAIT_SECONDS, 2.0**attempt) * self._chance()
            self._sleep(min(_LONGEST_WAIT_SECONDS, max(wait, backoff)))

    def _send(self, key: str, body: bytes) -> tuple[str | None, float | None]:
        """Return what went wrong, and how long to wait at least before it is sent again; None = never again."""
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "Contactdb-Signature": sign(self._secret, self._now(), body),
        }
        try:
            # A redirect is never followed: it would carry a person to an address that nobody has named.
            answer = self._session.post(
                self._url, data=body, headers=headers, timeout=_TIMEOUT_SECONDS, allow_redirects=False
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            return f"the receiver cannot be reached ({type(error).__name__})", 0.0
        except requests.RequestException as error:
            return f"the request cannot be made ({type(error).__name__})", None
        if answer.ok and not answer.is_redirect:
            return None, None
        problem = f"the receiver answered {answer.status_code}"
        if answer.status_code not in _ONCE_MORE:
            return problem, None
        asked = answer.headers.get("Retry-After", "")
        return problem, float(asked) if asked.isdecimal() else 0.0
