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
    bookmarks = (state or {}).get("bookmarks")
    entry = bookmarks.get(stream) if isinstance(bookmarks, dict) else None
    if not isinstance(entry, dict):
        return None
    return Bookmark(_moment(entry.get("replication_key_value")), _moment(entry.get("until")))


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


def _moment(value: t.Any) -> dt.datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return to_datetime(value)
    except ValueError:
        # Other taps may bookmark numbers or texts; such a value is passed on but says nothing to the log.
        return None
