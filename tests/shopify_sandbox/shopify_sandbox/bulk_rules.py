"""What a bulk operation refuses about its document, in Shopify's words. Pure.

The texts are those of recorded answers, except for what is marked as a guess.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    parse,
)

from shopify_sandbox.selections import Selections, below
from shopify_sandbox.validation import static_errors, syntax_error

_MOST_CONNECTIONS = 5
_MOST_DEPTH = 2


def refusals(schema: GraphQLSchema, text: str) -> list[str]:
    """Everything that is refused about a document; none when it can run."""
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        message = syntax_error(error)["message"]
        return [f"Invalid bulk query: {message.rpartition(' at ')[0]}"]
    operation = only_operation(document)
    if operation is None or operation.operation is not OperationType.QUERY:
        return ["Invalid operation type. Only `query` operations are supported."]
    if found := static_errors(schema, document):
        return [f"Invalid bulk query: {error['message']}" for error in found]
    if operation.variable_definitions:
        return ["Bulk queries cannot use variables."]  # a guess
    return _Survey(Selections.of(schema, document, {})).refusals(operation)


def only_operation(document: DocumentNode) -> OperationDefinitionNode | None:
    """The operation of a document that has exactly one."""
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    return operations[0] if len(operations) == 1 else None


@dataclass
class _Survey:
    """A walk through the connections of a document."""

    selections: Selections
    connections: int = 0
    depth: int = 0
    in_list: bool = False
    without_id: list[str] = field(default_factory=list)
    without_edges: list[str] = field(default_factory=list)

    def refusals(self, operation: OperationDefinitionNode) -> list[str]:
        root = self.selections.root(operation)
        top = self.selections.fields(root, [operation.selection_set])
        self._walk(root, [operation.selection_set], None, 0, listed=False)
        problems = []
        if any(nodes[0].name.value in ("node", "nodes") for nodes in top.values()):
            problems.append("Bulk queries cannot contain a top level `node` field.")
        if len(top) > 1:
            problems.append("Bulk queries cannot contain more than one top level field.")  # a guess
        if not self.connections:
            problems.append("Bulk queries must contain at least one connection.")
        if self.connections > _MOST_CONNECTIONS:
            problems.append("Bulk queries cannot contain more than 5 connections.")
        if self.depth > _MOST_DEPTH:
            problems.append("Bulk queries cannot contain connections with a nesting depth greater than 2.")
        if self.in_list:
            problems.append("Queries that contain a connection field within a list field are not currently supported.")
        if self.without_id:
            problems.append(
                "The parent 'node' field for a nested connection must select the 'id' field without an alias and must "
                f"be of 'ID' return type. Connection fields without 'id': {', '.join(self.without_id)}."
            )
        if self.without_edges:
            names = ", ".join(f"'{name}'" for name in self.without_edges)
            problems.append(
                "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: "
                "'products { edges { node {'. Selecting via 'nodes' is not supported. "
                f"Invalid connection fields: {names}."
            )
        return problems

    def _walk(
        self, owner: t.Any, selected: list[SelectionSetNode], parent: str | None, depth: int, *, listed: bool
    ) -> None:
        for kind in self._kinds(owner):
            fields = self.selections.fields(kind, selected)
            named = {key: nodes for key, nodes in fields.items() if not nodes[0].name.value.startswith("__")}
            for nodes in named.values():
                self._field(kind, nodes, parent, depth, listed=listed, has_id=_selects_id(named))

    def _kinds(self, owner: t.Any) -> tuple[GraphQLObjectType, ...]:
        if isinstance(owner, GraphQLObjectType):
            return (owner,)
        return tuple(self.selections.schema.get_possible_types(owner))

    def _field(
        self,
        owner: GraphQLObjectType,
        nodes: list[FieldNode],
        parent: str | None,
        depth: int,
        *,
        listed: bool,
        has_id: bool,
    ) -> None:
        name = nodes[0].name.value
        kind = owner.fields[name].type
        named = get_named_type(kind)
        inner = below(nodes)
        if not inner:
            return
        if not named.name.endswith("Connection"):
            bare = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
            self._walk(named, inner, parent, depth, listed=listed or isinstance(bare, GraphQLList))
            return
        self.connections += 1
        self.depth = max(self.depth, depth + 1)
        self.in_list = self.in_list or listed
        if parent is not None and not has_id:
            self.without_id.append(parent)
        rows = node_selections(self.selections, named, inner)
        if not rows or "nodes" in {
            n[0].name.value for n in self.selections.fields(t.cast(t.Any, named), inner).values()
        }:
            self.without_edges.append(name)
        item = get_named_type(t.cast(t.Any, named).fields["nodes"].type)
        self._walk(item, rows, name, depth + 1, listed=False)


def _selects_id(fields: dict[str, list[FieldNode]]) -> bool:
    return "id" in fields and fields["id"][0].name.value == "id"


def node_selections(
    selections: Selections, connection: t.Any, selected: list[SelectionSetNode]
) -> list[SelectionSetNode]:
    """What a connection selects of its nodes by way of its edges."""
    found: list[SelectionSetNode] = []
    for nodes in selections.fields(connection, selected).values():
        if nodes[0].name.value == "edges":
            edge = get_named_type(connection.fields["edges"].type)
            for inner in selections.fields(t.cast("GraphQLObjectType", edge), below(nodes)).values():
                if inner[0].name.value == "node":
                    found += below(inner)
    return found
