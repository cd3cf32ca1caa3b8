"""Everything that can go wrong, sorted by what to do about it.

TapError
├── RetryableError            the same request may work later
│   ├── ConnectionFailed      no connection, or it broke off
│   ├── TransientAnswer       5xx and Shopify's internal errors
│   ├── TruncatedAnswer       JSON that ends too early
│   ├── SecurityRejection     430: the requests look malicious to Shopify
│   └── Throttled             429, or the bucket of points is empty; says how long to wait
├── PageTooExpensive          a smaller page will work
├── BulkFailed                another bulk operation, or pages, will work
└── FatalError                asking again cannot help; the run stops
    ├── ConfigError           a setting is missing or wrong
    ├── CatalogError          the catalogue asks for what the tap cannot do
    ├── BookmarkError         the state cannot be read
    ├── GaveUp                a retryable error that did not go away
    ├── TokenRefused          401
    ├── CredentialsRefused    no token is issued for client_id and client_secret
    ├── ShopNotFound          404, a redirect, or an answer in another shop's name
    ├── ShopClosed            402, 423, or a shop that is not active
    ├── AccessDenied          403, or a scope or approval that the app lacks
    ├── FieldDenied           a field that protected-data rules or a scope deny
    ├── VersionMismatch       served by an older API version than asked for
    ├── FilterDropped         Shopify ignored the filter and would return everything
    ├── CursorStuck           the next page is the same page
    └── UnexpectedAnswer      anything else that cannot be made sense of

No message holds a token, a secret or a value of a person's record.
"""

from __future__ import annotations

import typing as t

from typing_extensions import override

if t.TYPE_CHECKING:
    from tap_shopify_contacts.pacing import Cost


class TapError(Exception):
    """A failure that can be told in one line.

    `problem` says what happened, `advice` what to do. The client adds where it happened.
    """

    def __init__(self, problem: str, advice: str = "") -> None:
        """Keep the two sentences of the message."""
        super().__init__(problem, advice)
        self.problem = problem
        self.advice = advice
        self.shop: str | None = None
        self.stream: str | None = None
        self.request_id: str | None = None

    def place(self, *, shop: str | None = None, stream: str | None = None, request_id: str | None = None) -> None:
        """Say where it happened. What is already known stays."""
        self.shop = self.shop or shop
        self.stream = self.stream or stream
        self.request_id = self.request_id or request_id

    @override
    def __str__(self) -> str:
        """Return the whole message as one line."""
        places = [f"shop {self.shop}" if self.shop else "", f"stream {self.stream}" if self.stream else ""]
        place = ", ".join(part for part in places if part)
        request = f"(request id {self.request_id})" if self.request_id else ""
        text = f"{place}: {self.problem}" if place else self.problem
        return " ".join(" ".join(part for part in (text, self.advice, request) if part).split())


class RetryableError(TapError):
    """The same request may work later. `tries` is how often to try it where the policy's own number does not fit."""

    tries: t.ClassVar[int | None] = None

    def __init__(self, problem: str, advice: str = "", *, wait: float | None = None) -> None:
        """Keep how long Shopify asks to wait, in seconds, where it says so."""
        super().__init__(problem, advice)
        self.wait = wait


class ConnectionFailed(RetryableError):
    """There was no connection, or it broke off."""


class TransientAnswer(RetryableError):
    """Shopify could not answer now."""


class TruncatedAnswer(RetryableError):
    """The answer is JSON that ends too early."""


class SecurityRejection(RetryableError):
    """Shopify takes the requests for malicious. Asking on soon would confirm it."""

    tries = 4


class Throttled(RetryableError):
    """The bucket of points is empty, maybe for hours where others drain it. `cost` is what the answer told of it."""

    tries = 1_000

    def __init__(self, problem: str, advice: str = "", *, wait: float | None = None, cost: Cost | None = None) -> None:
        """Keep what the answer told."""
        super().__init__(problem, advice, wait=wait)
        self.cost = cost


class PageTooExpensive(TapError):
    """One page costs more points than a single query may cost, `limit`; both are None where Shopify does not tell."""

    def __init__(
        self, problem: str, advice: str = "", *, cost: float | None = None, limit: float | None = None
    ) -> None:
        """Keep the figures."""
        super().__init__(problem, advice)
        self.cost = cost
        self.limit = limit


class BulkFailed(TapError):
    """A bulk operation ended without its whole result."""

    def __init__(self, problem: str, *, is_final: bool = False) -> None:
        """Keep whether any other operation would fail likewise."""
        super().__init__(problem)
        self.is_final = is_final


class FatalError(TapError):
    """Asking again cannot help."""


class ConfigError(FatalError):
    """A setting is missing or wrong."""


class CatalogError(FatalError):
    """The catalogue asks for what the tap cannot do."""


class BookmarkError(FatalError):
    """The state that was handed in cannot be read."""


class GaveUp(FatalError):
    """A retryable error did not go away."""


class TokenRefused(FatalError):
    """Shopify does not know the access token."""


class CredentialsRefused(FatalError):
    """Shopify issues no access token for the app's client credentials."""


class ShopNotFound(FatalError):
    """There is no such shop, or another shop answered."""


class ShopClosed(FatalError):
    """The shop is frozen, locked or not active."""


class AccessDenied(FatalError):
    """The app lacks a scope or an approval."""


class FieldDenied(FatalError):
    """Protected-data rules or a missing scope deny a field."""


class VersionMismatch(FatalError):
    """An older API version answered than the one asked for."""


class FilterDropped(FatalError):
    """Shopify ignored the filter."""


class CursorStuck(FatalError):
    """The cursor of the next page does not move."""


class UnexpectedAnswer(FatalError):
    """The answer cannot be made sense of."""
