"""Conditions as text, such as `email_status = subscribed and not tags contains vip`: read, and written."""

from __future__ import annotations

import functools
import re
import typing as t
from importlib import resources

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken

from target_contactdb.conditions.times import UNITS
from target_contactdb.conditions.tree import (
    NUMBERS,
    SIGNS,
    All,
    AnyOf,
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
_PLAIN_NAME: t.Final = re.compile(r"[^\W\d][\w.]*")
_PLAIN_VALUE: t.Final = re.compile(r"[A-Za-z0-9_@+.:/-]+")
_KEYWORDS: t.Final = frozenset({"has", "in", "is", "not", "and", "or", "set", "empty"})
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
    names = set((error.accepts if isinstance(error, UnexpectedToken) else getattr(error, "allowed", None)) or ())
    position: int | None = error.pos_in_stream
    ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    if ended or position is None or not text[position:].strip():
        return f"{origin} ends too early; expected {_listed(names)}"
    rest = text[position:]
    found = re.match(r"[\w.]+|\S", rest)
    word = found.group() if found else ""
    if word in {'"', "'"}:
        return f"{origin}, position {position + 1}: a quote is opened and not closed"
    if "UNIT" in names:
        # Behind a number a unit is worth a word only where one was meant.
        names = {"UNIT"} if _AGO.match(rest) else names - {"UNIT"} or names
    hint = _meant(word, names) or ("" if "UNIT" in names else _advice(error, text, position))
    return f"{origin}, position {position + 1}: expected {_listed(names)}, found `{word}`{hint}"


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
    if text[position] == ",":
        is_number = _COMMA_IN_NUMBER.match(text, position - 1) is not None
        return f"; {NUMBERS}" if is_number else "; several values are written `in (one, other)`"
    history: list[Token] = getattr(error, "token_history", None) or []
    last = history[-1].type if history else ""
    if last == "NUMBER" and not text[position - 1].isspace():
        return f"; {NUMBERS}"
    if last in _VALUES:
        return '; a value with a space or a sign in it goes between quotes, as in `city = "New York"`'
    if last == "NAME" and _ASKED_LATER.match(text, position):
        return '; a name with a space or a sign in it goes between quotes, as in `"First name" is set`'
    return ""


def _expected(terminal: str) -> str:
    return _EXPECTED.get(terminal) or f"`{terminal.strip('_').lower()}`"


def write_text(tree: Condition) -> str:
    """Write a condition as text that is read into the same tree."""
    match tree:
        case All(parts):
            return " and ".join(_part(part) for part in parts)
        case AnyOf(parts):
            return " or ".join(_part(part) for part in parts)
        case Not(HasCheckout()):
            return "has no checkout"
        case Not(part):
            return f"not {_part(part)}"
        case HasCheckout():
            return "has checkout"
        case InSegment(name):
            return f"in segment {_quoted(name)}"
        case FieldTest(field, op, values):
            return " ".join(one for one in (_name(field), SIGNS[op], _values(op, values)) if one)


def _part(part: Condition) -> str:
    return f"({write_text(part)})" if isinstance(part, All | AnyOf) else write_text(part)


def _name(name: str) -> str:
    plain = _PLAIN_NAME.fullmatch(name) and name.lower() not in _KEYWORDS
    return name if plain else _quoted(name)


def _values(op: Op, values: tuple[str, ...]) -> str:
    if op is Op.WITHIN:
        return values[0]
    if op in {Op.IN, Op.NOT_IN, Op.DOMAIN_IN}:
        return f"({', '.join(_value(value) for value in values)})"
    return _value(values[0]) if values else ""


def _value(value: str) -> str:
    plain = _PLAIN_VALUE.fullmatch(value) and value.lower() not in _KEYWORDS
    return value if plain else _quoted(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
