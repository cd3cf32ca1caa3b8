"""Runs the tap in this process against a sandbox store, and reads what it wrote."""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
import typing as t
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from typing_extensions import override

from shopify_sandbox.clock import parse_time
from shopify_sandbox.process import Sandbox
from shopify_sandbox.server import Options, build_shop, serving
from tap_shopify_contacts.client import ShopClient
from tap_shopify_contacts.tap import TapShopifyContacts
from tap_shopify_contacts.writer import PageWriter

NOW = "2026-11-01T12:00:00Z"
SCOPES = ("read_customers", "read_orders", "read_products", "read_all_orders")

Message = dict[str, t.Any]


@contextlib.contextmanager
def open_shop(now: str = NOW, **options: t.Any) -> Iterator[Sandbox]:
    """Serve a sandbox store from this process while the block runs."""
    chosen = Options(now=parse_time(now), **{"scopes": SCOPES, **options})
    with serving(build_shop(chosen)) as url:
        yield Sandbox(url, chosen.shop, chosen.token, os.getpid())


def config_of(sandbox: Sandbox, **settings: t.Any) -> dict[str, t.Any]:
    """Return the tap's configuration for a sandbox."""
    return {"shop": "sandbox", "access_token": sandbox.token, "api_url": sandbox.url, **settings}


def app_config_of(sandbox: Sandbox, **settings: t.Any) -> dict[str, t.Any]:
    """Return the tap's configuration for a sandbox, to sign in with client credentials."""
    app = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    return {"shop": "sandbox", "api_url": sandbox.url, **app, **settings}


class LineWriter(PageWriter):
    """Keeps the lines instead of printing them; `on_record` is called after the n-th record, counted from 1."""

    def __init__(self, on_record: Callable[[int], None] | None = None) -> None:
        """Begin with no line."""
        super().__init__()
        self.lines: list[bytes] = []
        self._on_record = on_record
        self._records = 0

    @override
    def write_message(self, message: t.Any) -> None:
        self.lines.append(bytes(self.format_message(message)))
        if message.type == "RECORD":
            self._count()

    @override
    def write_lines(self, lines: bytes) -> None:
        for line in lines.splitlines(keepends=True):
            self.lines.append(line)
            self._count()

    def _count(self) -> None:
        self._records += 1
        if self._on_record is not None:
            self._on_record(self._records)


@dataclass
class Output:
    """What a run wrote, message by message. Numbers with a fraction are Decimals."""

    lines: list[bytes]
    waits: list[float] = field(default_factory=list)

    @property
    def messages(self) -> list[Message]:
        """Return all messages."""
        return [json.loads(line, parse_float=Decimal) for line in self.lines]

    def records(self, stream: str) -> list[Message]:
        """Return the records of a stream, in order."""
        return [
            message["record"]
            for message in self.messages
            if message["type"] == "RECORD" and message["stream"] == stream
        ]

    def latest(self, stream: str) -> dict[int, Message]:
        """Return the last record of each id."""
        return {record["id"]: record for record in self.records(stream)}

    @property
    def states(self) -> list[Message]:
        """Return the values of all STATE messages."""
        return [message["value"] for message in self.messages if message["type"] == "STATE"]

    def bookmarks(self, stream: str) -> list[Message]:
        """Return the bookmark of a stream in each STATE."""
        return [state["bookmarks"][stream] for state in self.states]

    @property
    def kinds(self) -> list[str]:
        """Return the types of the messages, each run of records as one."""
        kinds = [message["type"] for message in self.messages]
        return [kind for place, kind in enumerate(kinds) if kind != "RECORD" or kinds[place - 1] != "RECORD"]


def run_tap(
    config: dict[str, t.Any],
    *,
    select: str | None = None,
    deselect: t.Collection[str] = (),
    state: Message | None = None,
    on_record: Callable[[int], None] | None = None,
    writer: LineWriter | None = None,
    clock: Callable[[], float] = time.monotonic,
    waits: list[float] | None = None,
    **catalog_entry: t.Any,
) -> Output:
    """Run the tap. Waits are noted, in `waits` if given, and move the tap's clock instead of being waited for.

    `select` is the only stream to read, without the fields of `deselect`. `catalog_entry` changes the stream's entry.
    """
    writer = writer or LineWriter(on_record)
    catalog = None
    if select is not None:
        catalog = make_catalog(config, select, deselect, catalog_entry)
    tap = TapShopifyContacts(config=config, state=state, catalog=catalog, message_writer=writer)
    waits = [] if waits is None else waits
    tap.client = ShopClient(
        tap.checked_settings,
        tap.logger,
        sleep=waits.append,
        chance=lambda: 0.5,
        clock=lambda: clock() + math.fsum(waits),
    )
    try:
        tap.sync_all()
    finally:
        tap.client.close()
    return Output(writer.lines, waits)


def make_catalog(
    config: dict[str, t.Any], select: str, deselect: t.Collection[str], entry: dict[str, t.Any]
) -> dict[str, t.Any]:
    """Return a catalogue as `--discover` writes it, with one stream selected."""
    catalog = TapShopifyContacts(config=config).catalog_dict
    for stream in catalog["streams"]:
        chosen = stream["tap_stream_id"] == select
        if chosen:
            stream.update(entry)
        for item in stream["metadata"]:
            name = item["breadcrumb"][-1] if item["breadcrumb"] else None
            if name is None:
                item["metadata"]["selected"] = chosen
            elif name in deselect:
                item["metadata"]["selected"] = False
    return catalog


def requests_of(sandbox: Sandbox, operation: str | None = None) -> list[Message]:
    """Return the Admin API requests so far, all or those of one operation."""
    log: list[Message] = sandbox.control("GET", "requests")
    return [entry for entry in log if operation is None or entry["operation"] == operation]


def truth_of(sandbox: Sandbox, kind: str) -> list[Message]:
    """Return what the store holds, as its control path tells it: `customers` or `checkouts`."""
    records: list[Message] = sandbox.control("GET", f"{kind}?limit=1000000")[kind]
    return records
