"""Runs one after the other: what changed arrives, nothing is lost, and the bookmark only goes forward."""

import itertools
import typing as t
from datetime import timedelta

import pytest

from shopify_sandbox.process import Sandbox
from tap_shopify_contacts.customer_fields import CUSTOMER_FIELDS
from tap_shopify_contacts.errors import BookmarkError, GaveUp
from tap_shopify_contacts.times import format_instant, parse_instant
from tests.tap.helpers import LineWriter, Message, Output, config_of, open_shop, requests_of, run_tap, truth_of
from tests.tap.truth import checkout_lines, customer_record, seconds

HORIZON = 120


def bookmark(stream: str, value: str, **more: str) -> Message:
    """Return a state with one bookmark."""
    entry = {"replication_key": "updated_at", "replication_key_value": value, **more}
    return {"bookmarks": {stream: entry}}


def test_a_first_run_begins_without_a_value_and_ends_at_its_until(quiet):
    before = quiet.control("GET", "clock")["now"]
    bookmarks = run_tap(config_of(quiet), select="customers").bookmarks("customers")
    after = quiet.control("GET", "clock")["now"]
    until = bookmarks[0]["until"]
    assert bookmarks[0] == {"replication_key": "updated_at", "until": until, "orders_since": until}
    assert bookmarks[-1] == {"replication_key": "updated_at", "replication_key_value": until}
    assert before <= format_instant(parse_instant(until) + timedelta(seconds=HORIZON)) <= after


def test_each_window_is_followed_by_its_state(quiet):
    output = run_tap(config_of(quiet), select="customers")
    assert output.kinds[:3] == ["STATE", "SCHEMA", "RECORD"]
    assert output.kinds[-1] == "STATE"
    reached = ""
    for message in output.messages:
        if message["type"] == "RECORD":
            assert message["record"]["updated_at"] >= reached
        elif message["type"] == "STATE":
            value = message["value"]["bookmarks"]["customers"].get("replication_key_value", "")
            assert value >= reached
            reached = value
    until = output.bookmarks("customers")[0]["until"]
    assert [entry.get("until") for entry in output.bookmarks("customers")] == [
        *[until] * (len(output.states) - 1),
        None,
    ]


def test_a_state_never_runs_ahead_of_its_records(quiet):
    output = run_tap(config_of(quiet), select="customers")
    reached = "0"
    waiting = {record["id"]: record["updated_at"] for record in output.records("customers")}
    for message in output.messages:
        if message["type"] == "RECORD":
            del waiting[message["record"]["id"]]
        elif message["type"] == "STATE":
            reached = message["value"]["bookmarks"]["customers"].get("replication_key_value", "0")
        assert all(updated_at >= reached for updated_at in waiting.values())
    assert waiting == {}


def test_the_schema_names_keys_and_shop(quiet):
    output = run_tap(config_of(quiet), select="customers")
    schema = next(message for message in output.messages if message["type"] == "SCHEMA")
    assert (schema["stream"], schema["key_properties"], schema["bookmark_properties"]) == (
        "customers",
        ["id"],
        ["updated_at"],
    )
    assert schema["schema"]["properties"]["shop"] == {
        "type": "string",
        "const": "sandbox.myshopify.com",
        "title": "Shop",
        "description": "The shop's myshopify.com name.",
    }
    assert all("title" in prop for prop in schema["schema"]["properties"].values())


@pytest.fixture
def lively() -> t.Iterator[Sandbox]:
    """A store in which something happens in each quarter of a day."""
    with open_shop(customers=400, checkouts=60, bucket=1_000_000) as sandbox:
        yield sandbox


def read_by_the_quarter(sandbox: Sandbox, stream: str, **settings: str) -> tuple[dict[int, Message], list[int]]:
    """Read a stream while the store lives and once after: the last record of each id, and how many each run had."""
    state: Message | None = None
    seen: dict[int, Message] = {}
    counts = []
    for _ in range(5):
        output = run_tap(config_of(sandbox, **settings), state=state, select=stream)
        state = output.states[-1]
        seen |= output.latest(stream)
        counts.append(len(output.records(stream)))
        sandbox.control("POST", "tick", {"seconds": 6 * 3600})
    output = run_tap(config_of(sandbox, **settings), state=state, select=stream)
    return seen | output.latest(stream), counts


def test_customers_read_while_the_store_lives_end_equal_to_it(lively):
    seen, counts = read_by_the_quarter(lively, "customers", edition="basic")
    truth = {customer["id"]: customer_record(customer) for customer in truth_of(lively, "customers")}
    assert seen == {number: {name: record[name] for name in seen[number]} for number, record in truth.items()}
    assert len(seen) > 400
    assert all(0 < count < 100 for count in counts[1:])


def test_checkouts_read_while_the_store_lives_end_equal_to_it(lively):
    seen, counts = read_by_the_quarter(lively, "abandoned_checkouts")
    told = {number: (record["completed_at"], record["line_items"]) for number, record in seen.items()}
    assert told == {
        checkout["id"]: (seconds(checkout["completed_at"]), checkout_lines(checkout))
        for checkout in truth_of(lively, "checkouts")
    }
    assert len(seen) > 60
    assert all(0 < count < 60 for count in counts[1:])


