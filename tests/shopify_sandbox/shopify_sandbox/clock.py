"""The store's clock and the text forms of its times. All times are whole microseconds since 1970, UTC."""

from __future__ import annotations

import time
import typing as t
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The time as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=micros)


def to_micros(value: datetime) -> int:
    """Microseconds since 1970; a time without zone is taken as UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (aware - EPOCH) // _MICROSECOND


def parse_time(text: str) -> int:
    """Microseconds since 1970 of an ISO 8601 text.

    Raises:
        ValueError: The text is not an ISO 8601 time.
    """
    return to_micros(datetime.fromisoformat(text.strip()))


def format_time(micros: int) -> str:
    """The Admin API's form of a time: whole seconds, `2026-11-01T12:00:00Z`."""
    return from_micros(micros).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_exact(micros: int) -> str:
    """The control path's form of a time, with the fraction that the store keeps."""
    value = from_micros(micros)
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if value.microsecond else "%Y-%m-%dT%H:%M:%SZ")


def format_http_date(micros: int) -> str:
    """The form of the HTTP `Date` header (RFC 9110)."""
    return format_datetime(from_micros(micros // SECOND * SECOND), usegmt=True)


class StoreClock:
    """A clock that starts at a given time, runs with real time and can be moved."""

    def __init__(self, start: int | None = None, monotonic: t.Callable[[], float] = time.monotonic) -> None:
        """Start the clock at `start` microseconds, or at the machine's time."""
        self._monotonic = monotonic
        self.start = to_micros(datetime.now(UTC)) if start is None else start
        self._offset = self.start - self._elapsed()

    def _elapsed(self) -> int:
        return int(self._monotonic() * SECOND)

    def now(self) -> int:
        """The store's time in microseconds."""
        return self._offset + self._elapsed()

    def now_seconds(self) -> int:
        """The store's time, cut to a whole second, in microseconds: how customers' times are stored."""
        return self.now() // SECOND * SECOND

    def advance(self, seconds: float) -> None:
        """Move the clock by a number of seconds, also backwards."""
        self._offset += round(seconds * SECOND)

    def set(self, micros: int) -> None:
        """Set the clock to a time."""
        self._offset = micros - self._elapsed()
