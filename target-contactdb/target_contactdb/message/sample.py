"""Made-up data, to look at a template before there is a contact for it."""

from __future__ import annotations

import typing as t
from decimal import Decimal
from urllib.parse import quote

from target_contactdb.message.model import Cart, Product, Recipient


def _picture(background: str, drawing: str) -> str:
    """Return a drawing of 100 by 100 as a link that holds the picture itself, so that a preview needs no network."""
    opening = "<svg xmlns='http://www.w3.org/2000/svg' width='240' height='240' viewBox='0 0 100 100'>"
    ground = f"<rect width='100' height='100' fill='{background}'/>"
    return f"data:image/svg+xml,{quote(f'{opening}{ground}{drawing}</svg>')}"


_SHIRT: t.Final = _picture(
    "#e3ebf3",
    "<path d='M36 22 16 34l8 18 9-5v33h34V47l9 5 8-18-20-12c-4 9-24 9-28 0z' fill='#7996bd'/>"
    "<path d='M36 22c4 9 24 9 28 0l-5-2c-3 5-15 5-18 0z' fill='#5c7ba6'/>"
    "<g fill='#e3ebf3'><circle cx='50' cy='42' r='1.6'/><circle cx='50' cy='54' r='1.6'/>"
    "<circle cx='50' cy='66' r='1.6'/></g>",
)
_TOTE: t.Final = _picture(
    "#f1ebe0",
    "<path d='M38 44V31a12 12 0 0 1 24 0v13' fill='none' stroke='#a98f63' stroke-width='4'/>"
    "<path d='M26 40h48l5 42H21z' fill='#c9b084'/>"
    "<path d='M42 60h16' stroke='#f1ebe0' stroke-width='3'/>",
)

RECIPIENT: t.Final = Recipient(0, "robin@example.com", "Robin", "Example", fields={"first_name": "Robin"})

# As Shopify writes a cart with a discount code: the lines have their own discounts in them, the subtotal has the code's
# as well, and the taxes are within the prices.
CART: t.Final = Cart(
    checkout_id=0,
    name="#0",
    url="https://shop.example.com/cart/recover",
    currency="EUR",
    subtotal=Decimal("93.42"),
    tax=Decimal("17.47"),
    duties=None,
    taxes_included=True,
    total=Decimal("93.42"),
    presentment_currency="EUR",
    presentment_total=Decimal("93.42"),
    products=(
        Product("Linen shirt", "Blue / M", 1, Decimal("49.90"), _SHIRT),
        Product("Canvas tote", "Natural", 2, Decimal("28.90"), _TOTE),
        # One of the things that have no picture.
        Product("Gift card", None, 1, Decimal("25.00"), None),
    ),
)
