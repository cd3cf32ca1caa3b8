"""The gate of status changes: a batch that would change too many is rolled back, and waits for a person."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from target_contactdb.errors import StatusLimitError
from target_contactdb.operations import OperationState
from target_contactdb.status_count import add_changes, read_count, try_again
from target_contactdb.status_limit import is_too_many
from target_contactdb.tables import contacts, operations

if t.TYPE_CHECKING:
    from collections import Counter

    from target_contactdb.operations import Tally
    from target_contactdb.status_limit import Limit


class TooManyChanges(Exception):
    """A batch would change more statuses than may change before a person has looked.

    Attributes:
        changes: How many it would change, by change and cause.
        wanted: How many it would change.
        counted: How many were counted before it; below zero, so many more were accepted beforehand.
        allowed: How many may be.
    """

    def __init__(self, changes: Counter[tuple[str, str | None]], counted: int, allowed: int) -> None:
        self.changes, self.wanted, self.counted, self.allowed = changes, changes.total(), counted, allowed
        super().__init__()

    def told(self) -> str:
        """Return what happened and what to do, in one line."""
        counted = f", {self.counted:,} were counted before it" if self.counted > 0 else ""
        beforehand = f" and the {-self.counted:,} accepted beforehand" if self.counted < 0 else ""
        return (
            f"this batch would change {_statuses(self.wanted)} ({_named(self.changes)}){counted}, more than the"
            f" {self.allowed:,} that the option `max_status_changes` allows{beforehand}: of it only opt-outs and"
            f" erasures are taken in. {_WHAT_TO_DO}"
        )


_WHAT_TO_DO: t.Final = (
    "Look at `contactdb status`, then let it go on with `contactdb accept`; raising `max_status_changes` alone does not"
)


def _named(changes: Counter[tuple[str, str | None]]) -> str:
    """Return how many changes there are of each kind and cause, the most frequent first."""
    ordered = sorted(changes.items(), key=lambda one: (-one[1], one[0][0], one[0][1] or ""))
    return "; ".join(f"{number:,} {change}{f': `{cause}`' if cause else ''}" for (change, cause), number in ordered)


def _statuses(number: int) -> str:
    return f"{number:,} status{'' if number == 1 else 'es'}"


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
    counted, wanted = read_count(connection).counted, tally.limited.total()
    if is_too_many(limit, contacts=0, counted=counted, wanted=wanted):
        # Counting all contacts takes a while: it is done only where a percentage may allow more than its least.
        now = connection.execute(sa.select(sa.func.count()).select_from(contacts)).scalar_one()
        before = now - tally.counts["inserted"] + tally.counts["erased"]
        if is_too_many(limit, contacts=before, counted=counted, wanted=wanted):
            raise TooManyChanges(tally.limited, counted, limit.allowed(before))
    add_changes(connection, wanted)


def refuse_if_stopped(engine: sa.Engine, shop: str, fingerprint: str) -> None:
    """Refuse to import while a batch waits.

    Under other options the batch may bring other changes, so the shop that was stopped may try again: the count stays,
    and the limit holds. Everyone is decided again, since earlier batches may have gone through.

    Args:
        engine: Of the contact database.
        shop: The shop of the import.
        fingerprint: Of its settings.

    Raises:
        StatusLimitError: A batch was stopped, and nobody has accepted it yet.
    """
    with engine.begin() as connection:
        count = read_count(connection)
        if count.stopped_at is not None and _has_changed(connection, shop, fingerprint):
            try_again(connection)
            return
    if count.stopped_at is not None:
        msg = (
            f"an import was stopped by its limit of status changes (option `max_status_changes`): it would have changed"
            f" {_statuses(count.held or 0)}. {_WHAT_TO_DO}"
        )
        raise StatusLimitError(msg)


def _has_changed(connection: sa.Connection, shop: str, fingerprint: str) -> bool:
    """Tell whether the settings are not those of the import that was stopped, and the shop is the same."""
    columns = operations.c
    stopped = (
        sa.select(columns.shop, columns.fingerprint)
        .where(columns.state == OperationState.STOPPED.value)
        .order_by(columns.operation_id.desc())
        .limit(1)
    )
    found = connection.execute(stopped).one_or_none()
    return found is not None and found.shop == shop and found.fingerprint != fingerprint
