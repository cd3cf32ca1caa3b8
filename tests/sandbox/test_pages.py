"""Pages, cursors and sort orders."""

import base64
import json
import typing as t

import pytest


def read_cursor(cursor):
    return json.loads(base64.b64decode(cursor, validate=True))


def page(sandbox, field="customers", node="id", **arguments):
    enums = {"sortKey"}
    shown = [f"{k}: {v if k in enums else json.dumps(v)}" for k, v in arguments.items() if v is not None]
    text = (
        f"{{ {field}({', '.join(shown)}) {{ edges {{ cursor node {{ {node} }} }} nodes {{ {node} }} "
        "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
    )
    answer = sandbox.graphql(text)
    return answer["data"][field] if answer["data"] else answer["errors"][0]


def number(gid):
    return int(gid.rsplit("/", 1)[1])


def read_all(sandbox, size, forward=True, **arguments):
    rows: list[t.Any] = []
    cursor = None
    while True:
        place = {"first": size, "after": cursor} if forward else {"last": size, "before": cursor}
        answer = page(sandbox, **place, **arguments)
        found = [edge["node"] for edge in answer["edges"]]
        assert found == answer["nodes"]
        rows = rows + found if forward else found + rows
        info = answer["pageInfo"]
        if not info["hasNextPage" if forward else "hasPreviousPage"]:
            return rows
        cursor = info["endCursor" if forward else "startCursor"]


@pytest.mark.parametrize("query", [None, "updated_at:>='2020-01-01T00:00:00Z'"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("size", "forward"), [(250, True), (170, False)])
def test_pages_by_updated_at_give_each_customer_once_in_order(town, query, reverse, size, forward):
    rows = read_all(town, size, forward, node="id updatedAt", sortKey="UPDATED_AT", query=query, reverse=reverse)
    keys = [(row["updatedAt"], number(row["id"])) for row in rows]
    assert keys == sorted(keys, reverse=reverse)
    assert len(set(keys)) == 1_000


def test_more_customers_share_a_second_than_a_page_holds(town):
    rows = read_all(town, 250, node="updatedAt", sortKey="UPDATED_AT")
    times = [row["updatedAt"] for row in rows]
    assert sorted({times.count(moment) for moment in set(times)}) == [1, 5, 280]


@pytest.mark.parametrize("key", ["ID", "CREATED_AT", "NAME", "LOCATION", "RELEVANCE"])
def test_every_order_of_customers_gives_each_once(town, key):
    rows = read_all(town, 240, sortKey=key)
    assert len({row["id"] for row in rows}) == 1_000


@pytest.mark.parametrize("key", ["ID", "CHECKOUT_ID", "CREATED_AT", "CUSTOMER_NAME", "TOTAL_PRICE", "RELEVANCE"])
def test_every_order_of_checkouts_gives_each_once(town, key):
    rows = read_all(town, 60, field="abandonedCheckouts", sortKey=key, node="id createdAt")
    assert len({row["id"] for row in rows}) == 250
    if key == "CREATED_AT":
        assert [row["createdAt"] for row in rows] == sorted(row["createdAt"] for row in rows)


def test_checkouts_cannot_be_sorted_by_updated_at(town):
    query = "{ abandonedCheckouts(first: 1, sortKey: UPDATED_AT) { nodes { id } } }"
    error = town.graphql(query)["errors"][0]
    assert (error["message"], error["extensions"]["code"]) == (
        "Argument 'sortKey' on Field 'abandonedCheckouts' has an invalid value (UPDATED_AT). "
        "Expected type 'AbandonedCheckoutSortKeys'.",
        "argumentLiteralsIncompatible",
    )


def test_cursors_hold_what_the_sort_key_orders_by(start):
    sandbox = start(customers=0, checkouts=0)
    made = sandbox.control("POST", "customers", {
        "first_name": "Ann", "last_name": "Doe", "address": {"country": "Canada", "city": "Ottawa"},
        "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-05-08T02:22:28Z",
    })  # fmt: skip
    cart = sandbox.control(
        "POST", "checkouts", {"customer_id": made["id"], "created_at": "2026-07-11T19:12:53.198186Z"}
    )

    def value(field="customers", **arguments):
        cursor = read_cursor(page(sandbox, field, first=1, **arguments)["edges"][0]["cursor"])
        assert cursor["last_id"] == (made if field == "customers" else cart)["id"]
        return cursor["last_value"]

    query = "updated_at:>='2026-01-01T00:00:00Z'"
    assert value() == str(made["id"])
    assert value(sortKey="UPDATED_AT", query=query) == 1_778_206_948_000
    assert value(sortKey="UPDATED_AT", query="") == "2026-05-08 02:22:28.000000"
    assert value(sortKey="NAME") == "doe, ann"
    assert value(sortKey="LOCATION") == ["canada", "", "ottawa"]
    assert value(sortKey="RELEVANCE") == 1.0
    assert value("abandonedCheckouts") == str(cart["id"])
    assert value("abandonedCheckouts", sortKey="CREATED_AT") == "2026-07-11 19:12:53.198186"


@pytest.mark.parametrize("cursor", ["nonsense", "eyJsYXN0X2lkIjoxfQ==", "W10="])
def test_a_text_that_is_no_cursor_is_refused(town, cursor):
    assert page(town, first=1, after=cursor)["message"] == "Invalid cursor for current pagination sort."


def test_a_cursor_does_not_fit_another_sort_key_or_back_end(town):
    unfiltered = page(town, first=1, sortKey="UPDATED_AT")["pageInfo"]["endCursor"]
    refused = page(town, first=1, after=unfiltered, sortKey="UPDATED_AT", query="updated_at:>='2020-01-01T00:00:00Z'")
    assert refused["extensions"] == {"code": "BAD_REQUEST"}
    assert page(town, first=1, after=unfiltered, sortKey="ID")["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "you must provide one of first or last"),
        ({"first": 1, "last": 1}, "providing both first and last is not supported"),
        (
            {"first": 251},
            "first cannot exceed 250. To query larger amounts of data with fewer limits, "
            "bulk operations should be used instead.",
        ),
    ],
)
def test_page_sizes_that_are_refused(town, arguments, message):
    text = f"({', '.join(f'{k}: {v}' for k, v in arguments.items())})" if arguments else ""
    answer = town.graphql(f"{{ customers{text} {{ nodes {{ id }} }} }}")
    assert (answer["data"], answer["errors"][0]["message"]) == (None, message)
    assert answer["errors"][0]["path"] == ["customers"]
    assert set(answer) == {"errors", "data", "extensions"}


