"""What MariaDB and MySQL do otherwise than the other engines, and what the contact database makes of it."""

from __future__ import annotations

import typing as t

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.mysql import pymysql

from target_contactdb.admin.connect import opened
from target_contactdb.database import open_database
from target_contactdb.dialects import loader_for, mysql_session
from target_contactdb.dialects.base import staging_table
from target_contactdb.engines import brief, open_engine
from target_contactdb.errors import ConfigError, DatabaseError
from target_contactdb.fields import ContactField, FieldType
from target_contactdb.tables import HASH, contacts, metadata

if t.TYPE_CHECKING:
    from collections.abc import Iterator

NOW = "2026-10-01 00:00:00"


@pytest.fixture
def engine(migrated_mariadb_url: str) -> Iterator[sa.Engine]:
    """An engine on a contact database without a contact."""
    engine = open_engine(migrated_mariadb_url)
    # Which of the two servers it is shows once it answers.
    engine.connect().close()
    yield engine
    engine.dispose()


def _insert(connection: sa.Connection, *codes: str | None) -> None:
    rows = [{"user_code": code, "created_at": NOW, "updated_at": NOW} for code in codes]
    statement = "INSERT INTO contacts (user_code, created_at, updated_at) VALUES (:user_code, :created_at, :updated_at)"
    connection.execute(sa.text(statement), rows)


def _is_mariadb(engine: sa.Engine) -> bool:
    return t.cast("pymysql.MySQLDialect_pymysql", engine.dialect).is_mariadb


def _isolation(engine: sa.Engine) -> str:
    """Return the name of the variable; each server has one that the other one does not know."""
    return "tx_isolation" if _is_mariadb(engine) else "transaction_isolation"


def _collation(engine: sa.Engine) -> str:
    return "utf8mb4_nopad_bin" if _is_mariadb(engine) else "utf8mb4_0900_bin"


@pytest.mark.parametrize("driver", ["mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"])
def test_each_form_of_the_url_leads_to_the_same_server(migrated_mariadb_url, driver):
    url = sa.make_url(migrated_mariadb_url)
    engine = open_engine(url.set(drivername=driver).render_as_string(hide_password=False))
    with engine.connect() as connection:
        answer = connection.execute(sa.text("SELECT DATABASE()")).scalar_one()
    engine.dispose()

    assert (engine.dialect.name, answer) == ("mysql", url.database)


@pytest.mark.parametrize(
    ("url", "schema", "problem"),
    [
        (
            "mysql+mysqlconnector://host/contacts",
            None,
            "setting `sqlalchemy_url`: begin it with `mysql+pymysql://`, not `mysql+mysqlconnector://`",
        ),
        (
            "mariadb+mariadbconnector://host/contacts",
            None,
            "setting `sqlalchemy_url`: begin it with `mariadb+pymysql://`, not `mariadb+mariadbconnector://`",
        ),
        ("mariadb://host", None, "setting `sqlalchemy_url` names no database: `mariadb+pymysql://host/database`"),
        (
            "mariadb://host/contacts",
            "marketing",
            "setting `default_target_schema`: name the database in `sqlalchemy_url` instead",
        ),
    ],
)
def test_a_url_that_cannot_be_used_says_what_to_write(url, schema, problem):
    with pytest.raises(ConfigError) as caught:
        open_engine(url, schema)

    assert caught.value.problems == [problem]


def test_a_driver_that_is_not_installed_is_named_with_what_brings_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pymysql", None)
    with pytest.raises(ConfigError) as caught:
        open_engine("mysql://host/contacts")

    assert caught.value.problems == [
        "setting `sqlalchemy_url`: `mysql+pymysql` needs the Python package `pymysql`; "
        "install `target-contactdb[mysql]`"
    ]


@pytest.mark.parametrize(
    ("is_mariadb", "version", "problem"),
    [
        (True, (10, 5, 29), "the server is MariaDB 10.5.29; 10.6 or newer is needed"),
        (False, (8, 0, 16), "the server is MySQL 8.0.16; 8.0.17 or newer is needed"),
    ],
)
def test_a_server_that_is_too_old_is_refused(is_mariadb, version, problem):
    dialect = pymysql.MySQLDialect_pymysql(is_mariadb=is_mariadb)
    dialect.server_version_info = version
    with pytest.raises(DatabaseError) as caught:
        mysql_session.refuse_old(dialect)

    assert str(caught.value) == f"setting `sqlalchemy_url`: {problem}"


def test_a_session_does_not_depend_on_the_settings_of_the_server(engine):
    names = (
        "sql_mode",
        "time_zone",
        _isolation(engine),
        "character_set_client",
        "collation_connection",
        "innodb_lock_wait_timeout",
    )
    with engine.connect() as connection:
        found = connection.execute(sa.text(f"SELECT {', '.join(f'@@{name}' for name in names)}")).one()

    assert dict(zip(names, found, strict=True)) == {
        "sql_mode": "STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
        "time_zone": "+00:00",
        _isolation(engine): "READ-COMMITTED",
        "character_set_client": "utf8mb4",
        "collation_connection": _collation(engine),
        "innodb_lock_wait_timeout": 600,
    }


