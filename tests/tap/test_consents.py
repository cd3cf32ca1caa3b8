"""The stream `customer_consents`: every customer that there is, each time, and a word at the end that it was all."""

from __future__ import annotations

import pytest

from tap_shopify_contacts.errors import CatalogError, GaveUp
from tap_shopify_contacts.tap import TapShopifyContacts
from tests.tap.bulk_runs import KilledError, ids_of, operations_of, plan
from tests.tap.helpers import LineWriter, Output, config_of, open_shop, requests_of, run_tap, truth_of
from tests.tap.truth import customer_record

STREAM = "customer_consents"
FIELDS = (
    "id",
    "shop",
    "updated_at",
    "email",
    "email_marketing_state",
    "email_marketing_opt_in_level",
    "email_marketing_updated_at",
    "phone",
    "sms_marketing_state",
    "sms_marketing_opt_in_level",
    "sms_marketing_updated_at",
)


def consents(sandbox, **options):
    return run_tap(config_of(sandbox, **options.pop("settings", {})), select=STREAM, **options)


def versions_of(output):
    """Return the versions of the records, and those that were activated."""
    told: dict[str, set[int | None]] = {kind: set() for kind in ("RECORD", "ACTIVATE_VERSION")}
    for message in output.messages:
        if message["type"] in told:
            told[message["type"]].add(message.get("version"))
    return told["RECORD"], told["ACTIVATE_VERSION"]


@pytest.mark.parametrize("version", ["2026-01", "2026-04", "2026-07", "2026-10"])
@pytest.mark.parametrize("edition", ["basic", "advanced"])
def test_every_customer_comes_with_both_consents(idle, edition, version):
    output = consents(idle, settings={"edition": edition, "api_version": version})
    truth = {customer["id"]: customer_record(customer) for customer in truth_of(idle, "customers")}
    assert [list(record) for record in output.records(STREAM)] == [list(FIELDS)] * 40
    assert output.latest(STREAM) == {
        number: {name: record[name] for name in FIELDS} for number, record in truth.items()
    }


def test_the_version_is_the_shops_time_before_the_listing_and_comes_last(idle):
    output = consents(idle)
    assert output.kinds == ["STATE", "SCHEMA", "RECORD", "ACTIVATE_VERSION", "STATE"]
    records, activated = versions_of(output)
    assert records == activated
    (version,) = activated
    # The store's clock began at 2026-11-01T12:00:00Z and has run for some seconds or minutes since.
    assert 0 <= version - 1793534400000 < 3_600_000
    assert version % 1000 == 0


def test_each_listing_has_a_later_version_and_no_bookmark(small):
    first = consents(small)
    small.control("POST", "clock", {"advance_seconds": 60})
    second = consents(small, state=first.states[-1])
    assert first.states[-1] == second.states[-1] == {"bookmarks": {STREAM: {}}}
    assert len(second.records(STREAM)) == 40
    assert max(versions_of(first)[1]) < min(versions_of(second)[1])


def test_who_is_gone_is_missing_and_who_moved_nothing_else_is_there(small):
    truth = truth_of(small, "customers")
    gone = next(customer["id"] for customer in truth if not customer["orders_count"])
    silent = next(customer["id"] for customer in truth if customer["email_consent"]["state"] == "SUBSCRIBED")
    small.control("DELETE", f"customers/{gone}")
    consent = {"channel": "email", "state": "UNSUBSCRIBED", "touch_updated_at": False}
    small.control("POST", f"customers/{silent}/consent", consent)
    found = consents(small).latest(STREAM)
    assert sorted(found) == ids_of(small)
    assert gone not in found
    assert found[silent]["email_marketing_state"] == "UNSUBSCRIBED"


def test_a_shop_without_customers_is_a_complete_listing():
    with open_shop(customers=0, checkouts=0) as sandbox:
        output = consents(sandbox)
        assert output.kinds == ["STATE", "SCHEMA", "ACTIVATE_VERSION", "STATE"]


