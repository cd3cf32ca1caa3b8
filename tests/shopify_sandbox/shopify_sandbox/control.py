"""The control path `/sandbox/...`: the truth about the store, changes to it, its clock, faults, the request log."""

from __future__ import annotations

import json
import typing as t
from dataclasses import fields, is_dataclass
from decimal import Decimal, InvalidOperation
from itertools import islice

from starlette.routing import Route

from shopify_sandbox.bulk_control import BulkControl
from shopify_sandbox.clock import format_exact, format_time, parse_time
from shopify_sandbox.faults import Fault
from shopify_sandbox.life import Tick
from shopify_sandbox.records import Checkout, Customer
from shopify_sandbox.store import StoreError, UnknownRecordError
from shopify_sandbox.web import Body, Handler, json_response

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from shopify_sandbox.collection import Collection
    from shopify_sandbox.shop import Shop

_TIMES = frozenset({"created_at", "updated_at", "completed_at", "cancelled_at", "at"})
_PAGE = 100


def shown(value: t.Any) -> t.Any:
    """A record as JSON: field names as in the record, times as text with their fraction, money in cents."""
    if is_dataclass(value):
        shown_fields = {f.name: shown_field(f.name, getattr(value, f.name)) for f in fields(value)}
        if isinstance(value, Customer):
            shown_fields = {"id": value.number, **shown_fields, "display_name": value.display_name}
        if isinstance(value, Checkout):
            shown_fields = {"id": value.number, **shown_fields, "total": value.total, "subtotal": value.subtotal}
            shown_fields["customer_id"] = shown_fields.pop("customer_number")
        return shown_fields
    return [shown(part) for part in value] if isinstance(value, tuple) else value


def shown_field(name: str, value: t.Any) -> t.Any:
    """A field's value as JSON."""
    if name in _TIMES and isinstance(value, int):
        return format_exact(value)
    if name == "order_times":
        return [format_time(moment) for moment in value]
    return shown(value)


class Control:
    """The handlers of the control path; each takes a JSON body and gives a JSON answer."""

    def __init__(self, shop: Shop) -> None:
        """Control a shop."""
        self._shop = shop
        self._store = shop.store

    def routes(self) -> list[Route]:
        """The routes of the control path."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/sandbox/clock", self._clock),
            ("POST", "/sandbox/clock", self._move_clock),
            ("GET", "/sandbox/customers", lambda r, b: self._list(r, "customers", self._store.customers)),
            ("POST", "/sandbox/customers", lambda r, b: self._store.create_customer(b)),
            (
                "POST",
                "/sandbox/customers/merge",
                lambda r, b: self._store.merge_customers(int(b["keep"]), int(b["drop"])),
            ),
            ("GET", "/sandbox/customers/{id:int}", lambda r, b: self._store.customer(_id(r))),
            ("PATCH", "/sandbox/customers/{id:int}", lambda r, b: self._store.change_customer(_id(r), b)),
            ("DELETE", "/sandbox/customers/{id:int}", lambda r, b: self._store.delete_customer(_id(r))),
            ("POST", "/sandbox/customers/{id:int}/consent", self._consent),
            ("POST", "/sandbox/customers/{id:int}/orders", self._order),
            ("POST", "/sandbox/customers/{id:int}/redact", lambda r, b: self._store.redact_customer(_id(r))),
            ("GET", "/sandbox/checkouts", lambda r, b: self._list(r, "checkouts", self._store.checkouts)),
            ("POST", "/sandbox/checkouts", lambda r, b: self._store.abandon_checkout(b)),
            ("GET", "/sandbox/checkouts/{id:int}", lambda r, b: self._store.checkout(_id(r))),
            ("PATCH", "/sandbox/checkouts/{id:int}", lambda r, b: self._store.change_checkout(_id(r), b)),
            ("POST", "/sandbox/checkouts/{id:int}/recover", lambda r, b: self._store.recover_checkout(_id(r))),
            ("POST", "/sandbox/tick", self._tick),
            ("GET", "/sandbox/faults", lambda r, b: [fault.as_answer() for fault in self._shop.faults.waiting]),
            ("POST", "/sandbox/faults", self._add_fault),
            ("DELETE", "/sandbox/faults", lambda r, b: self._shop.faults.waiting.clear()),
            ("POST", "/sandbox/tokens/revoke", lambda r, b: {"revoked": self._shop.tokens.revoke()}),
            ("GET", "/sandbox/requests", lambda r, b: self._shop.requests),
            ("DELETE", "/sandbox/requests", lambda r, b: self._shop.requests.clear()),
        ]
        table += BulkControl(self._shop).table()
        return [Route(path, _endpoint(handler), methods=[method]) for method, path, handler in table]

    def _clock(self, _request: Request, _body: Body) -> Body:
        now = self._store.clock.now()
        return {"now": format_time(now), "exact": format_exact(now)}

    def _move_clock(self, request: Request, body: Body) -> Body:
        if "set" in body:
            self._store.clock.set(parse_time(body["set"]))
        else:
            self._store.clock.advance(float(body["advance_seconds"]))
        return self._clock(request, body)

    def _list(self, request: Request, name: str, collection: Collection[t.Any]) -> Body:
        offset = int(request.query_params.get("offset", 0))
        limit = int(request.query_params.get("limit", _PAGE))
        view = collection.live
        numbers = islice(view.numbers(), offset, offset + limit)
        return {"total": view.count(), name: [shown(view.get(number)) for number in numbers]}

    def _consent(self, request: Request, body: Body) -> Customer:
        at = body.get("at", format_time(self._store.clock.now()))
        return self._store.set_consent(
            _id(request),
            body["channel"],
            body["state"],
            body.get("opt_in_level", "SINGLE_OPT_IN"),
            None if at is None else parse_time(at),
            touch=body.get("touch_updated_at", True),
        )

    def _order(self, request: Request, body: Body) -> Customer:
        return self._store.place_order(
            _id(request),
            quantity=int(body.get("quantity", 1)),
            cents=int(Decimal(str(body.get("total", "10.00"))) * 100),
            currency=body.get("currency", "EUR"),
            touch=body.get("touch_updated_at", False),
            at=parse_time(body["at"]) if "at" in body else None,
        )

    def _tick(self, request: Request, body: Body) -> Body:
        counts = Tick(self._store, float(body.get("seconds", 3_600))).run()
        return {"tick": self._store.ticks, **counts, **self._clock(request, body)}

    def _add_fault(self, _request: Request, body: Body) -> Body:
        fault = Fault.from_request(body)
        self._shop.faults.waiting.append(fault)
        return fault.as_answer()


def _id(request: Request) -> int:
    return t.cast(int, request.path_params["id"])


def _endpoint(handler: Handler) -> Callable[[Request], t.Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            raw = await request.body()
            body = json.loads(raw) if raw else {}
            return json_response(shown(handler(request, body)))
        except UnknownRecordError as error:
            return json_response({"error": str(error)}, 404)
        except KeyError as error:
            return json_response({"error": f"missing in the body: {error}"}, 400)
        except (StoreError, ValueError, TypeError, InvalidOperation) as error:
            return json_response({"error": str(error)}, 400)

    return endpoint