def test_an_empty_connection(town):
    empty = {
        "edges": [],
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }
    assert page(town, first=5, query="id:1") == empty
    assert page(town, first=5, query="id:1", sortKey="UPDATED_AT") == empty


def test_previous_and_next_are_told_in_the_middle(town):
    begin = page(town, first=3)
    assert (begin["pageInfo"]["hasPreviousPage"], begin["pageInfo"]["hasNextPage"]) == (False, True)
    middle = page(town, first=3, after=begin["pageInfo"]["endCursor"])
    assert (middle["pageInfo"]["hasPreviousPage"], middle["pageInfo"]["hasNextPage"]) == (True, True)
    back = page(town, last=3, before=middle["pageInfo"]["startCursor"])
    assert back["nodes"] == begin["nodes"]
    assert (back["pageInfo"]["hasPreviousPage"], back["pageInfo"]["hasNextPage"]) == (False, True)


def test_the_first_customer_is_previous_to_the_second(town):
    for key in ("ID", "UPDATED_AT", "NAME"):
        first = page(town, first=1, sortKey=key)["pageInfo"]
        assert page(town, first=1, after=first["endCursor"], sortKey=key)["pageInfo"]["hasPreviousPage"]
        last = page(town, last=1, sortKey=key)["pageInfo"]
        assert (last["hasPreviousPage"], last["hasNextPage"]) == (True, False)
        assert page(town, last=1, before=last["startCursor"], sortKey=key)["pageInfo"]["hasNextPage"]


def test_a_customer_that_changes_moves_to_the_end_and_is_not_lost(start):
    sandbox = start(customers=50, checkouts=0)
    first = page(sandbox, first=20, sortKey="UPDATED_AT", node="id")
    sandbox.control("PATCH", f"customers/{number(first['nodes'][3]['id'])}", {"note": "new"})
    sandbox.control(
        "PATCH", f"customers/{number(page(sandbox, first=30, sortKey='UPDATED_AT')['nodes'][29]['id'])}", {}
    )
    rest, cursor = [], first["pageInfo"]["endCursor"]
    while cursor:
        answer = page(sandbox, first=20, after=cursor, sortKey="UPDATED_AT")
        rest += answer["nodes"]
        cursor = answer["pageInfo"]["endCursor"] if answer["pageInfo"]["hasNextPage"] else None
    assert len({row["id"] for row in first["nodes"] + rest}) == 50
    assert first["nodes"][3] in rest


@pytest.mark.parametrize(
    ("name", "field", "variables"),
    [
        ("customers_core", "customers", {"first": 250}),
        ("customers_consent", "customers", {"first": 250}),
        ("checkouts", "abandonedCheckouts", {"first": 125, "lines": 8}),
    ],
)
def test_every_record_can_be_shown_in_full(town, document, name, field, variables):
    shown, cursor = 0, None
    while True:
        answer = town.graphql(document(name), variables | {"after": cursor})
        assert "errors" not in answer
        connection = answer["data"][field]
        shown += len(connection["edges"])
        cursor = connection["pageInfo"]["endCursor"]
        if not connection["pageInfo"]["hasNextPage"]:
            break
    assert shown == {"customers": 1_000, "abandonedCheckouts": 250}[field]


def test_all_lines_of_a_long_cart_can_be_read(town, document):
    rows = read_all(town, 125, field="abandonedCheckouts", node="id lineItemsQuantity")
    by_size = {}
    for row in rows:
        lines = lines_of(town, row["id"], document) if row["lineItemsQuantity"] > 260 else []
        by_size[len(lines)] = lines
    assert {260, 510} <= set(by_size)
    lines = by_size[510]
    assert len({line["id"] for line in lines}) == 510
    assert all("&index=" in line["id"] and "?checkout=" in line["id"] for line in lines)


def lines_of(sandbox, gid, document):
    lines, cursor = [], None
    while True:
        answer = sandbox.graphql(document("checkout_lines"), {"id": gid, "first": 250, "after": cursor})
        connection = answer["data"]["node"]["lineItems"]
        lines += [edge["node"] for edge in connection["edges"]]
        if not connection["pageInfo"]["hasNextPage"]:
            return lines
        cursor = connection["pageInfo"]["endCursor"]
