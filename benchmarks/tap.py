"""The tap beside its peers: the same customers from the same sandbox store, in turn, each a process of its own.

`python -m benchmarks.tap` writes `output/bench/tap.md`. The peer from PyPI gets an environment of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import typing as t
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from benchmarks.common import FOLDER, Result, check_alike, environment, interleave, measure, report
from shopify_sandbox.process import Sandbox, running_sandbox
from tap_shopify_contacts.customer_fields import CUSTOMER_FIELDS
from tap_shopify_contacts.documents import CUSTOMERS, bulk_document, page_document
from tap_shopify_contacts.settings import API_VERSIONS
from tap_shopify_contacts.tap import TapShopifyContacts

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PEER = "tap-shopify==3.13.0"
START = "2015-01-01T00:00:00Z"
"""Before the oldest customer of the sandbox store."""

VERSION = API_VERSIONS[-1]
HERE = Path(__file__).parent
WORK = FOLDER / "work"

_SCOPES = ("read_customers", "read_orders", "read_products", "read_all_orders")
_UNLIMITED = 1_000_000_000


@dataclass(frozen=True)
class Identity:
    """Where a tap's records say whose they are: the number, the time of the last change, the e-mail address."""

    number: Callable[[dict[str, t.Any]], object]
    updated_at: str
    email: Callable[[dict[str, t.Any]], str | None]


OURS = Identity(lambda record: record["id"], "updated_at", lambda record: record["email"])
AS_SHOPIFY = Identity(
    lambda record: record["legacyResourceId"],
    "updatedAt",
    lambda record: (record["defaultEmailAddress"] or {}).get("emailAddress"),
)
SINGER_IO = Identity(lambda record: record["id"].rpartition("/")[2], "updatedAt", lambda record: record["email"])


def main(arguments: list[str] | None = None) -> str:
    """Measure, and return the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tap", description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000, help="how many customers the store has")
    parser.add_argument("--rounds", type=int, default=3, help="how often each row is run, beside once to warm up")
    parser.add_argument("--no-warm-up", action="store_true", help="leave out the first round, which does not count")
    parser.add_argument("--rows", nargs="*", help="which rows; without it all")
    parser.add_argument("--name", default="tap", help="name of the files below output/bench")
    given = parser.parse_args(arguments)
    WORK.mkdir(parents=True, exist_ok=True)
    with fast_store(given.customers) as sandbox:
        known = rows_of(sandbox)
        chosen = {name: known[name] for name in given.rows or known}
        rows = interleave(chosen, given.rounds, warm_up=not given.no_warm_up)
    check_alike(rows)
    return report(given.name, f"Tap: {given.customers:,} customers", rows)


def fast_store(customers: int) -> contextlib.AbstractContextManager[Sandbox]:
    """Return a store without rate limits that has nothing but customers, open for the length of a block."""
    return running_sandbox(
        customers=customers,
        checkouts=0,
        scopes=_SCOPES,
        bucket=_UNLIMITED,
        restore_rate=_UNLIMITED,
        now="2026-11-01T12:00:00Z",
        fast=True,
    )


def rows_of(sandbox: Sandbox) -> dict[str, Callable[[], Result]]:
    """Return what there is to run."""
    return {
        "floor, pages": partial(run_floor, sandbox, "pages"),
        "floor, bulk": partial(run_floor, sandbox, "bulk"),
        "ours, pages": partial(run_ours, sandbox, "pages"),
        "ours, bulk": partial(run_ours, sandbox, "bulk"),
        "stock singer-sdk tap": partial(run_stock, sandbox),
        f"singer-io {PEER.replace('==', ' ')}": partial(run_singer_io, sandbox),
    }


def run_ours(sandbox: Sandbox, extraction: str) -> Result:
    """Run our tap with all fields of a customer."""
    program = [sys.executable, "-m", "tap_shopify_contacts"]
    with (
        written("config.json", our_config(sandbox, extraction)) as settings,
        written("catalog.json", our_catalog()) as catalog,
    ):
        return carried([*program, "--config", settings, "--catalog", catalog], OURS)


def our_config(sandbox: Sandbox, extraction: str) -> dict[str, t.Any]:
    """Return our tap's settings."""
    return {
        "shop": "sandbox",
        "access_token": sandbox.token,
        "api_url": sandbox.url,
        "extraction": extraction,
        "start_date": START,
        "horizon_seconds": 0,
    }


