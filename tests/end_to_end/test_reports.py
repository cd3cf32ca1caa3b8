"""The reports of transform/, made by dbt out of contact databases whose rows are known, on both of its engines."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import typing as t
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from target_contactdb import tables
from target_contactdb.database import open_database
from target_contactdb.engines import open_engine
from target_contactdb.fields import ContactField, FieldType
from tests.databases import postgres_database
from tests.end_to_end.expected_reports import EXPECTED
from tests.end_to_end.project import Ended, Project
from tests.end_to_end.reported import FIELDS, LAST_OF_OTHER_SHOP, OTHER_SHOP, RENAMED, SHOP, write_reported
from tests.end_to_end.reports import KEYS, postgres_settings, read_report
from tests.end_to_end.truth import rows

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.end_to_end.expected import Row

OF_POSTGRES = {"country_field": "land", "last_order_field": "ordered_on", "retired_shops": [OTHER_SHOP]}


@dataclass(frozen=True)
class Reported:
    """A contact database, and dbt as Meltano has installed it for its engine."""

    project: Project
    url: str
    folder: Path
    settings: dict[str, str]
    variables: dict[str, t.Any]

    def dbt(self, *arguments: str) -> Ended:
        """Run dbt to its end."""
        engine = "sqlite" if self.url.startswith("sqlite") else "postgres"
        transform = self.project.folder / "transform"
        own = {
            "CONTACT_REPORTS_ENGINE": engine,
            "DBT_PROJECT_DIR": str(transform),
            "DBT_PROFILES_DIR": str(transform / "profiles"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
        }
        program = self.project.folder / ".meltano" / "utilities" / f"dbt-{engine}" / "venv" / "bin" / "dbt"
        ended = subprocess.run(
            [program, *arguments, "--vars", json.dumps(self.variables)],
            env=os.environ | own | self.settings,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def build(self) -> str:
        """Make the reports and test them; return what dbt said."""
        return self.dbt("build").check().stdout

    def reports(self) -> dict[str, list[Row]]:
        """Every report."""
        return {report: read_report(self.url, report) for report in KEYS}

    def freshness(self) -> tuple[int, list[tuple[str, str]]]:
        """The exit code of dbt's freshness; and what it found, with the time of the import that is longest overdue."""
        ended = self.dbt("source", "freshness")
        found = json.loads((self.folder / "target" / "sources.json").read_text(encoding="utf-8"))["results"]
        return ended.exit_code, [(source["status"], source["max_loaded_at"]) for source in found]


@dataclass(frozen=True)
class Bare:
    """What became of the reports without a single contact field: what dbt said, and the reports."""

    said: str
    reports: dict[str, list[Row]]


@pytest.fixture(scope="module")
def first_on_sqlite(project: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Reported, Bare]:
    """A SQLite database that has no contact fields yet."""
    folder = tmp_path_factory.mktemp("sqlite")
    file = folder / "contacts.db"
    reported = Reported(project, f"sqlite:///{file}", folder, {"DBT_SQLITE_FILE": str(file)}, {})
    write_reported(reported.url, ())
    return reported, Bare(reported.build(), reported.reports())


@pytest.fixture(scope="module")
def on_sqlite(first_on_sqlite: tuple[Reported, Bare]) -> Reported:
    """The same with contact fields, and the reports made again."""
    reported, _bare = first_on_sqlite
    write_reported(reported.url, FIELDS)
    reported.build()
    return reported


@pytest.fixture(scope="module")
def on_postgres(
    project: Project, postgres_server: sa.Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reported]:
    """A PostgreSQL database far from UTC, two of whose contact fields have names of a user's own."""
    with postgres_database(postgres_server) as database:
        url = database.render_as_string(hide_password=False)
        engine = open_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text(f"ALTER DATABASE {database.database} SET timezone TO 'Asia/Tokyo'"))
        engine.dispose()
        folder = tmp_path_factory.mktemp("postgres")
        reported = Reported(project, url, folder, postgres_settings(database), OF_POSTGRES)
        write_reported(url, FIELDS, RENAMED)
        reported.build()
        yield reported


