"""What is shared by all that reads names: case folding and the nearest right name."""

from __future__ import annotations

import difflib
import string
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable

_LOWER: t.Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def fold(text: str) -> str:
    """Return text with A to Z as a to z; other letters as they are, since engines differ about them."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def near(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that an unknown one was probably meant to be; None if none is like it."""
    by_fold = {fold(name): name for name in reversed(list(known))}
    found = difflib.get_close_matches(fold(word), by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint for an unknown name: the nearest known one, or the choice if it is short, or nothing."""
    names = list(dict.fromkeys(known))
    meant = near(word, names)
    if meant is not None:
        return f"; did you mean `{meant}`?"
    if 0 < len(names) <= 16:
        return f"; there are {', '.join(f'`{name}`' for name in names)}"
    return ""
