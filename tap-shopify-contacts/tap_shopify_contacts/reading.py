"""Asks the shop for records of one stream: page by page, and what has to be known before a bulk operation is asked."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime

from tap_shopify_contacts.client import Question
from tap_shopify_contacts.compiled import as_dict
from tap_shopify_contacts.denials import Denials
from tap_shopify_contacts.documents import more_lines_document, needs_lines, page_document, updated_between
from tap_shopify_contacts.errors import ShopNotFound, TapError, UnexpectedAnswer
from tap_shopify_contacts.fields import is_denied
from tap_shopify_contacts.page_size import PageSize
from tap_shopify_contacts.pages import ask_smaller, complete_lines, has_more_lines, read_pages, root_connection
from tap_shopify_contacts.plans import AUTOMATIC, REPLICATION_KEY
from tap_shopify_contacts.records import RecordReader
from tap_shopify_contacts.retry import FIRST_REQUEST
from tap_shopify_contacts.settings import LARGEST_PAGE
from tap_shopify_contacts.times import format_instant, parse_instant

if t.TYPE_CHECKING:
    import logging

    import msgspec

    from tap_shopify_contacts.client import ShopClient
    from tap_shopify_contacts.compiled import Node, Record
    from tap_shopify_contacts.fields import Field
    from tap_shopify_contacts.pages import Edge, Page
    from tap_shopify_contacts.plans import StreamPlan
    from tap_shopify_contacts.settings import Settings
    from tap_shopify_contacts.windows import Window

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""Before any record."""

_LINES_PER_CHECKOUT = 10
_SHOP_SCHEMA_NAME = "shop"


