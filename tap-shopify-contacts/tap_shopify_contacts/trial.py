"""Tries the connection as a run would use it, and says what is missing and what works without it."""

from __future__ import annotations

import typing as t

from tap_shopify_contacts.client import Question
from tap_shopify_contacts.errors import AccessDenied, UnexpectedAnswer
from tap_shopify_contacts.retry import FIRST_REQUEST
from tap_shopify_contacts.scopes import SCOPES_DOCUMENT, Lack, scopes_in, tell
from tap_shopify_contacts.settings import ProtectedData, Settings

if t.TYPE_CHECKING:
    from tap_shopify_contacts.pages import Asks


class Triable(t.Protocol):
    """What is needed of a stream."""

    @property
    def name(self) -> str:
        """Return the stream's name."""

    def lacks(self, granted: t.Collection[str]) -> tuple[Lack, ...]:
        """Return what the selected fields need beyond the scopes of the app."""

    def read_one(self) -> bool:
        """Read one record as a run does. Returns whether there was one."""


def try_out(client: Asks, settings: Settings, streams: t.Sequence[Triable]) -> str:
    """Read one record of each stream, write nothing, and return what to say about it.

    Raises:
        TapError: What a run would fail with. For missing scopes it is an AccessDenied that names all of them.
    """
    granted = _granted(client, streams)
    lacks = [] if granted is None else [lack for stream in streams for lack in stream.lacks(granted)]
    failing = {lack.stream for lack in lacks if not lack.fields or settings.protected_data is ProtectedData.FAIL}
    read = [
        f"{'one record' if stream.read_one() else 'no record'} of {stream.name}"
        for stream in streams
        if stream.name not in failing
    ]
    told = tell(lacks, [stream.name for stream in streams]) if lacks else ""
    if failing:
        error = AccessDenied(told, "Give the app what it lacks, or deselect what needs it.")
        error.place(shop=settings.shop)
        raise error
    works = f"The connection to {settings.shop} works: read {' and '.join(read)}; nothing was written."
    return f"{works} {told}".strip()


def _granted(client: Asks, streams: t.Sequence[Triable]) -> frozenset[str] | None:
    """Return the app's scopes; None where Shopify does not tell, so that only reading can show what is missing."""
    if not streams:
        return None
    try:
        return scopes_in(client.ask(Question(streams[0].name, SCOPES_DOCUMENT), policy=FIRST_REQUEST).data)
    except (AccessDenied, UnexpectedAnswer):
        return None
