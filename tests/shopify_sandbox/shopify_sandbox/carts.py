"""The shop's products and its abandoned checkouts before anything happened: pure functions of (seed, index)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shopify_sandbox import people
from shopify_sandbox.clock import DAY, HOUR, MINUTE, SECOND
from shopify_sandbox.dice import Dice
from shopify_sandbox.population import Population
from shopify_sandbox.records import Address, Checkout, Customer, Line

FIRST_CHECKOUT = 30_000_000_000_000
FIRST_CHECKOUT_ADDRESS = 31_000_000_000_000
FIRST_PRODUCT = 8_000_000_000_000
FIRST_VARIANT = 44_000_000_000_000

_SPAN = 88 * DAY
_QUIET = 10 * MINUTE
_LONG_CART = 60
_LONG_CART_EVERY = 50
# Carts that need a second page of lines even at the greatest page size.
_HUGE_CARTS = (260, 510)
_HUGE_CARTS_FROM = 100

_PRODUCTS = 60
_SIZES = ("S", "M / Blue", "L / Größe 42", "Default Title")
_THINGS = ("Teekanne", "Lamp", "Wool scarf", "Café cup", 'Poster 24"', "Notebook, ruled", "抹茶碗", "Mug")
_LOOKS = ("green", "old", "tiny", "folding", "“Limited”", "No. 5")
_VENDORS = ("Example Works", "Acme & Co", "Atelier Exemple")
_TYPES = ("Kitchen", "Home", "Clothing", "")
_CODES = ("WELCOME10", "SUMMER-5", "VIP")


def make_line(dice: Dice, seed: int, code_percent: int) -> Line:
    """A line of a cart: mostly a product on sale, sometimes one since deleted, sometimes a custom item."""
    product = dice.below(_PRODUCTS)
    variant = dice.below(len(_SIZES))
    goods = Dice(seed, "product", product)
    title = f"{goods.pick(_THINGS)} {goods.pick(_LOOKS)}"
    price = goods.between(150, 19_999)
    quantity = dice.weighted(((70, 1), (20, 2), (8, 3), (2, 12)))
    discounted = price - (price * 20 // 100 if dice.percent(15) else 0)
    coded = discounted - discounted * code_percent // 100
    if dice.percent(3):
        return Line("Custom engraving", quantity, price, discounted, coded)
    gone = dice.percent(4)
    return Line(
        title=title,
        quantity=quantity,
        unit_price=price,
        discounted_unit_price=discounted,
        coded_unit_price=coded,
        variant_title=_SIZES[variant],
        sku=f"SKU-{product:03d}-{variant}" if dice.percent(92) else "",
        product_number=None if gone else FIRST_PRODUCT + product,
        variant_number=None if gone else FIRST_VARIANT + product * 10 + variant,
        product_handle=f"product-{product}",
        vendor=_VENDORS[product % len(_VENDORS)],
        product_type=_TYPES[product % len(_TYPES)],
        image_url=f"https://cdn.example.com/s/files/product-{product}.jpg?v=17" if dice.percent(90) else None,
        attributes=(("Engraving", "Für Ömi"), ("_hidden", None)) if dice.percent(5) else (),
    )


def make_checkout(
    seed: int, index: int, created_at: int, customer: Customer | None, lines: int | None = None
) -> Checkout:
    """A cart that was left at `created_at`; `lines` fixes the number of lines."""
    dice = Dice(seed, "checkout", index)
    culture = dice.weighted(people.CULTURES)
    place = dice.pick(culture.places)
    coded = dice.percent(18)
    count = dice.weighted(((34, 1), (26, 2), (15, 3), (10, 4), (6, 5), (4, 6), (3, 7), (2, 8)))
    given = dice.percent(90)
    names = (
        (customer.first_name, customer.last_name)
        if customer
        else (dice.pick(culture.first)[0], dice.pick(culture.last)[0])
    )
    address = Address(
        number=FIRST_CHECKOUT_ADDRESS + index * 2,
        model="Address",
        first_name=names[0],
        last_name=names[1],
        address1=dice.pick(culture.streets),
        city=place.city,
        province=place.province,
        province_code=place.province_code,
        country=place.country,
        country_code=place.country_code,
        zip=place.zip,
        phone=customer.phone if customer and dice.percent(50) else None,
    )
    billed = dice.percent(70)
    return Checkout(
        number=FIRST_CHECKOUT + index,
        token=dice.hexadecimal(32),
        created_at=created_at,
        updated_at=created_at + dice.between(20 * SECOND, 9 * MINUTE),
        customer_number=customer.number if customer else None,
        lines=tuple(make_line(dice, seed, 10 if coded else 0) for _ in range(count if lines is None else lines)),
        currency=place.currency if dice.percent(70) else "EUR",
        note="Please ring twice.\nThanks!" if dice.percent(8) else "",
        discount_codes=(dice.pick(_CODES),) if coded else (),
        attributes=(("gift", "yes"), ("utm_source", "newsletter")) if dice.percent(10) else (),
        taxes_included=place.taxes_included,
        tax_percent=place.tax_percent,
        duties=dice.between(100, 900) if not place.taxes_included and dice.percent(20) else None,
        billing_address=address if given and billed else None,
        shipping_address=address if given else None,
    )


@dataclass(frozen=True)
class Carts:
    """`count` abandoned checkouts of the last three months, left by people of the population."""

    seed: int
    count: int
    start: int
    population: Population

    @staticmethod
    def number(index: int) -> int:
        """The numeric id of the checkout with this index."""
        return FIRST_CHECKOUT + index

    def index(self, number: int) -> int | None:
        """The index of a numeric id, or null when it is none of these."""
        index = number - FIRST_CHECKOUT
        return index if 0 <= index < self.count else None

    def _line_count(self, index: int) -> int | None:
        if self.count >= _HUGE_CARTS_FROM and index in (self.count // 3, self.count * 2 // 3):
            return _HUGE_CARTS[0] if index == self.count // 3 else _HUGE_CARTS[1]
        return _LONG_CART if index % _LONG_CART_EVERY == _LONG_CART_EVERY // 2 else None

    def _customer(self, dice: Dice, created_at: int) -> Customer | None:
        """Someone who already was a customer; one buyer in twelve is unknown to the shop."""
        if self.population.count == 0 or dice.percent(8):
            return None
        for _ in range(6):
            index = dice.below(self.population.count)
            if self.population.created_at(index) < created_at:
                return self.population.record(index)
        return None

    def record(self, index: int) -> Checkout:
        """The checkout with this index."""
        dice = Dice(self.seed, "cart", index)
        slot = _SPAN // max(self.count, 1)
        created_at = self.start - 2 * HOUR - _SPAN + index * slot + dice.below(slot)
        checkout = make_checkout(
            self.seed, index, created_at, self._customer(dice, created_at), self._line_count(index)
        )
        age = self.start - _QUIET - checkout.updated_at
        later = checkout.updated_at + dice.below(max(min(age, 9 * DAY), 1))
        if dice.percent(14):
            return replace(checkout, updated_at=later, completed_at=later // SECOND * SECOND)
        if dice.percent(12):
            return replace(checkout, updated_at=later)
        return checkout
