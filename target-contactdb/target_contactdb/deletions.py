"""Customers that a complete listing of a shop did not name are deleted there, and so may be their contacts' reason.

Nothing is concluded of a customer that was first seen after the listing began, nor from a listing that another run has
overtaken, nor from one with a record that does not say whose it is.
"""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from target_contactdb import contact_apply
from target_contactdb import ledger as ledgers
from target_contactdb.consent_values import Status
from target_contactdb.consents_import import NAMELESS
from target_contactdb.database import writing
from target_contactdb.errors import StatusLimitError, StreamError
from target_contactdb.ledger import Ledger, adopt_row, held_of
from target_contactdb.letting_go import let_go
from target_contactdb.operations import OperationState, Tally, count, is_running, utc_now
from target_contactdb.status_change import decided_change
from target_contactdb.status_count import note_stop
from target_contactdb.status_gate import TooManyChanges, pass_gate
from target_contactdb.tables import CHANNELS, contact_sources, listed_sources, operations

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from target_contactdb.consent_values import Held
    from target_contactdb.consents_import import ConsentsImport
    from target_contactdb.status_change import StatusChange

_BATCH: t.Final = 5000


def conclude(importing: ConsentsImport, began: dt.datetime) -> int:
    """Mark the sources that the listing did not name as deleted, and unsubscribe the contacts that have no other.

    All of it is committed, or nothing.

    Args:
        importing: The consents import whose stream is complete.
        began: When the listing began, by the shop's clock, UTC.

    Returns:
        How many customers turned out to be deleted.

    Raises:
        StreamError: The listing cannot be trusted.
        StatusLimitError: Too many statuses would change: nothing is written.
    """
    try:
        with writing(importing.database.engine) as connection:
            _refuse_doubtful(connection, importing)
            now, tally = utc_now(), Tally()
            gone = _mark_deleted(connection, importing, began, now)
            for rows in _left_alone(connection, importing):
                _let_go(connection, importing, rows, tally, began, now)
            count(connection, importing.operation_id, importing.stream, tally, records_read=0)
            mine = listed_sources.c.operation_id == importing.operation_id
            connection.execute(sa.delete(listed_sources).where(mine))
            pass_gate(connection, importing.limit, tally)
    except TooManyChanges as stop:
        with writing(importing.database.engine) as connection:
            note_stop(connection, stop.wanted, utc_now())
        raise StatusLimitError(stop.told()) from None
    return gone


def forget_listings(engine: sa.Engine) -> None:
    """Throw away what listings have left behind that never became complete."""
    running = sa.select(operations.c.operation_id).where(operations.c.state == OperationState.RUNNING.value)
    with writing(engine) as connection:
        connection.execute(sa.delete(listed_sources).where(listed_sources.c.operation_id.not_in(running)))


def _refuse_doubtful(connection: sa.Connection, importing: ConsentsImport) -> None:
    if not is_running(connection, importing.operation_id):
        msg = f"stream `{importing.stream}`: another run reads it by now, so nothing is concluded from this one"
        raise StreamError(msg)
    nameless = sa.select(listed_sources.c.customer_id).where(
        listed_sources.c.operation_id == importing.operation_id, listed_sources.c.customer_id == NAMELESS
    )
    if connection.execute(nameless).first() is not None:
        msg = f"stream `{importing.stream}`: a record has no `id`, so nothing is concluded about who is missing"
        raise StreamError(msg)


def _mark_deleted(connection: sa.Connection, importing: ConsentsImport, began: dt.datetime, now: dt.datetime) -> int:
    """Mark the customers that the listing did not name."""
    sources = contact_sources
    started = sa.select(operations.c.started_at).where(operations.c.operation_id == importing.operation_id)
    # Two clocks may differ: who is later than either of them is left for the next listing.
    before = min(began, connection.execute(started).scalar_one())
    named = sa.exists().where(
        listed_sources.c.operation_id == importing.operation_id,
        listed_sources.c.customer_id == sources.c.customer_id,
    )
    unlisted = (
        sa.update(sources)
        .where(sources.c.shop == importing.shop, sources.c.deleted_at.is_(None))
        .where(sources.c.first_seen_at < before, ~named)
    )
    return connection.execute(unlisted.values(deleted_at=now)).rowcount


def _left_alone(connection: sa.Connection, importing: ConsentsImport) -> Iterator[Sequence[sa.RowMapping]]:
    """Yield, a batch at a time, the subscribed contacts of this shop that no customer of any shop stands behind."""
    if importing.policy.deleted_cause is None:
        return
    contacts, sources = importing.database.contacts, contact_sources
    mine = sources.c.contact_id == contacts.c.contact_id
    last = 0
    while True:
        alone = (
            sa.select(contacts)
            .where(contacts.c.contact_id > last)
            .where(sa.or_(*(contacts.c[f"{channel}_status"] == Status.SUBSCRIBED.value for channel in CHANNELS)))
            .where(sa.exists().where(mine, sources.c.shop == importing.shop))
            .where(sa.exists().where(mine, sources.c.owned == sa.true()))
            .where(~sa.exists().where(mine, sources.c.deleted_at.is_(None)))
            .order_by(contacts.c.contact_id)
            .limit(_BATCH)
            .with_for_update()
        )
        rows = connection.execute(alone).mappings().all()
        if not rows:
            return
        yield rows
        last = rows[-1]["contact_id"]


def _let_go(
    connection: sa.Connection,
    importing: ConsentsImport,
    rows: Sequence[sa.RowMapping],
    tally: Tally,
    began: dt.datetime,
    now: dt.datetime,
) -> None:
    policy, operation_id = importing.policy, importing.operation_id
    hashes = {(channel, row[f"{channel}_address_hash"]) for row in rows for channel in CHANNELS}
    ledger = Ledger(ledgers.load(connection, {key for key in hashes if key[1] is not None}))
    evidence = (
        f"no customer behind this contact exists: not among those that the shop listed at {began:%Y-%m-%dT%H:%M:%SZ}"
    )
    found: list[tuple[int, str, Held]] = []
    changes: list[tuple[int, StatusChange]] = []
    for row in rows:
        for channel in CHANNELS:
            held = held_of(row, channel)
            # What another program has just written is for the next import to notice.
            if adopt_row(row, channel, held, now=now, policy=policy)[0] != held:
                continue
            opt_out = ledger.get(channel, held.address_hash)
            decision = let_go(
                held, policy.deleted_cause, opt_out, owned=True, at=began, evidence=evidence, policy=policy
            )
            if decision is not None:
                found.append((row["contact_id"], channel, decision.held))
                changes.append((row["contact_id"], decided_change(channel, held, decision)))
    contact_apply.write_followers(
        connection, importing.database.contacts, found, updated_at=now, last_operation_id=operation_id
    )
    contact_apply.write_changes(connection, importing.loader, changes, operation_id=operation_id, now=now)
    tally.add_changes(change for _contact, change in changes)
