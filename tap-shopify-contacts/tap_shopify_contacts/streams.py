"""The streams: which records, in which windows, and what the bookmark says."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL, Metadata, MetadataMapping
from typing_extensions import override

from tap_shopify_contacts.checkout_fields import CHECKOUT_FIELDS
from tap_shopify_contacts.client import Question
from tap_shopify_contacts.customer_fields import CUSTOMER_FIELDS
from tap_shopify_contacts.denials import Denials
from tap_shopify_contacts.documents import (
    ABANDONED_CHECKOUTS,
    CUSTOMERS,
    Connection,
    more_lines_document,
    needs_lines,
    page_document,
    updated_between,
)
from tap_shopify_contacts.errors import BookmarkError, CatalogError, ShopNotFound, TapError, UnexpectedAnswer
from tap_shopify_contacts.fields import Field, RecordReader
from tap_shopify_contacts.pages import Edge, Page, PageSize, ask_smaller, complete_lines, read_pages, root_connection
from tap_shopify_contacts.retry import FIRST_REQUEST
from tap_shopify_contacts.sdk import WindowedStream
from tap_shopify_contacts.settings import LARGEST_PAGE, Edition, Settings
from tap_shopify_contacts.times import format_instant, parse_instant
from tap_shopify_contacts.windows import Window, WindowPlan, next_window, starting_point

if t.TYPE_CHECKING:
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog

    from tap_shopify_contacts.tap import TapShopifyContacts

REPLICATION_KEY = "updated_at"
AUTOMATIC = ("id", "shop", REPLICATION_KEY)
"""Fields of every record, selected or not."""

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_LINES_PER_CHECKOUT = 10
_SHOP_SCHEMA_NAME = "shop"


@dataclass(frozen=True)
class StreamPlan:
    """What is particular to one stream. `oldest` is the node's time that a first run begins with."""

    name: str
    fields: tuple[Field, ...]
    connection: Connection
    oldest: str
    page_size: int
    windows: WindowPlan


CUSTOMER_STREAM = StreamPlan(
    "customers", CUSTOMER_FIELDS, CUSTOMERS, "updatedAt", LARGEST_PAGE, WindowPlan(timedelta(days=30), 250, 10_000)
)
CHECKOUT_STREAM = StreamPlan(
    "abandoned_checkouts",
    CHECKOUT_FIELDS,
    ABANDONED_CHECKOUTS,
    # Shopify sorts checkouts by their creation, which is never after their last change.
    "createdAt",
    50,
    WindowPlan(timedelta(days=7), 50, 2_000),
)


@dataclass(frozen=True)
class Run:
    """The stretch that this run reads: [start, until). Without a start there is nothing to read."""

    start: datetime | None
    until: datetime


def plans_of(edition: Edition) -> tuple[StreamPlan, ...]:
    """Return the streams of an edition."""
    return (CUSTOMER_STREAM, CHECKOUT_STREAM) if edition is Edition.ADVANCED else (CUSTOMER_STREAM,)


def fields_of(plan: StreamPlan, edition: Edition) -> tuple[Field, ...]:
    """Return the fields of a stream in an edition."""
    return tuple(field for field in plan.fields if edition is Edition.ADVANCED or not field.advanced)


