"""Faults that tests ask for: which request they meet, how often, and what they do. Pure, but for the counting."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

KINDS: dict[str, frozenset[str]] = {
    "http_status": frozenset({"status", "retry_after", "body", "headers"}),
    "throttled": frozenset(),
    "truncated_body": frozenset({"bytes"}),
    "ignore_range": frozenset(),
    "connection_closed": frozenset(),
    "internal_server_error": frozenset(),
    "protected_field": frozenset({"type", "field"}),
    "protected_type": frozenset({"type"}),
    "wrong_version": frozenset({"version"}),
    "errors": frozenset({"errors", "data"}),
    "errors_string": frozenset({"message"}),
    "stuck_cursor": frozenset(),
    "non_json": frozenset({"body"}),
    "search_warning": frozenset(),
    "search_lag": frozenset({"seconds"}),
}
_COMMON = frozenset({"kind", "times", "operation", "after"})
_REQUIRED = {"errors": {"errors"}, "http_status": {"status"}, "protected_field": {"field"}, "search_lag": {"seconds"}}


class FaultError(ValueError):
    """A fault that does not exist or is not described fully."""


@dataclass
class Fault:
    """A fault in wait: `after` requests that match pass first, then `times` are met (null = until removed)."""

    kind: str
    times: int | None = 1
    operation: str | None = None
    after: int = 0
    options: dict[str, t.Any] = field(default_factory=dict)

    @classmethod
    def from_request(cls, body: dict[str, t.Any]) -> Fault:
        """The fault that a control request describes.

        Raises:
            FaultError: An unknown kind or option, or one that is missing.
        """
        kind = body.get("kind")
        if kind not in KINDS:
            message = f"unknown fault {kind!r}; known are {', '.join(sorted(KINDS))}"
            raise FaultError(message)
        unknown = sorted(set(body) - _COMMON - KINDS[kind])
        missing = sorted(_REQUIRED.get(kind, set()) - set(body))
        if unknown or missing:
            message = f"fault {kind}: unknown options {unknown}, missing options {missing}"
            raise FaultError(message)
        options = {name: value for name, value in body.items() if name not in _COMMON}
        # A lag of the search index is a condition of the shop; it lasts until it is removed.
        times = body.get("times", None if kind == "search_lag" else 1)
        return cls(kind, times, body.get("operation"), body.get("after", 0), options)

    def as_answer(self) -> dict[str, t.Any]:
        """The fault as the control path shows it."""
        return {
            "kind": self.kind,
            "times": self.times,
            "operation": self.operation,
            "after": self.after,
            **self.options,
        }


class Faults:
    """All faults in wait."""

    def __init__(self) -> None:
        """Begin without any."""
        self.waiting: list[Fault] = []

    def meet(self, operation: str | None, variables: t.Any) -> dict[str, Fault]:
        """The faults that this request meets, by kind; they are used up by it."""
        met: dict[str, Fault] = {}
        for fault in list(self.waiting):
            if fault.kind in met or (fault.operation is not None and fault.operation != operation):
                continue
            # A cursor can only fail to move where there is one.
            if fault.kind == "stuck_cursor" and not (isinstance(variables, dict) and variables.get("after")):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            met[fault.kind] = fault
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
        return met
