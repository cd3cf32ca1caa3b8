"""The fast mode: pages and bulk results of customers as bytes that were encoded once.

For benchmarks: with it the store costs little processor time beside what reads it. An answer has the same bytes as
without it. It is given for lists of customers by id or by `updated_at`, as long as no customer was changed; all else
is answered as always.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from functools import lru_cache

from graphql import FieldNode, GraphQLError, GraphQLObjectType, Node, VariableNode, Visitor, get_named_type, visit

from shopify_sandbox.bulk_lines import BulkDocument, Rows, encoded
from shopify_sandbox.encoded import EncodedItems
from shopify_sandbox.lists import customers
from shopify_sandbox.paging import page_arguments
from shopify_sandbox.projection import Project, field_arguments, project_object
from shopify_sandbox.selections import Selections, below

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from graphql import OperationDefinitionNode

    from shopify_sandbox.collection import Key
    from shopify_sandbox.context import Context
    from shopify_sandbox.costs import QueryCost
    from shopify_sandbox.lists import Listing
    from shopify_sandbox.population import Population
    from shopify_sandbox.records import Customer
    from shopify_sandbox.store import Store

_KEPT = 64


@dataclass(frozen=True, slots=True)
class Positions:
    """The customers in an order that is known without computing them."""

    count: int
    key_at: Callable[[int], tuple[int, int]]
    first: Callable[..., int]

    def span(self, low: Key | None, high: Key | None) -> tuple[int, int]:
        """The positions strictly between two sort keys."""
        first = 0 if low is None else self.first(low, after=True)
        return first, max(first, self.count if high is None else self.first(high, after=False))


@dataclass(frozen=True, slots=True)
class PageShape:
    """A document that asks for one page of customers: its root field and the parts of the connection, in order."""

    key: str
    node: FieldNode
    parts: tuple[tuple[str, str, Project], ...]

    @property
    def cursor(self) -> str | None:
        """The variable that brings the cursor."""
        for argument in self.node.arguments or ():
            if argument.name.value == "after" and isinstance(argument.value, VariableNode):
                return argument.value.name.value
        return None

    def item(self) -> tuple[str, Project]:
        """By which field the items are selected, and how one is shown."""
        return next((name, project) for _, name, project in self.parts if name in ("edges", "nodes"))

    def body(self, items: list[bytes], info: dict[str, t.Any]) -> list[bytes]:
        """The data of an answer, in pieces: a page is large, and copying it would be the greatest cost."""
        pieces = [b'{"%b":' % self.key.encode()]
        for place, (key, name, project) in enumerate(self.parts):
            pieces.append(b'%b"%b":' % (b"," if place else b"{", key.encode()))
            pieces += [b"[", *items, b"]"] if name in ("edges", "nodes") else [_json(project(info))]
        return [*pieces, b"}}"]


@dataclass(frozen=True, slots=True)
class PageList:
    """A list of which pages are asked for: its customers are those from one position to before another."""

    shape: PageShape
    listing: Listing[Customer]
    order: Positions
    span: tuple[int, int]
    size: int
    items: EncodedItems
    cost: QueryCost

    def page(self, variables: dict[str, t.Any]) -> tuple[list[bytes], int] | None:
        """The data of one page as pieces of JSON and its actual cost; null for what is no cursor of the list."""
        cursor = variables.get(self.shape.cursor or "")
        try:
            after = None if cursor is None else self.listing.order.key(cursor)
        except (GraphQLError, TypeError):
            return None
        first, stop = self.span
        begin = first if after is None else min(max(first, self.order.first(after, after=True)), stop)
        end = min(begin + self.size, stop)
        items, dearest = self.items.pieces(begin, end)
        info = {
            "hasNextPage": end < stop,
            "hasPreviousPage": after is not None and first < begin,
            "startCursor": self.listing.order.cursor(self.order.key_at(begin)) if begin < end else None,
            "endCursor": self.listing.order.cursor(self.order.key_at(end - 1)) if begin < end else None,
        }
        return self.shape.body(items, info), self.cost.of_page(dearest, end - begin)


def _list_key(identity: t.Hashable, shape: PageShape, variables: dict[str, t.Any]) -> t.Hashable:
    others = {name: value for name, value in variables.items() if name != shape.cursor}
    return identity, json.dumps(others, sort_keys=True)


class Fast:
    """Answers from encoded customers."""

    def __init__(self, store: Store, population: Population) -> None:
        """Begin with nothing encoded."""
        self._store = store
        self._items: dict[t.Any, EncodedItems] = {}
        self._shapes: dict[t.Any, PageShape | None] = {}
        self._lists: dict[t.Any, PageList] = {}
        begin, count = population.number(0), population.count

        def first_by_id(key: Key, *, after: bool) -> int:
            return min(max(int(key[1]) - begin + after, 0), count)

        by_updated = lru_cache(_KEPT)(population.first_position)
        self._orders = {
            "UPDATED_AT": Positions(count, population.key_at, by_updated),
            "ID": Positions(count, lambda position: (begin + position, begin + position), first_by_id),
        }

    def close(self) -> None:
        """Give back what is kept."""
        for items in self._items.values():
            items.close()

    def known(self, identity: t.Hashable, variables: dict[str, t.Any], context: Context) -> PageList | None:
        """The list of which a request asks for one page, if it was asked for before; only the cursor may differ."""
        shape = self._shapes.get(identity)
        if shape is None or not self._usable(context):
            return None
        return self._lists.get(_list_key(identity, shape, variables))

    def list(
        self,
        identity: t.Hashable,
        selections: Selections,
        operation: OperationDefinitionNode,
        variables: dict[str, t.Any],
        cost: QueryCost,
        context: Context,
    ) -> PageList | None:
        """The list of which a request asks for one page, or null when it is to be had the usual way only.

        `identity` tells documents apart.
        """
        if identity not in self._shapes:
            self._shapes[identity] = _page_shape(selections, operation)
        shape = self._shapes[identity]
        if shape is None or not self._usable(context):
            return None
        given = field_arguments(selections, selections.root(operation).fields["customers"], shape.node)
        arguments = page_arguments(given)
        query, sort_key = (given.get("query") or "").strip(), given.get("sortKey") or "ID"
        if arguments.first is None or arguments.last is not None or arguments.before or arguments.reverse:
            return None
        try:
            listing, size = customers(given, context, [shape.key]), arguments.size
        except GraphQLError:
            return None
        span = self._span(listing, sort_key)
        if span is None or "now" in query:
            # The usual way reads the search once more, and tells of it.
            context.warnings.clear()
            return None
        order = self._orders[sort_key]
        items = self._page_items((identity, sort_key, bool(query)), shape, listing, order, cost)
        made = PageList(shape, listing, order, span, size, items, cost)
        if shape.cursor is not None:
            self._lists[_list_key(identity, shape, variables)] = made
        return made

    def rows(self, document: BulkDocument, context: Context) -> Iterator[Rows] | None:
        """The rows of a bulk operation, or null when they are to be had the usual way only."""
        if document.name != "customers" or document.node.children or document.reverse or not self._usable(context):
            return None
        listing = document.listing(context)
        sort_key = document.arguments.get("sortKey") or "ID"
        span = self._span(listing, sort_key)
        if span is None:
            return None
        order = self._orders[sort_key]

        def encode(position: int) -> tuple[bytes, int]:
            return encoded(document.node.project(_source(listing, order, position))), 0

        items = self._kept((document.identity, context.version, sort_key), encode, b"")
        return (Rows(data, count, count) for data, count, _ in items.chunks(*span))

    def _usable(self, context: Context) -> bool:
        altered = context.denied_fields or context.denied_types or context.drop_filters or context.stuck_cursor
        return not (altered or context.lag or self._store.customers.changed)

    def _span(self, listing: Listing[Customer], sort_key: str) -> tuple[int, int] | None:
        """The positions of a list; null when they are not one stretch of a known order."""
        exact = listing.found.only_updated if sort_key == "UPDATED_AT" else listing.found.test is None
        return self._orders[sort_key].span(*listing.window) if exact and sort_key in self._orders else None

    def _page_items(
        self, identity: t.Hashable, shape: PageShape, listing: Listing[Customer], order: Positions, cost: QueryCost
    ) -> EncodedItems:
        name, project = shape.item()

        def encode(position: int) -> tuple[bytes, int]:
            source: t.Any = _source(listing, order, position)
            if name == "edges":
                source = {"cursor": listing.order.cursor(order.key_at(position)), "node": source}
            item = project(source)
            return _json(item), cost.of_item(item)

        return self._kept(identity, encode, b",")

    def _kept(self, identity: t.Hashable, encode: Callable[[int], tuple[bytes, int]], separator: bytes) -> EncodedItems:
        if identity not in self._items:
            self._items[identity] = EncodedItems(self._orders["ID"].count, encode, separator)
        return self._items[identity]


def _source(listing: Listing[Customer], order: Positions, position: int) -> dict[str, t.Any]:
    customer = listing.order.load(order.key_at(position)[1])
    if customer is None:
        message = f"no customer at position {position}"
        raise LookupError(message)
    return listing.source(customer)


def _json(value: t.Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def enter_variable(self, _node: VariableNode, *_: t.Any) -> None:
        self.found = True


def _uses_variables(nodes: t.Iterable[Node]) -> bool:
    visitor = _Variables()
    for node in nodes:
        visit(node, visitor)
    return visitor.found


def _page_shape(selections: Selections, operation: OperationDefinitionNode) -> PageShape | None:
    """The shape of a document; null when it asks for anything else, or for something that depends on variables."""
    root = selections.root(operation)
    top = selections.fields(root, [operation.selection_set])
    (key, nodes), *others = top.items()
    inner = below(nodes)
    fixed = not _uses_variables([*inner, *selections.fragments.values()])
    if others or nodes[0].name.value != "customers" or len(nodes) > 1 or not fixed:
        return None
    connection = t.cast("GraphQLObjectType", get_named_type(root.fields["customers"].type))
    fields = selections.fields(connection, inner)
    names = [found[0].name.value for found in fields.values()]
    if sum(name in ("edges", "nodes") for name in names) != 1 or not set(names) <= {"edges", "nodes", "pageInfo"}:
        return None
    parts = []
    for part, found in fields.items():
        name = found[0].name.value
        kind = get_named_type(connection.fields[name].type)
        parts.append((part, name, project_object(selections, kind, below(found))))
    rows = [found for found in fields.values() if found[0].name.value == "edges"]
    edge = t.cast("GraphQLObjectType", get_named_type(connection.fields["edges"].type))
    for found in rows:
        chosen = [inner[0].name.value for inner in selections.fields(edge, below(found)).values()]
        if chosen.count("node") != 1:
            return None
    return PageShape(key, nodes[0], tuple(parts))
