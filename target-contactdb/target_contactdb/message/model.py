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
        email: The address, as `mailboxes.deliverable` writes it.
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
        price: For all of them, after discounts of the line, in the shop's currency.
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
        currency: ISO 4217 code of the amounts: the shop's currency.
        subtotal: What the lines cost after all discounts, also those of a code, which the lines do not have.
        tax: Sum of the taxes.
        duties: Sum of the duties.
        taxes_included: Whether the prices have the taxes in them.
        total: What there is to pay.
        presentment_currency: ISO 4217 code of the currency that the person saw.
        presentment_total: What there is to pay, in that.
        products: Its lines, in the cart's order.
    """

    checkout_id: int
    name: str | None
    url: str | None
    currency: str | None
    subtotal: Decimal | None
    tax: Decimal | None
    duties: Decimal | None
    taxes_included: bool | None
    total: Decimal | None
    presentment_currency: str | None
    presentment_total: Decimal | None
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message, ready to be written to files or to be sent.

    Attributes:
        subject: One line.
        html: A whole document.
        text: The same in plain text.
        sender: The address that it comes from.
        recipient: The one address that it goes to.
        answers_to: The address that answers go to.
        headers: Who it is from and to, and how to unsubscribe, as they stand in the e-mail: ASCII, and folded.
    """

    subject: str
    html: str
    text: str
    sender: str
    recipient: str
    answers_to: str
    headers: Mapping[str, str]

    def as_preview(self) -> Message:
        """Return the message for looking at: it says so, goes to its sender, and its headers unsubscribe nobody."""
        kept = {name: value for name, value in self.headers.items() if not name.startswith("List-Unsubscribe")}
        return replace(
            self,
            subject=f"[Preview] {self.subject}",
            recipient=self.sender,
            headers={**kept, "To": kept["From"]},
        )
