"""What goes wrong on the way: tried again where that can help, told in one line where it cannot."""

import pytest

from tap_shopify_contacts.errors import (
    AccessDenied,
    CursorStuck,
    FatalError,
    FilterDropped,
    GaveUp,
    ShopClosed,
    ShopNotFound,
    TapError,
    TokenRefused,
    UnexpectedAnswer,
    VersionMismatch,
)
from tests.tap.helpers import LineWriter, Output, config_of, open_shop, run_tap

PLACE = "shop sandbox.myshopify.com, stream customers: "


def failure_of(sandbox, *, select: str = "customers", **settings: object) -> tuple[TapError, Output]:
    """Run the tap, and return what it failed with and what it had written."""
    writer = LineWriter()
    with pytest.raises(TapError) as caught:
        run_tap(config_of(sandbox, **settings), select=select, writer=writer)
    return caught.value, Output(writer.lines)


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        ({"kind": "http_status", "status": 503}, [0.5]),
        ({"kind": "http_status", "status": 502, "times": 3}, [0.5, 1.0, 2.0]),
        ({"kind": "http_status", "status": 429, "retry_after": "2.0"}, [2.5]),
        ({"kind": "http_status", "status": 540, "body": "<html>Bad gateway</html>"}, [0.5]),
        ({"kind": "throttled"}, [1.5]),
        ({"kind": "http_status", "status": 429, "times": 9}, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]),
        ({"kind": "truncated_body", "times": 2}, [0.5, 1.0]),
        ({"kind": "connection_closed", "times": 2}, [0.5, 1.0]),
        ({"kind": "internal_server_error", "times": 2}, [0.5, 1.0]),
    ],
)
def test_what_passes_is_waited_for_and_nothing_is_missing(quiet, fault, waits):
    quiet.control("POST", "faults", {"operation": "Customers", **fault})
    output = run_tap(config_of(quiet), select="customers")
    assert output.waits == waits
    assert len(output.records("customers")) == 40
    assert len(output.latest("customers")) == 40


def test_kinds_of_failure_are_counted_apart(quiet):
    for kind, times in (("connection_closed", 5), ("internal_server_error", 5), ("truncated_body", 5)):
        quiet.control("POST", "faults", {"kind": kind, "times": times, "operation": "Customers"})
    assert len(run_tap(config_of(quiet), select="customers").records("customers")) == 40


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"kind": "http_status", "status": 503}, "Shopify could not answer (HTTP 503). Gave up after 8 tries."),
        ({"kind": "internal_server_error"}, "Shopify had an internal error. Gave up after 8 tries."),
        (
            {"kind": "http_status", "status": 430},
            "Shopify's security rules refuse the request (HTTP 430). Gave up after 4 tries.",
        ),
    ],
)
def test_what_does_not_pass_ends_the_run(quiet, fault, problem):
    quiet.control("POST", "faults", {"operation": "Customers", "times": None, **fault})
    error, output = failure_of(quiet)
    assert (type(error), error.problem) == (GaveUp, problem)
    assert output.records("customers") == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "http_status", "status": 402}, ShopClosed),
        ({"kind": "http_status", "status": 403}, AccessDenied),
        ({"kind": "http_status", "status": 404}, ShopNotFound),
        ({"kind": "http_status", "status": 423}, ShopClosed),
        ({"kind": "http_status", "status": 301, "headers": {"location": "https://other.myshopify.com/"}}, ShopNotFound),
        ({"kind": "http_status", "status": 503, "times": 3}, GaveUp),
        ({"kind": "wrong_version", "version": "2026-01"}, VersionMismatch),
        ({"kind": "search_warning"}, FilterDropped),
        ({"kind": "non_json"}, UnexpectedAnswer),
        ({"kind": "errors_string"}, UnexpectedAnswer),
        ({"kind": "protected_type", "type": "Customer"}, AccessDenied),
        ({"kind": "protected_field", "field": "updatedAt"}, TapError),
    ],
)
def test_what_is_wrong_from_the_start_shows_before_anything_is_written(quiet, fault, kind):
    quiet.control("POST", "faults", fault)
    error, output = failure_of(quiet)
    assert isinstance(error, kind)
    assert output.lines == []
    assert str(error).startswith(PLACE)


def test_a_wrong_token_is_told(quiet):
    error, output = failure_of(quiet, access_token="shpat_wrong")
    assert type(error) is TokenRefused
    assert output.lines == []


def test_another_shop_than_the_one_named_is_refused(quiet):
    error, output = failure_of(quiet, shop="other-shop")
    assert (type(error), error.problem) == (ShopNotFound, "The shop sandbox.myshopify.com answered instead.")
    assert output.lines == []


@pytest.mark.parametrize(
    ("scopes", "select", "named"),
    [
        ((), "customers", "`read_customers` access scope."),
        (("read_customers",), "abandoned_checkouts", "`read_orders` access scope."),
    ],
)
def test_a_missing_scope_is_named_before_anything_is_written(scopes, select, named):
    with open_shop(customers=5, checkouts=5, scopes=scopes) as sandbox:
        error, output = failure_of(sandbox, select=select)
        assert type(error) is AccessDenied
        assert named in error.problem
        assert output.lines == []


def test_a_filter_that_is_dropped_later_stops_before_its_page_is_read(quiet):
    quiet.control("POST", "faults", {"kind": "search_warning", "operation": "Customers", "after": 1})
    error, output = failure_of(quiet)
    assert type(error) is FilterDropped
    assert 0 < len(output.records("customers")) < 40
    assert "until" in output.bookmarks("customers")[-1]


@pytest.mark.parametrize("select", ["customers", "abandoned_checkouts"])
def test_a_cursor_that_does_not_move_ends_the_run(quiet, select):
    quiet.control("POST", "faults", {"kind": "stuck_cursor", "times": None})
    error, _ = failure_of(quiet, select=select, page_size=1)
    assert type(error) is CursorStuck


def test_a_single_record_that_costs_too_much_ends_the_run(quiet, monkeypatch):
    monkeypatch.setattr("shopify_sandbox.engine.MAX_COST", 8)
    error, output = failure_of(quiet)
    assert (type(error), error.problem, error.advice) == (
        FatalError,
        "The page costs 9 points of at most 8.",
        "Deselect some fields of this stream.",
    )
    assert output.lines == []


def test_a_message_says_where_and_with_which_request(quiet):
    quiet.control("POST", "faults", {"kind": "http_status", "status": 403, "headers": {"x-request-id": "req-7"}})
    error, _ = failure_of(quiet)
    assert str(error).startswith(
        f"{PLACE}Shopify forbids the request (HTTP 403). "
        "Check the app's scopes and that access_token belongs to this shop. (request id "
    )
