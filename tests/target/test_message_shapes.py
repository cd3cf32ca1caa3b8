"""Messages that are not what they should be: one line names the stream and what is wrong, and no value."""

from __future__ import annotations

import gzip
import json
import typing as t

import pytest

from target_contactdb.errors import StreamError
from tests.target.singer import customer, query, run, schema

ERRORS = "SELECT state, error FROM operations"
NO_PROPERTIES = "stream `customers`: the schema of its SCHEMA message is not an object with `properties`"
NO_TYPE = "stream `customers`: property `email` of its schema has a `type` that is neither a name nor a list of names"
NO_KEYS = "stream `customers`: the `key_properties` of its SCHEMA message are not a list of names"
NO_OBJECTS: tuple[t.Any, ...] = (5, "marked", [])
NO_BATCH = "stream `customers`: a BATCH message names no format, or no list of files"


def told(url, *messages, **config):
    """Run the target over messages that end it, and return the line that it ends with."""
    with pytest.raises(StreamError) as caught:
        run(url, messages, **config)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"schema": None}, NO_PROPERTIES),
        ({"schema": {"type": "object"}}, NO_PROPERTIES),
        ({"schema": {"properties": []}}, NO_PROPERTIES),
        (
            {"schema": {"properties": {"shop": True}}},
            "stream `customers`: property `shop` of its schema is not an object",
        ),
        ({"key_properties": 5}, NO_KEYS),
        ({"key_properties": "id"}, NO_KEYS),
        ({"key_properties": [5]}, NO_KEYS),
        ({"stream": 5}, "a SCHEMA message names no stream"),
        ({"stream": None}, "a SCHEMA message names no stream"),
        ({"stream": " "}, "a SCHEMA message names no stream"),
    ],
)
def test_a_schema_that_is_none_is_told_in_one_line(migrated_sqlite_url, change, line):
    assert told(migrated_sqlite_url, {**schema(), **change}) == line


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"extra": True}, "stream `customers`: property `extra` of its schema is not an object"),
        ({"extra": "string"}, "stream `customers`: property `extra` of its schema is not an object"),
        ({"email": {"type": 5}}, NO_TYPE),
        ({"email": {"type": None}}, NO_TYPE),
        ({"email": {"type": ["string", ["x"]]}}, NO_TYPE),
        (
            {"email": {"format": {}}},
            "stream `customers`: property `email` of its schema has a `format` that is not text",
        ),
        ({"email": {"title": 5}}, "stream `customers`: property `email` of its schema has a `title` that is not text"),
    ],
)
def test_a_property_of_a_schema_that_is_none_is_named(migrated_sqlite_url, changes, line):
    assert told(migrated_sqlite_url, schema(**changes)) == line


@pytest.mark.parametrize("message", [{"type": "STATE"}, *({"type": "STATE", "value": one} for one in NO_OBJECTS)])
def test_a_state_that_is_no_object_is_told_in_one_line(migrated_sqlite_url, message):
    line = told(migrated_sqlite_url, schema(), customer(1), message)

    assert line == "a STATE message has a value that is not an object"
    assert query(migrated_sqlite_url, ERRORS) == [("failed", line)]


def test_a_state_of_nothing_is_let_be(migrated_sqlite_url, capsys):
    run(migrated_sqlite_url, [schema(), customer(1), {"type": "STATE", "value": None}])

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("version", [10**20, -(10**16), 10**400])
def test_a_version_that_is_no_time_concludes_nothing(migrated_sqlite_url, version):
    run(migrated_sqlite_url, [schema(), customer(1)])
    listing = {**schema(), "stream": "customer_consents"}
    message = {"type": "ACTIVATE_VERSION", "stream": "customer_consents", "version": version}

    line = told(migrated_sqlite_url, listing, message)

    assert line == "stream `customer_consents`: the version of its ACTIVATE_VERSION message is no time in milliseconds"
    assert query(migrated_sqlite_url, ERRORS)[1:] == [("failed", line)]
    assert query(migrated_sqlite_url, "SELECT deleted_at FROM contact_sources") == [(None,)]


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ({"type": "RECORD", "record": {}}, "a RECORD message names no stream"),
        ({"type": "RECORD", "stream": 5, "record": {}}, "a RECORD message names no stream"),
        ({"type": "RECORD", "stream": "customers"}, "stream `customers`: a RECORD message has no record"),
        ({"type": "RECORD", "stream": "orders", "record": [1]}, "stream `orders`: a record is not an object"),
        ({"type": "BATCH", "stream": ["customers"], "encoding": {}, "manifest": []}, "a BATCH message names no stream"),
        ({"type": "BATCH", "stream": "customers", "encoding": {}, "manifest": []}, NO_BATCH),
        ({"type": "BATCH", "stream": "customers", "encoding": {"format": "jsonl"}, "manifest": [5]}, NO_BATCH),
        ([1], "a line of the input is not an object"),
    ],
)
def test_a_message_that_lacks_something_is_told_in_one_line(migrated_sqlite_url, message, line):
    orders = {"type": "SCHEMA", "stream": "orders", "schema": {"properties": {"id": {}}}}

    assert told(migrated_sqlite_url, schema(), orders, message) == line


def test_a_record_that_is_no_object_is_rejected_under_stream_maps_too(migrated_sqlite_url):
    record = {"type": "RECORD", "stream": "customers", "record": [1]}
    maps = {"customers": {"first_name": "first_name.upper()"}}

    run(migrated_sqlite_url, [schema(), record, customer(2)], stream_maps=maps)

    reasons = query(migrated_sqlite_url, 'SELECT "key", reason FROM operation_records')
    assert reasons == [(None, "the record is not an object")]
    assert query(migrated_sqlite_url, "SELECT first_name FROM contacts") == [("NAME2",)]


