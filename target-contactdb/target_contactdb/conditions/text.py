"""Conditions as text, such as `email_status = subscribed and not tags contains vip`."""

from __future__ import annotations

import functools
import itertools
import re
import typing as t
from importlib import resources

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken

from target_contactdb.conditions.times import UNITS
from target_contactdb.conditions.tree import (
    NUMBERS,
    All,
    Condition,
    FieldTest,
    HasCheckout,
    InSegment,
    Not,
    Op,
    all_of,
    any_of,
    check_size,
)
from target_contactdb.conditions.words import near
from target_contactdb.errors import ConfigError

_COMPARISONS: t.Final = {
    "=": Op.EQ,
    "==": Op.EQ,
    "!=": Op.NE,
    "<>": Op.NE,
    "<": Op.LT,
    "<=": Op.LTE,
    ">": Op.GT,
    ">=": Op.GTE,
}
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
_THOUSANDS: t.Final = re.compile(r"-?\d{1,3}")
_BEHIND_THOUSANDS: t.Final = re.compile(r"\d{3}(\.\d+)?")
_AGO: t.Final = re.compile(r"\w+\s+ago\b", re.IGNORECASE)
_CALENDAR: t.Final = re.compile(r"(month|year)s?", re.IGNORECASE)
_CALENDAR_ADVICE: t.Final = "; months and years differ in length: write `30 days` or `365 days`"
_CURVED_QUOTES: t.Final = frozenset("\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019\u201a")
_NO_NULL: t.Final = (
    "`null` is no value; `is empty` and `is set` ask for nothing and something, and the word goes between quotes, as in"
    ' `last_name = "null"`'
)
# What stands behind a name, where nothing joins two tests before it.
_ASKED_LATER: t.Final = re.compile(
    r"(?:(?!\b(?:and|or)\b)[^()])*?([=<>]|\s(?:is|in|contains|before|after|between|within)\s)", re.IGNORECASE
)


class _Build(Transformer[Token, t.Any]):
    """Builds the tree while the text is read, from the bottom up."""

    def __init__(self, origin: str) -> None:
        super().__init__()
        self._origin = origin

    def _where(self, token: Token) -> str:
        return f"{self._origin}, position {(token.start_pos or 0) + 1}"

    def _test(self, field: Token, op: Op, written: str, *values: Token) -> FieldTest:
        for value in values:
            if value.type == "WORD" and value.lower() == "null":
                raise ConfigError([f"{self._where(value)}: {_NO_NULL}"])
        places = tuple(self._where(value) for value in values)
        return FieldTest(str(field), op, tuple(str(value) for value in values), self._where(field), written, places)

    def field(self, children: list[Token]) -> Token:
        (name,) = children
        return name.update(value=_unquoted(name)) if name.type == "STRING" else name

    def value(self, children: list[Token]) -> Token:
        first, *unit = children
        if unit:
            return first.update(value=f"{first} {unit[0].lower()} ago")
        return first.update(value=_unquoted(first)) if first.type == "STRING" else first

    def values(self, children: list[Token]) -> tuple[Token, ...]:
        pairs = list(itertools.pairwise(children))
        apart = any((one.end_pos or 0) + 1 < (other.start_pos or 0) for one, other in pairs)
        for one, other in pairs:
            # `(100,200)` are two numbers; `(1,000)` and `(1,500, 2)` were not meant to be so many.
            if _is_grouped(one, other) and (apart or other.startswith("0")):
                raise ConfigError([f"{self._where(one)}: `{one},{other}` is read as two values; {NUMBERS}"])
        return tuple(children)

    def any_of(self, children: list[Condition]) -> Condition:
        return any_of(children)

    def all_of(self, children: list[Condition]) -> Condition:
        return all_of(children)

    def opposite(self, children: list[Condition]) -> Condition:
        return Not(children[0])

    def has_checkout(self, children: list[Token]) -> Condition:
        return HasCheckout(self._where(children[0]))

    def has_no_checkout(self, children: list[Token]) -> Condition:
        return Not(HasCheckout(self._where(children[0])))

    def in_segment(self, children: list[t.Any]) -> Condition:
        token, name = children
        return InSegment(str(name), self._where(token))

    def compare(self, children: list[t.Any]) -> Condition:
        field, sign, value = children
        return self._test(field, _COMPARISONS[sign], str(sign), value)

    def equal(self, children: list[t.Any]) -> Condition:
        return self._test(children[0], Op.EQ, "is", children[2])

    def unequal(self, children: list[t.Any]) -> Condition:
        return self._test(children[0], Op.NE, "is not", children[2])

    def is_set(self, children: list[t.Any]) -> Condition:
        return self._test(children[0], Op.IS_SET, "is set")

    def is_empty(self, children: list[t.Any]) -> Condition:
        return self._test(children[0], Op.IS_EMPTY, "is empty")

    def before(self, children: list[t.Any]) -> Condition:
        return self._test(children[0], Op.LT, "before", children[2])

    def after(self, children: list[t.Any]) -> Condition:
        return self._test(children[0], Op.GT, "after", children[2])

    def between(self, children: list[t.Any]) -> Condition:
        field, _between, low, high = children
        return All((self._test(field, Op.GTE, "between", low), self._test(field, Op.LTE, "between", high)))

    def within(self, children: list[Token]) -> Condition:
        field, _within, number, unit = children
        return self._test(field, Op.WITHIN, "within", number.update(value=f"{number} {unit.lower()}"))

    def contains(self, children: list[t.Any]) -> Condition:
        return self._test(children[0], Op.CONTAINS, "contains", children[2])

    def one_of(self, children: list[t.Any]) -> Condition:
        return self._test(children[0], Op.IN, "in", *children[2])

    def none_of(self, children: list[t.Any]) -> Condition:
        return self._test(children[0], Op.NOT_IN, "not in", *children[2])

    def domain_in(self, children: list[t.Any]) -> Condition:
        return self._test(children[0], Op.DOMAIN_IN, "domain in", *children[2])


