"""What the tap has to write for a record of the sandbox store, told independently of the tap's own field list."""

from __future__ import annotations

import typing as t
from decimal import ROUND_HALF_UP, Decimal

Record = dict[str, t.Any]

SHOP = "sandbox.myshopify.com"


def customer_record(truth: Record) -> Record:
    """Return the record of a customer in the advanced edition."""
    email, phone = truth["email"], truth["phone"]
    email_consent, sms_consent = truth["email_consent"], truth["sms_consent"]
    address = truth["address"] or {}
    order = truth["last_order"] or {}
    orders, spent = truth["orders_count"], truth["amount_spent"]
    average = None if not orders else (Decimal(spent) / 100 / orders).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    redacted = email_consent["state"] == "REDACTED"
    return {
        "id": truth["id"],
        "shop": SHOP,
        "created_at": seconds(truth["created_at"]),
        "updated_at": seconds(truth["updated_at"]),
        "first_name": truth["first_name"],
        "last_name": truth["last_name"],
        "display_name": truth["display_name"],
        "email": email,
        "email_valid": None if email is None else email_consent["state"] != "INVALID",
        "email_marketing_state": email_consent["state"] if email or redacted else None,
        "email_marketing_opt_in_level": email_consent["opt_in_level"] if email else None,
        "email_marketing_updated_at": seconds(email_consent["at"]) if email else None,
        "phone": phone,
        "sms_marketing_state": sms_consent["state"] if phone else None,
        "sms_marketing_opt_in_level": sms_consent["opt_in_level"] if phone else None,
        "sms_marketing_updated_at": seconds(sms_consent["at"]) if phone else None,
        "locale": truth["locale"],
        "account_state": truth["state"],
        "note": truth["note"],
        "tags": truth["tags"],
        "verified_email": truth["verified_email"],
        "tax_exempt": truth["tax_exempt"],
        "company": address.get("company"),
        "address1": address.get("address1"),
        "address2": address.get("address2"),
        "city": address.get("city"),
        "province": address.get("province"),
        "province_code": address.get("province_code"),
        "country": address.get("country"),
        "country_code": address.get("country_code"),
        "zip": address.get("zip"),
        "address_phone": address.get("phone"),
        "orders_count": orders,
        "orders_total_spent": amount(spent),
        "orders_average_amount": average,
        "currency": "EUR",
        "last_order_id": order.get("number"),
        "last_order_name": order.get("name"),
        "last_order_created_at": seconds(order.get("created_at")),
        "last_order_line_items_quantity": order.get("quantity"),
        "last_order_total": amount(order["total"]["shop"]) if order else None,
        "last_order_currency": "EUR" if order else None,
        "predicted_spend_tier": truth["predicted_spend_tier"],
        "rfm_group": truth["rfm_group"],
    }


def checkout_lines(truth: Record) -> list[Record]:
    """Return the line items of a checkout."""
    return [
        {
            "title": line["title"],
            "variant_title": line["variant_title"],
            "sku": line["sku"],
            "quantity": line["quantity"],
            "unit_price": amount(line["unit_price"]),
            "discounted_unit_price": amount(line["discounted_unit_price"]),
            "total_price": amount(line["unit_price"] * line["quantity"]),
            "discounted_total_price": amount(line["discounted_unit_price"] * line["quantity"]),
            "currency": "EUR",
            "product_id": line["product_number"],
            "product_title": line["title"] if line["product_number"] else None,
            "product_handle": line["product_handle"] if line["product_number"] else None,
            "vendor": line["vendor"] if line["product_number"] else None,
            "product_type": line["product_type"] if line["product_number"] else None,
            "variant_id": line["variant_number"],
            "image_url": line["image_url"],
            "custom_attributes": pairs(line["attributes"]),
        }
        for line in truth["lines"]
    ]


def checkout_record(truth: Record, customers: dict[int, Record]) -> Record:
    """Return the record of a checkout, without the amounts that the store computes from tax and currency rates."""
    customer = customers.get(truth["customer_id"]) or {}
    total = sum(line["unit_price"] * line["quantity"] for line in truth["lines"])
    return {
        "id": truth["id"],
        "shop": SHOP,
        "name": f"#{truth['id']}",
        "created_at": seconds(truth["created_at"]),
        "updated_at": seconds(truth["updated_at"]),
        "completed_at": seconds(truth["completed_at"]),
        "customer_id": customer.get("id"),
        "customer_email": customer.get("email"),
        "customer_phone": customer.get("phone"),
        "currency": "EUR",
        "subtotal_price": amount(truth["subtotal"]),
        "total_line_items_price": amount(total),
        "total_discounts": amount(total - truth["subtotal"]),
        "total_duties": amount(truth["duties"]),
        "total_price": amount(truth["total"]),
        "presentment_currency": truth["currency"],
        "taxes_included": truth["taxes_included"],
        "discount_codes": truth["discount_codes"],
        "note": truth["note"],
        "custom_attributes": pairs(truth["attributes"]),
        "line_items_quantity": sum(line["quantity"] for line in truth["lines"]),
        "line_items": checkout_lines(truth),
        "billing_address": address_record(truth["billing_address"]),
        "shipping_address": address_record(truth["shipping_address"]),
    }


COMPUTED = {"total_tax", "presentment_total_price", "abandoned_checkout_url"}
"""Fields of a checkout that the control path does not tell."""


def address_record(truth: Record | None) -> Record | None:
    """Return a billing or shipping address."""
    if truth is None:
        return None
    same = {name: value for name, value in truth.items() if name not in {"number", "model"}}
    names = [name for name in (truth["first_name"], truth["last_name"]) if name]
    return {**same, "name": " ".join(names) or None}


def amount(cents: int | None) -> Decimal | None:
    """Return cents as an amount."""
    return None if cents is None else Decimal(cents) / 100


def seconds(text: str | None) -> str | None:
    """Return a time of the control path as Shopify's API writes it: without its fraction."""
    return None if text is None else text[:19] + "Z"


def pairs(attributes: list[list[str | None]]) -> list[Record]:
    """Return custom attributes."""
    return [{"key": key, "value": value} for key, value in attributes]
