"""Filling a message: the contact, the cart and the sender become subject, HTML and plain text. No I/O but templates."""

from __future__ import annotations

import typing as t
from html.parser import HTMLParser
from urllib.parse import quote

from typing_extensions import override

from target_contactdb.errors import ConfigError
from target_contactdb.message.folders import HTML, TEXT
from target_contactdb.message.links import (
    ascii_link,
    is_picture,
    is_signed,
    is_web_address,
    signature,
    unsubscribe_link,
    with_campaign,
)
from target_contactdb.message.locales import colon, known_locale, language_tag, money, tongue_of
from target_contactdb.message.mailboxes import looks_like_an_address, mailbox
from target_contactdb.message.model import CHANNEL, Message
from target_contactdb.message.plain import initial, one_line
from target_contactdb.message.settings import SECRET_VARIABLE
from target_contactdb.message.sums import amounts_of
from target_contactdb.message.templates import Templates

if t.TYPE_CHECKING:
    from pathlib import Path

    from babel import Locale

    from target_contactdb.message.model import Cart, Product, Recipient
    from target_contactdb.message.settings import MessageSettings

ONE_CLICK: t.Final = "List-Unsubscribe-Post"
"""Header of an e-mail whose unsubscribe link needs no visit to a page."""

_NOBODY: t.Final = 0
"""Id that no contact has."""


def render_message(
    recipient: Recipient,
    cart: Cart,
    settings: MessageSettings,
    *,
    secret: str | None = None,
    locale: str | None = None,
    templates: Path | None = None,
    preview: bool = False,
) -> Message:
    """Return the message about one cart to one contact.

    Args:
        recipient: Who it is for.
        cart: What they left behind.
        settings: Who sends it.
        secret: What unsubscribe links are signed with; None = they are not.
        locale: What it is written in; None = the contact's own locale, else that of the settings.
        templates: Folder of templates; None = that of the settings, else the built-in ones.
        preview: It is only looked at: it goes to its sender, and its links unsubscribe nobody.

    Raises:
        ConfigError: A template is wrong, or the unsubscribe link has to be signed and there is no secret.
    """
    tongue = tongue_of(locale, recipient.locale, settings.locale)
    leave = _way_out(recipient, settings, secret, preview=preview)
    own_locale = known_locale(settings.locale) or tongue_of().locale
    found = Templates(tongue, templates or settings.templates, own_locale)
    values: dict[str, t.Any] = {
        "first_name": one_line(recipient.first_name) or None,
        "last_name": one_line(recipient.last_name) or None,
        "contact": dict(recipient.fields),
        "shop_name": settings.shop_name or settings.sender_name,
        "sender_name": settings.sender_name,
        "postal_address": settings.postal_address,
        "language": language_tag(found.locale),
        "text_direction": found.locale.text_direction,
        "colon": colon(found.locale),
        **_amounts(cart, tongue.locale),
        "link": _link(cart, settings),
        "unsubscribe_link": leave,
    }
    values["words"] = found.words(values)
    message = Message(
        subject=values["words"]["subject"],
        html=found.html(values),
        text=found.text(values),
        sender=settings.sender_email,
        recipient=recipient.email,
        answers_to=settings.reply_to or settings.sender_email,
        headers=_headers(recipient, settings, leave),
    )
    _check_way_out(message, leave)
    return message.as_preview() if preview else message


def _amounts(cart: Cart, locale: Locale) -> dict[str, t.Any]:
    """Return the products with their prices, and what leads from them to the total."""
    amounts = amounts_of(cart)

    def shown(amount: t.Any) -> str | None:
        return money(amount, amounts.currency, locale)

    priced = zip(cart.products, amounts.prices, strict=True)
    return {
        "products": [_product(product, shown(price)) for product, price in priced],
        "sums": [{"name": name, "amount": shown(amount)} for name, amount in amounts.parts],
        "total": shown(amounts.total),
    }


def _way_out(recipient: Recipient, settings: MessageSettings, secret: str | None, *, preview: bool) -> str:
    """Return the unsubscribe link. That of a preview is of nobody, and not signed: whoever looks may click on it."""
    if preview:
        return unsubscribe_link(settings.unsubscribe_url, _NOBODY, CHANNEL, "preview")
    proof = ""
    if is_signed(settings.unsubscribe_url):
        if secret is None or not secret.strip():
            problem = f"`unsubscribe.url` asks for a signature: set the environment variable {SECRET_VARIABLE}"
            raise ConfigError([problem])
        proof = signature(secret, recipient.contact_id, CHANNEL)
    return unsubscribe_link(settings.unsubscribe_url, recipient.contact_id, CHANNEL, proof)


def _product(product: Product, price: str | None) -> dict[str, t.Any]:
    title = one_line(product.title)
    return {
        "title": title or None,
        "variant": one_line(product.variant) or None,
        "quantity": product.quantity,
        "price": price,
        "image": product.image_url if is_picture(product.image_url) else None,
        "initial": initial(title),
    }


def _link(cart: Cart, settings: MessageSettings) -> str | None:
    """Return the way back to the cart, or at least into the shop."""
    for url in (cart.url, settings.shop_url):
        if url is not None and is_web_address(url):
            return with_campaign(ascii_link(url), settings.campaign)
    return None


def _headers(recipient: Recipient, settings: MessageSettings, leave: str) -> dict[str, str]:
    """Return the headers of the e-mail. One-click unsubscription is RFC 8058, the list header RFC 2369."""
    name = one_line(f"{recipient.first_name or ''} {recipient.last_name or ''}")
    ways = [f"<{leave}>"]
    if settings.unsubscribe_mailto:
        ways.append(f"<mailto:{quote(settings.unsubscribe_mailto, safe='@')}?subject=unsubscribe>")
    headers = {
        "From": mailbox(one_line(settings.sender_name), settings.sender_email),
        "To": mailbox("" if looks_like_an_address(name) else name, recipient.email),
        "Reply-To": settings.reply_to or settings.sender_email,
        "List-Unsubscribe": ",\r\n ".join(ways),
    }
    if leave.startswith("https://"):
        headers[ONE_CLICK] = "List-Unsubscribe=One-Click"
    return headers


class _Links(HTMLParser):
    """The links of a document."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def _check_way_out(message: Message, leave: str) -> None:
    """Refuse a message that nobody can unsubscribe from, whichever body a mail program shows."""
    bodies = {HTML: any(leave in link for link in _Links(message.html).found), TEXT: leave in message.text}
    lacking = [name for name, has_way_out in bodies.items() if not has_way_out]
    if lacking:
        raise ConfigError([f"template `{name}` does not show `unsubscribe_link`" for name in lacking])
