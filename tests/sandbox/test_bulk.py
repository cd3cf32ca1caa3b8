"""Bulk operations: how they begin, go on and end, and what their lines say."""

from collections import Counter

import pytest

from shopify_sandbox.process import ControlError
from tests.sandbox.bulk_client import CARTS, CUSTOMERS, Bulk, fetch, rows

PAGE = "query Page($query: String) { customers(first: 250, query: $query, sortKey: UPDATED_AT) { nodes { id email } } }"


@pytest.fixture
def bulk(sandbox):
    return Bulk(sandbox)


@pytest.fixture
def town_bulk(town):
    return Bulk(town)


def set_clock(sandbox, moment):
    sandbox.control("POST", "clock", {"set": moment})


def test_a_fresh_operation_has_done_nothing_yet(bulk):
    query = f"# a comment\n{CUSTOMERS}"
    made = bulk.submit(query)["bulkOperation"]
    assert made == {
        "id": "gid://shopify/BulkOperation/5800000000001",
        "status": "CREATED",
        "objectCount": "0",
        "rootObjectCount": "0",
        "fileSize": None,
        "url": None,
        "partialDataUrl": None,
        "errorCode": None,
        "completedAt": None,
        "query": query,
    }


def test_a_completed_operation_tells_its_size_and_counts(town_bulk):
    operation = town_bulk.completed(CARTS)
    content = fetch(operation["url"]).content
    lines = rows(operation["url"])
    assert (operation["type"], operation["errorCode"], operation["partialDataUrl"]) == ("QUERY", None, None)
    assert operation["fileSize"] == str(len(content))
    assert content.endswith(b"}\n")
    assert operation["objectCount"] == str(len(lines))
    assert operation["rootObjectCount"] == str(sum("__parentId" not in line for line in lines)) == "250"


def test_lines_are_compact_with_escaped_slashes_in_the_order_of_the_document(bulk):
    bulk.sandbox.control("PATCH", "customers/7000000000000", {"email": "a/b@example.com", "first_name": "Zoë"})
    query = '{ customers(query: "id:7000000000000") { edges { node { n: firstName id email } } } }'
    content = fetch(bulk.completed(query)["url"]).content.decode()
    assert content == '{"n":"Zoë","id":"gid:\\/\\/shopify\\/Customer\\/7000000000000","email":"a\\/b@example.com"}\n'


def test_grouped_children_follow_their_parent_and_name_it_last(town_bulk):
    lines = rows(town_bulk.completed(CARTS, grouped=True)["url"])
    parent = None
    for line in lines:
        if "__parentId" in line:
            assert (list(line), line["__parentId"]) == (["id", "title", "__parentId"], parent)
        else:
            parent = line["id"]
    assert sum("__parentId" in line for line in lines) > 1_000


def test_ungrouped_children_are_the_same_and_far_from_their_parents(town_bulk):
    grouped, ungrouped = (rows(town_bulk.completed(CARTS, grouped=grouped)["url"]) for grouped in (True, False))
    assert ungrouped != grouped
    assert sorted(map(str, ungrouped)) == sorted(map(str, grouped))
    assert ["__parentId" in line for line in ungrouped] == [False] * 250 + [True] * (len(ungrouped) - 250)


def test_connections_of_nested_objects_name_the_nearest_parent(bulk):
    inner = "customer { id metafields { edges { node { key value } } } }"
    query = f"{{ abandonedCheckouts {{ edges {{ node {{ id {inner} }} }} }} }}"
    customer = bulk.sandbox.control("POST", "customers", {"metafields": [["a", "b", "1"], ["a", "c", "2"]]})["id"]
    bulk.sandbox.control("POST", "checkouts", {"customer_id": customer})
    children = [line for line in rows(bulk.completed(query, grouped=True)["url"]) if "__parentId" in line]
    parent = f"gid://shopify/Customer/{customer}"
    assert [line for line in children if line["__parentId"] == parent] == [
        {"key": "b", "value": "1", "__parentId": parent},
        {"key": "c", "value": "2", "__parentId": parent},
    ]


def test_a_cart_of_more_lines_than_a_page_holds_comes_whole(town_bulk):
    lines = rows(town_bulk.completed(CARTS)["url"])
    counts = Counter(line.get("__parentId") for line in lines)
    assert {260, 510} <= set(counts.values())


