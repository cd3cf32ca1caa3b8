"""What a query costs, before and after it ran. Pure.

The rule was fitted to recorded answers; it gives the recorded figures for customers and abandoned checkouts:
a connection costs 2 and, for each item, its node (1) and what that holds, times floor(2 ln max(2, n)).
"""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

_FREE = frozenset(
    {"MoneyV2", "MoneyBag", "MailingAddress", "CustomerEmailMarketingConsentState", "CustomerSmsMarketingConsentState"}
)
_CONNECTION = 2
_ROOT_COUNT = 10
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
        nodes = [item.get(self.path[1]) for item in items] if len(self.path) > 1 else items
        each = max((1 + _sum(self.below, node) for node in nodes), default=0)
        return each * min(factor(len(nodes)), factor(size))


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


@dataclass(frozen=True, slots=True)
class QueryCost:
    """The cost of an operation with its variables."""

    charges: tuple[Charge, ...]

    @property
    def requested(self) -> int:
        """The points that must be in the bucket before running; at least 1."""
        return max(1, sum(charge.requested for charge in self.charges))

    def actual(self, data: dict[str, t.Any] | None) -> int:
        """The points that the answer was worth; at least 1, never more than requested."""
        return max(1, min(self.requested, _sum(self.charges, data)))


def query_cost(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, t.Any]
) -> QueryCost:
    """The cost of a valid operation; `variables` are the coerced ones."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    counter = _Counter(schema, fragments, variables)
    root = t.cast("GraphQLObjectType", schema.query_type)
    return QueryCost(counter.charges(root, [operation.selection_set], root=True))


@dataclass(frozen=True, slots=True)
class _Counter:
    schema: GraphQLSchema
    fragments: dict[str, FragmentDefinitionNode]
    variables: dict[str, t.Any]

    def _fields(
        self, owner: GraphQLObjectType, selection_sets: list[SelectionSetNode], found: dict[str, list[FieldNode]]
    ) -> dict[str, list[FieldNode]]:
        """The selected fields of a type by response key, through fragments, as execution would collect them."""
        for selection in (s for selection_set in selection_sets for s in selection_set.selections):
            if not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                found.setdefault(key, []).append(selection)
                continue
            fragment = self.fragments[selection.name.value] if isinstance(selection, FragmentSpreadNode) else selection
            fragment = t.cast("FragmentDefinitionNode | InlineFragmentNode", fragment)
            condition = fragment.type_condition.name.value if fragment.type_condition else owner.name
            if condition == owner.name or condition in (interface.name for interface in owner.interfaces):
                self._fields(owner, [fragment.selection_set], found)
        return found

    def _argument(self, node: FieldNode | DirectiveNode, name: str) -> t.Any:
        """The value of a number or boolean argument, null when it is not given."""
        for argument in node.arguments or ():
            if argument.name.value == name:
                value = argument.value
                if isinstance(value, VariableNode):
                    return self.variables.get(value.name.value)
                return int(value.value) if isinstance(value, IntValueNode) else getattr(value, "value", None)
        return None

    def _included(self, selection: SelectionNode) -> bool:
        for directive in selection.directives or ():
            name, condition = directive.name.value, self._argument(directive, "if")
            if (name == "skip" and condition) or (name == "include" and not condition):
                return False
        return True

    def charges(
        self, owner: t.Any, selection_sets: list[SelectionSetNode], *, root: bool = False
    ) -> tuple[Charge, ...]:
        """What a selection costs; for an interface the dearest of its types."""
        if isinstance(owner, GraphQLInterfaceType):
            options = [self.charges(kind, selection_sets) for kind in self.schema.get_possible_types(owner)]
            return max(options, key=lambda charges: sum(charge.requested for charge in charges), default=())
        charged = []
        for key, nodes in self._fields(owner, selection_sets, {}).items():
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
        selections = [node.selection_set for node in nodes if node.selection_set is not None]
        if not selections:
            return None
        if named.name.endswith("Connection"):
            size = self._argument(nodes[0], "first") or self._argument(nodes[0], "last") or 0
            return Charge(key, own=_CONNECTION, rows=self._rows(named, selections), size=size)
        if root and name.endswith("Count"):
            return Charge(key, own=_ROOT_COUNT)
        return Charge(key, own=0 if named.name in _FREE else 1, below=self.charges(named, selections))

    def _rows(self, connection: t.Any, selections: list[SelectionSetNode]) -> tuple[Rows, ...]:
        rows = []
        for key, nodes in self._fields(connection, selections, {}).items():
            name = nodes[0].name.value
            inner = [node.selection_set for node in nodes if node.selection_set is not None]
            if name == "nodes":
                rows.append(Rows((key,), self.charges(get_named_type(connection.fields["nodes"].type), inner)))
            elif name == "edges":
                edge = t.cast("GraphQLObjectType", get_named_type(connection.fields["edges"].type))
                for node_key, node_nodes in self._fields(edge, inner, {}).items():
                    if node_nodes[0].name.value == "node":
                        below = [node.selection_set for node in node_nodes if node.selection_set is not None]
                        item = get_named_type(edge.fields["node"].type)
                        rows.append(Rows((key, node_key), self.charges(item, below)))
        return tuple(rows)
