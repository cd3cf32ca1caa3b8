"""A user's own templates go before the built-in ones, and what is wrong with them is told."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from decimal import Decimal

import pytest

from target_contactdb.errors import ConfigError
from target_contactdb.message.folders import BUILT_IN, problems_of
from target_contactdb.message.render import render_message
from tests.target.message.conftest import ANN, CART, SENDER
from tests.target.message.page import Page

LAYOUT = "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>"
WAY_OUT = '<a href="{{ unsubscribe_link }}">out</a>'
TEXT_WITH_WAY_OUT = "{{ unsubscribe_link }}"


def _render(recipient=ANN, settings=SENDER, **options):
    return render_message(recipient, CART, settings, secret="s", **options)


def test_ones_own_words_go_before_the_built_in_ones_locale_by_locale(tmp_path):
    (tmp_path / "de").mkdir()
    (tmp_path / "words.toml").write_text('subject = "Psst, {{ contact.company }}"\nbutton = "Go"')
    (tmp_path / "de" / "words.toml").write_text('subject = "Pst, {{ contact.company }}"')

    english, german = (_render(locale=code, templates=tmp_path) for code in ("en", "de"))

    assert (english.subject, german.subject) == ("Psst, Lee & Sons", "Pst, Lee & Sons")
    assert "Go:" in english.text.splitlines()
    assert "Go:" in german.text.splitlines()
    assert "Hallo Ann," in german.text.splitlines()


def test_a_colon_is_that_of_the_words_that_were_found(tmp_path):
    (tmp_path / "message.txt").write_text("a{{ colon }}" + TEXT_WITH_WAY_OUT)
    built_in = _render(locale="fr", templates=tmp_path).text
    known = tomllib.loads((BUILT_IN / "words.toml").read_text())
    (tmp_path / "words.toml").write_text("\n".join(f'{name} = "x"' for name in known))
    own = _render(locale="fr", templates=tmp_path).text

    assert (built_in[:3], own[:3]) == ("a\N{NO-BREAK SPACE}:", "a:h")


def test_what_a_cart_does_not_tell_is_empty(tmp_path):
    (tmp_path / "message.txt").write_text("{% for one in products %}[{{ one.price }}]{% endfor %}" + TEXT_WITH_WAY_OUT)
    seen_in_francs = replace(CART, presentment_currency="CHF", presentment_total=Decimal(9))

    message = render_message(ANN, seen_in_francs, replace(SENDER, templates=tmp_path), secret="s")

    assert message.text.startswith("[]" * len(CART.products) + "https://")


def test_ones_own_layout_is_filled_like_the_built_in_one(tmp_path):
    (tmp_path / "message.mjml").write_text(LAYOUT.format("{{ contact.company }} " + WAY_OUT))
    (tmp_path / "message.txt").write_text("{{ first_name | upper }}: {{ products | length }}\n" + TEXT_WITH_WAY_OUT)

    message = _render(settings=replace(SENDER, templates=tmp_path))

    assert Page(message.html).words == ["Lee & Sons", "out"]
    assert message.text.startswith("ANN: 2\nhttps://example.com/leave?c=1&by=email&s=")


@pytest.mark.parametrize(
    ("locale", "folder"),
    [
        ("zh-TW", "zh-TW"),
        ("zh-TW", "zh_tw"),
        ("zh-TW", "zh_Hant_TW"),
        ("zh-TW", "zh_Hant"),
        ("zh-CN", "zh-CN"),
        ("zh-CN", "zh"),
        ("sr-RS", "sr-RS"),
        ("fr-CA", "fr-CA"),
        ("fr-CA", "fr_CA"),
        ("fr-CA", "FR-ca"),
        ("fr_CA", "fr"),
        ("pt-BR", "pt-br"),
        ("he", "HE"),
    ],
)
def test_a_folder_is_found_as_shopify_or_anybody_else_writes_its_locale(tmp_path, locale, folder):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "words.toml").write_text('subject = "found"')
    (tmp_path / "words.toml").write_text('subject = "not found"')

    assert _render(replace(ANN, locale=locale), templates=tmp_path).subject == "found"


def test_the_closest_folder_goes_first(tmp_path):
    for name in ("zh-TW", "zh-Hant", "zh"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "words.toml").write_text(f'subject = "{name}"')

    found = [_render(locale=code, templates=tmp_path).subject for code in ("zh-TW", "zh-HK", "zh-CN", "en")]

    assert found == ["zh-TW", "zh-Hant", "zh", "Ann, your cart is still here"]


def test_the_language_is_that_of_the_words_which_were_found(tmp_path):
    (tmp_path / "ar").mkdir()
    words = (BUILT_IN / "words.toml").read_text()
    (tmp_path / "ar" / "words.toml").write_text(words)
    (tmp_path / "words.toml").write_text('button = "Go"')
    said = {
        code: _render(replace(ANN, locale=code), **options).html.partition('<html lang="')[2].split(" xmlns")[0]
        for code, options in (
            ("he", {}),
            ("de-AT", {}),
            ("pt-BR", {}),
            ("ar-EG", {"templates": tmp_path}),
            ("it", {"templates": tmp_path}),
        )
    }

    assert said == {
        "he": 'en" dir="ltr"',
        "de-AT": 'de" dir="ltr"',
        "pt-BR": 'en" dir="ltr"',
        "ar-EG": 'ar" dir="rtl"',
        "it": 'it" dir="ltr"',
    }


def test_words_directly_in_the_folder_are_in_the_locale_of_the_settings(tmp_path):
    (tmp_path / "words.toml").write_text((BUILT_IN / "words.toml").read_text())

    html = _render(settings=replace(SENDER, templates=tmp_path, locale="he")).html

    assert '<html lang="he" dir="rtl"' in html


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
        (
            "message.txt",
            "{% include 'other.txt' %}",
            "template `message.txt`: there is no file `other.txt` among the templates",
        ),
        (
            "message.txt",
            "{% include '../settings.py' %}",
            "template `message.txt`: there is no file `../settings.py` among the templates",
        ),
        ("message.txt", "{% include 'message.txt' %}", "`message.txt` includes or calls itself without end"),
        (
            "message.txt",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "`message.txt` includes or calls itself without end",
        ),
        ("message.txt", "Hello", "template `message.txt` does not show `unsubscribe_link`"),
        ("message.mjml", LAYOUT.format("Hello"), "template `message.mjml` does not show `unsubscribe_link`"),
        # Nobody can click on that.
        (
            "message.mjml",
            LAYOUT.format("{{ unsubscribe_link }}"),
            "template `message.mjml` does not show `unsubscribe_link`",
        ),
        ("words.toml", 'subject = " "', "template `words.toml`: `subject` is empty"),
        (
            "words.toml",
            'subjekt = "Psst"\nbuton = "Go"',
            "there is no word `subjekt`; did you mean `subject`?; template `words.toml`: there is no word `buton`",
        ),
        ("words.toml", "subject = ", "is not TOML"),
        ("words.toml", "subject = 3", "`subject` is a text"),
        ("words.toml", 'subject = "{{ nam }}"', "template `words.toml`, `subject`: 'nam' is undefined"),
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


def test_words_of_ones_own_are_for_templates_of_ones_own(tmp_path):
    (tmp_path / "words.toml").write_text('season = "Merry Christmas"')
    (tmp_path / "message.txt").write_text("{{ words.season }}\n" + TEXT_WITH_WAY_OUT)

    assert _render(templates=tmp_path).text.startswith("Merry Christmas\n")


@pytest.mark.parametrize(
    ("files", "problems"),
    [
        ([], ["none of `words.toml`, `message.mjml`, `message.txt` is in the folder, nor in a folder in it that is"]),
        (["word.toml", "de/x.txt"], ["none of `words.toml`, `message.mjml`, `message.txt` is in the folder"]),
        (["words.toml", "german/words.toml"], ["the folder `german` holds templates, but its name is no locale"]),
        (["fr-CA/words.toml", "fr_ca/words.toml"], ["the folders `fr-CA` and `fr_ca` are of one locale"]),
        (["de/message.txt"], []),
        (["message.mjml", "pictures/logo.svg"], []),
    ],
)
def test_a_folder_that_would_be_passed_over_is_a_problem(tmp_path, files, problems):
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()

    found = problems_of(tmp_path)

    assert len(found) == len(problems)
    assert all(one.startswith(start) for one, start in zip(found, problems, strict=True))


def test_a_folder_of_templates_that_is_not_there_is_a_problem(tmp_path):
    assert problems_of(tmp_path / "nowhere") == ["the folder of templates does not exist"]
