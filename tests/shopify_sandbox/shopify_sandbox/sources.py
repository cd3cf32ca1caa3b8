"""What records of all kinds share as sources of GraphQL objects: dictionaries that the default resolver reads."""

from __future__ import annotations

import typing as t

from shopify_sandbox import errors
from shopify_sandbox.clock import format_time
from shopify_sandbox.records import Address, Money, money_text

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from shopify_sandbox.context import Context

Source: t.TypeAlias = dict[str, t.Any]

SHOP_CURRENCY = "EUR"


def refuse(error: errors.ShopError) -> Callable[..., t.NoReturn]:
    """A resolver that raises the error, each time anew since it gets the place where it happened."""

    def resolve(*_: t.Any, **__: t.Any) -> t.NoReturn:
        raise errors.ShopError(error.message, extensions=error.extensions)

    return resolve


def checked(type_name: str, source: Source, context: Context) -> Source:
    """The source, with fields that protected-data rules deny replaced by their error."""
    source["__typename"] = type_name
    for owner, field in context.denied_fields:
        if owner == type_name:
            source[field] = refuse(errors.field_not_approved(field))
    return source


def denial(type_name: str, field: str, scope: str, required: str, context: Context) -> errors.ShopError | None:
    """What stands against showing an object of a type in a field, or null."""
    if scope not in context.scopes:
        return errors.access_denied(field, required)
    return errors.type_not_approved(type_name) if type_name in context.denied_types else None


def moment(micros: int | None) -> str | None:
    """A time as the API writes it."""
    return None if micros is None else format_time(micros)


def money_source(cents: int) -> Source:
    """An amount in the shop's currency."""
    return {"amount": money_text(cents), "currencyCode": SHOP_CURRENCY}


def bag(amount: Money) -> Source:
    """An amount in the shop's and in the buyer's currency."""
    return {
        "shopMoney": money_source(amount.shop),
        "presentmentMoney": {"amount": money_text(amount.presentment), "currencyCode": amount.currency},
    }


def address_source(address: Address | None, context: Context) -> Source | None:
    """A mailing address."""
    if address is None:
        return None
    names = [part for part in (address.first_name, address.last_name) if part]
    area = [part for part in (address.city, address.province_code, address.country) if part]
    source = {
        "id": f"gid://shopify/MailingAddress/{address.number}?model_name={address.model}",
        "firstName": address.first_name,
        "lastName": address.last_name,
        "name": " ".join(names) or None,
        "company": address.company,
        "address1": address.address1,
        "address2": address.address2,
        "city": address.city,
        "province": address.province,
        "provinceCode": address.province_code,
        "country": address.country,
        "countryCode": address.country_code,
        "countryCodeV2": address.country_code,
        "zip": address.zip,
        "phone": address.phone,
        "coordinatesValidated": False,
        "latitude": None,
        "longitude": None,
        "timeZone": None,
        "validationResultSummary": None,
        "formattedArea": ", ".join(area) or None,
    }
    return checked("MailingAddress", source, context)
