"""What a message is made of. Values only."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal


CHANNEL: t.Final = "email"
"""The channel that messages go by."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who the message is for.

    Attributes:
        contact_id: The contact.
        email: The address.
        first_name: First name; None where it is not known.
        last_name: Last name; None where it is not known.
        locale: As Shopify writes it, such as `pt-BR`; None where it is not known.
        fields: Every contact field by name, for templates that want more.
    """

    contact_id: int
    email: str
    first_name: str | None = None
    last_name: str | None = None
    locale: str | None = None
    fields: Mapping[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Product:
    """One line of the cart; whatever Shopify no longer knows is None.

    Attributes:
        title: Name of the product.
        variant: Name of the variant.
        quantity: How many.
        price: For all of them, after discounts, in the cart's currency.
        image_url: Address of the picture.
    """

    title: str | None
    variant: str | None
    quantity: int | None
    price: Decimal | None
    image_url: str | None


@dataclass(frozen=True, slots=True)
class Cart:
    """The last abandoned checkout.

    Attributes:
        checkout_id: Shopify's id.
        name: What the shop's staff call it.
        url: Where the person goes on with it; None where Shopify gave none.
        currency: ISO 4217 code of the prices.
        discounts: Sum of the discounts.
        total: What there is to pay.
        products: Its lines, in the cart's order.
    """

    checkout_id: int
    name: str | None
    url: str | None
    currency: str | None
    discounts: Decimal | None
    total: Decimal | None
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message, ready to be written to files or to be sent.

    Attributes:
        subject: One line.
        html: A whole document.
        text: The same in plain text.
        headers: More headers of the e-mail: who it is from and to, and how to unsubscribe.
    """

    subject: str
    html: str
    text: str
    headers: Mapping[str, str]

    def as_preview(self) -> Message:
        """Return the message for looking at: it says so, goes to its sender, and unsubscribes nobody."""
        kept = {name: value for name, value in self.headers.items() if not name.startswith("List-Unsubscribe")}
        return replace(self, subject=f"[Preview] {self.subject}", headers={**kept, "To": kept["From"]})
