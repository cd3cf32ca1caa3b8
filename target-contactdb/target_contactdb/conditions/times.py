"""Dates and times in conditions: absolute ones in the shop's time zone, and those that are told from now."""

from __future__ import annotations

import datetime as dt
import re
import typing as t
import zoneinfo
from dataclasses import dataclass

from target_contactdb.errors import ConfigError

UNITS: t.Final = ("minutes", "hours", "days", "weeks")
_SPAN: t.Final = re.compile(r"\s*(\d{1,9})\s+(minute|hour|day|week)s?\s*", re.IGNORECASE)
_AGO: t.Final = re.compile(r"(.*\S)\s+ago\s*", re.IGNORECASE | re.DOTALL)
DATE: t.Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
"""How a date without a time is written."""

_LAST: t.Final = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """What "now" and "a day" mean.

    Attributes:
        now: The present moment, UTC.
        zone: The shop's time zone: a date begins at midnight there.
    """

    now: dt.datetime
    zone: zoneinfo.ZoneInfo

    @property
    def today(self) -> dt.date:
        """The date in the shop's time zone."""
        return self.now.astimezone(self.zone).date()

    def midnight(self, day: dt.date) -> dt.datetime:
        """Return when a day begins in the shop's time zone, UTC.

        Raises:
            OverflowError: There is no such moment.
        """
        return dt.datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(dt.UTC)

    def whole(self, day: dt.date) -> Period:
        """Return a day in the shop's time zone; the last day that there is ends with the last moment.

        Raises:
            OverflowError: There is no moment at which it begins.
        """
        return Period(self.midnight(day), _LAST if day == dt.date.max else self.midnight(day + dt.timedelta(days=1)))


@dataclass(frozen=True, slots=True)
class Period:
    """A moment, or a whole day.

    Attributes:
        begin: UTC.
        end: Just behind the day; None for a moment.
    """

    begin: dt.datetime
    end: dt.datetime | None = None


def read_zone(name: str, setting: str) -> zoneinfo.ZoneInfo:
    """Return a time zone by its name, such as `Europe/Berlin`.

    Raises:
        ConfigError: There is no such zone; the text names the setting and the nearest right name.
    """
    from target_contactdb.conditions.words import nearest

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(name, zoneinfo.available_timezones())
        raise ConfigError([f"setting `{setting}`: unknown time zone `{name}`{hint}"]) from None


def is_relative(text: str) -> bool:
    """Tell whether text is a time told from now, such as `30 days ago`."""
    ago = _AGO.fullmatch(text)
    return ago is not None and _SPAN.fullmatch(ago.group(1)) is not None


def read_span(text: str) -> dt.timedelta:
    """Read a length of time such as `2 days`.

    Raises:
        ValueError: It is not one.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        msg = f"is not a length of time such as `2 days` ({', '.join(UNITS)})"
        raise ValueError(msg)
    number, unit = found.groups()
    try:
        return dt.timedelta(**{f"{unit.lower()}s": int(number)})
    except OverflowError:
        raise ValueError(_TOO_FAR) from None


_TOO_FAR: t.Final = "is too far away"


def ago(span: dt.timedelta, clock: Clock) -> dt.datetime:
    """Return the moment that lies a span before now.

    Raises:
        ValueError: There is no such moment.
    """
    try:
        return clock.now - span
    except OverflowError:
        raise ValueError(_TOO_FAR) from None


def read_period(text: str, clock: Clock) -> Period:
    """Read a moment or a date: ISO 8601, or `30 days ago`. Without an offset it is the shop's own time.

    Raises:
        ValueError: It is neither.
    """
    relative = _AGO.fullmatch(text)
    if relative is not None:
        return Period(ago(read_span(relative.group(1)), clock))
    _refuse_other_dates(text)
    try:
        if DATE.fullmatch(text):
            return clock.whole(dt.date.fromisoformat(text))
        moment = dt.datetime.fromisoformat(text)
        return Period((moment if moment.tzinfo else moment.replace(tzinfo=clock.zone)).astimezone(dt.UTC))
    except OverflowError:
        raise ValueError(_TOO_FAR) from None
    except ValueError:
        msg = "is not an ISO 8601 date or time such as `2026-10-01` or `2026-10-01T09:30`, nor `30 days ago`"
        raise ValueError(msg) from None


def read_day(text: str, clock: Clock) -> dt.date:
    """Read a date: ISO 8601, or the shop's date of `30 days ago`.

    Raises:
        ValueError: It is neither.
    """
    relative = _AGO.fullmatch(text)
    if relative is not None:
        return _shop_day(ago(read_span(relative.group(1)), clock), clock)
    _refuse_other_dates(text)
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        msg = "is not an ISO 8601 date such as `2026-10-01`, nor `30 days ago`"
        raise ValueError(msg) from None


def _refuse_other_dates(text: str) -> None:
    """Refuse a date in a form that Python would take for its first moment, such as `20261001` or `2026-W40`."""
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return
    if not DATE.fullmatch(text):
        msg = "is a date in another form; a date is written as YYYY-MM-DD"
        raise ValueError(msg)


def _shop_day(moment: dt.datetime, clock: Clock) -> dt.date:
    try:
        return moment.astimezone(clock.zone).date()
    except OverflowError:
        raise ValueError(_TOO_FAR) from None
