"""What a Singer target has to bear: schemas that change, messages out of order, files, maps, streams of others."""

from __future__ import annotations

import gzip
import json
import typing as t

import pytest

from target_contactdb.errors import ConfigError, StreamError
from tests.target.singer import customer, query, run, schema, state

LATER = "2026-10-05T00:00:00Z"
OUTCOMES = (
    "SELECT kind, state, records_read, inserted, updated, unchanged, rejected FROM operations ORDER BY operation_id"
)

ERRORS = "SELECT state, error FROM operations"


def test_a_schema_that_changes_goes_on_with_the_same_operation(database_url):
    wider = schema(nickname={"type": ["string", "null"]})
    run(database_url, [schema(), customer(1), wider, customer(2, nickname="Two"), schema(), customer(3)])

    assert query(database_url, OUTCOMES) == [("customers", "completed", 3, 3, 0, 0, 0)]
    assert query(database_url, "SELECT user_code, nickname FROM contacts ORDER BY contact_id") == [
        ("1", None),
        ("2", "Two"),
        ("3", None),
    ]


@pytest.mark.parametrize(
    "message",
    [
        customer(1),
        {"type": "RECORD", "stream": "orders", "record": {"id": 1}},
        {"type": "ACTIVATE_VERSION", "stream": "customers", "version": 1},
        {"type": "BATCH", "stream": "customers", "encoding": {"format": "jsonl"}, "manifest": []},
    ],
)
def test_what_comes_before_its_schema_stops_the_run_in_one_line(migrated_sqlite_url, message):
    other = schema("abandoned_checkouts")
    with pytest.raises(StreamError) as caught:
        run(migrated_sqlite_url, [other, message])

    assert str(caught.value) == f"stream `{message['stream']}`: a message came before its SCHEMA"
    assert query(migrated_sqlite_url, ERRORS) == [("failed", str(caught.value))]


@pytest.mark.parametrize("kind", ["RECRD", 5, ["RECORD"]])
def test_a_message_of_an_unknown_type_stops_the_run_in_one_line(migrated_sqlite_url, kind):
    with pytest.raises(StreamError, match="a line of the input is a message of an unknown type; known are") as caught:
        run(migrated_sqlite_url, [schema(), {**customer(1), "type": kind}])

    assert query(migrated_sqlite_url, ERRORS) == [("failed", str(caught.value))]


def test_a_record_of_an_unknown_stream_without_its_key_stops_the_run_in_one_line(migrated_sqlite_url):
    orders = {"type": "SCHEMA", "stream": "orders", "key_properties": ["id"], "schema": {"properties": {"id": {}}}}
    record = {"type": "RECORD", "stream": "orders", "record": {"email": "marked@example.com"}}
    with pytest.raises(StreamError) as caught:
        run(migrated_sqlite_url, [schema(), orders, record])

    assert str(caught.value) == "stream `orders`: a record lacks its key `id`"
    assert query(migrated_sqlite_url, ERRORS) == [("failed", str(caught.value))]


def test_a_batch_without_files_stops_the_run_in_one_line(migrated_sqlite_url):
    with pytest.raises(StreamError, match="stream `customers`: a BATCH message names no format, or no list of files"):
        run(migrated_sqlite_url, [schema(), {"type": "BATCH", "stream": "customers", "encoding": {"format": "jsonl"}}])


@pytest.mark.parametrize("version", [None, "1", True])
def test_a_version_that_is_no_number_stops_the_run(migrated_sqlite_url, version):
    problem = "stream `customers`: an ACTIVATE_VERSION message has no whole number as version"
    with pytest.raises(StreamError, match=problem):
        run(migrated_sqlite_url, [schema(), {"type": "ACTIVATE_VERSION", "stream": "customers", "version": version}])


def batch(folder: t.Any, *records: dict[str, t.Any], compression: str | None = None) -> dict[str, t.Any]:
    """Return a BATCH message of one file."""
    lines = "".join(f"{json.dumps(record['record'])}\n" for record in records).encode()
    file = folder / f"batch-{len(list(folder.iterdir()))}.jsonl"
    file.write_bytes(gzip.compress(lines) if compression else lines)
    encoding = {"format": "jsonl", "compression": compression or "none"}
    return {"type": "BATCH", "stream": "customers", "encoding": encoding, "manifest": [file.as_uri()]}


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_the_records_of_a_file_are_taken_in_like_those_of_lines(migrated_sqlite_url, tmp_path, compression, capsys):
    folder = tmp_path / "files"
    folder.mkdir()
    files = batch(folder, customer(1), customer(2, orders_count="many"), customer(3), compression=compression)
    changed = batch(folder, customer(3, updated_at=LATER, orders_total_spent=0.1), compression=compression)
    run(
        migrated_sqlite_url,
        [schema(), files, state("customers", "2026-10-02T00:00:00Z"), customer(4), changed],
        batch_size_rows=2,
    )

    assert query(migrated_sqlite_url, OUTCOMES) == [("customers", "completed with rejections", 5, 3, 1, 0, 1)]
    assert query(migrated_sqlite_url, "SELECT user_code, orders_total_spent FROM contacts ORDER BY user_code") == [
        ("1", 12.5),
        ("3", 0.1),
        ("4", 12.5),
    ]
    assert json.loads(capsys.readouterr().out) == state("customers", "2026-10-02T00:00:00Z")["value"]


