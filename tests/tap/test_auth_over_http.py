"""Access tokens over HTTP, with a store that issues them."""

import logging
import math
import traceback

import pytest
from typing_extensions import override

from shopify_sandbox.bucket import Bucket
from shopify_sandbox.clock import StoreClock, parse_time
from shopify_sandbox.process import Sandbox
from shopify_sandbox.server import Options, build_shop, serving
from tap_shopify_contacts.errors import (
    AccessDenied,
    CredentialsRefused,
    GaveUp,
    ShopNotFound,
    TapError,
    TokenRefused,
)
from tests.tap.helpers import (
    NOW,
    SCOPES,
    LineWriter,
    app_config_of,
    config_of,
    open_shop,
    requests_of,
    run_tap,
)
from tests.tap.tokens import BOTH, DAY, NO_SCOPES, PLACE, SCOPE, failure_of, operations


def test_a_run_asks_for_one_token_and_reads_everything(quiet):
    output = run_tap(app_config_of(quiet, extraction="pages"), select="customers")
    assert len(output.latest("customers")) == 40
    done = operations(quiet)
    assert done[:2] == [("access_token", 200), ("CustomersProbe", 200)]
    assert {operation for operation, _ in done[2:]} == {"Customers"}


def test_a_permanent_token_asks_for_none(quiet):
    run_tap(config_of(quiet), select="customers")
    assert requests_of(quiet, "access_token") == []


def test_both_streams_share_a_token(quiet):
    run_tap(app_config_of(quiet))
    assert len(requests_of(quiet, "access_token")) == 1


def test_a_token_is_renewed_in_mid_run_before_the_store_refuses_it(small, clock):
    def a_day_passes(record: int) -> None:
        if record == 15:
            clock.seconds += DAY - 30
            small.control("POST", "clock", {"advance_seconds": DAY - 30})

    output = run_tap(app_config_of(small, page_size=10), select="customers", on_record=a_day_passes, clock=clock)
    assert len(output.latest("customers")) == 40
    assert [status for _, status in operations(small) if status != 200] == []
    assert len(requests_of(small, "access_token")) == 2


class WaitsOfAStore(list[float]):
    """Waits that also move the store's clock."""

    def __init__(self, clock: StoreClock) -> None:
        super().__init__()
        self._clock = clock

    @override
    def append(self, seconds: float) -> None:
        super().append(seconds)
        self._clock.advance(seconds)


def test_a_token_that_expires_while_the_bucket_fills_is_renewed_after_the_wait(clock):
    shop = build_shop(Options(now=parse_time(NOW), customers=200, checkouts=0, scopes=SCOPES, token_lifetime=40))
    waits = WaitsOfAStore(shop.store.clock)
    shop.engine.bucket = Bucket(80, 1, lambda: math.fsum(waits))
    with serving(shop) as url:
        sandbox = Sandbox(url, "sandbox.myshopify.com", "shpat_sandbox", 0)
        config = app_config_of(sandbox, extraction="pages", page_size=50)
        output = run_tap(config, select="customers", clock=clock, waits=waits)
        told = operations(sandbox)
    assert len(output.latest("customers")) == 200
    # A token is renewed when half of its life is over; the other half is not enough for such a wait.
    assert max(output.waits) > 20
    assert {status for _, status in told} == {200}
    assert told.count(("access_token", 200)) > 2


def test_a_token_that_expires_unnoticed_is_replaced(small, clock):
    def a_day_passes(record: int) -> None:
        if record == 15:
            small.control("POST", "clock", {"advance_seconds": DAY})

    config = app_config_of(small, extraction="pages", page_size=10)
    output = run_tap(config, select="customers", on_record=a_day_passes, clock=clock)
    assert len(output.records("customers")) == len(output.latest("customers")) == 40
    assert [(operation, status) for operation, status in operations(small) if operation != "Customers"] == [
        ("access_token", 200),
        ("CustomersProbe", 200),
        (None, 401),
        ("access_token", 200),
    ]


def test_each_revocation_in_mid_run_is_survived_by_one_renewal(quiet):
    def revoke(record: int) -> None:
        if record in {5, 15, 25}:
            quiet.control("POST", "tokens/revoke")

    output = run_tap(app_config_of(quiet, page_size=10), select="customers", on_record=revoke)
    assert len(output.records("customers")) == len(output.latest("customers")) == 40
    done = operations(quiet)
    assert (done.count((None, 401)), done.count(("access_token", 200))) == (3, 4)
    assert output.waits == []


def test_a_token_that_is_refused_while_a_bulk_operation_runs_is_replaced(small):
    small.control("POST", "bulk/plans", {"running_polls": 3})
    small.control("POST", "faults", {"kind": "http_status", "status": 401, "operation": "BulkPoll", "after": 1})
    output = run_tap(app_config_of(small, extraction="bulk"), select="customers")
    assert len(output.records("customers")) == len(output.latest("customers")) == 40
    done = operations(small)
    assert (done.count(("BulkPoll", 401)), done.count(("BulkRun", 200)), done.count(("access_token", 200))) == (1, 1, 2)


def test_a_new_token_that_is_refused_too_ends_the_run(quiet):
    quiet.control(
        "POST", "faults", {"kind": "http_status", "status": 401, "times": 2, "operation": "Customers", "after": 1}
    )
    error, output = failure_of(app_config_of(quiet, page_size=10))
    assert type(error) is TokenRefused
    assert str(error).startswith(
        f"{PLACE}Shopify refused the access token (HTTP 401). "
        "It was issued for client_id just before: check that the app is still installed. (request id "
    )
    assert len(output.records("customers")) < 40
    assert "until" in output.bookmarks("customers")[-1]
    assert len(requests_of(quiet, "access_token")) == 2


