"""Every fault: what the client sees, how often, and for which requests."""

import pytest
import requests

from shopify_sandbox.process import ControlError
from tests.sandbox.conftest import served

QUERY = """query Page($first: Int = 2, $after: String, $query: String) {
  customers(first: $first, after: $after, query: $query) {
    edges { node { id firstName defaultEmailAddress { emailAddress } } }
    pageInfo { hasNextPage endCursor }
  }
}"""


@pytest.fixture(scope="module")
def store():
    """One store for all tests of this file; each leaves it without faults."""
    with served() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(store):
    yield store
    store.control("DELETE", "faults")


@pytest.fixture
def ask(sandbox, post):
    return lambda **variables: post(sandbox, QUERY, variables=variables)


def add(sandbox, kind, **options):
    return sandbox.control("POST", "faults", {"kind": kind, **options})


def test_http_status_with_retry_after(sandbox, ask):
    add(sandbox, "http_status", status=429, retry_after=3, times=2)
    for _ in range(2):
        answer = ask()
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
        assert answer.json() == {"errors": "Injected failure"}
    assert ask().status_code == 200


def test_http_status_with_a_page_and_headers(sandbox, ask):
    add(sandbox, "http_status", status=503, body="<html>busy</html>", headers={"x-thing": "1"})
    answer = ask()
    assert (answer.status_code, answer.text, answer.headers["x-thing"]) == (503, "<html>busy</html>", "1")


def test_throttled(sandbox, ask):
    add(sandbox, "throttled")
    body = ask().json()
    assert (body["errors"][0]["message"], body["extensions"]["cost"]["actualQueryCost"]) == ("Throttled", None)
    status = body["extensions"]["cost"]["throttleStatus"]
    assert status["currentlyAvailable"] < body["extensions"]["cost"]["requestedQueryCost"]
    assert "errors" not in ask().json()


def test_a_truncated_body(sandbox, ask):
    add(sandbox, "truncated_body")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask()
    assert ask().status_code == 200


def test_a_closed_connection(sandbox, ask):
    add(sandbox, "connection_closed")
    with pytest.raises(requests.exceptions.ConnectionError):
        ask()
    assert ask().status_code == 200


def test_an_internal_server_error_has_status_200_and_a_request_id(sandbox, ask):
    add(sandbox, "internal_server_error")
    answer = ask()
    error = answer.json()["errors"][0]
    assert (answer.status_code, list(answer.json()), answer.json()["data"]) == (200, ["errors", "data"], None)
    assert set(error) == {"message", "extensions"}
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert f"Request ID: {error['extensions']['requestId']}" in error["message"]


def test_a_field_of_protected_data_is_null_beside_good_data(sandbox, ask):
    add(sandbox, "protected_field", field="firstName")
    body = ask().json()
    nodes = [edge["node"] for edge in body["data"]["customers"]["edges"]]
    assert [node["firstName"] for node in nodes] == [None, None]
    assert all(node["id"] for node in nodes)
    assert [error["path"] for error in body["errors"]] == [
        ["customers", "edges", place, "node", "firstName"] for place in (0, 1)
    ]
    assert body["errors"][0]["message"].startswith("This app is not approved to use the firstName field.")
    assert "cost" in body["extensions"]


def test_a_field_of_another_type_can_be_denied(sandbox, ask):
    add(sandbox, "protected_field", type="Customer", field="defaultEmailAddress")
    body = ask(first=1).json()
    assert body["data"]["customers"]["edges"][0]["node"]["defaultEmailAddress"] is None
    assert body["errors"][0]["path"] == ["customers", "edges", 0, "node", "defaultEmailAddress"]


def test_a_type_that_is_not_approved(sandbox, post):
    add(sandbox, "protected_type", times=2)
    body = post(sandbox, QUERY).json()
    assert (body["data"], body["errors"][0]["path"]) == (None, ["customers"])
    assert body["errors"][0]["message"].startswith("This app is not approved to access the Customer object.")
    body = post(sandbox, "{ abandonedCheckouts(first: 1) { nodes { id customer { id } } } }").json()
    assert body["data"]["abandonedCheckouts"]["nodes"][0]["customer"] is None
    assert body["errors"][0]["path"] == ["abandonedCheckouts", "nodes", 0, "customer"]


