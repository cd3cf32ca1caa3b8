"""The log and the states: an operation per import, a state only after its records, every end named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from target_contactdb.engines import open_engine
from target_contactdb.errors import ConfigError, DatabaseError, StreamCutShort, StreamError
from tests.target.singer import checkout, customer, execute, query, run, schema, state

LOG = "SELECT kind, shop, state, records_read, error FROM operations ORDER BY operation_id"
SHOP = "shop-a.myshopify.com"


def test_states_come_out_in_order_and_only_after_their_records(database_url, capsys):
    first, second = (
        state("customers", "2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z"),
        state("customers", "2026-10-02T00:00:00Z"),
    )
    run(
        database_url,
        [state("customers", None, "2026-10-02T00:00:00Z"), schema(), customer(1), first, customer(2), second],
    )

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"bookmarks": {"customers": {"replication_key": "updated_at", "until": "2026-10-02T00:00:00Z"}}},
        first["value"],
        second["value"],
    ]


def test_an_operation_logs_its_window_and_how_far_it_came(sqlite_url):
    start = state("customers", "2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z")
    run(sqlite_url, [start, schema(), customer(1), state("customers", "2026-10-02T00:00:00Z")])

    assert query(sqlite_url, "SELECT window_from, window_to, bookmark, state FROM operations") == [
        ("2026-10-01 00:00:00.000000", "2026-10-02 00:00:00.000000", "2026-10-02 00:00:00.000000", "completed")
    ]


def test_a_stream_that_ends_before_its_window_is_a_failed_operation(database_url):
    with pytest.raises(StreamCutShort):
        run(database_url, [state("customers", None, "2026-10-02T00:00:00Z"), schema(), customer(1)])

    error = "the extractor stopped before it had read stream `customers` to the end of its window"
    assert query(database_url, LOG) == [("customers", SHOP, "failed", 1, error)]


def test_a_stream_that_is_cut_short_passes_its_states_on_and_ends_with_a_code_of_its_own(database_url):
    reached = state("customers", "2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z")
    ended = subprocess.run(
        [sys.executable, "-m", "target_contactdb", "--config", "ENV"],
        env={**os.environ, "TARGET_CONTACTDB_SQLALCHEMY_URL": database_url},
        input="".join(f"{json.dumps(message)}\n" for message in (schema(), customer(1), reached)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, json.loads(ended.stdout)) == (1, reached["value"])
    (told,) = [line for line in ended.stderr.splitlines() if " ERROR " in line]
    assert "customers import failed: the extractor stopped before it had read stream `customers`" in told
    assert "Traceback" not in ended.stderr


def test_an_empty_stream_is_still_an_operation_of_its_shop(database_url):
    run(database_url, [schema(), state("customers", "2026-10-02T00:00:00Z")])

    assert query(database_url, LOG) == [("customers", SHOP, "completed", 0, None)]


def test_with_the_import_off_nothing_is_imported_and_no_state_comes_out(database_url, capsys):
    run(database_url, [state("customers", None), schema(), customer(1), state("customers", "x")], enable_import=False)
    run(
        database_url,
        [schema("abandoned_checkouts"), checkout(1, 1), state("abandoned_checkouts", "x")],
        import_checkouts=False,
    )

    assert query(database_url, LOG) == [
        ("customers", SHOP, "paused", 0, "the setting `enable_import` is false"),
        ("checkouts", SHOP, "paused", 0, "the setting `import_checkouts` is false"),
    ]
    assert query(database_url, "SELECT count(*) FROM contacts") == [(0,)]
    assert capsys.readouterr().out == ""


def places(customers, checkouts, **more):
    bookmarks = {"customers": customers, "abandoned_checkouts": checkouts}
    return {
        "type": "STATE",
        "value": {
            "bookmarks": {
                stream: {"replication_key": "updated_at", "replication_key_value": f"2026-10-0{day}T00:00:00Z", **more}
                for stream, day in bookmarks.items()
                if day is not None
            }
        },
    }


@pytest.mark.parametrize("once", [None, 1])
def test_without_the_import_of_checkouts_a_state_goes_out_as_long_as_it_skips_none(database_url, capsys, once):
    begun, moved, read = places(1, once), places(2, once), places(2, 2)
    messages = [begun, schema(), customer(1), moved, schema("abandoned_checkouts"), checkout(1, 1), read]
    run(database_url, messages, import_checkouts=False)

    passed_on = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert passed_on == [begun["value"], moved["value"]]


def test_the_end_that_a_tap_reads_to_skips_no_checkout(sqlite_url, capsys):
    begun, read_on = places(1, 1), places(1, 1, until="2026-10-09T00:00:00Z")
    messages = [begun, schema("abandoned_checkouts"), checkout(1, 1), read_on]
    run(sqlite_url, messages, import_checkouts=False)

    passed_on = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert passed_on == [begun["value"], read_on["value"]]


def test_checkouts_that_are_skipped_from_the_first_line_on_let_no_state_go_out(sqlite_url, capsys):
    run(sqlite_url, [schema("abandoned_checkouts"), checkout(1, 1), places(1, 1)], import_checkouts=False)

    assert capsys.readouterr().out == ""


def test_what_is_switched_off_is_logged_once_for_each_kind_and_shop(sqlite_url):
    changed = schema(nickname={"type": "string"})
    other = schema(shop="shop-b.myshopify.com")
    run(sqlite_url, [schema(), changed, other, schema("abandoned_checkouts")], enable_import=False)

    assert query(sqlite_url, "SELECT kind, shop, state FROM operations ORDER BY operation_id") == [
        ("customers", SHOP, "paused"),
        ("customers", "shop-b.myshopify.com", "paused"),
        ("checkouts", SHOP, "paused"),
    ]


def test_the_database_refuses_an_operation_whose_outcomes_do_not_add_up(database_url):
    run(database_url, [schema(), customer(1)])
    with pytest.raises(sa.exc.DBAPIError, match="one_outcome_per_record"):
        execute(database_url, "UPDATE operations SET records_read = 2")


def test_a_refused_write_fails_the_operation_and_shows_no_value(database_url, caplog):
    run(database_url, [schema()])
    execute(database_url, "CREATE UNIQUE INDEX one_hash ON contacts (email_address_hash)")
    with pytest.raises(DatabaseError) as caught:
        run(database_url, [schema(), *(customer(number, email="secret@example.com") for number in (1, 2))])

    ((_kind, _shop, ended, read, error),) = query(database_url, LOG)[1:]
    assert (ended, read) == ("failed", 0)
    assert "secret" not in f"{error} {caught.value} {caplog.text}"
    assert query(database_url, "SELECT count(*) FROM contacts") == [(0,)]


@pytest.mark.parametrize(
    "line", ["{marked@example.com", '{"type": "RECORD", "record": {"email": "marked@example.com"}}']
)
def test_a_line_that_cannot_be_read_is_never_repeated(sqlite_url, line, caplog):
    with pytest.raises(StreamError) as caught:
        run(sqlite_url, [schema(), customer(1), line])

    assert "marked@example.com" not in f"{caught.value} {caplog.text}"
    assert query(sqlite_url, LOG)[0][2] == "failed"


def test_unknown_streams_are_dropped_with_one_warning(sqlite_url, caplog):
    orders = {"type": "SCHEMA", "stream": "orders", "key_properties": ["id"], "schema": {"properties": {"id": {}}}}
    records = [{"type": "RECORD", "stream": "orders", "record": {"id": number}} for number in range(3)]
    run(sqlite_url, [orders, *records, schema(), customer(1)])

    warnings = [record.getMessage() for record in caplog.records if "no place" in record.getMessage()]
    assert warnings == [
        "stream `orders` has no place in the contact database: its records are checked, counted and dropped"
    ]
    assert query(sqlite_url, "SELECT count(*) FROM contacts") == [(1,)]


def test_a_terminated_run_is_interrupted_and_a_killed_one_is_closed_by_the_next(database_url):
    for number, (sent, code) in enumerate([(signal.SIGTERM, 1), (signal.SIGKILL, -signal.SIGKILL)], start=1):
        process = subprocess.Popen(
            [sys.executable, "-m", "target_contactdb", "--config", "ENV"],
            env={**os.environ, "TARGET_CONTACTDB_SQLALCHEMY_URL": database_url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        committed = state("customers", f"2026-10-0{number}T00:00:00Z", "2026-10-09T00:00:00Z")
        for message in (schema(), customer(number), committed):
            process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == committed["value"]
        process.stdin.write(json.dumps(customer(number + 10)) + "\n")
        process.stdin.flush()
        process.send_signal(sent)
        process.communicate()
        assert process.returncode == code
    run(database_url, [schema()])

    assert [row[2] for row in query(database_url, LOG)] == ["interrupted", "interrupted", "completed"]
    assert query(database_url, "SELECT user_code FROM contacts ORDER BY contact_id") == [("1",), ("2",)]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"sqlalchemy_url": " "}, "setting `sqlalchemy_url` is blank: set TARGET_CONTACTDB_SQLALCHEMY_URL"),
        (
            {"options": {"resubscribed": "never"}},
            "setting `options` has no option `resubscribed`; did you mean `resubscribe`?",
        ),
        ({"contact_feilds": []}, "there is no setting `contact_feilds`; did you mean `contact_fields`?"),
        ({"import_filters": []}, "there is no setting `import_filters`; it belongs in `options`"),
        (
            {"contact_stream": "people", "checkout_stream": "people"},
            "settings `contact_stream` and `checkout_stream` name the same stream `people`: each needs one of its own",
        ),
        (
            {"consent_stream": "customers"},
            "settings `contact_stream` and `consent_stream` name the same stream `customers`: each needs one of its "
            "own",
        ),
        (
            {"contact_stream": "a", "checkout_stream": "a", "consent_stream": "a"},
            "settings `contact_stream` and `checkout_stream` and `consent_stream` name the same stream `a`: each needs "
            "one of its own",
        ),
        ({"sqlalchemy_url": "nonsense"}, "setting `sqlalchemy_url` is not a SQLAlchemy URL that can be used"),
        (
            {"sqlalchemy_url": "oracle://x"},
            "setting `sqlalchemy_url`: engine `oracle` is not supported; use SQLite, PostgreSQL, MariaDB or MySQL",
        ),
        (
            {"contact_fields": [{"name": "user_code", "type": "text"}]},
            "setting `contact_fields`: `user_code` is a reserved column",
        ),
        (
            {"options": {"unsubscribe_no_consent": "not declared"}},
            "setting `unsubscription_causes` lacks `not declared`, which options.unsubscribe_no_consent names",
        ),
        ({"default_target_schema": "marketing"}, "setting `default_target_schema`: SQLite has no schemas"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_written(sqlite_url, config, problem):
    with pytest.raises(ConfigError) as caught:
        run(config.pop("sqlalchemy_url", sqlite_url), [schema(), customer(1)], **config)

    assert caught.value.problems == [problem]


def test_every_wrong_setting_is_told_at_once(sqlite_url):
    config = {"contact_stream": " ", "dry_runs": True, "timezone": "Mars/Olympus", "options": {"resubscribed": "never"}}
    with pytest.raises(ConfigError) as caught:
        run(sqlite_url, [], **config)

    assert [problem.split("`")[1] for problem in caught.value.problems] == [
        "dry_runs",
        "contact_stream",
        "options",
        "timezone",
    ]


def test_settings_that_the_sdk_knows_are_let_be(migrated_sqlite_url):
    run(
        migrated_sqlite_url,
        [schema(), customer(1)],
        add_record_metadata=True,
        batch_config=None,
        batch_size_rows=10,
        faker_config={"locale": "en_US"},
        flattening_enabled=False,
        flattening_max_depth=0,
        hard_delete=True,
        load_method="upsert",
        process_activate_version_messages=True,
        stream_map_config={},
        stream_maps={},
        validate_records=True,
    )

    assert query(migrated_sqlite_url, LOG) == [("customers", SHOP, "completed", 1, None)]


@pytest.mark.parametrize("name", ["emial", "tags"])
def test_a_primary_key_that_cannot_be_is_told_before_there_is_a_table(empty_database_url, name):
    with pytest.raises(ConfigError, match=f"setting `primary_key`: .*`{name}`"):
        run(empty_database_url, [schema(), customer(1)], primary_key=name)

    url = sa.make_url(empty_database_url)
    assert url.get_backend_name() != "sqlite" or not Path(str(url.database)).exists()
    engine = open_engine(empty_database_url)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


def test_the_tables_live_in_the_schema_that_the_setting_names(postgres_url):
    run(postgres_url, [schema(), customer(1)], default_target_schema="Marketing data")

    engine = open_engine(postgres_url)
    names = sa.inspect(engine).get_table_names(schema="Marketing data")
    engine.dispose()
    assert {"contacts", "operations", "contactdb_version"} <= set(names)


@pytest.mark.parametrize("name", ["pg_mine", "information_schema"])
def test_a_schema_that_postgresql_keeps_for_itself_is_refused_by_its_setting(postgres_url, name):
    with pytest.raises(ConfigError, match=f"setting `default_target_schema`: PostgreSQL keeps the name `{name}`"):
        run(postgres_url, [schema(), customer(1)], default_target_schema=name)


def test_a_schema_that_may_not_be_made_is_told_by_its_setting(postgres_server, postgres_url):
    url = sa.make_url(postgres_url)
    role = f"guest_{url.database}"
    with postgres_server.connect() as connection:
        connection.execute(sa.text(f"CREATE ROLE {role} LOGIN PASSWORD 'guest'"))
    guest = url.set(username=role, password="guest").render_as_string(hide_password=False)
    with pytest.raises(
        ConfigError, match="`default_target_schema`: the schema `mine` cannot be made: permission denied"
    ):
        run(guest, [schema(), customer(1)], default_target_schema="mine")
