"""Making one contact of several: its sources, its history and the stricter status stay, the other rows go."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

import sqlalchemy as sa

from target_contactdb import closing
from target_contactdb import ledger as ledgers
from target_contactdb.addresses import address_hash
from target_contactdb.belongings import TABLES_OF_CONTACTS
from target_contactdb.consent_values import Status, change_between
from target_contactdb.contact_apply import write_changes
from target_contactdb.dialects import loader_for
from target_contactdb.ledger import Ledger, adopt_row, held_of, held_values
from target_contactdb.merging import merge_channel
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.status_change import StatusChange
from target_contactdb.status_limit import counts
from target_contactdb.tables import CHANNELS, checkouts, contact_sources, flow_entries, status_changes

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from target_contactdb.consent_values import Held, OptOut, Policy
    from target_contactdb.database import Database
    from target_contactdb.keys import Merge
    from target_contactdb.ledger import Key

_EVIDENCE: t.Final = "became one with contact #{}, which has the same key"

# What belongs to the person and not to the row.
_FOLLOWING: t.Final = (contact_sources, checkouts, status_changes, flow_entries)


@dataclass(frozen=True, slots=True)
class Merging:
    """Merges contacts in one transaction.

    Attributes:
        connection: In a transaction that writes alone.
        database: The contact database.
        policy: The consent options; only the protected causes matter.
        now: The time of this write, UTC.
        operation_id: The operation that does it; None outside of one.
    """

    connection: sa.Connection
    database: Database
    policy: Policy
    now: dt.datetime
    operation_id: int | None = None

    def run(self, merges: Iterable[Merge]) -> list[StatusChange]:
        """Make one contact of each group, and return the status changes, which are logged."""
        changes: list[StatusChange] = []
        for merge in merges:
            for gone in merge.gone:
                changes += self._merge(merge.kept, gone)
        return changes

    def _merge(self, kept_id: int, gone_id: int) -> list[StatusChange]:
        kept, gone = self._row(kept_id), self._row(gone_id)
        changes: list[tuple[int, StatusChange]] = []
        values: dict[str, t.Any] = {"updated_at": self.now}
        told: list[tuple[Key, OptOut]] = []
        for channel in CHANNELS:
            before, heard = self._held(kept, channel)
            other, heard_too = self._held(gone, channel)
            merged = merge_channel(before, other, self.policy)
            values |= held_values(merged.held, channel)
            opt_outs = ((before, heard), (other, heard_too), (before, merged.opt_out))
            told += [
                ((channel, held.address_hash), one)
                for held, one in opt_outs
                if one is not None and held.address_hash is not None
            ]
            change = change_between(before, merged.held)
            if change is not None:
                evidence = _EVIDENCE.format(gone_id)
                limited = counts(change, existed=before.status is not Status.NONE, explicit=False)
                status = StatusChange(channel, change, before.status, merged.held, merged.held.at, evidence, limited)
                changes.append((kept_id, status))
        self._move(kept_id, gone_id)
        contacts = self.database.contacts
        self.connection.execute(sa.delete(contacts).where(contacts.c.contact_id == gone_id))
        self.connection.execute(sa.update(contacts).where(contacts.c.contact_id == kept_id).values(values))
        changes += self._close(told)
        loader = loader_for(self.connection.engine)
        write_changes(self.connection, loader, changes, operation_id=self.operation_id, now=self.now)
        return [change for _contact_id, change in changes]

    def _row(self, contact_id: int) -> sa.RowMapping:
        contacts = self.database.contacts
        wanted = sa.select(contacts).where(contacts.c.contact_id == contact_id)
        return self.connection.execute(wanted).mappings().one()

    def _held(self, row: sa.RowMapping, channel: str) -> tuple[Held, OptOut | None]:
        digest = address_hash(self.database.salt, channel, row.get(ADDRESS_PROPERTY[channel]))
        held = replace(held_of(row, channel), address_hash=digest)
        return adopt_row(row, channel, held, now=self.now, policy=self.policy)

    def _move(self, kept_id: int, gone_id: int) -> None:
        for table in _FOLLOWING:
            mine = sa.update(table).where(table.c.contact_id == gone_id)
            self.connection.execute(mine.values(contact_id=kept_id))
        for table in TABLES_OF_CONTACTS:
            if table not in _FOLLOWING:
                self.connection.execute(sa.delete(table).where(table.c.contact_id == gone_id))

    def _close(self, told: list[tuple[Key, OptOut]]) -> list[tuple[int, StatusChange]]:
        ledger = Ledger(ledgers.load(self.connection, {key for key, _opt_out in told}))
        holders = closing.tell(self.connection, self.database, ledger, told, self.policy)
        followed = closing.follow_closed(self.connection, self.database, ledger, holders, updated_at=self.now)
        ledgers.save(self.connection, ledger)
        return followed
