"""Flows: they have no list of their own. A flow is there as soon as somebody has entered it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.conditions.words import near, nearest
from target_contactdb.errors import ContactDbError
from target_contactdb.tables import flow_entries

if t.TYPE_CHECKING:
    import datetime as dt

    from target_contactdb.admin.connect import Opened

_LISTED: t.Final = 10


@dataclass(frozen=True, slots=True)
class NewFlow:
    """A flow that nobody has entered yet.

    Attributes:
        name: Its name.
        others: The flows that there are, in the order of their names.
    """

    name: str
    others: tuple[str, ...]

    @property
    def meant(self) -> str | None:
        """The flow whose name was probably meant; None if no name is like this one."""
        return near(self.name, self.others)

    @property
    def unknown(self) -> str:
        """That nobody has entered it, with the nearest name."""
        return f"nobody has entered a flow `{self.name}`{nearest(self.name, self.others)}"

    @property
    def begun(self) -> str:
        """That it is new, and which others there are."""
        listed = ", ".join(f"`{name}`" for name in self.others[:_LISTED])
        more = f" and {len(self.others) - _LISTED:,} more" if len(self.others) > _LISTED else ""
        return f"the flow `{self.name}` is new; there were {listed}{more}"


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow that somebody has entered, in numbers. Entries of who was erased do not count.

    Attributes:
        flow: Its name.
        node: The node that it is entered through.
        entered: How many entries it has.
        acknowledged: How many are final.
        leased: How many are handed out now, until they are acknowledged or their lease is over.
        free: How many were handed out and are free again: given back, or not acknowledged in time.
        last_entry_at: When an entry was last handed out, UTC.
    """

    flow: str
    node: str
    entered: int
    acknowledged: int
    leased: int
    free: int
    last_entry_at: dt.datetime


def known_flows(database: Opened, now: dt.datetime) -> list[Flow]:
    """Return every flow, by name.

    Args:
        database: The contact database.
        now: The time, UTC, that decides which leases are over.
    """
    entry = flow_entries.c
    is_final = entry.acknowledged_at.is_not(None)
    is_leased = sa.and_(entry.acknowledged_at.is_(None), entry.leased_until > now)
    statement = (
        sa.select(
            entry.flow,
            entry.node,
            sa.func.count().label("entered"),
            sa.func.count(sa.case((is_final, 1))).label("acknowledged"),
            sa.func.count(sa.case((is_leased, 1))).label("leased"),
            sa.func.max(entry.entered_at).label("last_entry_at"),
        )
        .group_by(entry.flow, entry.node)
        .order_by(entry.flow, entry.node)
    )
    found = database.connection.execute(statement).mappings()
    return [Flow(**row, free=row["entered"] - row["acknowledged"] - row["leased"]) for row in found]


def find_new(database: Opened, flow: str) -> NewFlow | None:
    """Return what is to be known of a flow that nobody has entered; None if somebody has."""
    connection, name = database.connection, flow_entries.c.flow
    if connection.execute(sa.select(name).where(name == flow).limit(1)).first() is not None:
        return None
    return NewFlow(flow, tuple(connection.execute(sa.select(name).distinct().order_by(name)).scalars()))


def require_meant(new: NewFlow | None) -> None:
    """Check that a new flow is not a known one with a slip in its name.

    Raises:
        ContactDbError: There is a flow with nearly the same name.
    """
    if new is not None and new.meant is not None:
        msg = f"option --flow: {new.unknown} --new-flow begins one of this name"
        raise ContactDbError(msg)


def require_node(database: Opened, node: str, flow: str) -> None:
    """Check that a flow is entered through one node only.

    Raises:
        ContactDbError: Another node has filled it.
    """
    others = sa.select(flow_entries.c.node).where(flow_entries.c.flow == flow, flow_entries.c.node != node).limit(1)
    found = database.connection.execute(others).scalar_one_or_none()
    if found is not None:
        msg = f"option --flow: the flow `{flow}` is entered through the node {found}; give this one another name"
        raise ContactDbError(msg)
