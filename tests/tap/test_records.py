"""Every record of the store arrives, whole, in every version and at every page size."""

from decimal import Decimal

import pytest

from tests.tap.helpers import config_of, requests_of, run_tap, truth_of
from tests.tap.truth import COMPUTED, checkout_record, customer_record

BASIC = 32


@pytest.fixture(scope="module")
def customers(stocked):
    return {truth["id"]: customer_record(truth) for truth in truth_of(stocked, "customers")}


@pytest.mark.parametrize("version", ["2026-01", "2026-10"])
def test_customers_are_what_the_store_holds(stocked, customers, version):
    output = run_tap(config_of(stocked, api_version=version), select="customers")
    assert output.latest("customers") == customers
    assert len(output.records("customers")) == len(customers)


@pytest.fixture(scope="module")
def checkouts(stocked):
    return run_tap(config_of(stocked), select="abandoned_checkouts").records("abandoned_checkouts")


def test_checkouts_are_what_the_store_holds(stocked, checkouts):
    people = {truth["id"]: truth for truth in truth_of(stocked, "customers")}
    expected = {truth["id"]: checkout_record(truth, people) for truth in truth_of(stocked, "checkouts")}
    told = [{name: value for name, value in record.items() if name not in COMPUTED} for record in checkouts]
    assert {record["id"]: record for record in told} == expected
    assert len(told) == len(expected)
    assert {tuple(sorted(COMPUTED - record.keys())) for record in checkouts} == {()}


def test_carts_longer_than_a_page_are_complete_and_in_order(stocked, checkouts):
    truth = {checkout["id"]: [line["sku"] for line in checkout["lines"]] for checkout in truth_of(stocked, "checkouts")}
    carts = {record["id"]: [line["sku"] for line in record["line_items"]] for record in checkouts}
    assert carts == truth
    assert sorted(len(cart) for cart in carts.values())[-3:] == [60, 260, 510]


@pytest.mark.parametrize("page_size", [40, 99])
def test_a_page_border_within_one_second_loses_nobody(stocked, customers, page_size):
    # 280 customers of this store were changed in the same second.
    output = run_tap(config_of(stocked, page_size=page_size), select="customers", deselect=["email"])
    assert sorted(record["id"] for record in output.records("customers")) == sorted(customers)


def test_the_basic_edition_reads_persons_only(stocked, customers):
    output = run_tap(config_of(stocked, edition="basic"))
    expected = {number: dict(list(record.items())[:BASIC]) for number, record in customers.items()}
    assert output.latest("customers") == expected
    assert {message["stream"] for message in output.messages if message["type"] == "SCHEMA"} == {"customers"}


def test_amounts_keep_the_digits_that_shopify_wrote(small):
    number = truth_of(small, "customers")[0]["id"]
    small.control("POST", f"customers/{number}/orders", {"quantity": 3, "total": "30.00"})
    small.control("PATCH", f"customers/{number}", {"amount_spent": 9007199254740993, "orders_count": 7})
    small.control("POST", "clock", {"advance_seconds": 300})
    output = run_tap(config_of(small), select="customers")
    line = next(line for line in output.lines if f'"id":{number},'.encode() in line)
    assert b'"orders_total_spent":90071992547409.93,' in line
    assert b'"orders_average_amount":12867427506772.8471,' in line
    assert b'"last_order_total":30.0,' in line


def test_an_erased_customer_is_told_although_nothing_is_left(small):
    number = truth_of(small, "customers")[3]["id"]
    small.control("POST", f"customers/{number}/redact")
    small.control("POST", "clock", {"advance_seconds": 300})
    record = run_tap(config_of(small), select="customers").latest("customers")[number]
    assert {name: record[name] for name in ("email", "phone", "first_name", "email_marketing_state")} == {
        "email": None,
        "phone": None,
        "first_name": None,
        "email_marketing_state": "REDACTED",
    }


def test_a_checkout_without_a_customer_has_none(small):
    number = small.control("POST", "checkouts", {"customer_id": None, "lines": 1})["id"]
    small.control("POST", "clock", {"advance_seconds": 300})
    record = run_tap(config_of(small), select="abandoned_checkouts").latest("abandoned_checkouts")[number]
    assert (record["customer_id"], record["customer_email"], record["customer_phone"]) == (None, None, None)


def test_a_page_that_costs_too_much_is_asked_for_smaller(quiet, monkeypatch):
    monkeypatch.setattr("shopify_sandbox.engine.MAX_COST", 40)
    output = run_tap(config_of(quiet), select="customers")
    assert len(output.latest("customers")) == 40
    sizes = [entry["variables"]["first"] for entry in requests_of(quiet, "Customers")]
    assert sizes[0] == 250
    assert set(sizes[1:]) == {33}
    assert output.waits == []


def test_averages_have_four_places(quiet):
    records = run_tap(config_of(quiet), select="customers").records("customers")
    averages = [record["orders_average_amount"] for record in records if record["orders_count"]]
    assert len(averages) > 10
    assert {average.as_tuple().exponent for average in averages if isinstance(average, Decimal)} == {-4}
