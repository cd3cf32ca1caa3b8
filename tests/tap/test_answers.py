"""What an answer means, error by error. The texts are Shopify's, as recorded or documented."""

import json
from datetime import UTC, datetime

import pytest

from tap_shopify_contacts.answers import Answer, Denial, field_path, read_answer
from tap_shopify_contacts.errors import (
    AccessDenied,
    FilterDropped,
    PageTooExpensive,
    RetryableError,
    SecurityRejection,
    ShopClosed,
    ShopNotFound,
    TapError,
    Throttled,
    TokenRefused,
    TransientAnswer,
    TruncatedAnswer,
    UnexpectedAnswer,
    VersionMismatch,
)
from tap_shopify_contacts.pacing import Bucket, Cost

HEADERS = {
    "Date": "Sun, 01 Nov 2026 12:00:00 GMT",
    "X-Request-Id": "req-1",
    "X-Shopify-API-Version": "2026-10",
    "Content-Type": "application/json; charset=utf-8",
}
EMAIL_DENIED = {
    "message": "This app is not approved to use the emailAddress field.",
    "path": ["customers", "edges", 3, "node", "defaultEmailAddress", "emailAddress"],
    "extensions": {"code": "ACCESS_DENIED"},
}


def read(content: object, status: int = 200, **headers: str) -> Answer:
    """Read an answer that holds `content`."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_answer(status, {**HEADERS, **named}, body, version="2026-10")


def error_of(content: object, status: int = 200, **headers: str) -> TapError:
    """Return the error that an answer means."""
    with pytest.raises(TapError) as caught:
        read(content, status, **headers)
    return caught.value


def test_a_good_answer_is_its_data_with_the_shops_clock():
    status = {"currentlyAvailable": 1921, "maximumAvailable": 2000.0, "restoreRate": 100.0}
    cost = {"requestedQueryCost": 79, "actualQueryCost": 51, "throttleStatus": status}
    assert read({"data": {"customers": None}, "extensions": {"cost": cost}}) == Answer(
        {"customers": None},
        (),
        datetime(2026, 11, 1, 12, tzinfo=UTC),
        "req-1",
        Cost(79.0, 51.0, Bucket(1921.0, 2000.0, 100.0)),
        "2026-10",
        None,
    )


@pytest.mark.parametrize(
    "extensions", [None, {}, {"cost": None}, {"cost": {"requestedQueryCost": 1}}, {"cost": {"throttleStatus": {}}}]
)
def test_an_answer_need_not_tell_its_cost(extensions):
    assert read({"data": {}, "extensions": extensions}).cost is None


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (401, TokenRefused, "Shopify refused the access token (HTTP 401). Check the setting access_token and that the "
         "app is installed. (request id req-1)"),
        (402, ShopClosed, "The shop is frozen (HTTP 402). Its owner has a bill to pay to Shopify. (request id req-1)"),
        (403, AccessDenied, "Shopify forbids the request (HTTP 403). Check the app's scopes and that access_token "
         "belongs to this shop. (request id req-1)"),
        (404, ShopNotFound, "There is no such shop (HTTP 404). Check the setting shop. (request id req-1)"),
        (423, ShopClosed, "The shop is locked (HTTP 423). Ask Shopify's support. (request id req-1)"),
        (400, UnexpectedAnswer, "Shopify refused the request (HTTP 400). Run it again later; if it stays so, report it "
         "with the request id. (request id req-1)"),
        (783, UnexpectedAnswer, "Shopify refused the request (HTTP 783). Run it again later; if it stays so, report it "
         "with the request id. (request id req-1)"),
    ],
)  # fmt: skip
def test_a_status_that_asking_again_cannot_help(status, kind, told):
    error = error_of(b"<html>", status)
    assert (type(error), str(error)) == (kind, told)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 525, 530, 540])
def test_a_status_that_passes(status):
    error = error_of(b"", status)
    assert type(error) is TransientAnswer
    assert error.wait is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2.0", 2.0), ("0", 0.0), ("Sun, 01 Nov 2026 12:00:30 GMT", 30.0), ("soon", None)],
)
def test_retry_after_is_kept(value, seconds):
    for status in (429, 503):
        error = error_of(b"", status, Retry_After=value)
        assert isinstance(error, RetryableError)
        assert error.wait == seconds


def test_a_rejection_for_security_is_waited_for_longer():
    error = error_of(b"", 430)
    assert isinstance(error, SecurityRejection)
    assert error.wait == 60.0


def test_a_redirect_names_the_shops_new_address():
    error = error_of(b"", 301, Location="https://new-name.myshopify.com/admin/api/2026-10/graphql.json")
    assert str(error) == (
        "The shop is now at new-name.myshopify.com (HTTP 301). Set shop to the shop's present name. (request id req-1)"
    )


def test_an_older_version_than_asked_for_is_refused():
    error = error_of({"data": {}}, X_Shopify_API_Version="2026-01")
    assert type(error) is VersionMismatch
    assert error.problem == "Shopify answered with API version 2026-01, not with 2026-10 as asked."


def test_a_newer_version_than_asked_for_is_taken_and_told():
    assert read({"data": {}}, X_Shopify_API_Version="2027-01").served == "2027-01"


@pytest.mark.parametrize(
    ("cost", "seconds"),
    [
        ({"requestedQueryCost": 182, "throttleStatus": {"currentlyAvailable": 82, "restoreRate": 50}}, 2.0),
        ({"requestedQueryCost": 10, "throttleStatus": {"currentlyAvailable": 9, "restoreRate": 100}}, 1.0),
        ({"requestedQueryCost": 10, "throttleStatus": {"currentlyAvailable": 0, "restoreRate": 0}}, 1.0),
        ({}, 1.0),
    ],
)
def test_the_rate_limit_says_how_long_to_wait(cost, seconds):
    error = error_of(
        {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": {"cost": cost}}
    )
    assert isinstance(error, Throttled)
    assert error.wait == seconds
    assert (error.cost is None) is (cost == {})


def test_a_page_that_costs_too_much_is_told_apart():
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": 1200, "maxCost": 1000}
    error = error_of({"errors": [{"message": "Query cost is 1200", "extensions": extensions}]})
    assert isinstance(error, PageTooExpensive)
    assert error.problem == "The page costs 1200 points of at most 1000."
    assert (error.cost, error.limit) == (1200.0, 1000.0)


@pytest.mark.parametrize(
    "error",
    [
        {
            "message": "Internal error. Looks like something went wrong.",
            "extensions": {"code": "INTERNAL_SERVER_ERROR"},
        },
        {"message": "Timeout"},
    ],
)
def test_an_internal_error_of_shopify_passes(error):
    assert type(error_of({"data": None, "errors": [error]})) is TransientAnswer


def test_a_missing_scope_is_named():
    denied = {
        "message": "Access denied for customers field. Required access: `read_customers` access scope.",
        "path": ["customers"],
        "extensions": {"code": "ACCESS_DENIED", "requiredAccess": "`read_customers` access scope."},
    }
    error = error_of({"data": {"customers": None}, "errors": [denied]})
    assert type(error) is AccessDenied
    assert str(error) == (
        "Shopify denies customers: required access: `read_customers` access scope. "
        "Give the app the scope it lacks, install it again, and use its new access token. (request id req-1)"
    )


def test_a_denial_without_any_detail_is_still_a_denial():
    error = error_of({"data": None, "errors": [{"message": "access denied", "path": ["customers"]}]})
    assert error.problem == "Shopify denies customers: access denied."


def test_a_denied_field_accompanies_the_data():
    answer = read({"data": {"customers": {"edges": []}}, "errors": [EMAIL_DENIED]})
    assert answer.denials == (
        Denial("defaultEmailAddress.emailAddress", "This app is not approved to use the emailAddress field."),
    )


@pytest.mark.parametrize(
    ("node", "path"),
    [
        ({"defaultEmailAddress": {"emailAddress": None}}, "defaultEmailAddress.emailAddress"),
        ({"defaultEmailAddress": None}, "defaultEmailAddress"),
    ],
)
def test_a_denied_field_takes_along_what_its_null_took(node, path):
    edges = [{"node": {}}, {"node": {}}, {"node": {}}, {"node": node}]
    answer = read({"data": {"customers": {"edges": edges}}, "errors": [EMAIL_DENIED]})
    assert [denial.path for denial in answer.denials] == [path]


@pytest.mark.parametrize("data", [{"customers": {"edges": [None] * 4}}, {"customers": None}, None])
def test_a_denied_field_that_took_the_record_along_is_fatal(data):
    error = error_of({"data": data, "errors": [EMAIL_DENIED]})
    assert type(error) is AccessDenied


def test_a_fault_beside_a_denied_field_is_not_taken_for_a_denial():
    fault = {"message": "Boom", "path": ["customers", "edges", 0, "node", "note"], "extensions": {"code": "OTHER"}}
    error = error_of({"data": {"customers": {"edges": []}}, "errors": [EMAIL_DENIED, fault]})
    assert (type(error), error.problem) == (UnexpectedAnswer, "Shopify refused the request: Boom. (OTHER)")


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        (["customers", "edges", 3, "node", "lastOrder"], "lastOrder"),
        (["node", "lineItems", "edges", 0, "node", "product"], "lineItems.edges.node.product"),
        (["abandonedCheckouts", "edges", 0, "node", "lineItems", "edges", 7, "node", "product"],
         "lineItems.edges.node.product"),
        (["customers"], None),
        (["customers", "edges", 3, "node"], None),
        (["query Customers", "customers", "x"], None),
        (None, None),
    ],
)  # fmt: skip
def test_the_path_of_an_error_leads_into_the_record(path, inside):
    assert field_path(path) == inside


def test_a_search_warning_is_fatal():
    warning = {"field": "updated_at", "message": "Invalid search field for this query.", "code": "invalid_field"}
    search = [{"path": ["customers"], "query": "updated_at:>='x'", "parsed": {}, "warnings": [warning]}]
    error = error_of({"data": {"customers": {"edges": []}}, "extensions": {"search": search}})
    assert type(error) is FilterDropped
    assert error.problem == (
        "Shopify did not take the filter on updated_at (invalid_field) and would return every record."
    )


def test_a_page_of_a_proxy_is_not_mistaken_for_data():
    error = error_of(b"<html>Sign in</html>", Content_Type="text/html; charset=utf-8")
    assert (type(error), error.problem) == (UnexpectedAnswer, "The answer is not JSON (text/html).")


def test_json_that_ends_too_early_is_asked_for_again():
    assert type(error_of(b'{"data": {"customers": {"edges": [')) is TruncatedAnswer


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ([], "The answer is not a JSON object."),
        ({}, "Shopify's answer holds neither data nor errors."),
        ({"errors": "Not Found"}, "Shopify refused the request: Not Found."),
        ({"errors": ["odd"]}, "Shopify refused the request: odd."),
        (
            {
                "errors": [
                    {"message": "Field 'x' doesn't exist on type 'Customer'", "extensions": {"code": "undefinedField"}}
                ]
            },
            "Shopify refused the request: Field 'x' doesn't exist on type 'Customer'. (undefinedField)",
        ),
    ],
)
def test_anything_else_is_told_in_shopifys_words(content, problem):
    error = error_of(content)
    assert (type(error), error.problem) == (UnexpectedAnswer, problem)
