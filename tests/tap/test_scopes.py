"""The connection test names every scope that is missing, for which fields and streams, and what works without it."""

import pytest

from tap_shopify_contacts.checkout_fields import CHECKOUT_FIELDS
from tap_shopify_contacts.customer_fields import CUSTOMER_FIELDS
from tap_shopify_contacts.documents import ABANDONED_CHECKOUTS, CUSTOMERS
from tap_shopify_contacts.errors import AccessDenied, TokenRefused
from tap_shopify_contacts.scopes import Lack, lacks_of, scopes_in, tell
from tap_shopify_contacts.settings import API_VERSIONS
from tap_shopify_contacts.tap import TapShopifyContacts
from tests.tap.helpers import config_of, make_catalog, open_shop, requests_of

ALL = frozenset({"read_customers", "read_orders", "read_products"})
ORDER_FIELDS = tuple(field.name for field in CUSTOMER_FIELDS if field.name.startswith("last_order"))
PRODUCT_FIELDS = (
    "line_items.product_id",
    "line_items.product_title",
    "line_items.product_handle",
    "line_items.vendor",
    "line_items.product_type",
    "line_items.variant_id",
)


def of_customers(granted: set[str]) -> tuple[Lack, ...]:
    return lacks_of("customers", CUSTOMERS, CUSTOMER_FIELDS, "2026-10", granted)


def of_checkouts(granted: set[str]) -> tuple[Lack, ...]:
    return lacks_of("abandoned_checkouts", ABANDONED_CHECKOUTS, CHECKOUT_FIELDS, "2026-10", granted)


def test_scopes_are_those_of_the_installation_and_writing_includes_reading():
    scopes = [{"handle": "write_customers"}, {"handle": "read_orders"}]
    assert scopes_in({"currentAppInstallation": {"accessScopes": scopes}}) == {
        "write_customers",
        "read_customers",
        "read_orders",
    }
    assert scopes_in({"currentAppInstallation": {"accessScopes": []}}) == frozenset()


@pytest.mark.parametrize("version", API_VERSIONS)
def test_three_scopes_are_enough_for_everything(version):
    assert lacks_of("customers", CUSTOMERS, CUSTOMER_FIELDS, version, ALL) == ()
    assert lacks_of("abandoned_checkouts", ABANDONED_CHECKOUTS, CHECKOUT_FIELDS, version, ALL) == ()


def test_each_missing_scope_is_named_with_the_fields_that_need_it():
    assert of_customers({"read_customers"}) == (Lack("customers", "read_orders", ORDER_FIELDS),)
    assert of_customers({"read_customers", "read_quick_sale"}) == ()
    assert of_customers({"read_orders"}) == (Lack("customers", "read_customers", ()),)
    assert of_checkouts({"read_orders"}) == (
        Lack("abandoned_checkouts", "read_customers", ("customer_id", "customer_email", "customer_phone")),
        Lack("abandoned_checkouts", "read_products", PRODUCT_FIELDS),
    )
    assert of_checkouts({"read_customers"}) == (Lack("abandoned_checkouts", "read_orders", ()),)


def test_what_is_missing_is_told_in_two_sentences():
    streams = ["abandoned_checkouts", "customers"]
    assert tell([*of_checkouts({"read_customers"}), *of_customers({"read_customers"})], streams) == (
        f"The app lacks read_orders (for all of abandoned_checkouts and for {', '.join(ORDER_FIELDS)} of customers). "
        "Without it customers without these fields can be read."
    )
    assert tell([*of_checkouts(set()), *of_customers(set())], streams) == (
        "The app lacks read_orders (for all of abandoned_checkouts) and read_customers (for all of customers). "
        "Without them nothing can be read."
    )
    assert tell([Lack("abandoned_checkouts", "read_products", ("line_items.vendor",))], streams) == (
        "The app lacks read_products (for line_items.vendor of abandoned_checkouts). "
        "Without it abandoned_checkouts without these fields and customers can be read."
    )


def try_out(sandbox, *, deselect=None, **settings) -> str:
    """Return what the connection test says."""
    config = config_of(sandbox, **settings)
    catalog = None if deselect is None else make_catalog(config, "customers", deselect, {})
    tap = TapShopifyContacts(config=config, catalog=catalog)
    try:
        return tap.try_out()
    finally:
        tap.client.close()


@pytest.mark.parametrize(
    ("scopes", "told"),
    [
        ((), "The app lacks read_orders (for all of abandoned_checkouts) and read_customers (for all of customers). "),
        (("read_orders",), "The app lacks read_customers (for customer_id, customer_email, customer_phone of "),
        (("read_customers",), "The app lacks read_orders (for all of abandoned_checkouts and for last_order_id, "),
        (("read_customers", "read_orders"), "The app lacks read_products (for line_items.product_id, "),
    ],
)
def test_the_connection_test_fails_where_a_run_would_and_says_why(scopes, told):
    with open_shop(customers=5, checkouts=5, scopes=scopes) as sandbox, pytest.raises(AccessDenied) as caught:
        try_out(sandbox)
    assert str(caught.value).startswith(f"shop sandbox.myshopify.com: {told}")
    assert str(caught.value).endswith("Give the app what it lacks, or deselect what needs it.")


def test_the_connection_test_says_what_is_left_out_where_a_run_goes_without_it():
    with open_shop(customers=5, checkouts=5, scopes=["read_customers", "read_orders"]) as sandbox:
        told = try_out(sandbox, protected_data="warn")
    assert told == (
        "The connection to sandbox.myshopify.com works: read one record of abandoned_checkouts and one record of "
        f"customers; nothing was written. The app lacks read_products (for {', '.join(PRODUCT_FIELDS)} of "
        "abandoned_checkouts). Without it abandoned_checkouts without these fields and customers can be read."
    )


def test_the_connection_test_asks_for_what_is_selected_only():
    with open_shop(customers=5, checkouts=5, scopes=["read_customers"]) as sandbox:
        told = try_out(sandbox, deselect=ORDER_FIELDS)
        assert {entry["operation"] for entry in requests_of(sandbox)} == {"Scopes", "CustomersProbe", "Customers"}
    assert told == "The connection to sandbox.myshopify.com works: read one record of customers; nothing was written."


def test_a_shop_that_does_not_tell_scopes_is_tried_all_the_same(quiet):
    denied = {"message": "access denied", "path": ["currentAppInstallation"]}
    body = {"errors": [denied], "data": None}
    quiet.control("POST", "faults", {"kind": "http_status", "status": 200, "body": body, "operation": "Scopes"})
    assert try_out(quiet).startswith("The connection to sandbox.myshopify.com works: read one record of ")


def test_a_wrong_token_is_told_before_any_scope(quiet):
    with pytest.raises(TokenRefused):
        try_out(quiet, access_token="shpat_wrong")
