"""The gate of status changes: a batch that would change too many is rolled back, and waits for a person."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from target_contactdb.errors import StatusLimitError
from target_contactdb.status_count import add_changes, read_count
from target_contactdb.status_limit import is_too_many
from target_contactdb.tables import contacts

if t.TYPE_CHECKING:
    from target_contactdb.operations import Tally
    from target_contactdb.status_limit import Limit


class TooManyChanges(Exception):
    """A batch would change more statuses than may change before a person has looked.

    Attributes:
        wanted: How many it would change.
        counted: How many were counted before it.
        allowed: How many may be.
    """

    def __init__(self, wanted: int, counted: int, allowed: int) -> None:
        self.wanted, self.counted, self.allowed = wanted, counted, allowed
        super().__init__()

    def told(self) -> str:
        """Return what happened and what to do, in one line."""
        return (
            f"this batch would change {self.wanted:,} statuses and {self.counted:,} were counted before it, more than"
            f" the {self.allowed:,} that the option `max_status_changes` allows: nothing of it was written but"
            " opt-outs and erasures. Look at `contactdb status`, then let it go on with `contactdb accept`"
        )


def pass_gate(connection: sa.Connection, limit: Limit | None, tally: Tally) -> None:
    """Count the status changes of a batch, in its own transaction and behind its writes.

    Args:
        connection: In the batch's transaction.
        limit: The option; None = there is none.
        tally: Of the batch.

    Raises:
        TooManyChanges: The transaction has to be rolled back.
    """
    if limit is None or not tally.limited:
        return
    counted = read_count(connection).counted
    if is_too_many(limit, contacts=0, counted=counted, wanted=tally.limited):
        # Counting all contacts takes a while: it is done only where a percentage may allow more than its least.
        now = connection.execute(sa.select(sa.func.count()).select_from(contacts)).scalar_one()
        before = now - tally.counts["inserted"] + tally.counts["erased"]
        if is_too_many(limit, contacts=before, counted=counted, wanted=tally.limited):
            raise TooManyChanges(tally.limited, counted, limit.allowed(before))
    add_changes(connection, tally.limited)


def refuse_if_stopped(engine: sa.Engine) -> None:
    """Refuse to import while a batch waits.

    Raises:
        StatusLimitError: A batch was stopped, and nobody has accepted it yet.
    """
    with engine.connect() as connection:
        count = read_count(connection)
    if count.stopped_at is not None:
        msg = (
            f"an import was stopped by its limit of status changes (option `max_status_changes`): it would have changed"
            f" {count.held or 0:,} statuses. Look at `contactdb status`, then let it go on with `contactdb accept`"
        )
        raise StatusLimitError(msg)
