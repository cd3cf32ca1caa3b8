"""Flows: they have no list of their own. A flow is there as soon as somebody has entered it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.conditions.words import near, nearest
from target_contactdb.errors import ContactDbError
from target_contactdb.tables import flow_entries

if t.TYPE_CHECKING:
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