@pytest.mark.parametrize("version", ["2026-01", "2026-04", "2026-07", "2026-10"])
def test_a_filter_and_an_order_mean_what_they_mean_for_pages(town, town_bulk, version):
    search = "updated_at:>='2026-07-01T00:00:00Z' AND updated_at:<'2026-09-01T00:00:00Z'"
    query = f'{{ customers(first: 3, query: "{search}", sortKey: UPDATED_AT) {{ edges {{ node {{ id email }} }} }} }}'
    nodes = town.graphql(PAGE, {"query": search}, version)["data"]["customers"]["nodes"]
    assert rows(town_bulk.completed(query, version)["url"]) == nodes
    assert len(nodes) > 50


def test_no_row_means_no_result(bulk):
    operation = bulk.completed('{ customers(query: "id:1") { edges { node { id } } } }')
    assert [operation[name] for name in ("url", "fileSize", "objectCount", "rootObjectCount")] == [None, "0", "0", "0"]


def test_rows_are_read_when_the_operation_ends(bulk):
    bulk.plan(running_polls=1)
    gid = bulk.begin('{ customers(query: "id:7000000000000") { edges { node { email } } } }')
    assert bulk.poll(gid)["status"] == "RUNNING"
    bulk.sandbox.control("PATCH", "customers/7000000000000", {"email": "late@example.com"})
    assert rows(bulk.poll(gid)["url"]) == [{"email": "late@example.com"}]


def test_a_lagging_index_hides_changes_from_filtered_operations_only(bulk):
    bulk.sandbox.control("POST", "faults", {"kind": "search_lag", "seconds": 600})
    number = bulk.sandbox.control("POST", "customers", {})["id"]
    filtered = '{ customers(query: "id:>0") { edges { node { id } } } }'
    assert bulk.completed(filtered)["objectCount"] == "60"
    assert bulk.completed("{ customers { edges { node { id } } } }")["objectCount"] == "61"
    assert f"gid://shopify/Customer/{number}" in str(rows(bulk.completed()["url"]))


def test_an_operation_goes_on_when_it_is_looked_at(bulk):
    bulk.plan(created_polls=2, running_polls=3, counts=[0, 0, 40])
    gid = bulk.begin()
    seen = [bulk.poll(gid) for _ in range(6)]
    assert [(one["status"], one["objectCount"]) for one in seen] == [
        ("CREATED", "0"), ("CREATED", "0"), ("RUNNING", "0"), ("RUNNING", "0"), ("RUNNING", "40"), ("COMPLETED", "60"),
    ]  # fmt: skip
    assert [one["fileSize"] is None for one in seen] == [True] * 5 + [False]


def test_an_operation_can_last_until_the_clock_has_moved(bulk):
    bulk.plan(running_seconds=3_600)
    gid = bulk.begin()
    assert bulk.statuses(gid, 3) == ["RUNNING"] * 3
    bulk.sandbox.control("POST", "clock", {"advance_seconds": 3_601})
    assert bulk.poll(gid)["status"] == "COMPLETED"


def test_a_plan_holds_for_as_many_operations_as_it_says(bulk):
    bulk.plan(ends="EXPIRED", times=2)
    bulk.plan(ends="CANCELED")
    ends = [bulk.poll(bulk.begin())["status"] for _ in range(4)]
    assert ends == ["EXPIRED", "EXPIRED", "CANCELED", "COMPLETED"]
    bulk.plan(ends="RUNNING", times=None)
    assert [bulk.statuses(bulk.begin(), 4)[-1] for _ in range(3)] == ["RUNNING"] * 3
    bulk.sandbox.control("DELETE", "bulk/plans")
    assert bulk.completed()["objectCount"] == "60"


@pytest.mark.parametrize("code", ["TIMEOUT", "INTERNAL_SERVER_ERROR", "ACCESS_DENIED"])
def test_a_failed_operation_may_leave_partial_data(bulk, code):
    bulk.plan(ends="FAILED", error_code=code, partial_rows=7)
    operation = bulk.poll(bulk.begin())
    assert [operation[name] for name in ("status", "errorCode", "url", "fileSize")] == ["FAILED", code, None, None]
    assert (operation["objectCount"], len(rows(operation["partialDataUrl"]))) == ("7", 7)
    assert operation["completedAt"] is not None


def test_a_failure_can_depend_on_the_number_of_rows(bulk):
    bulk.plan(ends="FAILED", error_code="TIMEOUT", above_rows=20, times=None)
    small = bulk.poll(bulk.begin('{ customers(query: "id:<7000000000020") { edges { node { id } } } }'))
    large = bulk.poll(bulk.begin())
    assert [(one["status"], one["errorCode"]) for one in (small, large)] == [("COMPLETED", None), ("FAILED", "TIMEOUT")]


