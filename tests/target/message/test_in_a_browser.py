"""A message looks right in a real browser, on a phone and on a desk."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from target_contactdb.message import sample
from target_contactdb.message.folders import BUILT_IN
from target_contactdb.message.model import Product
from target_contactdb.message.render import render_message
from tests.target.message.browser import WIDTHS
from tests.target.message.conftest import ANN, CART, SENDER

if t.TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WINDOWS = {"small phone": 360, **WIDTHS}
WIDEST_BUTTON = 320
MARGIN = 24
SMALLEST_TARGET = 44
"""Pixels that a finger needs, by Apple's and the W3C's guidelines."""


@pytest.fixture(params=WINDOWS)
def page(request: pytest.FixtureRequest, browser: Browser) -> t.Iterator[Page]:
    page = browser.new_page(viewport={"width": WINDOWS[request.param], "height": 800})
    yield page
    page.close()


def _show(page, **changes):
    products = (sample.CART.products[0], Product("W" * 60, "x" * 80, 12, CART.total, None))
    cart = replace(CART, **{"products": products, **changes})
    page.set_content(render_message(sample.RECIPIENT, cart, SENDER, secret="s").html)


def test_nothing_sticks_out_to_the_side(page):
    _show(page)

    assert page.evaluate("document.documentElement.scrollWidth") == page.viewport_size["width"]


def test_the_button_can_be_hit_with_a_finger(page):
    _show(page)

    box = page.get_by_role("link", name="Back to my cart").bounding_box()

    assert box["height"] >= SMALLEST_TARGET
    assert box["width"] >= SMALLEST_TARGET


def test_the_button_is_as_wide_as_a_phone_and_no_wider_than_it_needs_to_be_on_a_desk(page):
    _show(page)

    width = page.get_by_role("link", name="Back to my cart").bounding_box()["width"]

    if page.viewport_size["width"] == WINDOWS["desktop"]:
        assert width <= WIDEST_BUTTON
    else:
        assert width == page.viewport_size["width"] - 2 * MARGIN


def test_the_picture_is_shown_beside_its_product(page):
    _show(page)

    picture = page.get_by_role("img", name="Linen shirt").bounding_box()
    title = page.get_by_text("Linen shirt", exact=True).bounding_box()

    assert 60 <= picture["width"] <= 200
    assert picture["width"] == picture["height"]
    assert picture["x"] + picture["width"] <= title["x"]
    assert title["y"] < picture["y"] + picture["height"]
    assert picture["y"] < title["y"] + title["height"]


def test_a_product_without_a_picture_lines_up_with_those_that_have_one(page):
    _show(page, products=sample.CART.products)

    places = {page.get_by_text(one.title, exact=True).bounding_box()["x"] for one in sample.CART.products}

    assert len(places) == 1


def test_in_place_of_a_picture_stands_the_first_letter_as_large_as_a_picture(page):
    _show(page, products=sample.CART.products)

    picture = page.get_by_role("img", name="Linen shirt").bounding_box()
    letter = page.get_by_text("G", exact=True).bounding_box()

    assert (letter["x"], letter["width"]) == (picture["x"], picture["width"])
    assert letter["height"] == pytest.approx(picture["height"], abs=8)


def test_a_language_from_right_to_left_is_laid_out_so(page, tmp_path):
    (tmp_path / "he").mkdir()
    (tmp_path / "he" / "words.toml").write_text((BUILT_IN / "words.toml").read_text().replace("Hello", "שלום"))
    cart = replace(CART, products=sample.CART.products)
    page.set_content(render_message(ANN, cart, SENDER, secret="s", locale="he", templates=tmp_path).html)

    directions = page.evaluate(
        """() => [...document.querySelectorAll('html, body *')]
            .filter(e => e.offsetHeight > 0).map(e => getComputedStyle(e).direction)"""
    )
    greeting = page.get_by_text("שלום Ann,")
    box, picture, title, total = (
        found.bounding_box()
        for found in (
            greeting,
            page.get_by_role("img", name="Linen shirt"),
            page.get_by_text("Linen shirt", exact=True),
            page.get_by_text("Total:", exact=False).last,
        )
    )

    assert set(directions) == {"rtl"}
    assert greeting.evaluate("e => getComputedStyle(e).textAlign") == "right"
    assert page.get_by_text("Total:").last.evaluate("e => getComputedStyle(e).textAlign") == "left"
    # The picture is at the right edge of the text, and its title to the left of it.
    assert picture["x"] + picture["width"] == pytest.approx(box["x"] + box["width"], abs=1)
    assert title["x"] + title["width"] <= picture["x"]
    assert total["x"] == box["x"]
    assert page.evaluate("document.documentElement.scrollWidth") == page.viewport_size["width"]


def test_without_any_picture_no_room_is_left_for_one(page):
    _show(page, products=sample.CART.products[2:])

    title = page.get_by_text("Gift card", exact=True).bounding_box()
    greeting = page.get_by_text("Hello Robin,").bounding_box()

    assert title["x"] == greeting["x"]


def test_text_is_large_enough_to_be_read(page):
    _show(page)

    sizes = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(e => e.offsetHeight > 0 && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
            .map(e => parseFloat(getComputedStyle(e).fontSize))"""
    )

    assert min(sizes) >= 13


def test_nothing_is_loaded_from_anywhere_but_the_pictures(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    _show(page, products=(replace(CART.products[0], image_url="https://cdn.example.com/mug.png"),))
    page.wait_for_load_state()

    assert [url for url in asked if not url.startswith("data:")] == ["https://cdn.example.com/mug.png"]
