"""Reads the result of a complete bulk operation: whole, or with an error at its end."""

from __future__ import annotations

import time
import typing as t

from tap_shopify_contacts.bulk import check_progress
from tap_shopify_contacts.bulk_lines import Tally, joined_nodes, plain_nodes, whole_lines
from tap_shopify_contacts.download import Download
from tap_shopify_contacts.errors import BulkFailed, GaveUp

if t.TYPE_CHECKING:
    import logging

    import msgspec

    from tap_shopify_contacts.bulk import Operation
    from tap_shopify_contacts.client import ShopClient
    from tap_shopify_contacts.compiled import Node
    from tap_shopify_contacts.operations import Operations

_SECONDS_BETWEEN_WORDS = 10.0


class Progress:
    """Tells a person, every few seconds, how many records have been read and how fast."""

    def __init__(
        self, logger: logging.Logger, stream: str, total: int, clock: t.Callable[[], float] = time.monotonic
    ) -> None:
        """Begin now. `clock` gives seconds and never goes back."""
        self._logger = logger
        self._stream = stream
        self._total = total
        self._clock = clock
        self._start = self._told_at = clock()
        self._read = 0

    def add(self, count: int) -> None:
        """Take note that further records have been read."""
        self._read += count
        now = self._clock()
        if now - self._told_at >= _SECONDS_BETWEEN_WORDS:
            self._told_at = now
            rate = self._read / (now - self._start)
            self._logger.info(
                "%s: %s of %s read from the result, %s a second.",
                self._stream,
                f"{self._read:,}",
                f"{self._total:,}",
                f"{rate:,.0f}",
            )


class Results:
    """The results of one stream's operations."""

    def __init__(self, client: ShopClient, operations: Operations, stream: str, logger: logging.Logger) -> None:
        """Prepare. Nothing is fetched yet."""
        self._client = client
        self._operations = operations
        self._stream = stream
        self._logger = logger

    def nodes(
        self, operation: Operation, node_type: type[msgspec.Struct], *, with_carts: bool
    ) -> t.Iterator[list[Node]]:
        """Yield the nodes of a result, some dozens at a time; with `with_carts` each holds the lines of its cart.

        Raises:
            BulkFailed: If the result is not whole. What was yielded before is right, but not all.
            TapError: What the client raises.
        """
        if operation.url is None:
            # Shopify writes no file where there is nothing to write.
            if operation.objects:
                raise BulkFailed("Shopify gives no address for the result of the bulk operation.")
            return
        tally = Tally()
        progress = Progress(self._logger, self._stream, operation.roots)
        gather = joined_nodes if with_carts else plain_nodes
        for nodes in gather(whole_lines(self._chunks(operation)), node_type, tally):
            yield nodes
            progress.add(len(nodes))
        if (tally.objects, tally.roots) != (operation.objects, operation.roots):
            raise BulkFailed(
                f"The result of the bulk operation has {tally.objects:,} lines, {tally.roots:,} of them records, where "
                f"Shopify counted {operation.objects:,} and {operation.roots:,}."
            )

    def _chunks(self, operation: Operation) -> t.Iterator[bytes]:
        links = self._links(operation)
        download = Download(
            lambda: next(links),
            operation.size,
            lambda error, failures: self._client.wait_after(error, failures, self._stream),
        )
        try:
            yield from download.chunks()
        except GaveUp as error:
            # The host of the results cannot be reached from here, as it may be where only the shop's own is allowed.
            raise BulkFailed(error.problem, is_final=True) from error

    def _links(self, operation: Operation) -> t.Iterator[str]:
        """Yield the address of a result, and then the addresses that Shopify gives when it is asked again."""
        yield t.cast("str", operation.url)
        while True:
            found = self._operations.find(operation.id)
            if not check_progress(found) or found is None or found.url is None:
                raise BulkFailed("Shopify gives no address for the result of the bulk operation.")
            yield found.url
