"""How many records to ask for at once: as many as a single query may cost, and fewer where that fails. Pure.

A connection of n records costs about `2 + floor(2 ln n)` times what one record costs, so a large page is far cheaper
per record than a small one. The figure is not documented; it is only used to guess, and every guess is checked by what
the answer says.
"""

from __future__ import annotations

import math
import typing as t

if t.TYPE_CHECKING:
    from tap_shopify_contacts.pacing import Cost

QUERY_LIMIT = 1_000.0
"""The most points that a single query may ask for, in every plan: https://shopify.dev/docs/api/usage/limits."""

_FIRST_PATIENCE = 4


class PageSize:
    """The size of the next page, between 1 and `largest`.

    It grows as soon as an answer shows that a larger page fits under the limits, and shrinks when one does not, or when
    Shopify fails to answer. After such a failure it grows again by doubling, each time after more good pages.
    """

    def __init__(self, count: int, largest: int | None = None) -> None:
        """Begin with a size. Without `largest` it never grows above it."""
        self.count = count
        self._largest = largest or count
        self._limit = QUERY_LIMIT
        self._ceiling = self._largest
        self._patience = _FIRST_PATIENCE
        self._good = 0

    def learn(self, cost: Cost) -> None:
        """Take note of the cost of a good page of this size, and grow where it pays."""
        limit = min(self._limit, cost.bucket.maximum)
        self._good += 1
        if self.count < self._ceiling:
            self.count = max(self.count, largest_within(limit, self.count, cost.requested, self._ceiling))
        elif self.count < self._largest and self._good >= self._patience:
            self._ceiling = min(self._largest, self._ceiling * 2)
            self._good = 0

    def fit(self, cost: float | None, limit: float | None) -> bool:
        """Shrink below the limit on the points of one query, or by half where the figures are not known.

        Returns False when one record alone is already too much.
        """
        if cost is None or limit is None:
            return self.ease()
        self._limit = min(self._limit, limit)
        return self.stay_below(cost, limit)

    def stay_below(self, cost: float, limit: float) -> bool:
        """Shrink below a limit that may be another one soon. Returns False when the size is 1 already."""
        if self.count == 1:
            return False
        self.count = largest_within(limit, self.count, cost, self.count - 1)
        return True

    def ease(self) -> bool:
        """Halve the size, since Shopify did not answer. Returns False when it cannot be halved."""
        if self.count == 1:
            return False
        if self.count < self._largest:
            self._patience *= 2
        self.count //= 2
        self._ceiling = self.count
        self._good = 0
        return True


def largest_within(limit: float, count: int, cost: float, largest: int) -> int:
    """Return the largest size, at least 1, whose cost should stay within a limit, if `count` records cost `cost`."""
    steps = math.floor(limit * _steps(count) / cost) if cost > 0 else _steps(largest)
    if steps >= _steps(largest):
        return largest
    # The largest n with floor(2 ln n) <= steps; sizes 1 and 2 cost the same.
    return max(1, min(largest, math.ceil(math.exp((steps + 1) / 2)) - 1))


def _steps(count: int) -> int:
    return math.floor(2 * math.log(max(2, count)))