class ShopifyStream(WindowedStream):
    """One stream of the shop, read in windows of its `updated_at`."""

    def __init__(self, tap: TapShopifyContacts, plan: StreamPlan, edition: Edition) -> None:
        """Make the stream with the fields of an edition."""
        self._plan = plan
        self._fields = fields_of(plan, edition)
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
        clock, oldest = self._probe(start)
        until = clock - self._settings.horizon
        already = bookmark or self._settings.start_date
        if already is not None and until <= already:
            # Nothing to read yet, and a bookmark never goes back.
            run = Run(None, already)
        else:
            run = Run(start if start is not None else oldest, until)
        self._run = run
        self._write_bookmark(already, run)
        return run

    @property
    def _settings(self) -> Settings:
        return self._shop_tap.checked_settings

    def _bookmark(self) -> datetime | None:
        """Return the time up to which earlier runs have read everything."""
        if self.replication_method == REPLICATION_FULL_TABLE:
            return None
        value = self.stream_state.get("replication_key_value")
        if value is None or self.stream_state.get("replication_key", REPLICATION_KEY) != REPLICATION_KEY:
            return None
        try:
            return parse_instant(str(value))
        except ValueError:
            error = BookmarkError("The bookmark in the state is not a time.", "Correct the state or remove it.")
            error.place(stream=self.name)
            raise error from None

    def _probe(self, start: datetime | None) -> tuple[datetime, datetime | None]:
        """Return the shop's clock and the oldest time to read from, before anything is written.

        One record is asked for by the run's own document and filter: whatever is wrong with the shop, the token, a
        scope, the version or the filter shows now.
        """
        document = page_document(self._plan.connection, self._asked_paths, probe=True)
        question = Question(self.name, document, self._variables(updated_between(start or _BEGINNING)))
        answer = ask_smaller(self._shop_tap.client, question, PageSize(1), None, policy=FIRST_REQUEST)
        try:
            served = (answer.data.get(_SHOP_SCHEMA_NAME) or {}).get("myshopifyDomain")
            if served is not None and served != self._settings.shop:
                raise ShopNotFound(f"The shop {served} answered instead.", "Check the settings shop and api_url.")
            if answer.date is None:
                raise UnexpectedAnswer("Shopify's answer has no Date header, so the shop's time is not known.")
            self._denials.learn(answer.denials)
            connection = root_connection(self._plan.connection.root)(answer.data) or {}
        except TapError as error:
            error.place(shop=self._settings.shop, stream=self.name, request_id=answer.request_id)
            raise
        edges = connection["edges"]
        return answer.date, parse_instant(edges[0]["node"][self._plan.oldest]) if edges else None

    def _write_bookmark(self, value: datetime | None, run: Run) -> None:
        """Put into the state how far has been read, and how far this run will read if it is not there yet."""
        state = self.stream_state
        state.clear()
        state["replication_key"] = REPLICATION_KEY
        if value is not None:
            state["replication_key_value"] = format_instant(value)
        if value is None or value < run.until:
            state["until"] = format_instant(run.until)

    # Reading

    @cached_property
    def _asked_paths(self) -> tuple[str, ...]:
        return tuple(path for field in self._selected_fields for path in field.asked_paths(self._settings.api_version))

    def _variables(self, search: str) -> dict[str, t.Any]:
        variables: dict[str, t.Any] = {"query": search}
        if needs_lines(self._asked_paths):
            variables["lines"] = _LINES_PER_CHECKOUT
        return variables

    @cached_property
    def _page_size(self) -> PageSize:
        return PageSize(self._settings.page_size or self._plan.page_size)

    @cached_property
    def _lines_page_size(self) -> PageSize:
        return PageSize(LARGEST_PAGE)

    @cached_property
    def _denials(self) -> Denials:
        def build(denied: t.Collection[str]) -> RecordReader:
            settings = self._settings
            return RecordReader(self._selected_fields, version=settings.api_version, shop=settings.shop, denied=denied)

        return Denials(build, AUTOMATIC, self._settings.protected_data, self.logger)

    @override
    def get_records(self, context: Context | None) -> t.Iterator[dict[str, t.Any]]:
        """Yield the records of each window, and move the bookmark after it."""
        run = self._opened_run()
        length = self._plan.windows.first
        total = 0
        start = run.start
        while start is not None and start < run.until:
            window = next_window(start, run.until, length)
            count = 0
            for record in self._read_window(window, self._page_size):
                yield record
                count += 1
            total += count
            self._write_bookmark(window.end, run)
            self._write_state()
            self.logger.info("%s: %s read, up to %s.", self.name, f"{total:,}", format_instant(window.end))
            length = self._plan.windows.next_length(length, count, run.until - window.end)
            start = window.end
        self._write_bookmark(run.until, run)
        self._run = None

    @override
    def read_one(self) -> bool:
        run = self._opened_run()
        if run.start is None or run.start >= run.until:
            return False
        return next(self._read_window(Window(run.start, run.until), PageSize(1)), None) is not None

    def _read_window(self, window: Window, size: PageSize) -> t.Iterator[dict[str, t.Any]]:
        """Yield the records updated in the window.

        A record that Shopify returns although it was updated at or after the end is passed on: it is newer than asked
        for, and the next run reads it again. One from before the start was read by an earlier window or run, and is
        left out.
        """
        question = Question(
            self.name,
            page_document(self._plan.connection, self._asked_paths),
            self._variables(updated_between(window.start, window.end)),
        )
        earliest = format_instant(window.start)
        for page in read_pages(self._shop_tap.client, question, root_connection(self._plan.connection.root), size):
            try:
                for record in self._read_page(page):
                    if record[REPLICATION_KEY] >= earliest:
                        yield record
            except TapError as error:
                error.place(shop=self._settings.shop, stream=self.name)
                raise
            self.logger.debug("%s: a page of %d.", self.name, len(page.edges))

    def _read_page(self, page: Page) -> t.Iterator[dict[str, t.Any]]:
        # All lines first: a denial among the last ones concerns every record of the page.
        self._denials.learn(page.denials)
        edges = [edge for edge in page.edges if self._complete(edge)]
        read = self._denials.reader.read
        for edge in edges:
            yield read(edge["node"])

    def _complete(self, edge: Edge) -> bool:
        """Fetch what did not fit on the page. Returns False when Shopify no longer has the record."""
        if not needs_lines(self._asked_paths):
            return True
        question = Question(self.name, more_lines_document(self._plan.connection, self._asked_paths))
        denials = complete_lines(self._shop_tap.client, question, edge["node"], self._lines_page_size)
        if denials is None:
            self.logger.warning("%s: a checkout was deleted while its lines were read; it is left out.", self.name)
            return False
        self._denials.learn(denials)
        return True
