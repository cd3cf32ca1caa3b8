"""Whatever the shop does and whenever runs are killed: what was emitted in the end equals the store.

Nothing is lost. A record may come more than once, as Singer allows, and then its last version counts.
"""

import contextlib
import typing as t

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopify_sandbox.process import Sandbox
from tap_shopify_contacts.errors import FatalError
from tests.tap.helpers import LineWriter, Message, Output, config_of, open_shop, run_tap, truth_of
from tests.tap.truth import COMPUTED, checkout_record, customer_record

STREAMS = ("customers", "abandoned_checkouts")
HOUR = 3600


class Killed(Exception):
    """The process was ended."""


PASSING = [
    {"kind": "connection_closed", "times": 2},
    {"kind": "truncated_body"},
    {"kind": "internal_server_error"},
    {"kind": "throttled", "times": 3},
    {"kind": "http_status", "status": 502, "times": 3},
    {"kind": "http_status", "status": 429, "retry_after": "3"},
    {"kind": "search_lag", "seconds": 240, "times": 3},
]
ENDING = [
    {"kind": "http_status", "status": 503, "times": 8},
    {"kind": "http_status", "status": 423},
    {"kind": "non_json"},
    {"kind": "search_warning"},
]


class Step(t.NamedTuple):
    """One run: what goes wrong from which request on, after which record it is killed, and what happens after it."""

    fault: dict[str, t.Any] | None
    after: int
    killed_after: int | None
    page_size: int
    extraction: str
    seconds: int


steps = st.builds(
    Step,
    fault=st.none() | st.sampled_from([*PASSING, *ENDING]),
    after=st.integers(0, 12),
    killed_after=st.none() | st.integers(1, 80),
    page_size=st.sampled_from([3, 7, 20, 250]),
    extraction=st.sampled_from(["pages", "pages", "auto", "bulk"]),
    seconds=st.sampled_from([0, 60, 400, HOUR, 6 * HOUR]),
)


def run_once(sandbox: Sandbox, state: Message | None, step: Step) -> Output:
    """Run the tap as a step says, and return what it had written when it ended."""

    def kill(count: int) -> None:
        if count == step.killed_after:
            raise Killed

    if step.fault is not None:
        sandbox.control("POST", "faults", {**step.fault, "after": step.after})
    writer = LineWriter(kill)
    config = config_of(sandbox, page_size=step.page_size, extraction=step.extraction)
    with contextlib.suppress(Killed, FatalError):
        run_tap(config, state=state, writer=writer)
    sandbox.control("DELETE", "faults")
    return Output(writer.lines)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1_000), plan=st.lists(steps, min_size=1, max_size=6))
def test_what_was_emitted_over_interrupted_runs_equals_the_store(seed, plan):
    seen: dict[str, dict[int, Message]] = {stream: {} for stream in STREAMS}
    state: Message | None = None
    with open_shop(seed=seed, customers=60, checkouts=20, bucket=1_000_000) as sandbox:
        # What changes in the last step is older than the horizon by the time of the run that nothing disturbs.
        calm = Step(None, 0, None, 250, "pages", 0)
        for step in [*plan, calm]:
            if step is calm:
                sandbox.control("POST", "clock", {"advance_seconds": HOUR})
            output = run_once(sandbox, state, step)
            state = output.states[-1] if output.states else state
            for stream in STREAMS:
                seen[stream] |= output.latest(stream)
            if step.seconds:
                sandbox.control("POST", "tick", {"seconds": step.seconds})
        people = {truth["id"]: truth for truth in truth_of(sandbox, "customers")}
        carts = {truth["id"]: truth for truth in truth_of(sandbox, "checkouts")}
    assert {number: seen["customers"].get(number) for number in people} == {
        number: customer_record(truth) for number, truth in people.items()
    }
    assert {
        number: {name: value for name, value in seen["abandoned_checkouts"][number].items() if name not in PASSED_ON}
        for number in carts
    } == {
        number: {name: value for name, value in checkout_record(truth, people).items() if name not in PASSED_ON}
        for number, truth in carts.items()
    }


PASSED_ON = COMPUTED | {"customer_id", "customer_email", "customer_phone"}
"""What a checkout has of its customer may change without the checkout."""


@pytest.mark.parametrize("stream", STREAMS)
def test_a_run_may_be_killed_after_any_record(quiet, stream):
    whole = run_tap(config_of(quiet, extraction="pages"), select=stream).latest(stream)
    for killed_after in range(1, len(whole) + 1, 4):

        def kill(count: int, last: int = killed_after) -> None:
            if count == last:
                raise Killed

        writer = LineWriter(kill)
        with pytest.raises(Killed):
            run_tap(config_of(quiet, extraction="pages"), select=stream, writer=writer)
        first = Output(writer.lines)
        second = run_tap(config_of(quiet, extraction="pages"), select=stream, state=first.states[-1])
        assert first.latest(stream) | second.latest(stream) == whole
