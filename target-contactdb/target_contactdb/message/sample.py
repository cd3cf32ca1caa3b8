"""Made-up data, to look at a template before there is a contact for it."""

from __future__ import annotations

import typing as t
from decimal import Decimal

from target_contactdb.message.model import Cart, Product, Recipient

# One blue pixel, so that a preview needs no network.
_PICTURE: t.Final = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGOomLYPAANWAc0Wh/i6AAAAAElFTkSuQmCC"
)

RECIPIENT: t.Final = Recipient(0, "robin@example.com", "Robin", "Example", fields={"first_name": "Robin"})

CART: t.Final = Cart(
    checkout_id=0,
    name="#0",
    url="https://shop.example.com/cart/recover",
    currency="EUR",
    discounts=Decimal("5.00"),
    total=Decimal("73.80"),
    products=(
        Product("Linen shirt", "Blue / M", 1, Decimal("49.90"), _PICTURE),
        Product("A product without a picture", None, 2, Decimal("28.90"), None),
    ),
)