def test_an_increment_asks_for_its_own_stretch_only(small):
    first = run_tap(config_of(small), select="customers")
    small.control("POST", "clock", {"advance_seconds": 3600})
    changed = truth_of(small, "customers")[5]["id"]
    small.control("PATCH", f"customers/{changed}", {"first_name": "Changed"})
    small.control("POST", "clock", {"advance_seconds": 3600})
    small.control("DELETE", "requests")
    config = config_of(small, extraction="pages", order_refresh=False)
    second = run_tap(config, select="customers", state=first.states[-1])
    assert [record["id"] for record in second.records("customers")] == [changed]
    assert [entry["operation"] for entry in requests_of(small)] == ["CustomersProbe", "Customers"]
    start, until = (
        second.bookmarks("customers")[0]["replication_key_value"],
        second.bookmarks("customers")[0]["until"],
    )
    assert start == first.bookmarks("customers")[-1]["replication_key_value"]
    assert until > start
    assert second.bookmarks("customers")[-1] == {"replication_key": "updated_at", "replication_key_value": until}


def test_what_changed_within_the_horizon_comes_with_the_next_run(small):
    number = truth_of(small, "customers")[5]["id"]
    small.control("PATCH", f"customers/{number}", {"first_name": "Recent"})
    first = run_tap(config_of(small), select="customers")
    assert number not in first.latest("customers")
    small.control("POST", "clock", {"advance_seconds": 2 * HORIZON})
    second = run_tap(config_of(small), select="customers", state=first.states[-1])
    assert [record["first_name"] for record in second.records("customers")] == ["Recent"]


def test_a_change_that_the_search_shows_late_is_looked_back_for(small):
    number = truth_of(small, "customers")[5]["id"]
    small.control("PATCH", f"customers/{number}", {"first_name": "Late"})
    small.control("POST", "clock", {"advance_seconds": 200})
    small.control("POST", "faults", {"kind": "search_lag", "seconds": 300})
    first = run_tap(config_of(small), select="customers")
    assert first.latest("customers")[number]["first_name"] != "Late"
    small.control("DELETE", "faults")
    small.control("POST", "clock", {"advance_seconds": 200})
    second = run_tap(config_of(small), select="customers", state=first.states[-1])
    assert second.latest("customers")[number]["first_name"] == "Late"
    third = run_tap(config_of(small, lookback_seconds=0), select="customers", state=first.states[-1])
    assert number not in third.latest("customers")


def test_a_run_too_soon_reads_nothing_and_keeps_the_bookmark(quiet):
    state = bookmark("customers", "2026-11-01T12:30:00Z")
    output = run_tap(config_of(quiet), select="customers", state=state)
    assert output.kinds == ["STATE", "SCHEMA"]
    assert output.states == [state]
    assert requests_of(quiet, "Customers") == []


def test_an_interrupted_runs_until_is_not_taken_over(quiet):
    state = bookmark("customers", "2026-11-01T12:30:00Z", until="2027-01-01T00:00:00Z")
    output = run_tap(config_of(quiet), select="customers", state=state)
    assert output.states == [bookmark("customers", "2026-11-01T12:30:00Z")]


@pytest.mark.parametrize("killed_after", [1, 9, 25, 40])
def test_a_killed_run_goes_on_where_its_last_state_was(quiet, killed_after):
    class Killed(Exception):
        pass

    def kill(count: int) -> None:
        if count == killed_after:
            raise Killed

    writer = LineWriter(kill)
    with pytest.raises(Killed):
        run_tap(config_of(quiet), select="customers", writer=writer)
    before = Output(writer.lines)
    assert "until" in before.bookmarks("customers")[-1]
    after = run_tap(config_of(quiet), select="customers", state=before.states[-1])
    ids = {record["id"] for record in itertools.chain(before.records("customers"), after.records("customers"))}
    assert ids == {truth["id"] for truth in truth_of(quiet, "customers")}


def test_records_that_move_while_they_are_read_are_not_lost(small):
    truth = sorted(truth_of(small, "customers"), key=lambda customer: (customer["updated_at"], customer["id"]))
    read, unread = truth[2]["id"], truth[30]["id"]

    def move(count: int) -> None:
        if count == 10:
            for number in (read, unread):
                small.control("PATCH", f"customers/{number}", {"first_name": "Moved"})

    # One window, so that both are in the pages that are being read.
    config = config_of(small, page_size=10, start_date="2025-01-01")
    first = run_tap(config, select="customers", on_record=move)
    small.control("POST", "clock", {"advance_seconds": 600})
    second = run_tap(config, select="customers", state=first.states[-1])
    both = first.latest("customers") | second.latest("customers")
    assert both.keys() == {customer["id"] for customer in truth}
    assert {number: both[number]["first_name"] for number in (read, unread)} == {read: "Moved", unread: "Moved"}
    assert unread not in first.latest("customers")


