"""`meltano run shopify-reconcile`: what no change of a customer tells, a listing of all of them does."""

from __future__ import annotations

import typing as t

import pytest

from shopify_sandbox.process import Sandbox, running_sandbox
from tests.end_to_end.project import Installation, Project
from tests.end_to_end.truth import operations, row_versions, rows, watch_writes

DELETED = "Shopify - customer deleted"


@pytest.fixture
def store() -> t.Iterator[Sandbox]:
    """A small store whose time is that of the contact database."""
    with running_sandbox(customers=40, checkouts=0, seed=7, scopes=("read_customers", "read_orders")) as sandbox:
        yield sandbox


def test_deletions_merges_and_consents_that_moved_nothing_are_found(
    project: Project, store: Sandbox, sqlite_url: str, system_url: str
) -> None:
    user = Installation.of(project, store, sqlite_url, system_url)
    user.meltano("run", "tap-shopify-customers", "target-contactdb").check()
    before = statuses(sqlite_url)
    # The shop deletes nobody who has ordered.
    wanted = "SELECT user_code FROM contacts WHERE email_status = 'subscribed' ORDER BY orders_count > 0, contact_id"
    deleted, merged, kept, silent = [int(one["user_code"]) for one in rows(sqlite_url, wanted)][:4]

    store.control("DELETE", f"customers/{deleted}")
    store.control("POST", "customers/merge", {"keep": kept, "drop": merged})
    opted_out = {"channel": "email", "state": "UNSUBSCRIBED", "touch_updated_at": False}
    store.control("POST", f"customers/{silent}/consent", opted_out)
    first = user.meltano("run", "shopify-reconcile").check()

    gone = {str(number): ("unsubscribed", DELETED) for number in (deleted, merged)}
    assert statuses(sqlite_url) == {**before, **gone, str(silent): ("unsubscribed", "Shopify - opted out")}
    assert first.lines_of("warning") == []
    assert operations(sqlite_url)[1:] == [
        {"kind": "consents", "state": "completed", "records_read": 38, "unchanged": 37, "updated": 1}
    ]

    versions = row_versions(sqlite_url)
    with watch_writes(sqlite_url) as written:
        user.meltano("run", "shopify-reconcile").check()
        assert written() == []
    assert row_versions(sqlite_url) == versions


def statuses(url: str) -> dict[str, tuple[str, str | None]]:
    """The e-mail status and its cause of each contact, by user code."""
    found = rows(url, "SELECT user_code, email_status, email_unsubscription_cause FROM contacts")
    return {one["user_code"]: (one["email_status"], one["email_unsubscription_cause"]) for one in found}
