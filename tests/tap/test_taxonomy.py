"""Every way in which the Admin API is known to fail, over HTTP: asked again, or told in one line with what to do."""

import typing as t

import pytest

from tap_shopify_contacts import errors
from tap_shopify_contacts.errors import (
    AccessDenied,
    CursorStuck,
    FatalError,
    FieldDenied,
    FilterDropped,
    GaveUp,
    RetryableError,
    ShopClosed,
    ShopNotFound,
    TapError,
    TokenRefused,
    UnexpectedAnswer,
    VersionMismatch,
)
from tests.tap.helpers import LineWriter, config_of, requests_of, run_tap

PLACE = "shop sandbox.myshopify.com, stream customers: "


def status(code: int, **more: t.Any) -> dict[str, t.Any]:
    """Return a fault that answers with an HTTP status."""
    return {"kind": "http_status", "status": code, **more}


def said(*errors: object, data: object = None, **more: t.Any) -> dict[str, t.Any]:
    """Return a fault that answers with HTTP 200 and errors."""
    return status(200, body={"errors": list(errors), "data": data, **more})


def coded(code: str, message: str = "Something is wrong", **extensions: t.Any) -> dict[str, t.Any]:
    """Return an error as Shopify writes it."""
    return {"message": message, "extensions": {"code": code, **extensions}}


BUCKET = {"maximumAvailable": 2000, "currentlyAvailable": 0, "restoreRate": 100}

PASSES = {
    "429": (status(429, retry_after="2.0"), [2.5]),
    "429 without Retry-After": (status(429), [0.5]),
    "430 security rejection": (status(430), [60.5]),
    "500": (status(500), [0.5]),
    "502 with a page": (status(502, body="<html>Bad gateway</html>"), [0.5]),
    "503": (status(503), [0.5]),
    "503 with Retry-After": (status(503, retry_after="7"), [7.5]),
    "504": (status(504), [0.5]),
    "520": (status(520), [0.5]),
    "530 name not found": (status(530), [0.5]),
    "540 endpoint off for a while": (status(540), [0.5]),
    "THROTTLED": (
        said(
            coded("THROTTLED", "Throttled"), extensions={"cost": {"requestedQueryCost": 300, "throttleStatus": BUCKET}}
        ),
        [3.5],
    ),
    "THROTTLED without a cost": (said(coded("THROTTLED", "Throttled")), [1.5]),
    "a rate limit without a code": (said({"message": "Throttled"}), [1.5]),
    "INTERNAL_SERVER_ERROR": (said(coded("INTERNAL_SERVER_ERROR", requestId="r")), [0.5]),
    "TIMEOUT": (said(coded("TIMEOUT")), [0.5]),
    "a timeout without a code": (said({"message": "Timeout"}), [0.5]),
    "JSON cut short": ({"kind": "truncated_body"}, [0.5]),
    "compressed bytes that are damaged": (status(200, body="{}", headers={"content-encoding": "gzip"}), [0.5]),
    "a connection that breaks": ({"kind": "connection_closed"}, [0.5]),
}


@pytest.mark.parametrize(("fault", "waits"), PASSES.values(), ids=PASSES)
def test_what_passes_is_waited_for(quiet, fault, waits):
    quiet.control("POST", "faults", {"operation": "Customers", **fault})
    output = run_tap(config_of(quiet, extraction="pages"), select="customers")
    assert output.waits == waits
    assert len(output.records("customers")) == len(output.latest("customers")) == 40


def test_a_page_over_the_limit_of_points_is_asked_for_smaller(quiet):
    over = said(coded("MAX_COST_EXCEEDED", cost=1200, maxCost=1000))
    quiet.control("POST", "faults", {"operation": "Customers", **over})
    output = run_tap(config_of(quiet, extraction="pages", page_size=20), select="customers")
    sizes = [entry["variables"]["first"] for entry in requests_of(quiet, "Customers")]
    assert (sizes[:2], output.waits) == ([20, 12], [])
    assert len(output.latest("customers")) == 40


SCOPE = "`read_customers` access scope."
DENIED = f"Access denied for customers field. Required access: {SCOPE}"

