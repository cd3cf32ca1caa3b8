"""What an HTTP answer of the Admin API means. Pure: bytes in, an answer or one error out.

Statuses: https://shopify.dev/docs/api/usage/response-codes. Errors inside a 200: https://shopify.dev/docs/api/admin-graphql.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec

from tap_shopify_contacts.errors import (
    AccessDenied,
    FatalError,
    FilterDropped,
    PageTooExpensive,
    ShopClosed,
    ShopNotFound,
    TapError,
    Throttled,
    TokenRefused,
    TransientAnswer,
    TruncatedAnswer,
    UnexpectedAnswer,
    VersionMismatch,
)

_TRANSIENT = frozenset({429, 430, 500, 502, 503, 504, *range(520, 531), 540})
_TRANSIENT_CODES = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT"})
_SHORTEST_THROTTLE = 1.0
_LONGEST_QUOTE = 300

_decoder = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True)
class Denial:
    """A field that Shopify left empty because the app may not read it. `path` is dotted and starts at the node."""

    path: str
    reason: str


@dataclass(frozen=True)
class Answer:
    """The data of a good answer, with what came beside it."""

    data: t.Mapping[str, t.Any]
    denials: tuple[Denial, ...]
    date: datetime | None
    request_id: str | None


def read_answer(status: int, headers: t.Mapping[str, str], body: bytes, *, version: str) -> Answer:
    """Return the answer to a request that asked for this API version.

    Raises:
        TapError: The one error that the answer means, with the request id where Shopify gave one.
    """
    try:
        return _read(status, headers, body, version)
    except TapError as error:
        error.place(request_id=headers.get("X-Request-Id"))
        raise


def _read(status: int, headers: t.Mapping[str, str], body: bytes, version: str) -> Answer:
    if status != 200:
        raise status_error(status, headers)
    served = headers.get("X-Shopify-API-Version")
    if served is not None and served != version:
        raise VersionMismatch(
            f"Shopify answered with API version {served}, not with {version} as asked.",
            "Set api_version to a version that Shopify still serves.",
        )
    content = decode_object(headers, body)
    extensions = content.get("extensions") or {}
    data = content.get("data")
    denials = _read_errors(content.get("errors"), data, extensions)
    _check_search(extensions)
    if not isinstance(data, dict):
        raise UnexpectedAnswer("Shopify's answer holds neither data nor errors.")
    return Answer(data, denials, _date(headers), headers.get("X-Request-Id"))


def decode_object(headers: t.Mapping[str, str], body: bytes) -> dict[str, t.Any]:
    """Return the JSON object that an answer holds, its fractions as Decimals.

    Raises:
        TruncatedAnswer: If it ends too early.
        UnexpectedAnswer: If it is anything else.
    """
    try:
        content = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if body.lstrip()[:1] == b"{":
            raise TruncatedAnswer("Shopify's answer ended too early.") from None
        kind = headers.get("Content-Type", "no content type").partition(";")[0][:50]
        raise UnexpectedAnswer(
            f"The answer is not JSON ({kind}).", "Check that api_url and shop lead to Shopify's Admin API."
        ) from None
    if not isinstance(content, dict):
        raise UnexpectedAnswer("The answer is not a JSON object.", "Check that api_url leads to Shopify's Admin API.")
    return content


def status_error(status: int, headers: t.Mapping[str, str]) -> TapError:
    """Return the error that a status other than 200 means."""
    said = f"(HTTP {status})"
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
    return known.get(status) or UnexpectedAnswer(f"Shopify refused the request {said}.")


def _read_errors(errors: object, data: object, extensions: t.Mapping[str, t.Any]) -> tuple[Denial, ...]:
    """Return the denied fields among the errors of a 200, and raise for any other error."""
    if not errors:
        return ()
    if not isinstance(errors, list):
        raise UnexpectedAnswer(f"Shopify refused the request: {_quote(errors)}")
    denials = []
    for error in errors:
        error = error if isinstance(error, dict) else {"message": error}
        code = (error.get("extensions") or {}).get("code")
        if (known := _coded_error(code, error, extensions)) is not None:
            raise known
        denial = _denial(error, code, data)
        if denial is None:
            raise _refusal(error, code)
        denials.append(denial)
    return tuple(denials)


def _coded_error(code: object, error: t.Mapping[str, t.Any], extensions: t.Mapping[str, t.Any]) -> TapError | None:
    if code == "THROTTLED":
        return Throttled("Shopify's rate limit is used up.", wait=throttle_wait(extensions.get("cost") or {}))
    if code == "MAX_COST_EXCEEDED":
        detail = error["extensions"]
        return PageTooExpensive(f"The page costs {detail.get('cost')} points of at most {detail.get('maxCost')}.")
    if code in _TRANSIENT_CODES or error.get("message") == "Timeout":
        return TransientAnswer("Shopify had an internal error.")
    if code == "SHOP_INACTIVE":
        return ShopClosed("The shop is not active.", "Its owner has to open it again.")
    return None


def throttle_wait(cost: t.Mapping[str, t.Any]) -> float:
    """Return the seconds until the bucket holds what the query asks for, at least one."""
    bucket = cost.get("throttleStatus") or {}
    rate = float(bucket.get("restoreRate") or 0)
    missing = float(cost.get("requestedQueryCost") or 0) - float(bucket.get("currentlyAvailable") or 0)
    return max(_SHORTEST_THROTTLE, missing / rate) if rate > 0 else _SHORTEST_THROTTLE


def _denial(error: t.Mapping[str, t.Any], code: object, data: object) -> Denial | None:
    """Return the denial of a field inside a record, or None if the error is something else."""
    message = str(error.get("message") or "")
    if code != "ACCESS_DENIED" and "not approved" not in message:
        return None
    path = field_path(null_path(error.get("path"), data))
    return None if path is None else Denial(path, _needed(error))


def null_path(path: object, data: object) -> object:
    """Return the part of an error's path that ends in the null which the error left in the data.

    Where a denied field may not be null, GraphQL makes null the nearest thing around it that may be, and all in it:
    https://spec.graphql.org/October2021/#sec-Handling-Field-Errors.
    """
    if not isinstance(path, list) or not isinstance(data, dict):
        return None
    value: t.Any = data
    for place, part in enumerate(path):
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return path
        if value is None:
            return path[: place + 1]
    return path


def field_path(path: object) -> str | None:
    """Return an error's path from the record on, dotted and without positions; None if it leads elsewhere."""
    if not isinstance(path, list):
        return None
    names = [part for part in path if isinstance(part, str)]
    inside = names[1:] if names[:1] == ["node"] else names[3:] if names[1:3] == ["edges", "node"] else []
    return ".".join(inside) or None


