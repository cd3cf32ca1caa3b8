"""Instants: UTC, whole seconds, written `YYYY-MM-DDTHH:MM:SSZ` as Shopify writes them."""

from __future__ import annotations

from datetime import UTC, datetime

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 date or time as UTC, cut to the second.

    A time without an offset is taken as UTC.

    Raises:
        ValueError: If the text is not a date or time.
    """
    value = datetime.fromisoformat(text)
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value.replace(microsecond=0)


def format_instant(value: datetime) -> str:
    """Write an instant the way Shopify does."""
    return value.astimezone(UTC).strftime(_FORMAT)
