"""Fetches the result of a bulk operation, and goes on where a broken connection left off.

The result lies at another host, under an address that is a secret of its own and expires. The shop's access token never
goes there: the connection is not the one to the shop.
"""

from __future__ import annotations

import re
import typing as t

import requests
import urllib3

from tap_shopify_contacts.client import USER_AGENT
from tap_shopify_contacts.errors import BulkFailed, ConnectionFailed, RetryableError, TruncatedAnswer
from tap_shopify_contacts.statuses import status_error

_CONNECT_TIMEOUT = 10.0
_READ_TIMEOUT = 90.0
_CHUNK = 64 * 1024
_TIMED_OUT = 408
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")

_BROKEN = "The download of the bulk operation's result broke off."
_CHANGED = "The result of the bulk operation changed while it was downloaded."


class _LinkRefused(Exception):
    """The address of the result is no longer taken. The message says so."""


def opening_headers(offset: int, tag: str | None) -> dict[str, str]:
    """Return the headers that ask for a result from a byte on. Pure.

    `tag` is the entity tag that the first part came with: another result than that one is then sent whole (RFC 9110,
    13.1.5).
    """
    # Compressed, a part of the result could not be asked for by its bytes.
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if tag is not None:
            headers["If-Range"] = tag
    return headers


def bytes_to_skip(status: int, headers: t.Mapping[str, str], offset: int, tag: str | None) -> int:
    """Return how many bytes of an answer's body have been read before. Pure.

    Raises:
        _LinkRefused: If the host refuses the address.
        RetryableError: If it cannot answer now.
        BulkFailed: If the answer holds no part of the result that can be gone on with.
    """
    if status == 206:
        found = _RANGE.fullmatch(headers.get("Content-Range", ""))
        if found is None or int(found[1]) > offset:
            raise BulkFailed("The host of the bulk operation's result sent another part than the one asked for.")
        return offset - int(found[1])
    if status == 200:
        # The host does not know ranges, or takes this for another result.
        if offset and tag is not None and strong_tag(headers) not in {tag, None}:
            raise BulkFailed(_CHANGED)
        return offset
    error = status_error(status, headers)
    if isinstance(error, RetryableError) or status == _TIMED_OUT:
        wait = error.wait if isinstance(error, RetryableError) else None
        raise ConnectionFailed(f"The host of the bulk operation's result could not answer (HTTP {status}).", wait=wait)
    raise _LinkRefused(f"The host of the bulk operation's result refuses its address (HTTP {status}).")


def strong_tag(headers: t.Mapping[str, str]) -> str | None:
    """Return the entity tag of an answer, unless it is a weak one, which says nothing about bytes. Pure."""
    tag = headers.get("ETag")
    return None if tag is None or tag.startswith("W/") else tag


class Download:
    """One result.

    `link` gives the address, and a fresh one when it is called again. `size` is the result's length in bytes, where it
    is known. `wait` waits after the n-th failure in a row, or raises when there were enough.
    """

    def __init__(
        self, link: t.Callable[[], str], size: int | None, wait: t.Callable[[RetryableError, int], None]
    ) -> None:
        """Prepare. Nothing is fetched yet."""
        self._link = link
        self._size = size
        self._wait = wait
        self._offset = 0
        self._tag: str | None = None

    def chunks(self) -> t.Iterator[bytes]:
        """Yield the bytes of the result, each once.

        Raises:
            BulkFailed: If the result cannot be fetched whole.
            TapError: What `link` and `wait` raise.
        """
        failures = 0
        refusals = 0
        url = self._link()
        with requests.Session() as session:
            is_whole = False
            while not is_whole:
                before = self._offset
                try:
                    yield from self._attempt(session, url)
                    is_whole = True
                except _LinkRefused as refusal:
                    refusals = 1 if self._offset > before else refusals + 1
                    if refusals > 1:
                        raise BulkFailed(str(refusal)) from None
                    url = self._link()
                except RetryableError as error:
                    # The last byte may be there although the connection broke: there is nothing left to ask for.
                    is_whole = self._offset == self._size
                    failures = 1 if self._offset > before else failures + 1
                    if not is_whole:
                        self._wait(error, failures)

    def _attempt(self, session: requests.Session, url: str) -> t.Iterator[bytes]:
        headers = {"User-Agent": USER_AGENT, **opening_headers(self._offset, self._tag)}
        try:
            with session.get(url, headers=headers, stream=True, timeout=(_CONNECT_TIMEOUT, _READ_TIMEOUT)) as response:
                skip = bytes_to_skip(response.status_code, response.headers, self._offset, self._tag)
                if not self._offset:
                    self._tag = strong_tag(response.headers)
                # Piece by piece as it comes: a larger piece would be lost with the connection that breaks in it.
                while received := response.raw.read1(_CHUNK, decode_content=True):
                    chunk = received[skip:] if skip else received
                    skip = max(0, skip - len(received))
                    self._offset += len(chunk)
                    if chunk:
                        yield chunk
        except (requests.RequestException, urllib3.exceptions.HTTPError):
            # Not chained: its text holds the address, and with it the right to read the result.
            raise ConnectionFailed(_BROKEN) from None
        if self._size is not None and self._offset < self._size:
            raise TruncatedAnswer(_BROKEN)
        if self._size is not None and self._offset > self._size:
            raise BulkFailed("The result of the bulk operation is longer than Shopify says.")
