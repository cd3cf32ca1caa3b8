"""The reports of transform/, compared with what the contact database holds."""

from __future__ import annotations

import typing as t
from collections import Counter

import sqlalchemy as sa

from tests.end_to_end.expected import Row
from tests.end_to_end.project import Installation
from tests.end_to_end.truth import rows


def assert_reports_agree(installation: Installation) -> None:
    """Have dbt make and test the reports, and compare them with the tables."""
    database = sa.make_url(installation.settings["TARGET_CONTACTDB_SQLALCHEMY_URL"])
    url = database.render_as_string(hide_password=False)
    utility, settings, schema = _of_engine(database)
    built = installation.with_settings(**settings).meltano("run", f"{utility}:build")
    assert "PASS=10 WARN=0 ERROR=0 SKIP=0" in built.check().stderr
    assert _audience(rows(url, f"SELECT * FROM {schema}.contactable_audience")) == _expected_audience(url)
    health = rows(url, f"SELECT kind, imports, completed, not_completed, records_read FROM {schema}.import_health")
    operations = rows(url, "SELECT kind, records_read FROM operations")
    read: Counter[str] = Counter()
    for operation in operations:
        read[operation["kind"]] += operation["records_read"]
    imports = Counter(operation["kind"] for operation in operations)
    assert {report["kind"]: {**report} for report in health} == {
        kind: {
            "kind": kind,
            "imports": imports[kind],
            "completed": imports[kind],
            "not_completed": 0,
            "records_read": read[kind],
        }
        for kind in ("customers", "checkouts")
    }


def _of_engine(database: sa.URL) -> tuple[str, dict[str, str], str]:
    if database.get_backend_name() == "sqlite":
        return "dbt-sqlite", {"DBT_SQLITE_FILE": str(database.database)}, "main"
    settings = {
        "DBT_POSTGRES_HOST": str(database.query["host"]),
        "DBT_POSTGRES_USER": str(database.username),
        "DBT_POSTGRES_DATABASE": str(database.database),
    }
    return "dbt-postgres", settings, "contact_reports"


def _audience(report: list[Row]) -> dict[tuple[str, str], tuple[int, ...]]:
    numbers = ("contacts", "subscribed", "unsubscribed", "without_address", "contactable")
    return {(row["channel"], row["country_code"]): tuple(int(row[name]) for name in numbers) for row in report}


def _expected_audience(url: str) -> dict[tuple[str, str], tuple[int, ...]]:
    closed = {
        (row["channel"], row["address_hash"])
        for row in rows(url, "SELECT channel, address_hash FROM suppressions WHERE lifted_at IS NULL")
    }
    groups: dict[tuple[str, str], list[t.Any]] = {}
    for contact in rows(url, "SELECT * FROM contacts"):
        for channel in ("email", "sms"):
            status = contact[f"{channel}_status"]
            may = status == "subscribed" and (channel, contact[f"{channel}_address_hash"]) not in closed
            groups.setdefault((channel, contact["country_code"] or "unknown"), []).append((status, may))
    return {
        group: (
            len(members),
            *(sum(status == wanted for status, _ in members) for wanted in ("subscribed", "unsubscribed", "none")),
            sum(may for _, may in members),
        )
        for group, members in groups.items()
    }
