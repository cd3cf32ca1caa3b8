"""`meltano run shopify-sync`, as a user runs it: from a store over HTTP into a real database."""

from __future__ import annotations

import json
import typing as t

import pytest

from shopify_sandbox.process import Sandbox
from tests.end_to_end.expected import Row
from tests.end_to_end.project import JOB_STATE_IDS, Installation, Project
from tests.end_to_end.reports import assert_reports_agree, sync_with_reports
from tests.end_to_end.truth import assert_holds, operations, read_books, row_versions, rows, watch_writes

A_DAY = 86_400
A_YEAR = "31536000"


@pytest.fixture(params=["dev on SQLite", "prod on PostgreSQL"])
def either(request: pytest.FixtureRequest, project: Project, store: Sandbox) -> Installation:
    """The store, carried into SQLite, or into a PostgreSQL that holds Meltano's state as well."""
    if request.param.startswith("dev"):
        return t.cast("Installation", request.getfixturevalue("installation"))
    url = request.getfixturevalue("postgres_url")
    return Installation.of(project, store, url, url, environment="prod")


def test_a_contact_database_follows_its_store(either: Installation, store: Sandbox) -> None:
    url = either.settings["TARGET_CONTACTDB_SQLALCHEMY_URL"]

    first = either.sync().check()

    books = read_books(store)
    assert_holds(url, books)
    assert operations(url) == [
        {"kind": "customers", "state": "completed", "records_read": 120, "inserted": 120},
        {"kind": "checkouts", "state": "completed", "records_read": 40, "inserted": 40},
    ]
    assert first.lines_of("warning") == []

    # Reading everything again finds nothing to write. What is written, the database itself says.
    before = row_versions(url)
    with watch_writes(url) as written:
        either.with_settings(TAP_SHOPIFY_CONTACTS_LOOKBACK_SECONDS=A_YEAR).sync().check()
        assert written() == []
    assert row_versions(url) == before
    within_a_year = sum(changed_or_ordered_since(customer, "2025-11-01T12") for customer in books.customers.values())
    assert within_a_year > 100
    assert operations(url)[2:] == [
        {"kind": "customers", "state": "completed", "records_read": within_a_year, "unchanged": within_a_year},
        {"kind": "checkouts", "state": "completed", "records_read": 40, "unchanged": 40},
    ]

    store.control("POST", "tick", {"seconds": A_DAY})
    last = sync_with_reports(either).check()

    later = read_books(store)
    assert_holds(url, later)
    customers, checkouts = operations(url)[4:]
    assert (customers["state"], checkouts["state"]) == ("completed", "completed")
    assert 0 < customers["inserted"] < customers["records_read"] < len(later.customers)
    assert customers["updated"] > 0
    assert 0 < checkouts["inserted"] < checkouts["records_read"] < len(later.checkouts)
    assert checkouts["updated"] > 0

    assert_bookmarks_are_complete(either)
    assert "WARN=0 ERROR=0 SKIP=0" in last.stderr
    assert_reports_agree(url)
    assert_nothing_personal_is_logged(either.project, store)


def changed_or_ordered_since(customer: Row, moment: str) -> bool:
    """Tell whether an import from a moment on reads a customer: an order does not move a customer's `updated_at`."""
    order = customer["last_order"]
    return bool(max(customer["updated_at"], order["created_at"] if order else "") >= moment)


def assert_bookmarks_are_complete(installation: Installation) -> None:
    names = sorted(f"{installation.environment}:{name}" for name in JOB_STATE_IDS)
    states = rows(installation.settings["MELTANO_DATABASE_URI"], "SELECT state_id FROM state ORDER BY state_id")
    assert [state["state_id"] for state in states] == names
    shown = json.loads(installation.meltano("state", "get", names[1]).check().stdout)
    (bookmark,) = shown["singer_state"]["bookmarks"].items()
    stream, position = bookmark
    assert (stream, sorted(position)) == ("customers", ["replication_key", "replication_key_value"])
    assert "2026-11-02T11:58:00Z" < position["replication_key_value"] < "2026-11-02T12:00:00Z"


def assert_nothing_personal_is_logged(project: Project, store: Sandbox) -> None:
    logged = project.log_text()
    assert "shopify-customers" in logged
    customers = store.control("GET", "customers?limit=1000")["customers"]
    personal = {customer[name] for customer in customers for name in ("email", "phone") if customer[name]}
    assert len(personal) > 100
    assert [value for value in (*personal, store.token) if value in logged] == []


def test_the_schedules_are_what_an_orchestrator_reads(project: Project) -> None:
    listed = json.loads(project.meltano("schedule", "list", "--format", "json", settings={}).check().stdout)
    job = {
        "name": "shopify-sync",
        "tasks": ["tap-shopify-customers target-contactdb", "tap-shopify-checkouts target-contactdb"],
    }
    reconcile = {"name": "shopify-reconcile", "tasks": ["tap-shopify-consents target-contactdb"]}
    assert listed["schedules"]["job"] == [
        {"name": "shopify-hourly", "interval": "@hourly", "cron_interval": "0 * * * *", "env": {}, "job": job},
        {"name": "shopify-daily", "interval": "@daily", "cron_interval": "0 0 * * *", "env": {}, "job": job},
        {"name": "shopify-weekly", "interval": "@weekly", "cron_interval": "0 0 * * 0", "env": {}, "job": reconcile},
    ]


def test_secrets_are_not_shown_by_meltano(project: Project) -> None:
    settings = {
        "TAP_SHOPIFY_CONTACTS_ACCESS_TOKEN": "shpat_do_not_show",
        "TARGET_CONTACTDB_SQLALCHEMY_URL": "postgresql+psycopg://me:do_not_show@localhost/contacts",
    }
    for command, shown in (
        (("list", "tap-shopify-customers"), "access_token"),
        (("print", "target-contactdb"), "sqlalchemy_url"),
    ):
        told = project.meltano("--environment", "dev", "config", *command, settings=settings).check()
        assert shown in told.stdout
        assert "do_not_show" not in told.stdout + told.stderr
