"""The amounts that a message shows add up, whatever the shop's prices have in them."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from decimal import Decimal

import pytest

from shopify_sandbox.carts import make_checkout
from target_contactdb.message.model import Product
from target_contactdb.message.render import render_message
from target_contactdb.message.sums import amounts_of
from tests.target.message.conftest import ANN, CART, SENDER

WITHIN, ON_TOP, UNKNOWN = True, False, None


def _cart(prices, subtotal, tax, duties, included, total, **changes):
    products = tuple(Product("Mug", None, 1, None if price is None else Decimal(price), None) for price in prices)
    amounts = {"subtotal": subtotal, "tax": tax, "duties": duties, "total": total, "presentment_total": total}
    exact: dict[str, t.Any] = {name: None if amount is None else Decimal(amount) for name, amount in amounts.items()}
    return replace(CART, products=products, taxes_included=included, **exact, **changes)


@pytest.mark.parametrize(
    ("cart", "parts"),
    [
        pytest.param(_cart(["25", "75"], "100", "15.97", None, WITHIN, "100"), [], id="prices are the total"),
        pytest.param(
            _cart(["25", "75"], "90", "14.37", None, WITHIN, "90"),
            [("subtotal", "100"), ("discounts", "-10")],
            id="a discount code",
        ),
        pytest.param(
            _cart(["25", "75"], "90", "11.70", "4", ON_TOP, "105.70"),
            [("subtotal", "100"), ("discounts", "-10"), ("tax", "11.70"), ("duties", "4")],
            id="taxes on top, and duties",
        ),
        pytest.param(
            _cart(["100"], "100", "8", None, ON_TOP, "113"),
            [("subtotal", "100"), ("tax", "8"), ("other_costs", "5")],
            id="shipping was chosen already",
        ),
        pytest.param(_cart(["100"], "100", None, None, ON_TOP, "100"), [], id="no tax"),
        pytest.param(_cart(["100"], "100", "8", None, UNKNOWN, "108"), [], id="nobody knows where the tax is"),
        pytest.param(_cart(["100", None], "100", None, None, WITHIN, "108"), [], id="a price is missing"),
        pytest.param(_cart(["100"], None, None, None, WITHIN, "90"), [], id="the subtotal is missing"),
        pytest.param(_cart(["100"], "110", None, None, WITHIN, "110"), [], id="a price has changed since"),
        pytest.param(_cart(["100"], "100", "8", None, ON_TOP, "100"), [], id="less than its parts"),
    ],
)
def test_what_is_shown_between_the_prices_and_the_total_leads_from_the_ones_to_the_other(cart, parts):
    amounts = amounts_of(cart)

    assert amounts.total == cart.total
    assert [(name, amount) for name, amount in amounts.parts] == [(name, Decimal(amount)) for name, amount in parts]
    if parts:
        assert sum(amount for _name, amount in amounts.parts) == amounts.total
        assert amounts.parts[0][1] == sum(price for price in amounts.prices if price is not None)


def _amount(cents):
    return None if cents is None else Decimal(cents) / 100


def test_the_amounts_of_the_sandboxs_carts_add_up():
    """Carts with discounts of lines and of codes, taxes within the prices and on top, and duties."""
    kinds = set()
    for index in range(200):
        left = make_checkout(1, index, 0, None)
        products = tuple(
            Product(line.title, None, line.quantity, _amount(line.discounted_unit_price * line.quantity), None)
            for line in left.lines
        )
        amounts = amounts_of(
            replace(
                CART,
                currency="EUR",
                products=products,
                taxes_included=left.taxes_included,
                subtotal=_amount(left.subtotal),
                tax=_amount(left.tax),
                duties=_amount(left.duties),
                total=_amount(left.total),
                presentment_currency=None,
            )
        )
        names = tuple(name for name, _amount in amounts.parts)
        between = amounts.parts or [("prices", price) for price in amounts.prices if price is not None]
        assert sum(amount for _name, amount in between) == amounts.total == _amount(left.total)
        assert ("discounts" in names) is (left.subtotal < sum(x.discounted_unit_price * x.quantity for x in left.lines))
        assert ("tax" in names) is (left.tax > 0 and not left.taxes_included)
        kinds.add(names)

    assert {(), ("subtotal", "discounts"), ("subtotal", "discounts", "tax"), ("subtotal", "tax", "duties")} <= kinds


def test_amounts_add_up_as_they_are_shown_with_the_decimals_of_their_currency():
    amounts = amounts_of(_cart(["33.3333", "66.6667"], "90.0001", "7.9832", None, ON_TOP, "97.9833", currency="EUR"))

    assert amounts.prices == (Decimal("33.33"), Decimal("66.67"))
    assert sum(amount for _name, amount in amounts.parts) == amounts.total == Decimal("97.98")


def test_the_total_is_in_the_currency_that_the_person_saw_and_nothing_else_is_in_another():
    cart = replace(CART, presentment_currency="CAD", presentment_total=Decimal("1557.8"))
    message = render_message(ANN, cart, SENDER, secret="s")

    assert "Total: CA$1,557.80" in message.text.splitlines()
    assert "€" not in message.text + message.html
    assert "Subtotal" not in message.text
    assert "  Quantity: 2" in message.text.splitlines()


def test_a_currency_that_was_seen_without_its_total_leaves_the_shops():
    cart = replace(CART, presentment_currency="CAD", presentment_total=None)

    assert "Total: €1,045.50" in render_message(ANN, cart, SENDER, secret="s").text.splitlines()
