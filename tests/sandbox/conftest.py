"""A store served from the test's own process, over real HTTP."""

from __future__ import annotations

import contextlib
import os
import typing as t
from pathlib import Path

import pytest
import requests

from shopify_sandbox.clock import parse_time
from shopify_sandbox.process import Sandbox
from shopify_sandbox.server import Options, build_shop, serving

NOW = "2026-11-01T12:00:00Z"
DOCUMENTS = Path(__file__).parent / "documents"


@contextlib.contextmanager
def served(**options: t.Any) -> t.Iterator[Sandbox]:
    """A store at a fixed time with a bucket that tests do not empty by accident."""
    chosen = Options(**{"now": parse_time(NOW), "bucket": 1_000_000, "customers": 60, "checkouts": 20} | options)
    with serving(build_shop(chosen)) as url:
        yield Sandbox(url, chosen.shop, chosen.token, os.getpid())


@pytest.fixture
def start() -> t.Iterator[t.Callable[..., Sandbox]]:
    """Starts stores with given options; all stop with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(served(**options))


@pytest.fixture
def sandbox(start: t.Callable[..., Sandbox]) -> Sandbox:
    """A small store of the test's own."""
    return start()


@pytest.fixture(scope="session")
def town() -> t.Iterator[Sandbox]:
    """A store of 1,000 customers and 250 checkouts that tests only read."""
    with served(customers=1_000, checkouts=250) as sandbox:
        yield sandbox


@pytest.fixture
def document() -> t.Callable[[str], str]:
    """The text of a document by its name."""
    return lambda name: (DOCUMENTS / f"{name}.graphql").read_text(encoding="utf-8")


@pytest.fixture
def post() -> t.Callable[..., requests.Response]:
    """One request to the Admin API, whatever its status."""

    def send(sandbox: Sandbox, query: str, version: str = "2026-10", **body: t.Any) -> requests.Response:
        return requests.post(
            f"{sandbox.url}/admin/api/{version}/graphql.json",
            json={"query": query, **body},
            headers={"X-Shopify-Access-Token": sandbox.token},
            timeout=20,
        )

    return send
