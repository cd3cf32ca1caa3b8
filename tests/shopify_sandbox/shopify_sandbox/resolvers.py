"""The root fields: lists with their search and sort, single records, counts, and what describes the shop and app.

A bulk operation is a root field too: its resolvers belong in a module of their own beside this one, added to
`ROOT_RESOLVERS`, and run the inner document with a `Context` like any other.
"""

from __future__ import annotations

import re
import typing as t
from functools import partial
from itertools import islice

from graphql import GraphQLResolveInfo

from shopify_sandbox import cursors, errors
from shopify_sandbox.checkout_views import checkout_source
from shopify_sandbox.collection import Collection, Record, View
from shopify_sandbox.context import Context
from shopify_sandbox.customer_views import customer_source
from shopify_sandbox.filters import ALWAYS, INVALID_FIELD, Filter, Reading, compile_filter
from shopify_sandbox.paging import Order, Page, PageArguments, Walk
from shopify_sandbox.records import Checkout, Customer, money_text
from shopify_sandbox.search import parse, parsed_form
from shopify_sandbox.sources import Source
from shopify_sandbox.versions import VERSIONS

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from shopify_sandbox.collection import Key

Info: t.TypeAlias = GraphQLResolveInfo[Context]

_GID = re.compile(r"gid://shopify/(\w+)/([^?]+)(\?.*)?")
_SCOPE_TEXT = {"read_customers": "Read customers", "read_orders": "Read orders", "read_products": "Read products"}


def _guard(field: str, scope: str, required: str, type_name: str, context: Context) -> None:
    if scope not in context.scopes:
        raise errors.access_denied(field, required)
    if type_name in context.denied_types:
        raise errors.type_not_approved(type_name)


def _filter(info: Info, kind: str, query: str | None) -> Filter:
    """The compiled search; what it has to warn of is kept for the answer's extensions."""
    context = info.context
    tree = parse(query) if query else None
    reading = Reading(context.version, context.now, context.store.last_abandoned)
    compiled = compile_filter(tree, kind, reading)
    warnings = list(compiled.warnings)
    if tree is not None and context.drop_filters:
        code, message = INVALID_FIELD
        warnings, compiled = [{"field": "updated_at", "message": message, "code": code}], Filter()
    if tree is not None and warnings:
        told = {"path": info.path.as_list(), "query": query, "parsed": parsed_form(tree), "warnings": warnings}
        context.warnings.append(told)
    return compiled


def _window(found: Filter) -> tuple[Key | None, Key | None]:
    """The bounds of updated_at as exclusive sort keys."""
    low, high = found.updated
    return (None if low == ALWAYS[0] else (low, float("-inf"))), (None if high == ALWAYS[1] else (high, float("-inf")))


def _page_arguments(arguments: dict[str, t.Any]) -> PageArguments:
    names = ("first", "last", "after", "before", "reverse")
    return PageArguments(**{name: arguments[name] for name in names if arguments.get(name) is not None})


def _same(value: t.Any) -> t.Any:
    return value