class StreamReading:
    """The selected fields of one stream, asked for and read."""

    def __init__(
        self,
        client: ShopClient,
        plan: StreamPlan,
        fields: t.Sequence[Field],
        settings: Settings,
        logger: logging.Logger,
    ) -> None:
        """Prepare. Nothing is asked yet."""
        self._client = client
        self._plan = plan
        self._fields = tuple(fields)
        self._settings = settings
        self._logger = logger
        self._paths = tuple(path for field in fields for path in field.asked_paths(settings.api_version))
        self._has_lines = needs_lines(self._paths)
        chosen = settings.page_size
        self._page_size = PageSize(plan.page_size, LARGEST_PAGE) if chosen is None else PageSize(chosen)
        self._lines_page_size = PageSize(LARGEST_PAGE)
        self._denials = Denials(self._build_reader, AUTOMATIC, settings.protected_data, logger)

    def _build_reader(self, denied: t.Collection[str]) -> RecordReader:
        settings = self._settings
        return RecordReader(self._fields, version=settings.api_version, shop=settings.shop, denied=denied)

    def probe(self, start: datetime | None) -> tuple[datetime, datetime | None]:
        """Return the shop's clock and the oldest time to read from, before anything is written.

        One record is asked for by the run's own document and filter: whatever is wrong with the shop, the token, a
        scope, the version or the filter shows now.

        Raises:
            TapError: What is wrong.
        """
        document = page_document(self._plan.connection, self._paths, probe=True)
        question = Question(self._plan.name, document, self._variables(updated_between(start or BEGINNING)))
        answer = ask_smaller(self._client, question, PageSize(1), None, policy=FIRST_REQUEST)
        try:
            served = (answer.data.get(_SHOP_SCHEMA_NAME) or {}).get("myshopifyDomain")
            if served is not None and served != self._settings.shop:
                raise ShopNotFound(f"The shop {served} answered instead.", "Check the settings shop and api_url.")
            if answer.date is None:
                raise UnexpectedAnswer("Shopify's answer has no Date header, so the shop's time is not known.")
            self._denials.learn(answer.denials)
            connection = root_connection(self._plan.connection.root)(answer.data) or {}
        except TapError as error:
            error.place(shop=self._settings.shop, stream=self._plan.name, request_id=answer.request_id)
            raise
        edges = connection["edges"]
        return answer.date, parse_instant(edges[0]["node"][self._plan.oldest]) if edges else None

    # By pages

    def read_window(self, window: Window, size: PageSize | None = None) -> t.Iterator[list[Record]]:
        """Yield the records updated in the window, page by page.

        A record that Shopify returns although it was updated at or after the end is passed on: it is newer than asked
        for, and the next run reads it again. One from before the start was read by an earlier window or run, and is
        left out.
        """
        yield from self.read_found(updated_between(window.start, window.end), window.start, size)

    def read_found(
        self, search: str, start: datetime = BEGINNING, size: PageSize | None = None
    ) -> t.Iterator[list[Record]]:
        """Yield the records that a filter finds, page by page, without those last updated before a time."""
        question, find = self._page_question(search), root_connection(self._plan.connection.root)
        try:
            for page in read_pages(self._client, question, find, size or self._page_size):
                yield self._records_since(self._whole_nodes(page), start)
                self._logger.debug("%s: a page of %d.", self._plan.name, len(page.edges))
        except TapError as error:
            error.place(shop=self._settings.shop, stream=self._plan.name)
            raise

    def _page_question(self, search: str) -> Question:
        document = page_document(self._plan.connection, self._paths)
        return Question(self._plan.name, document, self._variables(search), self.node_type)

    def _variables(self, search: str) -> dict[str, t.Any]:
        variables: dict[str, t.Any] = {"query": search}
        if self._has_lines:
            variables["lines"] = _LINES_PER_CHECKOUT
        return variables

    def _records_since(self, nodes: t.Iterable[Node], start: datetime) -> list[Record]:
        earliest = format_instant(start)
        # The nodes first: what is denied may show only while they are fetched.
        whole, reader = list(nodes), self._denials.reader
        return [record for record in reader.read_all(whole) if record[REPLICATION_KEY] >= earliest]

    def _whole_nodes(self, page: Page) -> t.Iterator[Node]:
        """Yield the nodes of a page once all their lines are there: a denial among the last concerns every record."""
        self._denials.learn(page.denials)
        yield from [edge["node"] for edge in page.edges if self._complete(edge)]

    def _complete(self, edge: Edge) -> bool:
        """Fetch what did not fit on the page. Returns False when Shopify no longer has the record."""
        if not self._has_lines or not has_more_lines(edge["node"]):
            return True
        edge["node"] = as_dict(edge["node"])
        question = Question(self._plan.name, more_lines_document(self._plan.connection, self._paths))
        denials = complete_lines(self._client, question, edge["node"], self._lines_page_size)
        if denials is None:
            self._logger.warning(
                "%s: a checkout was deleted while its lines were read; it is left out.", self._plan.name
            )
            return False
        self._denials.learn(denials)
        return True

    # For bulk operations

    def allowed_paths(self, window: Window) -> tuple[str, ...]:
        """Return the paths that Shopify does not deny.

        A bulk operation would fail because of a denied one, or leave it empty without a word. A page tells. It also
        tells whether Shopify takes the filter, which an operation would not.
        """
        question = self._page_question(updated_between(window.start, window.end))
        try:
            answer = ask_smaller(self._client, question, self._page_size, None)
            self._denials.learn(answer.denials)
        except TapError as error:
            error.place(shop=self._settings.shop, stream=self._plan.name)
            raise
        return tuple(path for path in self._paths if not is_denied(path, self._denials.paths))

    @property
    def node_type(self) -> type[msgspec.Struct]:
        """Return the type to decode nodes into. It is the same whatever Shopify denies."""
        return self._denials.reader.node_type

    def records_of(self, nodes: t.Sequence[Node], start: datetime = BEGINNING) -> list[Record]:
        """Return the records of nodes of a bulk operation's result, without those last updated before a time.

        Raises:
            TapError: If a node has another form than Shopify documents.
        """
        try:
            return self._records_since(nodes, start)
        except TapError as error:
            error.place(shop=self._settings.shop, stream=self._plan.name)
            raise
