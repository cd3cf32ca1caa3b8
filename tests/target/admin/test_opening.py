from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from target_contactdb.admin.cli import main
from target_contactdb.database import open_database
from target_contactdb.engines import open_engine
from tests.target.admin.conftest import Contactdb, seed

READING: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("log",),
    ("contact", "#1"),
    ("why", "#1"),
    ("may", "#1", "--channel", "email"),
    ("segment",),
    ("fields",),
    ("keys", "show"),
    ("export", "#1"),
    ("node", "abandoned-checkout", "--flow", "reminder", "--after", "60", "--explain"),
)
WRITING = (("unsubscribe", "#1", "--channel", "email"), ("subscribe", "#1", "--channel", "email"))
NO_IMPORT = "Error: there is no contact database at `sqlalchemy_url` yet: no import has run\n"


@pytest.mark.parametrize("url", [None, "", "  "])
def test_without_a_database_url_one_line_says_what_to_set(url):
    result = CliRunner(env={"TARGET_CONTACTDB_SQLALCHEMY_URL": url}).invoke(main, ["status"])

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "Error: no contact database: give --sqlalchemy-url or set TARGET_CONTACTDB_SQLALCHEMY_URL\n"
    )


def test_a_url_that_cannot_be_used_is_named_without_being_shown():
    result = Contactdb("sqlite:hidden-password").run("status")

    assert result.exit_code == 2
    assert result.stderr == "Error: setting `sqlalchemy_url` is not a SQLAlchemy URL that can be used\n"


def test_the_option_wins_over_the_environment(on_sqlite, tmp_path):
    elsewhere = Contactdb(f"sqlite:///{tmp_path / 'nowhere.db'}")

    assert elsewhere.run("--sqlalchemy-url", on_sqlite.url, "status").exit_code == 0


@pytest.mark.parametrize("command", [*READING, *WRITING], ids=lambda command: command[0])
def test_a_database_that_does_not_exist_is_not_made(command, tmp_path):
    path = tmp_path / "contacts.db"
    result = Contactdb(f"sqlite:///{path}").run(*command)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"Error: there is no contact database at `sqlalchemy_url` yet: the file {path} does not exist; the first import"
        " makes it\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_stays_empty(postgres_url):
    contactdb = Contactdb(postgres_url)

    for command in (*READING, *WRITING):
        result = contactdb.run(*command)
        assert (result.exit_code, result.stderr) == (2, NO_IMPORT)
    engine = contactdb.engine()
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


def test_a_database_without_imports_says_so(sqlite_url):
    engine = open_engine(sqlite_url)
    open_database(engine)
    engine.dispose()

    for command in ("status", "log"):
        result = Contactdb(sqlite_url).run(command)
        assert result.exit_code == 0
        assert "No import has run yet." in result.stdout
    assert Contactdb(sqlite_url).json("log") == {"operations": []}


def test_a_newer_database_says_that_the_program_is_to_be_upgraded(on_sqlite):
    on_sqlite.execute(sa.text("UPDATE contactdb_version SET version_num = '9999'"))

    for command in (*READING, *WRITING):
        result = on_sqlite.run(*command)
        assert result.exit_code == 2
        assert result.stderr == (
            "Error: the contact database is of a newer version than this program: upgrade target-contactdb here\n"
        )


def test_reading_commands_write_nothing(on_sqlite):
    path = Path(sa.make_url(on_sqlite.url).database or "")
    before = path.read_bytes()

    for command in READING:
        assert on_sqlite.run(*command).exit_code == 0
    assert path.read_bytes() == before


def test_a_schema_of_postgresql_is_read_but_never_made(postgres_url):
    contactdb = Contactdb(postgres_url)
    assert contactdb.run("--schema", "marketing", "status").stderr == NO_IMPORT
    engine = contactdb.engine()
    assert "marketing" not in sa.inspect(engine).get_schema_names()
    engine.dispose()

    seed(postgres_url, schema="marketing")
    assert contactdb.run("--schema", "marketing", "status").exit_code == 0
    assert contactdb.run("status").stderr == NO_IMPORT


def test_the_schema_comes_from_the_variable_that_meltano_sets(postgres_url):
    seed(postgres_url, schema="marketing")
    environment = {
        "TARGET_CONTACTDB_SQLALCHEMY_URL": postgres_url,
        "TARGET_CONTACTDB_DEFAULT_TARGET_SCHEMA": "marketing",
    }

    assert CliRunner(env=environment).invoke(main, ["status"]).exit_code == 0


@pytest.mark.parametrize("command", [*READING, *WRITING], ids=lambda command: command[0])
def test_an_unreachable_server_is_one_clear_line_and_an_exit_code_of_its_own(command, tmp_path):
    result = Contactdb(f"postgresql://person:hidden-password@/x?host={tmp_path}").run(*command)

    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("Error: setting `sqlalchemy_url`: the contact database cannot be used: ")
    assert result.stderr.count("\n") == 1
    assert "hidden-password" not in result.stderr


def test_the_format_may_be_asked_for_before_and_after_the_command(on_sqlite):
    before = on_sqlite.run("--format", "json", "status").stdout
    after = on_sqlite.run("status", "--format", "json").stdout
    table = on_sqlite.run("--format", "json", "status", "--format", "table").stdout

    assert before == after
    assert before.startswith("{")
    assert table.startswith("Synchronization Status")
