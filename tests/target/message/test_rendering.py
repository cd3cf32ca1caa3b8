"""A message is filled from a contact and a cart, whatever is missing."""

from __future__ import annotations

import typing as t
from dataclasses import fields, replace
from decimal import Decimal

import pytest

from target_contactdb.errors import ConfigError
from target_contactdb.message.links import signature
from target_contactdb.message.model import Cart, Product
from target_contactdb.message.render import render_message
from tests.target.message.conftest import ANN, CART, RECOVERY, SENDER
from tests.target.message.page import Page

SECRET = "secret"
LEAVE = f"https://example.com/leave?c=1&by=email&s={signature(SECRET, 1, 'email')}"
BACK = f"{RECOVERY}&utm_source=contactdb&utm_campaign=abandoned-checkout"


def _render(recipient=ANN, cart=CART, settings=SENDER, **options):
    return render_message(recipient, cart, settings, secret=SECRET, **options)


def test_the_plain_text_says_everything():
    assert _render().text == (
        "Hello Ann,\n"
        "\n"
        "You left this in your cart at Example Shop. We have kept it for you.\n"
        "\n"
        "- Mug, Blue\n"
        "  Quantity: 2  €25.00\n"
        "- Teapot\n"
        "  Quantity: 1  €1,025.50\n"
        "\n"
        "Subtotal: €1,050.50\n"
        "Discounts: -€5.00\n"
        "Total: €1,045.50\n"
        "\n"
        "Back to my cart:\n"
        f"{BACK}\n"
        "\n"
        "--\n"
        "You get this message because you agreed to hear from Example Shop by e-mail.\n"
        f"Unsubscribe: {LEAVE}\n"
        "Example Shop, 1 High Street, Dublin\n"
    )


def test_the_html_shows_the_same():
    page = Page(_render().html)

    assert page.words == [
        "Pick up where you left off at Example Shop.",
        "Example Shop",
        "Hello Ann,",
        "You left this in your cart at Example Shop. We have kept it for you.",
        "Mug",
        "Blue",
        "Quantity: 2",
        "€25.00",
        # In place of a picture.
        "T",
        "Teapot",
        "Quantity: 1",
        "€1,025.50",
        "Subtotal: €1,050.50",
        "Discounts: -€5.00",
        "Total: €1,045.50",
        "Back to my cart",
        "You get this message because you agreed to hear from Example Shop by e-mail.",
        "Unsubscribe",
        "Example Shop, 1 High Street, Dublin",
    ]
    # Of the picture, of the button, and out.
    assert page.links == [BACK, BACK, LEAVE]
    assert page.pictures == [("https://cdn.example.com/mug.png", "Mug")]


@pytest.mark.parametrize("locale", ["fr", "fr-CA"])
def test_french_has_a_no_break_space_before_a_colon(locale):
    message = _render(locale=locale)

    words = ("Quantité", "Sous-total", "Remises", "Total")
    of_text, of_html = (
        [form.count(f"{word}\N{NO-BREAK SPACE}: ") for word in words] for form in (message.text, message.html)
    )
    assert of_text == of_html == [2, 1, 1, 1]
    assert "\nRetour au panier\N{NO-BREAK SPACE}:\n" in message.text
    assert f"\nSe désabonner\N{NO-BREAK SPACE}: {LEAVE}\n" in message.text


