"""Readers compiled for the selected fields: a type to decode nodes into, and a function from such a node to a record.

They say the same as the fields' own readers, at a quarter of the cost: a shop's records are all of one form, so what is
asked of each is written out once, as straight code, instead of being looked up field by field. What has another form
than expected does not decode into the type, and is left to the fields' own readers.
"""

from __future__ import annotations

import keyword
import typing as t
from decimal import Decimal
from functools import lru_cache

import msgspec

from tap_shopify_contacts.fields import EDGE_NODE, EDGES, OBJECTS, Field, is_denied, unchanged

_TYPES: t.Mapping[str, t.Any] = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}

Tree = dict[str, t.Any]


class TypedRecord(msgspec.Struct):
    """The record that a compiled reader makes. Its values are read by their property's name."""

    def __getitem__(self, name: str) -> t.Any:
        """Return the value of a property."""
        return getattr(self, name)


Record = dict[str, t.Any] | TypedRecord
Node = dict[str, t.Any] | msgspec.Struct
TypedReader = t.Callable[[t.Any], TypedRecord]


def as_dict(value: Record | Node) -> dict[str, t.Any]:
    """Return a record or a node as dictionaries, all the way down."""
    if isinstance(value, dict):
        return value
    found: dict[str, t.Any] = msgspec.to_builtins(value, builtin_types=(Decimal,))
    return found


def node_type(fields: t.Sequence[Field], version: str) -> type[msgspec.Struct]:
    """Return the type of the nodes that answers of this API version hold. Names that no field reads are skipped."""
    tree: Tree = {}
    for path, kind in _leaves(fields, version, ""):
        *way, name = path.split(".")
        branch = tree
        for part in way:
            if part == EDGES:
                branch["pageInfo"] = dict[str, t.Any]
            branch = branch.setdefault(part, {})
        # A value that two fields read is decoded as each of them expects it, or as it comes.
        branch[name] = kind if branch.get(name, kind) == kind else t.Any
    return _struct("Node", tree)


@lru_cache(maxsize=16)
def node_decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[t.Any]:
    """Return the decoder of nodes of a type that `node_type` gave: making one takes as long as decoding some dozens."""
    return msgspec.json.Decoder(kind, float_hook=Decimal)


def compile_reader(
    fields: t.Sequence[Field], *, version: str, shop: str, denied: t.Collection[str] = ()
) -> TypedReader:
    """Return the function from a node of `node_type` to its record; fields that need a denied path are left out."""
    source = _Source(version, denied)
    name = source.add_function(fields, "")
    names: dict[str, t.Any] = {**source.names, "shop": shop}
    # The text holds names of Shopify's schema and of properties only, each checked to be a name, and no value.
    exec(compile("\n".join(source.lines), "<compiled record reader>", "exec"), names)  # noqa: S102
    reader: TypedReader = names[name]
    return reader


def _leaves(fields: t.Iterable[Field], version: str, prefix: str) -> t.Iterator[tuple[str, t.Any]]:
    """Yield each path that is read, with the type of its value."""
    for field in fields:
        if field.parts:
            yield from _leaves(field.parts, version, f"{prefix}{field.part_prefix}")
            continue
        paths = field.read_paths(version)
        for path, kind in zip(paths, _input_types(field, len(paths)), strict=True):
            yield f"{prefix}{path}", t.Any if EDGE_NODE in path else kind


def _input_types(field: Field, count: int) -> list[t.Any]:
    """Return the types of the values that a field is made of: those that its function says it takes."""
    if field.make is unchanged:
        return [_TYPES.get(field.kind.schema["type"], t.Any)] * count
    hints = t.get_type_hints(field.make)
    hints.pop("return", None)
    known = list(hints.values())
    return known if len(known) == count else [t.Any] * count


def _struct(name: str, tree: Tree) -> type[msgspec.Struct]:
    members: list[tuple[str, t.Any, None]] = []
    for part, branch in tree.items():
        kind: t.Any = _struct(part, branch) if isinstance(branch, dict) else branch
        members.append((_checked(part), (list[kind] if part == EDGES else kind) | None, None))
    # Nodes are trees and live as long as a page: nothing that the collector of cycles should look at.
    return msgspec.defstruct(name, members, gc=False)


def _checked(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        message = f"{name!r} cannot be the name of a property."
        raise ValueError(message)
    return name


class _Source:
    """Python functions in the making. `names` are the objects that their text refers to."""

    def __init__(self, version: str, denied: t.Collection[str]) -> None:
        self.lines: list[str] = []
        self.names: dict[str, t.Any] = {}
        self._version = version
        self._denied = denied
        self._functions = 0

    def add_function(self, fields: t.Sequence[Field], prefix: str) -> str:
        """Add the function that reads these fields from a node or a part of one, and return its name."""
        number = self._functions
        self._functions += 1
        body = _Body()
        values: dict[str, str] = {}
        for field in fields:
            value = self._value(field, prefix, body)
            if value is not None:
                values[_checked(field.name)] = value
        self.names[f"Record{number}"] = msgspec.defstruct("Record", list(values), bases=(TypedRecord,), gc=False)
        result = f"return Record{number}({', '.join(values.values())})"
        self.lines += [f"def read{number}(node):", *(f"    {line}" for line in [*body.lines, result])]
        return f"read{number}"

    def _value(self, field: Field, prefix: str, body: _Body) -> str | None:
        """Return the expression for a field's value, or None when Shopify denies what it needs."""
        if not field.paths:
            return "shop"
        if field.parts:
            return self._parts(field, prefix, body)
        if any(is_denied(path, self._denied) for path in field.asked_paths(self._version, prefix)):
            return None
        values = [_path_value(path, body) for path in field.read_paths(self._version)]
        if field.make is unchanged:
            return values[0]
        name = f"make_{field.make.__name__}"
        self.names[name] = field.make
        return f"{name}({', '.join(values)})"

    def _parts(self, field: Field, prefix: str, body: _Body) -> str | None:
        if is_denied(f"{prefix}{field.paths[0]}", self._denied):
            return None
        read = self.add_function(field.parts, f"{prefix}{field.part_prefix}")
        value = body.variable(field.paths[0])
        if field.kind is OBJECTS:
            return f"[{read}(edge.node) for edge in {value} or ()]"
        return f"None if {value} is None else {read}({value})"


def _path_value(path: str, body: _Body) -> str:
    edges, through_edges, name = path.partition(EDGE_NODE)
    if not through_edges:
        return body.variable(path)
    return f"[edge.node.{_checked(name)} for edge in {body.variable(f'{edges}.{EDGES}')} or ()]"


class _Body:
    """The lines of a function that follow paths, each step of the way once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._variables: dict[str, str] = {}

    def variable(self, path: str) -> str:
        """Return the variable that holds what lies at a path, null where the way ends."""
        if path not in self._variables:
            way, _, name = path.rpartition(".")
            step = f"{self.variable(way)}.{_checked(name)}" if way else f"node.{_checked(name)}"
            guard = f"None if {self.variable(way)} is None else " if way else ""
            self._variables[path] = f"v{len(self._variables)}"
            self.lines.append(f"{self._variables[path]} = {guard}{step}")
        return self._variables[path]
