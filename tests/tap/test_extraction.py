"""Records by bulk operations: the same as by pages, whatever happens to the operation or on the way of its result."""

from __future__ import annotations

import logging

import pytest
import requests

from shopify_sandbox.process import Sandbox
from tap_shopify_contacts.errors import FieldDenied, FilterDropped, GaveUp
from tests.tap.bulk_runs import STREAMS, bookmark, bulk, ids_of, killed, operations_of, plan, uncounted
from tests.tap.helpers import LineWriter, Output, config_of, open_shop, requests_of, run_tap, truth_of

each_stream = pytest.mark.parametrize("stream", STREAMS)


# The same records


@each_stream
@pytest.mark.parametrize("version", ["2026-01", "2026-04", "2026-07", "2026-10"])
def test_both_roads_bring_the_same_records(stocked, stream, version):
    by_pages = run_tap(config_of(stocked, api_version=version, extraction="pages"), select=stream)
    by_bulk = bulk(stocked, stream, settings={"api_version": version})
    assert by_bulk.latest(stream) == by_pages.latest(stream)
    assert len(by_bulk.records(stream)) == len(by_bulk.latest(stream)) > 200


@each_stream
def test_a_selection_brings_the_same_records_by_both_roads(idle, stream):
    deselect = ["line_items", "email", "customer_email", "last_order_total", "line_items_quantity"]
    by_pages = run_tap(config_of(idle, extraction="pages"), select=stream, deselect=deselect)
    assert bulk(idle, stream, deselect=deselect).latest(stream) == by_pages.latest(stream)


def test_a_whole_run_is_one_operation_and_moves_the_bookmark_once(idle):
    output = bulk(idle)
    until = output.states[0]["bookmarks"]["customers"]["until"]
    (operation,) = [entry["id"] for entry in idle.control("GET", "bulk")][-1:]
    start = {"replication_key": "updated_at", "until": until, "orders_since": until}
    assert output.bookmarks("customers") == [
        start,
        {**start, "bulk_operation": operation},
        {"replication_key": "updated_at", "replication_key_value": until},
    ]
    assert output.kinds == ["STATE", "SCHEMA", "STATE", "RECORD", "STATE"]
    assert operations_of(idle) == ["CustomersProbe", "Customers", "BulkNewest", "BulkRun", "bulk_result"]


def test_no_token_goes_to_the_host_of_the_result(idle):
    bulk(idle)
    bulk(idle, "abandoned_checkouts")
    downloads = requests_of(idle, "bulk_result")
    assert [entry["secrets_sent"] for entry in downloads] == [[], []]


def test_a_result_without_rows_is_an_empty_stretch(idle):
    state = bookmark("2026-11-01T11:30:00Z")
    output = bulk(idle, state=state, settings={"lookback_seconds": 0, "order_refresh": False})
    assert output.records("customers") == []
    assert output.bookmarks("customers")[-1] == {
        "replication_key": "updated_at",
        "replication_key_value": output.states[0]["bookmarks"]["customers"]["until"],
    }
    assert requests_of(idle, "bulk_result") == []


def test_records_from_before_the_stretch_are_left_out_by_both_roads(small):
    truth = sorted(customer["updated_at"] for customer in truth_of(small, "customers"))
    state = bookmark(truth[20])
    settings = {"lookback_seconds": 0, "order_refresh": False}
    by_pages = run_tap(config_of(small, extraction="pages", **settings), select="customers", state=state)
    by_bulk = bulk(small, state=state, settings=settings)
    assert by_bulk.latest("customers") == by_pages.latest("customers")
    assert min(record["updated_at"] for record in by_bulk.records("customers")) >= truth[20]


# Which road


@pytest.fixture(scope="module")
def large():
    """A store with more customers and checkouts than are read by pages."""
    with open_shop(customers=2_001, checkouts=501, bucket=1_000_000) as sandbox:
        yield sandbox


@each_stream
def test_a_first_run_of_many_records_goes_by_bulk(large, stream):
    large.control("DELETE", "requests")
    output = run_tap(config_of(large), select=stream)
    assert len(output.latest(stream)) == len(ids_of(large, stream))
    assert [name for name in operations_of(large) if name.startswith(("Bulk", "bulk"))] == [
        "BulkNewest",
        "BulkRun",
        "bulk_result",
    ]


