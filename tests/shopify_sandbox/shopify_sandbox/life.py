"""The store lives: what happens in a span of time, decided by (seed, tick number) alone."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from itertools import islice

from shopify_sandbox import people
from shopify_sandbox.clock import SECOND
from shopify_sandbox.dice import Dice
from shopify_sandbox.records import NOT_SUBSCRIBED, SUBSCRIBED, UNSUBSCRIBED, Checkout, Customer

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from shopify_sandbox.store import Store

# What happens in an hour to a shop with 1,000 customers.
HOURLY = {
    "customers_created": 8.0,
    "customers_renamed": 12.0,
    "consents_given": 6.0,
    "consents_withdrawn": 6.0,
    "orders_placed": 4.0,
    "checkouts_abandoned": 10.0,
    "checkouts_recovered": 5.0,
    "carts_changed": 2.0,
}
_HOUR = 3_600
_CUSTOMERS = 1_000
_TRIES = 400
_RECENT_CARTS = 60


class Tick:
    """One span of the store's life.

    Events are spread over it and end before its last tenth, so that a reader that leaves the newest minutes to
    the search index still sees them all.
    """

    def __init__(self, store: Store, seconds: float) -> None:
        """Prepare a span of `seconds` from the store's time on."""
        store.ticks += 1
        self._store = store
        self._seconds = seconds
        self._dice = Dice(store.seed, "tick", store.ticks)
        self._start = store.clock.now()
        self._touched: set[int] = set()

    def run(self) -> dict[str, int]:
        """Move the clock by the span and let things happen; the counts of what did."""
        self._store.clock.advance(self._seconds)
        actions: dict[str, Callable[[int], bool]] = {
            "customers_created": self._create,
            "customers_renamed": self._rename,
            "consents_given": self._give,
            "consents_withdrawn": self._withdraw,
            "orders_placed": self._order,
            "checkouts_recovered": self._recover,
            "carts_changed": self._change_cart,
            "checkouts_abandoned": self._abandon,
        }
        scale = self._seconds / _HOUR * max(self._store.customers.live.count(), 1) / _CUSTOMERS
        counts = dict.fromkeys(HOURLY, 0)
        for name, action in actions.items():
            wanted = HOURLY[name] * scale
            times = int(wanted) + (self._dice.below(1_000_000) < wanted % 1 * 1_000_000)
            counts[name] = sum(action(self._moment()) for _ in range(times))
        return counts

    def _moment(self) -> int:
        return self._start + round(self._seconds * SECOND * self._dice.between(20, 900) / 1_000)

    def _someone(self, test: Callable[[Customer], bool]) -> Customer | None:
        """A customer of the time before the tick who passes the test and was not met yet in this tick."""
        count, view = self._store.customer_count, self._store.customers.live
        for _ in range(_TRIES if count else 0):
            number = self._store.customers.number(self._dice.below(count))
            customer = view.get(number)
            if customer is None or customer.redacted or number in self._touched or not test(customer):
                continue
            self._touched.add(number)
            return customer
        return None

    def _cart(self) -> Checkout | None:
        """A checkout of the last days that is still open."""
        view = self._store.checkouts.live
        recent = list(islice(view.by_id(descending=True, low=None, high=None), _RECENT_CARTS))
        for _ in range(_TRIES if recent else 0):
            checkout = view.get(int(self._dice.pick(recent)[1]))
            if checkout is not None and checkout.completed_at is None and checkout.number not in self._touched:
                self._touched.add(checkout.number)
                return checkout
        return None

    def _create(self, at: int) -> bool:
        self._store.create_customer({}, at)
        return True

    def _rename(self, at: int) -> bool:
        customer = self._someone(lambda c: c.last_name is not None)
        if customer is None:
            return False
        names = [last for _, culture in people.CULTURES for last, _ in culture.last if last != customer.last_name]
        self._store.change_customer(customer.number, {"last_name": self._dice.pick(names)}, at)
        return True

    def _give(self, at: int) -> bool:
        channel = "email" if self._dice.percent(70) else "sms"
        return self._consent(channel, SUBSCRIBED, (NOT_SUBSCRIBED, UNSUBSCRIBED), at)

    def _withdraw(self, at: int) -> bool:
        channel = "email" if self._dice.percent(70) else "sms"
        return self._consent(channel, UNSUBSCRIBED, (SUBSCRIBED,), at)

    def _consent(self, channel: str, state: str, before: tuple[str, ...], at: int) -> bool:
        def fits(customer: Customer) -> bool:
            if channel == "email":
                return customer.email is not None and customer.email_consent.state in before
            return customer.phone is not None and customer.sms_consent.state in before

        customer = self._someone(fits)
        if customer is None:
            return False
        level = "CONFIRMED_OPT_IN" if self._dice.percent(40) else "SINGLE_OPT_IN"
        self._store.set_consent(customer.number, channel, state, level, at // SECOND * SECOND, at=at)
        return True

    def _order(self, at: int) -> bool:
        customer = self._someone(lambda c: True)
        if customer is None:
            return False
        self._store.place_order(
            customer.number, quantity=self._dice.between(1, 6), cents=self._dice.between(399, 24_999), at=at
        )
        return True

    def _abandon(self, at: int) -> bool:
        customer = self._someone(lambda c: True) if self._dice.percent(92) else None
        self._store.abandon_checkout({"customer_id": customer.number if customer else None}, at)
        return True

    def _recover(self, at: int) -> bool:
        checkout = self._cart()
        if checkout is None:
            return False
        self._store.recover_checkout(checkout.number, at)
        return True

    def _change_cart(self, at: int) -> bool:
        checkout = self._cart()
        if checkout is None:
            return False
        first, *rest = checkout.lines
        lines = (replace(first, quantity=first.quantity + 1), *rest)
        self._store.replace_lines(checkout.number, lines, at)
        return True
