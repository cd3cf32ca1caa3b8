"""Mistakes in the text of a condition: where it is, what was expected there, and what was probably meant."""

from __future__ import annotations

import re
import typing as t

from lark import UnexpectedToken

from target_contactdb.conditions.times import DATE, UNITS
from target_contactdb.conditions.tree import NUMBERS
from target_contactdb.conditions.words import near

if t.TYPE_CHECKING:
    from lark import Lark, Token, UnexpectedInput

_EXPECTED: t.Final = {
    "NAME": "a field",
    "WORD": "a value",
    "NUMBER": "a number",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "COMMA": "`,`",
    "COMPARE": "`=`",
    "UNIT": " or ".join((", ".join(f"`{unit}`" for unit in UNITS[:-1]), f"`{UNITS[-1]}`")),
    "$END": "the end",
}
# A text may begin in any of these; only one of the two is worth a word.
_UNTOLD: t.Final = frozenset({"STRING", "WS"})
_VALUES: t.Final = frozenset({"WORD", "NUMBER"})
_COMMA_IN_NUMBER: t.Final = re.compile(r"\d,\d")
_AGO: t.Final = re.compile(r"\w+\s+ago\b", re.IGNORECASE)
_CALENDAR: t.Final = re.compile(r"(month|year)s?", re.IGNORECASE)
_CALENDAR_ADVICE: t.Final = "; months and years differ in length: write `30 days` or `365 days`"
_CURVED_QUOTES: t.Final = frozenset("\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019\u201a")
_WORD: t.Final = re.compile(r"""[\w.]+|&&|\|\||"[^"]*"|'[^']*'|\S""")
_JOINING: t.Final = {"&&": "and", "&": "and", "||": "or", "|": "or"}
_TIME: t.Final = re.compile(r"\d\d?:\d\d")
_ENDS_TEST: t.Final = re.compile(r"(?:and|or)\b|\)", re.IGNORECASE)
_BEGINS_TEST: t.Final = re.compile(
    r"""(?:not\s+)*
        (?: (?:[^\W\d][\w.]*|"[^"]*"|'[^']*')
            \s* (?:[=<>]|!=|\b(?:is|not|in|contains|before|after|between|within|domain)\s)
          | has\s+(?:no\s+)?checkout\b
          | in\s+segment\b
          | not\s*\(
        )""",
    re.IGNORECASE | re.VERBOSE,
)
# What stands behind a name, where nothing joins two tests before it.
_ASKED_LATER: t.Final = re.compile(
    r"(?:(?!\b(?:and|or)\b)[^()])*?([=<>]|\s(?:is|in|contains|before|after|between|within)\s)", re.IGNORECASE
)


def told(error: UnexpectedInput, text: str, origin: str, parser: Lark) -> str:
    """Return what is wrong with a condition, in one line.

    Args:
        error: Where the parser stopped.
        text: The condition.
        origin: What to call it, such as `--where`.
        parser: The parser that stopped.
    """
    ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    position = len(text) if ended else t.cast("int", error.pos_in_stream)
    rest = text[position:]
    names, last = _accepted(text[:position], parser)
    if not rest.strip():
        return f"{origin} ends too early; expected {_listed(names)}{_lone_field(last, names)}"
    found = _WORD.match(rest)
    word = found.group() if found else ""
    if word in {'"', "'"}:
        return f"{origin}, position {position + 1}: a quote is opened and not closed"
    if "UNIT" in names:
        # Behind a number a unit is worth a word only where one was meant.
        names = {"UNIT"} if _AGO.match(rest) or _CALENDAR.fullmatch(word) else names - {"UNIT"} or names
    if "UNIT" in names:
        hint = _CALENDAR_ADVICE if _CALENDAR.fullmatch(word) else _meant(word, names)
    else:
        hint = _other_sign(word, names, text, position)
        if _ENDS_TEST.match(rest):
            hint = hint or _lone_field(last, names)
        hint = hint or _meant(word, names) or _advice(last, names, text, position)
    return f"{origin}, position {position + 1}: expected {_listed(names)}, found `{word}`{hint}"


