"""The stream `customer_consents`: the consent of every customer that there is, each time all of them.

Nothing proves that a consent always moves a customer's `updated_at`, and a customer that is deleted or merged leaves no
trace. A target that has seen all customers that there are can tell both.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_shopify_contacts.documents import CUSTOMERS, bulk_document
from tap_shopify_contacts.errors import BulkFailed, GaveUp
from tap_shopify_contacts.operations import MOST_FAILURES, Operations, pause_after_failure
from tap_shopify_contacts.plans import CONSENT_STREAM
from tap_shopify_contacts.reading import BEGINNING
from tap_shopify_contacts.results import Results
from tap_shopify_contacts.streams import ShopifyStream
from tap_shopify_contacts.windows import Window

if t.TYPE_CHECKING:
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog

    from tap_shopify_contacts.compiled import Record
    from tap_shopify_contacts.settings import Edition
    from tap_shopify_contacts.tap import TapShopifyContacts


class ConsentStream(ShopifyStream):
    """All customers, by one bulk operation, and at the end an ACTIVATE_VERSION.

    The version is the shop's clock before the operation was started, in milliseconds since 1970. The message is written
    only when every customer has been: without it, nothing is said about those who did not come.
    """

    selected_by_default = False

    def __init__(self, tap: TapShopifyContacts, edition: Edition) -> None:
        """Make the stream; it is the same in every edition."""
        super().__init__(tap, CONSENT_STREAM, edition)
        self.replication_key = None
        self._began: datetime | None = None

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        super().apply_catalog(catalog)
        if self.replication_method != REPLICATION_FULL_TABLE:
            raise self._catalog_error("its replication method can only be FULL_TABLE")

    @override
    def open_run(self) -> None:
        self._begin()

    def _begin(self) -> datetime:
        if self._began is None:
            self._began, _ = self._reading.probe(None)
        return self._began

    @override
    def get_records(self, context: Context | None) -> t.Iterator[dict[str, t.Any]]:
        """Yield the consents of all customers."""
        began = self._begin()
        self._stream_version = round(began.timestamp() * 1000)
        for records in self._read_all(began):
            yield from self.emit(records)
        self._write_activate_version_message(self._stream_version)
        self._began = None

    def _read_all(self, began: datetime) -> t.Iterator[list[Record]]:
        client = self._shop_tap.client
        operations = Operations(client, self.name, self.logger)
        results = Results(client, operations, self.name, self.logger)
        document = bulk_document(CUSTOMERS, self._reading.allowed_paths(Window(BEGINNING, began)))
        failures = 0
        is_complete = False
        while not is_complete:
            try:
                # Never one that runs already: it would not have those who came since it began.
                operation = operations.finish(operations.start(document))
                for nodes in results.nodes(operation, self._reading.node_type, with_carts=False):
                    yield self._reading.records_of(nodes)
                is_complete = True
            except BulkFailed as error:
                failures += 1
                if error.is_final or failures == MOST_FAILURES:
                    final = GaveUp(error.problem, "Nothing is said about customers who are no longer there.")
                    final.place(shop=self._settings.shop, stream=self.name)
                    raise final from error
                self.logger.warning("%s: %s Trying again.", self.name, error.problem)
                client.pause(pause_after_failure(failures))

    @override
    def read_one(self) -> bool:
        _, oldest = self._reading.probe(None)
        return oldest is not None
