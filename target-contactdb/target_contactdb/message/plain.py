"""Text of a record as it may stand in a message. Pure."""

from __future__ import annotations

import re
import typing as t

# What XML 1.0 (2.2) does not allow, and what moves a cursor. Line feeds and tabs stay.
_CONTROL: t.Final = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def without_controls(text: str) -> str:
    """Return text without control characters and halves of characters; line feeds and tabs stay."""
    return _CONTROL.sub("", text)


def has_controls(text: str) -> bool:
    """Tell whether a text is more than one line, or has characters that are not to be seen."""
    return text != without_controls(text) or len(text.splitlines()) > 1 or text.endswith(("\n", "\r"))


def one_line(text: str | None) -> str:
    """Return text as one line with single spaces; empty without one."""
    return " ".join(without_controls(" ".join((text or "").split())).split())


def initial(text: str) -> str:
    """Return the first letter or digit of a text, as a capital; empty if it has none."""
    return next((character.upper()[:1] for character in text if character.isalnum()), "")
