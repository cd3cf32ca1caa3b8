"""Abandoned checkouts and their lines as the sources of GraphQL objects."""

from __future__ import annotations

import typing as t
from hashlib import blake2b

from shopify_sandbox import cursors, errors
from shopify_sandbox.customer_views import customer_source
from shopify_sandbox.paging import sequence_connection
from shopify_sandbox.records import Checkout, Line, money
from shopify_sandbox.sources import Source, address_source, bag, checked, denial, moment, refuse

if t.TYPE_CHECKING:
    from shopify_sandbox.context import Context


def _attributes(pairs: tuple[tuple[str, str | None], ...]) -> list[Source]:
    return [{"key": key, "value": value} for key, value in pairs]


def _product(line: Line, context: Context) -> t.Any:
    denied = denial("Product", "product", "read_products", errors.READ_PRODUCTS, context)
    if denied is not None:
        return refuse(denied)
    if line.product_number is None:
        return None
    source = {
        "id": f"gid://shopify/Product/{line.product_number}",
        "legacyResourceId": str(line.product_number),
        "title": line.title,
        "handle": line.product_handle or "",
        "vendor": line.vendor or "",
        "productType": line.product_type or "",
    }
    return checked("Product", source, context)


def _variant(line: Line, context: Context) -> t.Any:
    denied = denial("ProductVariant", "variant", "read_products", errors.READ_PRODUCTS, context)
    if denied is not None:
        return refuse(denied)
    if line.variant_number is None:
        return None
    source = {
        "id": f"gid://shopify/ProductVariant/{line.variant_number}",
        "legacyResourceId": str(line.variant_number),
        "title": line.variant_title or "Default Title",
        "sku": line.sku,
    }
    return checked("ProductVariant", source, context)


def _line_id(checkout: Checkout, place: int) -> str:
    """Positional and not numeric; the hash changes with the cart, as keys of lines do."""
    line = checkout.lines[place]
    content = f"{checkout.token}/{place}/{line.title}/{line.variant_number}".encode()
    digest = blake2b(content, digest_size=16).hexdigest()
    secret = blake2b(checkout.token.encode(), digest_size=16).hexdigest()
    return f"gid://shopify/AbandonedCheckoutLineItem/{digest}?checkout={checkout.token}&index={place}&actoken={secret}"


def _line_source(checkout: Checkout, place: int, context: Context) -> Source:
    line = checkout.lines[place]

    def bags(cents: int) -> Source:
        return bag(money(cents, checkout.currency))

    image = None
    if line.image_url is not None:
        image = {"id": None, "altText": None, "url": line.image_url, "width": 1200, "height": 1200}
    source = {
        "id": _line_id(checkout, place),
        "title": line.title,
        "variantTitle": line.variant_title,
        "sku": line.sku,
        "quantity": line.quantity,
        "customAttributes": _attributes(line.attributes),
        "originalUnitPriceSet": bags(line.unit_price),
        "originalTotalPriceSet": bags(line.unit_price * line.quantity),
        "discountedUnitPriceSet": bags(line.discounted_unit_price),
        "discountedTotalPriceSet": bags(line.discounted_unit_price * line.quantity),
        "discountedUnitPriceWithCodeDiscount": bags(line.coded_unit_price),
        "discountedTotalPriceWithCodeDiscount": bags(line.coded_unit_price * line.quantity),
        "image": image,
        "product": _product(line, context),
        "variant": _variant(line, context),
    }
    return checked("AbandonedCheckoutLineItem", source, context)


def checkout_source(checkout: Checkout, context: Context) -> Source:
    """An abandoned checkout."""

    def bags(cents: int) -> Source:
        return bag(money(cents, checkout.currency))

    key = blake2b(checkout.token.encode(), digest_size=16).hexdigest()
    shop, shop_number = context.store.shop, context.store.shop_number
    rate = checkout.tax_percent / 100
    tax_lines = [{"title": "VAT", "rate": rate, "ratePercentage": checkout.tax_percent, "priceSet": bags(checkout.tax)}]
    source = {
        "id": f"gid://shopify/AbandonedCheckout/{checkout.number}",
        "name": f"#{checkout.number}",
        "createdAt": moment(checkout.created_at),
        "updatedAt": moment(checkout.updated_at),
        "completedAt": moment(checkout.completed_at),
        "abandonedCheckoutUrl": f"https://{shop}/{shop_number}/checkouts/ac/{checkout.token}/recover?key={key}",
        "defaultCursor": checkout_cursor(checkout.number),
        "note": checkout.note,
        "discountCodes": list(checkout.discount_codes),
        "customAttributes": _attributes(checkout.attributes),
        "taxesIncluded": checkout.taxes_included,
        "taxLines": tax_lines if checkout.tax_percent else [],
        "subtotalPriceSet": bags(checkout.subtotal),
        "totalDiscountSet": bags(checkout.line_total - checkout.subtotal),
        "totalLineItemsPriceSet": bags(checkout.line_total),
        "totalPriceSet": bags(checkout.total),
        "totalTaxSet": bags(checkout.tax) if checkout.tax_percent else None,
        "totalDutiesSet": None if checkout.duties is None else bags(checkout.duties),
        "billingAddress": address_source(checkout.billing_address, context),
        "shippingAddress": address_source(checkout.shipping_address, context),
        "customer": _checkout_customer(checkout, context),
        "lineItems": sequence_connection(
            range(len(checkout.lines)), lambda place: _line_source(checkout, place, context)
        ),
        "lineItemsQuantity": sum(line.quantity for line in checkout.lines),
    }
    return checked("AbandonedCheckout", source, context)


def checkout_cursor(number: int) -> str:
    """The cursor of a checkout in the default order."""
    return cursors.encode(number, str(number))


def _checkout_customer(checkout: Checkout, context: Context) -> t.Any:
    denied = denial("Customer", "customer", "read_customers", errors.READ_CUSTOMERS, context)
    if denied is not None:
        return refuse(denied)
    customer = context.store.customer_of(checkout)
    return None if customer is None else lambda _info: customer_source(customer, context)
