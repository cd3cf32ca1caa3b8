"""The shop: customers and checkouts, and everything that can happen to them. Changes carry the store's time."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field, fields, replace

from shopify_sandbox.carts import Carts, make_checkout, make_line
from shopify_sandbox.clock import StoreClock, parse_time
from shopify_sandbox.collection import Collection
from shopify_sandbox.dice import Dice
from shopify_sandbox.population import FIRST_ORDER, Population, make_customer
from shopify_sandbox.records import (
    EMAIL_STATES,
    OPT_IN_LEVELS,
    REDACTED,
    SMS_STATES,
    Address,
    Checkout,
    Consent,
    Customer,
    Line,
    Order,
    money,
)

_TIME_FIELDS = frozenset({"created_at", "updated_at", "completed_at"})
_CUSTOMER_FIELDS = frozenset(f.name for f in fields(Customer)) - {
    "number", "email_consent", "sms_consent", "whatsapp_consent", "last_order", "order_times", "redacted",
}  # fmt: skip
_CHECKOUT_FIELDS = frozenset(f.name for f in fields(Checkout)) - {"number", "customer_number"} | {"customer_id"}


class StoreError(Exception):
    """A change that cannot be made; the message says why."""


class UnknownRecordError(StoreError):
    """A customer or checkout that does not exist."""


@dataclass
class Store:
    """One shop. Every change is made through a method here, at the store's time unless told otherwise."""

    seed: int
    clock: StoreClock
    customer_count: int
    checkout_count: int
    shop: str
    shop_number: int = 60_000_000_001
    ticks: int = 0
    orders_placed: int = 0
    merged: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Compute nothing yet: the bases are functions."""
        self.population = Population(self.seed, self.customer_count, self.clock.start)
        self.customers: Collection[Customer] = Collection(self.population)
        self.checkouts: Collection[Checkout] = Collection(
            Carts(self.seed, self.checkout_count, self.clock.start, self.population)
        )

    def customer(self, number: int) -> Customer:
        """The customer with this id.

        Raises:
            UnknownRecordError: There is none.
        """
        found = self.customers.live.get(number)
        if found is None:
            message = f"no customer {number}"
            raise UnknownRecordError(message)
        return found

    def checkout(self, number: int) -> Checkout:
        """The checkout with this id.

        Raises:
            UnknownRecordError: There is none.
        """
        found = self.checkouts.live.get(number)
        if found is None:
            message = f"no checkout {number}"
            raise UnknownRecordError(message)
        return found

    def customer_of(self, checkout: Checkout) -> Customer | None:
        """The customer who left the checkout: after a merge the one that was kept, after a deletion nobody."""
        number = checkout.customer_number
        while number in self.merged:
            number = self.merged[number]
        return None if number is None else self.customers.live.get(number)

    def last_abandoned(self) -> dict[int, int]:
        """When each customer last abandoned a checkout, by customer id."""
        latest: dict[int, int] = {}
        for checkout in self.checkouts.live.records():
            customer = self.customer_of(checkout)
            if customer is not None:
                latest[customer.number] = max(latest.get(customer.number, 0), checkout.created_at)
        return latest

    def create_customer(self, given: dict[str, t.Any], at: int | None = None) -> Customer:
        """A new customer: a made-up person with the given fields put over."""
        now = self._second(at)
        number = self.customers.next_number()
        made = make_customer(self.seed, number - Population.number(0), now, now, now)
        made = replace(made, orders_count=0, amount_spent=0, order_times=(), last_order=None)
        return self.customers.put(_customer_with(made, given), now)

    def change_customer(self, number: int, given: dict[str, t.Any], at: int | None = None) -> Customer:
        """Change fields of a customer; `updated_at` moves to now unless it is given."""
        now = self._second(at)
        changed = _customer_with(replace(self.customer(number), updated_at=now), given)
        return self.customers.put(changed, now)

    def delete_customer(self, number: int) -> None:
        """Delete a customer without orders.

        Raises:
            StoreError: The customer has orders.
        """
        if self.customer(number).orders_count:
            message = "Customer can\u2019t be deleted because they have associated orders"
            raise StoreError(message)
        self.customers.delete(number, self.clock.now())

    def set_consent(
        self,
        number: int,
        channel: str,
        state: str,
        opt_in_level: str | None = "SINGLE_OPT_IN",
        consent_at: int | None = None,
        *,
        touch: bool = True,
        at: int | None = None,
    ) -> Customer:
        """Set a channel's consent, with its own time; `touch` false leaves `updated_at` as it is.

        Raises:
            StoreError: An unknown channel, state or level.
        """
        states = {"email": EMAIL_STATES, "sms": SMS_STATES, "whatsapp": SMS_STATES}.get(channel)
        if states is None or state not in states or (opt_in_level is not None and opt_in_level not in OPT_IN_LEVELS):
            message = f"no such consent: channel {channel!r}, state {state!r}, opt-in level {opt_in_level!r}"
            raise StoreError(message)
        now = self._second(at)
        old = self.customer(number)
        consent = Consent(state, opt_in_level, consent_at, None if channel == "email" else "OTHER")
        changes: dict[str, t.Any] = {f"{channel}_consent": consent, "updated_at": now if touch else old.updated_at}
        return self.customers.put(replace(old, **changes), now)

    def place_order(
        self,
        number: int,
        *,
        quantity: int,
        cents: int,
        currency: str = "EUR",
        touch: bool = False,
        at: int | None = None,
    ) -> Customer:
        """Add an order; like the real shop it does not move the customer's `updated_at` unless `touch` says so."""
        now = self._second(at)
        old = self.customer(number)
        self.orders_placed += 1
        order_number = FIRST_ORDER + self.customer_count + self.orders_placed
        order = Order(
            number=order_number,
            name=f"#{1000 + order_number - FIRST_ORDER}",
            created_at=now,
            quantity=quantity,
            total=money(cents, currency),
            current_total=money(cents, currency),
            current_quantity=quantity,
        )
        changed = replace(
            old,
            orders_count=old.orders_count + 1,
            amount_spent=old.amount_spent + cents,
            order_times=(*old.order_times, now),
            last_order=order,
            updated_at=now if touch else old.updated_at,
        )
        return self.customers.put(changed, now)

    def redact_customer(self, number: int) -> Customer:
        """Carry out an erasure: personal data is gone, both consents are REDACTED, orders remain as figures."""
        now = self._second(None)
        old = self.customer(number)
        gone = Consent(REDACTED, at=now)
        changed = Customer(
            number=old.number,
            created_at=old.created_at,
            updated_at=now,
            email_consent=gone,
            sms_consent=gone,
            whatsapp_consent=gone,
            state=old.state,
            orders_count=old.orders_count,
            amount_spent=old.amount_spent,
            order_times=old.order_times,
            last_order=old.last_order,
            redacted=True,
        )
        return self.customers.put(changed, now)

    def merge_customers(self, keep: int, drop: int) -> Customer:
        """Merge two customers: one disappears without a trace, the other takes its orders, note and tags.

        Raises:
            StoreError: Both are the same.
        """
        if keep == drop:
            message = "Customers IDs should not match"
            raise StoreError(message)
        kept, dropped = self.customer(keep), self.customer(drop)
        now = self._second(None)
        orders = [order for order in (kept.last_order, dropped.last_order) if order is not None]
        changed = replace(
            kept,
            updated_at=now,
            note="\n".join(note for note in (kept.note, dropped.note) if note) or None,
            tags=tuple(sorted({*kept.tags, *dropped.tags}, key=str.casefold)),
            email=kept.email or dropped.email,
            email_consent=kept.email_consent if kept.email else dropped.email_consent,
            phone=kept.phone or dropped.phone,
            sms_consent=kept.sms_consent if kept.phone else dropped.sms_consent,
            address=kept.address or dropped.address,
            orders_count=kept.orders_count + dropped.orders_count,
            amount_spent=kept.amount_spent + dropped.amount_spent,
            order_times=tuple(sorted((*kept.order_times, *dropped.order_times))),
            last_order=max(orders, key=lambda order: order.created_at, default=None),
        )
        self.merged[drop] = keep
        self.customers.delete(drop, now)
        return self.customers.put(changed, now)

    def abandon_checkout(self, given: dict[str, t.Any], at: int | None = None) -> Checkout:
        """A new abandoned checkout: a made-up cart with the given fields put over."""
        now = self.clock.now() if at is None else at
        number = self.checkouts.next_number()
        customer_number = given.get("customer_id")
        customer = None if customer_number is None else self.customer(int(customer_number))
        made = make_checkout(self.seed, number - Carts.number(0), now, customer)
        return self.checkouts.put(self._checkout_with(replace(made, updated_at=now), given), now)

    def change_checkout(self, number: int, given: dict[str, t.Any], at: int | None = None) -> Checkout:
        """Change fields of a checkout; `updated_at` moves to now unless it is given."""
        now = self.clock.now() if at is None else at
        changed = self._checkout_with(replace(self.checkout(number), updated_at=now), given)
        return self.checkouts.put(changed, now)

    def replace_lines(self, number: int, lines: tuple[Line, ...], at: int) -> Checkout:
        """Change the contents of a cart."""
        return self.checkouts.put(replace(self.checkout(number), lines=lines, updated_at=at), at)

    def recover_checkout(self, number: int, at: int | None = None) -> Checkout:
        """Complete a checkout; its customer gets the order."""
        now = self.clock.now() if at is None else at
        checkout = self.checkout(number)
        customer = self.customer_of(checkout)
        if customer is not None:
            quantity = sum(line.quantity for line in checkout.lines)
            self.place_order(
                customer.number, quantity=quantity, cents=checkout.total, currency=checkout.currency, at=now
            )
        return self.checkouts.put(replace(checkout, completed_at=now, updated_at=now), now)

    def _second(self, at: int | None) -> int:
        return (self.clock.now() if at is None else at) // 1_000_000 * 1_000_000

    def _checkout_with(self, checkout: Checkout, given: dict[str, t.Any]) -> Checkout:
        changes = _plain(given, _CHECKOUT_FIELDS)
        if "customer_id" in changes:
            number = changes.pop("customer_id")
            changes["customer_number"] = None if number is None else self.customer(int(number)).number
        if isinstance(lines := changes.get("lines"), int):
            dice = Dice(self.seed, "lines", checkout.number, checkout.updated_at)
            changes["lines"] = tuple(make_line(dice, self.seed, 0) for _ in range(lines))
        elif lines is not None:
            changes["lines"] = tuple(_line(line) for line in lines)
        return _replaced(checkout, changes)


