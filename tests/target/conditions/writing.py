"""Conditions written as text, for tests that read them again."""

from __future__ import annotations

import re
import typing as t

from target_contactdb.conditions.tree import SIGNS, All, AnyOf, Condition, FieldTest, HasCheckout, InSegment, Not, Op

_PLAIN_NAME: t.Final = re.compile(r"[^\W\d][\w.]*")
_PLAIN_VALUE: t.Final = re.compile(r"[A-Za-z0-9_@+.:/-]+")
_KEYWORDS: t.Final = frozenset({"has", "in", "is", "not", "and", "or", "set", "empty", "null"})


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
