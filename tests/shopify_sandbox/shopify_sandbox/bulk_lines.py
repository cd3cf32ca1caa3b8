"""The rows of a bulk operation: one line of JSON for each node, children with the id of their parent. Pure."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from graphql import FieldNode, GraphQLObjectType, GraphQLSchema, get_named_type, parse, print_ast

from shopify_sandbox.bulk_rules import node_selections, only_operation
from shopify_sandbox.lists import LISTINGS
from shopify_sandbox.paging import MAX_PAGE
from shopify_sandbox.projection import Project, field_arguments, project_object
from shopify_sandbox.selections import Selections, below

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from shopify_sandbox.context import Context
    from shopify_sandbox.lists import Listing
    from shopify_sandbox.sources import Source

PARENT = "__parentId"


@dataclass(frozen=True, slots=True)
class Rows:
    """Lines, each with its line feed; root lines are those of the list that was asked for."""

    text: bytes
    lines: int = 1
    roots: int = 0


@dataclass(frozen=True, slots=True)
class _Children:
    """A connection below a node: how to reach it and what to show of its nodes."""

    path: tuple[str, ...]
    name: str
    arguments: dict[str, t.Any]
    node: _Node

    def sources(self, source: Source) -> Iterator[tuple[str, Source]]:
        """The id of the parent and the source of each child, over all pages."""
        parent: t.Any = source
        for step in self.path:
            parent = parent.get(step)
            parent = parent(None) if callable(parent) else parent
            if parent is None:
                return
        after = None
        while True:
            page = parent[self.name](None, **self.arguments, first=MAX_PAGE, after=after)
            for edge in page["edges"](None):
                yield parent["id"], edge["node"]
            if not page["pageInfo"]["hasNextPage"](None):
                return
            after = page["pageInfo"]["endCursor"](None)


@dataclass(frozen=True, slots=True)
class _Node:
    """What is shown of a node: its own fields, and its connections."""

    project: Project
    children: tuple[_Children, ...]


@dataclass(frozen=True, slots=True)
class BulkDocument:
    """A document that is not refused: the list that it asks for, and what it shows of each node."""

    name: str
    key: str
    arguments: dict[str, t.Any]
    node: _Node
    identity: str

    @classmethod
    def read(cls, schema: GraphQLSchema, text: str) -> BulkDocument:
        """Read a document; its `identity` is what it shows, whatever the list is.

        Raises:
            ValueError: The document is one that is refused.
        """
        document = parse(text)
        operation = only_operation(document)
        if operation is None:
            message = "a bulk document has one operation"
            raise ValueError(message)
        selections = Selections.of(schema, document, {})
        root = selections.root(operation)
        ((key, nodes),) = selections.fields(root, [operation.selection_set]).items()
        name = nodes[0].name.value
        node = _node(selections, get_named_type(root.fields[name].type), nodes)
        identity = "\n".join(print_ast(part) for part in (*below(nodes), *selections.fragments.values()))
        return cls(name, key, field_arguments(selections, root.fields[name], nodes[0]), node, identity)

    @property
    def reverse(self) -> bool:
        """Whether the list is read from its end."""
        return bool(self.arguments.get("reverse"))

    def listing(self, context: Context) -> Listing[t.Any]:
        """The list as the shop is at the context's time.

        Raises:
            ShopError: The app may not read it.
        """
        return LISTINGS[self.name](self.arguments, context, [self.key])

    def rows(self, context: Context, *, grouped: bool) -> Iterator[Rows]:
        """The rows of the result.

        Grouped, a node is followed by its children; else all nodes of the list come first and all children after them.

        Raises:
            ShopError: The app may not read what the document asks for.
        """
        listing = self.listing(context)
        for item in listing.items(reverse=self.reverse):
            source = listing.source(item)
            yield Rows(encoded(self.node.project(source)), roots=1)
            if grouped:
                yield from _below(self.node, source)
        if self.node.children and not grouped:
            for item in listing.items(reverse=self.reverse):
                yield from _below(self.node, listing.source(item))


def _below(node: _Node, source: Source) -> Iterator[Rows]:
    for children in node.children:
        for parent, child in children.sources(source):
            data = children.node.project(child)
            yield Rows(encoded({**data, PARENT: parent}))
            yield from _below(children.node, child)


def encoded(data: dict[str, t.Any]) -> bytes:
    """A line: compact JSON with its slashes escaped, as Shopify writes it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("/", "\\/").encode() + b"\n"


def _is_connection(kind: t.Any) -> bool:
    return str(kind.name).endswith("Connection")


def _node(selections: Selections, connection: t.Any, nodes: list[FieldNode]) -> _Node:
    kind = t.cast("GraphQLObjectType", get_named_type(connection.fields["nodes"].type))
    selected = node_selections(selections, connection, below(nodes))
    return _Node(
        project_object(selections, kind, selected, _is_connection), tuple(_find(selections, kind, selected, ()))
    )


def _find(
    selections: Selections, kind: GraphQLObjectType, selected: list[t.Any], path: tuple[str, ...]
) -> Iterator[_Children]:
    for nodes in selections.fields(kind, selected).values():
        name = nodes[0].name.value
        if name.startswith("__") or not below(nodes):
            continue
        field = kind.fields[name]
        named = get_named_type(field.type)
        if _is_connection(named):
            given = field_arguments(selections, field, nodes[0])
            arguments = {key: value for key, value in given.items() if key not in ("first", "last", "after", "before")}
            yield _Children(path, name, arguments, _node(selections, named, nodes))
        elif isinstance(named, GraphQLObjectType):
            yield from _find(selections, named, below(nodes), (*path, name))
