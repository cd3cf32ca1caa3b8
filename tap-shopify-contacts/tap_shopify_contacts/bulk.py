"""Bulk operations: what is asked of Shopify, what its answers mean, and when to look again. Pure.

An operation runs at Shopify for seconds or hours and leaves a file of JSON lines, which is kept for seven days:
https://shopify.dev/docs/api/usage/bulk-operations/queries.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from tap_shopify_contacts.errors import BulkFailed, UnexpectedAnswer

_DETAILS = "id status errorCode objectCount rootObjectCount fileSize url query"

RUN_DOCUMENT = f"""\
mutation BulkRun($query: String!, $group: Boolean!) {{
  bulkOperationRunQuery(query: $query, groupObjects: $group) {{
    bulkOperation {{ {_DETAILS} }}
    userErrors {{ code field message }}
  }}
}}"""
POLL_DOCUMENT = f"""\
query BulkPoll($id: ID!) {{
  bulkOperation(id: $id) {{ {_DETAILS} }}
}}"""
# The newest come first unless another order is asked for.
NEWEST_DOCUMENT = f"""\
query BulkNewest {{
  bulkOperations(first: 10, query: "operation_type:query") {{
    edges {{ node {{ {_DETAILS} }} }}
  }}
}}"""
CANCEL_DOCUMENT = """\
mutation BulkCancel($id: ID!) {
  bulkOperationCancel(id: $id) {
    bulkOperation { id status }
    userErrors { field message }
  }
}"""

_UNDER_WAY = frozenset({"CREATED", "RUNNING"})
_WAITING_CODES = frozenset({"OPERATION_IN_PROGRESS", "LIMIT_REACHED"})
_OPERATION_ID = re.compile(r"gid://shopify/BulkOperation/\d+")
_LONGEST_QUOTE = 200

_FIRST_PAUSE = 0.1
_GROWTH = 1.25
_LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class Operation:
    """A bulk operation as Shopify tells of it.

    `objects` counts the lines of the result and `roots` those that are no children; while it runs both may stay 0 for
    long and then jump, so they are no measure of how much is left. `size` is the result's length in bytes. A complete
    operation without `url` found nothing. `query` is the document, as it was sent.
    """

    id: str
    status: str
    error_code: str | None
    objects: int
    roots: int
    size: int | None
    url: str | None
    query: str

    @property
    def is_under_way(self) -> bool:
        """Say whether its result is still to come."""
        return self.status in _UNDER_WAY

    @property
    def is_complete(self) -> bool:
        """Say whether its result is there."""
        return self.status == "COMPLETED"


@dataclass(frozen=True)
class Busy:
    """Shopify runs as many operations of this app and shop as it allows: five, since 2026-01. These are their ids."""

    ids: tuple[str, ...]


def is_operation_id(value: object) -> t.TypeGuard[str]:
    """Say whether a value has the form of an operation's id."""
    return isinstance(value, str) and _OPERATION_ID.fullmatch(value) is not None


def read_operation(node: t.Mapping[str, t.Any]) -> Operation:
    """Return an operation of an answer.

    Raises:
        UnexpectedAnswer: If it has another form than Shopify documents.
    """
    try:
        return Operation(
            id=str(node["id"]),
            status=str(node["status"]),
            error_code=node["errorCode"],
            # 64-bit integers come as text.
            objects=int(node["objectCount"]),
            roots=int(node["rootObjectCount"]),
            size=None if node["fileSize"] is None else int(node["fileSize"]),
            url=node["url"],
            query=str(node["query"]),
        )
    except (KeyError, TypeError, ValueError):
        raise UnexpectedAnswer("Shopify's answer about a bulk operation has a form that is not documented.") from None


def read_submission(data: t.Mapping[str, t.Any]) -> Operation | Busy:
    """Return the operation that was started, or who is in its way.

    Raises:
        BulkFailed: If Shopify refuses the document.
    """
    payload = data.get("bulkOperationRunQuery") or {}
    refusals = payload.get("userErrors") or ()
    if any(refusal.get("code") in _WAITING_CODES for refusal in refusals):
        # The message ends in the ids, separated by commas and closed by a full stop.
        messages = " ".join(str(refusal.get("message")) for refusal in refusals)
        return Busy(tuple(_OPERATION_ID.findall(messages)))
    if refusals:
        said = " ".join(str(refusals[0].get("message")).split())[:_LONGEST_QUOTE]
        raise BulkFailed(f"Shopify refused the bulk operation: {said}", is_final=True)
    if payload.get("bulkOperation") is None:
        raise BulkFailed("Shopify started no bulk operation and gave no reason.", is_final=True)
    return read_operation(payload["bulkOperation"])


def check_progress(operation: Operation | None) -> bool:
    """Say whether an operation is complete.

    Raises:
        BulkFailed: If it has ended in any other way, or is no longer known.
    """
    if operation is None:
        raise BulkFailed("Shopify no longer knows the bulk operation.")
    if operation.is_complete:
        return True
    if operation.is_under_way:
        return False
    if operation.status in {"CANCELING", "CANCELED"}:
        raise BulkFailed("The bulk operation was canceled.")
    if operation.status == "EXPIRED":
        raise BulkFailed("The result of the bulk operation has expired.")
    if operation.status == "FAILED":
        reason = operation.error_code or "no reason given"
        raise BulkFailed(f"The bulk operation failed ({reason}).", is_final=reason == "ACCESS_DENIED")
    raise BulkFailed(f"The bulk operation has the unknown status {operation.status[:40]}.", is_final=True)


def pause_before(look: int) -> float:
    """Return the seconds to wait before the `look`-th look at an operation, counted from 0.

    They grow with the time that has passed, so an end is seen late by a quarter of the operation's time at most, up to
    Shopify's own advice for long ones: once a minute.
    """
    # The exponent is bounded, or a week of looks would leave the range of a float.
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * _GROWTH ** min(look, 100))
