"""A person, a cart and a sender; and a browser to look at messages with."""

from __future__ import annotations

import typing as t
from decimal import Decimal

import pytest

from target_contactdb.message.model import Cart, Product, Recipient
from target_contactdb.message.settings import MessageSettings
from tests.target.message.browser import open_browser

if t.TYPE_CHECKING:
    from playwright.sync_api import Browser

RECOVERY = "https://shop.example.com/checkouts/ac/41/recover?key=abc"

ANN = Recipient(1, "ann@example.com", "Ann", "Lee", "en", {"first_name": "Ann", "company": "Lee & Sons"})
CART = Cart(
    checkout_id=41,
    name="#41",
    url=RECOVERY,
    currency="EUR",
    subtotal=Decimal("1045.5"),
    tax=Decimal("174.25"),
    duties=None,
    taxes_included=True,
    total=Decimal("1045.5"),
    presentment_currency="EUR",
    presentment_total=Decimal("1045.5"),
    products=(
        Product("Mug", "Blue", 2, Decimal("25"), "https://cdn.example.com/mug.png"),
        Product("Teapot", None, 1, Decimal("1025.5"), None),
    ),
)
SENDER = MessageSettings(
    sender_name="Example Shop",
    sender_email="hello@example.com",
    postal_address="Example Shop, 1 High Street, Dublin",
    unsubscribe_url="https://example.com/leave?c={contact_id}&by={channel}&s={signature}",
    unsubscribe_mailto="leave@example.com",
    campaign={"utm_source": "contactdb", "utm_campaign": "abandoned-checkout"},
)


@pytest.fixture(scope="session")
def browser() -> t.Iterator[Browser]:
    """A Chromium."""
    with open_browser() as browser:
        yield browser