@pytest.mark.parametrize("deep", ['{"type":"SCHEMA","stream":"customers","schema":', '{"type":"STATE","value":'])
def test_a_message_of_endless_levels_is_told_in_one_line(migrated_sqlite_url, deep):
    kind = json.loads(f"{deep}0}}")["type"]

    line = told(migrated_sqlite_url, schema(), f"{deep}{'[' * 10_000}{']' * 10_000}}}")

    assert line == f"a {kind} message has more than 100 levels of lists and objects in each other"
    assert told(migrated_sqlite_url, "[" * 10_000) == "a line of the input is not JSON: Input data was truncated"


def test_the_schema_and_the_state_of_a_tap_may_have_many_levels(migrated_sqlite_url, capsys):
    deep: dict[str, t.Any] = {}
    for _level in range(45):
        deep = {"properties": {"inner": deep}}
    orders = {"type": "SCHEMA", "stream": "orders", "schema": {"properties": {"inner": deep}}}
    state = {"type": "STATE", "value": {"bookmarks": {"orders": {"inner": deep}}}}

    run(migrated_sqlite_url, [orders, {"type": "RECORD", "stream": "orders", "record": {"inner": {}}}, state])

    assert json.loads(capsys.readouterr().out) == state["value"]


@pytest.mark.parametrize(
    ("property_schema", "problem"),
    [
        ({"type": "foo"}, "is no JSON Schema: `properties.email.type` fails `anyOf`"),
        ({"enum": 5}, "is no JSON Schema: `properties.email.enum` fails `type`"),
        ({"pattern": "("}, "is no JSON Schema: `properties.email.pattern` fails `format`"),
        ({"$ref": "#/nope"}, "cannot be applied to a record (WrappedReferencingError)"),
        ({"$ref": "#/properties/email"}, "cannot be applied to a record (RecursionError)"),
    ],
)
def test_an_unknown_stream_whose_schema_is_no_json_schema_is_named(migrated_sqlite_url, property_schema, problem):
    orders = {"type": "SCHEMA", "stream": "orders", "schema": {"properties": {"email": property_schema}}}
    record = {"type": "RECORD", "stream": "orders", "record": {"email": "marked@example.com"}}

    assert told(migrated_sqlite_url, orders, record) == f"stream `orders`: its schema {problem}"


LINES = "".join(f"{json.dumps(customer(number)['record'])}\n" for number in range(50)).encode()
PACKED = gzip.compress(LINES)
DAMAGED = "is not gzip, or it is damaged or cut short"


@pytest.mark.parametrize("stream", ["customers", "orders"])
@pytest.mark.parametrize(
    ("content", "compression", "problem"),
    [
        (PACKED[:-100], "gzip", DAMAGED),
        (PACKED[:100] + bytes(100) + PACKED[200:], "gzip", DAMAGED),
        (LINES, "gzip", DAMAGED),
        (LINES + '{"email": "marked-ü"}\n'.encode("latin-1"), None, "is not JSON lines in UTF-8"),
        (LINES + b'{"email": "marked"\n', "none", "is not JSON lines in UTF-8"),
    ],
)
def test_a_file_that_is_damaged_is_told_in_one_line_and_brings_nothing(
    migrated_sqlite_url, tmp_path, stream, content, compression, problem
):
    file = tmp_path / "records"
    file.write_bytes(content)
    encoding = {"format": "jsonl", "compression": compression}
    message = {"type": "BATCH", "stream": stream, "encoding": encoding, "manifest": [file.as_uri()]}

    line = told(migrated_sqlite_url, {**schema(), "stream": stream}, message)

    assert line == f"stream `{stream}`: a file of a BATCH message {problem}"
    assert query(migrated_sqlite_url, "SELECT COUNT(*) FROM contacts") == [(0,)]


@pytest.mark.parametrize(
    ("encoding", "file", "problem"),
    [
        ({"format": "jsonl"}, "http://127.0.0.1:1/marked", "a file of a BATCH message cannot be read: "),
        ({"format": "jsonl"}, "nowhere://marked/file", "a file of a BATCH message cannot be read: "),
        ({"format": "parquet"}, "file:///marked", "a BATCH message has files of a format that is not supported"),
        ({"format": "jsonl", "compression": "zstd"}, "file:///marked", "has files of a format that is not supported"),
    ],
)
def test_a_file_that_is_out_of_reach_is_told_in_one_line(migrated_sqlite_url, encoding, file, problem):
    message = {"type": "BATCH", "stream": "customers", "encoding": encoding, "manifest": [file]}

    line = told(migrated_sqlite_url, schema(), message)

    assert line.startswith("stream `customers`: ")
    assert problem in line
    assert "marked" not in line


def test_an_encoding_that_says_more_than_is_known_is_read(migrated_sqlite_url, tmp_path):
    file = tmp_path / "records.jsonl.gz"
    file.write_bytes(PACKED)
    encoding = {"format": "jsonl", "compression": "gzip", "level": 9}

    run(
        migrated_sqlite_url,
        [schema(), {"type": "BATCH", "stream": "customers", "encoding": encoding, "manifest": [file.as_uri()]}],
    )

    assert query(migrated_sqlite_url, "SELECT COUNT(*) FROM contacts") == [(50,)]