def run_stock(sandbox: Sandbox) -> Result:
    """Run the tap that has only what the SDK gives."""
    config = {
        "url": graphql_url(sandbox),
        "token": sandbox.token,
        "query": page_document(CUSTOMERS, asked_paths()),
        "start_date": START,
    }
    with written("config.json", config) as settings:
        return carried([sys.executable, HERE / "tap_rows" / "stock_sdk_tap.py", "--config", settings], AS_SHOPIFY)


def run_singer_io(sandbox: Sandbox) -> Result:
    """Run singer-io's tap, in its own environment, with all fields that it has."""
    python = environment("tap-shopify", [PEER]) / "python"
    wrapper = [python, HERE / "tap_rows" / "singer_io_tap.py", str(urlsplit(sandbox.url).port)]
    config, streams = singer_io_config(sandbox), singer_io_catalog(python)
    with written("config.json", config) as settings, written("catalog.json", streams) as catalog:
        return carried([*wrapper, "--config", settings, "--catalog", catalog], SINGER_IO)


def singer_io_config(sandbox: Sandbox) -> dict[str, t.Any]:
    """Return the settings of singer-io's tap."""
    return {"shop": "sandbox", "access_token": sandbox.token, "start_date": START}


def singer_io_catalog(python: Path) -> dict[str, t.Any]:
    """Return the catalogue of singer-io's tap, with all fields of the customers selected and no other stream.

    Args:
        python: The interpreter of its environment.
    """
    (path,) = python.parent.parent.glob("lib/*/site-packages/tap_shopify/schemas/customers.json")
    schema = json.loads(path.read_text())
    chosen = {"inclusion": "available", "selected": True}
    stream = {
        "stream": "customers",
        "tap_stream_id": "customers",
        "schema": schema,
        "key_properties": ["id"],
        "replication_key": "updatedAt",
        "replication_method": "INCREMENTAL",
        "metadata": [
            {"breadcrumb": [], "metadata": {"selected": True}},
            *({"breadcrumb": ["properties", name], "metadata": chosen} for name in schema["properties"]),
        ],
    }
    return {"streams": [stream]}


def run_floor(sandbox: Sandbox, road: str) -> Result:
    """Run the least that a tap can do."""
    address = urlsplit(graphql_url(sandbox))
    given = {
        "host": address.hostname,
        "port": address.port,
        "path": address.path,
        "token": sandbox.token,
        "query": page_document(CUSTOMERS, asked_paths()),
        "bulk_query": bulk_document(CUSTOMERS, asked_paths(), f"updated_at:>='{START}'"),
        "start_date": START,
    }
    with written("floor.json", given) as settings:
        return carried([sys.executable, HERE / "tap_rows" / "floor.py", road], AS_SHOPIFY, stdin=settings)


def asked_paths() -> tuple[str, ...]:
    """Return what our tap asks of a customer."""
    return tuple(path for field in CUSTOMER_FIELDS for path in field.asked_paths(VERSION))


def graphql_url(sandbox: Sandbox) -> str:
    """Return the address of the store's API."""
    return f"{sandbox.url}/admin/api/{VERSION}/graphql.json"


@contextlib.contextmanager
def written(name: str, content: object) -> Iterator[Path]:
    """Keep a JSON file while the block runs."""
    path = WORK / name
    path.write_text(json.dumps(content))
    yield path
    path.unlink()


def our_catalog() -> dict[str, t.Any]:
    """Return our tap's catalogue, with all fields of the customers selected and no other stream."""
    catalog = TapShopifyContacts(config={}, validate_config=False).catalog_dict
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["tap_stream_id"] == "customers"
    return catalog


def carried(command: list[t.Any], identity: Identity, *, stdin: Path | None = None) -> Result:
    """Run a tap and read back what it wrote."""
    output = WORK / "records.jsonl"
    usage = measure([str(part) for part in command], stdin=stdin, stdout=output)
    records, checksum = 0, 0
    decoder = msgspec.json.Decoder()
    with output.open("rb") as lines:
        for line in lines:
            if not line[:18].replace(b" ", b"").startswith(b'{"type":"RECORD"'):
                continue
            record = decoder.decode(line)["record"]
            whose = f"{identity.number(record)}|{record[identity.updated_at][:19]}|{identity.email(record)}"
            records += 1
            checksum = (checksum + zlib.crc32(whose.encode())) % 2**32
    output.unlink()
    return Result(usage, records, f"{checksum:08x}")


if __name__ == "__main__":
    print(main())  # noqa: T201
