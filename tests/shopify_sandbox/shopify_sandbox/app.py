"""The Admin API over HTTP: paths, tokens, versions, headers, and the faults that concern transport."""

from __future__ import annotations

import json
import typing as t
import uuid
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from shopify_sandbox.clock import SECOND
from shopify_sandbox.control import Control
from shopify_sandbox.sources import SHOP_CURRENCY
from shopify_sandbox.tokens import GrantError
from shopify_sandbox.versions import OLDEST, served_version
from shopify_sandbox.web import JSON, ClosedConnection, Pieces, StoreDate, json_response

if t.TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from shopify_sandbox.context import Context
    from shopify_sandbox.engine import Answer
    from shopify_sandbox.faults import Fault
    from shopify_sandbox.shop import Shop

TOKEN_OPERATION = "access_token"
_WRONG_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"


class AdminApi:
    """The endpoint `/admin/api/{version}/graphql.json`."""

    def __init__(self, shop: Shop) -> None:
        """Serve a shop."""
        self._shop = shop

    async def handle(self, request: Request) -> Response:
        """Answer one request and write it in the log."""
        asked, request_id = request.path_params.get("version"), str(uuid.uuid4())
        entry: dict[str, t.Any] = {"operation": None, "variables": None, "version": asked, "requested_cost": None}
        request.state.request_id = request_id
        response = self._respond(request, asked, await request.body(), entry)
        response.headers["x-request-id"] = request_id
        entry["status"] = response.status_code
        self._shop.requests.append(entry)
        return response

    def _respond(self, request: Request, asked: str | None, raw: bytes, entry: dict[str, t.Any]) -> Response:
        if not self._shop.tokens.accepts(request.headers.get("x-shopify-access-token")):
            return json_response({"errors": _WRONG_TOKEN}, 401)
        body = _read(request, raw)
        if body is None:
            return json_response({"errors": "Bad Request"}, 400)
        text, variables, operation = body.get("query"), body.get("variables") or {}, body.get("operationName")
        if not isinstance(text, str) or not isinstance(variables, dict):
            return json_response({"errors": {"query": "Required parameter missing or invalid"}}, 400)
        name = operation or self._shop.engine.operation_name(served_version(asked), text)
        entry.update(operation=name, variables=variables)
        met = self._shop.faults.meet(name, variables)
        early = early_fault(request, met)
        if early is not None:
            return early
        version = served_version(asked)
        if fault := met.get("wrong_version"):
            version = served_version(fault.options.get("version", OLDEST))
        answer = self._shop.engine.answer(text, variables, operation, self._context(request, version, met), met)
        entry.update(requested_cost=answer.requested_cost, actual_cost=answer.actual_cost, served=version)
        entry["errors"] = [error.get("extensions", {}).get("code") for error in answer.body.get("errors", ())]
        return _respond_with(request, answer, version, met)

    def _context(self, request: Request, version: str, met: dict[str, Fault]) -> Context:
        field_fault, type_fault, lag = met.get("protected_field"), met.get("protected_type"), met.get("search_lag")
        denied_fields = set()
        if field_fault is not None:
            denied_fields.add((field_fault.options.get("type", "Customer"), field_fault.options["field"]))
        return self._shop.context(
            version,
            denied_fields=frozenset(denied_fields),
            denied_types=frozenset({type_fault.options.get("type", "Customer")} if type_fault else ()),
            stuck_cursor="stuck_cursor" in met,
            drop_filters="search_warning" in met,
            lag=round(lag.options["seconds"] * SECOND) if lag else 0,
            request_id=request.state.request_id,
        )


class ShopApi:
    """The one resource of the older REST API that readers still ask for first: who the shop is."""

    def __init__(self, shop: Shop) -> None:
        """Describe a shop."""
        self._shop = shop

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        if not self._shop.tokens.accepts(request.headers.get("x-shopify-access-token")):
            return json_response({"errors": _WRONG_TOKEN}, 401)
        store = self._shop.store
        shown = {"id": store.shop_number, "name": "Sandbox", "myshopify_domain": store.shop, "currency": SHOP_CURRENCY}
        return json_response({"shop": shown})


