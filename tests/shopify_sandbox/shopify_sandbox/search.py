"""The Admin API's search language: text to a tree, with the form in which answers repeat it. Pure.

Source: Shopify API search syntax, https://shopify.dev/docs/api/usage/search-syntax.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

_FIELD = re.compile(r"([A-Za-z_][\w.]*):\s*")
_COMPARATOR = re.compile(r"(>=|<=|>|<)\s*")
_BARE = re.compile(r"[^\s()]+")
_QUOTED = re.compile(r"'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\"", re.DOTALL)
_RANGES = {">=": "gte", ">": "gt", "<=": "lte", "<": "lt"}
_CONNECTIVES = ("AND", "OR", "NOT")


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; without a field it is searched in several fields of a record."""

    field: str | None
    value: str
    comparator: str = "="
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """What must not hold."""

    part: Node


@dataclass(frozen=True, slots=True)
class And:
    """What must hold together."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Of which one must hold."""

    parts: tuple[Node, ...]


Node: t.TypeAlias = Term | Not | And | Or
_Token: t.TypeAlias = Term | str


def parse(text: str) -> Node | None:
    """The tree of a search text, or null when it has no condition.

    The language has no errors: stray parentheses and connectives are skipped, as the search does.
    """
    return _Parser(_tokens(text)).whole()


def parsed_form(node: Node) -> dict[str, t.Any]:
    """The tree as `extensions.search[].parsed` shows it."""
    if isinstance(node, Term):
        name = node.field or "default"
        if node.comparator in _RANGES:
            return {"field": name, "range": {_RANGES[node.comparator]: node.value}}
        return {"field": name, "match_all": node.value}
    if isinstance(node, Not):
        return {"not": parsed_form(node.part)}
    return {"and" if isinstance(node, And) else "or": [parsed_form(part) for part in node.parts]}


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    place = 0
    while place < len(text):
        char = text[place]
        if char.isspace():
            place += 1
        elif char in "()" or (char == "-" and text[place + 1 : place + 2].strip()):
            tokens.append("NOT" if char == "-" else char)
            place += 1
        else:
            token, place = _term(text, place)
            tokens.append(token)
    return tokens


def _term(text: str, place: int) -> tuple[_Token, int]:
    field, comparator = None, "="
    if found := _FIELD.match(text, place):
        field, place = found[1], found.end()
        if found := _COMPARATOR.match(text, place):
            comparator, place = found[1], found.end()
    if found := _QUOTED.match(text, place):
        value = found[1] if found[1] is not None else found[2]
        return Term(field, re.sub(r"\\(.)", r"\1", value), comparator, quoted=True), found.end()
    if found := _BARE.match(text, place):
        if field is None and found[0] in _CONNECTIVES:
            return found[0], found.end()
        return Term(field, found[0], comparator), found.end()
    return Term(field, "", comparator), place


class _Parser:
    """Recursive descent: OR binds least, then AND (written or implied), then NOT."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0

    def whole(self) -> Node | None:
        parts = []
        while self._place < len(self._tokens):
            part = self._either()
            if part is not None:
                parts.append(part)
            elif self._peek() == ")":
                self._place += 1
        return _group(And, parts)

    def _peek(self) -> _Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _either(self) -> Node | None:
        parts = [self._both()]
        while self._peek() == "OR":
            self._place += 1
            parts.append(self._both())
        return _group(Or, [part for part in parts if part is not None])

    def _both(self) -> Node | None:
        parts = []
        while self._peek() not in (None, "OR", ")"):
            if self._peek() == "AND":
                self._place += 1
                continue
            part = self._one()
            if part is not None:
                parts.append(part)
        return _group(And, parts)

    def _one(self) -> Node | None:
        token = self._peek()
        self._place += 1
        if isinstance(token, Term):
            return token
        if token == "NOT":
            part = self._one() if self._peek() not in (None, "OR", "AND", ")") else None
            return None if part is None else Not(part)
        part = self._either()
        if self._peek() == ")":
            self._place += 1
        return part


def _group(kind: type[And | Or], parts: list[Node]) -> Node | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return kind(tuple(parts))
