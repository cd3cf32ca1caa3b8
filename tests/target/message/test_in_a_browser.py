"""A message looks right in a real browser, on a phone and on a desk."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from target_contactdb.message import sample
from target_contactdb.message.model import Product
from target_contactdb.message.render import render_message
from tests.target.message.browser import WIDTHS
from tests.target.message.conftest import CART, SENDER

if t.TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WINDOWS = {"small phone": 360, **WIDTHS}
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