def test_an_operation_is_canceled_after_a_while(bulk):
    bulk.plan(running_polls=9, counts=[5], canceling_polls=1)
    gid = bulk.begin()
    bulk.poll(gid)
    assert bulk.cancel(gid) == {"bulkOperation": {"id": gid, "status": "CANCELING"}, "userErrors": []}
    assert bulk.cancel(gid)["userErrors"] == []
    assert bulk.poll(gid)["status"] == "CANCELING"
    ended = bulk.poll(gid)
    assert [ended[name] for name in ("status", "completedAt", "url", "fileSize", "objectCount")] == [
        "CANCELED", None, None, None, "5",
    ]  # fmt: skip


def test_what_has_ended_or_never_was_cannot_be_canceled(bulk):
    gid = bulk.completed()["id"]
    message = "A bulk operation cannot be canceled when it is completed"
    assert bulk.cancel(gid) == {
        "bulkOperation": {"id": gid, "status": "COMPLETED"},
        "userErrors": [{"field": None, "message": message}],
    }
    assert bulk.cancel("gid://shopify/BulkOperation/1") == {
        "bulkOperation": None,
        "userErrors": [{"field": ["id"], "message": "Bulk operation does not exist"}],
    }


def test_the_sixth_operation_at_once_is_refused_with_the_ids_of_all(bulk):
    foreign = bulk.sandbox.control("POST", "bulk", {})
    ids = [foreign["id"], *(bulk.begin() for _ in range(4))]
    message = f"A bulk query operation for this app and shop is already in progress: {', '.join(ids)}."
    assert bulk.submit(CUSTOMERS) == {
        "bulkOperation": None,
        "userErrors": [{"field": None, "message": message, "code": "OPERATION_IN_PROGRESS"}],
    }
    bulk.poll(ids[1])
    assert bulk.submit(CUSTOMERS)["userErrors"] == []
    assert bulk.statuses(foreign["id"], 3) == ["RUNNING"] * 3


NO_ID = (
    "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' "
    "return type. Connection fields without 'id': abandonedCheckouts."
)
NO_EDGES = (
    "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: 'products { edges "
    "{ node {'. Selecting via 'nodes' is not supported. Invalid connection fields: 'customers'."
)
NO_CONNECTION = "Bulk queries must contain at least one connection."
NO_QUERY = "Invalid operation type. Only `query` operations are supported."
LINES = "lineItems { edges { node { title } } }"
MANY = " ".join(f"{letter}: metafields {{ edges {{ node {{ id }} }} }}" for letter in "abcde")


@pytest.mark.parametrize(
    ("query", "messages"),
    [
        ("", ["Invalid bulk query: syntax error, unexpected end of file"]),
        ("{ shop { name } }", [NO_CONNECTION]),
        (
            '{ node(id: "gid://shopify/Customer/1") { id } }',
            ["Bulk queries cannot contain a top level `node` field.", NO_CONNECTION],
        ),
        ('mutation { bulkOperationCancel(id: "gid://shopify/X/1") { userErrors { message } } }', [NO_QUERY]),
        ("{ customers { nodes { id } } }", [NO_EDGES]),
        (f"{{ abandonedCheckouts {{ edges {{ node {{ key: id {LINES} }} }} }} }}", [NO_ID]),
        (f"{{ abandonedCheckouts {{ edges {{ node {{ name {LINES} }} }} }} }}", [NO_ID]),
        (
            f"{{ customers {{ edges {{ node {{ id {MANY} }} }} }} }}",
            ["Bulk queries cannot contain more than 5 connections."],
        ),
        (
            "{ bulkOperations { edges { node { id } } } customers { edges { node { id } } } }",
            ["Bulk queries cannot contain more than one top level field."],
        ),
        (
            "{ customers { edges { node { id age } } } }",
            ["Invalid bulk query: Field 'age' doesn't exist on type 'Customer'"],
        ),
        (
            "query($q: String) { customers(query: $q) { edges { node { id } } } }",
            ["Bulk queries cannot use variables."],
        ),
    ],
)
def test_a_document_that_cannot_run_is_refused(town_bulk, query, messages):
    assert town_bulk.submit(query) == {
        "bulkOperation": None,
        "userErrors": [{"field": ["query"], "message": message, "code": "INVALID"} for message in messages],
    }


