"""Errors as the Admin API words them. Runtime errors are GraphQL errors with an `extensions.code`."""

from __future__ import annotations

import typing as t

from graphql import GraphQLError

ACCESS_SCOPES_PAGE = "https://shopify.dev/api/usage/access-scopes"
RATE_LIMITS_PAGE = "https://shopify.dev/api/usage/rate-limits"
CUSTOMER_DATA_PAGE = "https://partners.shopify.com/1/apps/1/customer_data"

READ_CUSTOMERS = "`read_customers` access scope."
READ_PRODUCTS = "`read_products` access scope."
READ_ORDERS = "`read_orders` access scope, `read_marketplace_orders` access scope or `read_quick_sale` access scope."
READ_CHECKOUTS = (
    "`read_orders` access scope. Also: The user must have manage_abandoned_checkouts permission. When called by "
    "Shopify POS, the user must have the view_abandoned_checkouts retail permission."
)


class ShopError(GraphQLError):
    """An error that stands in the answer beside or instead of data."""


def bad_request(message: str) -> ShopError:
    """A request that the server understands and refuses."""
    return ShopError(message, extensions={"code": "BAD_REQUEST"})


def access_denied(field: str, required: str) -> ShopError:
    """A field for which the app lacks a scope."""
    extensions = {"code": "ACCESS_DENIED", "documentation": ACCESS_SCOPES_PAGE, "requiredAccess": required}
    return ShopError(f"Access denied for {field} field. Required access: {required}", extensions=extensions)


def field_not_approved(field: str) -> ShopError:
    """A field of protected customer data for which the app has no approval."""
    message = f"This app is not approved to use the {field} field. See {CUSTOMER_DATA_PAGE} for more details."
    return ShopError(message, extensions={"code": "ACCESS_DENIED"})


def type_not_approved(name: str) -> ShopError:
    """A type of protected customer data for which the app has no approval."""
    message = f"This app is not approved to access the {name} object. See {CUSTOMER_DATA_PAGE} for more details."
    return ShopError(message, extensions={"code": "ACCESS_DENIED"})


def invalid_id(gid: str) -> ShopError:
    """A global id of another type than the field asks for."""
    return ShopError(f"Invalid id: {gid}", extensions={"code": "RESOURCE_NOT_FOUND"})


def throttled() -> dict[str, t.Any]:
    """The error of a request that does not fit in the bucket."""
    return {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": RATE_LIMITS_PAGE}}


def max_cost_exceeded(cost: int, limit: int) -> dict[str, t.Any]:
    """The error of a request that could never run, whatever the bucket holds."""
    message = (
        f"Query cost is {cost}, which exceeds the single query max cost limit ({limit}).\n\n"
        "See https://shopify.dev/concepts/about-apis/rate-limits for more information on how the\n"
        "cost of a query is calculated.\n\n"
        "To query larger amounts of data with fewer limits, bulk operations should be used instead.\n"
        "See https://shopify.dev/api/usage/bulk-operations/queries for usage details.\n"
    )
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": limit, "documentation": RATE_LIMITS_PAGE}
    return {"message": message, "extensions": extensions}


def internal_server_error(request_id: str) -> dict[str, t.Any]:
    """The error of a request that broke the server."""
    message = (
        "Internal error. Looks like something went wrong on our end.\n"
        f"Request ID: {request_id} (include this in support requests)."
    )
    return {"message": message, "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": request_id}}