def test_each_table_holds_every_letter_whatever_the_default_of_the_database(engine):
    with engine.connect() as connection:
        default = connection.execute(sa.text("SELECT @@collation_database")).scalar_one()
        tables = connection.execute(
            sa.text(
                "SELECT table_name, engine, table_collation FROM information_schema.tables "
                "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
            )
        ).all()

    assert default == "latin1_swedish_ci"
    assert sorted(tuple(row) for row in tables) == sorted(
        (name, "InnoDB", _collation(engine)) for name in (*metadata.tables, "contactdb_version")
    )


def test_keys_differ_by_case_by_accent_and_by_a_space_at_the_end(engine):
    codes = ["key", "KEY", "kéy", "key ", "🔑"]
    with engine.begin() as connection:
        _insert(connection, *codes)
    with engine.connect() as connection:
        found = [
            connection.execute(sa.select(contacts.c.user_code).where(contacts.c.user_code == code)).scalars().all()
            for code in codes
        ]

    assert found == [[code] for code in codes]


def test_a_contact_field_takes_a_text_longer_than_mysql_calls_text(engine):
    database = open_database(engine, [ContactField("note", FieldType.TEXT)])
    with engine.begin() as connection:
        _insert(connection, "1")
        connection.execute(sa.update(database.contacts).values(note="é" * 70_000))
        assert connection.execute(sa.select(database.contacts.c.note)).scalar_one() == "é" * 70_000


def test_ids_of_new_contacts_are_given_once_whoever_else_inserts(engine):
    loader = loader_for(engine)
    with engine.connect() as first, engine.connect() as second:
        with first.begin(), second.begin():
            ids = loader.new_contact_ids(first, 3)
            _insert(second, "another program's")
            ids += loader.new_contact_ids(second, 2)
            ids += loader.new_contact_ids(first, 2)
        taken = first.execute(sa.select(contacts.c.contact_id)).scalars().all()

    assert taken == [4]
    assert ids == [1, 2, 3, 5, 6, 7, 8]


def test_ids_that_were_taken_and_not_used_are_not_given_again(engine):
    loader = loader_for(engine)
    with engine.connect() as connection:
        with connection.begin() as transaction:
            first = loader.new_contact_ids(connection, 2)
            transaction.rollback()
        with connection.begin():
            second = loader.new_contact_ids(connection, 10_001)

    assert (first, second) == ([1, 2], list(range(3, 10_004)))


def test_a_staging_table_commits_nothing_and_is_there_again_after_a_failure(engine):
    loader = loader_for(engine)
    stage = staging_table("stage_test", [sa.Column("hash", HASH)])
    with engine.connect() as connection:
        with connection.begin() as transaction:
            _insert(connection, "1")
            with loader.staged(connection, stage, [("a",)]):
                pass
            with pytest.raises(sa.exc.IntegrityError), loader.staged(connection, stage, [("b",)]):
                _insert(connection, "1")
            transaction.rollback()
        with connection.begin(), loader.staged(connection, stage, [("c",)]):
            staged = connection.execute(sa.select(stage)).scalars().all()
        left = connection.execute(sa.text("SELECT count(*) FROM contacts")).scalar_one()

    assert (staged, left) == (["c"], 0)


def test_a_server_may_refuse_tables_without_a_primary_key(mariadb_server, engine):
    name = "innodb_force_primary_key" if _is_mariadb(engine) else "sql_require_primary_key"
    stage = staging_table("stage_test", [sa.Column("hash", HASH)])
    with mariadb_server.connect() as administrator:
        before = administrator.exec_driver_sql(f"SELECT @@GLOBAL.{name}").scalar_one()
        administrator.exec_driver_sql(f"SET GLOBAL {name} = 1")
        # A session of MySQL keeps what was set when it began.
        engine.dispose()
        try:
            with engine.begin() as connection:
                with pytest.raises(sa.exc.OperationalError):
                    connection.exec_driver_sql("CREATE TEMPORARY TABLE keyless (hash INTEGER)")
                with loader_for(engine).staged(connection, stage, [("a",)]):
                    staged = connection.execute(sa.select(stage)).all()
        finally:
            administrator.exec_driver_sql(f"SET GLOBAL {name} = {before}")

    assert staged == [("a",)]


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        (
            "INSERT INTO contacts (user_code, created_at, updated_at) VALUES ('1', :now, :now)",
            "IntegrityError: error 1062 of the server",
        ),
        (
            "SELECT 'marked' FROM nowhere WHERE 'marked' = ''",
            "ProgrammingError: Table '{database}.nowhere' doesn't exist (1146)",
        ),
        ("SELECT missing('marked')", "OperationalError: FUNCTION {database}.missing does not exist (1305)"),
        ("SELECT marked marked marked", "ProgrammingError: error 1064 of the server"),
        (
            "UPDATE contacts SET created_at = 'marked'",
            "OperationalError: error 1292 of the server",
        ),
    ],
)
def test_an_error_shows_no_value_of_a_row(engine, statement, shown):
    with engine.begin() as connection:
        _insert(connection, "1")
    with pytest.raises(sa.exc.SQLAlchemyError) as caught, engine.begin() as connection:
        connection.execute(sa.text(statement), {"now": NOW})

    assert brief(caught.value) == shown.format(database=engine.url.database)


def test_who_only_reads_cannot_write(migrated_mariadb_url):
    with (
        pytest.raises(DatabaseError, match="OperationalError: error 1792 of the server"),
        opened(migrated_mariadb_url) as database,
    ):
        _insert(database.connection, "1")
