"""What is not selected is not asked for; what Shopify denies is told or left out."""

import logging

import pytest

from tap_shopify_contacts.customer_fields import CUSTOMER_FIELDS
from tap_shopify_contacts.errors import CatalogError, FieldDenied
from tap_shopify_contacts.tap import TapShopifyContacts
from tests.tap.helpers import LineWriter, config_of, open_shop, requests_of, run_tap

NAMES = [field.name for field in CUSTOMER_FIELDS]


def test_only_selected_streams_are_read(quiet):
    output = run_tap(config_of(quiet, extraction="pages"), select="customers")
    assert {message["stream"] for message in output.messages if "stream" in message} == {"customers"}
    assert {entry["operation"] for entry in requests_of(quiet)} == {"CustomersProbe", "Customers"}


def test_deselected_fields_are_neither_written_nor_paid_for(quiet):
    run_tap(config_of(quiet), select="customers")
    whole = requests_of(quiet, "Customers")[0]["requested_cost"]
    quiet.control("DELETE", "requests")
    output = run_tap(config_of(quiet), select="customers", deselect=[name for name in NAMES if name != "email"])
    record = output.records("customers")[0]
    assert list(record) == ["id", "shop", "updated_at", "email"]
    schema = next(message for message in output.messages if message["type"] == "SCHEMA")
    assert list(schema["schema"]["properties"]) == list(record)
    assert schema["schema"]["properties"]["shop"]["const"] == "sandbox.myshopify.com"
    assert requests_of(quiet, "Customers")[0]["requested_cost"] < whole / 2


def test_a_deselected_field_needs_no_scope():
    with open_shop(customers=5, checkouts=0, scopes=["read_customers"]) as sandbox:
        deselect = [name for name in NAMES if name.startswith("last_order")]
        assert len(run_tap(config_of(sandbox), select="customers", deselect=deselect).records("customers")) == 5


def test_lines_are_not_asked_for_when_no_field_needs_them(quiet):
    run_tap(config_of(quiet), select="abandoned_checkouts", deselect=["line_items", "line_items_quantity"])
    assert {"lines" in entry["variables"] for entry in requests_of(quiet)} == {False}


def test_a_part_of_an_address_can_be_deselected(quiet):
    output = run_tap(config_of(quiet), select="abandoned_checkouts", deselect=["phone"])
    addresses = [record["shipping_address"] for record in output.records("abandoned_checkouts")]
    assert any(addresses)
    assert all("phone" not in address for address in addresses if address)


def test_stream_maps_work(quiet):
    maps = {"customers": {"email": "md5(email) if email else None", "initial": "first_name[0:1] if first_name else ''"}}
    output = run_tap(config_of(quiet, stream_maps=maps, edition="basic"))
    record = next(record for record in output.records("customers") if record["email"])
    assert len(record["email"]) == 32
    assert record["initial"] == (record["first_name"] or "")[:1]
    schema = next(message for message in output.messages if message["type"] == "SCHEMA")
    assert schema["schema"]["properties"]["shop"]["const"] == "sandbox.myshopify.com"


def test_a_map_that_makes_its_own_shop_loses_the_constant(quiet):
    maps = {"customers": {"shop": "'elsewhere'"}}
    output = run_tap(config_of(quiet, stream_maps=maps, edition="basic"))
    schema = next(message for message in output.messages if message["type"] == "SCHEMA")
    assert "const" not in schema["schema"]["properties"]["shop"]
    assert output.records("customers")[0]["shop"] == "elsewhere"


def test_flattening_turns_addresses_into_columns(quiet):
    config = config_of(quiet, flattening_enabled=True, flattening_max_depth=1)
    record = run_tap(config, select="abandoned_checkouts").records("abandoned_checkouts")[0]
    assert "shipping_address__city" in record
    assert "shipping_address" not in record


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"replication_key": "created_at"}, "its replication key can only be updated_at"),
        ({"replication_method": "LOG_BASED"}, "its replication method can only be INCREMENTAL or FULL_TABLE"),
    ],
)
def test_a_catalogue_that_asks_for_too_much_is_refused(quiet, entry, problem):
    with pytest.raises(CatalogError) as caught:
        run_tap(config_of(quiet), select="customers", **entry)
    assert str(caught.value) == f"stream customers: The catalogue asks for too much: {problem}."


def test_discovery_needs_no_settings():
    catalog = TapShopifyContacts(config={}, validate_config=False).catalog_dict
    assert [
        (stream["stream"], stream["key_properties"], stream.get("replication_key")) for stream in catalog["streams"]
    ] == [
        ("abandoned_checkouts", ("id",), "updated_at"),
        ("customer_consents", ("id",), None),
        ("customers", ("id",), "updated_at"),
    ]


def test_a_denied_field_stops_the_run_and_names_field_and_setting(quiet):
    quiet.control(
        "POST",
        "faults",
        {"kind": "protected_field", "type": "CustomerEmailAddress", "field": "validFormat", "times": None},
    )
    writer = LineWriter()
    with pytest.raises(FieldDenied) as caught:
        run_tap(config_of(quiet), select="customers", writer=writer)
    assert caught.value.problem.startswith(
        "Shopify denies defaultEmailAddress to the app, which email, email_valid, email_marketing_state, "
        "email_marketing_opt_in_level, email_marketing_updated_at need: This app is not approved to use the "
        "validFormat field"
    )
    assert "set protected_data to warn" in caught.value.advice
    assert writer.lines == []


def test_what_a_denied_field_takes_along_is_left_out_and_never_null(quiet):
    fault = {"kind": "protected_field", "type": "CustomerEmailAddress", "field": "validFormat", "times": None}
    quiet.control("POST", "faults", fault)
    records = run_tap(config_of(quiet, protected_data="warn"), select="customers").records("customers")
    assert len(records) == 40
    assert {name for record in records for name in record if name.startswith("email")} == set()


def test_a_denied_field_is_left_out_and_told_once(quiet, caplog):
    quiet.control("POST", "faults", {"kind": "protected_field", "field": "firstName", "times": None})
    with caplog.at_level(logging.WARNING):
        output = run_tap(config_of(quiet, protected_data="warn"), select="customers")
    records = output.records("customers")
    assert len(records) == 40
    assert all("first_name" not in record for record in records)
    assert all("last_name" in record for record in records)
    told = [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.WARNING]
    assert len(told) == 1
    assert told[0].startswith("Shopify denies firstName to the app, which first_name needs: ")


def test_a_denied_part_of_the_lines_is_left_out_of_every_line():
    with open_shop(customers=5, checkouts=30, scopes=["read_customers", "read_orders"]) as sandbox:
        output = run_tap(config_of(sandbox, protected_data="warn"), select="abandoned_checkouts")
    lines = [line for record in output.records("abandoned_checkouts") for line in record["line_items"]]
    assert len(output.records("abandoned_checkouts")) == 30
    assert {tuple(line) for line in lines} == {
        (
            "title",
            "variant_title",
            "sku",
            "quantity",
            "unit_price",
            "discounted_unit_price",
            "total_price",
            "discounted_total_price",
            "currency",
            "image_url",
            "custom_attributes",
        )
    }


def test_a_missing_scope_of_a_single_field_is_told_by_its_name():
    with (
        open_shop(customers=5, checkouts=0, scopes=["read_customers"]) as sandbox,
        pytest.raises(FieldDenied) as caught,
    ):
        run_tap(config_of(sandbox), select="customers")
    assert "lastOrder to the app" in caught.value.problem
    assert "`read_orders` access scope" in caught.value.problem
