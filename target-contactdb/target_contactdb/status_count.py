"""The count of status changes that is kept over runs, until a person accepts."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.tables import database_state

if t.TYPE_CHECKING:
    import datetime as dt


@dataclass(frozen=True, slots=True)
class StatusCount:
    """The count as it stands.

    Attributes:
        counted: Changes since a person accepted; below zero, so many more were accepted beforehand.
        held: How many the batch brought that was stopped; None = none was.
        stopped_at: When it was stopped; None = no batch waits.
        accepted_at: When a person accepted last.
    """

    counted: int
    held: int | None
    stopped_at: dt.datetime | None
    accepted_at: dt.datetime | None


def read_count(connection: sa.Connection) -> StatusCount:
    """Return the count as it stands."""
    names = [f"status_changes_{name}" for name in StatusCount.__annotations__]
    row = connection.execute(sa.select(*(database_state.c[name] for name in names))).one()
    return StatusCount(*row)


def add_changes(connection: sa.Connection, number: int) -> None:
    """Count the changes of a batch, in its own transaction."""
    if number:
        counted = database_state.c.status_changes_counted + number
        connection.execute(sa.update(database_state).values(status_changes_counted=counted))


def note_stop(connection: sa.Connection, held: int, now: dt.datetime) -> None:
    """Remember that a batch was stopped, in a transaction of its own, after the batch's was rolled back.

    Args:
        connection: In a transaction.
        held: How many changes the batch brought.
        now: The time of this write, UTC.
    """
    values = {"status_changes_held": held, "status_changes_stopped_at": now}
    connection.execute(sa.update(database_state).values(values))


def accept_changes(connection: sa.Connection, number: int, now: dt.datetime) -> None:
    """Let the batch that waits go on, and begin to count anew.

    Args:
        connection: In a transaction.
        number: How many changes are accepted beforehand.
        now: The time of this write, UTC.
    """
    connection.execute(
        sa.update(database_state).values(
            status_changes_counted=-number,
            status_changes_held=None,
            status_changes_stopped_at=None,
            status_changes_accepted_at=now,
        )
    )


def try_again(connection: sa.Connection) -> None:
    """Let an import try again under other options: the count stays, and all contacts are decided again.

    Args:
        connection: In a transaction.
    """
    known = database_state.c.options_fingerprint
    connection.execute(
        sa.update(database_state).values(
            status_changes_held=None,
            status_changes_stopped_at=None,
            # As if it had not been asked; before the first import there is nobody to ask.
            options_fingerprint=sa.case((known.is_not(None), ""), else_=known),
        )
    )
