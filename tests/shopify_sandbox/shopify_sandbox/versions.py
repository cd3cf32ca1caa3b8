"""The API versions that are served."""

from __future__ import annotations

VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")
OLDEST, NEWEST = VERSIONS[0], VERSIONS[-1]


def served_version(asked: str | None) -> str:
    """The version that answers: the one asked for, else the oldest one, as Shopify falls forward."""
    return asked if asked in VERSIONS else OLDEST