def test_an_operation_without_the_scope_fails(start):
    bulk = Bulk(start(scopes=("read_customers",)))
    operation = bulk.poll(bulk.begin(CARTS))
    assert [operation[name] for name in ("status", "errorCode", "url")] == ["FAILED", "ACCESS_DENIED", None]


def test_an_operation_that_reads_a_denied_field_fails(bulk):
    bulk.sandbox.control("POST", "faults", {"kind": "protected_field", "field": "email", "operation": "Run"})
    operation = bulk.poll(bulk.begin())
    assert (operation["status"], operation["errorCode"]) == ("FAILED", "ACCESS_DENIED")


def test_operations_are_listed_with_the_newest_first(bulk):
    first = bulk.completed()["id"]
    set_clock(bulk.sandbox, "2026-11-02T00:00:00Z")
    bulk.plan(ends="RUNNING")
    second = bulk.begin()
    ask = (
        "query($q: String, $s: BulkOperationsSortKeys, $r: Boolean) { bulkOperations(first: 9, query: $q, sortKey: $s, \
        reverse: $r) { nodes { id } } }"
    )

    def listed(query=None, sort=None, reverse=False):
        answer = bulk.sandbox.graphql(ask, {"q": query, "s": sort or "CREATED_AT", "r": reverse})
        return [node["id"] for node in answer["data"]["bulkOperations"]["nodes"]]

    assert listed() == [second, first]
    assert listed(reverse=True) == [first, second]
    assert listed(sort="COMPLETED_AT") == [first, second]
    assert listed("status:completed") == [first]
    assert listed("status:RUNNING operation_type:query") == [second]
    assert listed("created_at:>='2026-11-02'") == [second]


def test_a_status_that_is_no_search_value_is_warned_of(town):
    ask = (
        '{ bulkOperations(first: 1, query: "status:EXPIRED") { edges { cursor node { id } } pageInfo { endCursor } } }'
    )
    body = town.graphql(ask)
    assert body["data"]["bulkOperations"] == {"edges": [], "pageInfo": {"endCursor": None}}
    assert [told["warnings"] for told in body["extensions"]["search"]] == [
        [{"field": "status", "message": "Input `EXPIRED` is not an accepted value.", "code": "invalid_value"}]
    ]


def test_every_way_to_an_operation_shows_the_same_one(bulk):
    bulk.plan(ends="RUNNING")
    gid = bulk.begin()
    text = """query($id: ID!) {
      bulkOperation(id: $id) { id status } node(id: $id) { id ... on BulkOperation { status } }
      currentBulkOperation { id status } other: currentBulkOperation(type: MUTATION) { id }
      bulkOperations(first: 1) { edges { node { id status } } }
    }"""
    shown = {"id": gid, "status": "RUNNING"}
    assert bulk.sandbox.graphql(text, {"id": gid})["data"] == {
        "bulkOperation": shown,
        "node": shown,
        "currentBulkOperation": shown,
        "other": None,
        "bulkOperations": {"edges": [{"node": shown}]},
    }
    assert bulk.sandbox.control("GET", "bulk")[0]["polls"] == 1
    gone = {"id": "gid://shopify/BulkOperation/1"}
    assert bulk.sandbox.graphql("query($id: ID!) { bulkOperation(id: $id) { id } }", gone)["data"] == {
        "bulkOperation": None
    }


def test_a_mutation_costs_10_and_a_look_1(bulk, post):
    cost = [
        bulk.sandbox.graphql(text, variables)["extensions"]["cost"]["requestedQueryCost"]
        for text, variables in (
            ("mutation($q: String!) { bulkOperationRunQuery(query: $q) { bulkOperation { id } } }", {"q": CUSTOMERS}),
            ("query($id: ID!) { bulkOperation(id: $id) { status } }", {"id": "gid://shopify/BulkOperation/1"}),
            ("{ bulkOperations(first: 1) { nodes { id } } }", {}),
        )
    ]
    assert cost == [10, 1, 3]


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"speed": 1}, "unknown fields of a plan: speed"),
        ({"ends": "LATE"}, "ends must be one of"),
        ({"ends": "FAILED"}, "FAILED has an error_code"),
        ({"error_code": "TIMEOUT"}, "FAILED has an error_code"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(town, plan, message):
    with pytest.raises(ControlError, match=message):
        town.control("POST", "bulk/plans", plan)
    with pytest.raises(ControlError, match="no bulk operation 5"):
        town.control("POST", "bulk/5/expire")
