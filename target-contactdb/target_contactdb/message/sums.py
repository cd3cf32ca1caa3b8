"""The amounts that a message shows: they add up, or there is only the total. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import get_currency_precision

if t.TYPE_CHECKING:
    from target_contactdb.message.model import Cart


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a message says about money.

    Attributes:
        currency: ISO 4217 code of all of it; None = not known.
        prices: One for each product, None where it is not shown.
        parts: What leads from the prices to the total, each with the name of its word and its sign; empty where
            the prices are the total, or where it is not known what lies between.
        total: What there is to pay.
    """

    currency: str | None
    prices: tuple[Decimal | None, ...]
    parts: tuple[tuple[str, Decimal], ...]
    total: Decimal | None


def amounts_of(cart: Cart) -> Amounts:
    """Return the amounts of a cart, in the currency that the person saw.

    Of that currency Shopify's record has the total alone, as it is imported: where it is not the shop's, no other
    amount is shown. Nothing is converted, since no sum would be what the person was shown.
    """
    if cart.presentment_total is not None and cart.presentment_currency not in {None, cart.currency}:
        return Amounts(cart.presentment_currency, (None,) * len(cart.products), (), cart.presentment_total)
    prices = tuple(_rounded(product.price, cart.currency) for product in cart.products)
    total = _rounded(cart.total, cart.currency)
    return Amounts(cart.currency, prices, _parts(cart, prices, total), total)


def _parts(cart: Cart, prices: tuple[Decimal | None, ...], total: Decimal | None) -> tuple[tuple[str, Decimal], ...]:
    known = [price for price in prices if price is not None]
    subtotal = _rounded(cart.subtotal, cart.currency)
    tax, duties = (_rounded(amount, cart.currency) or Decimal(0) for amount in (cart.tax, cart.duties))
    if len(known) < len(prices) or not known or subtotal is None or total is None:
        return ()
    if cart.taxes_included:
        tax = Decimal(0)
    elif cart.taxes_included is None and tax:
        return ()
    lines = sum(known, Decimal(0))
    # Shipping, if it was chosen already, and tips have no amount of their own in an abandoned checkout.
    rest = total - subtotal - tax - duties
    if subtotal > lines or rest < 0:
        return ()
    named = {"discounts": subtotal - lines, "tax": tax, "duties": duties, "other_costs": rest}
    between = [(name, amount) for name, amount in named.items() if amount]
    return (("subtotal", lines), *between) if between else ()


def _rounded(amount: Decimal | None, currency: str | None) -> Decimal | None:
    """Return an amount with the decimals that it is shown with, so that what is shown adds up."""
    if amount is None or not currency:
        return amount
    return amount.quantize(Decimal(1).scaleb(-get_currency_precision(currency)))
