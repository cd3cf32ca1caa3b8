"""Results of bulk operations: another origin, which knows no tokens, reads ranges and forgets after a week."""

from itertools import islice
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.sandbox.bulk_client import Bulk, fetch, rows


@pytest.fixture
def bulk(sandbox):
    return Bulk(sandbox)


@pytest.fixture
def url(bulk):
    return bulk.completed()["url"]


def test_a_result_lies_on_another_origin_for_seven_days(bulk, url):
    parts, query = urlsplit(url), parse_qs(urlsplit(url).query)
    assert f"{parts.scheme}://{parts.netloc}" != bulk.sandbox.url
    assert parts.path.startswith("/shopify-tiers-assets-prod-us-east1/bulk-operation-outputs/")
    assert query["Expires"] == ["1794139200"]  # 2026-11-08T12:00:00Z
    answer = fetch(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jsonl")
    assert answer.headers["content-length"] == str(len(answer.content))
    assert requests.get(f"{bulk.sandbox.url}{parts.path}?{parts.query}", timeout=20).status_code == 404
    assert requests.get(f"{parts.scheme}://{parts.netloc}/sandbox/clock", timeout=20).status_code == 404


def test_a_request_with_a_token_is_refused_and_remembered(bulk, url):
    answer = fetch(url, X_Shopify_Access_Token=bulk.sandbox.token)
    assert answer.status_code == 400
    assert fetch(url).status_code == 200
    assert [(entry["secrets_sent"], entry["sent"] > 0) for entry in bulk.downloads()] == [
        (["x-shopify-access-token"], False),
        ([], True),
    ]


def test_a_range_is_served(url):
    whole = fetch(url)
    size = len(whole.content)
    part = fetch(url, Range="bytes=100-", If_Range=whole.headers["etag"])
    assert (part.status_code, part.content) == (206, whole.content[100:])
    assert part.headers["content-range"] == f"bytes 100-{size - 1}/{size}"
    assert fetch(url, Range="bytes=10-19").content == whole.content[10:20]
    assert fetch(url, Range="bytes=0-").status_code == 206
    beyond = fetch(url, Range=f"bytes={size}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")


def test_a_range_of_another_file_is_answered_with_the_whole(bulk, url):
    before = fetch(url)
    bulk.sandbox.control("POST", "customers", {})
    number = bulk.sandbox.control("GET", "bulk")[0]["number"]
    assert bulk.sandbox.control("POST", f"bulk/{number}/rewrite")["lines"] == 61
    fresh = bulk.poll(f"gid://shopify/BulkOperation/{number}")["url"]
    after = fetch(fresh, Range="bytes=100-", If_Range=before.headers["etag"])
    assert (after.status_code, len(after.content.splitlines())) == (200, 61)
    assert after.headers["etag"] != before.headers["etag"]


def test_a_server_may_ignore_ranges(bulk, url):
    bulk.sandbox.control("POST", "faults", {"kind": "ignore_range", "operation": "bulk_result"})
    assert [fetch(url, Range="bytes=100-").status_code for _ in range(2)] == [200, 206]


def test_a_connection_can_break_after_so_many_bytes(bulk, url):
    fault = {"kind": "truncated_body", "operation": "bulk_result", "bytes": 150}
    bulk.sandbox.control("POST", "faults", fault)
    got = b""
    with requests.get(url, stream=True, timeout=20) as answer:
        announced = int(answer.headers["content-length"])
        pieces = answer.iter_content(50)
        for piece in islice(pieces, 3):
            got += piece
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            next(pieces)
    whole = fetch(url).content
    assert (announced, got) == (len(whole), whole[:150])


@pytest.mark.parametrize(
    ("fault", "status"), [({"kind": "http_status", "status": 503}, 503), ({"kind": "http_status", "status": 403}, 403)]
)
def test_a_download_meets_the_faults_that_name_it(bulk, url, fault, status):
    bulk.sandbox.control("POST", "faults", {**fault, "operation": "bulk_result"})
    assert [fetch(url).status_code for _ in range(2)] == [status, 200]


def test_a_result_expires_with_its_operation(bulk):
    operation = bulk.completed()
    bulk.sandbox.control("POST", "clock", {"advance_seconds": 7 * 86_400 + 1})
    answer = fetch(operation["url"])
    assert (answer.status_code, "ExpiredToken" in answer.text) == (400, True)
    after = bulk.poll(operation["id"])
    assert [after[name] for name in ("status", "url", "fileSize")] == ["EXPIRED", None, None]


def test_an_address_can_expire_before_its_result(bulk):
    operation = bulk.completed()
    number = int(operation["id"].rpartition("/")[2])
    bulk.sandbox.control("POST", f"bulk/{number}/expire")
    assert fetch(operation["url"]).status_code == 400
    assert len(rows(bulk.poll(operation["id"])["url"])) == 60
    bulk.sandbox.control("POST", f"bulk/{number}/expire", {"operation": True})
    assert bulk.poll(operation["id"])["status"] == "EXPIRED"


def test_an_address_that_was_never_given_is_unknown(url):
    assert fetch(url.replace("bulk-operation-outputs/", "bulk-operation-outputs/0")).status_code == 404
    assert fetch(url.replace("Expires=1", "Expires=2")).status_code == 403


def test_a_large_result_is_written_while_the_operation_runs(start):
    bulk = Bulk(start(customers=6_000))
    operation = bulk.completed("{ customers { edges { node { id } } } }")
    lines = rows(operation["url"])
    assert [line["id"] for line in lines] == [f"gid://shopify/Customer/{7_000_000_000_000 + n}" for n in range(6_000)]
    assert (operation["objectCount"], operation["fileSize"]) == ("6000", str(len(fetch(operation["url"]).content)))
