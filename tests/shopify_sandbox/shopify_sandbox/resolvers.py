"""The root fields: lists with their search and sort, single records, counts, and what describes the shop and app."""

from __future__ import annotations

import re
import typing as t
from itertools import islice

from graphql import GraphQLResolveInfo

from shopify_sandbox import errors
from shopify_sandbox.bulk_resolvers import BULK_QUERIES, resolve_operation
from shopify_sandbox.checkout_views import checkout_source
from shopify_sandbox.context import Context
from shopify_sandbox.customer_views import customer_source
from shopify_sandbox.lists import LISTINGS, guard, search
from shopify_sandbox.paging import page_arguments
from shopify_sandbox.sources import Source
from shopify_sandbox.versions import VERSIONS

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from shopify_sandbox.collection import View

Info: t.TypeAlias = GraphQLResolveInfo[Context]

_GID = re.compile(r"gid://shopify/(\w+)/([^?]+)(\?.*)?")
_SCOPE_TEXT = {"read_customers": "Read customers", "read_orders": "Read orders", "read_products": "Read products"}


def _resolve_list(name: str, info: Info, arguments: dict[str, t.Any]) -> Source:
    listing = LISTINGS[name](arguments, info.context, info.path.as_list())
    return listing.page(page_arguments(arguments)).connection(listing.source, stuck=info.context.stuck_cursor)


def resolve_customers(_root: t.Any, info: Info, **arguments: t.Any) -> Source:
    """The customers of the shop."""
    return _resolve_list("customers", info, arguments)


def resolve_checkouts(_root: t.Any, info: Info, **arguments: t.Any) -> Source:
    """The abandoned checkouts of the shop, recovered ones included."""
    return _resolve_list("abandonedCheckouts", info, arguments)


def _count(view: View[t.Any], counted: int | None, test: Callable[[t.Any], bool] | None, limit: int | None) -> Source:
    """The count, if it is known already or nothing is asked for, else by a look at each record."""
    if counted is not None:
        pass
    elif test is None:
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
    guard("customersCount", "read_customers", errors.READ_CUSTOMERS, "Customer", context)
    found = search(context, info.path.as_list(), "customers_count", query)
    view = context.store.customers.live
    known = view.count_updated(*found.window) if found.test is not None and found.only_updated else None
    return _count(view, known, found.test, limit)


def resolve_checkouts_count(
    _root: t.Any, info: Info, query: str | None = None, limit: int | None = None, **_: t.Any
) -> Source:
    """How many abandoned checkouts there are."""
    context = info.context
    guard("abandonedCheckoutsCount", "read_orders", errors.READ_CHECKOUTS, "AbandonedCheckout", context)
    found = search(context, info.path.as_list(), "abandoned_checkouts", query)
    return _count(context.store.checkouts.live, None, found.test, limit)


def resolve_customer(_root: t.Any, info: Info, id: str) -> Source | None:
    """One customer, or null."""
    context = info.context
    guard("customer", "read_customers", errors.READ_CUSTOMERS, "Customer", context)
    found = _GID.fullmatch(id)
    if found is None or found[1] != "Customer":
        raise errors.invalid_id(id)
    customer = context.store.customers.live.get(int(found[2])) if found[2].isdigit() else None
    return None if customer is None else customer_source(customer, context)


def resolve_node(_root: t.Any, info: Info, id: str) -> Source | None:
    """A customer, an abandoned checkout, a bulk operation or the shop by global id; null for what does not exist."""
    context = info.context
    found = _GID.fullmatch(id)
    if found is None or not found[2].isdigit():
        raise errors.invalid_id(id)
    number = int(found[2])
    if found[1] == "Customer":
        guard("node", "read_customers", errors.READ_CUSTOMERS, "Customer", context)
        customer = context.store.customers.live.get(number)
        return None if customer is None else customer_source(customer, context)
    if found[1] == "AbandonedCheckout":
        guard("node", "read_orders", errors.READ_CHECKOUTS, "AbandonedCheckout", context)
        checkout = context.store.checkouts.live.get(number)
        return None if checkout is None else checkout_source(checkout, context)
    if found[1] == "BulkOperation":
        return resolve_operation(_root, info, id)
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
    **BULK_QUERIES,
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
