"""What the status and the headers of an HTTP answer mean. Pure.

Statuses: https://shopify.dev/docs/api/usage/response-codes.
"""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from tap_shopify_contacts.errors import (
    AccessDenied,
    FatalError,
    SecurityRejection,
    ShopClosed,
    ShopNotFound,
    TapError,
    Throttled,
    TokenRefused,
    TransientAnswer,
    UnexpectedAnswer,
)

AGAIN = "Run it again later; if it stays so, report it with the request id."
"""The advice where nobody knows better."""

_TRANSIENT = frozenset({500, 502, 503, 504, *range(520, 531), 540})
_REJECTION_WAIT = 60.0


def status_error(status: int, headers: t.Mapping[str, str]) -> TapError:
    """Return the error that a status other than 200 means."""
    said = f"(HTTP {status})"
    if status == 429:
        return Throttled(f"Shopify's rate limit is used up {said}.", wait=_retry_after(headers))
    if status == 430:
        return SecurityRejection(
            f"Shopify's security rules refuse the request {said}.",
            "Ask Shopify's support, with the request id, why the app's requests are refused.",
            wait=_retry_after(headers) or _REJECTION_WAIT,
        )
    if status in _TRANSIENT:
        return TransientAnswer(f"Shopify could not answer {said}.", wait=_retry_after(headers))
    if 300 <= status < 400:
        host = urlsplit(headers.get("Location", "")).hostname or "another address"
        return ShopNotFound(f"The shop is now at {host} {said}.", "Set shop to the shop's present name.")
    known: dict[int, FatalError] = {
        401: TokenRefused(
            f"Shopify refused the access token {said}.", "Check the setting access_token and that the app is installed."
        ),
        402: ShopClosed(f"The shop is frozen {said}.", "Its owner has a bill to pay to Shopify."),
        403: AccessDenied(
            f"Shopify forbids the request {said}.", "Check the app's scopes and that access_token belongs to this shop."
        ),
        404: ShopNotFound(f"There is no such shop {said}.", "Check the setting shop."),
        423: ShopClosed(f"The shop is locked {said}.", "Ask Shopify's support."),
    }
    return known.get(status) or UnexpectedAnswer(f"Shopify refused the request {said}.", AGAIN)


def _retry_after(headers: t.Mapping[str, str]) -> float | None:
    """Return the Retry-After header in seconds. It may hold seconds or a date (RFC 9110, 10.2.3)."""
    value = headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        until, now = _http_date(value), date_of(headers)
    return max(0.0, (until - now).total_seconds()) if until and now else None


def date_of(headers: t.Mapping[str, str]) -> datetime | None:
    """Return the time of the answer by the shop's own clock."""
    return _http_date(headers.get("Date", ""))


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
