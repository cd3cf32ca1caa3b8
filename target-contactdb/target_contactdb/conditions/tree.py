"""The tree of a condition, as it was written: names and values are not checked yet."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass
from dataclasses import field as attribute

from target_contactdb.errors import ConfigError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_DEPTH: t.Final = 50
MAX_TESTS: t.Final = 500
MAX_VALUES: t.Final = 5000
"""What a condition may be at most: SQLite gives up at an expression that is nested 1,000 deep."""


class Op(enum.StrEnum):
    """How a field is tested."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "not_in"
    IS_SET = "is_set"
    IS_EMPTY = "is_empty"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAINS = "contains"
    DOMAIN_IN = "domain_in"
    WITHIN = "within"


SIGNS: t.Final[Mapping[Op, str]] = {
    Op.EQ: "=",
    Op.NE: "!=",
    Op.LT: "<",
    Op.LTE: "<=",
    Op.GT: ">",
    Op.GTE: ">=",
    Op.CONTAINS: "contains",
    Op.IN: "in",
    Op.NOT_IN: "not in",
    Op.DOMAIN_IN: "domain in",
    Op.IS_SET: "is set",
    Op.IS_EMPTY: "is empty",
    Op.WITHIN: "within",
}
"""How each operator is written in text."""

NUMBERS: t.Final = "a number is written like 1000 or 1000.50"
"""What to say to who wrote one with a comma."""

WITHOUT_VALUE: t.Final = frozenset({Op.IS_SET, Op.IS_EMPTY})
WITH_LIST: t.Final = frozenset({Op.IN, Op.NOT_IN, Op.DOMAIN_IN})


@dataclass(frozen=True, slots=True)
class FieldTest:
    """One field and what is asked of it.

    Attributes:
        field: Name or label, as it was written.
        op: The operator.
        values: As text: none, one, or for the operators of a list one or more.
        where: Where it was written, for an error.
        written: How the operator was written, for an error; empty = by its name.
        places: Where each value was written, for an error; empty = where the test was.
    """

    field: str
    op: Op
    values: tuple[str, ...] = ()
    where: str = attribute(default="", compare=False)
    written: str = attribute(default="", compare=False)
    places: tuple[str, ...] = attribute(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


@dataclass(frozen=True, slots=True)
class InSegment:
    """The contact is in a saved segment, as the segment is defined now."""

    name: str
    where: str = attribute(default="", compare=False)


@dataclass(frozen=True, slots=True)
class HasCheckout:
    """The contact has a last abandoned checkout that was not recovered."""

    where: str = attribute(default="", compare=False)


Condition: t.TypeAlias = "FieldTest | All | AnyOf | Not | InSegment | HasCheckout"


def all_of(parts: Sequence[Condition]) -> Condition:
    """Return a condition that holds if every part does; one part is itself."""
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def any_of(parts: Sequence[Condition]) -> Condition:
    """Return a condition that holds if a part does; one part is itself."""
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def walk(tree: Condition) -> Iterator[tuple[Condition, int]]:
    """Yield every node of a tree with its depth; the root is at depth 1."""
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        if isinstance(node, All | AnyOf):
            waiting += [(part, depth + 1) for part in reversed(node.parts)]
        elif isinstance(node, Not):
            waiting.append((node.part, depth + 1))


def check_size(tree: Condition, where: str) -> None:
    """Refuse a tree that is too big for a database.

    Raises:
        ConfigError: It is nested too deep, or has too many tests or values.
    """
    tests = values = 0
    for node, depth in walk(tree):
        if depth > MAX_DEPTH:
            raise ConfigError([f"{where}: nested more than {MAX_DEPTH} deep"])
        if isinstance(node, FieldTest):
            tests += 1
            values += len(node.values)
    if tests > MAX_TESTS or values > MAX_VALUES:
        raise ConfigError([f"{where}: more than {MAX_TESTS} tests or {MAX_VALUES:,} values"])
