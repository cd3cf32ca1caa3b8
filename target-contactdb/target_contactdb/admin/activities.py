"""What the log tables say about imports: Synchronization Status and Log Activities."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.admin.carts import checkouts_with_sources, is_open
from target_contactdb.admin.permission import contactable
from target_contactdb.admin.rejections import still_rejected
from target_contactdb.errors import ContactDbError
from target_contactdb.status_count import read_count
from target_contactdb.tables import (
    OUTCOMES,
    STATUS_CHANGES,
    checkouts,
    operation_records,
    operations,
    status_changes,
)

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from target_contactdb.admin.connect import Opened

KINDS: t.Final = ("customers", "checkouts", "consents")
UNFINISHED: t.Final = frozenset({"failed", "interrupted", "stopped"})


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of `updated_at` that an operation was to read, closed-open; None = without a border."""

    begin: dt.datetime | None
    end: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One logged import.

    Attributes:
        operation_id: Its number.
        kind: `customers`, `checkouts` or `consents`.
        shop: The shop.
        state: How it stands or ended.
        started_at: Begin.
        ended_at: End; None while it runs.
        seconds: How long it took; None while it runs.
        window: What it was to read.
        bookmark: Up to where everything is committed.
        records_read: Number of records; always the sum of `outcomes`.
        outcomes: Number of records per outcome.
        changes: Number of status changes per kind of change.
        unlinked: Checkouts that wait for their contact.
        error: Why it did not complete, or None.
    """

    operation_id: int
    kind: str
    shop: str
    state: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    seconds: float | None
    window: Window
    bookmark: dt.datetime | None
    records_read: int
    outcomes: dict[str, int]
    changes: dict[str, int]
    unlinked: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """What the contact database holds.

    Attributes:
        contacts: All contacts.
        may_email: Contacts that may be written to by e-mail.
        may_sms: Contacts that may be written to by SMS.
        checkouts: All checkouts, history included.
        open: Checkouts that were not recovered.
        linked: Checkouts of a contact.
        unlinked: Checkouts that wait for their contact.
    """

    contacts: int
    may_email: int
    may_sms: int
    checkouts: int
    open: int
    linked: int
    unlinked: int


@dataclass(frozen=True, slots=True)
class SynchronizationStatus:
    """The newest operation per kind and shop, what they leave behind, and what a person should know."""

    operations: list[Operation]
    warnings: list[str]
    totals: Totals


@dataclass(frozen=True, slots=True)
class CausedChanges:
    """Status changes of one operation with one cause."""

    channel: str
    change: str
    cause: str | None
    count: int


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    """A discarded or rejected record; its content is left to the table `operation_records`."""

    operation_id: int
    stream: str
    key: str | None
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class OperationDetails:
    """All that the log tables hold about one operation."""

    operation: Operation
    status_changes: list[CausedChanges]
    records: list[LoggedRecord]
    records_not_shown: int


def synchronization_status(database: Opened) -> SynchronizationStatus:
    """Return the newest operation per kind and shop, with the totals of the database."""
    newest = sa.select(sa.func.max(operations.c.operation_id)).group_by(operations.c.kind, operations.c.shop)
    found = _operations(database, sa.select(operations).where(operations.c.operation_id.in_(newest)))
    found.sort(key=lambda one: (one.shop, _place(one.kind)))
    waits = read_count(database.connection).stopped_at is not None
    return SynchronizationStatus(found, warnings_about(found, waits=waits), _totals(database))


def warnings_about(newest: Sequence[Operation], *, waits: bool) -> list[str]:
    """Return what a person should know about the newest operations, a line each.

    Args:
        newest: The newest operation per kind and shop.
        waits: A batch that the limit of status changes has stopped waits for a person.
    """
    by_shop: dict[str, dict[str, Operation]] = {}
    for one in newest:
        by_shop.setdefault(one.shop, {})[one.kind] = one
    lines = []
    for shop, kinds in by_shop.items():
        lines += [
            f"{shop}: the last import of {one.kind} (operation {one.operation_id}) {_ENDED[one.state]}"
            f"{_after_stop(one, waits=waits) if one.state == 'stopped' else ''}"
            for one in kinds.values()
            if one.state in UNFINISHED
        ]
        customers, after = kinds.get("customers"), kinds.get("checkouts")
        if customers is None or customers.state not in UNFINISHED:
            continue
        if after is None or after.operation_id < customers.operation_id:
            lines.append(
                f"{shop}: the import of checkouts did not run after it, because the import of customers"
                f" (operation {customers.operation_id}) did not complete"
            )
    return lines


_ENDED: t.Final = {
    "failed": "failed",
    "interrupted": "was interrupted",
    "stopped": "was stopped by its limit of status changes",
}


def _after_stop(stopped: Operation, *, waits: bool) -> str:
    if waits:
        what = f"`contactdb log --operation {stopped.operation_id}` says what it would change"
        return f": {what}, `contactdb accept` lets it go on"
    return "; nothing holds it back any more: run it again"


def activities(database: Opened, limit: int) -> list[Operation]:
    """Return operations, newest first.

    Args:
        database: The contact database.
        limit: How many at most.
    """
    return _operations(database, sa.select(operations).order_by(operations.c.operation_id.desc()).limit(limit))


def operation_details(database: Opened, operation_id: int, limit: int) -> OperationDetails:
    """Return everything about one operation.

    Args:
        database: The contact database.
        operation_id: Its number.
        limit: How many records at most.

    Raises:
        ContactDbError: There is no such operation.
    """
    operation = require_operation(database, operation_id)
    records = logged_records(database, limit, operation_id=operation_id)
    count = sa.select(sa.func.count()).where(operation_records.c.operation_id == operation_id)
    hidden = database.connection.execute(count).scalar_one() - len(records)
    return OperationDetails(operation, _caused_changes(database, operation_id), records, hidden)


def require_operation(database: Opened, operation_id: int) -> Operation:
    """Return one operation.

    Raises:
        ContactDbError: There is no such operation.
    """
    found = _operations(database, sa.select(operations).where(operations.c.operation_id == operation_id))
    if not found:
        msg = f"there is no operation {operation_id}; `contactdb log` lists them"
        raise ContactDbError(msg)
    return found[0]


def logged_records(
    database: Opened, limit: int, *, operation_id: int, outcome: str | None = None
) -> list[LoggedRecord]:
    """Return the discarded and rejected records of an operation, in the order of the stream.

    Args:
        database: The contact database.
        limit: How many at most.
        operation_id: Its number.
        outcome: With this outcome only.
    """
    table = operation_records
    names = ("operation_id", "stream", "key", "outcome", "reason")
    statement = sa.select(*(table.c[name] for name in names))
    statement = statement.where(table.c.operation_id == operation_id)
    if outcome is not None:
        statement = statement.where(table.c.outcome == outcome)
    ordered = statement.order_by(table.c.record_id).limit(limit)
    return [LoggedRecord(**row) for row in database.connection.execute(ordered).mappings()]


def rejected_records(database: Opened, limit: int, operation_id: int | None = None) -> list[LoggedRecord]:
    """Return what is still rejected: the newest operation's first, in the order of the stream.

    Args:
        database: The contact database.
        limit: How many at most.
        operation_id: All that this operation rejected, whatever became of it since.
    """
    if operation_id is not None:
        return logged_records(database, limit, operation_id=operation_id, outcome="rejected")
    found = sorted(still_rejected(database), key=lambda one: (-one.operation_id, one.record_id))
    return [LoggedRecord(one.operation_id, one.stream, one.key, "rejected", one.reason) for one in found[:limit]]


def _caused_changes(database: Opened, operation_id: int) -> list[CausedChanges]:
    table = status_changes
    names = ("channel", "change", "cause")
    groups = [table.c[name] for name in names]
    statement = (
        sa.select(*groups, sa.func.count().label("count"))
        .where(table.c.operation_id == operation_id)
        .group_by(*groups)
        .order_by(table.c.channel, table.c.change, sa.func.count().desc(), table.c.cause)
    )
    return [CausedChanges(**row) for row in database.connection.execute(statement).mappings()]


def _operations(database: Opened, statement: sa.Select[t.Any]) -> list[Operation]:
    return [_operation(row) for row in database.connection.execute(statement).mappings()]


def _operation(row: sa.RowMapping) -> Operation:
    ended = row["ended_at"]
    return Operation(
        operation_id=row["operation_id"],
        kind=row["kind"],
        shop=row["shop"],
        state=row["state"],
        started_at=row["started_at"],
        ended_at=ended,
        seconds=round((ended - row["started_at"]).total_seconds(), 3) if ended is not None else None,
        window=Window(row["window_from"], row["window_to"]),
        bookmark=row["bookmark"],
        records_read=row["records_read"],
        outcomes={name: row[name] for name in OUTCOMES},
        changes={name: row[name] for name in STATUS_CHANGES},
        unlinked=row["unlinked"],
        error=row["error"],
    )


def _place(kind: str) -> tuple[int, str]:
    return (KINDS.index(kind) if kind in KINDS else len(KINDS), kind)


def _totals(database: Opened) -> Totals:
    contacts = database.contacts
    people = sa.select(
        sa.func.count().label("contacts"),
        _count_if(contactable(contacts, "email")).label("may_email"),
        _count_if(contactable(contacts, "sms")).label("may_sms"),
    ).select_from(contacts)
    carts = sa.select(
        sa.func.count().label("checkouts"),
        _count_if(is_open()).label("open"),
        sa.func.count(checkouts.c.contact_id).label("linked"),
    ).select_from(checkouts_with_sources())
    counted = database.connection.execute(people).mappings().one()
    carted = database.connection.execute(carts).mappings().one()
    return Totals(**counted, **carted, unlinked=carted["checkouts"] - carted["linked"])


def _count_if(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count(sa.case((condition, 1)))