class TokenApi:
    """The endpoint `/admin/oauth/access_token`. Its requests are named `access_token` in faults and in the log."""

    def __init__(self, shop: Shop) -> None:
        """Issue tokens of a shop."""
        self._shop = shop

    async def handle(self, request: Request) -> Response:
        """Answer one token request and write it in the log, without what was sent."""
        response = self._respond(request, await request.body())
        response.headers["x-request-id"] = str(uuid.uuid4())
        entry = {"operation": TOKEN_OPERATION, "variables": None, "version": None, "requested_cost": None}
        self._shop.requests.append({**entry, "status": response.status_code})
        return response

    def _respond(self, request: Request, raw: bytes) -> Response:
        met = self._shop.faults.meet(TOKEN_OPERATION, None)
        early = early_fault(request, met)
        if early is not None:
            return early
        try:
            token = self._shop.tokens.issue(_read_token_request(request, raw))
        except GrantError as error:
            return _refused_grant(error)
        scope = ",".join(sorted(self._shop.scopes))
        answer = {"access_token": token, "scope": scope, "expires_in": self._shop.tokens.lifetime}
        response = json_response(answer)
        return _cut_short(request, response) if "truncated_body" in met else response


def _read_token_request(request: Request, raw: bytes) -> dict[str, t.Any]:
    """The members of a token request, which may come as a form or as JSON; none when it cannot be read."""
    if _media_type(request) == "application/json":
        return _read(request, raw) or {}
    return dict(parse_qsl(raw.decode(errors="replace")))


def _refused_grant(error: GrantError) -> Response:
    """A refusal as the shop words it: about an app that it does not know, or that may not, it shows a page."""
    if error.code == "application_cannot_be_found":
        title = f"Oauth error {error.code}"
        page = (
            f"<!DOCTYPE html><html><head><title>400 - {title}</title></head><body>{title}: {error.description}</body>"
        )
        return Response(f"{page}</html>", 400, media_type="text/html; charset=utf-8")
    return json_response({"error": error.code, "error_description": error.description}, 400)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _read(request: Request, raw: bytes) -> dict[str, t.Any] | None:
    """The request's body as an object; null when it cannot be read."""
    kind = _media_type(request)
    try:
        if kind == "application/graphql":
            return {"query": raw.decode()}
        body = json.loads(raw)
    except ValueError:
        return None
    return body if kind == "application/json" and isinstance(body, dict) else None


def early_fault(request: Request, met: dict[str, Fault]) -> Response | None:
    """The answer of a fault that needs no execution."""
    if fault := met.get("http_status"):
        headers = dict(fault.options.get("headers", {}))
        if "retry_after" in fault.options:
            headers["retry-after"] = str(fault.options["retry_after"])
        body = fault.options.get("body", {"errors": "Injected failure"})
        if isinstance(body, str):
            return Response(body, fault.options["status"], headers, "text/html; charset=utf-8")
        return json_response(body, fault.options["status"], headers)
    if "connection_closed" in met:
        return ClosedConnection(request.state.transport)
    if fault := met.get("errors"):
        return json_response({name: fault.options[name] for name in ("errors", "data") if name in fault.options})
    if fault := met.get("errors_string"):
        return json_response({"errors": fault.options.get("message", "Internal Server Error")})
    if fault := met.get("non_json"):
        page = fault.options.get("body", "<!DOCTYPE html><html><body>Something went wrong</body></html>")
        return Response(page, media_type="text/html; charset=utf-8")
    return None


def _respond_with(request: Request, answer: Answer, version: str, met: dict[str, Fault]) -> Response:
    headers = {"x-shopify-api-version": version}
    if answer.deprecations:
        headers["x-shopify-api-deprecated-reason"] = ", ".join(answer.deprecations)
    response = json_response(answer.body, headers=headers)
    if answer.pieces is not None:
        return Pieces(answer.pieces, headers)
    return _cut_short(request, response, headers) if "truncated_body" in met else response


def _cut_short(request: Request, response: Response, headers: dict[str, str] | None = None) -> Response:
    whole = bytes(response.body)
    half = whole[: len(whole) // 2]
    return ClosedConnection(request.state.transport, len(whole), half, headers=headers, media_type=JSON)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return json_response({"errors": "Not Found"}, 404)


def build_app(shop: Shop) -> ASGIApp:
    """The application: the Admin API and the control path."""
    api = AdminApi(shop)
    app = Starlette(
        routes=[
            Route("/admin/api/{version}/graphql.json", api.handle, methods=["POST"]),
            Route("/admin/api/graphql.json", api.handle, methods=["POST"]),
            Route("/admin/api/{version}/shop.json", ShopApi(shop).handle, methods=["GET"]),
            Route("/admin/oauth/access_token", TokenApi(shop).handle, methods=["POST"]),
            *Control(shop).routes(),
        ],
        exception_handlers={404: _not_found, 405: _not_found},
    )
    return StoreDate(app, shop.store.clock)
