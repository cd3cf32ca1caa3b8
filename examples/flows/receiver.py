"""A receiver for `contactdb node ... --post URL`: it takes each entry once, from nobody but who knows the secret.

    CONTACTDB_POST_SECRET=... python receiver.py inbox.db --port 8080

It answers once an entry is safe in the table `inbox` of a SQLite file. Work through that table with a program of your
own: set `entry` to null when it is done, since it holds what the flow was told of people, and keep the key, by which
the entry is known if it comes again. Put the receiver behind a server that speaks https. Python's standard library is
enough.

| answer | when |
|---|---|
| 200 | the entry is in the inbox, now or already |
| 400 | the request is not one of contactdb's |
| 401 | the signature is wrong, or too old |
| 413 | the body is too long |
| 503 | the inbox cannot be written: contactdb tries again |
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import hmac
import json
import os
import re
import sqlite3
import sys
import time
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET_VARIABLE = "CONTACTDB_POST_SECRET"  # noqa: S105 - its name
TOLERANCE_SECONDS = 300
"""How old a signature may be, so that nobody can send again what was once overheard."""

LONGEST_BODY = 1_000_000
"""Bytes."""

BUSY_SECONDS = 2
"""How long to wait for another program that writes the inbox."""

_TABLE = """
CREATE TABLE IF NOT EXISTS inbox (
  idempotency_key TEXT PRIMARY KEY,
  entry TEXT,
  received_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
)
"""
_SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})", re.ASCII)


def is_genuine(secret: str, signature: str, body: bytes, now: float) -> bool:
    """Return whether a signature was made with the secret over this body, and not long ago.

    Args:
        secret: The shared secret.
        signature: The header `Contactdb-Signature`.
        body: The body, byte for byte as it came.
        now: Unix time.
    """
    parts = _SIGNATURE.fullmatch(signature)
    if parts is None:
        return False
    stamp, digest = parts.groups()
    expected = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(digest, expected) and abs(now - int(stamp)) <= TOLERANCE_SECONDS


def read_key(body: bytes, header: str) -> str:
    """Return what an entry is known by: from the body, since only that is signed.

    Args:
        body: The body.
        header: The header `Idempotency-Key`.

    Raises:
        ValueError: The body is no entry, or the header says otherwise.
    """
    entry = json.loads(body.decode())
    key = entry.get("idempotency_key") if isinstance(entry, dict) else None
    if not isinstance(key, str) or key != header:
        msg = "no entry, or not of this key"
        raise ValueError(msg)
    return key


def keep(inbox: str, key: str, body: bytes) -> None:
    """Write an entry into the inbox, unless it is there.

    Raises:
        sqlite3.OperationalError: It cannot be written now.
    """
    with contextlib.closing(sqlite3.connect(inbox, timeout=BUSY_SECONDS)) as connection, connection:
        connection.execute(_TABLE)
        connection.execute(
            "INSERT INTO inbox (idempotency_key, entry) VALUES (?, ?) ON CONFLICT DO NOTHING", (key, body.decode())
        )


def new_server(inbox: str, secret: str, port: int) -> ThreadingHTTPServer:
    """Return a server on this machine's own address; a port of 0 takes any that is free."""

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        timeout = 30

        def do_POST(self) -> None:
            """Take an entry."""
            self.send_response(self._answer())
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _answer(self) -> int:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal():
                return 400
            if int(length) > LONGEST_BODY:
                return 413
            body = self.rfile.read(int(length))
            if not is_genuine(secret, self.headers.get("Contactdb-Signature", ""), body, time.time()):
                return 401
            try:
                key = read_key(body, self.headers.get("Idempotency-Key", ""))
            except ValueError:
                return 400
            try:
                keep(inbox, key, body)
            except sqlite3.OperationalError as error:
                self.log_error("the inbox cannot be written: %s", error)
                return 503
            return 200

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main(arguments: t.Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Take entries that contactdb pushes.")
    parser.add_argument("inbox", help="SQLite file that entries are kept in; made if there is none")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on; 0 takes any that is free")
    options = parser.parse_args(arguments)
    secret = os.environ.get(SECRET_VARIABLE)
    if not secret:
        parser.error(f"set the environment variable {SECRET_VARIABLE}")
    with new_server(options.inbox, secret, options.port) as server:
        sys.stderr.write(f"listening on http://127.0.0.1:{server.server_port}/\n")
        sys.stderr.flush()
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
