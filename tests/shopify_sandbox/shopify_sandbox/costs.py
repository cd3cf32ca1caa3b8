"""What a query costs, before and after it ran. Pure.

The rule was fitted to recorded answers; it gives the recorded figures for customers and abandoned checkouts:
a connection costs 2 and, for each item, its node (1) and what that holds, times floor(2 ln max(2, n)).
"""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass
from functools import cached_property

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
)

from shopify_sandbox.selections import Selections, below

_FREE = frozenset(
    {"MoneyV2", "MoneyBag", "MailingAddress", "CustomerEmailMarketingConsentState", "CustomerSmsMarketingConsentState"}
)
_CONNECTION = 2
_ROOT_COUNT = 10
_MUTATION = 10
_INTROSPECTION = 2


@dataclass(frozen=True, slots=True)
class Rows:
    """The items of a connection, selected by `edges{node}` or by `nodes`; each costs its node and what that holds."""

    path: tuple[str, ...]
    below: tuple[Charge, ...]

    @property
    def each(self) -> int:
        """The cost of one item before running."""
        return 1 + sum(charge.requested for charge in self.below)

    def actual(self, connection: dict[str, t.Any], size: int) -> int:
        """The cost of the items that came; the dearest one stands for all."""
        items = connection.get(self.path[0]) or []
        return self.page(max(map(self.item, items), default=0), len(items), size)

    def item(self, item: dict[str, t.Any]) -> int:
        """The cost of an item that came."""
        return 1 + _sum(self.below, item.get(self.path[1]) if len(self.path) > 1 else item)

    def page(self, dearest: int, count: int, size: int) -> int:
        """The cost of `count` items, of which `size` were asked for."""
        return dearest * min(factor(count), factor(size))


@dataclass(frozen=True, slots=True)
class Charge:
    """The cost of one selected field: its own, what lies below it, and for a connection its rows and page size."""

    key: str
    own: int = 0
    below: tuple[Charge, ...] = ()
    rows: tuple[Rows, ...] = ()
    size: int = 0

    @property
    def requested(self) -> int:
        """The cost before running, for full pages."""
        items = sum(rows.each for rows in self.rows) * factor(self.size)
        return self.own + items + sum(charge.requested for charge in self.below)

    def actual(self, value: t.Any) -> int:
        """The cost after running: objects and rows that are not there cost nothing."""
        if value is None:
            return 0
        if self.rows:
            return self.own + sum(rows.actual(value, self.size) for rows in self.rows)
        if isinstance(value, list):
            return self.own + max((_sum(self.below, item) for item in value), default=0)
        return self.own + _sum(self.below, value)


def _sum(charges: tuple[Charge, ...], value: t.Any) -> int:
    return sum(charge.actual(value.get(charge.key)) for charge in charges) if isinstance(value, dict) else 0


def factor(size: int) -> int:
    """By how much a page of `size` items multiplies the cost of one."""
    return math.floor(2 * math.log(max(2, size))) if size > 0 else 0


@dataclass(frozen=True)
class QueryCost:
    """The cost of an operation with its variables."""

    charges: tuple[Charge, ...]

    @cached_property
    def requested(self) -> int:
        """The points that must be in the bucket before running; at least 1."""
        return max(1, sum(charge.requested for charge in self.charges))

    def actual(self, data: dict[str, t.Any] | None) -> int:
        """The points that the answer was worth; at least 1, never more than requested."""
        return max(1, min(self.requested, _sum(self.charges, data)))

    def of_item(self, item: dict[str, t.Any]) -> int:
        """The cost of one item, for an operation that asks for a single list by a single way."""
        return self.charges[0].rows[0].item(item)

    def of_page(self, dearest: int, count: int) -> int:
        """As `actual`, for an operation that asks for a single list by a single way."""
        charge = self.charges[0]
        return max(1, min(self.requested, charge.own + charge.rows[0].page(dearest, count, charge.size)))


def query_cost(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, t.Any]
) -> QueryCost:
    """The cost of a valid operation; `variables` are the coerced ones."""
    selections = Selections.of(schema, document, variables)
    counter = _Counter(selections)
    if operation.operation is OperationType.MUTATION:
        return QueryCost(counter.mutation(selections.root(operation), operation.selection_set))
    return QueryCost(counter.charges(selections.root(operation), [operation.selection_set], root=True))


@dataclass(frozen=True, slots=True)
class _Counter:
    selections: Selections

    def mutation(self, owner: GraphQLObjectType, selection_set: SelectionSetNode) -> tuple[Charge, ...]:
        """What mutations cost: each with the object that it changed, and what lies below that."""
        charged = []
        for key, nodes in self.selections.fields(owner, [selection_set]).items():
            payload = t.cast("GraphQLObjectType", get_named_type(owner.fields[nodes[0].name.value].type))
            inner = []
            for inner_key, inner_nodes in self.selections.fields(payload, below(nodes)).items():
                kind = get_named_type(payload.fields[inner_nodes[0].name.value].type)
                if inner_nodes[0].name.value != "userErrors":
                    inner.append(Charge(inner_key, below=self.charges(kind, below(inner_nodes))))
            charged.append(Charge(key, own=_MUTATION, below=tuple(inner)))
        return tuple(charged)

    def charges(
        self, owner: t.Any, selection_sets: list[SelectionSetNode], *, root: bool = False
    ) -> tuple[Charge, ...]:
        """What a selection costs; for an interface the dearest of its types."""
        if isinstance(owner, GraphQLInterfaceType):
            options = [self.charges(kind, selection_sets) for kind in self.selections.schema.get_possible_types(owner)]
            return max(options, key=lambda charges: sum(charge.requested for charge in charges), default=())
        charged = []
        for key, nodes in self.selections.fields(owner, selection_sets).items():
            charge = self._charge(owner, key, nodes, root=root)
            if charge is not None and (charge.requested or charge.below):
                charged.append(charge)
        return tuple(charged)

    def _charge(self, owner: GraphQLObjectType, key: str, nodes: list[FieldNode], *, root: bool) -> Charge | None:
        name = nodes[0].name.value
        if name.startswith("__"):
            return Charge(key, own=_INTROSPECTION) if name in ("__type", "__schema") else None
        field = owner.fields[name]
        named = get_named_type(field.type)
        selected = below(nodes)
        if not selected:
            return None
        if named.name.endswith("Connection"):
            size = self.selections.argument(nodes[0], "first") or self.selections.argument(nodes[0], "last") or 0
            return Charge(key, own=_CONNECTION, rows=self._rows(named, selected), size=size)
        if root and name.endswith("Count"):
            return Charge(key, own=_ROOT_COUNT)
        return Charge(key, own=0 if named.name in _FREE else 1, below=self.charges(named, selected))

    def _rows(self, connection: t.Any, selection_sets: list[SelectionSetNode]) -> tuple[Rows, ...]:
        rows = []
        for key, nodes in self.selections.fields(connection, selection_sets).items():
            name = nodes[0].name.value
            if name == "nodes":
                rows.append(Rows((key,), self.charges(get_named_type(connection.fields["nodes"].type), below(nodes))))
            elif name == "edges":
                edge = t.cast("GraphQLObjectType", get_named_type(connection.fields["edges"].type))
                for node_key, node_nodes in self.selections.fields(edge, below(nodes)).items():
                    if node_nodes[0].name.value == "node":
                        item = get_named_type(edge.fields["node"].type)
                        rows.append(Rows((key, node_key), self.charges(item, below(node_nodes))))
        return tuple(rows)
