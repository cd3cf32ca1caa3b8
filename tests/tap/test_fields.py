"""From a node of an answer to a record, value by value."""

from decimal import Decimal

import pytest

from tap_shopify_contacts.checkout_fields import CHECKOUT_FIELDS
from tap_shopify_contacts.customer_fields import CUSTOMER_FIELDS
from tap_shopify_contacts.errors import UnexpectedAnswer
from tap_shopify_contacts.fields import Field
from tap_shopify_contacts.plans import CUSTOMER_STREAM, fields_of
from tap_shopify_contacts.records import RecordReader
from tap_shopify_contacts.settings import Edition
from tap_shopify_contacts.values import average_amount, email_state, global_id, sms_state

BASIC_CUSTOMER_FIELDS = [
    "id",
    "shop",
    "created_at",
    "updated_at",
    "first_name",
    "last_name",
    "display_name",
    "email",
    "email_valid",
    "email_marketing_state",
    "email_marketing_opt_in_level",
    "email_marketing_updated_at",
    "phone",
    "sms_marketing_state",
    "sms_marketing_opt_in_level",
    "sms_marketing_updated_at",
    "locale",
    "account_state",
    "note",
    "tags",
    "verified_email",
    "tax_exempt",
    "company",
    "address1",
    "address2",
    "city",
    "province",
    "province_code",
    "country",
    "country_code",
    "zip",
    "address_phone",
]
ADVANCED_CUSTOMER_FIELDS = [
    "orders_count",
    "orders_total_spent",
    "orders_average_amount",
    "currency",
    "last_order_id",
    "last_order_name",
    "last_order_created_at",
    "last_order_line_items_quantity",
    "last_order_total",
    "last_order_currency",
    "predicted_spend_tier",
    "rfm_group",
]
ADDRESS_FIELDS = [
    "first_name",
    "last_name",
    "name",
    "company",
    "address1",
    "address2",
    "city",
    "province",
    "province_code",
    "country",
    "country_code",
    "zip",
    "phone",
]


def reader(fields: tuple[Field, ...], version: str = "2026-10", denied: tuple[str, ...] = ()) -> RecordReader:
    """Return a reader of these fields for one shop."""
    return RecordReader(fields, version=version, shop="my-shop.myshopify.com", denied=denied)


def only(fields: tuple[Field, ...], *names: str) -> tuple[Field, ...]:
    """Return the fields with these names."""
    return tuple(field for field in fields if field.name in names)


def test_the_editions_have_the_promised_fields_in_order():
    basic = [field.name for field in fields_of(CUSTOMER_STREAM, Edition.BASIC)]
    advanced = [field.name for field in fields_of(CUSTOMER_STREAM, Edition.ADVANCED)]
    assert basic == BASIC_CUSTOMER_FIELDS
    assert advanced == BASIC_CUSTOMER_FIELDS + ADVANCED_CUSTOMER_FIELDS


def test_a_customer_of_whom_shopify_knows_nothing_is_nulls():
    node: dict[str, object] = {
        "legacyResourceId": "7000000000001",
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
        "displayName": "",
        "defaultEmailAddress": None,
        "emailMarketingConsent": None,
        "defaultPhoneNumber": None,
        "defaultAddress": None,
        "lastOrder": None,
        "statistics": {"predictedSpendTier": None, "rfmGroup": None},
        "tags": [],
        "locale": "en",
        "state": "DISABLED",
        "verifiedEmail": False,
        "taxExempt": False,
        "numberOfOrders": "0",
        "amountSpent": {"amount": "0.0", "currencyCode": "EUR"},
    }
    assert reader(CUSTOMER_FIELDS).read(node) == {
        **dict.fromkeys(BASIC_CUSTOMER_FIELDS + ADVANCED_CUSTOMER_FIELDS),
        "id": 7000000000001,
        "shop": "my-shop.myshopify.com",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "display_name": "",
        "tags": [],
        "locale": "en",
        "account_state": "DISABLED",
        "verified_email": False,
        "tax_exempt": False,
        "orders_count": 0,
        "orders_total_spent": Decimal("0.0"),
        "currency": "EUR",
    }


@pytest.mark.parametrize("version", ["2026-01", "2026-04", "2026-07", "2026-10"])
def test_sms_consent_reads_alike_in_every_version(version):
    fields = only(
        CUSTOMER_FIELDS, "phone", "sms_marketing_state", "sms_marketing_opt_in_level", "sms_marketing_updated_at"
    )
    phone: dict[str, object] = {
        "phoneNumber": "+15550100",
        "smsMarketingConsent": {"state": "NEVER_SUBSCRIBED", "optInLevel": "UNKNOWN", "updatedAt": None},
    }
    if version < "2026-10":
        phone = {
            "phoneNumber": "+15550100",
            "marketingState": "NOT_SUBSCRIBED",
            "marketingOptInLevel": "UNKNOWN",
            "marketingUpdatedAt": None,
        }
    assert reader(fields, version).read({"defaultPhoneNumber": phone}) == {
        "phone": "+15550100",
        "sms_marketing_state": "NOT_SUBSCRIBED",
        "sms_marketing_opt_in_level": "UNKNOWN",
        "sms_marketing_updated_at": None,
    }


