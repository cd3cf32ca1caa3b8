"""Customers whose orders changed although Shopify did not move their `updated_at`."""

import logging
import typing as t
from datetime import timedelta

import pytest

from shopify_sandbox.process import Sandbox
from tap_shopify_contacts.customer_fields import CUSTOMER_FIELDS
from tap_shopify_contacts.errors import BookmarkError
from tap_shopify_contacts.order_refresh import follows_orders, ordered_since
from tap_shopify_contacts.times import format_instant, parse_instant
from tests.tap.helpers import LineWriter, Message, Output, config_of, open_shop, requests_of, run_tap, truth_of
from tests.tap.truth import customer_record

HOUR = 3600
ORDER_FIELDS = [field.name for field in CUSTOMER_FIELDS if field.name.startswith(("orders_", "last_order", "currency"))]


def later(sandbox: Sandbox, seconds: float = HOUR) -> None:
    sandbox.control("POST", "clock", {"advance_seconds": seconds})


def order(sandbox: Sandbox, number: int, **more: t.Any) -> None:
    """Place an order, which does not move the customer's `updated_at`."""
    sandbox.control("POST", f"customers/{number}/orders", {"quantity": 2, "total": "12.50", **more})


def people(sandbox: Sandbox) -> list[Message]:
    """Return the customers, those last changed longest ago first."""
    return sorted(truth_of(sandbox, "customers"), key=lambda customer: str(customer["updated_at"]))


def searches(sandbox: Sandbox) -> list[str]:
    return [entry["variables"]["query"] for entry in requests_of(sandbox, "Customers")]


def test_the_filter_finds_who_ordered_and_was_not_changed_since():
    since, start = parse_instant("2026-11-01T12:00:00Z"), parse_instant("2026-11-01T11:55:00Z")
    lookback = timedelta(minutes=5)
    assert ordered_since(since, lookback, read_from=start, start_date=None) == (
        "order_date:>='2026-11-01T11:55:00Z' AND updated_at:>='1970-01-01T00:00:00Z' "
        "AND updated_at:<'2026-11-01T11:55:00Z'"
    )
    assert ordered_since(since, lookback, read_from=start, start_date=parse_instant("2026-01-01")) == (
        "order_date:>='2026-11-01T11:55:00Z' AND updated_at:>='2026-01-01T00:00:00Z' "
        "AND updated_at:<'2026-11-01T11:55:00Z'"
    )


def test_only_fields_about_orders_need_it():
    for field in CUSTOMER_FIELDS:
        assert follows_orders([field], "2026-10") is (field.name in ORDER_FIELDS)


def test_who_ordered_is_read_again_with_the_time_of_change_that_shopify_has(small):
    first = run_tap(config_of(small), select="customers")
    truth = people(small)
    number = truth[0]["id"]
    later(small)
    order(small, number)
    later(small)
    small.control("DELETE", "requests")
    second = run_tap(config_of(small), select="customers", state=first.states[-1])
    (record,) = second.records("customers")
    assert record == customer_record(small.control("GET", f"customers/{number}"))
    assert record["updated_at"] == first.latest("customers")[number]["updated_at"]
    assert record["orders_count"] == first.latest("customers")[number]["orders_count"] + 1
    assert len(searches(small)) == 2
    third = run_tap(config_of(small), select="customers", state=second.states[-1])
    assert third.records("customers") == []


def test_who_also_changed_comes_once(small):
    first = run_tap(config_of(small), select="customers")
    number = people(small)[0]["id"]
    later(small)
    order(small, number)
    small.control("PATCH", f"customers/{number}", {"first_name": "Changed"})
    later(small)
    second = run_tap(config_of(small), select="customers", state=first.states[-1])
    assert [(record["id"], record["first_name"]) for record in second.records("customers")] == [(number, "Changed")]


def test_an_order_that_is_placed_while_a_run_reads_comes_with_the_next_run(small):
    number = people(small)[0]["id"]

    def place(record: int) -> None:
        if record == 20:
            order(small, number)

    first = run_tap(config_of(small), select="customers", on_record=place)
    later(small)
    second = run_tap(config_of(small), select="customers", state=first.states[-1])
    assert [record["id"] for record in second.records("customers")] == [number]
    assert second.latest("customers")[number] == customer_record(small.control("GET", f"customers/{number}"))


def test_a_first_run_and_a_full_table_run_read_nobody_again(quiet):
    first = run_tap(config_of(quiet), select="customers")
    again = run_tap(config_of(quiet), select="customers", state=first.states[-1], replication_method="FULL_TABLE")
    assert len(first.records("customers")) == len(again.records("customers")) == 40
    assert [search for search in searches(quiet) if "order_date" in search] == []
    assert {entry.get("orders_since") for entry in first.bookmarks("customers")[:-1]} == {
        first.bookmarks("customers")[0]["until"]
    }


@pytest.mark.parametrize(
    ("settings", "deselect"),
    [({"order_refresh": False}, []), ({"edition": "basic"}, []), ({}, ORDER_FIELDS)],
    ids=["off", "basic", "no order field"],
)
def test_orders_are_followed_only_where_somebody_wants_them(quiet, settings, deselect):
    state = {"bookmarks": {"customers": {"replication_key": "updated_at", "replication_key_value": "2026-10-01"}}}
    output = run_tap(config_of(quiet, **settings), select="customers", deselect=deselect, state=state)
    assert [search for search in searches(quiet) if "order_date" in search] == []
    assert [entry for entry in output.bookmarks("customers") if "orders_since" in entry] == []


