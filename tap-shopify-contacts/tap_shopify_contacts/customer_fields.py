"""The fields of the stream `customers`, in the order of its records."""

from __future__ import annotations

from functools import partial

from tap_shopify_contacts.fields import (
    BOOLEAN,
    ID,
    INSTANT,
    INTEGER,
    MOMENT,
    MONEY,
    NAME,
    TEXT,
    TEXTS,
    Field,
)
from tap_shopify_contacts.values import average_amount, email_state, global_id, instant, money, sms_state, whole_number

_EMAIL = "defaultEmailAddress"
_PHONE = "defaultPhoneNumber"
_SMS = f"{_PHONE}.smsMarketingConsent"
_ADDRESS = "defaultAddress"
_ORDER = "lastOrder"
_ORDER_TOTAL = f"{_ORDER}.totalPriceSet.shopMoney"

_Advanced = partial(Field, advanced=True)

_PERSON = (
    Field(
        "id",
        "User Code",
        ID,
        "Shopify's number of the customer, unique over all shops.",
        ("legacyResourceId",),
        whole_number,
    ),
    Field("shop", "Shop", NAME, "The shop's myshopify.com name."),
    Field("created_at", "Created at", MOMENT, "When the customer was created.", ("createdAt",), instant),
    Field("updated_at", "Updated at", MOMENT, "When the customer was last changed.", ("updatedAt",), instant),
    Field("first_name", "First name", TEXT, "First name.", ("firstName",)),
    Field("last_name", "Last name", TEXT, "Last name.", ("lastName",)),
    Field("display_name", "Display name", TEXT, "Full name; without one, the e-mail or the phone.", ("displayName",)),
)

_EMAIL_FIELDS = (
    Field("email", "Email", TEXT, "Default e-mail address.", (f"{_EMAIL}.emailAddress",)),
    Field("email_valid", "Email - Valid", BOOLEAN, "Whether the address has a valid form.", (f"{_EMAIL}.validFormat",)),
    Field(
        "email_marketing_state",
        "Email - Marketing state",
        TEXT,
        "Consent to e-mail: SUBSCRIBED, UNSUBSCRIBED, NOT_SUBSCRIBED, PENDING, INVALID or REDACTED.",
        (f"{_EMAIL}.marketingState", "emailMarketingConsent.marketingState"),
        email_state,
    ),
    Field(
        "email_marketing_opt_in_level",
        "Email - Marketing opt-in level",
        TEXT,
        "How the consent was given: SINGLE_OPT_IN, CONFIRMED_OPT_IN or UNKNOWN.",
        (f"{_EMAIL}.marketingOptInLevel",),
    ),
    Field(
        "email_marketing_updated_at",
        "Email - Marketing updated at",
        INSTANT,
        "When the consent to e-mail last changed; null if it never did.",
        (f"{_EMAIL}.marketingUpdatedAt",),
        instant,
    ),
)

_SMS_FIELDS = (
    Field("phone", "Phone", TEXT, "Default phone number.", (f"{_PHONE}.phoneNumber",)),
    Field(
        "sms_marketing_state",
        "SMS - Marketing state",
        TEXT,
        "Consent to SMS: SUBSCRIBED, UNSUBSCRIBED, NOT_SUBSCRIBED, PENDING or REDACTED.",
        (f"{_SMS}.state",),
        sms_state,
        older=(f"{_PHONE}.marketingState",),
    ),
    Field(
        "sms_marketing_opt_in_level",
        "SMS - Marketing opt-in level",
        TEXT,
        "How the consent was given: SINGLE_OPT_IN, CONFIRMED_OPT_IN or UNKNOWN.",
        (f"{_SMS}.optInLevel",),
        older=(f"{_PHONE}.marketingOptInLevel",),
    ),
    Field(
        "sms_marketing_updated_at",
        "SMS - Marketing updated at",
        INSTANT,
        "When the consent to SMS last changed; null if it never did.",
        (f"{_SMS}.updatedAt",),
        instant,
        older=(f"{_PHONE}.marketingUpdatedAt",),
    ),
)

