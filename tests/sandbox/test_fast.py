"""The fast mode answers with the same bytes; and a store of a million customers starts as quickly as an empty one."""

import json

import pytest

from shopify_sandbox.clock import parse_time
from shopify_sandbox.collection import View
from shopify_sandbox.population import Population
from shopify_sandbox.server import Options, build_shop
from tests.sandbox.bulk_client import Bulk, fetch
from tests.sandbox.conftest import NOW, served

WINDOW = "updated_at:>='2026-03-01T00:00:00Z' AND updated_at:<'2026-10-01T00:00:00Z'"
SHORT = """query Short($first: Int, $after: String, $query: String, $sort: CustomerSortKeys) {
  list: customers(first: $first, after: $after, query: $query, sortKey: $sort) { %s }
}"""
EDGES = SHORT % "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { node { id email } cursor }"
NODES = (
    SHORT % "nodes { id lastOrder { name } metafields(first: 2) { nodes { key } } } pageInfo { hasNextPage endCursor }"
)


@pytest.fixture(scope="module")
def pair():
    """The same store twice: as always, and in fast mode."""
    with served(customers=1_000) as usual, served(customers=1_000, fast=True) as fast:
        yield usual, fast


@pytest.fixture
def calls(monkeypatch):
    """The arguments with which the population computed customers and sort keys, as they come."""
    seen: dict[str, list[int]] = {"record": [], "key_at": []}

    def count(name):
        original = getattr(Population, name)

        def counted(self, place):
            seen[name].append(place)
            return original(self, place)

        monkeypatch.setattr(Population, name, counted)

    for name in seen:
        count(name)
    return seen


def walk(sandbox, post, text, version="2026-10", **variables):
    """The data of all pages as text, and the cost of each."""
    after, seen = None, []
    while True:
        answer = post(sandbox, text, version, variables={"first": 250, **variables, "after": after})
        body = answer.json()
        cost = body["extensions"]["cost"]
        seen.append((answer.text.partition(',"extensions":')[0], cost["requestedQueryCost"], cost["actualQueryCost"]))
        info = next(iter(body["data"].values()))["pageInfo"]
        if not info["hasNextPage"]:
            return seen
        after = info["endCursor"]


@pytest.mark.parametrize("name", ["customers_core", "customers_consent"])
def test_pages_have_the_same_bytes_and_costs(pair, post, document, name):
    usual, fast = (walk(sandbox, post, document(name), query=WINDOW) for sandbox in pair)
    assert fast == usual
    assert len(usual) == 3


@pytest.mark.parametrize("text", [EDGES, NODES])
@pytest.mark.parametrize(
    "variables",
    [
        {"sort": "UPDATED_AT", "query": None},
        {"sort": "UPDATED_AT", "query": WINDOW, "first": 249},
        {"sort": "ID", "query": None, "first": 201},
        {"sort": "UPDATED_AT", "query": "updated_at:>'2031-01-01T00:00:00Z'"},
        {"sort": "UPDATED_AT", "query": f"{WINDOW} state:ENABLED"},
        {"sort": "NAME", "query": None},
    ],
)
def test_lists_of_any_order_and_filter_have_the_same_bytes(pair, post, text, variables):
    usual, fast = (walk(sandbox, post, text, **variables) for sandbox in pair)
    assert fast == usual


@pytest.mark.parametrize("version", ["2026-01", "2026-10"])
@pytest.mark.parametrize("order", ["sortKey: UPDATED_AT", f'sortKey: UPDATED_AT, query: "{WINDOW}"', "sortKey: ID"])
def test_bulk_results_have_the_same_bytes(pair, version, order):
    query = f"{{ customers({order}) {{ edges {{ node {{ id updatedAt tags defaultAddress {{ id city }} }} }} }} }}"
    operations = [Bulk(sandbox).completed(query, version) for sandbox in pair]
    assert fetch(operations[0]["url"]).content == fetch(operations[1]["url"]).content
    told = [[one[name] for name in ("objectCount", "rootObjectCount", "fileSize")] for one in operations]
    assert told[0] == told[1]


