"""The leaky bucket of cost points that an app has for a shop. Runs on real time, whatever the store's clock says."""

from __future__ import annotations

import time
import typing as t


class Bucket:
    """A bucket of `capacity` points to which `restore_rate` points a second come back."""

    def __init__(
        self, capacity: int = 2000, restore_rate: int = 100, monotonic: t.Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with a full bucket."""
        self.capacity = capacity
        self.restore_rate = restore_rate
        self._monotonic = monotonic
        self._level = float(capacity)
        self._at = monotonic()

    def _restore(self) -> None:
        now = self._monotonic()
        self._level = min(float(self.capacity), self._level + (now - self._at) * self.restore_rate)
        self._at = now

    def take(self, points: int) -> bool:
        """Take the points if the bucket holds them all."""
        self._restore()
        if points > self._level:
            return False
        self._level -= points
        return True

    def give_back(self, points: int) -> None:
        """Return what a request was charged too much."""
        self._restore()
        self._level = min(float(self.capacity), self._level + points)

    def status(self) -> dict[str, int]:
        """The `throttleStatus` of an answer, in whole points."""
        self._restore()
        return {
            "maximumAvailable": self.capacity,
            "currentlyAvailable": int(self._level),
            "restoreRate": self.restore_rate,
        }
