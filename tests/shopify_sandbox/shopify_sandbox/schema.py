"""The GraphQL schema of each supported version, built from `schema.graphql`."""

from __future__ import annotations

import typing as t
from functools import cache
from importlib import resources

from graphql import (
    REMOVE,
    DirectiveNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    StringValueNode,
    Visitor,
    VisitorAction,
    build_ast_schema,
    parse,
    visit,
)

from shopify_sandbox.bulk_resolvers import bulk_mutations
from shopify_sandbox.resolvers import ROOT_RESOLVERS
from shopify_sandbox.versions import OLDEST


def schema_text() -> str:
    """The text of the newest version's schema, with `@since` marks."""
    return resources.files("shopify_sandbox").joinpath("schema.graphql").read_text(encoding="utf-8")


def _since(node: ObjectTypeDefinitionNode | EnumTypeDefinitionNode | FieldDefinitionNode) -> str:
    for directive in node.directives or ():
        if directive.name.value == "since":
            return t.cast("StringValueNode", (directive.arguments or ())[0].value).value
    return OLDEST


class _UpTo(Visitor):
    """Removes what a version does not have yet, and the marks themselves."""

    def __init__(self, version: str) -> None:
        super().__init__()
        self._version = version

    def _enter(self, node: t.Any, *_: t.Any) -> VisitorAction:
        return REMOVE if _since(node) > self._version else None

    enter_object_type_definition = enter_enum_type_definition = enter_field_definition = _enter

    def enter_directive_definition(self, *_: t.Any) -> VisitorAction:
        return REMOVE

    def enter_directive(self, node: DirectiveNode, *_: t.Any) -> VisitorAction:
        return REMOVE if node.name.value == "since" else None


@cache
def build_schema(version: str) -> GraphQLSchema:
    """The schema of a supported version, with the root resolvers bound."""
    document = visit(parse(schema_text(), no_location=True), _UpTo(version))
    schema = build_ast_schema(document)
    root = t.cast("GraphQLObjectType", schema.query_type)
    mutations = t.cast("GraphQLObjectType", schema.mutation_type)
    for kind, resolvers in ((root, ROOT_RESOLVERS), (mutations, bulk_mutations(schema))):
        for name, resolver in resolvers.items():
            kind.fields[name].resolve = resolver
    return schema
