"""Bulk operations: what an app has asked for, how each goes on and ends.

An operation goes on when it is looked at, by the number of looks and by the store's clock, as its plan says; nothing
depends on how fast the machine is, except that a result of more than a few thousand lines is RUNNING until written.
"""

from __future__ import annotations

import itertools
import typing as t
import uuid
from dataclasses import dataclass, field, fields, replace
from urllib.parse import urlencode

from shopify_sandbox.clock import DAY, SECOND, format_time
from shopify_sandbox.results import Work

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shopify_sandbox.bulk_lines import Rows
    from shopify_sandbox.clock import StoreClock
    from shopify_sandbox.results import Result
    from shopify_sandbox.sources import Source

CREATED, RUNNING, CANCELING = "CREATED", "RUNNING", "CANCELING"
COMPLETED, FAILED, CANCELED, EXPIRED = "COMPLETED", "FAILED", "CANCELED", "EXPIRED"
LIVE = frozenset({CREATED, RUNNING, CANCELING})
ENDS = (COMPLETED, FAILED, CANCELED, EXPIRED, RUNNING)
ERROR_CODES = ("ACCESS_DENIED", "INTERNAL_SERVER_ERROR", "TIMEOUT")

MOST_AT_ONCE = 5
RESULT_PATH = "/shopify-tiers-assets-prod-us-east1/bulk-operation-outputs/"
_FIRST = 5_800_000_000_000
_RESULT_LIVES = 7 * DAY


class PlanError(ValueError):
    """A plan that does not make sense; the message says why."""


@dataclass(frozen=True)
class Plan:
    """How an operation goes on and ends.

    It is CREATED for `created_polls` looks, then RUNNING for `running_polls` looks and at least `running_seconds`
    after its creation, with the object counts of `counts` look by look (the last one stays; none: 0). Then it ends
    with the status `ends`; RUNNING means that it never ends. An end other than COMPLETED comes only when there are
    more than `above_rows` lines. A failed one may have `partial_rows` lines of partial data. Once a cancellation is
    asked for it is CANCELING for `canceling_polls` looks. `times` operations follow the plan (null: all).
    """

    created_polls: int = 0
    running_polls: int = 0
    running_seconds: float = 0
    counts: tuple[int, ...] = ()
    ends: str = COMPLETED
    error_code: str | None = None
    above_rows: int | None = None
    partial_rows: int | None = None
    canceling_polls: int = 0
    times: int | None = 1

    @classmethod
    def from_request(cls, body: dict[str, t.Any]) -> Plan:
        """The plan that a control request describes.

        Raises:
            PlanError: An unknown field, end or error code.
        """
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(body) - known):
            message = f"unknown fields of a plan: {', '.join(unknown)}; known are {', '.join(sorted(known))}"
            raise PlanError(message)
        plan = cls(**{**body, "counts": tuple(body.get("counts", ()))})
        if plan.ends not in ENDS or (plan.ends == FAILED) != (plan.error_code in ERROR_CODES):
            message = f"ends must be one of {', '.join(ENDS)}; FAILED has an error_code: {', '.join(ERROR_CODES)}"
            raise PlanError(message)
        return plan


