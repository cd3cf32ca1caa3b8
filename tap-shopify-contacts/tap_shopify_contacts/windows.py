"""Closed-open windows of time, [start, end), that together cover a stretch without gap or overlap.

The bookmark moves by one window at a time, so a window is what a killed run loses at most. A window that held much is
followed by a shorter one, a window that held little by a longer one: an empty decade costs few requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Window:
    """The stretch [start, end): start belongs to it, end does not."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class WindowPlan:
    """How long windows are.

    `first` is the length to begin with. After a window of at most `few` records the length doubles; after one of more
    than `many` it is halved, but never below `smallest`.
    """

    first: timedelta
    few: int
    many: int
    smallest: timedelta = timedelta(hours=1)

    def next_length(self, length: timedelta, records: int, remaining: timedelta) -> timedelta:
        """Return the length of the window after one of `length` that held `records`."""
        if records <= self.few:
            # Longer than what is left is never needed; the bound keeps the doubling from overflowing.
            return min(length * 2, max(length, remaining))
        if records > self.many:
            return max(length / 2, min(length, self.smallest))
        return length


def next_window(start: datetime, until: datetime, length: timedelta) -> Window:
    """Return the window at `start` that is `length` long, cut at `until`."""
    return Window(start, until if length >= until - start else start + length)


def starting_point(*, bookmark: datetime | None, start_date: datetime | None, lookback: timedelta) -> datetime | None:
    """Return where reading begins, or None for the oldest record.

    A bookmark wins over `start_date`. What lies `lookback` before the bookmark is read again, since Shopify's search
    index may show a change late.
    """
    if bookmark is not None:
        return bookmark - lookback
    return start_date
