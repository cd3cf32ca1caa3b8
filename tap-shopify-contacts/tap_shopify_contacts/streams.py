"""The streams: which records, in which windows, and what the bookmark says."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL, Metadata, MetadataMapping
from typing_extensions import override

from tap_shopify_contacts.bulk import is_operation_id
from tap_shopify_contacts.documents import CUSTOMERS
from tap_shopify_contacts.errors import BookmarkError, CatalogError, FilterDropped
from tap_shopify_contacts.extraction import BulkExtraction, Ledger, Source, Stretch
from tap_shopify_contacts.order_refresh import ORDERS_SINCE, follows_orders, ordered_since
from tap_shopify_contacts.page_size import PageSize
from tap_shopify_contacts.plans import AUTOMATIC, REPLICATION_KEY, StreamPlan, fields_of
from tap_shopify_contacts.reading import StreamReading
from tap_shopify_contacts.scopes import Lack, lacks_of
from tap_shopify_contacts.sdk import WindowedStream
from tap_shopify_contacts.times import format_instant, parse_instant
from tap_shopify_contacts.windows import Window, next_window, starting_point

if t.TYPE_CHECKING:
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog

    from tap_shopify_contacts.fields import Field
    from tap_shopify_contacts.settings import Edition, Settings
    from tap_shopify_contacts.tap import TapShopifyContacts

_OPERATION = "bulk_operation"


@dataclass(frozen=True)
class Run:
    """The stretch that this run reads: [start, until). Without a start there is nothing to read.

    `orders_since` is the time up to which customers' orders have been followed; None when they are not followed.
    `is_first` says whether no run has read anything yet, `operation_id` which bulk operation an earlier run left.
    """

    start: datetime | None
    until: datetime
    orders_since: datetime | None = None
    is_first: bool = False
    operation_id: str | None = None


class ShopifyStream(WindowedStream):
    """One stream of the shop, read in windows of its `updated_at`."""

    def __init__(self, tap: TapShopifyContacts, plan: StreamPlan, edition: Edition) -> None:
        """Make the stream with the fields of an edition."""
        self._plan = plan
        self._fields = fields_of(plan, edition, tap.settings.metafields if tap.settings else ())
        schema = {"type": "object", "properties": {field.name: field.to_schema() for field in self._fields}}
        super().__init__(tap, schema=schema, name=plan.name)
        self._shop_tap = tap
        self.primary_keys = ("id",)
        self.replication_key = REPLICATION_KEY
        self._run: Run | None = None

    # What the catalogue says

    @property
    @override
    def metadata(self) -> MetadataMapping:
        mapping = super().metadata
        mapping[("properties", "shop")].inclusion = Metadata.InclusionType.AUTOMATIC
        return mapping

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        super().apply_catalog(catalog)
        if self.replication_key not in {None, REPLICATION_KEY}:
            raise self._catalog_error("its replication key can only be updated_at")
        if self.replication_method not in {REPLICATION_INCREMENTAL, REPLICATION_FULL_TABLE}:
            raise self._catalog_error("its replication method can only be INCREMENTAL or FULL_TABLE")

    def _catalog_error(self, problem: str) -> CatalogError:
        error = CatalogError(f"The catalogue asks for too much: {problem}.")
        error.place(stream=self.name)
        return error

    @cached_property
    def _selected_fields(self) -> tuple[Field, ...]:
        return tuple(
            field for field in self._fields if field.name in AUTOMATIC or self.mask[("properties", field.name)]
        )

    @cached_property
    def _reading(self) -> StreamReading:
        tap = self._shop_tap
        return StreamReading(tap.client, self._plan, self._selected_fields, self._settings, self.logger)

    def lacks(self, granted: t.Collection[str]) -> tuple[Lack, ...]:
        """Return what the selected fields need beyond the scopes of the app."""
        version = self._settings.api_version
        return lacks_of(self.name, self._plan.connection, self._selected_fields, version, granted)

    # Where the run begins and ends

    @override
    def open_run(self) -> None:
        self._opened_run()

    def _opened_run(self) -> Run:
        if self._run is not None:
            return self._run
        bookmark = self._bookmark()
        start = starting_point(
            bookmark=bookmark, start_date=self._settings.start_date, lookback=self._settings.lookback
        )
        clock, oldest = self._reading.probe(start)
        until = clock - self._settings.horizon
        already = bookmark or self._settings.start_date
        operation_id = self.stream_state.get(_OPERATION)
        if already is not None and until <= already:
            # Nothing to read yet, and a bookmark never goes back.
            run = Run(None, already, self._orders_since(already))
        else:
            run = Run(
                start if start is not None else oldest,
                until,
                self._orders_since(bookmark or until),
                is_first=bookmark is None,
                operation_id=operation_id if is_operation_id(operation_id) else None,
            )
        self._run = run
        self._write_bookmark(already, run, run.operation_id)
        return run

    @property
    def _settings(self) -> Settings:
        return self._shop_tap.checked_settings

    def _bookmark(self) -> datetime | None:
        """Return the time up to which earlier runs have read everything."""
        return self._time_in_state("replication_key_value")

    def _time_in_state(self, key: str) -> datetime | None:
        if self.replication_method == REPLICATION_FULL_TABLE:
            return None
        value = self.stream_state.get(key)
        if value is None or self.stream_state.get("replication_key", REPLICATION_KEY) != REPLICATION_KEY:
            return None
        try:
            return parse_instant(str(value))
        except ValueError:
            error = BookmarkError("The bookmark in the state is not a time.", "Correct the state or remove it.")
            error.place(stream=self.name)
            raise error from None

    def _orders_since(self, otherwise: datetime) -> datetime | None:
        """Return up to when orders have been followed; what a first run reads has the orders up to its end."""
        if not self._follows_orders:
            return None
        return self._time_in_state(ORDERS_SINCE) or otherwise

    @cached_property
    def _follows_orders(self) -> bool:
        settings = self._settings
        wanted = settings.order_refresh and self._plan.connection is CUSTOMERS
        return wanted and follows_orders(self._selected_fields, settings.api_version)

    def _write_bookmark(self, value: datetime | None, run: Run, operation_id: str | None = None) -> None:
        """Put into the state how far has been read, and how far this run will read if it is not there yet.

        `operation_id` is that of the bulk operation that is being waited for or read.
        """
        state = self.stream_state
        state.clear()
        state["replication_key"] = REPLICATION_KEY
        if value is not None:
            state["replication_key_value"] = format_instant(value)
        if value is None or value < run.until:
            state["until"] = format_instant(run.until)
            if operation_id is not None:
                state[_OPERATION] = operation_id
        if run.orders_since not in {None, value}:
            state[ORDERS_SINCE] = format_instant(run.orders_since)

    # Reading

    @override
    def get_records(self, context: Context | None) -> t.Iterator[dict[str, t.Any]]:
        """Yield the records of each window, and move the bookmark after it."""
        run = self._opened_run()
        length = self._plan.windows.first
        total = 0
        start = run.start
        if start is not None and start < run.until:
            bulk = self._bulk_extraction(start, run)
            for records in bulk.read():
                yield from self.emit(records)
                total += len(records)
            start = bulk.reached
            orders_since = run.orders_since and min(run.orders_since, bulk.as_of)
            run = replace(run, start=bulk.fresh_from, orders_since=orders_since)
        while start is not None and start < run.until:
            window = next_window(start, run.until, length)
            count = 0
            for records in self._reading.read_window(window):
                yield from self.emit(records)
                count += len(records)
            total += count
            self._write_bookmark(window.end, run)
            self._write_state()
            self.logger.info("%s: %s read, up to %s.", self.name, f"{total:,}", format_instant(window.end))
            length = self._plan.windows.next_length(length, count, run.until - window.end)
            start = window.end
        orders_since = yield from self._read_ordered(run)
        self._write_bookmark(run.until, replace(run, orders_since=orders_since))
        self._run = None

    def _bulk_extraction(self, start: datetime, run: Run) -> BulkExtraction:
        settings = self._settings
        source = Source(settings.shop, self.name, self._plan.connection, self._plan.many)
        stretch = Stretch(start, run.until, run.operation_id, run.is_first)
        ledger = Ledger(
            paths=self._reading.allowed_paths,
            node_type=self._reading.node_type,
            records=self._reading.records_of,
            running=partial(self._note_operation, run),
            read_up_to=partial(self._note_end, run),
        )
        return BulkExtraction(
            self._shop_tap.client, source, stretch, settings.extraction, settings.lookback, ledger, self.logger
        )

    def _note_operation(self, run: Run, operation_id: str) -> None:
        already = self.stream_state.get("replication_key_value")
        self._write_bookmark(None if already is None else parse_instant(already), run, operation_id)
        self._write_state()

    def _note_end(self, run: Run, end: datetime) -> None:
        self._write_bookmark(end, run)
        self._write_state()
        self.logger.info("%s: The bulk operation is read, up to %s.", self.name, format_instant(end))

    @override
    def read_one(self) -> bool:
        run = self._opened_run()
        if run.start is None or run.start >= run.until:
            return False
        return any(self._reading.read_window(Window(run.start, run.until), PageSize(1)))

    def _read_ordered(self, run: Run) -> t.Generator[dict[str, t.Any], None, datetime | None]:
        """Emit the customers who ordered since the last run and were not changed since, with their new figures.

        Returns up to when orders have been followed then.
        """
        if run.start is None or run.orders_since is None:
            return run.orders_since
        if run.orders_since >= run.until:
            return run.until
        settings, count = self._settings, 0
        search = ordered_since(run.orders_since, settings.lookback, read_from=run.start, start_date=settings.start_date)
        try:
            for records in self._reading.read_found(search):
                yield from self.emit(records)
                count += len(records)
        except FilterDropped:
            self.logger.warning(
                "%s: Shopify does not find customers by their orders; order figures are out of date, and the next run "
                "tries again. If it stays so, set order_refresh to false and make a full refresh from time to time.",
                self.name,
            )
            return run.orders_since
        self.logger.info("%s: %s read again for their orders.", self.name, f"{count:,}")
        return run.until