def test_the_schema_has_a_key_and_no_bookmark(idle):
    schema = next(message for message in consents(idle).messages if message["type"] == "SCHEMA")
    assert (schema["key_properties"], schema.get("bookmark_properties") or []) == (["id"], [])
    assert schema["schema"]["properties"]["shop"]["const"] == "sandbox.myshopify.com"
    assert tuple(schema["schema"]["properties"]) == FIELDS


def test_a_failed_operation_is_followed_by_another(idle):
    plan(idle, ends="FAILED", error_code="TIMEOUT", times=4)
    output = consents(idle)
    assert sorted(output.latest(STREAM)) == ids_of(idle)
    assert len(versions_of(output)[1]) == 1
    assert operations_of(idle).count("BulkRun") == 5


def test_a_listing_that_fails_activates_nothing(idle):
    plan(idle, ends="FAILED", error_code="INTERNAL_SERVER_ERROR", times=None)
    writer = LineWriter()
    with pytest.raises(GaveUp) as caught:
        consents(idle, writer=writer)
    assert str(caught.value) == (
        "shop sandbox.myshopify.com, stream customer_consents: The bulk operation failed (INTERNAL_SERVER_ERROR). "
        "Nothing is said about customers who are no longer there."
    )
    assert Output(writer.lines).kinds == ["STATE", "SCHEMA"]


@pytest.mark.parametrize("after", [1, 39, 40])
def test_a_listing_that_is_cut_short_activates_nothing(idle, after):
    def kill(count):
        if count == after:
            raise KilledError

    writer = LineWriter(kill)
    with pytest.raises(KilledError):
        consents(idle, writer=writer)
    assert "ACTIVATE_VERSION" not in Output(writer.lines).kinds


def test_a_download_that_ends_too_early_for_good_activates_nothing(idle):
    fault = {"kind": "truncated_body", "bytes": 0, "operation": "bulk_result", "times": None}
    idle.control("POST", "faults", fault)
    writer = LineWriter()
    with pytest.raises(GaveUp):
        consents(idle, writer=writer)
    assert "ACTIVATE_VERSION" not in Output(writer.lines).kinds


def test_an_operation_that_runs_already_is_not_used(idle):
    consents(idle)
    (document,) = {entry["variables"]["query"] for entry in requests_of(idle, "BulkRun")}
    started = idle.control("POST", "bulk", {"query": document})
    consents(idle)
    assert [entry["variables"]["id"] for entry in requests_of(idle, "BulkPoll")].count(started["id"]) == 0
    assert len(requests_of(idle, "BulkRun")) == 2


def test_it_is_not_read_unless_it_is_selected(idle):
    assert {message.get("stream") for message in run_tap(config_of(idle)).messages} == {
        "customers",
        "abandoned_checkouts",
        None,
    }
    discovered = TapShopifyContacts(config=config_of(idle)).catalog_dict
    tap = TapShopifyContacts(config=config_of(idle), catalog=discovered)
    assert {name: stream.selected for name, stream in tap.streams.items()}[STREAM] is False


def test_deselected_fields_are_not_asked_for(idle):
    output = consents(idle, deselect=["phone", "email_marketing_opt_in_level"])
    assert {tuple(record) for record in output.records(STREAM)} == {
        tuple(name for name in FIELDS if name not in {"phone", "email_marketing_opt_in_level"})
    }
    (document,) = {entry["variables"]["query"] for entry in requests_of(idle, "BulkRun")}
    assert "phoneNumber" not in document
    assert "email" in document


def test_it_can_only_be_read_whole(idle):
    with pytest.raises(CatalogError) as caught:
        consents(idle, replication_method="INCREMENTAL", replication_key="updated_at")
    assert str(caught.value) == (
        "stream customer_consents: The catalogue asks for too much: its replication method can only be FULL_TABLE."
    )
