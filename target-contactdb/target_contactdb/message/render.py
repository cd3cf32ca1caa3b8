"""Filling a message: the contact, the cart and the sender become subject, HTML and plain text. No I/O but templates."""

from __future__ import annotations

import typing as t
from email.headerregistry import Address

from target_contactdb.message.links import is_picture, is_web_address, unsubscribe_link, with_campaign
from target_contactdb.message.locales import locale_of, money
from target_contactdb.message.model import CHANNEL, Message
from target_contactdb.message.templates import Templates

if t.TYPE_CHECKING:
    from pathlib import Path

    from babel import Locale

    from target_contactdb.message.model import Cart, Product, Recipient
    from target_contactdb.message.settings import MessageSettings


def render_message(
    recipient: Recipient,
    cart: Cart,
    settings: MessageSettings,
    *,
    secret: str | None = None,
    locale: str | None = None,
    templates: Path | None = None,
) -> Message:
    """Return the message about one cart to one contact.

    Args:
        recipient: Who it is for.
        cart: What they left behind.
        settings: Who sends it.
        secret: What unsubscribe links are signed with; None = they are not.
        locale: What it is written in; None = the contact's own locale, else that of the settings.
        templates: Folder of templates; None = that of the settings, else the built-in ones.

    Raises:
        ConfigError: A template is wrong.
        ValueError: The unsubscribe link has to be signed, and there is no secret.
    """
    written_in = locale_of(locale, recipient.locale, settings.locale)
    leave = unsubscribe_link(settings.unsubscribe_url, recipient.contact_id, CHANNEL, secret)
    values: dict[str, t.Any] = {
        "first_name": _shown(recipient.first_name),
        "last_name": _shown(recipient.last_name),
        "contact": dict(recipient.fields),
        "shop_name": settings.shop_name or settings.sender_name,
        "sender_name": settings.sender_name,
        "postal_address": settings.postal_address,
        "language": written_in.language,
        "text_direction": written_in.text_direction,
        "products": [_product(product, cart, written_in) for product in cart.products],
        "discounts": money(cart.discounts, cart.currency, written_in) if cart.discounts else None,
        "total": money(cart.total, cart.currency, written_in),
        "link": _link(cart, settings),
        "unsubscribe_link": leave,
    }
    found = Templates(written_in, templates or settings.templates)
    values["words"] = found.words(values)
    return Message(
        subject=values["words"]["subject"],
        html=found.html(values),
        text=found.text(values),
        headers=_headers(recipient, settings, leave),
    )


def _shown(text: str | None) -> str | None:
    return " ".join((text or "").split()) or None


def _product(product: Product, cart: Cart, locale: Locale) -> dict[str, t.Any]:
    return {
        "title": _shown(product.title),
        "variant": _shown(product.variant),
        "quantity": product.quantity,
        "price": money(product.price, cart.currency, locale),
        "image": product.image_url if is_picture(product.image_url) else None,
    }


def _link(cart: Cart, settings: MessageSettings) -> str | None:
    """Return the way back to the cart, or at least into the shop."""
    for url in (cart.url, settings.shop_url):
        if url is not None and is_web_address(url):
            return with_campaign(url, settings.campaign)
    return None


def _headers(recipient: Recipient, settings: MessageSettings, leave: str) -> dict[str, str]:
    """Return the headers of the e-mail. One-click unsubscription is RFC 8058, the list header RFC 2369."""
    name = " ".join(filter(None, (_shown(recipient.first_name), _shown(recipient.last_name))))
    ways = [f"<{leave}>"]
    if settings.unsubscribe_mailto:
        ways.append(f"<mailto:{settings.unsubscribe_mailto}?subject=unsubscribe>")
    headers = {
        "From": str(Address(settings.sender_name, addr_spec=settings.sender_email)),
        "To": str(Address(name, addr_spec=recipient.email)),
        "Reply-To": settings.reply_to or settings.sender_email,
        "List-Unsubscribe": ", ".join(ways),
    }
    if leave.startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
