"""Sandbox stores for the tap's tests."""

from __future__ import annotations

import typing as t

import pytest

from shopify_sandbox.process import Sandbox
from tests.tap.helpers import open_shop
from tests.tap.tokens import Clock


@pytest.fixture(scope="session")
def stocked() -> t.Iterator[Sandbox]:
    """A store of 1,000 customers and 250 checkouts that no test changes."""
    with open_shop(customers=1000, checkouts=250, bucket=1_000_000) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def _shared() -> t.Iterator[Sandbox]:
    with open_shop(customers=40, checkouts=12, bucket=1_000_000) as sandbox:
        yield sandbox


@pytest.fixture
def quiet(_shared: Sandbox) -> t.Iterator[Sandbox]:
    """A store of 40 customers and 12 checkouts that no test changes; faults and the request log are each test's own."""
    yield _shared
    _shared.control("DELETE", "faults")
    _shared.control("DELETE", "requests")


@pytest.fixture
def small() -> t.Iterator[Sandbox]:
    """A store of 40 customers and 12 checkouts for one test."""
    with open_shop(customers=40, checkouts=12, bucket=1_000_000) as sandbox:
        yield sandbox


@pytest.fixture
def idle(quiet: Sandbox) -> t.Iterator[Sandbox]:
    """The same store without bulk operations: those that a test leaves behind are ended after it."""
    yield quiet
    quiet.control("DELETE", "bulk/plans")
    for operation in quiet.control("GET", "bulk"):
        if operation["status"] in {"CREATED", "RUNNING"}:
            variables = {"id": operation["id"]}
            quiet.graphql(
                "mutation End($id: ID!) { bulkOperationCancel(id: $id) { userErrors { message } } }", variables
            )
            quiet.graphql("query Look($id: ID!) { bulkOperation(id: $id) { status } }", variables)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is moved."""
    return Clock()