def _is_grouped(one: Token, other: Token) -> bool:
    """Tell whether two values of a list look like one number with a comma in it."""
    digits = _THOUSANDS.fullmatch(one) is not None and _BEHIND_THOUSANDS.fullmatch(other) is not None
    return digits and {one.type, other.type} == {"NUMBER"} and (one.end_pos or 0) + 1 == other.start_pos


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


@functools.cache
def _parser(origin: str) -> Lark:
    grammar = resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", transformer=_Build(origin))


def _parse(text: str, origin: str) -> object:
    # With a transformer of its own the parser returns what that builds.
    return _parser(origin).parse(text)


def read_text(text: str, origin: str) -> Condition:
    """Read a condition.

    Args:
        text: The text.
        origin: What to call it in an error, such as `--where`.

    Raises:
        ConfigError: It cannot be read; the text says where, what was expected, and the nearest right word.
    """
    if not text.strip():
        raise ConfigError([f"{origin} is empty"])
    try:
        tree = t.cast("Condition", _parse(text, origin))
    except UnexpectedInput as error:
        raise ConfigError([_told(error, text, origin)]) from None
    check_size(tree, origin)
    return tree


def _told(error: UnexpectedInput, text: str, origin: str) -> str:
    ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    position = len(text) if ended else t.cast("int", error.pos_in_stream)
    rest = text[position:]
    names = _accepted(text[:position], origin)
    if not rest.strip():
        return f"{origin} ends too early; expected {_listed(names)}"
    found = re.match(r"[\w.]+|\S", rest)
    word = found.group() if found else ""
    if word in {'"', "'"}:
        return f"{origin}, position {position + 1}: a quote is opened and not closed"
    if "UNIT" in names:
        # Behind a number a unit is worth a word only where one was meant.
        names = {"UNIT"} if _AGO.match(rest) or _CALENDAR.fullmatch(word) else names - {"UNIT"} or names
    if "UNIT" in names:
        hint = _CALENDAR_ADVICE if _CALENDAR.fullmatch(word) else _meant(word, names)
    else:
        hint = _meant(word, names) or _advice(error, text, position)
    return f"{origin}, position {position + 1}: expected {_listed(names)}, found `{word}`{hint}"


def _accepted(text: str, origin: str) -> set[str]:
    """Return what may stand behind the beginning of a condition: what a lexer knows alone is not all allowed there."""
    parsing = _parser(origin).parse_interactive(text)
    parsing.exhaust_lexer()
    return set(parsing.accepts())  # type: ignore[no-untyped-call]


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
    return f"; did you mean `{meant}`?" if meant is not None and abs(len(meant) - len(word)) <= 1 else ""


def _advice(error: UnexpectedInput, text: str, position: int) -> str:
    """Return what to do where a value or a name was written without quotes, or a number with a comma."""
    if text[position] in _CURVED_QUOTES:
        return "; quotes are written straight, as in `city = \"New York\"` or `city = 'New York'`"
    if text[position] == ",":
        is_number = _COMMA_IN_NUMBER.match(text, position - 1) is not None
        return f"; {NUMBERS}" if is_number else "; several values are written `in (one, other)`"
    # At the beginning of a text the last token is None.
    history: list[Token | None] = getattr(error, "token_history", None) or [None]
    last = history[-1].type if history[-1] is not None else ""
    if last == "NUMBER" and not text[position - 1].isspace():
        return f"; {NUMBERS}"
    if last in _VALUES:
        return '; a value with a space or a sign in it goes between quotes, as in `city = "New York"`'
    if last == "NAME" and _ASKED_LATER.match(text, position):
        return '; a name with a space or a sign in it goes between quotes, as in `"First name" is set`'
    return ""


def _expected(terminal: str) -> str:
    return _EXPECTED.get(terminal) or f"`{terminal.strip('_').lower()}`"
