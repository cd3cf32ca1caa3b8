"""The reports of transform/: making them, reading them, and comparing them with the tables of a contact database."""

from __future__ import annotations

import datetime as dt
import typing as t
from collections import Counter
from decimal import Decimal

import sqlalchemy as sa

from tests.end_to_end.expected import Row
from tests.end_to_end.project import Ended, Installation
from tests.end_to_end.truth import rows

KEYS = {
    "contactable_audience": 1,
    "consent_coverage": 3,
    "opt_outs_by_cause": 4,
    "abandoned_value_by_day": 3,
    "abandoned_value_by_age": 4,
    "contact_rfm": 1,
    "import_health": 3,
}
"""The reports, and how many of their first columns tell their rows apart."""


def read_report(url: str, report: str) -> list[Row]:
    """Read a report, alike on every engine: amounts, days and moments as text, and nothing of what is zero.

    The rows come in the order of what tells them apart.
    """
    schema = "main" if url.startswith("sqlite") else "contact_reports"
    found = sorted(rows(url, f"SELECT * FROM {schema}.{report}"), key=lambda row: [*row.values()][: KEYS[report]])
    return [{name: alike for name, value in row.items() if (alike := _alike(value)) not in {0, "0"}} for row in found]


def _alike(value: t.Any) -> t.Any:
    if isinstance(value, float):
        value = Decimal(format(value, ".15g"))
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if isinstance(value, dt.date) else value


def sync_with_reports(installation: Installation) -> Ended:
    """Run the job that imports and then makes the reports, as the contact database's engine needs it."""
    database = sa.make_url(installation.settings["TARGET_CONTACTDB_SQLALCHEMY_URL"])
    if database.get_backend_name() == "sqlite":
        return installation.meltano("run", "shopify-sync-and-transform")
    return installation.with_settings(**postgres_settings(database)).meltano(
        "run", "shopify-sync-and-transform-postgres"
    )


def postgres_settings(database: sa.URL) -> dict[str, str]:
    """The settings of dbt-postgres for a contact database."""
    return {
        "DBT_POSTGRES_HOST": str(database.query["host"]),
        "DBT_POSTGRES_USER": str(database.username),
        "DBT_POSTGRES_DATABASE": str(database.database),
    }


def assert_reports_agree(url: str) -> None:
    """Compare reports with the tables that they are made from."""
    numbers = ("contacts", "with_address", "subscribed", "unsubscribed", "contactable")
    coverage = {
        (row["channel"], row["country_code"], row["locale"]): tuple(row.get(name, 0) for name in numbers)
        for row in read_report(url, "consent_coverage")
    }
    assert coverage == _expected_coverage(url)
    operations = rows(url, "SELECT kind, records_read FROM operations")
    read: Counter[str] = Counter()
    for operation in operations:
        read[operation["kind"]] += operation["records_read"]
    imports = Counter(operation["kind"] for operation in operations)
    health = read_report(url, "import_health")
    assert {(row["kind"], row["imports"], row["completed"], row["records_read"]) for row in health} == {
        (kind, imports[kind], imports[kind], read[kind]) for kind in ("customers", "checkouts")
    }


def _expected_coverage(url: str) -> dict[tuple[str, str, str], tuple[int, ...]]:
    closed = {
        (row["channel"], row["address_hash"])
        for row in rows(url, "SELECT channel, address_hash FROM suppressions WHERE lifted_at IS NULL")
    }
    groups: dict[tuple[str, str, str], list[t.Any]] = {}
    for contact in rows(url, "SELECT * FROM contacts"):
        place = (contact["country_code"] or "unknown", contact["locale"] or "unknown")
        for channel in ("email", "sms"):
            status, address = contact[f"{channel}_status"], contact[f"{channel}_address_hash"]
            groups.setdefault((channel, *place), []).append((status, address, (channel, address) in closed))
    return {
        group: (
            len(members),
            sum(address is not None for _, address, _ in members),
            sum(status == "subscribed" and address is not None for status, address, _ in members),
            sum(status == "unsubscribed" and address is not None for status, address, _ in members),
            sum(
                status == "subscribed" and address is not None and not is_closed
                for status, address, is_closed in members
            ),
        )
        for group, members in groups.items()
    }
