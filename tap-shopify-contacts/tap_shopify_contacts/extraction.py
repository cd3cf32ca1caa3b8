"""By which road a stretch of time is read, and the road of bulk operations, from windows to nodes.

One operation reads the whole stretch. Where it fails, shorter windows are tried, and in the end pages: a stretch is
never left out. What runs already, for an earlier run or another one, is used instead of a new operation.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta

from tap_shopify_contacts.client import Question
from tap_shopify_contacts.documents import (
    Connection,
    bulk_document,
    count_document,
    count_of,
    needs_lines,
    updated_between,
    window_of_bulk,
)
from tap_shopify_contacts.errors import AccessDenied, BulkFailed, FilterDropped, GaveUp
from tap_shopify_contacts.operations import MOST_FAILURES, Operations, pause_after_failure
from tap_shopify_contacts.results import Results
from tap_shopify_contacts.settings import Extraction
from tap_shopify_contacts.windows import Window, next_window

if t.TYPE_CHECKING:
    import logging

    import msgspec

    from tap_shopify_contacts.bulk import Operation
    from tap_shopify_contacts.client import ShopClient
    from tap_shopify_contacts.compiled import Node, Record

_SHORTEST = timedelta(hours=1)
_INCREMENT = timedelta(days=2)
"""What a run every hour or every day has to read. It is for pages, and not worth the points of a count."""


@dataclass(frozen=True)
class Stretch:
    """What one run has to read of a stream: [start, until).

    `operation_id` is that of an operation which an earlier run left behind. `is_first` says whether no run has read
    anything yet.
    """

    start: datetime
    until: datetime
    operation_id: str | None
    is_first: bool


@dataclass(frozen=True)
class Source:
    """What is read: a stream of a shop, its connection, and from how many records on an operation pays in `auto`."""

    shop: str
    stream: str
    connection: Connection
    many: int


@dataclass(frozen=True)
class Ledger:
    """What the stream does on the way.

    `paths` gives what to ask for in a window: what Shopify does not deny. `node_type` is what to decode nodes into, and
    `records` turns them into records that were updated at a time or later. `running` keeps the id of the operation that
    is waited for, so that another run can go on with it. `read_up_to` keeps that all before a time has been read.
    """

    paths: t.Callable[[Window], t.Sequence[str]]
    node_type: type[msgspec.Struct]
    records: t.Callable[[t.Sequence[Node], datetime], list[Record]]
    running: t.Callable[[str], None]
    read_up_to: t.Callable[[datetime], None]


class BulkExtraction:
    """Reads a stretch of a stream by bulk operations, if the setting or the number of records speaks for it.

    `reached` is the time up to which the stretch has been read. Where the operation of another run was used, records
    last updated before `fresh_from` are as they were at `as_of`.
    """

    def __init__(
        self,
        client: ShopClient,
        source: Source,
        stretch: Stretch,
        extraction: Extraction,
        lookback: timedelta,
        ledger: Ledger,
        logger: logging.Logger,
    ) -> None:
        """Prepare. Nothing is asked yet."""
        self.reached = stretch.start
        self.as_of = stretch.until
        self.fresh_from = stretch.start
        self._stretch = stretch
        self._client = client
        self._source = source
        self._extraction = extraction
        self._lookback = lookback
        self._ledger = ledger
        self._logger = logger
        self._operations = Operations(client, source.stream, logger)
        self._results = Results(client, self._operations, source.stream, logger)

    def read(self) -> t.Iterator[list[Record]]:
        """Yield records of the stretch, and move `reached` to where it has been read: the rest is for pages.

        Raises:
            GaveUp: If operations keep failing and nothing but operations is allowed.
            TapError: What the client raises.
        """
        stretch = self._stretch
        resumes = stretch.operation_id is not None and self._extraction is not Extraction.PAGES
        if not resumes and not self._pays():
            return
        paths = self._ledger.paths(Window(stretch.start, stretch.until))
        operation = self._left_behind(paths) if resumes else None
        if operation is not None or not resumes or self._pays():
            yield from self._read(paths, operation)

    def _pays(self) -> bool:
        if self._extraction is not Extraction.AUTO:
            return self._extraction is Extraction.BULK
        if not self._stretch.is_first and self._stretch.until - self._stretch.start <= _INCREMENT:
            return False
        count = self._count()
        return self._stretch.is_first if count is None else count > self._source.many

    def _count(self) -> int | None:
        """Return how many records the stretch holds, as far as it matters; None if Shopify does not tell."""
        variables = {"query": updated_between(self._stretch.start, self._stretch.until), "limit": self._source.many + 1}
        question = Question(self._source.stream, count_document(self._source.connection), variables)
        try:
            return count_of(self._client.ask(question).data, self._source.connection)
        except (FilterDropped, AccessDenied):
            # Counts know fewer filters than lists do, and are a help only.
            return None

    def _read(self, paths: t.Sequence[str], operation: Operation | None) -> t.Iterator[list[Record]]:
        until = self._stretch.until
        length, failures = until - self.reached, 0
        while self.reached < until:
            start = self.reached
            try:
                window, operation, is_old = self._begin(length, paths, operation)
                self._ledger.running(operation.id)
                complete = self._operations.finish(operation)
                node_type, with_carts = self._ledger.node_type, needs_lines(paths)
                for nodes in self._results.nodes(complete, node_type, with_carts=with_carts):
                    yield self._ledger.records(nodes, start)
            except BulkFailed as error:
                failures += 1
                if error.is_final or failures == MOST_FAILURES:
                    self._give_up(error, failures)
                    return
                self._logger.warning("%s: %s Trying again with a shorter window.", self._source.stream, error.problem)
                self._client.pause(pause_after_failure(failures))
                length = max(min(length, until - start) / 2, min(length, _SHORTEST))
            else:
                failures = 0
                self._ledger.read_up_to(window.end)
                # What Shopify's search showed late to an operation of an earlier run is looked for again.
                self.reached = max(start, window.end - self._lookback) if is_old else window.end
                if is_old:
                    self.as_of, self.fresh_from = min(self.as_of, window.end), self.reached
                if is_old and self._extraction is Extraction.AUTO:
                    return
            operation = None

    def _begin(
        self, length: timedelta, paths: t.Sequence[str], operation: Operation | None
    ) -> tuple[Window, Operation, bool]:
        """Return the operation to wait for, what it reads, and whether another run has started it."""
        try:
            if operation is None:
                operation = self._usable(self._operations.under_way(), paths)
            if operation is not None:
                window = window_of_bulk(operation.query, self._source.connection, paths)
                if window is not None:
                    self._logger.info("%s: Going on with the bulk operation %s.", self._source.stream, operation.id)
                    return window, operation, True
            window = next_window(self.reached, self._stretch.until, length)
            search = updated_between(window.start, window.end)
            started = self._operations.start(bulk_document(self._source.connection, paths, search))
        except AccessDenied as error:
            raise BulkFailed(error.problem, is_final=True) from error
        return window, started, False

    def _left_behind(self, paths: t.Sequence[str]) -> Operation | None:
        """Return the operation that an earlier run left behind, if its result is still of use."""
        found = self._operations.find(t.cast("str", self._stretch.operation_id))
        if found is None or not (found.is_under_way or found.is_complete):
            return None
        if (usable := self._usable([found], paths)) is None and found.is_under_way:
            # It reads other fields or another time than this run has to.
            self._operations.cancel(found)
        return usable

    def _usable(self, operations: t.Iterable[Operation], paths: t.Sequence[str]) -> Operation | None:
        for operation in operations:
            window = window_of_bulk(operation.query, self._source.connection, paths)
            if window is not None and window.start <= self.reached < window.end <= self._stretch.until:
                return operation
        return None

    def _give_up(self, error: BulkFailed, failures: int) -> None:
        if self._extraction is Extraction.BULK:
            tries = f" Gave up after {failures} bulk operations." if failures > 1 else ""
            final = GaveUp(f"{error.problem}{tries}", "Set extraction to auto or pages, which shows more of the cause.")
            final.place(shop=self._source.shop, stream=self._source.stream, request_id=error.request_id)
            raise final from error
        self._logger.warning("%s: %s The rest is read by pages.", self._source.stream, error.problem)