def normal_email(text: str | None) -> str | None:
    """An e-mail address as Shopify keeps it: without any white space, letters as written."""
    return re.sub(r"\s+", "", text) or None if text else None


def _plain(given: dict[str, t.Any], known: frozenset[str]) -> dict[str, t.Any]:
    """The given fields with times, lists and addresses in the form of the records."""
    unknown = sorted(set(given) - known)
    if unknown:
        message = f"unknown fields: {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        raise StoreError(message)
    changes = dict(given)
    for name, value in given.items():
        if name in _TIME_FIELDS and isinstance(value, str):
            changes[name] = parse_time(value)
        elif name.endswith("address") and isinstance(value, dict):
            changes[name] = _built(Address, {"number": 1, "model": "CustomerAddress"} | value)
        elif isinstance(value, list) and name != "lines":
            changes[name] = tuple(tuple(part) if isinstance(part, list) else part for part in value)
    return changes


def _customer_with(customer: Customer, given: dict[str, t.Any]) -> Customer:
    changes = _plain(given, _CUSTOMER_FIELDS)
    if "tags" in changes:
        changes["tags"] = tuple(sorted(changes["tags"], key=str.casefold))
    if "email" in changes:
        changes["email"] = normal_email(changes["email"])
    for name in ("created_at", "updated_at"):
        if name in changes:
            changes[name] = changes[name] // 1_000_000 * 1_000_000
    return _replaced(customer, changes)


def _line(given: dict[str, t.Any]) -> Line:
    price = given.get("unit_price", 1_000)
    defaults = {"title": "Item", "quantity": 1, "unit_price": price}
    defaults["discounted_unit_price"] = given.get("discounted_unit_price", price)
    defaults["coded_unit_price"] = given.get("coded_unit_price", defaults["discounted_unit_price"])
    return _built(Line, defaults | given)


Built = t.TypeVar("Built")


def _built(kind: type[Built], given: dict[str, t.Any]) -> Built:
    try:
        return kind(**given)
    except TypeError as error:
        message = f"not a {kind.__name__.lower()}: {error}"
        raise StoreError(message) from error


Replaced = t.TypeVar("Replaced", Customer, Checkout)


def _replaced(record: Replaced, changes: dict[str, t.Any]) -> Replaced:
    return replace(record, **changes)
