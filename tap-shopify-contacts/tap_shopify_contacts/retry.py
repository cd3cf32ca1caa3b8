"""When to ask again, and after how long. Pure: the caller sleeps and draws the random number."""

from __future__ import annotations

from dataclasses import dataclass

from tap_shopify_contacts.errors import RetryableError, Throttled

_LONGEST_ASKED_FOR = 900.0


@dataclass(frozen=True)
class RetryPolicy:
    """Bounds for asking again; times are in seconds.

    Waits have full jitter: anything between nothing and `base` doubled per try, at most `cap`. A wait that Shopify asks
    for is kept, plus up to a second, so that several runs on one token do not come back together.
    """

    tries: int = 8
    throttled_tries: int = 120
    base: float = 1.0
    cap: float = 60.0

    def wait(self, error: RetryableError, failures: int, chance: float) -> float | None:
        """Return how long to wait after the `failures`-th failure of this kind, or None to give up.

        `chance` is a random number in [0, 1).
        """
        if failures >= (self.throttled_tries if isinstance(error, Throttled) else self.tries):
            return None
        if error.wait is not None:
            return min(error.wait, _LONGEST_ASKED_FOR) + chance
        return chance * min(self.cap, self.base * 2.0 ** (failures - 1))


FIRST_REQUEST = RetryPolicy(tries=3, base=0.5)
"""For the first request of a run: a mistyped shop is told within seconds."""