def test_a_wrong_version(sandbox, ask):
    add(sandbox, "wrong_version", version="2026-04")
    assert ask().headers["x-shopify-api-version"] == "2026-04"
    assert ask().headers["x-shopify-api-version"] == "2026-10"


def test_errors_as_text(sandbox, ask):
    add(sandbox, "errors_string", message="Something broke")
    answer = ask()
    assert (answer.status_code, answer.json()) == (200, {"errors": "Something broke"})


def test_a_body_that_is_not_json(sandbox, ask):
    add(sandbox, "non_json")
    answer = ask()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_cursor_that_does_not_move(sandbox, ask):
    add(sandbox, "stuck_cursor")
    cursor = ask().json()["data"]["customers"]["pageInfo"]["endCursor"]
    stuck = ask(after=cursor).json()["data"]["customers"]["pageInfo"]
    assert stuck == {"hasNextPage": True, "endCursor": cursor}
    assert ask(after=cursor).json()["data"]["customers"]["pageInfo"]["endCursor"] != cursor


def test_a_filter_that_is_dropped_with_a_warning(sandbox, ask):
    add(sandbox, "search_warning")
    query = "updated_at:>='2030-01-01T00:00:00Z'"
    body = ask(query=query).json()
    assert len(body["data"]["customers"]["edges"]) == 2
    told = body["extensions"]["search"][0]
    assert (told["path"], told["query"], told["warnings"][0]["code"]) == (["customers"], query, "invalid_field")
    assert ask(query=query).json()["data"]["customers"]["edges"] == []


def test_a_fault_can_wait_and_choose_its_operation(sandbox, ask, post):
    add(sandbox, "http_status", status=500, operation="Page", after=1)
    assert post(sandbox, "query Other { shop { name } }").status_code == 200
    assert [ask().status_code for _ in range(3)] == [200, 500, 200]


def test_a_fault_without_end_lasts_until_it_is_removed(sandbox, ask):
    fault = add(sandbox, "http_status", status=500, times=None)
    assert [ask().status_code for _ in range(4)] == [500] * 4
    assert sandbox.control("GET", "faults") == [fault]
    sandbox.control("DELETE", "faults")
    assert ask().status_code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"kind": "nonsense"}, "unknown fault 'nonsense'"),
        ({"kind": "http_status"}, r"missing options \['status'\]"),
        ({"kind": "throttled", "speed": 1}, r"unknown options \['speed'\]"),
    ],
)
def test_a_fault_that_is_not_described_fully_is_refused(town, body, message):
    with pytest.raises(ControlError, match=message):
        town.control("POST", "faults", body)


def test_errors_of_any_kind_with_or_without_data(sandbox, ask):
    told = [{"message": "Timeout"}, {"message": "Shop is inactive", "extensions": {"code": "SHOP_INACTIVE"}}]
    add(sandbox, "errors", errors=told)
    add(sandbox, "errors", errors=told[:1], data=None)
    assert [(answer.status_code, answer.json()) for answer in (ask(), ask())] == [
        (200, {"errors": told}),
        (200, {"errors": told[:1], "data": None}),
    ]


def test_a_renamed_shop_sends_elsewhere(sandbox, ask, post):
    where = {"location": "https://new-name.example.com/admin/api/2026-10/graphql.json"}
    add(sandbox, "http_status", status=301, body="", headers=where)
    answer = requests.post(
        f"{sandbox.url}/admin/api/2026-10/graphql.json",
        json={"query": QUERY},
        headers={"X-Shopify-Access-Token": sandbox.token},
        allow_redirects=False,
        timeout=20,
    )
    assert (answer.status_code, answer.headers["location"]) == (301, where["location"])
