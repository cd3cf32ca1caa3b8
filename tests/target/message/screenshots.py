"""The pictures of the message that the README shows: `make screenshots` draws them."""

from __future__ import annotations

import hashlib
import struct
import sys
import typing as t
import zlib
from dataclasses import replace
from pathlib import Path

from target_contactdb.message import sample
from target_contactdb.message.render import render_message
from target_contactdb.message.settings import PLACEHOLDERS
from tests import debian
from tests.target.message.browser import WIDTHS, open_browser

if t.TYPE_CHECKING:
    from playwright.sync_api import Browser

REPOSITORY = Path(__file__).resolve().parents[3]
FOLDER = REPOSITORY / "docs"

SCALE = 1.5
"""Dots a pixel: sharp where the README shows a picture smaller than it is, and still a small file."""

SENDER = replace(PLACEHOLDERS, sender_name="Example Shop", postal_address="Example Shop, 1 High Street, Dublin")

# What Chromium takes for the template's fonts where it has neither Helvetica nor Arial.
_FONTS = (Path("/usr/share/fonts/truetype/liberation"), "fonts-liberation")

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"Message"


class Picture(t.NamedTuple):
    """What a screenshot tells of itself.

    Attributes:
        width: In dots.
        height: In dots.
        fingerprint: Of the HTML that it shows; None = it does not say.
    """

    width: int
    height: int
    fingerprint: str | None


def shown_html() -> str:
    """Return what the pictures show: the built-in message about made-up data."""
    return render_message(sample.RECIPIENT, sample.CART, SENDER).html


def fingerprint(html: str) -> str:
    """Return what tells one message from another."""
    return hashlib.sha256(html.encode()).hexdigest()


def draw(browser: Browser, folder: Path) -> list[Path]:
    """Draw the message at every width, and return the files.

    Each holds the fingerprint of what it shows: fonts and browsers differ, so that nothing could be told from its dots.
    """
    folder.mkdir(exist_ok=True)
    html = shown_html()
    files = []
    for name, width in WIDTHS.items():
        page = browser.new_page(viewport={"width": width, "height": 600}, device_scale_factor=SCALE)
        page.set_content(html)
        path = folder / f"message-{name}.png"
        path.write_bytes(_with_fingerprint(page.screenshot(full_page=True), fingerprint(html)))
        page.close()
        files.append(path)
    return files


def look_at(path: Path) -> Picture:
    """Read a screenshot.

    Raises:
        ValueError: It is no PNG.
    """
    chunks = dict(_chunks(path.read_bytes()))
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    keyword, _, text = chunks.get(b"tEXt", b"").partition(b"\0")
    return Picture(width, height, text.decode("latin-1") if keyword == _KEYWORD else None)


def _chunks(png: bytes) -> t.Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of the parts of a PNG (RFC 2083, 3.2)."""
    if not png.startswith(_SIGNATURE):
        raise ValueError("this is no PNG")
    place = len(_SIGNATURE)
    while place < len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        yield kind, png[place + 8 : place + 8 + length]
        place += 12 + length


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _with_fingerprint(png: bytes, text: str) -> bytes:
    (header, size), *rest = _chunks(png)
    parts = [(header, size), (b"tEXt", _KEYWORD + b"\0" + text.encode("latin-1")), *rest]
    return _SIGNATURE + b"".join(_chunk(*part) for part in parts)


def main() -> int:
    """Draw the pictures into `docs`, and return the exit code."""
    try:
        debian.folder(*_FONTS)
        with open_browser() as browser:
            files = draw(browser, FOLDER)
    except debian.NotInstalled as problem:
        print(problem, file=sys.stderr)  # noqa: T201 - it is a command
        return 1
    for path in files:
        print(path.relative_to(REPOSITORY))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
