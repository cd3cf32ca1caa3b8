"""The families of errors, their codes and words."""

import pytest


@pytest.mark.parametrize(
    ("query", "message", "path", "extensions"),
    [
        ("{ shop {", "syntax error, unexpected end of file at [1, 9]", None, {"code": "PARSE_ERROR"}),
        (
            "query Q { nonsense }",
            "Field 'nonsense' doesn't exist on type 'QueryRoot'",
            ["query Q", "nonsense"],
            {"code": "undefinedField", "typeName": "QueryRoot", "fieldName": "nonsense"},
        ),
        (
            "{ shop }",
            "Field must have selections (field 'shop' returns Shop but has no selections. "
            "Did you mean 'shop { ... }'?)",
            ["query", "shop"],
            {"code": "selectionMismatch", "nodeName": "field 'shop'", "typeName": "Shop"},
        ),
        (
            "{ node { id } }",
            "Field 'node' is missing required arguments: id",
            ["query", "node"],
            {"code": "missingRequiredArguments", "className": "Field", "name": "node", "arguments": "id"},
        ),
        (
            "{ shop(x: 1) { name } }",
            "Field 'shop' doesn't accept argument 'x'",
            ["query", "shop", "x"],
            {"code": "argumentNotAccepted", "name": "shop", "typeName": "Field", "argumentName": "x"},
        ),
        (
            '{ node(id: "not-a-gid") { id } }',
            "Invalid global id 'not-a-gid'",
            ["query", "node", "id"],
            {"code": "argumentLiteralsIncompatible", "typeName": "CoercionError"},
        ),
        (
            "query Q($x: Int) { shop { name } }",
            "Variable $x is declared by Q but not used",
            ["query Q"],
            {"code": "variableNotUsed", "variableName": "x"},
        ),
        (
            "{ shop { ... on Nothing { name } } }",
            "No such type Nothing, so it can't be a fragment condition",
            ["query", "shop", "... on Nothing"],
            {"code": "undefinedType", "typeName": "Nothing"},
        ),
        (
            "{ shop { name @nothing } }",
            "Directive @nothing is not defined",
            ["query", "shop", "name"],
            {"code": "undefinedDirective", "directiveName": "nothing"},
        ),
    ],
)
def test_static_errors_come_without_data_and_cost(town, query, message, path, extensions):
    answer = town.graphql(query)
    assert set(answer) == {"errors"}
    error = answer["errors"][0]
    assert (error["message"], error.get("path"), error["extensions"]) == (message, path, extensions)
    assert set(error["locations"][0]) == {"line", "column"}


def test_two_operations_need_a_name(town, post):
    text = "query A { shop { name } } query B { shop { id } }"
    assert town.graphql(text) == {"errors": [{"message": "An operation name is required"}]}
    assert post(town, text, operationName="B").json()["data"] == {"shop": {"id": "gid://shopify/Shop/60000000001"}}


@pytest.mark.parametrize(
    ("declared", "value", "explanation"),
    [
        ("Int!", None, "Expected value to not be null"),
        ("Int!", "two", 'Could not coerce value "two" to Int'),
        ("ID!", "nonsense", "Invalid global id 'nonsense'"),
        (
            "CustomerSortKeys",
            "AGE",
            'Expected "AGE" to be one of: CREATED_AT, ID, LOCATION, NAME, RELEVANCE, UPDATED_AT',
        ),
    ],
)
def test_variables_that_are_refused(town, declared, value, explanation):
    use = {
        "Int!": "customers(first: $x) { nodes { id } }",
        "ID!": "node(id: $x) { id }",
        "CustomerSortKeys": "customers(first: 1, sortKey: $x) { nodes { id } }",
    }[declared]
    answer = town.graphql(f"query Q($x: {declared}) {{ {use} }}", {"x": value})
    assert set(answer) == {"errors"}
    error = answer["errors"][0]
    assert error["message"] == f"Variable $x of type {declared} was provided invalid value"
    assert (error["extensions"]["code"], error["extensions"]["value"]) == ("INVALID_VARIABLE", value)
    assert error["extensions"]["problems"][0]["explanation"] == explanation


def test_unknown_ids_are_null_and_wrong_types_an_error(town):
    text = "{{ {} }}"
    assert town.graphql(text.format('customer(id: "gid://shopify/Customer/1") { id }'))["data"] == {"customer": None}
    answer = town.graphql(text.format('a: customer(id: "gid://shopify/Product/1") { id } shop { name }'))
    assert answer["data"] == {"a": None, "shop": {"name": "Sandbox"}}
    assert answer["errors"][0]["message"] == "Invalid id: gid://shopify/Product/1"
    assert answer["errors"][0]["path"] == ["a"]
    assert answer["errors"][0]["extensions"] == {"code": "RESOURCE_NOT_FOUND"}
    assert answer["extensions"]["cost"]["requestedQueryCost"] == 2


def test_without_the_scope_a_list_is_denied_and_data_is_null(start):
    sandbox = start(scopes=("read_products",))
    answer = sandbox.graphql("{ people: customers(first: 1) { nodes { id } } shop { name } }")
    required = "`read_customers` access scope."
    assert list(answer) == ["errors", "data", "extensions"]
    assert answer["data"] is None
    assert answer["errors"][0]["message"] == f"Access denied for customers field. Required access: {required}"
    assert answer["errors"][0]["path"] == ["people"]
    assert answer["errors"][0]["extensions"] == {
        "code": "ACCESS_DENIED",
        "documentation": "https://shopify.dev/api/usage/access-scopes",
        "requiredAccess": required,
    }
    denied = sandbox.graphql("{ abandonedCheckouts(first: 1) { nodes { id } } }")["errors"][0]
    assert denied["extensions"]["requiredAccess"].startswith("`read_orders` access scope. Also: The user must have")


def test_without_a_scope_only_the_nullable_field_is_denied(start):
    sandbox = start(scopes=("read_customers", "read_orders"), checkouts=3)
    answer = sandbox.graphql(
        "{ abandonedCheckouts(first: 1) { nodes { lineItems(first: 1) { nodes { title product { id } } } } } }"
    )
    line = answer["data"]["abandonedCheckouts"]["nodes"][0]["lineItems"]["nodes"][0]
    assert (line["product"], bool(line["title"])) == (None, True)
    assert answer["errors"][0]["path"] == ["abandonedCheckouts", "nodes", 0, "lineItems", "nodes", 0, "product"]
    scopes = sandbox.graphql("{ currentAppInstallation { accessScopes { handle } } }")["data"]
    assert scopes == {
        "currentAppInstallation": {"accessScopes": [{"handle": "read_customers"}, {"handle": "read_orders"}]}
    }


def test_old_orders_need_read_all_orders(start):
    query = '{ customer(id: "gid://shopify/Customer/%s") { numberOfOrders lastOrder { name } } }'
    for scopes, seen in ((("read_orders",), False), (("read_orders", "read_all_orders"), True)):
        sandbox = start(scopes=("read_customers", *scopes), customers=1)
        number = sandbox.control("POST", "customers", {})["id"]
        sandbox.control("POST", f"customers/{number}/orders", {"at": "2026-08-01T00:00:00Z"})
        customer = sandbox.graphql(query % number)["data"]["customer"]
        assert (customer["numberOfOrders"], customer["lastOrder"] is not None) == ("1", seen)
