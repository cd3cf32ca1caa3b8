"""Serves a shop from a thread of its own, so that the main thread keeps its signals."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import typing as t
from dataclasses import dataclass

import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

from shopify_sandbox.app import build_app
from shopify_sandbox.bucket import Bucket
from shopify_sandbox.bulk import Operations
from shopify_sandbox.clock import StoreClock
from shopify_sandbox.downloads import build_downloads
from shopify_sandbox.engine import Engine
from shopify_sandbox.fast import Fast
from shopify_sandbox.shop import Shop
from shopify_sandbox.store import Store
from shopify_sandbox.tokens import Tokens
from shopify_sandbox.web import ByPort

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST = "127.0.0.1"
DEFAULT_SCOPES = ("read_customers", "read_orders", "read_products")


@dataclass(frozen=True)
class Options:
    """How a sandbox is started; `now` is the store's time at start in microseconds, null for the machine's."""

    port: int = 0
    customers: int = 1_000
    checkouts: int = 250
    seed: int = 7
    shop: str = "sandbox.myshopify.com"
    token: str = "shpat_sandbox"
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-secret"
    token_lifetime: int = 86_399
    now: int | None = None
    restore_rate: int = 100
    bucket: int = 2_000
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    fast: bool = False


def build_shop(options: Options) -> Shop:
    """The shop that these options describe."""
    clock = StoreClock(options.now)
    store = Store(options.seed, clock, options.customers, options.checkouts, options.shop)
    bucket = Bucket(options.bucket, options.restore_rate)
    tokens = Tokens(options.token, options.client_id, options.client_secret, options.token_lifetime, clock)
    fast = Fast(store, store.population) if options.fast else None
    return Shop(store, Engine(bucket), tokens, frozenset(options.scopes), Operations(clock), fast)


class _Protocol(H11Protocol):
    """Hands the connection to the application, which closes it when a fault says so."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """Tells when connections are accepted, and stops when it is told to instead of looking from time to time."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    @override
    async def main_loop(self) -> None:
        await self._stopped.wait()

    def stop(self) -> None:
        """End `main_loop`, from another thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)


def _listener(port: int) -> socket.socket:
    # With the protocol named, asyncio sends small pieces at once; else each answer waits for a delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A whole page fits, so that it is sent at once.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        listener.bind((HOST, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def serving(shop: Shop, port: int = 0) -> Iterator[str]:
    """Serve a shop while the block runs; gives the base URL once connections are accepted.

    The results of bulk operations are served from a port of their own: another origin, as with the real shop.

    Raises:
        OSError: The port is taken.
        RuntimeError: The server did not start.
    """
    listeners = [_listener(port), _listener(0)]
    url, shop.bulk.origin = (f"http://{HOST}:{listener.getsockname()[1]}" for listener in listeners)
    config = uvicorn.Config(
        ByPort({listeners[1].getsockname()[1]: build_downloads(shop)}, build_app(shop)),
        http=_Protocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    thread = threading.Thread(target=_run(server, listeners), name="sandbox", daemon=True)
    thread.start()
    while not server.ready.wait(0.05):
        if not thread.is_alive():
            message = "the sandbox server did not start"
            raise RuntimeError(message)
    try:
        yield url
    finally:
        server.stop()
        thread.join()
        for listener in listeners:
            listener.close()
        shop.close()


def _run(server: _Server, listeners: list[socket.socket]) -> Callable[[], None]:
    return lambda: server.run(sockets=listeners)