def _needed(error: t.Mapping[str, t.Any]) -> str:
    required = (error.get("extensions") or {}).get("requiredAccess")
    return f"required access: {_quote(required)}" if required else _quote(error.get("message") or "access denied")


def _refusal(error: t.Mapping[str, t.Any], code: object) -> FatalError:
    message = str(error.get("message") or "")
    if code == "ACCESS_DENIED" or "not approved" in message or message == "access denied":
        root = (error.get("path") or ["this request"])[0]
        return AccessDenied(
            f"Shopify denies {root}: {_needed(error)}",
            "Give the app the scope it lacks, install it again, and use its new access token.",
        )
    return UnexpectedAnswer(f"Shopify refused the request: {_quote(message)}" + (f" ({code})" if code else ""))


def _quote(text: object) -> str:
    """Return Shopify's own words, cut to a line's length and closed with a full stop."""
    words = " ".join(str(text).split())[:_LONGEST_QUOTE]
    return words if words.endswith(".") else f"{words}."


def _check_search(extensions: t.Mapping[str, t.Any]) -> None:
    """Refuse an answer whose filter Shopify did not take: every record of the shop would match."""
    for search in extensions.get("search") or ():
        for warning in search.get("warnings") or ():
            field = warning.get("field") or "unknown field"
            raise FilterDropped(
                f"Shopify did not take the filter on {field} ({warning.get('code')}) and would return every record.",
                "Nothing of the answer was used; report this with the API version.",
            )


def _retry_after(headers: t.Mapping[str, str]) -> float | None:
    """Return the Retry-After header in seconds. It may hold seconds or a date (RFC 9110, 10.2.3)."""
    value = headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        until, now = _http_date(value), _date(headers)
    return max(0.0, (until - now).total_seconds()) if until and now else None


def _date(headers: t.Mapping[str, str]) -> datetime | None:
    return _http_date(headers.get("Date", ""))


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
