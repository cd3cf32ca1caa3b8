"""How fast to ask, so that the bucket of points is used up but seldom found empty. Pure: the caller sleeps.

An app has one leaky bucket per shop: https://shopify.dev/docs/api/usage/limits. A query needs its requested cost in the
bucket to run, and gets back what it did not use. Other runs with the same app drain the same bucket.

A run that is alone asks as soon as the bucket holds what the next query needs. Where others are seen to drain it too,
each spends in proportion to what is left below half a bucket. All see the same level, so it settles where their shares
add up to what comes back, and are equal however much a query of each costs.
"""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass

_MOST_SHARERS = 10
_FORGETS_AFTER = 5.0
_NOISE = 0.05
_ROUNDING = 1.0


@dataclass(frozen=True)
class Bucket:
    """The bucket as an answer showed it: points, and points that come back per second."""

    available: float
    maximum: float
    rate: float


@dataclass(frozen=True)
class Cost:
    """What a query asked of the bucket, and what it took. `actual` is None when it did not run."""

    requested: float
    actual: float | None
    bucket: Bucket

    @property
    def fits(self) -> bool:
        """Say whether the bucket can ever hold what the query needs."""
        return self.requested <= self.bucket.maximum and self.bucket.rate > 0


def read_cost(extensions: t.Mapping[str, t.Any]) -> Cost | None:
    """Return the cost that an answer tells in its extensions, or None where it tells none."""
    cost = extensions.get("cost")
    status = cost.get("throttleStatus") if isinstance(cost, dict) else None
    if not isinstance(cost, dict) or not isinstance(status, dict):
        return None
    try:
        actual = cost.get("actualQueryCost")
        return Cost(
            float(cost["requestedQueryCost"]),
            None if actual is None else float(actual),
            Bucket(
                float(status["currentlyAvailable"]),
                float(status.get("maximumAvailable", math.inf)),
                float(status["restoreRate"]),
            ),
        )
    except (KeyError, TypeError, ValueError):
        return None


class Pace:
    """What is known of the bucket, and how long to wait before the next query.

    Times are seconds of one clock that never goes back.
    """

    def __init__(self) -> None:
        """Begin without knowing anything: the first query does not wait."""
        self._bucket: Bucket | None = None
        self._seen_at = 0.0
        self._spent_at = 0.0
        self._foreign = 0.0

    def wait(self, needed: float, now: float) -> float:
        """Return the seconds to wait before a query that needs so many points.

        Too short a wait costs one refused query; too long a one leaves points in the bucket, where the next queries
        find them.
        """
        bucket = self._bucket
        if bucket is None or bucket.rate <= 0:
            return 0.0
        available = bucket.available + bucket.rate * (now - self._seen_at)
        until_there = (min(needed + _ROUNDING, bucket.maximum) - available) / bucket.rate
        return max(0.0, until_there, self._turn(needed, bucket) - now)

    def _turn(self, needed: float, bucket: Bucket) -> float:
        """Return the time from which the points are this run's share, or a time that is past."""
        level, half = bucket.available, bucket.maximum / 2
        if self._foreign <= bucket.rate * _NOISE or level >= half:
            return -math.inf
        share = bucket.rate * max(level / half, 1 / _MOST_SHARERS)
        return self._spent_at + needed / share

    def learn(self, cost: Cost, now: float) -> None:
        """Take note of what an answer told about the bucket, also one that refused the query."""
        before, elapsed = self._bucket, now - self._seen_at
        if before is not None and elapsed > 0:
            expected = min(before.maximum, before.available + before.rate * elapsed) - (cost.actual or 0.0)
            # The bucket is told in whole points.
            taken = max(0.0, expected - cost.bucket.available - _ROUNDING)
            weight = 1.0 - math.exp(-elapsed / _FORGETS_AFTER)
            self._foreign += (min(before.rate, taken / elapsed) - self._foreign) * weight
        self._bucket = cost.bucket
        self._seen_at = now
        if cost.actual is not None:
            self._spent_at = now
