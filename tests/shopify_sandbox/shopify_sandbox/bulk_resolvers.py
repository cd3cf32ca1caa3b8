"""The root fields of bulk operations."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

from shopify_sandbox import errors
from shopify_sandbox.bulk import COMPLETED, LIVE, MOST_AT_ONCE
from shopify_sandbox.bulk_lines import BulkDocument
from shopify_sandbox.bulk_rules import refusals
from shopify_sandbox.cursors import text_as_time, time_as_text
from shopify_sandbox.lists import search
from shopify_sandbox.paging import Order, Page, page_arguments

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from graphql import GraphQLResolveInfo, GraphQLSchema

    from shopify_sandbox.bulk import Operation, Operations, Plan
    from shopify_sandbox.bulk_lines import Rows
    from shopify_sandbox.collection import Key
    from shopify_sandbox.context import Context
    from shopify_sandbox.sources import Source

    Info: t.TypeAlias = GraphQLResolveInfo[Context]

_GID = re.compile(r"gid://shopify/BulkOperation/(\d+)")
_NEVER = -1


def operations(context: Context) -> Operations:
    """The bulk operations of the request's app."""
    if context.bulk is None:
        message = "this request has no bulk operations"
        raise RuntimeError(message)
    return context.bulk


def shown(operation: Operation, context: Context) -> Source:
    """An operation as somebody who looks at it sees it; a request looks once."""
    if operation.number not in context.looked:
        context.looked.add(operation.number)
        operation.look(context.now)
    return operation.source(operations(context).origin)


def _found(gid: str, context: Context) -> Operation | None:
    found = _GID.fullmatch(gid)
    if found is None:
        raise errors.invalid_id(gid)
    return operations(context).find(int(found[1]))


def resolve_operation(_root: t.Any, info: Info, id: str) -> Source | None:
    """One bulk operation, or null."""
    operation = _found(id, info.context)
    return None if operation is None else shown(operation, info.context)


def resolve_current(_root: t.Any, info: Info, type: str = "QUERY") -> Source | None:
    """The newest bulk operation of a type, ended or not."""
    known = operations(info.context).all
    return shown(known[-1], info.context) if known and type == "QUERY" else None


def resolve_operations(_root: t.Any, info: Info, **arguments: t.Any) -> Source:
    """The app's bulk operations, the newest first."""
    context = info.context
    known = operations(context).all
    found = search(context, info.path.as_list(), "bulk_operations", arguments.get("query"))
    order = _order(known, arguments.get("sortKey") or "CREATED_AT")
    newest_first = {**arguments, "reverse": not arguments.get("reverse")}
    page = Page(order, page_arguments(newest_first), found.test)
    return page.connection(lambda operation: shown(operation, context))


def _order(known: list[Operation], sort_key: str) -> Order[Operation]:
    by_number = {operation.number: operation for operation in known}

    def value(operation: Operation) -> int:
        if sort_key == "CREATED_AT":
            return operation.created_at
        return _NEVER if operation.completed_at is None else operation.completed_at

    def walk(*, descending: bool, low: Key | None, high: Key | None) -> Iterator[Key]:
        keys: list[Key] = sorted(((value(operation), operation.number) for operation in known), reverse=descending)
        return (key for key in keys if (low is None or key > low) and (high is None or key < high))

    def to_cursor(moment: int) -> str | None:
        return None if moment == _NEVER else time_as_text(moment)

    def from_cursor(text: t.Any) -> int:
        return _NEVER if text is None else text_as_time(text)

    return Order(walk, by_number.get, to_cursor, from_cursor)


def run_query(schema: GraphQLSchema, info: Info, query: str, groupObjects: bool) -> Source:  # noqa: N803 - as in the API
    """Begin a bulk operation, or say why not."""
    context = info.context
    if refused := refusals(schema, query):
        return _refusal(*({"field": ["query"], "message": message, "code": "INVALID"} for message in refused))
    live = operations(context).live()
    if len(live) >= MOST_AT_ONCE:
        ids = ", ".join(operation.id for operation in live)
        message = f"A bulk query operation for this app and shop is already in progress: {ids}."
        return _refusal({"field": None, "message": message, "code": "OPERATION_IN_PROGRESS"})
    operation = begin(schema, context, query, grouped=groupObjects)
    return {"bulkOperation": operation.source(operations(context).origin), "userErrors": []}


def begin(schema: GraphQLSchema, context: Context, query: str, *, grouped: bool, plan: Plan | None = None) -> Operation:
    """Begin a bulk operation, which reads with the rights of this request."""
    document = BulkDocument.read(schema, query)

    def rows(now: int) -> Iterator[Rows]:
        reading = replace(context, now=now, frozen=True, warnings=[])
        fast = reading.fast.rows(document, reading) if reading.fast else None
        return document.rows(reading, grouped=grouped) if fast is None else fast

    return operations(context).submit(query, rows, grouped=grouped, plan=plan)


def _refusal(*user_errors: Source) -> Source:
    return {"bulkOperation": None, "userErrors": list(user_errors)}


def cancel(_root: t.Any, info: Info, id: str) -> Source:
    """Ask for the end of an operation."""
    operation = _found(id, info.context)
    if operation is None:
        return _refusal({"field": ["id"], "message": "Bulk operation does not exist"})
    told = []
    if operation.status in LIVE:
        operation.cancel()
    else:
        ended = "completed" if operation.status == COMPLETED else operation.status.lower()
        told = [{"field": None, "message": f"A bulk operation cannot be canceled when it is {ended}"}]
    return {"bulkOperation": operation.source(operations(info.context).origin), "userErrors": told}


BULK_QUERIES: dict[str, Callable[..., t.Any]] = {
    "bulkOperation": resolve_operation,
    "bulkOperations": resolve_operations,
    "currentBulkOperation": resolve_current,
}


def bulk_mutations(schema: GraphQLSchema) -> dict[str, Callable[..., t.Any]]:
    """The mutations, bound to the schema that their documents are held against."""
    return {
        "bulkOperationCancel": cancel,
        "bulkOperationRunQuery": lambda _root, info, **given: run_query(schema, info, **given),
    }