def _accepted(text: str, parser: Lark) -> tuple[set[str], Token | None]:
    """Return what may stand behind the beginning of a condition, and the last token of that beginning.

    What a lexer knows alone is not all allowed there.
    """
    parsing = parser.parse_interactive(text)
    tokens = parsing.exhaust_lexer()
    return set(parsing.accepts()), tokens[-1] if tokens else None  # type: ignore[no-untyped-call]


def _listed(names: set[str]) -> str:
    told = names - _UNTOLD
    if told == {"NUMBER"}:
        return "a number and a unit, such as `2 days`"
    expected = sorted({_expected(name) for name in (told - {"NUMBER"} if "WORD" in told else told)})
    return ", ".join(expected[:-1]) + (f" or {expected[-1]}" if len(expected) > 1 else "".join(expected))


def _meant(word: str, names: set[str]) -> str:
    """Return a hint for a word of the grammar that was misspelt; empty text if it is another word."""
    words = [one for name in names - _UNTOLD for one in re.findall(r"`(\w+)`", _expected(name))]
    meant = near(word, words) if word.isalpha() else None
    # `York` is no `or`.
    return _did_you_mean(meant) if meant is not None and abs(len(meant) - len(word)) <= 1 else ""


def _other_sign(word: str, names: set[str], text: str, position: int) -> str:
    """Return a hint for a sign of another language; empty text if it is none."""
    if word in {"<", ">"} and text[:position].endswith("=") and "WORD" in names:
        return _did_you_mean(f"{word}=")
    behind = text[position + len(word) :].lstrip()
    # `Marks & Spencer` is a value, and nothing is asked of `Spencer`.
    if word in _JOINING and (len(word) > 1 or _BEGINS_TEST.match(behind)):
        return _did_you_mean(_JOINING[word])
    return _did_you_mean("not") if word == "!" and "NAME" in names else ""


def _lone_field(last: Token | None, names: set[str]) -> str:
    """Return a hint for a field that nothing is asked of; empty text if no field comes last."""
    if last is None or "COMPARE" not in names:
        return ""
    if last.lower() == "checkout":
        return _did_you_mean("has checkout")
    return f"; a field alone is no condition: write `{last} = true`, or `{last} is set`"


def _did_you_mean(words: str) -> str:
    return f"; did you mean `{words}`?"


def _advice(last: Token | None, names: set[str], text: str, position: int) -> str:
    """Return what to do where a value or a name was written without quotes, a number with a comma, or no `and`."""
    if text[position] in _CURVED_QUOTES:
        return "; quotes are written straight, as in `city = \"New York\"` or `city = 'New York'`"
    if text[position] == ",":
        is_number = _COMMA_IN_NUMBER.match(text, position - 1) is not None
        return f"; {NUMBERS}" if is_number else "; several values are written `in (one, other)`"
    if last is None:
        return ""
    if last.type == "WORD" and DATE.fullmatch(last) and _TIME.match(text, position):
        return "; a date and its time are joined by a T, as in `2026-10-01T09:30`"
    if "_OR" in names and _BEGINS_TEST.match(text, position):
        return "; two conditions are joined by `and` or `or`"
    if last.type == "NUMBER" and not text[position - 1].isspace():
        return f"; {NUMBERS}"
    if last.type in _VALUES:
        return '; a value with a space or a sign in it goes between quotes, as in `city = "New York"`'
    if last.type == "NAME" and _ASKED_LATER.match(text, position):
        return '; a name with a space or a sign in it goes between quotes, as in `"First name" is set`'
    return ""


def _expected(terminal: str) -> str:
    return _EXPECTED.get(terminal) or f"`{terminal.strip('_').lower()}`"