def test_more_than_was_asked_for_is_taken_if_it_is_newer_and_left_if_it_is_older(quiet):
    times = ["2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z", "2026-11-01T11:00:00Z", "2030-01-01T00:00:00Z"]
    edges = [
        {"node": {"legacyResourceId": str(number), "updatedAt": updated_at}} for number, updated_at in enumerate(times)
    ]
    page = {"edges": edges, "pageInfo": {"hasNextPage": False, "endCursor": None}}
    body = {"data": {"customers": page}}
    quiet.control(
        "POST", "faults", {"kind": "http_status", "status": 200, "body": body, "operation": "Customers", "times": None}
    )
    deselect = [field.name for field in CUSTOMER_FIELDS]
    state = bookmark("customers", "2026-11-01T00:00:00Z")
    output = run_tap(config_of(quiet, lookback_seconds=0), select="customers", deselect=deselect, state=state)
    assert [record["id"] for record in output.records("customers")] == [1, 2, 3]
    assert output.bookmarks("customers")[-1]["replication_key_value"] < times[-1]


def test_the_start_date_bounds_the_first_run_only(quiet):
    truth = truth_of(quiet, "customers")
    start = sorted(customer["updated_at"] for customer in truth)[20]
    first = run_tap(config_of(quiet, start_date=start), select="customers")
    assert first.latest("customers").keys() == {customer["id"] for customer in truth if customer["updated_at"] >= start}
    assert first.bookmarks("customers")[0]["replication_key_value"] == start
    state = bookmark("customers", "2020-01-01T00:00:00Z")
    assert len(run_tap(config_of(quiet, start_date=start), select="customers", state=state).latest("customers")) == 40


def test_a_start_date_to_come_reads_nothing(quiet):
    output = run_tap(config_of(quiet, start_date="2027-01-01"), select="customers")
    assert output.kinds == ["STATE", "SCHEMA"]
    assert output.states == [bookmark("customers", "2027-01-01T00:00:00Z")]


def test_an_empty_store_still_says_whose_it_is():
    with open_shop(customers=0, checkouts=0) as sandbox:
        output = run_tap(config_of(sandbox))
        assert output.kinds == ["STATE", "SCHEMA", "STATE", "SCHEMA", "STATE"]
        names = [entry["operation"] for entry in requests_of(sandbox)]
        assert names == ["AbandonedCheckoutsProbe", "CustomersProbe"]
        until = output.states[0]["bookmarks"]["customers"]["until"]
        done = {"replication_key": "updated_at", "replication_key_value": until}
        assert output.states[-1]["bookmarks"]["customers"] == done


def test_ten_empty_years_cost_few_requests(quiet):
    state = bookmark("customers", "2015-01-01T00:00:00Z")
    run_tap(config_of(quiet, extraction="pages", order_refresh=False), select="customers", state=state)
    assert len(requests_of(quiet, "Customers")) <= 8


def test_a_full_table_run_ignores_the_bookmark_and_leaves_one(quiet):
    state = bookmark("customers", "2026-11-01T12:30:00Z")
    output = run_tap(config_of(quiet), select="customers", state=state, replication_method="FULL_TABLE")
    assert len(output.records("customers")) == 40
    until = output.bookmarks("customers")[0]["until"]
    assert output.states[-1] == bookmark("customers", until)


def test_a_bookmark_that_is_no_time_is_refused(quiet):
    with pytest.raises(BookmarkError) as caught:
        run_tap(config_of(quiet), select="customers", state=bookmark("customers", "a@example.com"))
    assert str(caught.value) == (
        "stream customers: The bookmark in the state is not a time. Correct the state or remove it."
    )


def test_a_bookmark_of_another_key_is_not_used(quiet):
    state = {"bookmarks": {"customers": {"replication_key": "created_at", "replication_key_value": "2026-10-31"}}}
    assert len(run_tap(config_of(quiet), select="customers", state=state).records("customers")) == 40


def test_a_run_that_fails_keeps_the_windows_that_were_read(quiet):
    quiet.control(
        "POST", "faults", {"kind": "http_status", "status": 503, "operation": "Customers", "after": 1, "times": 99}
    )
    writer = LineWriter()
    with pytest.raises(GaveUp):
        run_tap(config_of(quiet), select="customers", writer=writer)
    failed = Output(writer.lines)
    assert "replication_key_value" in failed.bookmarks("customers")[-1]
    assert "until" in failed.bookmarks("customers")[-1]
    quiet.control("DELETE", "faults")
    after = run_tap(config_of(quiet), select="customers", state=failed.states[-1])
    assert failed.latest("customers").keys() | after.latest("customers").keys() == {
        truth["id"] for truth in truth_of(quiet, "customers")
    }


def test_a_deleted_checkout_with_unread_lines_is_left_out(small):
    number = small.control("POST", "checkouts", {"customer_id": None, "lines": 30})["id"]
    small.control("POST", "clock", {"advance_seconds": 300})
    gone = {"data": {"node": None}}
    small.control(
        "POST", "faults", {"kind": "http_status", "status": 200, "body": gone, "operation": "AbandonedCheckoutLines"}
    )
    records = run_tap(config_of(small), select="abandoned_checkouts").latest("abandoned_checkouts")
    assert records.keys() == {truth["id"] for truth in truth_of(small, "checkouts")} - {number}
