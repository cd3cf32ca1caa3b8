"""The control path `/sandbox/bulk...`: plans for operations to come, those there are, and what befalls them."""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from shopify_sandbox.bulk import LIVE, Operation, Plan, PlanError
from shopify_sandbox.bulk_resolvers import begin
from shopify_sandbox.clock import format_exact
from shopify_sandbox.schema import build_schema
from shopify_sandbox.versions import NEWEST

if t.TYPE_CHECKING:
    from starlette.requests import Request

    from shopify_sandbox.shop import Shop
    from shopify_sandbox.web import Body, Handler

_FOREIGN = "{ customers { edges { node { id } } } }"


class BulkControl:
    """The handlers; each takes a JSON body and gives a JSON answer."""

    def __init__(self, shop: Shop) -> None:
        """Control the bulk operations of a shop's app."""
        self._shop = shop

    def table(self) -> list[tuple[str, str, Handler]]:
        """Method, path and handler of each request."""
        return [
            ("GET", "/sandbox/bulk", lambda r, b: [self._shown(operation) for operation in self._shop.bulk.all]),
            ("POST", "/sandbox/bulk", self._begin),
            ("GET", "/sandbox/bulk/plans", lambda r, b: [asdict(plan) for plan in self._shop.bulk.plans]),
            ("POST", "/sandbox/bulk/plans", self._plan),
            ("DELETE", "/sandbox/bulk/plans", lambda r, b: self._shop.bulk.plans.clear()),
            ("POST", "/sandbox/bulk/{id:int}/expire", self._expire),
            ("POST", "/sandbox/bulk/{id:int}/rewrite", self._rewrite),
        ]

    def _plan(self, _request: Request, body: Body) -> Body:
        plan = Plan.from_request(body)
        self._shop.bulk.plans.append(plan)
        return asdict(plan)

    def _begin(self, _request: Request, body: Body) -> Body:
        """An operation that another process of the same app has begun; it goes on for ever unless it has a plan."""
        plan = Plan.from_request(body.get("plan", {"ends": "RUNNING"}))
        query, grouped = body.get("query", _FOREIGN), body.get("group_objects", False)
        return self._shown(begin(build_schema(NEWEST), self._shop.context(), query, grouped=grouped, plan=plan))

    def _expire(self, request: Request, body: Body) -> Body:
        operation = self._operation(request)
        operation.expire_link(self._shop.store.clock.now(), wholly=body.get("operation", False))
        return self._shown(operation)

    def _rewrite(self, request: Request, _body: Body) -> Body:
        operation = self._operation(request)
        if operation.status in LIVE:
            message = f"bulk operation {operation.number} has no result yet"
            raise PlanError(message)
        operation.rewrite(self._shop.store.clock.now())
        return self._shown(operation)

    def _operation(self, request: Request) -> Operation:
        operation = self._shop.bulk.find(request.path_params["id"])
        if operation is None:
            message = f"no bulk operation {request.path_params['id']}"
            raise PlanError(message)
        return operation

    def _shown(self, operation: Operation) -> Body:
        result = operation.file()
        return {
            "number": operation.number,
            "id": operation.id,
            "status": operation.status,
            "query": operation.query,
            "group_objects": operation.grouped,
            "polls": operation.polls,
            "created_at": format_exact(operation.created_at),
            "lines": None if result is None else result.lines,
            "size": None if result is None else result.size,
        }