@dataclass
class Operation:
    """One bulk operation of the app; `rows` gives the rows of its result as the shop is at a time."""

    number: int
    query: str
    grouped: bool
    rows: Callable[[int], Iterator[Rows]]
    plan: Plan
    created_at: int
    status: str = CREATED
    error_code: str | None = None
    completed_at: int | None = None
    objects: int = 0
    roots: int = 0
    result: Result | None = None
    partial: Result | None = None
    secret: str = field(default_factory=lambda: uuid.uuid4().hex)
    signature: str = field(default_factory=lambda: uuid.uuid4().hex)
    expires_at: int | None = None
    polls: int = 0
    _canceled_at_poll: int | None = None
    _work: Work | None = None
    _works: list[Work] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The global id."""
        return f"gid://shopify/BulkOperation/{self.number}"

    def look(self, now: int) -> None:
        """Somebody looks at the operation, and so it goes on."""
        self.polls += 1
        if self.status in LIVE:
            self._go_on(now)
        elif self.status == COMPLETED and self.expires_at is not None and now >= self.expires_at:
            self.status = EXPIRED

    def cancel(self) -> None:
        """Ask for the end of a live operation."""
        if self._canceled_at_poll is None:
            self._canceled_at_poll, self.status = self.polls, CANCELING

    def _go_on(self, now: int) -> None:
        plan = self.plan
        if self._canceled_at_poll is not None:
            if self.polls - self._canceled_at_poll > plan.canceling_polls:
                self.status = CANCELED
            return
        if self.polls <= plan.created_polls:
            return
        self.status = RUNNING
        running = self.polls - plan.created_polls
        if plan.counts:
            self.objects = self.roots = plan.counts[min(running, len(plan.counts)) - 1]
        early = running <= plan.running_polls or now < self.created_at + plan.running_seconds * SECOND
        if early or (plan.ends == RUNNING and plan.above_rows is None):
            return
        self._end(now)

    def _end(self, now: int) -> None:
        plan = self.plan
        if plan.ends != COMPLETED and plan.above_rows is None:
            self._end_badly(now)
            return
        if self._work is None:
            self._work = self._begin(self.rows(now))
        if not self._work.done():
            return
        found = self._work.result
        if self._work.refused is not None:
            self.status, self.error_code, self.completed_at = FAILED, "ACCESS_DENIED", now
        elif plan.ends != COMPLETED and found.lines > (plan.above_rows or 0):
            self._end_badly(now)
        else:
            self._complete(found, now)

    def _begin(self, rows: Iterator[Rows]) -> Work:
        self._works.append(work := Work(rows))
        return work

    def _complete(self, found: Result, now: int) -> None:
        self.status, self.completed_at, self.expires_at = COMPLETED, now, now + _RESULT_LIVES
        self.objects, self.roots, self.result = found.lines, found.roots, found

    def _end_badly(self, now: int) -> None:
        self.status, self.error_code = self.plan.ends, self.plan.error_code
        if self.status == FAILED:
            self.completed_at, self.expires_at = now, now + _RESULT_LIVES
        if self.plan.partial_rows:
            work = self._begin(itertools.islice(self.rows(now), self.plan.partial_rows))
            work.finish()
            self.partial, self.objects, self.roots = work.result, work.result.lines, work.result.roots

    def file(self) -> Result | None:
        """The result, or the partial data of a failed operation."""
        return self.result or self.partial

    def expire_link(self, now: int, *, wholly: bool) -> None:
        """End the life of the result's present address; wholly, also that of the operation."""
        self.signature = uuid.uuid4().hex
        if wholly:
            self.expires_at = now

    def rewrite(self, now: int) -> None:
        """Write the result anew, from the shop as it is now."""
        work = self._begin(self.rows(now))
        work.finish()
        self._complete(work.result, now)

    def close(self) -> None:
        """Give back what the operation holds."""
        for work in self._works:
            work.close()

    def source(self, origin: str) -> Source:
        """The operation as a source of GraphQL."""
        counted = self.result.size if self.result is not None and self.status == COMPLETED else None
        return {
            "__typename": "BulkOperation",
            "id": self.id,
            "type": "QUERY",
            "status": self.status,
            "errorCode": self.error_code,
            "createdAt": format_time(self.created_at),
            "completedAt": None if self.completed_at is None else format_time(self.completed_at),
            "objectCount": str(self.objects),
            "rootObjectCount": str(self.roots),
            "fileSize": None if counted is None else str(counted),
            "url": self._url(origin, self.result) if self.status == COMPLETED else None,
            "partialDataUrl": self._url(origin, self.partial) if self.status == FAILED else None,
            "query": self.query,
        }

    def _url(self, origin: str, result: Result | None) -> str | None:
        if result is None or not result.lines:
            return None
        query = {
            "GoogleAccessId": "assets-us-prod@shopify-tiers.iam.gserviceaccount.com",
            "Expires": str((self.expires_at or 0) // SECOND),
            "Signature": self.signature,
            "response-content-disposition": f'attachment; filename="bulk-{self.number}.jsonl"',
            "response-content-type": "application/jsonl",
        }
        return f"{origin}{RESULT_PATH}{self.secret}?{urlencode(query)}"


class Operations:
    """All bulk operations of the app, and the plans for those to come."""

    def __init__(self, clock: StoreClock) -> None:
        """Begin without any."""
        self._clock = clock
        self.origin = ""
        self.plans: list[Plan] = []
        self.all: list[Operation] = []

    def live(self) -> list[Operation]:
        """The operations that have not ended, as they were last seen."""
        return [operation for operation in self.all if operation.status in LIVE]

    def submit(
        self, query: str, rows: Callable[[int], Iterator[Rows]], *, grouped: bool, plan: Plan | None = None
    ) -> Operation:
        """Begin an operation, by the next plan in wait unless one is given; `rows` are its rows at a time."""
        chosen = plan or self._next_plan()
        number = _FIRST + len(self.all) + 1
        operation = Operation(number, query, grouped, rows, chosen, self._clock.now())
        self.all.append(operation)
        return operation

    def _next_plan(self) -> Plan:
        if not self.plans:
            return Plan()
        plan = self.plans[0]
        if plan.times is not None:
            self.plans[:1] = [replace(plan, times=plan.times - 1)] if plan.times > 1 else []
        return plan

    def find(self, number: int) -> Operation | None:
        """The operation with this number."""
        index = number - _FIRST - 1
        return self.all[index] if 0 <= index < len(self.all) else None

    def close(self) -> None:
        """Give back what the operations hold."""
        for operation in self.all:
            operation.close()

    def by_secret(self, secret: str) -> Operation | None:
        """The operation whose result has this name."""
        return next((operation for operation in self.all if operation.secret == secret), None)
