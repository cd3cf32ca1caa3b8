"""Reading Singer state: how far a stream has been read, and whether its window is complete. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from target_contactdb.fields import to_datetime

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The bookmark of one stream.

    Attributes:
        value: Everything before it has been read; None = nothing yet, or not a time.
        until: The end that the tap is reading to, while it has not got there.
    """

    value: dt.datetime | None
    until: dt.datetime | None


def bookmark_of(state: Mapping[str, t.Any] | None, stream: str) -> Bookmark | None:
    """Return the bookmark of a stream in a Singer state, or None if the state does not speak of it."""
    entry = _entry(state, stream)
    return None if entry is None else Bookmark(_moment(entry.get("replication_key_value")), _moment(entry.get("until")))


def stands_still(state: Mapping[str, t.Any] | None, start: Mapping[str, t.Any] | None, stream: str) -> bool:
    """Tell whether a stream's bookmark is where it was, so that nothing is skipped by whoever goes on from there.

    Args:
        state: The Singer state now.
        start: The Singer state that the tap started with; None = none.
        stream: Name of the stream.
    """
    now, before = _entry(state, stream) or {}, _entry(start, stream) or {}
    if "replication_key" in now or "replication_key" in before:
        # The end that a tap is reading to, and how it reads, may change meanwhile.
        return bool(now.get("replication_key_value") == before.get("replication_key_value"))
    return now == before


@dataclass
class Place:
    """Where a tap stands.

    Attributes:
        state: The latest Singer state whose records are committed; None = there was none yet.
        start: The state that the tap had sent when its first stream announced itself; None = there was none.
    """

    state: Mapping[str, t.Any] | None = None
    start: Mapping[str, t.Any] | None = None
    _is_begun: bool = False

    def begin(self) -> None:
        """Take it that the tap starts here, unless it has started already."""
        if not self._is_begun:
            self._is_begun, self.start = True, self.state

    def move(self, state: Mapping[str, t.Any]) -> None:
        """Go on to a state. One that comes before any stream is where the tap starts, too."""
        self.state = state
        self.begin()

    def bookmark_of(self, stream: str) -> Bookmark | None:
        """Return the latest bookmark of a stream; None if no state has spoken of it."""
        return bookmark_of(self.state, stream)


def leaves_a_gap(start: dt.datetime | None, committed: dt.datetime | None) -> bool:
    """Tell whether a tap that starts at a bookmark would leave out what a database has not seen.

    A database that was restored from a backup is older than the state that is kept elsewhere.

    Args:
        start: The bookmark that the tap starts from; None = from the beginning.
        committed: The latest bookmark that the database has committed; None = none yet, and a tap may start where its
            settings say.
    """
    return start is not None and committed is not None and start > committed


def is_full_refresh(start: dt.datetime | None, first: dt.datetime | None) -> bool:
    """Tell whether a tap reads everything again that it has ever read.

    Args:
        start: The bookmark that the tap starts from; None = from the beginning.
        first: The bookmark that its first import started from; None = from the beginning.
    """
    return start is None or (first is not None and start <= first)


def _entry(state: Mapping[str, t.Any] | None, stream: str) -> dict[str, t.Any] | None:
    bookmarks = (state or {}).get("bookmarks")
    entry = bookmarks.get(stream) if isinstance(bookmarks, dict) else None
    return entry if isinstance(entry, dict) else None


def _moment(value: t.Any) -> dt.datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return to_datetime(value)
    except ValueError:
        # Other taps may bookmark numbers or texts; such a value is passed on but says nothing to the log.
        return None
