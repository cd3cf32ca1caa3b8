"""Records that are written a page at a time are those that the SDK writes one by one, whatever Shopify answers."""

import json
import logging
import re
import typing as t
from decimal import Decimal

import pytest
from singer_sdk.contrib.msgspec import MsgSpecWriter
from typing_extensions import override

from tap_shopify_contacts.tap import TapShopifyContacts
from tests.tap.helpers import LineWriter, Output, config_of, make_catalog, run_tap, truth_of

STREAMS = ["customers", "abandoned_checkouts"]
VERSIONS = ["2026-01", "2026-10"]


class MessageWriter(MsgSpecWriter):
    """Takes messages only, as the SDK writes them one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[bytes] = []

    @override
    def write_message(self, message: t.Any) -> None:
        self.lines.append(bytes(self.format_message(message)))


class CountingWriter(LineWriter):
    """Counts the records that come a page at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.together = 0

    @override
    def write_lines(self, lines: bytes) -> None:
        self.together += lines.count(b"\n")
        super().write_lines(lines)


def run_slowly(config: dict[str, t.Any], **options: t.Any) -> Output:
    return run_tap(config, writer=t.cast("LineWriter", MessageWriter()), **options)


def run_fast(config: dict[str, t.Any], **options: t.Any) -> Output:
    """Run the tap, and make sure that no record came one by one."""
    writer = CountingWriter()
    output = run_tap(config, writer=writer, **options)
    assert writer.together == sum(message["type"] == "RECORD" for message in output.messages)
    return output


def without_times(output: Output) -> list[bytes]:
    """Return the lines as they are, but for when a record was extracted and where a run of this moment ends."""
    ends = re.compile(rb"2026-11-01T1[12]:\d\d:\d\dZ")
    return [
        line.partition(b',"time_extracted":')[0] if line.startswith(b'{"type":"RECORD"') else ends.sub(b"now", line)
        for line in output.lines
    ]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("stream", STREAMS)
def test_both_roads_write_the_same_bytes_in_the_same_order(stocked, stream, version):
    config = config_of(stocked, api_version=version)
    fast, slow = run_fast(config, select=stream), run_slowly(config, select=stream)
    assert without_times(fast) == without_times(slow)
    assert len(fast.records(stream)) == {"customers": 1000, "abandoned_checkouts": 250}[stream]
    assert fast.kinds.count("STATE") > 2


def test_each_record_says_when_it_was_extracted_as_the_sdk_does(quiet):
    fast, slow = (run(config_of(quiet), select="customers").messages for run in (run_fast, run_slowly))
    assert [list(message) for message in fast] == [list(message) for message in slow]
    assert {len(message["time_extracted"]) for message in fast if message["type"] == "RECORD"} == {27}


@pytest.mark.parametrize("stream", STREAMS)
def test_both_roads_leave_out_the_same_denied_fields(quiet, stream):
    kind, field = {
        "customers": ("CustomerEmailAddress", "emailAddress"),
        "abandoned_checkouts": ("Customer", "defaultPhoneNumber"),
    }[stream]
    quiet.control("POST", "faults", {"kind": "protected_field", "type": kind, "field": field, "times": None})
    config = config_of(quiet, protected_data="warn")
    fast, slow = run_fast(config, select=stream), run_slowly(config, select=stream)
    assert without_times(fast) == without_times(slow)
    assert len(fast.records(stream)) > 10
    gone = {"customers": "email", "abandoned_checkouts": "customer_phone"}[stream]
    assert all(gone not in record for record in fast.records(stream))


def test_both_roads_keep_every_digit_and_letter(small):
    number = truth_of(small, "customers")[0]["id"]
    note = 'Grüße, "José"\u2028\t\\ / \U0001f600 \u0001'
    changes = {"amount_spent": 9007199254740993, "orders_count": 7, "note": note}
    small.control("PATCH", f"customers/{number}", changes)
    small.control("POST", "clock", {"advance_seconds": 300})
    fast, slow = (run(config_of(small), select="customers") for run in (run_fast, run_slowly))
    assert sorted(without_times(fast)[2:]) == sorted(without_times(slow)[2:])
    record = fast.latest("customers")[number]
    assert record["note"] == note
    assert record["orders_total_spent"] == Decimal("90071992547409.93")


def test_a_deselected_field_is_on_neither_road(quiet):
    options: dict[str, t.Any] = {"select": "abandoned_checkouts", "deselect": ["line_items", "note", "total_price"]}
    fast, slow = run_fast(config_of(quiet), **options), run_slowly(config_of(quiet), **options)
    assert without_times(fast) == without_times(slow)
    assert {"line_items", "note", "total_price"} & set(fast.records("abandoned_checkouts")[0]) == set()


UPPER = {"stream_maps": {"customers": {"email": "email.upper() if email else None", "__alias__": "people"}}}
WITH_PHONE = {"stream_maps": {"customers": {"__filter__": "phone is not None"}}}
FLAT = {"flattening_enabled": True, "flattening_max_depth": 1}


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        (UPPER, lambda record: record | {"email": record["email"] and record["email"].upper()}),
        (WITH_PHONE, lambda record: record if record["phone"] else None),
        (FLAT, lambda record: record | {"tags": json.dumps(record["tags"], separators=(",", ":"))}),
    ],
    ids=["map", "filter", "flattening"],
)
def test_what_the_sdk_changes_it_is_given_one_by_one(quiet, settings, change):
    plain = run_fast(config_of(quiet), select="customers").records("customers")
    writer = CountingWriter()
    output = run_tap(config_of(quiet, **settings), select="customers", writer=writer)
    assert [message["record"] for message in output.messages if message["type"] == "RECORD"] == [
        changed for record in plain if (changed := change(record)) is not None
    ]
    assert writer.together == 0


def test_a_part_of_an_object_can_be_deselected(quiet):
    config, name = config_of(quiet), "abandoned_checkouts"
    catalog = make_catalog(config, name, (), {})
    (entry,) = [stream for stream in catalog["streams"] if stream["tap_stream_id"] == name]
    city = ["properties", "billing_address", "properties", "city"]
    entry["metadata"].append({"breadcrumb": city, "metadata": {"selected": False}})
    writer = LineWriter()
    TapShopifyContacts(config=config, catalog=catalog, message_writer=writer).sync_all()
    expected = run_fast(config, select=name).records(name)
    cities = [address.pop("city") for record in expected if (address := record["billing_address"]) is not None]
    assert Output(writer.lines).records(name) == expected
    assert len(cities) > 3


def test_records_are_counted_also_when_they_are_written_together(quiet, caplog):
    with caplog.at_level(logging.INFO, "singer_sdk.metrics"):
        run_fast(config_of(quiet), select="customers")
    points = [t.cast("tuple[t.Any, ...]", entry.args)[0] for entry in caplog.records if entry.args]
    assert [point.value for point in points if point.metric == "record_count"] == [40]