def test_the_headers_say_who_writes_and_how_to_leave():
    assert _render().headers == {
        "From": "Example Shop <hello@example.com>",
        "To": "Ann Lee <ann@example.com>",
        "Reply-To": "hello@example.com",
        "List-Unsubscribe": f"<{LEAVE}>,\r\n <mailto:leave@example.com?subject=unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


@pytest.mark.parametrize(
    ("locale", "subject", "total"),
    [
        ("en-GB", "Ann, your cart is still here", "Total: €1,045.50"),
        ("de", "Ann, dein Warenkorb wartet noch", "Gesamt: 1.045,50\xa0€"),
        ("de-CH", "Ann, dein Warenkorb wartet noch", "Gesamt: EUR\xa01\u2019045.50"),
        ("fr", "Ann, votre panier vous attend", "Total\xa0: 1\u202f045,50\xa0€"),
        ("es", "Ann, tu carrito te espera", "Total: 1.045,50\xa0€"),
        ("it", "Ann, il tuo carrello ti aspetta", "Totale: 1.045,50\xa0€"),
        ("pt-BR", "Ann, your cart is still here", "Total: €\xa01.045,50"),
        ("xx-nonsense", "Ann, your cart is still here", "Total: €1,045.50"),
        (None, "Ann, your cart is still here", "Total: €1,045.50"),
    ],
)
def test_words_and_prices_are_those_of_the_contacts_locale(locale, subject, total):
    message = _render(replace(ANN, locale=locale))

    assert message.subject == subject
    assert total in message.text.splitlines()


def test_prices_have_as_many_decimals_as_their_currency():
    message = _render(cart=replace(CART, currency="JPY", presentment_currency="JPY", total=Decimal("1045")))

    assert "Total: ¥1,045" in message.text.splitlines()


def test_whatever_is_missing_the_message_is_decent():
    known: dict[str, t.Any] = {"checkout_id": 41, "url": RECOVERY, "products": (Product(None, None, None, None, None),)}
    bare = Cart(**{**dict.fromkeys(one.name for one in fields(Cart)), **known})
    message = _render(replace(ANN, first_name=None, last_name=" "), bare)

    assert message.subject == "Your cart is still here"
    assert message.headers["To"] == "ann@example.com"
    assert message.text.splitlines()[:5] == [
        "Hello,",
        "",
        "You left this in your cart at Example Shop. We have kept it for you.",
        "",
        "- Product",
    ]
    assert "None" not in message.text + message.html
    assert Page(message.html).pictures == []


def test_a_cart_without_lines_asks_to_go_on():
    message = _render(cart=replace(CART, products=()))

    assert "You did not finish your order at Example Shop. You can go on where you left off." in message.text
    assert "Total" not in message.text


def test_without_a_way_back_to_the_cart_the_link_leads_into_the_shop():
    assert Page(_render(cart=replace(CART, url=None)).html).links == [LEAVE]
    shop = replace(SENDER, shop_url="https://shop.example.com/")

    links = Page(_render(cart=replace(CART, url="javascript:alert(1)"), settings=shop).html).links

    into_the_shop = "https://shop.example.com/?utm_source=contactdb&utm_campaign=abandoned-checkout"
    assert links == [into_the_shop, into_the_shop, LEAVE]


def test_nothing_in_a_record_becomes_markup_or_a_header():
    nasty = "<script>alert('1')</script> & \"co\" {{ 7 * 7 }}\r\nBcc: all@example.com"
    product = Product(nasty, nasty, 1, None, 'https://x.example/"onload="alert(1)')
    message = _render(replace(ANN, first_name=nasty, last_name=nasty), replace(CART, products=(product,)))
    page = Page(message.html)

    assert "script" not in page.tags
    assert page.words.count("<script>alert('1')</script> & \"co\" {{ 7 * 7 }} Bcc: all@example.com") == 2
    assert page.pictures[0][0] == 'https://x.example/"onload="alert(1)'
    assert "\n" not in message.subject + "".join(message.headers.values()).replace("\r\n ", "")


def test_a_postal_address_of_several_lines_stays_one_of_several_lines():
    message = _render(settings=replace(SENDER, postal_address="Example Shop\n1 High Street\nDublin"))

    assert Page(message.html).words[-3:] == ["Example Shop", "1 High Street", "Dublin"]
    assert message.text.endswith("\nExample Shop\n1 High Street\nDublin\n")


def test_control_characters_are_left_out():
    product = Product("Mu\x00g", "Bl\x1bue", 1, None, None)
    ann = replace(ANN, first_name="An\x01n\ud800", last_name="L\x7fee")
    message = _render(ann, replace(CART, products=(product,)))

    assert message.subject == "Ann, your cart is still here"
    assert message.headers["To"] == "Ann Lee <ann@example.com>"
    assert message.text.splitlines()[0] == "Hello Ann,"
    assert {"Hello Ann,", "Mug", "Blue"} <= set(Page(message.html).words)


def test_quotes_in_a_title_are_quotes_in_what_is_shown():
    product = Product('Poster 24"', "O'Neill's", 1, None, "https://cdn.example.com/poster.png")
    page = Page(_render(cart=replace(CART, products=(product,))).html)

    assert page.pictures == [("https://cdn.example.com/poster.png", 'Poster 24"')]
    assert {'Poster 24"', "O'Neill's"} <= set(page.words)


def test_a_preview_goes_to_its_sender_and_its_links_unsubscribe_nobody():
    message = _render(preview=True)

    assert message.subject == "[Preview] Ann, your cart is still here"
    assert (message.recipient, message.headers["To"]) == ("hello@example.com", "Example Shop <hello@example.com>")
    assert [name for name in message.headers if name.startswith("List-")] == []
    # Nobody is contact 0, and this is no signature.
    assert Page(message.html).links[-1] == "https://example.com/leave?c=0&by=email&s=preview"
    assert "Unsubscribe: https://example.com/leave?c=0&by=email&s=preview" in message.text.splitlines()
    assert LEAVE not in message.html + message.text


@pytest.mark.parametrize("secret", [None, "", " "])
def test_a_link_that_has_to_be_signed_needs_a_secret(secret):
    with pytest.raises(ConfigError, match="set the environment variable CONTACTDB_UNSUBSCRIBE_SECRET"):
        render_message(ANN, CART, SENDER, secret=secret)