def test_a_full_table_of_many_records_goes_by_bulk(large):
    large.control("DELETE", "requests")
    state = bookmark("2026-11-01T11:00:00Z")
    output = run_tap(config_of(large), select="customers", state=state, replication_method="FULL_TABLE")
    assert sorted(output.latest("customers")) == ids_of(large)
    assert "BulkRun" in operations_of(large)


@each_stream
def test_a_first_run_of_few_records_goes_by_pages(idle, stream):
    output = run_tap(config_of(idle), select=stream)
    assert sorted(output.latest(stream)) == ids_of(idle, stream)
    assert "BulkRun" not in operations_of(idle)


@pytest.mark.parametrize(("since", "road"), [("2020-01-01T00:00:00Z", "bulk"), ("2026-10-01T00:00:00Z", "pages")])
def test_a_long_increment_is_counted_first(large, since, road):
    large.control("DELETE", "requests")
    state = bookmark(since)
    run_tap(config_of(large, order_refresh=False), select="customers", state=state)
    assert operations_of(large)[:2] == ["CustomersProbe", "CustomersCount"]
    assert ("BulkRun" in operations_of(large)) is (road == "bulk")


def test_a_short_increment_goes_by_pages_and_is_not_even_counted(large):
    large.control("DELETE", "requests")
    state = bookmark("2026-10-31T00:00:00Z")
    run_tap(config_of(large, order_refresh=False), select="customers", state=state)
    assert set(operations_of(large)) == {"CustomersProbe", "Customers"}


@pytest.mark.parametrize("fault", ["search_warning", "errors_string"])
def test_where_shopify_does_not_count_a_first_run_goes_by_bulk(idle, fault):
    if fault == "errors_string":
        idle.control("POST", "faults", {"kind": "protected_type", "type": "Customer", "operation": "CustomersCount"})
    else:
        idle.control("POST", "faults", {"kind": fault, "operation": "CustomersCount"})
    output = run_tap(config_of(idle), select="customers")
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert "BulkRun" in operations_of(idle)


def test_pages_only_means_pages_only(large):
    large.control("DELETE", "requests")
    run_tap(config_of(large, extraction="pages"), select="abandoned_checkouts")
    assert {name for name in operations_of(large) if name.startswith(("Bulk", "bulk"))} == set()
    assert "AbandonedCheckoutsCount" not in operations_of(large)


# What becomes of an operation


def test_counters_that_stay_at_nothing_and_jump_are_waited_for(idle, caplog):
    caplog.set_level(logging.INFO)
    plan(idle, created_polls=2, running_polls=5, counts=[0, 0, 0, 5033])
    output = bulk(idle)
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert output.waits == [pytest.approx(0.875 * 0.1 * 1.25**look) for look in range(8)]
    told = [message for message in caplog.messages if message.startswith("customers: The bulk operation is running")]
    assert (
        told
        == ["customers: The bulk operation is running."] * 3
        + ["customers: The bulk operation is running, 5,033 objects so far."] * 2
    )


@each_stream
def test_too_large_a_stretch_is_read_in_shorter_windows(idle, stream):
    few = {"customers": 12, "abandoned_checkouts": 9}[stream]
    plan(idle, ends="FAILED", error_code="TIMEOUT", above_rows=few, partial_rows=3, times=None)
    output = bulk(idle, stream)
    assert sorted(output.latest(stream)) == ids_of(idle, stream)
    reached = [mark["replication_key_value"] for mark in output.bookmarks(stream) if "replication_key_value" in mark]
    assert reached == sorted(reached)
    assert len(set(reached)) > 2


@pytest.mark.parametrize(
    "end", [{"ends": "FAILED", "error_code": "INTERNAL_SERVER_ERROR"}, {"ends": "CANCELED"}, {"ends": "EXPIRED"}]
)
def test_an_operation_that_ends_without_a_result_is_followed_by_another(idle, end):
    plan(idle, **end)
    output = bulk(idle)
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert operations_of(idle).count("BulkRun") == 3


