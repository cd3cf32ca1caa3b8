"""What a contact database must hold, worked out from the sandbox store's own books and not from our code."""

from __future__ import annotations

import datetime as dt
import json
import typing as t
from decimal import ROUND_HALF_UP, Decimal

Row: t.TypeAlias = dict[str, t.Any]

CAUSES = {
    "UNSUBSCRIBED": "Shopify - opted out",
    "PENDING": "Shopify - awaiting confirmation",
    "NOT_SUBSCRIBED": "Shopify - no marketing consent",
    "INVALID": "invalid address",
}
"""The cause that each consent state other than SUBSCRIBED unsubscribes with, under the default options."""


def contact_of(customer: Row, shop: str) -> Row:
    """The contact of a customer: what is mapped by default, and the status per channel."""
    address, order = customer["address"] or {}, customer["last_order"] or {}
    spent, orders = _money(customer["amount_spent"]), customer["orders_count"]
    average = (spent / orders).quantize(Decimal("0.0001"), ROUND_HALF_UP) if orders else None
    return {
        "user_code": str(customer["id"]),
        "shop": shop,
        "shopify_created_at": _time(customer["created_at"]),
        "shopify_updated_at": _time(customer["updated_at"]),
        **{name: customer[name] for name in _SAME_NAME},
        **_email(customer),
        **_sms(customer),
        "account_state": customer["state"],
        **{name: address.get(name) for name in _ADDRESS},
        "address_phone": address.get("phone"),
        "orders_total_spent": spent,
        "orders_average_amount": average,
        "currency": "EUR",
        "last_order_id": order.get("number"),
        "last_order_name": order.get("name"),
        "last_order_created_at": _time(order["created_at"]) if order else None,
        "last_order_line_items_quantity": order.get("quantity"),
        "last_order_total": _money(order["total"]["shop"]) if order else None,
        "last_order_currency": "EUR" if order else None,
    }


def checkout_of(checkout: Row, shop: str) -> Row:
    """The checkout of an abandoned checkout, without its lines."""
    tax = checkout["tax_percent"]
    net = checkout["subtotal"] * tax
    return {
        "shop": shop,
        "id": checkout["id"],
        "name": f"#{checkout['id']}",
        "created_at": _time(checkout["created_at"]),
        "updated_at": _time(checkout["updated_at"]),
        "completed_at": _time(checkout["completed_at"]),
        "customer_id": checkout["customer_id"],
        "currency": "EUR",
        "subtotal_price": _money(checkout["subtotal"]),
        "total_line_items_price": _money(_sum(checkout, "unit_price")),
        "total_discounts": _money(_sum(checkout, "unit_price") - checkout["subtotal"]),
        "total_tax": _money(net // (100 + tax) if checkout["taxes_included"] else net // 100) if tax else None,
        "total_duties": None if checkout["duties"] is None else _money(checkout["duties"]),
        "total_price": _money(checkout["total"]),
        "presentment_currency": checkout["currency"],
        "taxes_included": checkout["taxes_included"],
        "discount_codes": checkout["discount_codes"],
        "note": checkout["note"],
        "line_items_quantity": sum(line["quantity"] for line in checkout["lines"]),
    }


def lines_of(checkout: Row, shop: str) -> list[Row]:
    """The lines of an abandoned checkout, in the order of the cart."""
    return [
        {
            "shop": shop,
            "checkout_id": checkout["id"],
            "position": position,
            "title": line["title"],
            "variant_title": line["variant_title"],
            "sku": line["sku"],
            "quantity": line["quantity"],
            "unit_price": _money(line["unit_price"]),
            "discounted_unit_price": _money(line["discounted_unit_price"]),
            "total_price": _money(line["unit_price"] * line["quantity"]),
            "discounted_total_price": _money(line["discounted_unit_price"] * line["quantity"]),
            "currency": "EUR",
            "product_id": line["product_number"],
            "variant_id": line["variant_number"],
            "image_url": line["image_url"],
        }
        for position, line in enumerate(checkout["lines"])
    ]


def in_the_words_of(expected: Row, found: Row) -> Row:
    """The same columns of a row of a database, each as the kind of value that is expected there.

    SQLite keeps times and JSON as text, amounts as floating point and truth as 0 and 1.
    """
    return {name: _read(found[name], value) for name, value in expected.items()}


def _read(found: t.Any, expected: t.Any) -> t.Any:
    if found is None or expected is None:
        return found
    if isinstance(expected, bool):
        return bool(found)
    if isinstance(expected, Decimal):
        return Decimal(format(found, ".15g")) if isinstance(found, float) else Decimal(found)
    if isinstance(expected, dt.datetime):
        moment = dt.datetime.fromisoformat(found) if isinstance(found, str) else found
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if isinstance(expected, (list, dict)) and isinstance(found, str):
        return json.loads(found)
    return found


_SAME_NAME = (
    "first_name",
    "last_name",
    "display_name",
    "email",
    "phone",
    "locale",
    "note",
    "tags",
    "verified_email",
    "tax_exempt",
    "orders_count",
    "predicted_spend_tier",
    "rfm_group",
)
_ADDRESS = ("company", "address1", "address2", "city", "province", "province_code", "country", "country_code", "zip")


def _email(customer: Row) -> Row:
    consent, given = customer["email_consent"], customer["email"] is not None
    return {
        "email_valid": consent["state"] != "INVALID" if given else None,
        "email_marketing_state": consent["state"] if given else None,
        "email_marketing_opt_in_level": consent["opt_in_level"] if given else None,
        "email_marketing_updated_at": _time(consent["at"]) if given else None,
        **_status("email", consent["state"] if given else None),
    }


def _sms(customer: Row) -> Row:
    consent, given = customer["sms_consent"], customer["phone"] is not None
    return {
        "sms_marketing_state": consent["state"] if given else None,
        "sms_marketing_opt_in_level": consent["opt_in_level"] if given else None,
        "sms_marketing_updated_at": _time(consent["at"]) if given else None,
        **_status("sms", consent["state"] if given else None),
    }


def _status(channel: str, state: str | None) -> Row:
    if state is None:
        return {f"{channel}_status": "none", f"{channel}_unsubscription_cause": None}
    status = "subscribed" if state == "SUBSCRIBED" else "unsubscribed"
    return {f"{channel}_status": status, f"{channel}_unsubscription_cause": CAUSES.get(state)}


def _time(text: str | None) -> dt.datetime | None:
    """Shopify cuts the fraction off, it does not round."""
    return None if text is None else dt.datetime.fromisoformat(text).replace(microsecond=0)


def _money(cents: int) -> Decimal:
    return Decimal(cents) / 100


def _sum(checkout: Row, price: str) -> int:
    return sum(int(line[price]) * int(line["quantity"]) for line in checkout["lines"])