def test_a_file_that_cannot_be_read_is_told_in_one_line_without_its_contents(migrated_sqlite_url, tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"email": "marked@example.com"')
    message = {"type": "BATCH", "stream": "customers", "encoding": {"format": "jsonl"}, "manifest": [bad.as_uri()]}
    with pytest.raises(StreamError, match="a file of a BATCH message is not JSON lines") as caught:
        run(migrated_sqlite_url, [schema(), message])
    assert "marked" not in str(caught.value)

    bad.unlink()
    with pytest.raises(StreamError, match="a file of a BATCH message cannot be read"):
        run(migrated_sqlite_url, [schema(), message])
    message["encoding"] = {"format": "parquet"}
    with pytest.raises(StreamError):
        run(migrated_sqlite_url, [schema(), message])
    with pytest.raises(StreamError, match="stream maps do not reach the files of a BATCH message"):
        run(migrated_sqlite_url, [schema(), message], stream_maps={"customers": {"first_name": "__NULL__"}})


def test_stream_maps_rename_streams_change_fields_and_leave_records_out(database_url):
    maps = {
        "people": {
            "__alias__": "customers",
            "__filter__": "id != 2",
            "first_name": "first_name.upper()",
            "verified_email": "__NULL__",
        }
    }
    messages = [{**one, "stream": "people"} for one in (schema(), customer(1), customer(2), customer(3))]
    run(database_url, messages, stream_maps=maps)

    assert query(database_url, OUTCOMES) == [("customers", "completed", 2, 2, 0, 0, 0)]
    assert query(database_url, "SELECT user_code, first_name, email_status FROM contacts ORDER BY user_code") == [
        ("1", "NAME1", "subscribed"),
        ("3", "NAME3", "subscribed"),
    ]


def test_a_record_of_an_unknown_stream_that_breaks_its_schema_is_told_without_its_values(migrated_sqlite_url, caplog):
    properties = {
        "id": {"type": "integer"},
        "email": {"type": "integer"},
        "at": {"type": "string", "format": "date-time"},
    }
    orders = {"type": "SCHEMA", "stream": "orders", "key_properties": ["id"], "schema": {"properties": properties}}
    values = {"id": 1, "at": "marked", "email": "marked@example.com"}
    record = {"type": "RECORD", "stream": "orders", "record": values}
    with pytest.raises(StreamError) as caught:
        run(migrated_sqlite_url, [orders, record])

    assert str(caught.value) == "stream `orders`: a record does not keep to its schema: field `email` fails `type`"
    del values["email"]
    run(migrated_sqlite_url, [orders, record])
    assert "marked" not in caplog.text


@pytest.mark.parametrize(
    ("field", "expression", "kind"),
    [
        ("orders_count", "int(first_name)", "ValueError"),
        ("note", "tags[0]", "TypeError"),
        ("note", "frist_name", "NameNotDefined"),
        ("note", "{}[first_name]", "KeyError"),
    ],
)
def test_an_expression_of_a_stream_map_that_fails_is_named_without_the_value(
    migrated_sqlite_url, caplog, field, expression, kind
):
    record = customer(1, first_name="Secretname", tags=None)
    with pytest.raises(StreamError) as caught:
        run(migrated_sqlite_url, [schema(), record], stream_maps={"customers": {field: expression}})

    assert str(caught.value) == (
        f"stream `customers`: the expression of `{field}` in `stream_maps` fails for a record ({kind}): {expression}"
    )
    assert "Secretname" not in caplog.text
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("maps", [{"customers": {"note": "1 +"}}, {"customers": {"id": None}}])
def test_a_stream_map_that_fits_no_stream_is_an_error_of_the_setting(migrated_sqlite_url, maps):
    with pytest.raises(ConfigError, match=r"^setting `stream_maps`: "):
        run(migrated_sqlite_url, [schema()], stream_maps=maps)
