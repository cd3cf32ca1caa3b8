"""Bulk operations outlive a run: the next one goes on with what the last one left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from typing_extensions import override

from tests.tap.bulk_runs import KilledError, bulk, ids_of, killed, operations_of, plan, uncounted
from tests.tap.helpers import LineWriter, Output, config_of, requests_of, truth_of


def forgotten(sandbox, **options):
    """Start an operation, and end the run before the state that names it is written. Returns what was written."""

    class Forgetful(LineWriter):
        @override
        def write_message(self, message):
            if message.type == "STATE" and "bulk_operation" in message.value["bookmarks"]["customers"]:
                raise KilledError
            super().write_message(message)

    writer = Forgetful()
    with pytest.raises(KilledError):
        bulk(sandbox, writer=writer, **options)
    return Output(writer.lines)


def test_a_run_that_is_killed_while_it_reads_goes_on_with_the_same_result(small):
    before = killed(small, 25)
    operation = before.states[-1]["bookmarks"]["customers"]["bulk_operation"]
    number = truth_of(small, "customers")[5]["id"]
    small.control("PATCH", f"customers/{number}", {"first_name": "Changed"})
    small.control("POST", "clock", {"advance_seconds": 3 * 24 * 3600})
    small.control("DELETE", "requests")
    after = bulk(small, state=before.states[-1], settings={"extraction": "auto"})
    assert sorted(after.latest("customers")) == ids_of(small)
    assert after.latest("customers")[number]["first_name"] == "Changed"
    assert "BulkRun" not in operations_of(small)
    # The first STATE names the operation still: this run may be killed as well.
    assert after.bookmarks("customers")[0]["bulk_operation"] == operation
    assert "bulk_operation" not in after.bookmarks("customers")[-1]


def test_what_the_search_showed_late_to_the_old_operation_is_looked_for_again(small):
    number = truth_of(small, "customers")[5]["id"]
    small.control("PATCH", f"customers/{number}", {"first_name": "Late"})
    small.control("POST", "clock", {"advance_seconds": 200})
    small.control("POST", "faults", {"kind": "search_lag", "seconds": 300})
    before = killed(small, 25)
    small.control("DELETE", "faults")
    small.control("POST", "clock", {"advance_seconds": 3600})
    after = bulk(small, state=before.states[-1])
    assert after.latest("customers")[number]["first_name"] == "Late"


def test_orders_since_the_old_operation_are_followed(small):
    state = under_way(small)
    number = truth_of(small, "customers")[5]["id"]
    look_at(small, state["bookmarks"]["customers"]["bulk_operation"])
    small.control("POST", "clock", {"advance_seconds": 3600})
    small.control("POST", f"customers/{number}/orders", {"quantity": 3, "total": "30.00", "touch_updated_at": False})
    small.control("POST", "clock", {"advance_seconds": 3600})
    record = bulk(small, state=state).latest("customers")[number]
    truth = next(customer for customer in truth_of(small, "customers") if customer["id"] == number)
    assert record["orders_count"] == truth["orders_count"]
    assert record["last_order_id"] == truth["last_order"]["number"]


def test_an_operation_whose_id_was_lost_is_recognised_by_what_it_reads(idle):
    plan(idle, running_polls=3)
    forgotten(idle)
    idle.control("DELETE", "requests")
    uncounted(idle)
    output = bulk(idle, settings={"extraction": "auto"})
    assert sorted(output.latest("customers")) == ids_of(idle)
    names = ["CustomersProbe", "CustomersCount", "Customers", "BulkNewest", "bulk_result", "Customers"]
    assert operations_of(idle)[: len(names)] == names
    assert "BulkRun" not in operations_of(idle)


def test_an_operation_of_somebody_else_is_left_alone(idle):
    idle.control("POST", "bulk")
    output = bulk(idle)
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert [entry["status"] for entry in idle.control("GET", "bulk")[-2:]] == ["RUNNING", "COMPLETED"]


def under_way(sandbox):
    """Return the state of a run that was killed as soon as its operation was under way."""
    forgotten(sandbox)
    return {"bookmarks": {"customers": {"bulk_operation": sandbox.control("GET", "bulk")[-1]["id"]}}}


def look_at(sandbox, operation):
    sandbox.graphql("query Look($id: ID!) { bulkOperation(id: $id) { status } }", {"id": operation})


@pytest.mark.parametrize(
    "change",
    [{"deselect": ["note"]}, {"settings": {"extraction": "bulk", "start_date": "2020-01-01"}}],
    ids=["fields", "start"],
)
def test_an_operation_that_reads_something_else_is_ended_and_not_used(idle, change):
    plan(idle, running_polls=50)
    state = under_way(idle)
    output = bulk(idle, state=state, **change)
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert [entry["variables"]["id"] for entry in requests_of(idle, "BulkCancel")] == [
        state["bookmarks"]["customers"]["bulk_operation"]
    ]


@pytest.mark.parametrize("fate", ["expired", "unknown", "failed", "nonsense"])
def test_an_operation_without_a_result_is_followed_by_a_new_one(idle, fate):
    if fate == "failed":
        plan(idle, ends="FAILED", error_code="TIMEOUT")
    state = under_way(idle)
    mark = state["bookmarks"]["customers"]
    number = int(mark["bulk_operation"].rpartition("/")[2])
    look_at(idle, mark["bulk_operation"])
    if fate == "expired":
        idle.control("POST", f"bulk/{number}/expire", {"operation": True})
    elif fate == "unknown":
        mark["bulk_operation"] = "gid://shopify/BulkOperation/1"
    elif fate == "nonsense":
        mark["bulk_operation"] = "someone@example.com"
    idle.control("DELETE", "requests")
    output = bulk(idle, state=state)
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert operations_of(idle).count("BulkRun") == 1


def test_an_operation_is_not_gone_on_with_by_pages(idle):
    state = killed(idle, 25).states[-1]
    idle.control("DELETE", "requests")
    output = bulk(idle, state=state, settings={"extraction": "pages"})
    assert sorted(output.latest("customers")) == ids_of(idle)
    assert set(operations_of(idle)) == {"CustomersProbe", "Customers"}


def test_a_run_that_is_told_to_stop_ends_its_operation(idle, tmp_path):
    plan(idle, ends="RUNNING")
    (tmp_path / "config.json").write_text(json.dumps(config_of(idle, extraction="bulk", edition="basic")))
    command = [sys.executable, "-m", "tap_shopify_contacts", "--config", str(tmp_path / "config.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert any("The bulk operation is running." in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        *log, stopped = process.stderr.read().splitlines()
        *_, last = process.stdout.read().splitlines()
    assert process.returncode == 128 + signal.SIGTERM
    operation = json.loads(last)["value"]["bookmarks"]["customers"]["bulk_operation"]
    assert any(line.endswith(f"customers: The bulk operation {operation} is canceled.") for line in log)
    assert stopped.endswith("Told to stop by SIGTERM. Stopped; the imports that follow in this run are not started.")
    assert [entry["variables"]["id"] for entry in requests_of(idle, "BulkCancel")] == [operation]
    assert idle.control("GET", "bulk")[-1]["status"] == "CANCELING"


def test_a_run_that_is_told_to_stop_while_it_reads_keeps_the_result(idle):
    class Terminated(SystemExit):
        pass

    def stop(count):
        if count == 25:
            raise Terminated

    writer = LineWriter(stop)
    with pytest.raises(Terminated):
        bulk(idle, writer=writer)
    assert requests_of(idle, "BulkCancel") == []
    output = bulk(idle, state=Output(writer.lines).states[-1])
    assert sorted(output.latest("customers")) == ids_of(idle)
