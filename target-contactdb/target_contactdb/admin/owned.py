"""Everything that is held on a person, for the person: what a data-subject request asks for, and its erasure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.belongings import TABLES_OF_CONTACTS, find_belongings
from target_contactdb.erasure import erase_contact
from target_contactdb.tables import checkout_lines, checkouts, operation_records, suppressions

if t.TYPE_CHECKING:
    import datetime as dt

    from target_contactdb.admin.cards import Contact
    from target_contactdb.admin.connect import Opened

Rows: t.TypeAlias = "list[dict[str, t.Any]]"


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure removed.

    Attributes:
        contact_id: The contact that was.
        removed: How many rows went, by table.
    """

    contact_id: int
    removed: dict[str, int]


def erase(database: Opened, contact: Contact, now: dt.datetime) -> Erased:
    """Erase a contact out of every table, and leave a tombstone.

    Args:
        database: The contact database, to be written.
        contact: The contact.
        now: The time of this write, UTC.
    """
    contact_id = contact["contact_id"]
    return Erased(contact_id, erase_contact(database.connection, database.database, contact_id, now))


def everything_on(database: Opened, contact: Contact) -> dict[str, Rows]:
    """Return all rows that are held on a person, by table, under the names of their columns.

    Args:
        database: The contact database.
        contact: The person's contact.
    """
    contact_id = contact["contact_id"]
    found = find_belongings(database.connection, database.contacts, database.salt, contact_id)
    answer: dict[str, Rows] = {"contacts": [dict(contact)]}
    for table in reversed(TABLES_OF_CONTACTS):
        answer[table.name] = _rows(database, table, table.c.contact_id == contact_id)
    answer["checkouts"] = _of_checkouts(database, checkouts, checkouts.c.id, found.checkouts)
    answer["checkout_lines"] = _of_checkouts(database, checkout_lines, checkout_lines.c.checkout_id, found.checkouts)
    answer["suppressions"] = [
        row
        for channel, digest in sorted(found.addresses)
        for row in _rows(
            database, suppressions, suppressions.c.channel == channel, suppressions.c.address_hash == digest
        )
    ]
    answer["operation_records"] = [
        row for one in found.records for row in _rows(database, operation_records, operation_records.c.record_id == one)
    ]
    return answer


def _of_checkouts(
    database: Opened, table: sa.Table, number: sa.Column[t.Any], keys: t.Iterable[tuple[str, int]]
) -> Rows:
    return [row for shop, one in keys for row in _rows(database, table, table.c.shop == shop, number == one)]


def _rows(database: Opened, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> Rows:
    statement = sa.select(table).where(*conditions).order_by(*table.primary_key.columns)
    return [dict(row) for row in database.connection.execute(statement).mappings()]
