"""A message is filled from a contact and a cart, whatever is missing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from typing_extensions import override

from target_contactdb.errors import ConfigError
from target_contactdb.message.links import signature
from target_contactdb.message.model import Cart, Product
from target_contactdb.message.render import render_message
from tests.target.message.conftest import ANN, CART, RECOVERY, SENDER

SECRET = "secret"
LEAVE = f"https://example.com/leave?c=1&by=email&s={signature(SECRET, 1, 'email')}"
BACK = f"{RECOVERY}&utm_source=contactdb&utm_campaign=abandoned-checkout"


class _Page(HTMLParser):
    """What a reader of a HTML document sees: its words, links and pictures."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str | None] = []
        self.pictures: list[tuple[str | None, str | None]] = []
        self.tags: set[str] = set()
        self._hidden = 0
        self.feed(html)

    @override
    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.add(tag)
        self._hidden += tag in {"style", "title"}
        if tag == "a":
            self.links.append(found["href"])
        if tag == "img":
            self.pictures.append((found["src"], found["alt"]))

    @override
    def handle_endtag(self, tag):
        self._hidden -= tag in {"style", "title"}

    @override
    def handle_data(self, data):
        if not self._hidden and data.strip():
            self.words.append(" ".join(data.split()))


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
    page = _Page(_render().html)

    assert page.words == [
        "Pick up where you left off at Example Shop.",
        "Example Shop",
        "Hello Ann,",
        "You left this in your cart at Example Shop. We have kept it for you.",
        "Mug",
        "Blue",
        "Quantity: 2",
        "€25.00",
        "Teapot",
        "Quantity: 1",
        "€1,025.50",
        "Discounts: \u2212€5.00",
        "Total: €1,045.50",
        "Back to my cart",
        "You get this message because you agreed to hear from Example Shop by e-mail.",
        "Unsubscribe",
        "Example Shop, 1 High Street, Dublin",
    ]
    # Of the picture, of the button, and out.
    assert page.links == [BACK, BACK, LEAVE]
    assert page.pictures == [("https://cdn.example.com/mug.png", "Mug")]


def test_the_headers_say_who_writes_and_how_to_leave():
    assert _render().headers == {
        "From": "Example Shop <hello@example.com>",
        "To": "Ann Lee <ann@example.com>",
        "Reply-To": "hello@example.com",
        "List-Unsubscribe": f"<{LEAVE}>, <mailto:leave@example.com?subject=unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


@pytest.mark.parametrize(
    ("locale", "subject", "total"),
    [
        ("en-GB", "Ann, your cart is still here", "Total: €1,045.50"),
        ("de", "Ann, dein Warenkorb wartet noch", "Gesamt: 1.045,50\xa0€"),
        ("de-CH", "Ann, dein Warenkorb wartet noch", "Gesamt: EUR\xa01\u2019045.50"),
        ("fr", "Ann, votre panier vous attend", "Total: 1\u202f045,50\xa0€"),
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
    message = _render(cart=replace(CART, currency="JPY", total=Decimal("1045")))

    assert "Total: ¥1,045" in message.text.splitlines()


def test_whatever_is_missing_the_message_is_decent():
    bare = Cart(41, None, RECOVERY, None, None, None, (Product(None, None, None, None, None),))
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
    assert _Page(message.html).pictures == []


def test_a_cart_without_lines_asks_to_go_on():
    message = _render(cart=replace(CART, products=()))

    assert "You did not finish your order at Example Shop. You can go on where you left off." in message.text
    assert "Total" not in message.text


def test_without_a_way_back_to_the_cart_the_link_leads_into_the_shop():
    assert _Page(_render(cart=replace(CART, url=None)).html).links == [LEAVE]
    shop = replace(SENDER, shop_url="https://shop.example.com/")

    links = _Page(_render(cart=replace(CART, url="javascript:alert(1)"), settings=shop).html).links

    into_the_shop = "https://shop.example.com/?utm_source=contactdb&utm_campaign=abandoned-checkout"
    assert links == [into_the_shop, into_the_shop, LEAVE]


def test_nothing_in_a_record_becomes_markup_or_a_header():
    nasty = "<script>alert('1')</script> & \"co\" {{ 7 * 7 }}\r\nBcc: all@example.com"
    product = Product(nasty, nasty, 1, None, 'https://x.example/"onload="alert(1)')
    message = _render(replace(ANN, first_name=nasty, last_name=nasty), replace(CART, products=(product,)))
    page = _Page(message.html)

    assert "script" not in page.tags
    assert page.words.count("<script>alert('1')</script> & \"co\" {{ 7 * 7 }} Bcc: all@example.com") == 2
    assert page.pictures[0][0] == 'https://x.example/"onload="alert(1)'
    assert "\n" not in message.subject + "".join(message.headers.values())


def test_ones_own_words_go_before_the_built_in_ones_locale_by_locale(tmp_path):
    (tmp_path / "de").mkdir()
    (tmp_path / "words.toml").write_text('subject = "Psst, {{ contact.company }}"\nbutton = "Go"')
    (tmp_path / "de" / "words.toml").write_text('subject = "Pst, {{ contact.company }}"')

    english, german = (_render(locale=code, templates=tmp_path) for code in ("en", "de"))

    assert (english.subject, german.subject) == ("Psst, Lee & Sons", "Pst, Lee & Sons")
    assert "Go:" in english.text.splitlines()
    assert "Go:" in german.text.splitlines()
    assert "Hallo Ann," in german.text.splitlines()


def test_ones_own_layout_is_filled_like_the_built_in_one(tmp_path):
    text = "<mj-text>{{ contact.company }}</mj-text>"
    body = f"<mj-body><mj-section><mj-column>{text}</mj-column></mj-section></mj-body>"
    (tmp_path / "message.mjml").write_text(f"<mjml>{body}</mjml>")
    (tmp_path / "message.txt").write_text("{{ first_name | upper }}: {{ products | length }}")

    message = _render(settings=replace(SENDER, templates=tmp_path))

    assert _Page(message.html).words == ["Lee & Sons"]
    assert message.text == "ANN: 2\n"


@pytest.mark.parametrize(
    ("name", "template", "problem"),
    [
        (
            "message.txt",
            "{{ frist_name }}",
            "template `message.txt`: 'frist_name' is undefined; did you mean `first_name`?",
        ),
        (
            "message.txt",
            "a\n{% if %}",
            "template `message.txt`, line 2: Expected an expression, got 'end of statement block'",
        ),
        ("message.txt", "{{ first_name / 2 }}", "template `message.txt` fails with TypeError"),
        (
            "message.txt",
            "{{ ''.__class__.__mro__ }}",
            "template `message.txt` asks for what templates may not use: access to attribute '__class__'",
        ),
        ("message.txt", "{% include 'other.txt' %}", "template `message.txt`: 'other.txt' not found"),
        ("message.txt", "{% include '../settings.py' %}", "template `message.txt`: ../settings.py"),
        ("words.toml", "subject = ", "is not TOML"),
        ("words.toml", "subject = 3", "`subject` is a text"),
        ("words.toml", 'subject = "{{ nam }}"', "template `words.toml, `subject``: 'nam' is undefined"),
        ("message.mjml", "<mjml><mj-body><p>", "template `message.mjml` is not MJML"),
    ],
)
def test_a_wrong_template_is_told_in_one_line(tmp_path, name, template, problem):
    (tmp_path / name).write_text(template)

    with pytest.raises(ConfigError) as caught:
        _render(templates=tmp_path)

    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "Ann" not in str(caught.value)


def test_a_folder_of_templates_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ConfigError):
        _render(templates=tmp_path / "nowhere")
