"""What tests of bulk operations use: runs by bulk, runs that are killed, and what the store was asked."""

from __future__ import annotations

import typing as t

import pytest

from shopify_sandbox.process import Sandbox
from tests.tap.helpers import LineWriter, Message, Output, config_of, requests_of, run_tap, truth_of

STREAMS = ("customers", "abandoned_checkouts")

_TRUTH = {"customers": "customers", "abandoned_checkouts": "checkouts"}


def bulk(sandbox: Sandbox, stream: str = "customers", settings: Message | None = None, **options: t.Any) -> Output:
    """Read a stream, by bulk operations only unless the settings say otherwise."""
    return run_tap(config_of(sandbox, **{"extraction": "bulk", **(settings or {})}), select=stream, **options)


class KilledError(Exception):
    """The run ended in the middle."""


def killed(sandbox: Sandbox, after: int, stream: str = "customers", **options: t.Any) -> Output:
    """Read a stream by bulk operations until some records are written, and end the run there."""

    def kill(count: int) -> None:
        if count == after:
            raise KilledError

    writer = LineWriter(kill)
    with pytest.raises(KilledError):
        bulk(sandbox, stream, writer=writer, **options)
    return Output(writer.lines)


def plan(sandbox: Sandbox, **options: t.Any) -> None:
    """Say how the next bulk operation goes on and ends."""
    sandbox.control("POST", "bulk/plans", options)


def uncounted(sandbox: Sandbox) -> None:
    """Make the next first run go by bulk, however few the records are."""
    sandbox.control("POST", "faults", {"kind": "search_warning", "operation": "CustomersCount"})


def operations_of(sandbox: Sandbox) -> list[str]:
    """Return the names of the requests, without those that look how an operation goes on."""
    return [entry["operation"] for entry in requests_of(sandbox) if entry["operation"] != "BulkPoll"]


def ids_of(sandbox: Sandbox, stream: str = "customers") -> list[int]:
    """Return the ids of all records that the store holds."""
    return sorted(truth["id"] for truth in truth_of(sandbox, _TRUTH[stream]))


def bookmark(value: str, stream: str = "customers", **more: str) -> Message:
    """Return a state in which a stream has been read up to a time."""
    return {"bookmarks": {stream: {"replication_key": "updated_at", "replication_key_value": value, **more}}}
