"""What queries cost, and the bucket they are paid from."""

import pytest
from graphql import OperationDefinitionNode, parse

from shopify_sandbox.bucket import Bucket
from shopify_sandbox.costs import factor, query_cost
from shopify_sandbox.schema import build_schema


def requested(text, variables=None, version="2026-10"):
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return query_cost(build_schema(version), document, operation, variables or {}).requested


@pytest.mark.parametrize(
    ("name", "variables", "cost"),
    [
        ("customers_core", {"first": 50}, 37),
        ("customers_core", {"first": 100}, 47),
        ("customers_core", {"first": 250}, 57),
        ("customers_consent", {"first": 50}, 51),
        ("customers_consent", {"first": 100}, 65),
        ("customers_consent", {"first": 250}, 79),
        ("checkouts", {"first": 25, "lines": 10}, 140),
        ("checkouts", {"first": 50, "lines": 10}, 163),
        ("checkouts", {"first": 100, "lines": 10}, 209),
        ("checkouts", {"first": 250, "lines": 10}, 255),
        ("checkouts", {"first": 250, "lines": 25}, 343),
        ("checkout_lines", {"first": 250}, 47),
    ],
)
def test_documents_cost_the_recorded_figures(document, name, variables, cost):
    assert requested(document(name), variables) == cost


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("{ __typename }", 1),
        ("{ shop { name } }", 1),
        ("{ a: customersCount { count } b: customersCount { count } c: customersCount { count } }", 30),
        ("{ customers(first: 0) { nodes { id } } }", 2),
        ("{ customers(first: 1) { nodes { id } } }", 3),
        ("{ customers(last: 3) { edges { node { id } } } }", 4),
        ("{ customers(first: 3) { nodes { id } edges { node { id } } pageInfo { hasNextPage } } }", 6),
        ("{ customers(first: 2) { pageInfo { hasNextPage } } }", 2),
        ("{ customers(first: 1) { nodes { defaultAddress { city } amountSpent { amount } } } }", 3),
        ("{ customers(first: 1) { nodes { ...x } } } fragment x on Customer { statistics { rfmGroup } }", 4),
        ("{ customers(first: 1) { nodes { statistics @skip(if: true) { rfmGroup } } } }", 3),
        ('{ node(id: "gid://shopify/Shop/1") { ... on Shop { plan { shopifyPlus } } ... on Customer { id } } }', 2),
        ('{ __type(name: "Shop") { name } }', 2),
    ],
)
def test_rules_of_the_arithmetic(text, cost):
    assert requested(text) == cost


def test_factors_of_page_sizes():
    sizes = (0, 1, 2, 3, 10, 25, 50, 100, 250)
    assert [factor(size) for size in sizes] == [0, 1, 1, 2, 4, 6, 7, 9, 11]


def test_actual_cost_follows_what_came(town, document):
    def costs(text, **variables):
        cost = town.graphql(text, variables)["extensions"]["cost"]
        return cost["requestedQueryCost"], cost["actualQueryCost"]

    core = document("customers_core")
    assert costs(core, first=250) == (57, 57)
    assert costs(core, first=250, query="id:1") == (57, 2)
    wanted, actual = costs(core, first=250, query="id:7000000000000")
    assert (wanted, 2 < actual < 10) == (57, True)
    assert costs('{ customer(id: "gid://shopify/Customer/1") { id defaultEmailAddress { emailAddress } } }') == (2, 1)


def test_a_bucket_leaks_in_and_never_over():
    now = [0.0]
    bucket = Bucket(2_000, 100, lambda: now[0])
    assert bucket.take(1_500)
    assert not bucket.take(600)
    assert bucket.status() == {"maximumAvailable": 2_000, "currentlyAvailable": 500, "restoreRate": 100}
    now[0] = 0.5
    assert bucket.status()["currentlyAvailable"] == 550
    now[0] = 1.0
    assert bucket.take(600)
    bucket.give_back(250)
    assert bucket.status()["currentlyAvailable"] == 250
    now[0] = 1_000.0
    assert bucket.status()["currentlyAvailable"] == 2_000


def test_an_empty_bucket_throttles_with_status_200(start, post, document):
    sandbox = start(customers=300, bucket=100, restore_rate=1)
    text = document("customers_core")
    assert "errors" not in post(sandbox, text, variables={"first": 250}).json()
    refused = post(sandbox, text, variables={"first": 250})
    body = refused.json()
    assert refused.status_code == 200
    assert set(body) == {"errors", "extensions"}
    assert (body["errors"][0]["message"], body["errors"][0]["extensions"]["code"]) == ("Throttled", "THROTTLED")
    cost = body["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (57, None)
    assert cost["throttleStatus"]["currentlyAvailable"] < 57


def test_a_query_of_more_than_1000_points_never_runs(town, post, document):
    text = (
        "query($n: Int!) { abandonedCheckouts(first: $n) { nodes { lineItems(first: 250) { nodes { a: product { id } "
    )
    text += " ".join(f"v{place}: variant {{ id }}" for place in range(9)) + " } } } } }"
    body = post(town, text, variables={"n": 250}).json()
    cost = requested(text, {"n": 250})
    assert cost > 1_000
    extensions = body["errors"][0]["extensions"]
    assert (extensions["code"], extensions["cost"], extensions["maxCost"]) == ("MAX_COST_EXCEEDED", cost, 1_000)
    assert body["errors"][0]["message"].startswith(
        f"Query cost is {cost}, which exceeds the single query max cost limit"
    )
    assert set(body) == {"errors"}
