"""Answers without the executor: a selection compiled to a function from the source of an object to its JSON form.

The executor of graphql-core asks each value of each record a dozen questions whose answers never change. A compiled
selection gives the same data for a fraction of the time, as long as nothing is refused; when a resolver raises, the
caller executes the operation the long way, which puts each error where it belongs.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from graphql import (
    FieldNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    SelectionSetNode,
    get_argument_values,
    get_named_type,
    is_leaf_type,
)
from graphql.execution.values import VariableValues

from shopify_sandbox.selections import Selections, below

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from shopify_sandbox.context import Context

Project: t.TypeAlias = "Callable[[t.Any], t.Any]"
Skip: t.TypeAlias = "Callable[[t.Any], bool]"


class NotProjectedError(Exception):
    """The selection asks for the schema itself, which only the executor can tell."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a resolver of a root field may ask of the request."""

    context: Context
    key: str

    @property
    def path(self) -> Asked:
        """Where the field stands."""
        return self

    def as_list(self) -> list[str | int]:
        """The path in the form of an error's path."""
        return [self.key]


def project_root(selections: Selections, root: GraphQLObjectType, selection_set: SelectionSetNode) -> Project:
    """The function from a request's context to the data of its answer.

    Raises:
        NotProjectedError: The selection asks for the schema itself.
    """
    parts: list[tuple[str, t.Any, dict[str, t.Any], Project | None]] = []
    for key, nodes in selections.fields(root, [selection_set]).items():
        name = nodes[0].name.value
        if name.startswith("__"):
            raise NotProjectedError
        field = root.fields[name]
        arguments = field_arguments(selections, field, nodes[0])
        parts.append((key, field.resolve, arguments, _value(selections, field.type, nodes, None)))

    def project(context: Context) -> dict[str, t.Any]:
        data: dict[str, t.Any] = {}
        for key, resolve, arguments, complete in parts:
            value = resolve(None, Asked(context, key), **arguments)
            data[key] = value if complete is None else complete(value)
        return data

    return project


def project_object(
    selections: Selections, kind: t.Any, selection_sets: list[SelectionSetNode], skip: Skip | None = None
) -> Project:
    """The function from the source of an object to its data; fields whose type `skip` names are left out."""
    if isinstance(kind, GraphQLInterfaceType):
        possible = selections.schema.get_possible_types(kind)
        by_name = {option.name: project_object(selections, option, selection_sets, skip) for option in possible}
        return lambda source: by_name[source["__typename"]](source)
    parts: list[tuple[str, str, dict[str, t.Any], Project | None]] = []
    for key, nodes in selections.fields(kind, selection_sets).items():
        name = nodes[0].name.value
        if name == "__typename":
            parts.append((key, "", {}, _constant(kind.name)))
            continue
        field = kind.fields[name]
        if skip is not None and skip(get_named_type(field.type)):
            continue
        arguments = field_arguments(selections, field, nodes[0])
        parts.append((key, name, arguments, _value(selections, field.type, nodes, skip)))
    return _object(parts)


def field_arguments(selections: Selections, field: t.Any, node: FieldNode) -> dict[str, t.Any]:
    """The values of a field's arguments, defaults included."""
    return get_argument_values(field, node, VariableValues({}, selections.variables))


def _constant(value: str) -> Project:
    return lambda _: value


def _object(parts: list[tuple[str, str, dict[str, t.Any], Project | None]]) -> Project:
    def project(source: t.Any) -> dict[str, t.Any]:
        data: dict[str, t.Any] = {}
        get = source.get
        for key, name, arguments, complete in parts:
            value = get(name)
            if callable(value):
                value = value(None, **arguments)
            data[key] = value if complete is None else complete(value)
        return data

    return project


def _value(selections: Selections, kind: t.Any, nodes: list[FieldNode], skip: Skip | None) -> Project | None:
    """How a value of a type is completed; null when it is already in its JSON form."""
    if isinstance(kind, GraphQLNonNull):
        return _value(selections, kind.of_type, nodes, skip)
    if isinstance(kind, GraphQLList):
        item = _value(selections, kind.of_type, nodes, skip)
        return None if item is None else lambda values: None if values is None else [item(value) for value in values]
    if is_leaf_type(kind):
        return _float if kind.name == "Float" else None
    project = project_object(selections, kind, below(nodes), skip)
    return lambda value: None if value is None else project(value)


def _float(value: t.Any) -> float | None:
    return None if value is None else float(value)
