"""What is refused about a document, on a schema that nests deeper than the store's."""

import pytest
from graphql import build_schema

from shopify_sandbox.bulk_rules import refusals


def connection(name):
    return f"type {name}Connection {{ nodes: [{name}!]! edges: [{name}Edge!]! }} type {name}Edge {{ node: {name}! }}"


SCHEMA = build_schema(
    "type Query { shops: ShopConnection! }"
    "type Shop { id: ID! products: ProductConnection! tags: [Tag!]! owner: Shop }"
    "type Product { id: ID! variants: VariantConnection! }"
    "type Variant { id: ID! name: String }"
    "type Tag { id: ID! name: String shops: ShopConnection! }"
    + "".join(map(connection, ("Shop", "Product", "Variant")))
)
VARIANTS = "variants { edges { node { id } } }"


def shops(inner):
    return f"{{ shops {{ edges {{ node {{ id {inner} }} }} }} }}"


@pytest.mark.parametrize(
    ("query", "messages"),
    [
        (shops(""), []),
        (shops("tags { name }"), []),
        (shops("products { edges { node { id } } }"), []),
        (shops("owner { id products { edges { node { id } } } }"), []),
        (
            shops(f"products {{ edges {{ node {{ id {VARIANTS} }} }} }}"),
            ["Bulk queries cannot contain connections with a nesting depth greater than 2."],
        ),
        (
            shops("tags { id shops { edges { node { id } } } }"),
            ["Queries that contain a connection field within a list field are not currently supported."],
        ),
        (
            shops("products { edges { node { id } } nodes { id } }"),
            [
                "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: "
                "'products { edges { node {'. Selecting via 'nodes' is not supported. "
                "Invalid connection fields: 'products'."
            ],
        ),
        (
            "{ shops { edges { node { ...more } } } } fragment more on Shop { products { edges { node { id } } } }",
            [
                "The parent 'node' field for a nested connection must select the 'id' field without an alias and must "
                "be of 'ID' return type. Connection fields without 'id': shops."
            ],
        ),
    ],
)
def test_a_document_is_refused_for_what_it_nests(query, messages):
    assert refusals(SCHEMA, query) == messages
