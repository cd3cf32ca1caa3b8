"""A web service that entries are sent to."""

from __future__ import annotations

import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override


class WebService:
    """Answers with the given status codes, one after the other, and then with 200.

    Attributes:
        answers: The status codes.
        received: Key, signature and body of every request.
        retry_after: What every answer says of when to ask again, in seconds.
        upon: Called with the number of each request, from 1, before it is answered.
    """

    def __init__(self) -> None:
        """Start it on a free port."""
        self.answers: list[int] = []
        self.received: list[tuple[str, str, bytes]] = []
        self.retry_after = "7"
        self.upon: t.Callable[[int], object] = lambda _number: None
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.received.append((self.headers["Idempotency-Key"], self.headers["Contactdb-Signature"], body))
                service.upon(len(service.received))
                self.send_response(service.answers.pop(0) if service.answers else 200)
                self.send_header("Location", "/elsewhere")
                self.send_header("Retry-After", service.retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()

            @override
            def log_message(self, *_: t.Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    @property
    def keys(self) -> list[str]:
        """The key of every request."""
        return [key for key, _signature, _body in self.received]

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
