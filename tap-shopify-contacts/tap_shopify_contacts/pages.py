"""Reads a connection page by page, and completes the carts whose lines do not fit on one."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

import msgspec

from tap_shopify_contacts.client import Question
from tap_shopify_contacts.documents import LINES
from tap_shopify_contacts.errors import (
    AccessDenied,
    CursorStuck,
    FatalError,
    PageTooExpensive,
    RetryableError,
    SecurityRejection,
    TapError,
    Throttled,
)

if t.TYPE_CHECKING:
    from tap_shopify_contacts.answers import Answer, Denial
    from tap_shopify_contacts.client import Ease
    from tap_shopify_contacts.page_size import PageSize
    from tap_shopify_contacts.retry import RetryPolicy

_EASED_AFTER = 2
_EASED_AFTER_THROTTLED = 4

Edge = dict[str, t.Any]
Finder = t.Callable[[t.Mapping[str, t.Any]], "t.Mapping[str, t.Any] | None"]


class Asks(t.Protocol):
    """What a client does."""

    def ask(self, question: Question, *, policy: RetryPolicy | None = None, ease: Ease | None = None) -> Answer:
        """Return the answer to a question."""


@dataclass(frozen=True)
class Page:
    """One page of a connection."""

    edges: list[Edge]
    denials: tuple[Denial, ...]
    is_last: bool


def read_pages(
    client: Asks, question: Question, find: Finder, size: PageSize, *, after: str | None = None
) -> t.Iterator[Page]:
    """Yield the pages of the connection that `find` picks out of each answer's data.

    When it finds none, reading ends.

    Raises:
        CursorStuck: If a page leads to a page that was already read.
        FatalError: If a page of one record costs too much.
        TapError: What the client raises.
    """
    seen = {after}
    while True:
        answer = ask_smaller(client, question, size, after)
        try:
            connection = find(answer.data)
        except TapError as error:
            error.place(stream=question.stream, request_id=answer.request_id)
            raise
        if connection is None:
            return
        is_last = not connection["pageInfo"]["hasNextPage"]
        yield Page(connection["edges"], answer.denials, is_last)
        if is_last:
            return
        after = connection["pageInfo"]["endCursor"]
        if after is None or after in seen:
            stuck = CursorStuck(
                "Shopify's cursor does not move: the next page is one that was already read.",
                "Run it again; if it stays so, report it with the request id.",
            )
            stuck.place(stream=question.stream, request_id=answer.request_id)
            raise stuck
        seen.add(after)


def ask_smaller(
    client: Asks, question: Question, size: PageSize, after: str | None, *, policy: RetryPolicy | None = None
) -> Answer:
    """Ask for a page of the size that is right now, and for a smaller one as long as it costs too much or fails.

    Raises:
        FatalError: If a page of one record costs too much.
        TapError: What the client raises.
    """

    def sized() -> Question:
        return replace(question, variables={**question.variables, "first": size.count, "after": after})

    def ease(error: RetryableError, failures: int) -> Question:
        ease_after(error, failures, size)
        return sized()

    while True:
        try:
            answer = client.ask(sized(), policy=policy, ease=ease)
        except PageTooExpensive as error:
            if not size.fit(error.cost, error.limit):
                final = FatalError(error.problem, "Deselect some fields of this stream.")
                final.place(shop=error.shop, stream=error.stream, request_id=error.request_id)
                raise final from error
        else:
            if answer.cost is not None:
                size.learn(answer.cost)
            return answer


def ease_after(error: RetryableError, failures: int, size: PageSize) -> None:
    """Make the next page smaller where that may help after the n-th failure of a kind."""
    if isinstance(error, Throttled):
        if error.cost is not None and not error.cost.fits:
            size.stay_below(error.cost.requested, error.cost.bucket.maximum)
        elif failures % _EASED_AFTER_THROTTLED == 0:
            # Others empty the bucket before it holds what this page costs.
            size.ease()
    elif failures % _EASED_AFTER == 0 and not isinstance(error, SecurityRejection):
        # Shopify may be too slow for a page of this size.
        size.ease()


def root_connection(root: str) -> Finder:
    """Return the function that finds a root connection in an answer's data."""

    def find(data: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
        connection: t.Mapping[str, t.Any] | None = data.get(root)
        if connection is None:
            raise AccessDenied(f"Shopify denies {root} to the app.", "Check the app's scopes and approvals.")
        return connection

    return find


def lines_of_checkout(data: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any] | None:
    """Return the lines in an answer about one checkout; None when Shopify no longer has the checkout."""
    checkout: t.Mapping[str, t.Any] | None = data.get("node")
    return None if checkout is None else checkout[LINES]


def has_more_lines(checkout: t.Mapping[str, t.Any] | msgspec.Struct) -> bool:
    """Say whether a checkout has lines that did not fit on its page."""
    if isinstance(checkout, msgspec.Struct):
        return bool(getattr(checkout, LINES).pageInfo["hasNextPage"])
    return bool(checkout[LINES]["pageInfo"]["hasNextPage"])


def complete_lines(
    client: Asks, question: Question, checkout: t.Mapping[str, t.Any], size: PageSize
) -> tuple[Denial, ...] | None:
    """Add to a checkout the lines that did not fit on its page, in the cart's order.

    Returns what Shopify denied on the way, or None when the checkout went away before its lines were all read.
    """
    lines = checkout[LINES]
    of_checkout = Question(question.stream, question.document, {"id": checkout["id"]})
    denials: list[Denial] = []
    is_complete = False
    for page in read_pages(client, of_checkout, lines_of_checkout, size, after=lines["pageInfo"]["endCursor"]):
        lines["edges"].extend(page.edges)
        denials.extend(page.denials)
        is_complete = page.is_last
    return tuple(denials) if is_complete else None