ENDS = {
    "400": (status(400), UnexpectedAnswer, "Shopify refused the request (HTTP 400)."),
    "401": (status(401), TokenRefused, "Shopify refused the access token (HTTP 401)."),
    "402 frozen": (status(402), ShopClosed, "The shop is frozen (HTTP 402)."),
    "403": (status(403), AccessDenied, "Shopify forbids the request (HTTP 403)."),
    "404": (status(404), ShopNotFound, "There is no such shop (HTTP 404)."),
    "423 locked": (status(423), ShopClosed, "The shop is locked (HTTP 423)."),
    "501": (status(501), UnexpectedAnswer, "Shopify refused the request (HTTP 501)."),
    "301 renamed": (
        status(301, headers={"location": "https://new-name.myshopify.com/admin"}),
        ShopNotFound,
        "The shop is now at new-name.myshopify.com (HTTP 301).",
    ),
    "errors as a text": (
        {"kind": "errors_string", "message": "Not Found"},
        UnexpectedAnswer,
        "Shopify refused the request: Not Found.",
    ),
    "errors as an object": (
        status(200, body={"errors": {"query": "Required parameter missing or invalid"}}),
        UnexpectedAnswer,
        "Shopify refused the request: {'query': 'Required parameter missing or invalid'}.",
    ),
    "an unknown field": (
        said(coded("undefinedField", "Field 'x' doesn't exist on type 'Customer'")),
        UnexpectedAnswer,
        "Shopify refused the request: Field 'x' doesn't exist on type 'Customer'. (undefinedField)",
    ),
    "BAD_REQUEST": (
        said(coded("BAD_REQUEST", "Invalid timestamp for query filter `updated_at`.")),
        UnexpectedAnswer,
        "Shopify refused the request: Invalid timestamp for query filter `updated_at`. (BAD_REQUEST)",
    ),
    "RESOURCE_NOT_FOUND": (
        said(coded("RESOURCE_NOT_FOUND", "Invalid id: 1"), data={"customers": None}),
        UnexpectedAnswer,
        "Shopify refused the request: Invalid id: 1. (RESOURCE_NOT_FOUND)",
    ),
    "ACCESS_DENIED": (
        said({**coded("ACCESS_DENIED", DENIED, requiredAccess=SCOPE), "path": ["customers"]}, data={"customers": None}),
        AccessDenied,
        f"Shopify denies customers: required access: {SCOPE}",
    ),
    "access denied without a word": (
        said({"message": "access denied", "path": ["customers"]}),
        AccessDenied,
        "Shopify denies customers: access denied.",
    ),
    "a null without an error": (
        status(200, body={"data": {"customers": None}}),
        AccessDenied,
        "Shopify denies customers to the app.",
    ),
    "protected data: no approval for customers": (
        {"kind": "protected_type", "type": "Customer"},
        AccessDenied,
        "Shopify denies customers: This app is not approved to access the Customer object.",
    ),
    "protected data: no approval for a field": (
        {"kind": "protected_field", "field": "firstName"},
        FieldDenied,
        "Shopify denies firstName to the app, which first_name needs: This app is not approved to use the firstName",
    ),
    "SHOP_INACTIVE": (said(coded("SHOP_INACTIVE")), ShopClosed, "The shop is not active."),
    "no JSON": ({"kind": "non_json"}, UnexpectedAnswer, "The answer is not JSON (text/html)."),
    "JSON of another kind": (status(200, body=[]), UnexpectedAnswer, "The answer is not a JSON object."),
    "neither data nor errors": (
        status(200, body={}),
        UnexpectedAnswer,
        "Shopify's answer holds neither data nor errors.",
    ),
    "an older version": (
        {"kind": "wrong_version", "version": "2026-01"},
        VersionMismatch,
        "Shopify answered with API version 2026-01, not with 2026-10 as asked.",
    ),
    "a filter that is dropped": (
        {"kind": "search_warning"},
        FilterDropped,
        "Shopify did not take the filter on updated_at (invalid_field) and would return every record.",
    ),
    "a cursor that does not move": (
        {"kind": "stuck_cursor", "times": None},
        CursorStuck,
        "Shopify's cursor does not move: the next page is one that was already read.",
    ),
    "one record over the limit of points": (
        said(coded("MAX_COST_EXCEEDED", cost=1200, maxCost=1000), extensions={}),
        FatalError,
        "The page costs 1200 points of at most 1000.",
    ),
    "a fault that stays": (
        status(503, times=None),
        GaveUp,
        "Shopify could not answer (HTTP 503). Gave up after 8 tries.",
    ),
}


@pytest.mark.parametrize(("fault", "kind", "problem"), ENDS.values(), ids=ENDS)
def test_what_does_not_pass_is_told_in_one_line_with_what_to_do(quiet, fault, kind, problem):
    quiet.control("POST", "faults", {"operation": "Customers", "after": 1, **fault})
    writer = LineWriter()
    with pytest.raises(TapError) as caught:
        run_tap(config_of(quiet, extraction="pages", page_size=1), select="customers", writer=writer)
    error, text = caught.value, str(caught.value)
    assert type(error) is kind
    assert error.problem.startswith(problem)
    assert error.advice
    assert error.request_id
    assert text.startswith(f"{PLACE}{problem}")
    assert text.endswith(f"{error.advice} (request id {error.request_id})")
    assert "\n" not in text


def tree(kind: type[TapError]) -> t.Iterator[type[TapError]]:
    """Yield an error and all below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)


def test_the_tree_that_is_drawn_is_the_tree_there_is():
    drawn = [line.strip(" │├└─").split(" ")[0] for line in str(errors.__doc__).split("\n\n")[1].splitlines()]
    assert sorted(drawn) == sorted(kind.__name__ for kind in tree(TapError))


def test_an_error_either_passes_or_ends_the_run():
    assert set(tree(RetryableError)).isdisjoint(tree(FatalError))


@pytest.mark.parametrize("version", ["2026-07", "2026-10"])
def test_what_shopify_says_of_versions_is_told_once(quiet, caplog, version):
    quiet.control("POST", "faults", {"kind": "wrong_version", "version": "2026-10", "times": None})
    with caplog.at_level("INFO"):
        output = run_tap(config_of(quiet, api_version=version, page_size=5), select="customers")
    assert len(output.latest("customers")) == 40
    told = [entry.getMessage() for entry in caplog.records]
    assert sum(text.startswith("Shopify answers with API version 2026-10 in place of") for text in told) == (
        version != "2026-10"
    )
    assert (
        sum(
            text.startswith(f"Shopify will remove something that this tap asks of API version {version}")
            for text in told
        )
        == 1
    )
