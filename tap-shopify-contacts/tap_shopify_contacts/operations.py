"""Runs bulk operations: starts them, waits for them, and ends them when the run is told to stop."""

from __future__ import annotations

import typing as t

from tap_shopify_contacts.bulk import (
    CANCEL_DOCUMENT,
    NEWEST_DOCUMENT,
    POLL_DOCUMENT,
    RUN_DOCUMENT,
    Busy,
    Operation,
    check_progress,
    pause_before,
    read_operation,
    read_submission,
)
from tap_shopify_contacts.client import Question
from tap_shopify_contacts.errors import TapError
from tap_shopify_contacts.retry import RetryPolicy

if t.TYPE_CHECKING:
    import logging

    from tap_shopify_contacts.answers import Answer

MOST_FAILURES = 5
"""So many operations may fail one after the other."""

_PAUSE_AFTER_FAILURE = 2.0

_LAST_WORD = RetryPolicy(tries=1)
"""Whoever told the run to stop does not wait for long."""


def pause_after_failure(failures: int) -> float:
    """Return the seconds to wait before another operation, after so many that failed."""
    return _PAUSE_AFTER_FAILURE * 2.0**failures


class Client(t.Protocol):
    """What a client does."""

    def ask(self, question: Question, *, policy: RetryPolicy | None = None) -> Answer:
        """Return the answer to a question."""

    def pause(self, seconds: float) -> None:
        """Wait for something that takes its time."""


class Operations:
    """The bulk operations that are run for one stream."""

    def __init__(self, client: Client, stream: str, logger: logging.Logger) -> None:
        """Prepare. Nothing is asked yet."""
        self._client = client
        self._stream = stream
        self._logger = logger

    def find(self, operation_id: str) -> Operation | None:
        """Return an operation as it is now; None if Shopify does not know it.

        Raises:
            TapError: What the client raises.
        """
        node = self._ask(POLL_DOCUMENT, {"id": operation_id}).data.get("bulkOperation")
        return None if node is None else read_operation(node)

    def under_way(self) -> list[Operation]:
        """Return the operations of this app and shop that run now, the newest first.

        Raises:
            TapError: What the client raises.
        """
        edges = self._ask(NEWEST_DOCUMENT, {}).data["bulkOperations"]["edges"]
        operations = [read_operation(edge["node"]) for edge in edges]
        return [operation for operation in operations if operation.is_under_way]

    def start(self, document: str, *, grouped: bool = False) -> Operation:
        """Start an operation, as soon as Shopify has room for one more. Other operations are left alone.

        Raises:
            TapError: What the client raises, or that Shopify refuses the document.
        """
        look = 0
        while True:
            answer = self._ask(RUN_DOCUMENT, {"query": document, "group": grouped})
            started = read_submission(answer.data)
            if isinstance(started, Operation):
                self._logger.info("%s: Shopify has started the bulk operation %s.", self._stream, started.id)
                return started
            look = self._wait_for_room(started, look)

    def _wait_for_room(self, busy: Busy, look: int) -> int:
        """Wait until one of the operations in the way has ended. To look costs a tenth of what another try does."""
        names = ", ".join(busy.ids) or "others"
        self._logger.info("%s: Shopify runs no further bulk operation beside %s. Waiting.", self._stream, names)
        while True:
            self._client.pause(pause_before(look))
            look += 1
            found = [self.find(operation_id) for operation_id in busy.ids]
            if not all(operation is not None and operation.is_under_way for operation in found) or not found:
                return look

    def finish(self, operation: Operation) -> Operation:
        """Wait until an operation is complete, and return it with its result.

        When the run is told to stop, the operation is canceled.

        Raises:
            BulkFailed: If it ends in any other way.
            TapError: What the client raises.
        """
        try:
            return self._finish(operation)
        except (SystemExit, KeyboardInterrupt):
            self.cancel(operation)
            raise

    def _finish(self, operation: Operation) -> Operation:
        found: Operation | None = operation
        look = 0
        while not check_progress(found):
            self._client.pause(pause_before(look))
            look += 1
            found = self.find(operation.id)
            if found is not None and found.is_under_way:
                told = f", {found.objects:,} objects so far" if found.objects else ""
                self._logger.info("%s: The bulk operation is %s%s.", self._stream, found.status.lower(), told)
        return t.cast("Operation", found)

    def cancel(self, operation: Operation) -> None:
        """Tell Shopify that nobody wants the operation's result. Whether it listens makes no difference here."""
        try:
            self._ask(CANCEL_DOCUMENT, {"id": operation.id}, _LAST_WORD)
        except TapError as error:
            self._logger.warning(
                "%s: The bulk operation %s could not be canceled: %s", self._stream, operation.id, error
            )
        else:
            self._logger.info("%s: The bulk operation %s is canceled.", self._stream, operation.id)

    def _ask(self, document: str, variables: t.Mapping[str, t.Any], policy: RetryPolicy | None = None) -> Answer:
        return self._client.ask(Question(self._stream, document, variables), policy=policy)
