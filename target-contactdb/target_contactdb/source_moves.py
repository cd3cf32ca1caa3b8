"""Moving a source from one contact to another, where a changed key says that it belongs there."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.contact_merge import Merging
from target_contactdb.keys import Merge
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.tables import checkouts, contact_sources, contact_status_columns, flow_entries

if t.TYPE_CHECKING:
    import datetime as dt

    from target_contactdb.consent_values import Policy
    from target_contactdb.contact_lookup import Row
    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader
    from target_contactdb.key_rules import Verdict
    from target_contactdb.status_change import StatusChange

_STATUS_NAMES: t.Final = tuple(column.name for column in contact_status_columns())


@dataclass(frozen=True, slots=True)
class SourceMoves:
    """Moves the sources of one shop, in the transaction of their batch.

    Attributes:
        connection: In a transaction that writes alone.
        loader: The engine's loader.
        database: The contact database.
        policy: The consent options.
        operation_id: The operation in the log.
        now: The time of this write, UTC.
    """

    connection: sa.Connection
    loader: Loader
    database: Database
    policy: Policy
    operation_id: int
    now: dt.datetime

    def move(self, row: Row, verdict: Verdict) -> list[StatusChange]:
        """Bring a source to where the keys say, and return the status changes, which are logged.

        Args:
            row: What the database knows of the source and of its contact.
            verdict: It leaves its contact, joins another one, or both.
        """
        contact_id: int = row["contact_id"]
        if verdict.leaves:
            contact_id = self._leave(row)
        if verdict.joins is None:
            return []
        merging = Merging(self.connection, self.database, self.policy, self.now, self.operation_id)
        changes = merging.run([Merge(verdict.joins, (contact_id,))])
        # The contact was not made for this source.
        self.connection.execute(sa.update(contact_sources).where(*_is_source(row)).values(owned=False))
        return changes

    def _leave(self, row: Row) -> int:
        """Give a source a contact of its own, with the statuses of the one that it shared, and return its id.

        What the person told stays with the person, and which of it counts for a new address is decided as for any
        contact whose address changes. Of the fields only an address comes along that the source itself names.
        """
        contacts, shared = self.database.contacts, row["contact_id"]
        (contact_id,) = self.loader.new_contact_ids(self.connection, 1)
        found = sa.select(contacts).where(contacts.c.contact_id == shared)
        old = self.connection.execute(found).mappings().one()
        values = {name: old[name] for name in _STATUS_NAMES}
        values |= {
            name: old[name]
            for channel, name in ADDRESS_PROPERTY.items()
            if name in contacts.c
            and name not in self.database.keys.indexed
            and row[f"source_{channel}_address"] == old[name]
        }
        values |= {
            "contact_id": contact_id,
            "user_code": self._take_code(row, old["user_code"]),
            "created_at": self.now,
            "updated_at": old["updated_at"],
            "last_operation_id": self.operation_id,
        }
        self.connection.execute(sa.insert(contacts).values(values))
        self._relink(row, contact_id)
        return contact_id

    def _take_code(self, row: Row, code_of_shared: str | None) -> str | None:
        """Return the user code for a source's own contact; one that it leaves behind goes over to another source."""
        code = str(row["source_customer_id"])
        contacts = self.database.contacts
        if code_of_shared == code:
            left = [str(one["customer_id"]) for one in row["others"]]
            taken = sa.select(contacts.c.user_code).where(contacts.c.user_code.in_(left))
            free = sorted(set(left) - set(self.connection.execute(taken).scalars()))
            given = sa.update(contacts).where(contacts.c.contact_id == row["contact_id"])
            self.connection.execute(given.values(user_code=free[0] if free else None))
            return code
        held = sa.select(contacts.c.contact_id).where(contacts.c.user_code == code)
        return None if self.connection.execute(held).first() is not None else code

    def _relink(self, row: Row, contact_id: int) -> None:
        shop, customer_id, shared = row["source_shop"], row["source_customer_id"], row["contact_id"]
        self.connection.execute(
            sa.update(contact_sources).where(*_is_source(row)).values(contact_id=contact_id, owned=True)
        )
        if row["source_owned"]:
            # The contact that it leaves was made by an import as well.
            left = contact_sources.c.contact_id == shared
            self.connection.execute(sa.update(contact_sources).where(left).values(owned=True))
        mine = (checkouts.c.shop == shop, checkouts.c.customer_id == customer_id, checkouts.c.contact_id == shared)
        entered = (
            flow_entries.c.contact_id == shared,
            flow_entries.c.shop == shop,
            flow_entries.c.checkout_id.in_(sa.select(checkouts.c.id).where(*mine)),
        )
        self.connection.execute(sa.update(flow_entries).where(*entered).values(contact_id=contact_id))
        self.connection.execute(sa.update(checkouts).where(*mine).values(contact_id=contact_id))


def _is_source(row: Row) -> tuple[sa.ColumnElement[bool], ...]:
    columns = contact_sources.c
    return columns.shop == row["source_shop"], columns.customer_id == row["source_customer_id"]
