"""What a message needs, out of the contact database, and whether it may be written at all."""

from __future__ import annotations

import typing as t

from target_contactdb.admin.carts import last_checkout_of, newest_checkout_of
from target_contactdb.admin.permission import CHANNEL_NAMES, current_address, obstacles
from target_contactdb.errors import ContactDbError
from target_contactdb.message.mailboxes import NotAnAddress, deliverable
from target_contactdb.message.model import CHANNEL, Cart, Product, Recipient

if t.TYPE_CHECKING:
    from target_contactdb.admin.cards import Contact
    from target_contactdb.admin.carts import Checkout, Line
    from target_contactdb.admin.connect import Opened

_UNADDRESSED: t.Final = "nobody@example.invalid"
"""Who a preview is for, which goes to its sender."""


class Refused(ContactDbError):
    """A message may not be written. The text says why, and names nobody."""


def message_parts(database: Opened, contact: Contact, *, preview: bool) -> tuple[Recipient, Cart]:
    """Return who a message is for and what it is about.

    Args:
        database: The contact database.
        contact: A row of `contacts`.
        preview: It will not be sent: neither consent is asked, nor the address, nor whether the checkout was recovered.

    Raises:
        Refused: The contact may not be written to, or has no open checkout.
    """
    address = current_address(database, contact, CHANNEL)
    contact_id = contact["contact_id"]
    reasons = [] if preview else obstacles(contact, CHANNEL, address)
    email = _UNADDRESSED
    if address.value and not preview:
        try:
            email = deliverable(address.value)
        except NotAnAddress as reason:
            reasons.append(f"its e-mail address cannot be written to: {reason}")
    checkout = last_checkout_of(database, contact_id)
    if checkout is None:
        checkout = newest_checkout_of(database, contact_id)
        if checkout is None:
            reasons.append("it has no abandoned checkout")
        elif not preview:
            reasons.append("its checkout was recovered")
    if reasons or checkout is None:
        msg = f"contact #{contact_id} gets no message by {CHANNEL_NAMES[CHANNEL]}: {'; '.join(reasons)}"
        raise Refused(msg)
    fields = {name: contact.get(name) for name in database.fields}
    recipient = Recipient(
        contact_id,
        email,
        fields.get("first_name"),
        fields.get("last_name"),
        fields.get("locale"),
        fields,
    )
    return recipient, _cart(checkout)


def _cart(checkout: Checkout) -> Cart:
    return Cart(
        checkout_id=checkout.checkout_id,
        name=checkout.name,
        url=checkout.abandoned_checkout_url,
        currency=checkout.currency,
        subtotal=checkout.subtotal_price,
        tax=checkout.total_tax,
        duties=checkout.total_duties,
        taxes_included=checkout.taxes_included,
        total=checkout.total_price,
        presentment_currency=checkout.presentment_currency,
        presentment_total=checkout.presentment_total_price,
        products=tuple(_product(line) for line in checkout.lines),
    )


def _product(line: Line) -> Product:
    price = line.discounted_total_price if line.discounted_total_price is not None else line.total_price
    # Shopify names the variant of a product without variants "Default Title".
    variant = None if line.variant_title == "Default Title" else line.variant_title
    return Product(line.product_title or line.title, variant, line.quantity, price, line.image_url)