@pytest.fixture(params=["sqlite", "postgres"])
def reported(request: pytest.FixtureRequest) -> Reported:
    """The database of each engine, with its reports."""
    return t.cast("Reported", request.getfixturevalue(f"on_{request.param}"))


@pytest.mark.parametrize("report", KEYS)
def test_a_report_says_what_the_contact_database_holds(reported: Reported, report: str) -> None:
    assert read_report(reported.url, report) == EXPECTED[report]


def test_both_engines_have_the_same_columns_in_the_same_order(on_sqlite: Reported, on_postgres: Reported) -> None:
    assert [list(columns_of(on_sqlite.url, "main", report)) for report in KEYS] == [
        list(columns_of(on_postgres.url, "contact_reports", report)) for report in KEYS
    ]


def columns_of(url: str, schema: str, report: str) -> list[str]:
    engine = open_engine(url)
    columns = [column["name"] for column in sa.inspect(engine).get_columns(report, schema)]
    engine.dispose()
    return columns


def test_every_column_of_a_report_is_explained(on_postgres: Reported) -> None:
    manifest = json.loads((on_postgres.folder / "target" / "manifest.json").read_text(encoding="utf-8"))
    explained = {
        report: [
            column["name"]
            for column in manifest["nodes"][f"model.contact_reports.{report}"]["columns"].values()
            if column["description"]
        ]
        for report in KEYS
    }
    assert explained == {report: columns_of(on_postgres.url, "contact_reports", report) for report in KEYS}


def test_the_reports_do_without_a_contact_field_and_say_so(first_on_sqlite: tuple[Reported, Bare]) -> None:
    _reported, bare = first_on_sqlite

    missing = [line.split("  ", 1)[1] for line in bare.said.splitlines() if "has no field" in line]
    said = "the contact database has no field `{0}` (variable `{1}_field`): {2}"
    assert missing == [
        said.format("country_code", "country", "`consent_coverage` has one country, unknown"),
        said.format("locale", "locale", "`consent_coverage` has one locale, unknown"),
        said.format(
            "currency", "currency", "`contact_rfm` compares the amounts of all contacts, whatever their currency"
        ),
        said.format("orders_count", "orders", "`contact_rfm` is empty"),
        said.format("orders_total_spent", "spent", "`contact_rfm` is empty"),
        said.format("last_order_created_at", "last_order", "`contact_rfm` is empty"),
    ]
    unknown = {"country_code": "unknown", "locale": "unknown", "contacts": 8}
    assert bare.reports == EXPECTED | {
        "contact_rfm": [],
        "consent_coverage": [
            unknown
            | {"channel": "email", "with_address": 6, "subscribed": 4, "unsubscribed": 2, "contactable": 3}
            | {"subscribed_percentage": "66.67"},
            unknown
            | {"channel": "sms", "with_address": 2, "subscribed": 1, "unsubscribed": 1, "contactable": 1}
            | {"subscribed_percentage": "50"},
        ],
    }


def test_an_import_that_is_overdue_is_told(on_sqlite: Reported, on_postgres: Reported) -> None:
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    hours_ago = {"customers": now - dt.timedelta(hours=1), "checkouts": now - dt.timedelta(hours=30)}
    for reported in (on_sqlite, on_postgres):
        engine = open_engine(reported.url)
        with engine.begin() as connection:
            for kind, ended_at in hours_ago.items():
                of_kind = (tables.operations.c.kind == kind) & (tables.operations.c.shop == SHOP)
                connection.execute(sa.update(tables.operations).where(of_kind).values(ended_at=ended_at))
        engine.dispose()

    # Only the second knows that the other shop is no longer imported.
    assert on_sqlite.freshness() == (1, [("error", LAST_OF_OTHER_SHOP.isoformat())])
    assert on_postgres.freshness() == (0, [("warn", hours_ago["checkouts"].isoformat())])


def test_the_reports_do_not_stand_in_the_way_of_a_wider_contact_field(reported: Reported) -> None:
    before = reported.reports()
    engine = open_engine(reported.url)

    open_database(engine, [ContactField("orders_count", FieldType.TEXT)])

    engine.dispose()
    assert rows(reported.url, "SELECT orders_count FROM contacts WHERE contact_id = 5") == [{"orders_count": "9"}]
    assert reported.reports() == before
