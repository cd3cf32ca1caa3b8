"""A project with Meltano installed, and the stores and settings to run it with."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest

from shopify_sandbox.process import Sandbox, running_sandbox

# Their assertions tell as much as those of the tests themselves.
pytest.register_assert_rewrite(*(f"tests.end_to_end.{name}" for name in ("project", "reports", "truth")))

from tests.end_to_end.project import Installation, Project  # noqa: E402

NOW = "2026-11-01T12:00:00Z"
"""The store's time at the start of each test, so that each run of a test sees the same people."""


def small_store() -> contextlib.AbstractContextManager[Sandbox]:
    """Run a store of the same people each time. Its app may read orders of any age."""
    scopes = ("read_customers", "read_orders", "read_all_orders", "read_products")
    return running_sandbox(customers=120, checkouts=40, seed=7, now=NOW, scopes=scopes)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of this project in which `meltano install` has run."""
    return Project.copy_to(tmp_path_factory.mktemp("project"))


@pytest.fixture
def store() -> t.Iterator[Sandbox]:
    """A small store."""
    with small_store() as sandbox:
        yield sandbox


@pytest.fixture
def system_url(tmp_path: Path) -> str:
    """Where Meltano keeps its state and its list of runs, for this test alone."""
    return f"sqlite:///{tmp_path / 'meltano.db'}"


@pytest.fixture
def installation(project: Project, store: Sandbox, sqlite_url: str, system_url: str) -> Installation:
    """The small store, carried into a SQLite database."""
    return Installation.of(project, store, sqlite_url, system_url)