def test_a_repeated_walk_computes_no_customer_again(post, calls):
    computed = calls["record"]
    with served(customers=500, checkouts=0, fast=True) as sandbox:
        first = walk(sandbox, post, EDGES, sort="UPDATED_AT")
        assert sorted(computed) == list(range(500))
        assert walk(sandbox, post, EDGES, sort="UPDATED_AT") == first
        assert len(computed) == 500


def test_a_changed_store_answers_with_what_it_holds(post):
    with served(customers=100, fast=True) as sandbox:
        before = walk(sandbox, post, EDGES, sort="ID")
        sandbox.control("PATCH", "customers/7000000000003", {"email": "new@example.com"})
        after = walk(sandbox, post, EDGES, sort="ID")
    assert before != after
    assert "new@example.com" in after[0][0]


def test_faults_and_refusals_are_as_without_it(pair, post):
    for sandbox in pair:
        sandbox.control("POST", "faults", {"kind": "protected_field", "field": "email"})
    usual, fast = (post(sandbox, EDGES, variables={"first": 3}).json() for sandbox in pair)
    assert (fast["data"], fast["errors"]) == (usual["data"], usual["errors"])
    usual, fast = (post(sandbox, EDGES, variables={"first": 251}).json() for sandbox in pair)
    assert (fast["errors"], fast["data"]) == (usual["errors"], usual["data"])


def test_a_million_customers_start_and_answer_with_the_work_of_a_page(calls):
    computed, keyed = calls["record"], calls["key_at"]
    shop = build_shop(Options(customers=1_000_000, checkouts=0, now=parse_time(NOW), bucket=10_000))
    assert (computed, keyed) == ([], [])

    def ask(text, **variables):
        return shop.engine.answer(text, variables, None, shop.context(), {}).body["data"]

    for variables in ({"sort": "UPDATED_AT", "query": WINDOW}, {"sort": "ID"}):
        page = ask(EDGES, first=100, **variables)["list"]
        computed.clear()
        keyed.clear()
        assert len(ask(EDGES, first=100, after=page["pageInfo"]["endCursor"], **variables)["list"]["edges"]) == 100
        assert len(computed) <= 103
        assert len(keyed) <= 103 + 8 * 20
    count = "query($q: String) { customersCount(query: $q, limit: null) { count } }"
    assert ask(count, q="updated_at:>='2026-10-31T00:00:00Z'")["customersCount"]["count"] == 4_090
    assert len(computed) <= 103


def test_counts_by_time_follow_every_change(sandbox):
    count = "query($q: String) { customersCount(query: $q, limit: null) { count } }"
    search = "updated_at:>='2026-06-01T00:00:00Z' AND updated_at:<'2026-11-02T00:00:00Z'"

    def counted():
        by_count = sandbox.graphql(count, {"q": search})["data"]["customersCount"]["count"]
        nodes = sandbox.graphql(NODES, {"first": 250, "query": search})["data"]["list"]["nodes"]
        assert by_count == len(nodes)
        return by_count

    numbers = [customer["id"] for customer in sandbox.control("GET", "customers?limit=60")["customers"]]
    seen = [counted()]
    for number in numbers[:9]:
        sandbox.control("PATCH", f"customers/{number}", {"note": "x"})
    seen.append(counted())
    sandbox.control("POST", "customers/merge", {"keep": numbers[0], "drop": numbers[1]})
    made = sandbox.control("POST", "customers", {})["id"]
    seen.append(counted())
    sandbox.control("DELETE", f"customers/{made}")
    sandbox.control("PATCH", f"customers/{numbers[2]}", {"updated_at": "2020-01-01T00:00:00Z"})
    seen.append(counted())
    assert len(set(seen)) > 1


def test_an_order_of_encoded_customers_is_that_of_the_list():
    """The two ways to a position agree, so that a page begins where the cursor says."""
    population = Population(7, 1_000, parse_time(NOW))
    view = View(population, {})
    keys = list(view.by_updated(descending=False, low=None, high=None))
    assert [population.first_position(key, after=False) for key in keys] == list(range(1_000))
    assert json.dumps(keys) == json.dumps([population.key_at(place) for place in range(1_000)])
