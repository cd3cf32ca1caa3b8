"""What an HTTP answer of the Admin API means. Pure: bytes in, an answer or one error out.

Statuses: https://shopify.dev/docs/api/usage/response-codes. Errors inside a 200: https://shopify.dev/docs/api/admin-graphql.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

import msgspec

from tap_shopify_contacts.errors import (
    AccessDenied,
    FatalError,
    FilterDropped,
    PageTooExpensive,
    ShopClosed,
    TapError,
    Throttled,
    TransientAnswer,
    TruncatedAnswer,
    UnexpectedAnswer,
    VersionMismatch,
)
from tap_shopify_contacts.pacing import Cost, read_cost
from tap_shopify_contacts.statuses import AGAIN, date_of, status_error

_TRANSIENT_CODES = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT"})
_SHORTEST_THROTTLE = 1.0
_LONGEST_QUOTE = 300

_decoder = msgspec.json.Decoder(float_hook=Decimal)

NodeT = t.TypeVar("NodeT")


@dataclass(frozen=True)
class Denial:
    """A field that Shopify left empty because the app may not read it. `path` is dotted and starts at the node."""

    path: str
    reason: str
    request_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Answer:
    """The data of a good answer, with what came beside it.

    `served` is the API version that answered, `deprecated` what Shopify says about fields that it will remove.
    """

    data: t.Mapping[str, t.Any]
    denials: tuple[Denial, ...]
    date: datetime | None
    request_id: str | None
    cost: Cost | None = None
    served: str | None = None
    deprecated: str | None = None


class _Edge(t.TypedDict, t.Generic[NodeT]):
    node: NodeT


class _Connection(t.TypedDict, t.Generic[NodeT]):
    edges: list[_Edge[NodeT]]
    pageInfo: dict[str, t.Any]


class _PageContent(t.TypedDict, t.Generic[NodeT], total=False):
    data: dict[str, _Connection[NodeT]]
    errors: t.Any
    extensions: dict[str, t.Any]


@lru_cache(maxsize=16)
def _page_decoder(node_type: type[msgspec.Struct]) -> msgspec.json.Decoder[t.Any]:
    """Return the decoder of answers that hold a page of such nodes; around them are dictionaries, as elsewhere."""
    content: t.Any = _PageContent
    return msgspec.json.Decoder(content[node_type], float_hook=Decimal)


def read_answer(
    status: int,
    headers: t.Mapping[str, str],
    body: bytes,
    *,
    version: str,
    node_type: type[msgspec.Struct] | None = None,
) -> Answer:
    """Return the answer to a request that asked for this API version.

    With a `node_type` the nodes of a page are of that type, which is faster. An answer that holds errors, or values of
    another type, comes as dictionaries nevertheless.

    Raises:
        TapError: The one error that the answer means, with the request id where Shopify gave one.
    """
    try:
        return _read(status, headers, body, version, node_type)
    except TapError as error:
        error.place(request_id=headers.get("X-Request-Id"))
        raise


def _read(
    status: int, headers: t.Mapping[str, str], body: bytes, version: str, node_type: type[msgspec.Struct] | None
) -> Answer:
    if status != 200:
        raise status_error(status, headers)
    served = headers.get("X-Shopify-API-Version")
    # Versions are dates, so they compare as text. Shopify answers with a newer version in place of one that it has
    # given up, and documents of an older version hold in it; an older one lacks what the documents ask for.
    if served is not None and served < version:
        raise VersionMismatch(
            f"Shopify answered with API version {served}, not with {version} as asked.",
            "Set api_version to a version that Shopify serves.",
        )
    content = _decode_page(body, node_type) or decode_object(headers, body)
    extensions = content.get("extensions") or {}
    data = content.get("data")
    request_id = headers.get("X-Request-Id")
    denials = _read_errors(content.get("errors"), data, extensions)
    _check_search(extensions)
    if not isinstance(data, dict):
        raise UnexpectedAnswer("Shopify's answer holds neither data nor errors.", AGAIN)
    return Answer(
        data,
        tuple(replace(denial, request_id=request_id) for denial in denials),
        date_of(headers),
        request_id,
        read_cost(extensions),
        served,
        headers.get("X-Shopify-API-Deprecated-Reason"),
    )


def _decode_page(body: bytes, node_type: type[msgspec.Struct] | None) -> dict[str, t.Any] | None:
    """Return the content of an answer that is as expected in every way; else None."""
    if node_type is None:
        return None
    try:
        content: dict[str, t.Any] = _page_decoder(node_type).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None if content.get("errors") else content


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


def _read_errors(errors: object, data: object, extensions: t.Mapping[str, t.Any]) -> tuple[Denial, ...]:
    """Return the denied fields among the errors of a 200, and raise for any other error."""
    if not errors:
        return ()
    if not isinstance(errors, list):
        raise UnexpectedAnswer(f"Shopify refused the request: {_quote(errors)}", AGAIN)
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
    message = error.get("message")
    if code == "THROTTLED" or (code is None and message == "Throttled"):
        cost = read_cost(extensions)
        return Throttled("Shopify's rate limit is used up.", wait=throttle_wait(cost), cost=cost)
    if code == "MAX_COST_EXCEEDED":
        detail = error["extensions"]
        points, limit = detail.get("cost"), detail.get("maxCost")
        known = isinstance(points, (int, float)) and isinstance(limit, (int, float))
        return PageTooExpensive(
            f"The page costs {points} points of at most {limit}.",
            cost=float(points) if known else None,
            limit=float(limit) if known else None,
        )
    if code in _TRANSIENT_CODES or message == "Timeout":
        return TransientAnswer("Shopify had an internal error.")
    if code == "SHOP_INACTIVE":
        return ShopClosed("The shop is not active.", "Its owner has to open it again.")
    return None


def throttle_wait(cost: Cost | None) -> float:
    """Return the seconds until the bucket holds what the query asks for, at least one."""
    if cost is None or cost.bucket.rate <= 0:
        return _SHORTEST_THROTTLE
    return max(_SHORTEST_THROTTLE, (cost.requested - cost.bucket.available) / cost.bucket.rate)


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
    return UnexpectedAnswer(f"Shopify refused the request: {_quote(message)}" + (f" ({code})" if code else ""), AGAIN)


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
