"""Which fields a selection selects, through fragments and directives, as execution would collect them. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)


@dataclass(frozen=True, slots=True)
class Selections:
    """The selections of one operation; `variables` are the coerced ones."""

    schema: GraphQLSchema
    fragments: dict[str, FragmentDefinitionNode]
    variables: dict[str, t.Any]

    @classmethod
    def of(cls, schema: GraphQLSchema, document: DocumentNode, variables: dict[str, t.Any]) -> Selections:
        """The selections of a valid document's operation."""
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        return cls(schema, fragments, variables)

    def root(self, operation: OperationDefinitionNode) -> GraphQLObjectType:
        """The root type of an operation."""
        return t.cast("GraphQLObjectType", self.schema.get_root_type(operation.operation))

    def fields(
        self, owner: GraphQLObjectType, selection_sets: t.Iterable[SelectionSetNode]
    ) -> dict[str, list[FieldNode]]:
        """The selected fields of a type by response key, in the order of the answer."""
        found: dict[str, list[FieldNode]] = {}
        self._collect(owner, selection_sets, found)
        return found

    def _collect(
        self, owner: GraphQLObjectType, selection_sets: t.Iterable[SelectionSetNode], found: dict[str, list[FieldNode]]
    ) -> None:
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
                self._collect(owner, [fragment.selection_set], found)

    def argument(self, node: FieldNode | DirectiveNode, name: str) -> t.Any:
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
            name, condition = directive.name.value, self.argument(directive, "if")
            if (name == "skip" and condition) or (name == "include" and not condition):
                return False
        return True


def below(nodes: t.Iterable[FieldNode]) -> list[SelectionSetNode]:
    """What is selected below a field."""
    return [node.selection_set for node in nodes if node.selection_set is not None]
