"""A field, declared once: its schema, what to ask Shopify for, and how to read it from the answer."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

_CALL = re.compile(r": \w+\(.*?\)")

Node = t.Mapping[str, t.Any]
Getter = t.Callable[[Node], t.Any]
Reader = t.Callable[[Node], t.Any]

CONSENT_OBJECT_SINCE = "2026-10"
"""The version from which SMS consent is an object of its own; `Field.older` serves the versions before it."""

EDGES = "edges"
EDGE_NODE = f".{EDGES}.node."
"""What lies between a connection and a value of its nodes."""


@dataclass(frozen=True)
class Kind:
    """A JSON type, and whether null is one of its values."""

    schema: t.Mapping[str, t.Any]
    nullable: bool = True

    def to_schema(self) -> dict[str, t.Any]:
        """Return the JSON schema of a property of this kind."""
        schema = dict(self.schema)
        if self.nullable:
            schema["type"] = [schema["type"], "null"]
        return schema


TEXT = Kind({"type": "string"})
INTEGER = Kind({"type": "integer"})
MONEY = Kind({"type": "number"})
BOOLEAN = Kind({"type": "boolean"})
INSTANT = Kind({"type": "string", "format": "date-time"})
TEXTS = Kind({"type": "array", "items": {"type": "string"}})
OBJECT = Kind({"type": "object"})
OBJECTS = Kind({"type": "array"})
ID = Kind({"type": "integer"}, nullable=False)
NAME = Kind({"type": "string"}, nullable=False)
MOMENT = Kind({"type": "string", "format": "date-time"}, nullable=False)


def unchanged(value: t.Any) -> t.Any:
    """Return the value as Shopify gave it."""
    return value


@dataclass(frozen=True)
class Field:
    """One property of a stream.

    `paths` lead from the node to the values that `make` turns into the property's value; `older` are those of the
    versions before `CONSENT_OBJECT_SINCE`. `asks` are the paths to select where they differ from `paths`. `parts` are
    the properties of a nested object, which lies at `paths[0]`; with `OBJECTS` as kind it is a connection of such
    objects. A field without paths is the shop's name.
    """

    name: str
    label: str
    kind: Kind
    description: str
    paths: tuple[str, ...] = ()
    make: t.Callable[..., t.Any] = unchanged
    older: tuple[str, ...] | None = None
    asks: tuple[str, ...] | None = None
    parts: tuple[Field, ...] = ()
    advanced: bool = False

    def to_schema(self) -> dict[str, t.Any]:
        """Return the JSON schema of this property, with its label as title."""
        schema = self.kind.to_schema()
        if self.parts:
            properties = {part.name: part.to_schema() for part in self.parts}
            if self.kind is OBJECTS:
                schema["items"] = {"type": "object", "properties": properties}
            else:
                schema["properties"] = properties
        return {**schema, "title": self.label, "description": self.description}

    def read_paths(self, version: str) -> tuple[str, ...]:
        """Return the paths to the values in an answer of this API version."""
        return self.older if self.older is not None and version < CONSENT_OBJECT_SINCE else self.paths

    def asked_paths(self, version: str, prefix: str = "") -> tuple[str, ...]:
        """Return the paths to select from Shopify."""
        if self.parts:
            below = f"{prefix}{self.part_prefix}"
            return tuple(path for part in self.parts for path in part.asked_paths(version, below))
        paths = self.asks if self.asks is not None else self.read_paths(version)
        return tuple(f"{prefix}{path}" for path in paths)

    def reader(self, version: str, denied: t.Collection[str], prefix: str = "") -> Reader | None:
        """Return the function from a node to the value, or None when Shopify denies what it needs."""
        if self.parts:
            return self._parts_reader(version, denied, prefix)
        if any(is_denied(path, denied) for path in self.asked_paths(version, prefix)):
            return None
        getters = [getter(path) for path in self.read_paths(version)]
        make = self.make
        if len(getters) == 1:
            only = getters[0]
            return only if make is unchanged else lambda node: make(only(node))
        return lambda node: make(*[get(node) for get in getters])

    @property
    def part_prefix(self) -> str:
        """Return what leads from the node to each part's paths."""
        return f"{self.paths[0]}.node." if self.kind is OBJECTS else f"{self.paths[0]}."

    def _parts_reader(self, version: str, denied: t.Collection[str], prefix: str) -> Reader | None:
        if is_denied(f"{prefix}{self.paths[0]}", denied):
            return None
        below = f"{prefix}{self.part_prefix}"
        reads = [(part.name, part.reader(version, denied, below)) for part in self.parts]
        known = [(name, read) for name, read in reads if read is not None]
        get = getter(self.paths[0])
        if self.kind is OBJECTS:
            return lambda node: [{name: read(edge["node"]) for name, read in known} for edge in get(node) or ()]

        def read_object(node: Node) -> dict[str, t.Any] | None:
            inner = get(node)
            return None if inner is None else {name: read(inner) for name, read in known}

        return read_object


def getter(path: str) -> Getter:
    """Return the function that follows a dotted path, and gives None where the way ends.

    A path through a connection's edges gives the list of what lies at its end in each node.
    """
    connection, through_edges, inner = path.partition(EDGE_NODE)
    if through_edges:
        get_edges, get_value = getter(f"{connection}.{EDGES}"), getter(inner)
        return lambda node: [get_value(edge["node"]) for edge in get_edges(node) or ()]
    names = path.split(".")
    if len(names) == 1:
        return lambda node: node.get(path)
    if len(names) == 2:
        first, second = names

        def follow_two(node: Node) -> t.Any:
            inner = node.get(first)
            return None if inner is None else inner.get(second)

        return follow_two

    def follow(node: Node) -> t.Any:
        value: t.Any = node
        for name in names:
            if value is None:
                return None
            value = value.get(name)
        return value

    return follow


def is_denied(path: str, denied: t.Collection[str]) -> bool:
    """Say whether a path, or anything on the way to it, is denied.

    A path may be one that is asked for, with a call behind a name of its own; Shopify's denials speak of that name.
    """
    path = _CALL.sub("", path)
    return any(path == closed or path.startswith(f"{closed}.") for closed in denied)
