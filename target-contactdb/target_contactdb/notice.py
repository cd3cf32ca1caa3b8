"""Noticing, before an import, what other programs have written into the statuses of contacts."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import replace

import sqlalchemy as sa

from target_contactdb import closing, contact_apply
from target_contactdb import ledger as ledgers
from target_contactdb.addresses import address_hash
from target_contactdb.consent_values import Status
from target_contactdb.database import writing
from target_contactdb.ledger import Ledger, adopt_row, held_of
from target_contactdb.operations import Tally, count, utc_now
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.status_change import adopted_change
from target_contactdb.tables import CHANNELS

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from target_contactdb.consent_values import Held, OptOut
    from target_contactdb.contact_import import ContactImport
    from target_contactdb.ledger import Key
    from target_contactdb.status_change import StatusChange

_BATCH: t.Final = 5000


def notice_others(importing: ContactImport) -> None:
    """Take in every status that another program has written since ours was: an opt-out closes its address for all.

    Args:
        importing: The customer import that is about to begin.
    """
    for channel in CHANNELS:
        while _notice_batch(importing, channel):
            continue


def _notice_batch(importing: ContactImport, channel: str) -> bool:
    contacts = importing.database.contacts
    status, cause = contacts.c[f"{channel}_status"], contacts.c[f"{channel}_unsubscription_cause"]
    differs = sa.or_(
        status.is_distinct_from(contacts.c[f"{channel}_written_status"]),
        cause.is_distinct_from(contacts.c[f"{channel}_written_cause"]),
    )
    changed = sa.select(contacts).where(status != Status.NONE.value, differs).limit(_BATCH).with_for_update()
    with writing(importing.database.engine) as connection:
        rows = connection.execute(changed).mappings().all()
        if rows:
            _take_in(connection, importing, channel, rows, utc_now())
    return bool(rows)


def _take_in(
    connection: sa.Connection, importing: ContactImport, channel: str, rows: Sequence[sa.RowMapping], now: dt.datetime
) -> None:
    database, operation_id = importing.database, importing.operation_id
    written = {"updated_at": now, "last_operation_id": operation_id}
    changes: list[tuple[int, StatusChange]] = []
    told: list[tuple[Key, OptOut]] = []
    found: list[tuple[int, str, Held]] = []
    opted_out: list[int] = []
    for row in rows:
        digest = address_hash(database.salt, channel, row.get(ADDRESS_PROPERTY[channel]))
        before = replace(held_of(row, channel), address_hash=digest)
        held, opt_out = adopt_row(row, channel, before, now=now, policy=importing.policy)
        found.append((row["contact_id"], channel, held))
        if held != before:
            changes.append((row["contact_id"], adopted_change(channel, row, held)))
        if opt_out is not None:
            opted_out.append(row["contact_id"])
            if digest is not None:
                told.append(((channel, digest), opt_out))
    contact_apply.write_followers(connection, database.contacts, found, **written)
    ledgers.answer_sources(connection, database.contacts, channel, opted_out)
    ledger = Ledger(ledgers.load(connection, {key for key, _opt_out in told}))
    holders = closing.tell(connection, database, ledger, told, importing.policy)
    changes += closing.follow_closed(connection, database, ledger, holders, **written)
    ledgers.save(connection, ledger)
    contact_apply.write_changes(connection, importing.loader, changes, operation_id=operation_id, now=now)
    tally = Tally(Counter(change.change.value for _contact, change in changes))
    count(connection, operation_id, importing.stream, tally, records_read=0)