def test_operations_that_keep_failing_end_the_run_where_the_bookmark_was(idle):
    plan(idle, ends="FAILED", error_code="TIMEOUT", times=None)
    writer = LineWriter()
    with pytest.raises(GaveUp) as caught:
        bulk(idle, writer=writer)
    assert str(caught.value) == (
        "shop sandbox.myshopify.com, stream customers: The bulk operation failed (TIMEOUT). "
        "Gave up after 5 bulk operations. Set extraction to auto or pages, which shows more of the cause."
    )
    output = Output(writer.lines)
    assert output.records("customers") == []
    assert [mark.get("replication_key_value") for mark in output.bookmarks("customers")] == [None] * len(output.states)


def test_operations_that_keep_failing_are_followed_by_pages(idle, caplog):
    uncounted(idle)
    plan(idle, ends="FAILED", error_code="TIMEOUT", times=5)
    with caplog.at_level(logging.WARNING):
        output = run_tap(config_of(idle), select="customers")
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert operations_of(idle).count("BulkRun") == 5
    assert caplog.messages[-1] == ("customers: The bulk operation failed (TIMEOUT). The rest is read by pages.")


def test_a_line_that_belongs_to_no_checkout_is_never_left_out_without_a_word(idle, caplog):
    bulk(idle, "abandoned_checkouts")
    variables = {"id": idle.control("GET", "bulk")[-1]["id"]}
    told = idle.graphql("query Look($id: ID!) { bulkOperation(id: $id) { url } }", variables)
    result = requests.get(told["data"]["bulkOperation"]["url"], timeout=10).text
    # The last line belongs to a checkout that is not there; length and numbers of lines are what Shopify tells.
    start = result.rindex("AbandonedCheckout\\/", 0, result.rindex("}")) + len("AbandonedCheckout\\/")
    end = result.index('"', start)
    broken = result[:start] + "9" * (end - start) + result[end:]
    idle.control("POST", "faults", {"kind": "http_status", "status": 200, "operation": "bulk_result", "body": broken})
    output = bulk(idle, "abandoned_checkouts")
    assert sorted(output.latest("abandoned_checkouts")) == ids_of(idle, "abandoned_checkouts")
    assert "1 lines in the result of the bulk operation belong to no checkout in it." in caplog.text


def test_a_document_that_shopify_refuses_is_followed_by_pages(idle):
    uncounted(idle)
    refusal = {"bulkOperation": None, "userErrors": [{"code": "INVALID", "field": ["query"], "message": "No."}]}
    body = {"data": {"bulkOperationRunQuery": refusal}}
    idle.control("POST", "faults", {"kind": "http_status", "status": 200, "body": body, "operation": "BulkRun"})
    output = run_tap(config_of(idle), select="customers")
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert operations_of(idle).count("BulkRun") == 1


def test_a_sixth_operation_waits_for_one_of_the_five_to_end(idle):
    for running in (30, 3, 30, 30, 30):
        idle.control("POST", "bulk", {"plan": {"running_polls": running}})
    output = bulk(idle)
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert operations_of(idle).count("BulkRun") == 2
    assert len(output.waits) > 2


def test_a_filter_that_shopify_drops_stops_the_run_before_an_operation(idle):
    # The result would hold every record of the shop, and nothing in it would say so.
    idle.control("POST", "faults", {"kind": "search_warning", "operation": "Customers"})
    with pytest.raises(FilterDropped):
        bulk(idle)
    assert requests_of(idle, "BulkRun") == []


def deny_phone(sandbox: Sandbox) -> None:
    fault = {"kind": "protected_field", "type": "CustomerPhoneNumber", "field": "phoneNumber", "times": None}
    sandbox.control("POST", "faults", fault)


def test_a_denied_field_is_not_asked_of_an_operation_and_left_out_as_by_pages(idle):
    deny_phone(idle)
    by_pages = run_tap(config_of(idle, extraction="pages", protected_data="warn"), select="customers")
    by_bulk = bulk(idle, settings={"protected_data": "warn"})
    assert by_bulk.latest("customers") == by_pages.latest("customers")
    assert all("phone" not in record for record in by_bulk.records("customers"))
    (run,) = requests_of(idle, "BulkRun")
    assert "phoneNumber" not in run["variables"]["query"]


