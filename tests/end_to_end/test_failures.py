"""What goes wrong is said in one line that names the setting, and leaves nothing half done."""

from __future__ import annotations

import typing as t
from collections import Counter
from pathlib import Path

import pytest

from shopify_sandbox.process import Sandbox
from tests.end_to_end.conftest import small_store
from tests.end_to_end.expected import Row
from tests.end_to_end.project import Ended, Installation, Project, kill_group
from tests.end_to_end.truth import assert_holds, operations, read_books, rows

NOT_STARTED = "the imports that follow in this run are not started"

OF_ONE_DATABASE = {
    "contacts": {"created_at", "updated_at", "last_operation_id"},
    "contact_sources": {"first_seen_at"},
    "suppressions": set[str](),
    "checkouts": {"last_operation_id"},
    "checkout_lines": set[str](),
    "status_changes": {"change_id", "written_at", "operation_id"},
}
"""What two databases with the same contents differ in, by table."""


def one_line_that_stops(ended: Ended) -> str:
    """The only line of a plugin that tells of a failure."""
    assert ended.exit_code == 1
    told = [*ended.lines_of("critical"), *ended.lines_of("error")]
    assert len(told) == 1, "\n".join(ended.lines)
    assert "Traceback" not in ended.stderr
    assert "╭" not in ended.stderr
    return told[0]


def assert_only_customers_were_tried(ended: Ended) -> None:
    assert "tap-shopify-customers" in ended.stderr
    assert "tap-shopify-checkouts" not in ended.stderr


BAD_SETTINGS: list[t.Any] = [
    pytest.param({"TAP_SHOPIFY_CONTACTS_SHOP": None}, "shop", id="no shop"),
    pytest.param({"TAP_SHOPIFY_CONTACTS_ACCESS_TOKEN": " "}, "access_token", id="a blank token"),
    pytest.param({"TAP_SHOPIFY_CONTACTS_ACCESS_TOKEN": "shpat_wrong"}, "access_token", id="a wrong token"),
    pytest.param({"TAP_SHOPIFY_CONTACTS_API_URL": "http://127.0.0.1:9"}, "api_url", id="an unreachable shop"),
    pytest.param(
        {"TARGET_CONTACTDB_MAPPINGS": '[{"source": "email", "field": "no_such_field"}]'},
        "mappings",
        id="a mapping to an unknown field",
    ),
]


@pytest.mark.parametrize(("settings", "name"), BAD_SETTINGS)
def test_a_bad_setting_is_named_and_nothing_is_written(
    settings: dict[str, str | None], name: str, installation: Installation, tmp_path: Path
) -> None:
    ended = installation.with_settings(**settings).sync()
    told = one_line_that_stops(ended)
    assert name in told
    assert NOT_STARTED in told.lower()
    assert "shpat_" not in ended.stderr
    assert_only_customers_were_tried(ended)
    assert not (tmp_path / "contacts.db").exists()


def test_an_unwritable_database_is_named(installation: Installation, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'no such folder' / 'contacts.db'}"
    ended = installation.with_settings(TARGET_CONTACTDB_SQLALCHEMY_URL=url).sync()
    told = one_line_that_stops(ended)
    assert "sqlalchemy_url" in told
    assert NOT_STARTED in told.lower()
    assert_only_customers_were_tried(ended)
    assert not (tmp_path / "no such folder").exists()


def test_prod_without_a_database_url_writes_to_no_file(installation: Installation) -> None:
    folder = installation.project.folder
    before = sorted(folder.rglob("*.db"))
    without = installation.with_settings(TARGET_CONTACTDB_SQLALCHEMY_URL=None)
    ended = Installation(without.project, without.settings, environment="prod").sync()
    assert "sqlalchemy_url" in one_line_that_stops(ended)
    assert sorted(folder.rglob("*.db")) == before


def test_checkouts_are_not_imported_when_the_customers_failed(
    installation: Installation, store: Sandbox, sqlite_url: str
) -> None:
    store.control("POST", "faults", {"kind": "http_status", "status": 403, "operation": "Customers", "after": 2})

    ended = installation.sync()

    assert ended.exit_code == 1
    (tap,), (target,) = ended.lines_of("critical"), ended.lines_of("error")
    assert " tap-shopify-customers " in tap
    assert "(HTTP 403)" in tap
    assert " target-contactdb customers import failed" in target
    assert NOT_STARTED in tap
    assert NOT_STARTED in target.lower()
    assert_only_customers_were_tried(ended)
    asked = {request["operation"] for request in store.control("GET", "requests")}
    assert asked == {"CustomersProbe", "CustomersCount", "Customers"}
    (failed,) = operations(sqlite_url)
    assert (failed["kind"], failed["state"]) == ("customers", "failed")
    assert 0 < failed["records_read"] < 120

    # The next run goes on from what was committed, and then comes the turn of the checkouts.
    installation.sync().check()
    assert_holds(sqlite_url, read_books(store))
    resumed, checkouts = operations(sqlite_url)[1:]
    assert resumed["state"] == checkouts["state"] == "completed"
    assert failed["inserted"] + resumed["inserted"] == 120


def test_a_killed_run_and_its_repetition_give_the_database_of_an_undisturbed_run(
    project: Project, store: Sandbox, installation: Installation, sqlite_url: str, tmp_path: Path
) -> None:
    stuck = {"kind": "http_status", "status": 503, "retry_after": 600, "operation": "Customers", "after": 2}
    store.control("POST", "faults", stuck)
    with installation.start_sync() as process:
        assert process.stderr is not None
        # The tap waits for the store; Meltano knows where the run began, and that something is committed.
        read_until(process.stderr, {"Asking again": 1, "Incremental state has been updated": 2})
        kill_group(process)
    assert process.returncode == -9
    some = len(rows(sqlite_url, "SELECT * FROM contacts"))
    assert 0 < some < 120
    store.control("DELETE", "faults")

    # Meltano takes a run that was killed for one that still runs, for five minutes.
    assert installation.sync().exit_code == 1
    installation.sync("--force").check()

    with small_store() as twin:
        url = f"sqlite:///{tmp_path / 'undisturbed.db'}"
        Installation.of(project, twin, url, f"sqlite:///{tmp_path / 'other.db'}").sync().check()
        assert contents(sqlite_url) == contents(url)
    assert_holds(sqlite_url, read_books(store))
    assert [operation["state"] for operation in operations(sqlite_url)] == ["interrupted", "completed", "completed"]


def read_until(output: t.IO[str], awaited: dict[str, int]) -> None:
    """Read lines until each of the texts has been in that many."""
    missing, lines = Counter(awaited), []
    for line in output:
        lines.append(line)
        missing -= Counter(text for text in missing if text in line)
        if not missing:
            return
    raise AssertionError(f"it ended without {missing}:\n{''.join(lines)}")


def contents(url: str) -> dict[str, list[Row]]:
    """All that an import leaves behind, without the database's own times, numbers and salted hashes."""
    codes = {row["contact_id"]: row["user_code"] for row in rows(url, "SELECT contact_id, user_code FROM contacts")}

    def comparable(row: Row, ours: set[str]) -> Row:
        shown = {name: value for name, value in row.items() if name not in ours and not name.endswith("_hash")}
        return shown | {"contact_id": codes.get(row.get("contact_id"))}

    return {
        table: sorted((comparable(row, ours) for row in rows(url, f"SELECT * FROM {table}")), key=repr)
        for table, ours in OF_ONE_DATABASE.items()
    }
