"""Phone numbers in conditions: the marks that people write in them do not count, as they do not in a key."""

from __future__ import annotations

import typing as t

from target_contactdb.conditions.words import fold
from target_contactdb.keys import PHONE_MARKS

PART_MARKS: t.Final = PHONE_MARKS.replace("+", "")
"""What does not count in a part of a number. The plus does: it is where the number begins."""

_WHOLE: t.Final = str.maketrans("", "", PHONE_MARKS)
_PART: t.Final = str.maketrans("", "", PART_MARKS)


def whole_number(text: str) -> str:
    """Return the form under which two spellings of a phone number are equal, folded."""
    return fold(text).translate(_WHOLE)


def part_of_number(text: str) -> str:
    """Return the form in which a part of a phone number is looked for, folded."""
    return fold(text).translate(_PART)
