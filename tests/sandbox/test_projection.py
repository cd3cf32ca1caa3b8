"""Answers without the executor are those of the executor, for documents made by chance."""

import json
import random
from typing import Any

import pytest
from graphql import (
    GraphQLInterfaceType,
    OperationDefinitionNode,
    execute_sync,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    parse,
)

from shopify_sandbox.projection import project_root
from shopify_sandbox.schema import build_schema
from shopify_sandbox.selections import Selections
from shopify_sandbox.server import Options, build_shop
from shopify_sandbox.validation import static_errors

ARGUMENTS = {"metafield": '(namespace: "loyalty", key: "points")', "addresses": "(first: 1)"}
ROOTS = (
    "customers(first: 5, sortKey: UPDATED_AT)",
    'customers(last: 4, query: "email:*")',
    "abandonedCheckouts(first: 3, reverse: true)",
    'customer(id: "gid://shopify/Customer/7000000000007")',
    'node(id: "gid://shopify/AbandonedCheckout/30000000000001")',
    'customer(id: "gid://shopify/Customer/1")',
    "shop",
    "customersCount(limit: 3)",
    "publicApiVersions",
)


@pytest.fixture(scope="module")
def shop():
    """A shop that changes only by being asked."""
    return build_shop(Options(customers=300, checkouts=120, scopes=("read_customers", "read_orders", "read_products")))


def root_type(schema):
    assert schema.query_type is not None
    return schema.query_type


def selection(chance, kind, depth):
    """Some fields of a type, with aliases, fragments and directives."""
    if isinstance(kind, GraphQLInterfaceType):
        return "{ __typename id ... on AbandonedCheckout { name customer { id } } ... on Customer { email } }"
    parts = ["__typename"] if chance.random() < 0.2 else []
    for name, field in kind.fields.items():
        named = get_named_type(field.type)
        wanted = chance.random() < (0.5 if is_leaf_type(named) else 0.7)
        if not wanted or (not is_leaf_type(named) and depth == 0):
            continue
        alias = f"{name}{chance.randint(1, 9)}: " if chance.random() < 0.1 else ""
        size = f"(first: {chance.randint(1, 4)})" if named.name.endswith("Connection") else ""
        directive = f" @include(if: {chance.choice(('true', 'false'))})" if chance.random() < 0.05 else ""
        inner = "" if is_leaf_type(named) else selection(chance, named, depth - 1)
        parts.append(f"{alias}{name}{ARGUMENTS.get(name, size)}{directive} {inner}")
    text = " ".join(parts) or "__typename"
    return f"{{ ... on {kind.name} {{ {text} }} }}" if chance.random() < 0.1 else f"{{ {text} }}"


def test_a_document_made_by_chance_has_the_same_answer(shop):
    chance = random.Random(7)
    fields = nodes = 0
    for turn in range(60):
        version = chance.choice(("2026-01", "2026-10"))
        schema = build_schema(version)
        root = chance.choice(ROOTS)
        kind = get_named_type(root_type(schema).fields[root.partition("(")[0]].type)
        text = f"{{ {root} {selection(chance, kind, 4)} }}"
        document = parse(text)
        assert static_errors(schema, document) == [], (turn, text)
        selections = Selections.of(schema, document, {})
        context = shop.context(version)
        (operation,) = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        data = project_root(selections, root_type(schema), operation.selection_set)(context)
        executed = execute_sync(schema, document, context_value=shop.context(version))
        assert executed.errors is None, (turn, text)
        assert json.dumps(data) == json.dumps(executed.data), (turn, text)
        fields += text.count(" ")
        nodes += json.dumps(data).count("gid://")
    assert min(fields, nodes) > 200


def test_no_field_that_must_have_a_value_lacks_it(shop):
    """The executor would refuse such an answer; without it this test does."""

    def complete(kind, value, path):
        if is_non_null_type(kind):
            assert value is not None, path
            return complete(kind.of_type, value, path)
        if value is None:
            return None
        if is_list_type(kind):
            return [complete(kind.of_type, item, path) for item in value]
        return None

    schema = build_schema("2026-10")
    for root in ("customers", "abandonedCheckouts"):
        connection: Any = get_named_type(root_type(schema).fields[root].type)
        item = get_named_type(connection.fields["nodes"].type)
        leaves = {n: f for n, f in item.fields.items() if not f.args and is_leaf_type(get_named_type(f.type))}
        text = f"{{ {root}(first: 120) {{ nodes {{ {' '.join(leaves)} }} }} }}"
        answer = shop.engine.answer(text, {}, None, shop.context(), {}).body
        for node in answer["data"][root]["nodes"]:
            for name, field in leaves.items():
                complete(field.type, node[name], (root, name))
