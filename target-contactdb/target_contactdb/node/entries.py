"""Entries of flows in the contact database: taken, acknowledged, released. Each transaction holds the writers' lock."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.errors import ContactDbError
from target_contactdb.node.flows import find_new
from target_contactdb.tables import flow_entries

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from target_contactdb.admin.connect import Opened
    from target_contactdb.node.rules import Candidate


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a contact into a flow.

    Attributes:
        entry_id: Its number, which is the same however often it is handed out.
        candidate: Who entered, and with what.
        leased_until: Until when it may be acknowledged; None = it is final, or nobody was taken.
    """

    entry_id: int
    candidate: Candidate
    leased_until: dt.datetime | None = None


class State(enum.StrEnum):
    """What has become of an entry so far."""

    FINAL = "is final already"
    HANDED_OUT = "is handed out"
    FREE = "is not handed out"


def take(
    database: Opened,
    node: str,
    flow: str,
    channel: str,
    candidates: Sequence[Candidate],
    now: dt.datetime,
    *,
    leased_until: dt.datetime | None,
) -> list[Entry]:
    """Write the entries of candidates that enter.

    Args:
        database: The contact database, opened for writing.
        node: The node.
        flow: The flow.
        channel: `email`, `sms` or `any`.
        candidates: Those that enter.
        now: The time, UTC.
        leased_until: Until when a consumer may acknowledge; None = they have entered for good.
    """
    if not candidates:
        return []
    acknowledged = None if leased_until is not None else now
    again = [candidate for candidate in candidates if candidate.entry_id is not None]
    new = [candidate for candidate in candidates if candidate.entry_id is None]
    for candidate in again:
        database.connection.execute(
            sa.update(flow_entries)
            .where(flow_entries.c.entry_id == candidate.entry_id)
            .values(leased_until=leased_until, acknowledged_at=acknowledged, entered_at=now)
        )
    if new:
        rows = [
            {
                "flow": flow,
                "node": node,
                "subject": candidate.subject,
                "contact_id": candidate.contact_id,
                "shop": candidate.shop,
                "checkout_id": candidate.checkout_id,
                "channel": channel,
                "entered_at": now,
                "leased_until": leased_until,
                "acknowledged_at": acknowledged,
            }
            for candidate in new
        ]
        database.connection.execute(sa.insert(flow_entries), rows)
    of_flow = sa.select(flow_entries.c.subject, flow_entries.c.entry_id).where(
        flow_entries.c.flow == flow, flow_entries.c.entered_at == now
    )
    numbers = {row.subject: row.entry_id for row in database.connection.execute(of_flow)}
    return [Entry(numbers[candidate.subject], candidate, leased_until) for candidate in candidates]


def acknowledge(database: Opened, flow: str, entry_ids: Iterable[int], now: dt.datetime) -> int:
    """Make entries final, and return how many were not yet. One that is gone, since the person was erased, is none."""
    mine = sa.and_(flow_entries.c.flow == flow, flow_entries.c.entry_id.in_(entry_ids))
    waiting = sa.and_(mine, flow_entries.c.acknowledged_at.is_(None))
    statement = sa.update(flow_entries).where(waiting).values(acknowledged_at=now, leased_until=None)
    return database.connection.execute(statement).rowcount


def release(database: Opened, flow: str, entry_ids: Iterable[int]) -> int:
    """Give entries back that were not acknowledged, so that they can be taken again at once; return how many."""
    mine = sa.and_(flow_entries.c.flow == flow, flow_entries.c.entry_id.in_(entry_ids))
    waiting = sa.and_(mine, flow_entries.c.acknowledged_at.is_(None), flow_entries.c.leased_until.is_not(None))
    return database.connection.execute(sa.update(flow_entries).where(waiting).values(leased_until=None)).rowcount


def take_back(database: Opened, entries: Iterable[Entry]) -> None:
    """Undo entries that were handed to nobody this time. One that was handed out earlier keeps its number."""
    for entry in entries:
        mine = flow_entries.c.entry_id == entry.entry_id
        undo: sa.Delete | sa.Update = sa.delete(flow_entries).where(mine)
        if entry.candidate.entry_id is not None:
            undo = sa.update(flow_entries).where(mine).values(leased_until=None, acknowledged_at=None)
        database.connection.execute(undo)


def require_entries(database: Opened, flow: str, entry_ids: Iterable[int]) -> dict[int, State]:
    """Check that a flow has these entries, and return what has become of each so far.

    Raises:
        ContactDbError: There is no such flow, or no such entry in it.
    """
    asked = sorted(set(entry_ids))
    statement = sa.select(
        flow_entries.c.entry_id, flow_entries.c.flow, flow_entries.c.acknowledged_at, flow_entries.c.leased_until
    ).where(flow_entries.c.entry_id.in_(asked))
    found = {row.entry_id: row for row in database.connection.execute(statement)}
    mine = {
        number: _state(found[number].acknowledged_at, found[number].leased_until)
        for number in asked
        if number in found and found[number].flow == flow
    }
    if len(mine) == len(asked):
        return mine
    new = find_new(database, flow)
    if new is not None:
        msg = f"option --flow: {new.unknown}"
        raise ContactDbError(msg)
    missing = [
        f"{number} (it is one of `{found[number].flow}`)" if number in found else str(number)
        for number in asked
        if number not in mine
    ]
    msg = f"the flow `{flow}` has no entry {', '.join(missing)}"
    raise ContactDbError(msg)


def _state(acknowledged_at: dt.datetime | None, leased_until: dt.datetime | None) -> State:
    if acknowledged_at is not None:
        return State.FINAL
    return State.FREE if leased_until is None else State.HANDED_OUT