_ACCOUNT = (
    Field("locale", "Locale", TEXT, "The customer's language.", ("locale",)),
    Field("account_state", "Account state", TEXT, "State of the account, for classic customer accounts.", ("state",)),
    Field("note", "Note", TEXT, "The merchant's note.", ("note",)),
    Field("tags", "Tags", TEXTS, "The merchant's tags.", ("tags",)),
    Field(
        "verified_email", "Verified email", BOOLEAN, "Whether the customer confirmed the address.", ("verifiedEmail",)
    ),
    Field("tax_exempt", "Tax exempt", BOOLEAN, "Whether the customer pays no taxes.", ("taxExempt",)),
    Field("company", "Company", TEXT, "Company of the default address.", (f"{_ADDRESS}.company",)),
    Field("address1", "Address 1", TEXT, "First line of the default address.", (f"{_ADDRESS}.address1",)),
    Field("address2", "Address 2", TEXT, "Second line of the default address.", (f"{_ADDRESS}.address2",)),
    Field("city", "City", TEXT, "City of the default address.", (f"{_ADDRESS}.city",)),
    Field("province", "Province", TEXT, "Province or state of the default address.", (f"{_ADDRESS}.province",)),
    Field("province_code", "Province code", TEXT, "Code of the province or state.", (f"{_ADDRESS}.provinceCode",)),
    Field("country", "Country", TEXT, "Country of the default address.", (f"{_ADDRESS}.country",)),
    Field("country_code", "Country code", TEXT, "Two-letter code of the country.", (f"{_ADDRESS}.countryCodeV2",)),
    Field("zip", "Zip", TEXT, "Postal code of the default address.", (f"{_ADDRESS}.zip",)),
    Field("address_phone", "Address phone", TEXT, "Phone number of the default address.", (f"{_ADDRESS}.phone",)),
)

_ORDERS = (
    _Advanced("orders_count", "Orders - Count", INTEGER, "Number of orders.", ("numberOfOrders",), whole_number),
    _Advanced(
        "orders_total_spent", "Orders - Total spent", MONEY, "Spent over all orders.", ("amountSpent.amount",), money
    ),
    _Advanced(
        "orders_average_amount",
        "Orders - Average amount spent",
        MONEY,
        "Total spent divided by the number of orders, rounded half up to four places; null without orders.",
        ("amountSpent.amount", "numberOfOrders"),
        average_amount,
    ),
    _Advanced("currency", "Currency", TEXT, "Currency of the amounts: the shop's.", ("amountSpent.currencyCode",)),
    _Advanced(
        "last_order_id", "Last order - Id", INTEGER, "Shopify's number of the last order.", (f"{_ORDER}.id",), global_id
    ),
    _Advanced(
        "last_order_name", "Last order - Name", TEXT, "Name of the last order, such as #1001.", (f"{_ORDER}.name",)
    ),
    _Advanced(
        "last_order_created_at",
        "Last order - Created at",
        INSTANT,
        "When the last order was placed.",
        (f"{_ORDER}.createdAt",),
        instant,
    ),
    _Advanced(
        "last_order_line_items_quantity",
        "Last order - Line items quantity",
        INTEGER,
        "Number of items in the last order as it was placed.",
        (f"{_ORDER}.subtotalLineItemsQuantity",),
    ),
    _Advanced(
        "last_order_total",
        "Last order - Total",
        MONEY,
        "Total of the last order as it was placed, with taxes and discounts.",
        (f"{_ORDER_TOTAL}.amount",),
        money,
    ),
    _Advanced(
        "last_order_currency",
        "Last order - Currency",
        TEXT,
        "Currency of the last order's total: the shop's.",
        (f"{_ORDER_TOTAL}.currencyCode",),
    ),
    _Advanced(
        "predicted_spend_tier",
        "Predicted spend tier",
        TEXT,
        "Shopify's forecast of spending: HIGH, MEDIUM or LOW.",
        ("statistics.predictedSpendTier",),
    ),
    _Advanced(
        "rfm_group", "RFM group", TEXT, "Shopify's recency, frequency and money group.", ("statistics.rfmGroup",)
    ),
)

CUSTOMER_FIELDS: tuple[Field, ...] = (*_PERSON, *_EMAIL_FIELDS, *_SMS_FIELDS, *_ACCOUNT, *_ORDERS)

_OF_CONSENT = ("_marketing_state", "_marketing_opt_in_level", "_marketing_updated_at")

CONSENT_FIELDS: tuple[Field, ...] = tuple(
    field
    for field in CUSTOMER_FIELDS
    if field.name in {"id", "shop", "updated_at", "email", "phone"} or field.name.endswith(_OF_CONSENT)
)
"""The fields of the stream `customer_consents`: each channel's address and what was said about it."""
