"""A browser to look at messages with."""

from __future__ import annotations

import contextlib
import typing as t

from playwright.sync_api import sync_playwright

from tests import debian

if t.TYPE_CHECKING:
    from playwright.sync_api import Browser

WIDTHS = {"phone": 390, "desktop": 1024}
"""How wide the windows are that people read messages in, in pixels."""

_QUIET = (
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
)


@contextlib.contextmanager
def open_browser() -> t.Iterator[Browser]:
    """Run Debian's Chromium, installed where it is missing; it talks to nobody on its own.

    Raises:
        NotInstalled: It is missing, and cannot be installed here.
    """
    chromium = debian.program("chromium", "chromium")
    arguments = ["--no-sandbox", "--disable-gpu", *(f"--{name}" for name in _QUIET)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()
