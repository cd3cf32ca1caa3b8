"""Customers as the sources of GraphQL objects."""

from __future__ import annotations

import typing as t
from functools import partial

from shopify_sandbox import errors
from shopify_sandbox.clock import DAY
from shopify_sandbox.paging import sequence_connection
from shopify_sandbox.records import REDACTED, Consent, Customer, Order
from shopify_sandbox.sources import Source, address_source, bag, checked, denial, moment, money_source, refuse

if t.TYPE_CHECKING:
    from shopify_sandbox.context import Context

# Without read_all_orders an app sees the orders of the last 60 days only.
_ORDER_WINDOW = 60 * DAY


def _channel_consent(consent: Consent) -> Source:
    """The consent objects of newer versions, which call the state before any consent NEVER_SUBSCRIBED."""
    return {
        "state": "NEVER_SUBSCRIBED" if consent.state == "NOT_SUBSCRIBED" else consent.state,
        "optInLevel": consent.opt_in_level,
        "updatedAt": moment(consent.at),
        "collectedFrom": consent.collected_from,
    }


def _email_source(customer: Customer, context: Context) -> Source | None:
    if customer.email is None:
        return None
    consent = customer.email_consent
    source = {
        "emailAddress": customer.email,
        "validFormat": customer.email_valid,
        # This enumeration has no REDACTED; only the older emailMarketingConsent can say so.
        "marketingState": "UNSUBSCRIBED" if consent.state == REDACTED else consent.state,
        "marketingOptInLevel": consent.opt_in_level,
        "marketingUpdatedAt": moment(consent.at),
        "openTrackingLevel": "UNKNOWN",
    }
    return checked("CustomerEmailAddress", source, context)


def _phone_source(customer: Customer, context: Context) -> Source | None:
    if customer.phone is None:
        return None
    consent = customer.sms_consent
    source = {
        "phoneNumber": customer.phone,
        "marketingState": consent.state,
        "marketingOptInLevel": consent.opt_in_level,
        "marketingUpdatedAt": moment(consent.at),
        "marketingCollectedFrom": consent.collected_from,
        "smsMarketingConsent": _channel_consent(consent),
        "whatsAppMarketingConsent": _channel_consent(customer.whatsapp_consent),
    }
    return checked("CustomerPhoneNumber", source, context)


def _email_consent(customer: Customer) -> Source | None:
    consent = customer.email_consent
    if customer.email is None and consent.state != REDACTED:
        return None
    return {
        "marketingState": consent.state,
        "marketingOptInLevel": consent.opt_in_level,
        "consentUpdatedAt": moment(consent.at),
    }


def _sms_consent(customer: Customer) -> Source | None:
    consent = customer.sms_consent
    if customer.phone is None and consent.state != REDACTED:
        return None
    return {
        "marketingState": consent.state,
        "marketingOptInLevel": consent.opt_in_level or "UNKNOWN",
        "consentUpdatedAt": moment(consent.at),
        "consentCollectedFrom": consent.collected_from or "OTHER",
    }


def _order_source(order: Order | None, context: Context) -> t.Any:
    denied = denial("Order", "lastOrder", "read_orders", errors.READ_ORDERS, context)
    if denied is not None:
        return refuse(denied)
    if order is None:
        return None
    if "read_all_orders" not in context.scopes and order.created_at < context.aged_at - _ORDER_WINDOW:
        return None
    source = {
        "id": f"gid://shopify/Order/{order.number}",
        "legacyResourceId": str(order.number),
        "name": order.name,
        "createdAt": moment(order.created_at),
        "processedAt": moment(order.created_at),
        "cancelledAt": moment(order.cancelled_at),
        "test": order.test,
        "subtotalLineItemsQuantity": order.quantity,
        "currentSubtotalLineItemsQuantity": order.current_quantity,
        "totalPriceSet": bag(order.total),
        "currentTotalPriceSet": bag(order.current_total),
    }
    return checked("Order", source, context)


def _duration(micros: int) -> str:
    days = micros // DAY
    for length, name in ((365, "year"), (30, "month"), (1, "day")):
        if days >= length:
            count = days // length
            return f"about {count} {name}{'s' if count > 1 else ''}"
    return "less than a day"


def customer_source(customer: Customer, context: Context) -> Source:
    """A customer."""
    source = {
        "id": f"gid://shopify/Customer/{customer.number}",
        "legacyResourceId": str(customer.number),
        "createdAt": moment(customer.created_at),
        "updatedAt": moment(customer.updated_at),
        "firstName": customer.first_name,
        "lastName": customer.last_name,
        "displayName": customer.display_name,
        "email": customer.email,
        "phone": customer.phone,
        "validEmailAddress": customer.email is not None and customer.email_valid,
        "locale": customer.locale,
        "note": customer.note,
        "tags": list(customer.tags),
        "state": customer.state,
        "verifiedEmail": customer.verified_email,
        "taxExempt": customer.tax_exempt,
        "taxExemptions": list(customer.tax_exemptions),
        "lifetimeDuration": _duration(context.aged_at - customer.created_at),
        "multipassIdentifier": None,
        "dataSaleOptOut": customer.data_sale_opt_out,
        "productSubscriberStatus": "NEVER_SUBSCRIBED",
        "canDelete": customer.orders_count == 0,
        "numberOfOrders": str(customer.orders_count),
        "amountSpent": money_source(customer.amount_spent),
        "defaultEmailAddress": _email_source(customer, context),
        "defaultPhoneNumber": _phone_source(customer, context),
        "emailMarketingConsent": _email_consent(customer),
        "smsMarketingConsent": _sms_consent(customer),
        "defaultAddress": address_source(customer.address, context),
        "lastOrder": _order_source(customer.last_order, context),
        "statistics": {"predictedSpendTier": customer.predicted_spend_tier, "rfmGroup": customer.rfm_group},
        "addresses": lambda _info, first=None: [
            address_source(address, context) for address in [customer.address][:first] if address
        ],
        "addressesV2": sequence_connection(
            [customer.address] if customer.address else [], lambda address: address_source(address, context)
        ),
        "metafields": partial(_metafields, customer),
        "metafield": lambda _info, key, namespace=None: _metafield(customer, namespace, key),
    }
    return checked("Customer", source, context)


def _metafield(customer: Customer, namespace: str | None, key: str) -> Source | None:
    """A metafield; without a namespace the app's own one is meant, which is empty."""
    for place, (owner, name, _) in enumerate(customer.metafields):
        if (owner, name) == (namespace, key):
            return _metafield_source(customer, place)
    return None


def _metafields(
    customer: Customer, info: t.Any, namespace: str | None = None, keys: list[str] | None = None, **arguments: t.Any
) -> Source:
    """The metafields of a namespace, or those with the keys `namespace.key`."""
    places = [
        place
        for place, (owner, name, _) in enumerate(customer.metafields)
        if (namespace is None or owner == namespace) and (keys is None or f"{owner}.{name}" in keys)
    ]
    return sequence_connection(places, lambda place: _metafield_source(customer, place))(info, **arguments)


def _metafield_source(customer: Customer, place: int) -> Source:
    owner, name, value = customer.metafields[place]
    number = customer.number * 100 + place
    return {
        "__typename": "Metafield",
        "id": f"gid://shopify/Metafield/{number}",
        "legacyResourceId": str(number),
        "namespace": owner,
        "key": name,
        "type": "single_line_text_field",
        "value": value,
        "createdAt": moment(customer.created_at),
        "updatedAt": moment(customer.updated_at),
    }