def test_a_permanent_token_that_is_refused_is_not_tried_again(quiet):
    quiet.control("POST", "faults", {"kind": "http_status", "status": 401, "operation": "Customers"})
    error, _ = failure_of(config_of(quiet, extraction="pages"))
    assert type(error) is TokenRefused
    assert error.advice == "Check the setting access_token and that the app is installed."
    assert operations(quiet) == [("CustomersProbe", 200), ("Customers", 401)]


@pytest.mark.parametrize(
    ("settings", "code", "advice"),
    [
        ({"client_secret": "shpss_wrong"}, "invalid_client", BOTH),
        (
            {"client_id": "other"},
            "application_cannot_be_found",
            "There is no app with this client_id: copy it from the app's settings again.",
        ),
    ],
)
def test_credentials_that_are_refused_are_told_before_anything_is_written(quiet, settings, code, advice):
    error, output = failure_of(app_config_of(quiet, **settings))
    assert type(error) is CredentialsRefused
    assert str(error).startswith(
        f"{PLACE}Shopify refused client_id and client_secret (HTTP 400, {code}). {advice} (request id "
    )
    assert output.lines == []
    assert operations(quiet) == [("access_token", 400)]


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        ({"kind": "http_status", "status": 503, "times": 2}, [0.25, 0.5]),
        ({"kind": "http_status", "status": 429, "retry_after": "2.0"}, [2.25]),
        ({"kind": "connection_closed"}, [0.25]),
        ({"kind": "truncated_body"}, [0.25]),
    ],
)
def test_a_token_request_is_tried_again(quiet, fault, waits):
    quiet.control("POST", "faults", {"operation": "access_token", **fault})
    output = run_tap(app_config_of(quiet), select="customers")
    assert (len(output.latest("customers")), output.waits) == (40, waits)


def test_a_renewal_in_mid_run_is_tried_for_as_long_as_any_request(quiet):
    def revoke(record: int) -> None:
        if record == 15:
            quiet.control("POST", "tokens/revoke")
            quiet.control(
                "POST", "faults", {"kind": "http_status", "status": 503, "times": 7, "operation": "access_token"}
            )

    output = run_tap(app_config_of(quiet, page_size=10), select="customers", on_record=revoke)
    assert (len(output.latest("customers")), len(output.waits)) == (40, 7)


def test_a_token_request_that_stays_unanswered_ends_the_run(quiet):
    quiet.control("POST", "faults", {"kind": "http_status", "status": 503, "times": None, "operation": "access_token"})
    error, output = failure_of(app_config_of(quiet))
    assert (type(error), error.problem) == (GaveUp, "Shopify could not answer (HTTP 503). Gave up after 3 tries.")
    assert output.lines == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_credentials_do_not_follow_a_redirect(quiet, status):
    with open_shop(customers=1, checkouts=0) as other:
        headers = {"location": f"{other.url}/admin/oauth/access_token"}
        quiet.control("POST", "faults", {"kind": "http_status", "status": status, "headers": headers})
        error, output = failure_of(app_config_of(quiet))
        assert (type(error), error.problem) == (ShopNotFound, f"The shop is now at 127.0.0.1 (HTTP {status}).")
        assert (output.lines, requests_of(other)) == ([], [])


@pytest.mark.parametrize(
    ("scopes", "advice"),
    [
        ((), NO_SCOPES),
        (("read_products",), SCOPE),
    ],
)
def test_a_missing_scope_says_what_to_do_with_the_app(scopes, advice):
    with open_shop(customers=5, checkouts=0, scopes=scopes) as sandbox:
        error, output = failure_of(app_config_of(sandbox))
    assert (type(error), error.advice, output.lines) == (AccessDenied, advice, [])
    assert "`read_customers` access scope." in error.problem


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "http_status", "status": 401, "operation": "Customers"},
        {"kind": "http_status", "status": 401, "operation": "Customers", "times": 2},
        {"kind": "http_status", "status": 400, "operation": "access_token", "body": {"error": "sandbox-secret"}},
        {"kind": "http_status", "status": 400, "operation": "access_token", "body": "Oauth error: sandbox-secret"},
        {"kind": "connection_closed", "operation": "access_token", "times": None},
        {"kind": "truncated_body", "operation": "access_token"},
        {"kind": "non_json", "operation": "access_token", "body": "shpat_marked"},
        {"kind": "errors_string", "operation": "access_token", "message": "shpat_marked"},
    ],
    ids=["renewed", "refused", "refusal", "page", "outage", "truncated", "no JSON", "no token"],
)
def test_no_secret_and_no_token_is_in_any_log_or_message(quiet, fault, caplog):
    quiet.control("POST", "faults", fault)
    told = ""
    writer = LineWriter()
    with caplog.at_level(logging.DEBUG):
        try:
            run_tap(app_config_of(quiet, edition="basic"), writer=writer)
        except TapError as error:
            told = "".join(traceback.format_exception(error))
    assert caplog.text
    for text in (caplog.text, told, b"".join(writer.lines).decode()):
        assert "sandbox-secret" not in text
        assert "shpat_" not in text
