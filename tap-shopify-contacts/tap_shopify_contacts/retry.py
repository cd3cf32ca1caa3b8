"""When to ask again, and after how long. Pure: the caller sleeps and draws the random number."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from tap_shopify_contacts.errors import RetryableError

_LONGEST_ASKED_FOR = 900.0


@dataclass(frozen=True)
class RetryPolicy:
    """Bounds for asking again; times are in seconds.

    Waits have full jitter: anything between nothing and `base` doubled per try, at most `cap`. A wait that Shopify asks
    for is kept and comes before that, so that several runs on one token do not come back together. An error may have a
    number of tries of its own.
    """

    tries: int = 8
    base: float = 1.0
    cap: float = 60.0

    def wait(self, error: RetryableError, failures: int, chance: float) -> float | None:
        """Return how long to wait after the `failures`-th failure of this kind, or None to give up.

        `chance` is a random number in [0, 1).
        """
        if failures >= (error.tries or self.tries):
            return None
        # The exponent is bounded, since a float is.
        jitter = chance * min(self.cap, self.base * 2.0 ** min(failures - 1, 30))
        return jitter if error.wait is None else min(error.wait, _LONGEST_ASKED_FOR) + jitter


FIRST_REQUEST = RetryPolicy(tries=3, base=0.5)
"""For the first request of a run: a mistyped shop is told within seconds."""
