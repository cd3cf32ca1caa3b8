"""The log: one operation per kind of import, shop and run, with one outcome per record."""

from __future__ import annotations

import datetime as dt
import enum
import typing as t
from collections import Counter
from dataclasses import dataclass, field

import sqlalchemy as sa

from target_contactdb.json_values import storable
from target_contactdb.tables import OUTCOMES, STATUS_CHANGES, operation_records, operations

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from target_contactdb.status_change import StatusChange


class Kind(enum.StrEnum):
    """What an operation imports."""

    CUSTOMERS = "customers"
    CHECKOUTS = "checkouts"
    CONSENTS = "consents"


class OperationState(enum.StrEnum):
    """How an operation stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    WITH_REJECTIONS = "completed with rejections"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that was not taken in.

    Attributes:
        key: Its key as text, where it has one.
        outcome: discarded or rejected.
        reason: Why; it names fields, never values.
        record: The record itself, where it is kept.
    """

    key: str | None
    outcome: str
    reason: str
    record: Mapping[str, t.Any] | None


@dataclass
class Tally:
    """What came of the records of one batch.

    Attributes:
        counts: Outcomes and status changes by name, and `unlinked`.
        set_aside: The records that were not taken in.
        limited: How many of the status changes the limit counts, by change and cause.
    """

    counts: Counter[str] = field(default_factory=Counter)
    set_aside: list[SetAside] = field(default_factory=list)
    limited: Counter[tuple[str, str | None]] = field(default_factory=Counter)

    def reject(self, key: str | None, reason: str, record: Mapping[str, t.Any] | None) -> None:
        """Count a record as rejected and keep it."""
        self.counts["rejected"] += 1
        self.set_aside.append(SetAside(key, "rejected", reason, record))

    def add_changes(self, changes: Iterable[StatusChange]) -> None:
        """Count status changes."""
        for change in changes:
            self.counts[change.change.value] += 1
            if change.limited:
                self.limited[change.change.value, change.after.cause] += 1


def utc_now() -> dt.datetime:
    """Return this machine's time, UTC."""
    return dt.datetime.now(dt.UTC)


def start_operation(engine: sa.Engine, kind: Kind, shop: str, fingerprint: str) -> int:
    """Log a new running operation and return its id; one that a crash left running is closed as interrupted."""
    now = utc_now()
    with engine.begin() as connection:
        left = (operations.c.kind == kind.value, operations.c.shop == shop)
        connection.execute(
            sa.update(operations)
            .where(*left, operations.c.state == OperationState.RUNNING.value)
            .values(state=OperationState.INTERRUPTED.value, ended_at=now, error="the run was killed")
        )
        statement = sa.insert(operations).values(
            kind=kind.value, shop=shop, state=OperationState.RUNNING.value, started_at=now, fingerprint=fingerprint
        )
        return int(connection.execute(statement).inserted_primary_key[0])  # type: ignore[index]


def pause_operation(engine: sa.Engine, kind: Kind, shop: str, fingerprint: str, reason: str) -> None:
    """Log an import that the settings switched off."""
    operation_id = start_operation(engine, kind, shop, fingerprint)
    end_operation(engine, operation_id, OperationState.PAUSED, reason)


def count(connection: sa.Connection, operation_id: int, stream: str, tally: Tally, *, records_read: int) -> None:
    """Add a batch to an operation, in the batch's own transaction.

    The database refuses the row unless every record has exactly one outcome.
    """
    columns = operations.c
    names = [name for name in (*OUTCOMES, *STATUS_CHANGES, "unlinked") if tally.counts[name]]
    values = {name: columns[name] + tally.counts[name] for name in names}
    connection.execute(
        sa.update(operations)
        .where(columns.operation_id == operation_id)
        .values({**values, "records_read": columns.records_read + records_read})
    )
    if tally.set_aside:
        connection.execute(
            sa.insert(operation_records),
            [
                {
                    "operation_id": operation_id,
                    "stream": stream,
                    "key": aside.key,
                    "outcome": aside.outcome,
                    "reason": aside.reason,
                    "record": storable(aside.record),
                }
                for aside in tally.set_aside
            ],
        )


def is_running(connection: sa.Connection, operation_id: int) -> bool:
    """Tell whether an operation is not closed yet; the next of its kind and shop closes it."""
    asked = sa.select(operations.c.state).where(operations.c.operation_id == operation_id)
    return bool(connection.execute(asked).scalar_one() == OperationState.RUNNING.value)


def latest_bookmark(engine: sa.Engine, kind: Kind, shop: str) -> dt.datetime | None:
    """Return the latest bookmark that was ever committed for one kind of import of one shop."""
    columns = operations.c
    of_shop = sa.select(sa.func.max(columns.bookmark)).where(columns.kind == kind.value, columns.shop == shop)
    with engine.connect() as connection:
        found: dt.datetime | None = connection.execute(of_shop).scalar_one()
    return found


def first_start(engine: sa.Engine, kind: Kind, shop: str) -> dt.datetime | None:
    """Return the bookmark that the first import of a kind and shop started from; None = from the beginning."""
    columns = operations.c
    statement = (
        sa.select(columns.window_from)
        .where(columns.kind == kind.value, columns.shop == shop, columns.state != OperationState.PAUSED.value)
        .order_by(columns.operation_id)
        .limit(1)
    )
    with engine.connect() as connection:
        found: dt.datetime | None = connection.execute(statement).scalar_one_or_none()
    return found


def note_bookmark(engine: sa.Engine, operation_id: int, window: Mapping[str, dt.datetime | None]) -> None:
    """Log how far an operation has read: `window_from`, `window_to` and `bookmark`, those that are known."""
    known = {name: value for name, value in window.items() if value is not None}
    if known:
        with engine.begin() as connection:
            connection.execute(sa.update(operations).where(operations.c.operation_id == operation_id).values(**known))


def end_operation(engine: sa.Engine, operation_id: int, state: OperationState, error: str | None = None) -> None:
    """Close an operation. One that is complete but has rejections says so in its state."""
    columns = operations.c
    with engine.begin() as connection:
        final: t.Any = state.value
        if state is OperationState.COMPLETED:
            final = sa.case((columns.rejected > 0, OperationState.WITH_REJECTIONS.value), else_=state.value)
        connection.execute(
            sa.update(operations)
            .where(columns.operation_id == operation_id)
            .values(state=final, ended_at=utc_now(), error=error)
        )


def told(engine: sa.Engine, operation_id: int) -> str:
    """Return what an operation came to, in one line: what was read, and every count that is not zero."""
    with engine.connect() as connection:
        row = (
            connection.execute(sa.select(operations).where(operations.c.operation_id == operation_id)).mappings().one()
        )
    counted = [f"{row[name]:,} {name}" for name in OUTCOMES if row[name]]
    changed = [f"{row[name]:,} {name}" for name in STATUS_CHANGES if row[name]]
    parts = [f"{row['records_read']:,} read", *([", ".join(counted)] if counted else [])]
    if changed:
        parts.append(f"statuses: {', '.join(changed)}")
    return f"{row['kind']} {row['state']}: {'; '.join(parts)}"
