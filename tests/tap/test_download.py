"""What the answers of the host of a result mean; what comes of them is in test_extraction.py."""

import http.server
import threading
import typing as t

import msgspec
import pytest
from typing_extensions import override

from tap_shopify_contacts.bulk import Operation
from tap_shopify_contacts.client import ShopClient
from tap_shopify_contacts.download import Download, bytes_to_skip, opening_headers, strong_tag
from tap_shopify_contacts.errors import BulkFailed, ConnectionFailed, RetryableError
from tap_shopify_contacts.operations import Operations
from tap_shopify_contacts.results import Progress, Results
from tap_shopify_contacts.tap import TapShopifyContacts
from tests.tap.bulk_runs import bulk
from tests.tap.helpers import config_of

TAG = '"a"'


class Customer(msgspec.Struct):
    """A node of which nothing is read."""


def test_a_part_is_asked_for_by_its_first_byte_and_only_of_the_same_result():
    assert opening_headers(0, None) == {"Accept-Encoding": "identity"}
    assert opening_headers(7, None) == {"Accept-Encoding": "identity", "Range": "bytes=7-"}
    assert opening_headers(7, TAG) == {"Accept-Encoding": "identity", "Range": "bytes=7-", "If-Range": TAG}


@pytest.mark.parametrize(
    ("status", "headers", "skip"),
    [
        (206, {"Content-Range": "bytes 7-20/21"}, 0),
        (206, {"Content-Range": "bytes 4-20/*"}, 3),
        (200, {"ETag": TAG}, 7),
        (200, {}, 7),
        (200, {"ETag": 'W/"b"'}, 7),
    ],
)
def test_what_was_read_before_is_skipped(status, headers, skip):
    assert bytes_to_skip(status, headers, 7, TAG) == skip


@pytest.mark.parametrize(
    ("status", "headers", "problem"),
    [
        (206, {"Content-Range": "bytes 8-20/21"}, "sent another part than the one asked for"),
        (206, {}, "sent another part than the one asked for"),
        (200, {"ETag": '"b"'}, "changed while it was downloaded"),
    ],
)
def test_another_part_or_another_result_is_never_gone_on_with(status, headers, problem):
    with pytest.raises(BulkFailed, match=problem):
        bytes_to_skip(status, headers, 7, TAG)


@pytest.mark.parametrize(
    ("status", "headers", "wait"), [(408, {}, None), (429, {"Retry-After": "9"}, 9.0), (500, {}, None), (503, {}, None)]
)
def test_a_host_that_cannot_answer_now_is_asked_again(status, headers, wait):
    with pytest.raises(ConnectionFailed) as caught:
        bytes_to_skip(status, headers, 0, None)
    assert caught.value.wait == wait


def test_a_weak_tag_says_nothing_about_bytes():
    assert [strong_tag(headers) for headers in ({"ETag": TAG}, {"ETag": f"W/{TAG}"}, {})] == [TAG, None, None]


@pytest.mark.parametrize(("objects", "roots"), [(39, 39), (41, 41), (40, 39)])
def test_a_result_with_other_counts_than_shopify_says_is_not_whole(idle, objects, roots):
    bulk(idle)
    tap = TapShopifyContacts(config=config_of(idle))
    client = ShopClient(tap.checked_settings, tap.logger)
    try:
        operations = Operations(client, "customers", tap.logger)
        found = operations.find(idle.control("GET", "bulk")[-1]["id"])
        assert isinstance(found, Operation)
        told = Operation(**{**vars(found), "objects": objects, "roots": roots})
        with pytest.raises(BulkFailed) as caught:
            list(Results(client, operations, "customers", tap.logger).nodes(told, Customer, with_carts=False))
    finally:
        client.close()
    assert caught.value.problem == (
        "The result of the bulk operation has 40 lines, 40 of them records, where "
        f"Shopify counted {objects} and {roots}."
    )


class Endless(http.server.BaseHTTPRequestHandler):
    """Sends all bytes of a result and breaks off, where the end of the answer should come."""

    protocol_version = "HTTP/1.1"
    ranges: t.ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.ranges.append(self.headers["Range"])
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nabcd\n\r\n")
        self.close_connection = True

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


def give_up(error: RetryableError, failures: int) -> None:
    raise error


def test_a_result_that_is_whole_is_not_asked_for_again_although_its_connection_broke():
    with http.server.HTTPServer(("127.0.0.1", 0), Endless) as host:
        thread = threading.Thread(target=host.serve_forever)
        thread.start()
        try:
            download = Download(lambda: f"http://127.0.0.1:{host.server_port}/", 5, give_up)
            assert b"".join(download.chunks()) == b"abcd\n"
        finally:
            host.shutdown()
            thread.join()
    assert Endless.ranges == [None]


def test_progress_is_told_every_few_seconds_with_its_rate(caplog):
    ticks = iter([0.0, 4.0, 10.0, 12.0, 40.0])
    tap = TapShopifyContacts(config={}, validate_config=False)
    with caplog.at_level("INFO", logger=tap.logger.name):
        progress = Progress(tap.logger, "customers", 1_000_000, lambda: next(ticks))
        for _ in range(4):
            progress.add(100_000)
    assert [message for message in caplog.messages if message.startswith("customers")] == [
        "customers: 200,000 of 1,000,000 read from the result, 20,000 a second.",
        "customers: 400,000 of 1,000,000 read from the result, 10,000 a second.",
    ]