def test_a_denied_field_stops_the_run_before_an_operation(idle):
    deny_phone(idle)
    with pytest.raises(FieldDenied):
        bulk(idle)
    assert requests_of(idle, "BulkRun") == []


def test_what_only_the_operation_is_denied_is_read_by_pages(idle):
    uncounted(idle)
    plan(idle, ends="FAILED", error_code="ACCESS_DENIED")
    output = run_tap(config_of(idle), select="customers")
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert operations_of(idle).count("BulkRun") == 1


# On the way of the result


@each_stream
@pytest.mark.parametrize("cut", [0, 1, 1000, 20_000])
def test_a_download_goes_on_where_it_broke_off(idle, stream, cut):
    idle.control("POST", "faults", {"kind": "truncated_body", "bytes": cut, "operation": "bulk_result"})
    output = bulk(idle, stream)
    assert sorted(record["id"] for record in output.records(stream)) == ids_of(idle, stream)
    first, second = requests_of(idle, "bulk_result")
    assert (first["range"], second["range"]) == (None, f"bytes={cut}-" if cut else None)
    assert second["status"] == (206 if cut else 200)


def test_a_host_that_knows_no_ranges_is_read_again_and_nothing_is_told_twice(idle):
    for kind, times in (("truncated_body", 1), ("ignore_range", None)):
        options = {"bytes": 9000} if kind == "truncated_body" else {}
        fault = {"kind": kind, "operation": "bulk_result", "times": times, **options}
        idle.control("POST", "faults", fault)
    output = bulk(idle)
    assert sorted(record["id"] for record in output.records("customers")) == ids_of(idle)
    assert [entry["status"] for entry in requests_of(idle, "bulk_result")] == [200, 200]


@pytest.mark.parametrize(
    "fault",
    [{"kind": "http_status", "status": 503, "retry_after": 7}, {"kind": "connection_closed"}],
    ids=lambda fault: fault["kind"],
)
def test_a_host_in_trouble_is_asked_again(idle, fault):
    idle.control("POST", "faults", {**fault, "operation": "bulk_result", "times": 3})
    output = bulk(idle)
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert len(output.waits) == 4
    assert (max(output.waits) >= 7) is ("retry_after" in fault)


def test_a_host_that_cannot_be_reached_at_all_leaves_it_to_pages(idle):
    uncounted(idle)
    idle.control("POST", "faults", {"kind": "connection_closed", "operation": "bulk_result", "times": 8})
    output = run_tap(config_of(idle), select="customers")
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert operations_of(idle).count("BulkRun") == 1
    assert operations_of(idle)[-1] == "Customers"


def test_an_address_that_has_expired_is_asked_for_anew(idle):
    state = killed(idle, 1).states[-1]
    number = idle.control("GET", "bulk")[-1]["number"]
    idle.control("POST", f"bulk/{number}/expire", {})
    idle.control("DELETE", "requests")
    output = bulk(idle, state=state, settings={"extraction": "auto"})
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert operations_of(idle)[:3] == ["CustomersProbe", "Customers", "bulk_result"]
    assert "BulkRun" not in operations_of(idle)


def test_an_address_that_expires_during_the_download_is_asked_for_anew(idle):
    refusal = {"kind": "http_status", "status": 403, "operation": "bulk_result", "after": 1}
    idle.control("POST", "faults", {"kind": "truncated_body", "bytes": 5000, "operation": "bulk_result"})
    idle.control("POST", "faults", refusal)
    output = bulk(idle)
    assert sorted(record["id"] for record in output.records("customers")) == ids_of(idle)
    assert [entry["status"] for entry in requests_of(idle, "bulk_result")] == [200, 403, 206]
    assert operations_of(idle).count("BulkRun") == 1


def test_a_result_that_is_refused_for_good_is_made_again(idle):
    idle.control("POST", "faults", {"kind": "http_status", "status": 404, "operation": "bulk_result", "times": 2})
    output = bulk(idle)
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert operations_of(idle).count("BulkRun") == 3