def test_a_run_killed_between_its_windows_and_its_orders_follows_them_the_next_time(small):
    first = run_tap(config_of(small), select="customers")
    number, other = (customer["id"] for customer in people(small)[:2])
    later(small)
    order(small, number)
    later(small, 24 * HOUR)
    small.control("PATCH", f"customers/{other}", {"first_name": "Changed"})
    later(small)

    class Killed(Exception):
        pass

    def kill(record: int) -> None:
        # The first record is the changed one, the second the one that is read for its order.
        if record == 2:
            raise Killed

    writer = LineWriter(kill)
    with pytest.raises(Killed):
        run_tap(config_of(small), select="customers", state=first.states[-1], writer=writer)
    killed = Output(writer.lines)
    assert (
        killed.bookmarks("customers")[-1]["orders_since"] == first.bookmarks("customers")[-1]["replication_key_value"]
    )
    assert "until" not in killed.bookmarks("customers")[-1]
    later(small)
    after = run_tap(config_of(small), select="customers", state=killed.states[-1])
    assert [record["id"] for record in after.records("customers")] == [number]
    assert after.bookmarks("customers")[-1].keys() == {"replication_key", "replication_key_value"}


def test_a_first_run_that_was_killed_follows_orders_from_its_own_time_on(small):
    truth = people(small)

    class Killed(Exception):
        pass

    def kill(record: int) -> None:
        if record == 35:
            raise Killed

    writer = LineWriter(kill)
    with pytest.raises(Killed):
        run_tap(config_of(small), select="customers", writer=writer)
    killed = Output(writer.lines)
    later(small)
    order(small, truth[0]["id"])
    later(small)
    small.control("DELETE", "requests")
    after = run_tap(config_of(small), select="customers", state=killed.states[-1])
    seen = killed.latest("customers") | after.latest("customers")
    assert seen == {customer["id"]: customer_record(customer) for customer in people(small)}
    asked = [search for search in searches(small) if "order_date" in search]
    since = parse_instant(killed.bookmarks("customers")[0]["until"]) - timedelta(seconds=300)
    assert [search.split(" AND ")[0] for search in asked] == [f"order_date:>='{format_instant(since)}'"]


def test_a_run_too_soon_keeps_what_is_left_to_follow(quiet):
    entry = {
        "replication_key": "updated_at",
        "replication_key_value": "2026-11-01T12:30:00Z",
        "orders_since": "2026-10-30T00:00:00Z",
    }
    output = run_tap(config_of(quiet), select="customers", state={"bookmarks": {"customers": entry}})
    assert output.bookmarks("customers") == [entry]


def test_who_was_last_changed_before_the_start_date_stays_out(small):
    truth = people(small)
    start = truth[20]["updated_at"]
    first = run_tap(config_of(small, start_date=start), select="customers")
    later(small)
    order(small, truth[0]["id"])
    order(small, truth[25]["id"])
    later(small)
    second = run_tap(config_of(small, start_date=start), select="customers", state=first.states[-1])
    assert [record["id"] for record in second.records("customers")] == [truth[25]["id"]]


def test_a_shop_that_cannot_find_customers_by_orders_is_read_all_the_same_and_asked_again_next_time(quiet, caplog):
    state = {"bookmarks": {"customers": {"replication_key": "updated_at", "replication_key_value": "2026-11-01"}}}
    run_tap(config_of(quiet), select="customers", state=state)
    windows = len(searches(quiet)) - 1
    quiet.control("POST", "faults", {"kind": "search_warning", "operation": "Customers", "after": windows})
    with caplog.at_level(logging.WARNING):
        output = run_tap(config_of(quiet), select="customers", state=state)
    assert [entry.getMessage().partition(";")[0] for entry in caplog.records if entry.levelno == logging.WARNING] == [
        "customers: Shopify does not find customers by their orders"
    ]
    assert output.bookmarks("customers")[-1]["orders_since"] == "2026-11-01T00:00:00Z"
    assert "until" not in output.bookmarks("customers")[-1]


def test_a_time_of_orders_that_is_no_time_is_refused(quiet):
    entry = {"replication_key": "updated_at", "replication_key_value": "2026-11-01", "orders_since": "x"}
    with pytest.raises(BookmarkError):
        run_tap(config_of(quiet), select="customers", state={"bookmarks": {"customers": entry}})


def test_customers_read_while_the_shop_lives_end_equal_to_it_in_every_field():
    with open_shop(customers=200, checkouts=20, bucket=1_000_000) as sandbox:
        seen: dict[int, Message] = {}
        state: Message | None = None
        for _ in range(5):
            output = run_tap(config_of(sandbox), select="customers", state=state)
            state, seen = output.states[-1], seen | output.latest("customers")
            sandbox.control("POST", "tick", {"seconds": 6 * HOUR})
        output = run_tap(config_of(sandbox), select="customers", state=state)
        seen |= output.latest("customers")
        truth = {customer["id"]: customer_record(customer) for customer in truth_of(sandbox, "customers")}
    assert {number: seen[number] for number in truth} == truth