@pytest.mark.parametrize(
    ("state", "older", "told"),
    [
        ("SUBSCRIBED", "SUBSCRIBED", "SUBSCRIBED"),
        ("UNSUBSCRIBED", "REDACTED", "REDACTED"),
        (None, "REDACTED", "REDACTED"),
        (None, None, None),
        ("A_STATE_OF_2027", None, "A_STATE_OF_2027"),
    ],
)
def test_an_erased_person_is_told_also_by_the_older_field(state, older, told):
    assert email_state(state, older) == told


@pytest.mark.parametrize("state", ["SUBSCRIBED", "REDACTED", "A_STATE_OF_2027", None])
def test_other_states_pass_as_they_are(state):
    assert sms_state(state) == state


@pytest.mark.parametrize(
    ("total", "orders", "average"),
    [
        ("30.0", "1", "30.0000"),
        ("100.0", "3", "33.3333"),
        ("0.0001", "2", "0.0001"),
        ("200.0", "3", "66.6667"),
        ("9007199254740993.01", "2", "4503599627370496.5050"),
        ("0.0", "0", None),
        (None, "3", None),
        ("30.0", None, None),
    ],
)
def test_the_average_is_exact_to_four_places(total, orders, average):
    assert average_amount(total, orders) == (None if average is None else Decimal(average))


@pytest.mark.parametrize(
    ("gid", "number"),
    [
        ("gid://shopify/Order/9007199254740993", 9007199254740993),
        ("gid://shopify/MailingAddress/5?model_name=CustomerAddress", 5),
        ("gid://shopify/Order/5?a=b/7", 5),
        (None, None),
    ],
)
def test_a_global_id_is_its_number(gid, number):
    assert global_id(gid) == number


def test_a_value_of_another_form_is_told_by_the_fields_name_only():
    with pytest.raises(UnexpectedAnswer) as caught:
        reader(CUSTOMER_FIELDS).read({"legacyResourceId": "marked@example.com"})
    assert str(caught.value) == (
        "Shopify's value for the field id has a form that this API version does not document. "
        "Deselect the field, and report it with the API version."
    )
    assert caught.value.__suppress_context__


def test_lines_and_addresses_are_objects_with_all_their_fields():
    line = {
        "title": "Cup",
        "variantTitle": None,
        "sku": "",
        "quantity": 3,
        "originalUnitPriceSet": {"shopMoney": {"amount": "0.333", "currencyCode": "KWD"}},
        "discountedUnitPriceSet": {"shopMoney": {"amount": "0.3"}},
        "originalTotalPriceSet": {"shopMoney": {"amount": "0.999"}},
        "discountedTotalPriceSet": {"shopMoney": {"amount": "0.9"}},
        "product": None,
        "variant": {"id": "gid://shopify/ProductVariant/44"},
        "image": None,
        "customAttributes": [{"key": "Engraving", "value": None}],
    }
    fields = only(CHECKOUT_FIELDS, "line_items_quantity", "line_items", "billing_address", "shipping_address")
    node = {
        "lineItems": {"edges": [{"node": line}]},
        "billingAddress": None,
        "shippingAddress": {"city": "Wien", "countryCodeV2": "AT"},
    }
    assert reader(fields).read(node) == {
        "line_items_quantity": 3,
        "line_items": [
            {
                "title": "Cup",
                "variant_title": None,
                "sku": "",
                "quantity": 3,
                "unit_price": Decimal("0.333"),
                "discounted_unit_price": Decimal("0.3"),
                "total_price": Decimal("0.999"),
                "discounted_total_price": Decimal("0.9"),
                "currency": "KWD",
                "product_id": None,
                "product_title": None,
                "product_handle": None,
                "vendor": None,
                "product_type": None,
                "variant_id": 44,
                "image_url": None,
                "custom_attributes": [{"key": "Engraving", "value": None}],
            }
        ],
        "billing_address": None,
        "shipping_address": {**dict.fromkeys(ADDRESS_FIELDS), "city": "Wien", "country_code": "AT"},
    }


def test_what_needs_a_denied_field_is_left_out_and_nothing_else():
    fields = only(CUSTOMER_FIELDS, "email", "email_valid", "last_order_id", "last_order_total", "note")
    denied = reader(fields, denied=("defaultEmailAddress.emailAddress", "lastOrder"))
    node = {"defaultEmailAddress": {"emailAddress": None, "validFormat": True}, "lastOrder": None, "note": "n"}
    assert denied.read(node) == {"email_valid": True, "note": "n"}
    assert denied.left_out == ("email", "last_order_id", "last_order_total")


def test_a_denied_part_of_a_line_is_left_out_of_each_line():
    fields = only(CHECKOUT_FIELDS, "line_items")
    line: dict[str, object] = {"title": "Cup", "product": None, "customAttributes": []}
    node = {"lineItems": {"edges": [{"node": line}]}}
    whole = reader(fields).read(node)["line_items"][0]
    denied = reader(fields, denied=("lineItems.edges.node.product",)).read(node)["line_items"][0]
    gone = {"product_id", "product_title", "product_handle", "vendor", "product_type"}
    assert denied == {name: value for name, value in whole.items() if name not in gone}


def test_every_property_has_a_label_and_a_description():
    def check(field: Field) -> None:
        schema = field.to_schema()
        assert schema["title"] == field.label
        assert schema["description"].endswith(".")
        for part in field.parts:
            check(part)

    for field in (*CUSTOMER_FIELDS, *CHECKOUT_FIELDS):
        check(field)
    labels = [field.label for field in CUSTOMER_FIELDS]
    assert len(set(labels)) == len(labels)
