"""The fields of the stream `abandoned_checkouts`, in the order of its records."""

from __future__ import annotations

from tap_shopify_contacts.documents import LINE_NODE, LINES
from tap_shopify_contacts.fields import (
    BOOLEAN,
    ID,
    INSTANT,
    INTEGER,
    MOMENT,
    MONEY,
    NAME,
    OBJECT,
    OBJECTS,
    TEXT,
    TEXTS,
    Field,
    Kind,
)
from tap_shopify_contacts.values import attributes, global_id, instant, money, total_quantity, whole_number

_ATTRIBUTES = Kind(
    {
        "type": "array",
        "items": {"type": "object", "properties": {"key": {"type": "string"}, "value": {"type": ["string", "null"]}}},
    }
)
_ATTRIBUTE_PATHS = ("customAttributes.key", "customAttributes.value")

_LINE_FIELDS = (
    Field("title", "Title", TEXT, "Title of the product.", ("title",)),
    Field("variant_title", "Variant title", TEXT, "Title of the variant.", ("variantTitle",)),
    Field("sku", "SKU", TEXT, "Stock keeping unit.", ("sku",)),
    Field("quantity", "Quantity", INTEGER, "Number of pieces.", ("quantity",)),
    Field("unit_price", "Unit price", MONEY, "Price of a piece.", ("originalUnitPriceSet.shopMoney.amount",), money),
    Field(
        "discounted_unit_price",
        "Discounted unit price",
        MONEY,
        "Price of a piece after discounts of the line.",
        ("discountedUnitPriceSet.shopMoney.amount",),
        money,
    ),
    Field(
        "total_price", "Total price", MONEY, "Price of the line.", ("originalTotalPriceSet.shopMoney.amount",), money
    ),
    Field(
        "discounted_total_price",
        "Discounted total price",
        MONEY,
        "Price of the line after discounts of the line.",
        ("discountedTotalPriceSet.shopMoney.amount",),
        money,
    ),
    Field("currency", "Currency", TEXT, "The shop's currency.", ("originalUnitPriceSet.shopMoney.currencyCode",)),
    Field("product_id", "Product id", INTEGER, "Shopify's number of the product.", ("product.id",), global_id),
    Field("product_title", "Product title", TEXT, "Present title of the product.", ("product.title",)),
    Field("product_handle", "Product handle", TEXT, "The product's name in addresses.", ("product.handle",)),
    Field("vendor", "Vendor", TEXT, "Vendor of the product.", ("product.vendor",)),
    Field("product_type", "Product type", TEXT, "Type of the product.", ("product.productType",)),
    Field("variant_id", "Variant id", INTEGER, "Shopify's number of the variant.", ("variant.id",), global_id),
    Field("image_url", "Image URL", TEXT, "Address of the line's image.", ("image.url",)),
    Field(
        "custom_attributes",
        "Custom attributes",
        _ATTRIBUTES,
        "Attributes of the line, as key and value.",
        ("customAttributes",),
        attributes,
        asks=_ATTRIBUTE_PATHS,
    ),
)

_ADDRESS_FIELDS = (
    Field("first_name", "First name", TEXT, "First name.", ("firstName",)),
    Field("last_name", "Last name", TEXT, "Last name.", ("lastName",)),
    Field("name", "Name", TEXT, "Full name.", ("name",)),
    Field("company", "Company", TEXT, "Company.", ("company",)),
    Field("address1", "Address 1", TEXT, "First line.", ("address1",)),
    Field("address2", "Address 2", TEXT, "Second line.", ("address2",)),
    Field("city", "City", TEXT, "City.", ("city",)),
    Field("province", "Province", TEXT, "Province or state.", ("province",)),
    Field("province_code", "Province code", TEXT, "Code of the province or state.", ("provinceCode",)),
    Field("country", "Country", TEXT, "Country.", ("country",)),
    Field("country_code", "Country code", TEXT, "Two-letter code of the country.", ("countryCodeV2",)),
    Field("zip", "Zip", TEXT, "Postal code.", ("zip",)),
    Field("phone", "Phone", TEXT, "Phone number.", ("phone",)),
)


def _amount(name: str, label: str, description: str, bag: str) -> Field:
    """Return a field that holds an amount of the checkout in the shop's currency."""
    return Field(name, label, MONEY, description, (f"{bag}.shopMoney.amount",), money)


