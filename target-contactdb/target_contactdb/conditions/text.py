"""Conditions as text, such as `email_status = subscribed and not tags contains vip`."""

from __future__ import annotations

import functools
import itertools
import re
import typing as t
from importlib import resources

from lark import Lark, Token, Transformer, UnexpectedInput

from target_contactdb.conditions.mistakes import told
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
_THOUSANDS: t.Final = re.compile(r"-?\d{1,3}")
_BEHIND_THOUSANDS: t.Final = re.compile(r"\d{3}(\.\d+)?")
_NO_NULL: t.Final = (
    "`null` is no value; `is empty` and `is set` ask for nothing and something, and the word goes between quotes, as in"
    ' `last_name = "null"`'
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
        raise ConfigError([told(error, text, origin, _parser(origin))]) from None
    check_size(tree, origin)
    return tree
