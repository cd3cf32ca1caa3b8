"""The shop's customers before anything happened: each a pure function of (seed, index), so a million cost nothing."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from functools import cached_property

from shopify_sandbox import people
from shopify_sandbox.clock import DAY, MINUTE, SECOND
from shopify_sandbox.dice import Dice
from shopify_sandbox.records import (
    INVALID,
    NOT_SUBSCRIBED,
    PENDING,
    REDACTED,
    SUBSCRIBED,
    UNSUBSCRIBED,
    Address,
    Consent,
    Customer,
    Order,
    money,
)

FIRST_CUSTOMER = 7_000_000_000_000
FIRST_CUSTOMER_ADDRESS = 9_000_000_000_000
FIRST_ORDER = 6_000_000_000_000

# Every 40 positions in the order of updates begin with 5 customers of the same second, and one mass edit gives
# more customers than a page holds the same second: page borders must fall inside such a run.
_BLOCK = 40
_TWINS = 5
_MASS_EDIT = 7 * _BLOCK
_MASS_EDIT_FROM = 1_000

_UPDATES_SPAN = 365 * DAY
_HISTORY_SPAN = 730 * DAY
# The last change of the past lies this far back, beyond any horizon that a reader leaves to the search index.
_QUIET = 10 * MINUTE
_REDACTED_EVERY = 331
_RECENT = 55 * DAY

EMAIL_MIX = ((50, SUBSCRIBED), (28, NOT_SUBSCRIBED), (14, UNSUBSCRIBED), (6, PENDING), (2, INVALID))
SMS_MIX = ((26, SUBSCRIBED), (56, NOT_SUBSCRIBED), (14, UNSUBSCRIBED), (4, PENDING))
WHATSAPP_MIX = ((5, SUBSCRIBED), (93, NOT_SUBSCRIBED), (2, UNSUBSCRIBED))
_LEVELS = ((60, "SINGLE_OPT_IN"), (30, "CONFIRMED_OPT_IN"), (10, "UNKNOWN"))


@dataclass(frozen=True)
class Population:
    """`count` customers of the shop `seed`, with a past that ends shortly before `start` (microseconds)."""

    seed: int
    count: int
    start: int

    @cached_property
    def _updates_begin(self) -> int:
        return (self.start - _QUIET - _UPDATES_SPAN) // SECOND * SECOND

    @cached_property
    def _slot(self) -> int:
        return _UPDATES_SPAN // SECOND // max(self.count, 1)

    @cached_property
    def _step(self) -> int:
        """A number without common divisor with `count`, so that its multiples visit every index once."""
        step = max(int(self.count * 0.618), 1)
        while math.gcd(step, self.count) != 1:
            step += 1
        return step

    @cached_property
    def _step_inverse(self) -> int:
        return pow(self._step, -1, self.count) if self.count > 1 else 0

    @cached_property
    def _mass_edit(self) -> tuple[int, int]:
        if self.count < _MASS_EDIT_FROM:
            return (0, 0)
        begin = self.count // 2 // _BLOCK * _BLOCK
        return (begin, begin + _MASS_EDIT)

    @cached_property
    def _mass_edit_members(self) -> list[int]:
        return self._members(*self._mass_edit)

    def _members(self, begin: int, end: int) -> list[int]:
        return sorted(position * self._step % self.count for position in range(begin, end))

    def _run(self, position: int) -> tuple[int, int]:
        """The run of positions that share one second with this one."""
        mass_begin, mass_end = self._mass_edit
        if mass_begin <= position < mass_end:
            return self._mass_edit
        block = position - position % _BLOCK
        if position - block < _TWINS:
            return (block, min(block + _TWINS, self.count))
        return (position, position + 1)

    def index_at(self, position: int) -> int:
        """The index of the customer at a position in the order (updated_at, id)."""
        begin, end = self._run(position)
        if end - begin == 1:
            return position * self._step % self.count
        members = self._mass_edit_members if (begin, end) == self._mass_edit else self._members(begin, end)
        return members[position - begin]

    def updated_at(self, position: int) -> int:
        """When the customer at this position last changed; never falls as the position rises."""
        rank = self._run(position)[0]
        jitter = (rank * 2_654_435_761 + self.seed) % self._slot if self._slot > 1 else 0
        return self._updates_begin + (rank * (_UPDATES_SPAN // SECOND) // self.count + jitter) * SECOND

    def key_at(self, position: int) -> tuple[int, int]:
        """The sort key (updated_at, id) at a position."""
        return self.updated_at(position), self.number(self.index_at(position))

    def first_position(self, key: tuple[int, float], *, after: bool) -> int:
        """The first position whose sort key is at least the key, or beyond it."""
        return (bisect_right if after else bisect_left)(range(self.count), key, key=self.key_at)

    @staticmethod
    def number(index: int) -> int:
        """The numeric id of the customer with this index."""
        return FIRST_CUSTOMER + index

    def index(self, number: int) -> int | None:
        """The index of a numeric id, or null when it is none of the population."""
        index = number - FIRST_CUSTOMER
        return index if 0 <= index < self.count else None

    def _updated_at_of(self, index: int) -> int:
        return self.updated_at(index * self._step_inverse % self.count if self.count > 1 else 0)

    def created_at(self, index: int) -> int:
        """When the customer was created; one in five has not changed since."""
        if Dice(self.seed, "age", index).percent(20):
            return self._updated_at_of(index)
        begin = self._updates_begin - _HISTORY_SPAN
        return begin + index * (_HISTORY_SPAN // SECOND) // self.count * SECOND

    def record(self, index: int) -> Customer:
        """The customer with this index."""
        created_at, updated_at = self.created_at(index), self._updated_at_of(index)
        if index % _REDACTED_EVERY == _REDACTED_EVERY - 1:
            gone = Consent(REDACTED, at=updated_at)
            return Customer(
                self.number(index), created_at, updated_at, email_consent=gone, sms_consent=gone, redacted=True
            )
        return make_customer(self.seed, index, created_at, updated_at, self.start)


def make_customer(seed: int, index: int, created_at: int, updated_at: int, now: int) -> Customer:
    """A person of the shop `seed`, as known at `now`; used for the population and for those who come later."""
    dice = Dice(seed, "customer", index)
    culture = dice.weighted(people.CULTURES)
    place = dice.pick(culture.places)
    first, last = dice.pick(culture.first), dice.pick(culture.last)
    has_email, has_phone = dice.percent(96), dice.percent(46)
    email_state = dice.weighted(EMAIL_MIX) if has_email else NOT_SUBSCRIBED
    email = _email(dice, index, (first[1], last[1]), broken=email_state == INVALID) if has_email else None
    named = dice.percent(95)
    first_name = first[0] if named or dice.percent(40) else None
    last_name = last[0] if named else None
    phone = people.fictional_phone(index, place.country_code) if has_phone else None
    customer = Customer(
        number=Population.number(index),
        created_at=created_at,
        updated_at=updated_at,
        first_name=first_name,
        last_name=last_name,
        email=email,
        email_consent=_consent(dice, email_state, created_at, updated_at, None),
        phone=phone,
        sms_consent=_consent(
            dice, dice.weighted(SMS_MIX) if has_phone else NOT_SUBSCRIBED, created_at, updated_at, "OTHER"
        ),
        whatsapp_consent=_consent(
            dice, dice.weighted(WHATSAPP_MIX) if has_phone else NOT_SUBSCRIBED, created_at, updated_at, "OTHER"
        ),
        locale=people.LOCALES_BY_COUNTRY.get(place.country_code, culture.locale),
        note=dice.pick(people.NOTES) if dice.percent(12) else None,
        tags=_tags(dice),
        state=dice.weighted(((70, "DISABLED"), (22, "ENABLED"), (6, "INVITED"), (2, "DECLINED"))),
        verified_email=dice.percent(88),
        tax_exempt=(exempt := dice.percent(3)),
        tax_exemptions=(dice.pick(people.EXEMPTIONS),) if exempt else (),
        data_sale_opt_out=dice.percent(2),
        address=_address(dice, index, culture, place, (first_name, last_name), phone),
        metafields=(("loyalty", "points", str(dice.below(5_000))),) if dice.percent(15) else (),
    )
    return _with_orders(customer, dice, place, created_at, now)


def _email(dice: Dice, index: int, name: tuple[str, str], *, broken: bool) -> str:
    first, last = (part.replace(" ", "").replace(".", "") for part in name)
    separator = ".." if broken else dice.pick((".", "_", "-", "+"))
    local = f"{first}{separator}{last}.{index}"
    return f"{local.title() if dice.percent(5) else local}@{dice.pick(people.DOMAINS)}"


def _consent(dice: Dice, state: str, created_at: int, updated_at: int, collected: str | None) -> Consent:
    """A consent given between creation and last change; a few were taken over from an older list."""
    if state == NOT_SUBSCRIBED or (state == INVALID and dice.percent(50)):
        return Consent(state)
    at = created_at + dice.below(max((updated_at - created_at) // SECOND, 1)) * SECOND
    if dice.percent(3):
        at = created_at - dice.between(1, 400) * DAY
    level = "CONFIRMED_OPT_IN" if state == PENDING else dice.weighted(_LEVELS)
    return Consent(state, level, at, collected)


def _tags(dice: Dice) -> tuple[str, ...]:
    if not dice.percent(35):
        return ()
    wanted = dice.between(9, 18) if dice.percent(4) else dice.between(1, 4)
    return tuple(sorted({dice.pick(people.TAGS) for _ in range(wanted)}, key=str.casefold))


def _address(
    dice: Dice,
    index: int,
    culture: people.Culture,
    place: people.Place,
    name: tuple[str | None, str | None],
    phone: str | None,
) -> Address | None:
    if dice.percent(18):
        return None
    return Address(
        number=FIRST_CUSTOMER_ADDRESS + index,
        model="CustomerAddress",
        first_name=name[0],
        last_name=name[1],
        company=dice.pick(people.COMPANIES) if dice.percent(9) else None,
        address1=dice.pick(culture.streets),
        address2=dice.pick(("Apt. 4", "c/o Example", "")) or None if dice.percent(20) else None,
        city=place.city,
        province=place.province,
        province_code=place.province_code,
        country=place.country,
        country_code=place.country_code,
        zip=place.zip,
        phone=phone if dice.percent(50) else None,
    )


def _with_orders(customer: Customer, dice: Dice, place: people.Place, created_at: int, now: int) -> Customer:
    if customer.created_at >= now or not dice.percent(46):
        return customer
    count = 1 + (dice.below(4) if dice.percent(50) else 0) + (dice.below(36) if dice.percent(6) else 0)
    earliest = max(created_at, now - _RECENT) if dice.percent(45) else created_at
    span = max((now - _QUIET - earliest) // SECOND, 1)
    last_at = earliest + dice.below(span) * SECOND
    times = (
        *sorted(created_at + (last_at - created_at) * n // count // SECOND * SECOND for n in range(1, count)),
        last_at,
    )
    total = dice.between(399, 24_999)
    quantity = dice.between(1, 12)
    returned = dice.percent(6)
    currency = place.currency if dice.percent(60) else "EUR"
    order = Order(
        number=FIRST_ORDER + customer.number - FIRST_CUSTOMER,
        name=f"#{1000 + customer.number - FIRST_CUSTOMER}",
        created_at=last_at,
        quantity=quantity,
        total=money(total, currency),
        current_total=money(total // 2 if returned else total, currency),
        current_quantity=quantity // 2 if returned else quantity,
    )
    rated = dice.percent(80)
    return replace(
        customer,
        orders_count=count,
        amount_spent=order.current_total.shop + sum(dice.between(399, 24_999) for _ in range(count - 1)),
        order_times=times,
        last_order=order,
        predicted_spend_tier=dice.pick(people.TIERS) if rated else None,
        rfm_group=dice.pick(people.RFM_GROUPS) if rated else None,
    )
