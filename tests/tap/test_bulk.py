"""What Shopify's answers about bulk operations mean, and when the tap looks again."""

from datetime import UTC, datetime

import pytest
from graphql import parse, validate

from shopify_sandbox.schema import build_schema
from tap_shopify_contacts.bulk import (
    CANCEL_DOCUMENT,
    NEWEST_DOCUMENT,
    POLL_DOCUMENT,
    RUN_DOCUMENT,
    Busy,
    Operation,
    check_progress,
    is_operation_id,
    pause_before,
    read_operation,
    read_submission,
)
from tap_shopify_contacts.documents import CUSTOMERS, bulk_document, count_document, updated_between, window_of_bulk
from tap_shopify_contacts.errors import BulkFailed, UnexpectedAnswer
from tap_shopify_contacts.plans import CHECKOUT_STREAM, CONSENT_STREAM, CUSTOMER_STREAM
from tap_shopify_contacts.settings import API_VERSIONS
from tap_shopify_contacts.windows import Window

NODE = {
    "id": "gid://shopify/BulkOperation/1",
    "status": "COMPLETED",
    "errorCode": None,
    "objectCount": "5033",
    "rootObjectCount": "1456",
    "fileSize": "115969",
    "url": "https://storage.example.com/result",
    "query": "{ customers { edges { node { id } } } }",
}
BUSY = (
    "A bulk query operation for this app and shop is already in progress: "
    "gid://shopify/BulkOperation/7, gid://shopify/BulkOperation/8."
)


def refused(code: str | None, message: str) -> dict[str, object]:
    """Return the data of a submission that Shopify refused."""
    error = {"code": code, "field": None, "message": message}
    return {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [error]}}


def test_an_operation_is_read_with_its_numbers():
    assert read_operation(NODE) == Operation(
        id="gid://shopify/BulkOperation/1",
        status="COMPLETED",
        error_code=None,
        objects=5033,
        roots=1456,
        size=115969,
        url="https://storage.example.com/result",
        query="{ customers { edges { node { id } } } }",
    )
    started = {"bulkOperationRunQuery": {"bulkOperation": NODE, "userErrors": []}}
    assert read_submission(started) == read_operation(NODE)


@pytest.mark.parametrize("broken", [{}, {**NODE, "objectCount": None}, {**NODE, "fileSize": "many"}])
def test_an_operation_of_another_form_is_no_operation(broken):
    with pytest.raises(UnexpectedAnswer):
        read_operation(broken)


@pytest.mark.parametrize(
    ("code", "message", "ids"),
    [
        ("OPERATION_IN_PROGRESS", BUSY, ("gid://shopify/BulkOperation/7", "gid://shopify/BulkOperation/8")),
        ("LIMIT_REACHED", "Too many operations.", ()),
    ],
)
def test_who_is_in_the_way_is_known(code, message, ids):
    assert read_submission(refused(code, message)) == Busy(ids)


@pytest.mark.parametrize(
    "data",
    [
        refused("INVALID", "Bulk queries cannot contain more than 5 connections."),
        {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": []}},
        {},
    ],
)
def test_what_shopify_refuses_is_not_tried_again(data):
    with pytest.raises(BulkFailed) as caught:
        read_submission(data)
    assert caught.value.is_final


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        ("CREATED", None, False),
        ("RUNNING", None, False),
        ("COMPLETED", None, True),
        ("CANCELING", None, ("The bulk operation was canceled.", False)),
        ("CANCELED", None, ("The bulk operation was canceled.", False)),
        ("EXPIRED", None, ("The result of the bulk operation has expired.", False)),
        ("FAILED", "TIMEOUT", ("The bulk operation failed (TIMEOUT).", False)),
        ("FAILED", None, ("The bulk operation failed (no reason given).", False)),
        ("FAILED", "ACCESS_DENIED", ("The bulk operation failed (ACCESS_DENIED).", True)),
        ("PAUSED", None, ("The bulk operation has the unknown status PAUSED.", True)),
    ],
)
def test_each_status_is_waited_for_taken_or_given_up(status, code, outcome):
    operation = read_operation({**NODE, "status": status, "errorCode": code})
    if isinstance(outcome, bool):
        assert check_progress(operation) is outcome
        return
    with pytest.raises(BulkFailed) as caught:
        check_progress(operation)
    assert (caught.value.problem, caught.value.is_final) == outcome


def test_an_operation_that_shopify_no_longer_knows_has_failed():
    with pytest.raises(BulkFailed):
        check_progress(None)


def test_an_end_is_seen_late_by_a_quarter_of_the_time_at_most():
    passed = 0.0
    for look in range(200):
        pause = pause_before(look)
        assert pause == pytest.approx(min(0.1 + passed / 4, 60))
        passed += pause
    assert pause_before(0) == 0.1
    assert pause_before(100_000) == 60


@pytest.mark.parametrize("value", [None, 7, "", "gid://shopify/Order/1", "gid://shopify/BulkOperation/1 "])
def test_only_the_id_of_an_operation_is_taken_from_a_state(value):
    assert not is_operation_id(value)
    assert is_operation_id(NODE["id"])


PATHS = ("id", "defaultEmailAddress.emailAddress")
WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, 12, 0, 5, tzinfo=UTC))


def test_a_bulk_document_tells_its_window():
    document = bulk_document(CUSTOMERS, PATHS, updated_between(WINDOW.start, WINDOW.end))
    assert document == (
        "{\n"
        "  customers(query: \"updated_at:>='2026-01-01T00:00:00Z' AND updated_at:<'2026-11-01T12:00:05Z'\","
        " sortKey: UPDATED_AT) {\n"
        "    edges {\n"
        "      node {\n"
        "        id\n"
        "        defaultEmailAddress {\n"
        "          emailAddress\n"
        "        }\n"
        "      }\n"
        "    }\n"
        "  }\n"
        "}"
    )
    assert window_of_bulk(document, CUSTOMERS, PATHS) == WINDOW


@pytest.mark.parametrize(
    ("paths", "search"),
    [
        (PATHS, None),
        (PATHS, "updated_at:>='2026-01-01T00:00:00Z'"),
        (("id",), updated_between(WINDOW.start, WINDOW.end)),
        ((*PATHS, "note"), updated_between(WINDOW.start, WINDOW.end)),
        (PATHS, updated_between(WINDOW.start, WINDOW.end) + " AND tag:vip"),
    ],
)
def test_another_document_has_no_window_of_ours(paths, search):
    assert window_of_bulk(bulk_document(CUSTOMERS, paths, search), CUSTOMERS, PATHS) is None


@pytest.mark.parametrize("version", API_VERSIONS)
@pytest.mark.parametrize("plan", [CUSTOMER_STREAM, CHECKOUT_STREAM, CONSENT_STREAM], ids=lambda plan: plan.name)
def test_every_document_is_valid_in_every_version(version, plan):
    paths = [path for field in plan.fields for path in field.asked_paths(version)]
    documents = [
        bulk_document(plan.connection, paths, updated_between(WINDOW.start, WINDOW.end)),
        bulk_document(plan.connection, paths),
        count_document(plan.connection),
        RUN_DOCUMENT,
        POLL_DOCUMENT,
        NEWEST_DOCUMENT,
        CANCEL_DOCUMENT,
    ]
    schema = build_schema(version)
    assert [validate(schema, parse(document)) for document in documents] == [[]] * len(documents)
