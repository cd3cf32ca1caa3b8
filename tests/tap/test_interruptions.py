"""Whatever befalls any sequence of runs, the last of them leaves nothing out."""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

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
    ("faults", {"kind": "search_lag", "seconds": 240}),
    ("faults", {"kind": "connection_closed", "after": 3}),
    ("faults", {"kind": "http_status", "status": 403, "operation": "bulk_result", "times": 2}),
    ("faults", {"kind": "http_status", "status": 403, "operation": "BulkPoll"}),
    ("faults", {"kind": "internal_server_error", "times": 9, "after": 2}),
]
RUNS = st.tuples(
    st.sampled_from(["bulk", "bulk", "auto", "pages"]),
    st.lists(st.sampled_from(FAULTS), max_size=2),
    st.none() | st.tuples(st.sampled_from(["record", "message", "wait"]), st.integers(1, 25)),
    st.sampled_from([0, 0, 600, 4 * 24 * 3600]),
)


class LastLines(LineWriter):
    """A writer whose process ends as it is about to write a message that is no record, the n-th one."""

    def __init__(self, kill: Callable[[int], None], ends_at: int | None) -> None:
        super().__init__(kill)
        self._left = ends_at

    @override
    def write_message(self, message: t.Any) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                raise KilledError
        super().write_message(message)


class LastWaits(list[float]):
    """Waits, in the n-th of which the process ends: while an operation runs, or before something is tried again."""

    def __init__(self, ends_at: int | None) -> None:
        super().__init__()
        self._ends_at = ends_at

    @override
    def append(self, seconds: float) -> None:
        super().append(seconds)
        if len(self) == self._ends_at:
            raise KilledError


def interrupted(sandbox, stream: str, extraction: str, end: tuple[str, int] | None, state: Message | None) -> Output:
    """Read a stream until it ends, fails, or is killed at the n-th record, message or wait."""
    at = dict([end] if end else [])

    def kill(count: int) -> None:
        if count == at.get("record"):
            raise KilledError

    writer = LastLines(kill, at.get("message"))
    with contextlib.suppress(KilledError, TapError):
        waits = LastWaits(at.get("wait"))
        bulk(sandbox, stream, {"extraction": extraction}, state=state, writer=writer, waits=waits)
    return Output(writer.lines)


def read_to_the_end(sandbox, stream: str, runs: list[t.Any]) -> dict[int, Message]:
    """Return the last record of each id after some unlucky runs and a last good one."""
    state: Message | None = None
    seen: dict[int, Message] = {}
    for extraction, faults, end, tick in runs:
        for path, fault in faults:
            sandbox.control("POST", path, fault)
        output = interrupted(sandbox, stream, extraction, end, state)
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