def _text(value: t.Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _name_key(customer: Customer | None) -> str:
    names = (customer.last_name or "", customer.first_name or "") if customer else ("", "")
    return ", ".join(names).casefold()


def _location_key(customer: Customer) -> tuple[str, ...]:
    place = customer.address
    parts = (place.country, place.province, place.city) if place else (None, None, None)
    return tuple((part or "").casefold() for part in parts)


def _relevance(value: t.Any) -> float:
    if type(value) is not float:
        raise TypeError
    return value


def _by_id(view: View[t.Any]) -> Order[t.Any]:
    return Order(view.by_id, view.get, str, lambda value: int(_text(value)))


def _by_relevance(view: View[t.Any]) -> Order[t.Any]:
    return Order(view.by_id, view.get, lambda _: 1.0, _relevance)


def _by_time(walk: Walk, view: View[t.Any], *, indexed: bool) -> Order[t.Any]:
    """Times in cursors look different when a search index answers than when the database does."""
    if indexed:
        return Order(walk, view.get, cursors.time_as_millis, cursors.millis_as_time)
    return Order(walk, view.get, cursors.time_as_text, cursors.text_as_time)


def _customer_order(sort_key: str, view: View[Customer], *, indexed: bool) -> Order[Customer]:
    if sort_key == "UPDATED_AT":
        return _by_time(view.by_updated, view, indexed=indexed)
    if sort_key == "CREATED_AT":
        return _by_time(partial(view.by_value, sort_key, lambda c: c.created_at), view, indexed=indexed)
    if sort_key == "NAME":
        return Order(partial(view.by_value, sort_key, _name_key), view.get, _same, _text)
    if sort_key == "LOCATION":
        return Order(partial(view.by_value, sort_key, _location_key), view.get, list, lambda v: tuple(map(_text, v)))
    return _by_relevance(view) if sort_key == "RELEVANCE" else _by_id(view)


def _checkout_order(sort_key: str, view: View[Checkout], context: Context) -> Order[Checkout]:
    if sort_key == "CREATED_AT":
        return _by_time(partial(view.by_value, sort_key, lambda c: c.created_at), view, indexed=False)
    if sort_key == "TOTAL_PRICE":
        walk = partial(view.by_value, sort_key, lambda c: c.total)
        return Order(walk, view.get, money_text, lambda text: round(float(text) * 100))
    if sort_key == "CUSTOMER_NAME":
        # Names change without the checkout, so this order is never remembered.
        walk = partial(view.by_value, None, lambda c: _name_key(context.store.customer_of(c)))
        return Order(walk, view.get, _same, _text)
    return _by_relevance(view) if sort_key == "RELEVANCE" else _by_id(view)


def _searched(collection: Collection[Record], query: str, context: Context) -> View[Record]:
    """What a list reads: the search index, which may lag, when there is a filter, else the database."""
    return collection.as_of(context.now - context.lag) if query and context.lag else collection.live


def resolve_customers(_root: t.Any, info: Info, **arguments: t.Any) -> Source:
    """The customers of the shop."""
    context = info.context
    _guard("customers", "read_customers", errors.READ_CUSTOMERS, "Customer", context)
    query = arguments.get("query") or ""
    found = _filter(info, "customers", query)
    view = _searched(context.store.customers, query, context)
    sort_key = arguments.get("sortKey") or "ID"
    order = _customer_order(sort_key, view, indexed=bool(query.strip()))
    window = _window(found) if sort_key == "UPDATED_AT" else (None, None)
    page = Page(order, _page_arguments(arguments), found.test, window)
    return page.connection(lambda customer: customer_source(customer, context), stuck=context.stuck_cursor)


def resolve_checkouts(_root: t.Any, info: Info, **arguments: t.Any) -> Source:
    """The abandoned checkouts of the shop, recovered ones included."""
    context = info.context
    _guard("abandonedCheckouts", "read_orders", errors.READ_CHECKOUTS, "AbandonedCheckout", context)
    query = arguments.get("query") or ""
    found = _filter(info, "abandoned_checkouts", query)
    view = _searched(context.store.checkouts, query, context)
    order = _checkout_order(arguments.get("sortKey") or "ID", view, context)
    page = Page(order, _page_arguments(arguments), found.test)
    return page.connection(lambda checkout: checkout_source(checkout, context), stuck=context.stuck_cursor)


def _count(view: View[t.Any], test: Callable[[t.Any], bool] | None, limit: int | None) -> Source:
    if test is None:
        counted = view.count()
    else:
        matching = (1 for record in view.records() if test(record))
        counted = sum(matching if limit is None else islice(matching, limit + 1))
    if limit is not None and counted > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": counted, "precision": "EXACT"}


def resolve_customers_count(_root: t.Any, info: Info, query: str | None = None, limit: int | None = None) -> Source:
    """How many customers there are; its search knows fewer fields than that of the list."""
    context = info.context
    _guard("customersCount", "read_customers", errors.READ_CUSTOMERS, "Customer", context)
    return _count(context.store.customers.live, _filter(info, "customers_count", query).test, limit)


def resolve_checkouts_count(
    _root: t.Any, info: Info, query: str | None = None, limit: int | None = None, **_: t.Any
) -> Source:
    """How many abandoned checkouts there are."""
    context = info.context
    _guard("abandonedCheckoutsCount", "read_orders", errors.READ_CHECKOUTS, "AbandonedCheckout", context)
    return _count(context.store.checkouts.live, _filter(info, "abandoned_checkouts", query).test, limit)


def resolve_customer(_root: t.Any, info: Info, id: str) -> Source | None:
    """One customer, or null."""
    context = info.context
    _guard("customer", "read_customers", errors.READ_CUSTOMERS, "Customer", context)
    found = _GID.fullmatch(id)
    if found is None or found[1] != "Customer":
        raise errors.invalid_id(id)
    customer = context.store.customers.live.get(int(found[2])) if found[2].isdigit() else None
    return None if customer is None else customer_source(customer, context)


def resolve_node(_root: t.Any, info: Info, id: str) -> Source | None:
    """A customer, an abandoned checkout or the shop by global id; null for what does not exist."""
    context = info.context
    found = _GID.fullmatch(id)
    if found is None or not found[2].isdigit():
        raise errors.invalid_id(id)
    number = int(found[2])
    if found[1] == "Customer":
        _guard("node", "read_customers", errors.READ_CUSTOMERS, "Customer", context)
        customer = context.store.customers.live.get(number)
        return None if customer is None else customer_source(customer, context)
    if found[1] == "AbandonedCheckout":
        _guard("node", "read_orders", errors.READ_CHECKOUTS, "AbandonedCheckout", context)
        checkout = context.store.checkouts.live.get(number)
        return None if checkout is None else checkout_source(checkout, context)
    if found[1] == "Shop" and number == context.store.shop_number:
        return resolve_shop(None, info)
    return None


def resolve_shop(_root: t.Any, info: Info) -> Source:
    """The shop."""
    store = info.context.store
    return {
        "__typename": "Shop",
        "id": f"gid://shopify/Shop/{store.shop_number}",
        "name": "Sandbox",
        "email": "owner@example.com",
        "myshopifyDomain": store.shop,
        "currencyCode": "EUR",
        "ianaTimezone": "Etc/UTC",
        "plan": {"publicDisplayName": "Development", "partnerDevelopment": True, "shopifyPlus": False},
    }


def resolve_installation(_root: t.Any, info: Info) -> Source:
    """The app's installation, with its scopes."""
    scopes = [{"handle": scope, "description": _SCOPE_TEXT.get(scope, scope)} for scope in sorted(info.context.scopes)]
    return {"id": "gid://shopify/AppInstallation/500000000001", "accessScopes": scopes}


def resolve_versions(_root: t.Any, _info: Info) -> list[Source]:
    """The versions that are served."""
    return [{"handle": version, "displayName": version, "supported": True} for version in VERSIONS]


ROOT_RESOLVERS: dict[str, Callable[..., t.Any]] = {
    "abandonedCheckouts": resolve_checkouts,
    "abandonedCheckoutsCount": resolve_checkouts_count,
    "currentAppInstallation": resolve_installation,
    "customer": resolve_customer,
    "customers": resolve_customers,
    "customersCount": resolve_customers_count,
    "node": resolve_node,
    "publicApiVersions": resolve_versions,
    "shop": resolve_shop,
}
