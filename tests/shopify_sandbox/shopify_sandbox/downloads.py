"""The host that bulk results are fetched from: another origin than the shop, which knows nothing of its tokens."""

from __future__ import annotations

import re
import typing as t

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import override

from shopify_sandbox.app import early_fault
from shopify_sandbox.bulk import RESULT_PATH
from shopify_sandbox.clock import SECOND, format_http_date
from shopify_sandbox.web import StoreDate

if t.TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from shopify_sandbox.bulk import Operation
    from shopify_sandbox.results import Result
    from shopify_sandbox.shop import Shop

DOWNLOAD_OPERATION = "bulk_result"
_CHUNK = 1 << 18
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_SECRETS = ("x-shopify-access-token", "authorization", "cookie")


class Stretch(Response):
    """Bytes `start` to `stop` of a result, read as they are sent; with `cut` the connection breaks after so many."""

    def __init__(
        self, result: Result, span: tuple[int, int], cut: int | None, request: Request, entry: dict[str, t.Any]
    ) -> None:
        """Announce the bytes."""
        super().__init__()
        self._result, self._cut = result, cut
        self._start, self._stop = span
        self._transport = request.state.transport
        self._entry = entry

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        end = self._stop if self._cut is None else min(self._start + self._cut, self._stop)
        place = self._start
        while place < end:
            chunk = self._result.read(place, min(_CHUNK, end - place))
            place += len(chunk)
            self._entry["sent"] += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": place < self._stop})
        if end < self._stop:
            self._transport.close()


class Downloads:
    """The endpoint of results. Its requests are named `bulk_result` in faults and in the log."""

    def __init__(self, shop: Shop) -> None:
        """Serve the results of a shop's app."""
        self._shop = shop

    async def handle(self, request: Request) -> Response:
        """Answer one request and write it in the log."""
        entry: dict[str, t.Any] = {
            "operation": DOWNLOAD_OPERATION,
            "variables": None,
            "version": None,
            "requested_cost": None,
            "range": request.headers.get("range"),
            "secrets_sent": [name for name in _SECRETS if name in request.headers],
            "sent": 0,
        }
        self._shop.requests.append(entry)
        response = self._respond(request, entry)
        entry["status"] = response.status_code
        return response

    def _respond(self, request: Request, entry: dict[str, t.Any]) -> Response:
        if entry["secrets_sent"]:
            return _problem(400, "InvalidArgument", f"Unexpected header {entry['secrets_sent'][0]}.")
        met = self._shop.faults.meet(DOWNLOAD_OPERATION, None)
        if (early := early_fault(request, met)) is not None:
            return early
        operation = self._shop.bulk.by_secret(request.path_params["secret"])
        result = None if operation is None else operation.file()
        if operation is None or result is None:
            return _problem(404, "NoSuchKey", "The specified key does not exist.")
        entry["bulk_operation"] = operation.id
        if (refused := self._refused(request, operation)) is not None:
            return refused
        cut = None
        if fault := met.get("truncated_body"):
            cut = fault.options.get("bytes", result.size // 2)
        whole = "ignore_range" in met
        return _stretch(request, operation, result, cut, entry, whole=whole)

    def _refused(self, request: Request, operation: Operation) -> Response | None:
        expires = operation.expires_at or 0
        if request.query_params.get("Expires") != str(expires // SECOND):
            return _problem(403, "SignatureDoesNotMatch", "The signature does not match.")
        if request.query_params.get("Signature") != operation.signature or self._shop.store.clock.now() >= expires:
            return _problem(400, "ExpiredToken", "The provided token has expired.")
        return None


def _stretch(
    request: Request, operation: Operation, result: Result, cut: int | None, entry: dict[str, t.Any], *, whole: bool
) -> Response:
    start, stop, ranged = 0, result.size, False
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    if found is not None and not whole and request.headers.get("if-range", result.etag) == result.etag:
        start, ranged = int(found[1]), True
        stop = min(int(found[2]) + 1, result.size) if found[2] else result.size
        if start >= stop:
            return Response(status_code=416, headers={"content-range": f"bytes */{result.size}"})
    response = Stretch(result, (start, stop), cut, request, entry)
    response.headers["content-length"] = str(stop - start)
    response.headers["content-type"] = "application/jsonl"
    response.headers["content-disposition"] = f'attachment; filename="bulk-{operation.number}.jsonl"'
    response.headers["accept-ranges"] = "bytes"
    response.headers["etag"] = result.etag
    response.headers["last-modified"] = format_http_date(operation.completed_at or 0)
    if ranged:
        response.status_code = 206
        response.headers["content-range"] = f"bytes {start}-{stop - 1}/{result.size}"
    return response


def _problem(status: int, code: str, message: str) -> Response:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(body, status, media_type="application/xml; charset=UTF-8")


def build_downloads(shop: Shop) -> ASGIApp:
    """The application of the results' host."""
    app = Starlette(routes=[Route(f"{RESULT_PATH}{{secret}}", Downloads(shop).handle, methods=["GET"])])
    return StoreDate(app, shop.store.clock)
