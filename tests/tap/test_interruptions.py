"""Whatever befalls any sequence of runs, the last of them leaves nothing out."""

from __future__ import annotations

import contextlib
import typing as t

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tap_shopify_contacts.errors import TapError
from tests.tap.bulk_runs import KilledError, bulk
from tests.tap.helpers import LineWriter, Message, Output, open_shop, truth_of
from tests.tap.truth import checkout_lines, customer_record, seconds

FAULTS: list[tuple[str, dict[str, t.Any]]] = [
    ("bulk/plans", {"ends": "FAILED", "error_code": "TIMEOUT", "above_rows": 5, "times": 3}),
    ("bulk/plans", {"ends": "FAILED", "error_code": "INTERNAL_SERVER_ERROR", "times": 9}),
    ("bulk/plans", {"ends": "CANCELED"}),
    ("bulk/plans", {"ends": "EXPIRED"}),
    ("bulk/plans", {"running_polls": 4}),
    ("faults", {"kind": "truncated_body", "bytes": 3000, "operation": "bulk_result", "times": 3}),
    ("faults", {"kind": "ignore_range", "operation": "bulk_result", "times": 3}),
    ("faults", {"kind": "connection_closed", "after": 3}),
    ("faults", {"kind": "http_status", "status": 403, "operation": "bulk_result", "times": 2}),
    ("faults", {"kind": "http_status", "status": 403, "operation": "BulkPoll"}),
    ("faults", {"kind": "internal_server_error", "times": 9, "after": 2}),
]
RUNS = st.tuples(
    st.sampled_from(["bulk", "bulk", "auto", "pages"]),
    st.lists(st.sampled_from(FAULTS), max_size=2),
    st.none() | st.integers(1, 25),
    st.sampled_from([0, 0, 600, 4 * 24 * 3600]),
)


def interrupted(sandbox, stream: str, extraction: str, kill_after: int | None, state: Message | None) -> Output:
    """Read a stream until it ends, fails, or is killed after so many records."""

    def kill(count: int) -> None:
        if count == kill_after:
            raise KilledError

    writer = LineWriter(kill)
    with contextlib.suppress(KilledError, TapError):
        bulk(sandbox, stream, {"extraction": extraction}, state=state, writer=writer)
    return Output(writer.lines)


def read_to_the_end(sandbox, stream: str, runs: list[t.Any]) -> dict[int, Message]:
    """Return the last record of each id after some unlucky runs and a last good one."""
    state: Message | None = None
    seen: dict[int, Message] = {}
    for extraction, faults, kill_after, tick in runs:
        for path, fault in faults:
            sandbox.control("POST", path, fault)
        output = interrupted(sandbox, stream, extraction, kill_after, state)
        seen |= output.latest(stream)
        state = output.states[-1] if output.states else state
        sandbox.control("DELETE", "faults")
        sandbox.control("DELETE", "bulk/plans")
        if tick:
            sandbox.control("POST", "tick", {"seconds": tick})
    sandbox.control("POST", "clock", {"advance_seconds": 600})
    return seen | bulk(sandbox, stream, {"extraction": "auto"}, state=state).latest(stream)


@given(st.integers(0, 30), st.integers(0, 5), st.lists(RUNS, max_size=4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_customers_end_equal_to_the_store(customers, seed, runs):
    with open_shop(customers=customers, checkouts=0, seed=seed, bucket=1_000_000) as sandbox:
        seen = read_to_the_end(sandbox, "customers", runs)
        truth = {customer["id"]: customer_record(customer) for customer in truth_of(sandbox, "customers")}
    assert {number: seen.get(number) for number in truth} == truth


@given(st.integers(0, 9), st.integers(0, 5), st.lists(RUNS, max_size=4))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_checkouts_end_equal_to_the_store(checkouts, seed, runs):
    with open_shop(customers=10, checkouts=checkouts, seed=seed, bucket=1_000_000) as sandbox:
        seen = read_to_the_end(sandbox, "abandoned_checkouts", runs)
        truth = {checkout["id"]: checkout for checkout in truth_of(sandbox, "checkouts")}
    assert {number: (seen[number]["completed_at"], seen[number]["line_items"]) for number in truth} == {
        number: (seconds(checkout["completed_at"]), checkout_lines(checkout)) for number, checkout in truth.items()
    }
