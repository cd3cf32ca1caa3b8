"""The lists of the shop: which records a search finds, in which order. Pages and bulk operations read the same ones."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from functools import partial

from shopify_sandbox import cursors, errors
from shopify_sandbox.checkout_views import checkout_source
from shopify_sandbox.customer_views import customer_source
from shopify_sandbox.filters import INVALID_FIELD, Filter, Reading, compile_filter
from shopify_sandbox.paging import Order, Page, PageArguments, Walk
from shopify_sandbox.records import Checkout, Customer, money_text
from shopify_sandbox.search import parse, parsed_form

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shopify_sandbox.collection import Collection, Key, Record, View
    from shopify_sandbox.context import Context
    from shopify_sandbox.sources import Source

Item = t.TypeVar("Item")
Arguments: t.TypeAlias = dict[str, t.Any]
Path: t.TypeAlias = list[str | int]


@dataclass(frozen=True, slots=True)
class Listing(t.Generic[Item]):
    """A list as its arguments describe it, and how an item is shown."""

    order: Order[Item]
    found: Filter
    window: tuple[Key | None, Key | None]
    source: Callable[[Item], Source]

    def page(self, arguments: PageArguments) -> Page[Item]:
        """One page of it.

        Raises:
            ShopError: The arguments are refused.
        """
        return Page(self.order, arguments, self.found.test, self.window)

    def items(self, *, reverse: bool = False) -> Iterator[Item]:
        """All of it, one by one."""
        low, high = self.window
        for key in self.order.walk(descending=reverse, low=low, high=high):
            item = self.order.load(int(key[1]))
            if item is not None and (self.found.test is None or self.found.test(item)):
                yield item


def guard(field: str, scope: str, required: str, type_name: str, context: Context) -> None:
    """Refuse a root field to an app that may not read its type.

    Raises:
        ShopError: A scope or an approval is missing.
    """
    if scope not in context.scopes:
        raise errors.access_denied(field, required)
    if type_name in context.denied_types:
        raise errors.type_not_approved(type_name)


def search(context: Context, path: Path, kind: str, query: str | None) -> Filter:
    """The compiled search; what it has to warn of is kept for the answer's extensions."""
    tree = parse(query) if query else None
    reading = Reading(context.version, context.now, context.store.last_abandoned)
    compiled = compile_filter(tree, kind, reading)
    warnings = list(compiled.warnings)
    if tree is not None and context.drop_filters:
        code, message = INVALID_FIELD
        warnings, compiled = [{"field": "updated_at", "message": message, "code": code}], Filter()
    if tree is not None and warnings:
        told = {"path": path, "query": query, "parsed": parsed_form(tree), "warnings": warnings}
        context.warnings.append(told)
    return compiled


def customers(arguments: Arguments, context: Context, path: Path) -> Listing[Customer]:
    """The customers of the shop.

    Raises:
        ShopError: The app may not read them, or the search cannot be read.
    """
    guard("customers", "read_customers", errors.READ_CUSTOMERS, "Customer", context)
    query = arguments.get("query") or ""
    found = search(context, path, "customers", query)
    view = _view(context.store.customers, query, context)
    sort_key = arguments.get("sortKey") or "ID"
    order = _customer_order(sort_key, view, indexed=bool(query.strip()))
    window = found.window if sort_key == "UPDATED_AT" else (None, None)
    return Listing(order, found, window, lambda customer: customer_source(customer, context))


def checkouts(arguments: Arguments, context: Context, path: Path) -> Listing[Checkout]:
    """The abandoned checkouts of the shop, recovered ones included.

    Raises:
        ShopError: The app may not read them, or the search cannot be read.
    """
    guard("abandonedCheckouts", "read_orders", errors.READ_CHECKOUTS, "AbandonedCheckout", context)
    query = arguments.get("query") or ""
    found = search(context, path, "abandoned_checkouts", query)
    view = _view(context.store.checkouts, query, context)
    order = _checkout_order(arguments.get("sortKey") or "ID", view, context)
    return Listing(order, found, (None, None), lambda checkout: checkout_source(checkout, context))


LISTINGS: dict[str, Callable[[Arguments, Context, Path], Listing[t.Any]]] = {
    "abandonedCheckouts": checkouts,
    "customers": customers,
}


def _view(collection: Collection[Record], query: str, context: Context) -> View[Record]:
    """What a list reads: the search index, which may lag, when there is a filter, else the database."""
    lag = context.lag if query else 0
    return collection.as_of(context.now - lag) if lag or context.frozen else collection.live


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


def by_time(walk: Walk, load: Callable[[int], Item | None], *, indexed: bool) -> Order[Item]:
    """Times in cursors look different when a search index answers than when the database does."""
    if indexed:
        return Order(walk, load, cursors.time_as_millis, cursors.millis_as_time)
    return Order(walk, load, cursors.time_as_text, cursors.text_as_time)


def _customer_order(sort_key: str, view: View[Customer], *, indexed: bool) -> Order[Customer]:
    if sort_key == "UPDATED_AT":
        return by_time(view.by_updated, view.get, indexed=indexed)
    if sort_key == "CREATED_AT":
        return by_time(partial(view.by_value, sort_key, lambda c: c.created_at), view.get, indexed=indexed)
    if sort_key == "NAME":
        return Order(partial(view.by_value, sort_key, _name_key), view.get, _same, _text)
    if sort_key == "LOCATION":
        return Order(partial(view.by_value, sort_key, _location_key), view.get, list, lambda v: tuple(map(_text, v)))
    return _by_relevance(view) if sort_key == "RELEVANCE" else _by_id(view)


def _checkout_order(sort_key: str, view: View[Checkout], context: Context) -> Order[Checkout]:
    if sort_key == "CREATED_AT":
        return by_time(partial(view.by_value, sort_key, lambda c: c.created_at), view.get, indexed=False)
    if sort_key == "TOTAL_PRICE":
        walk = partial(view.by_value, sort_key, lambda c: c.total)
        return Order(walk, view.get, money_text, lambda text: round(float(text) * 100))
    if sort_key == "CUSTOMER_NAME":
        # Names change without the checkout, so this order is never remembered.
        walk = partial(view.by_value, None, lambda c: _name_key(context.store.customer_of(c)))
        return Order(walk, view.get, _same, _text)
    return _by_relevance(view) if sort_key == "RELEVANCE" else _by_id(view)