_HEAD = (
    Field("id", "Checkout Code", ID, "Shopify's number of the checkout.", ("id",), global_id),
    Field("shop", "Shop", NAME, "The shop's myshopify.com name."),
    Field("name", "Name", TEXT, "The merchant's name of the checkout, such as #1001.", ("name",)),
    Field("created_at", "Created at", MOMENT, "When the checkout was begun.", ("createdAt",), instant),
    Field("updated_at", "Updated at", MOMENT, "When the checkout was last changed.", ("updatedAt",), instant),
    Field(
        "completed_at",
        "Completed at",
        INSTANT,
        "When it became an order; null while it is abandoned.",
        ("completedAt",),
        instant,
    ),
    Field(
        "abandoned_checkout_url",
        "Abandoned checkout URL",
        TEXT,
        "Address that resumes the checkout. Whoever has it can open the checkout.",
        ("abandonedCheckoutUrl",),
    ),
    Field(
        "customer_id",
        "Customer id",
        INTEGER,
        "Shopify's number of the customer; null without one.",
        ("customer.legacyResourceId",),
        whole_number,
    ),
    Field(
        "customer_email",
        "Customer email",
        TEXT,
        "The customer's default e-mail address.",
        ("customer.defaultEmailAddress.emailAddress",),
    ),
    Field(
        "customer_phone",
        "Customer phone",
        TEXT,
        "The customer's default phone number.",
        ("customer.defaultPhoneNumber.phoneNumber",),
    ),
)

_AMOUNTS = (
    Field("currency", "Currency", TEXT, "The shop's currency.", ("totalPriceSet.shopMoney.currencyCode",)),
    _amount(
        "subtotal_price", "Subtotal price", "Price of the lines after discounts, without shipping.", "subtotalPriceSet"
    ),
    _amount("total_line_items_price", "Total line items price", "Price of all lines.", "totalLineItemsPriceSet"),
    _amount("total_discounts", "Total discounts", "Sum of the discounts.", "totalDiscountSet"),
    _amount("total_tax", "Total tax", "Sum of the taxes.", "totalTaxSet"),
    _amount("total_duties", "Total duties", "Sum of the duties.", "totalDutiesSet"),
    _amount("total_price", "Total price", "Price of the checkout, with taxes and discounts.", "totalPriceSet"),
    Field(
        "presentment_currency",
        "Presentment currency",
        TEXT,
        "Currency that the customer saw.",
        ("totalPriceSet.presentmentMoney.currencyCode",),
    ),
    Field(
        "presentment_total_price",
        "Presentment total price",
        MONEY,
        "Price of the checkout in the currency that the customer saw.",
        ("totalPriceSet.presentmentMoney.amount",),
        money,
    ),
    Field("taxes_included", "Taxes included", BOOLEAN, "Whether prices include taxes.", ("taxesIncluded",)),
    Field("discount_codes", "Discount codes", TEXTS, "Discount codes that were entered.", ("discountCodes",)),
)

_CONTENT = (
    Field("note", "Note", TEXT, "The customer's note.", ("note",)),
    Field(
        "custom_attributes",
        "Custom attributes",
        _ATTRIBUTES,
        "Attributes of the checkout, as key and value.",
        ("customAttributes",),
        attributes,
        asks=_ATTRIBUTE_PATHS,
    ),
    Field(
        "line_items_quantity",
        "Line items quantity",
        INTEGER,
        "Number of pieces over all lines.",
        (f"{LINE_NODE}.quantity",),
        total_quantity,
    ),
    Field(
        "line_items",
        "Line items",
        OBJECTS,
        "All lines, in the order of the cart.",
        (f"{LINES}.edges",),
        parts=_LINE_FIELDS,
    ),
    Field(
        "billing_address",
        "Billing address",
        OBJECT,
        "Billing address; null without one.",
        ("billingAddress",),
        parts=_ADDRESS_FIELDS,
    ),
    Field(
        "shipping_address",
        "Shipping address",
        OBJECT,
        "Shipping address; null without one.",
        ("shippingAddress",),
        parts=_ADDRESS_FIELDS,
    ),
)

CHECKOUT_FIELDS: tuple[Field, ...] = (*_HEAD, *_AMOUNTS, *_CONTENT)
