"""Pieces of HTTP that both the Admin API and the control path use."""

from __future__ import annotations

import json
import typing as t

from starlette.responses import Response
from typing_extensions import override

from shopify_sandbox.clock import format_http_date

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from shopify_sandbox.clock import StoreClock

Body: t.TypeAlias = dict[str, t.Any]
Handler: t.TypeAlias = "Callable[[Request, Body], t.Any]"

_SMALL = 1 << 14

JSON = "application/json; charset=utf-8"


class StoreDate:
    """Puts the store's clock in the `Date` header of every answer."""

    def __init__(self, app: ASGIApp, clock: StoreClock) -> None:
        """Wrap an application."""
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the header added."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_http_date(self._clock.now())
                message["headers"] = [*message.get("headers", ()), (b"date", date.encode())]
            await send(message)

        await self._app(scope, receive, dated)


class ByPort:
    """Several applications, each on a port of its own."""

    def __init__(self, apps: dict[int, ASGIApp], other: ASGIApp) -> None:
        """Serve `apps` on their ports and `other` on all others."""
        self._apps = apps
        self._other = other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on to the application of the port."""
        await self._apps.get(scope["server"][1], self._other)(scope, receive, send)


class ClosedConnection(Response):
    """Sends the given part of a body that was announced longer, or nothing at all, and closes the connection."""

    def __init__(self, transport: t.Any, announced: int = 0, sent: bytes | None = None, **given: t.Any) -> None:
        """Announce `announced` bytes and send `sent`; null sends not even a status."""
        super().__init__(sent or b"", **given)
        self._transport = transport
        self._silent = sent is None
        self.headers["content-length"] = str(announced)

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what is to be sent, then close."""
        if not self._silent:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self.body, "more_body": True})
        self._transport.close()
        while (await receive())["type"] != "http.disconnect":
            continue


class Pieces(Response):
    """A JSON answer that is sent piece by piece without being put together."""

    def __init__(self, pieces: list[bytes], headers: dict[str, str]) -> None:
        """Announce the pieces."""
        super().__init__(headers=headers, media_type=JSON)
        self._pieces = pieces
        self.headers["content-length"] = str(sum(map(len, pieces)))

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        small: list[bytes] = []
        for piece in self._pieces:
            if len(piece) < _SMALL:
                small.append(piece)
                continue
            await send({"type": "http.response.body", "body": b"".join(small), "more_body": True})
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            small.clear()
        await send({"type": "http.response.body", "body": b"".join(small)})


def json_response(content: t.Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer with letters of all alphabets written as they are."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status_code=status, media_type=JSON, headers=headers)
