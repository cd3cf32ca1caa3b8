"""The pictures in the README are of the message as it is."""

from __future__ import annotations

import pytest

from tests.target.message.browser import WIDTHS
from tests.target.message.screenshots import FOLDER, SCALE, draw, fingerprint, look_at, shown_html

README = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
LARGEST = 100_000
"""Bytes: every clone of the repository carries all pictures that ever were."""


@pytest.mark.parametrize("name", WIDTHS)
def test_the_picture_shows_the_message_as_it_is_now(name):
    path = FOLDER / f"message-{name}.png"
    picture = look_at(path)

    assert picture.fingerprint == fingerprint(shown_html()), "the message has changed: run `make screenshots`"
    assert picture.width == WIDTHS[name] * SCALE
    assert path.stat().st_size < LARGEST
    assert f'src="docs/{path.name}"' in README


def test_drawing_the_message_again_gives_the_same_pictures(browser, tmp_path):
    drawn = {path.name: look_at(path) for path in draw(browser, tmp_path)}
    kept = {path.name: look_at(path) for path in FOLDER.glob("message-*.png")}

    assert {name: (one.width, one.fingerprint) for name, one in drawn.items()} == {
        name: (one.width, one.fingerprint) for name, one in kept.items()
    }
    # Other fonts break lines elsewhere.
    assert {name: one.height for name, one in drawn.items()} == pytest.approx(
        {name: one.height for name, one in kept.items()}, rel=0.15
    )
