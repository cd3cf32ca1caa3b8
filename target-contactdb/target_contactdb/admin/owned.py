"""Everything that is held on a person, for the person: what a data-subject request asks for, and its erasure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.admin.cards import NoContactError, find_contact
from target_contactdb.belongings import TABLES_OF_CONTACTS, Stranger, find_belongings, find_stranger
from target_contactdb.erasure import erase_contact, erase_stranger
from target_contactdb.tables import checkout_lines, checkouts, contact_sources, operation_records, suppressions

if t.TYPE_CHECKING:
    import datetime as dt

    from target_contactdb.admin.cards import Contact
    from target_contactdb.admin.connect import Opened

Rows: t.TypeAlias = "list[dict[str, t.Any]]"


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure removed.

    Attributes:
        contact_id: The contact that was; None of somebody who was none.
        removed: How many rows went, by table.
    """

    contact_id: int | None
    removed: dict[str, int]


def find_person(database: Opened, key: str) -> Contact | Stranger:
    """Return the person that somebody means, whether it is a contact or not.

    Args:
        database: The contact database.
        key: As `find_contact` takes it.

    Raises:
        ContactDbError: As `find_contact` does, where nothing that is kept names the person either.
    """
    try:
        return find_contact(database, key)
    except NoContactError:
        stranger = find_stranger(database.connection, database.salt, key.strip())
        if stranger is None:
            raise
    numbers = {number for _shop, number in stranger.sources}
    sources = contact_sources.c
    linked = sa.select(sources.contact_id).where(sources.customer_id.in_(numbers)).distinct()
    contact_ids = list(database.connection.execute(linked).scalars())
    # A customer of a contact that goes by another code or address.
    return find_contact(database, f"#{min(contact_ids)}") if contact_ids else stranger


def erase(database: Opened, person: Contact | Stranger, now: dt.datetime) -> Erased:
    """Erase a person out of every table, and leave a tombstone.

    Args:
        database: The contact database, to be written.
        person: The person.
        now: The time of this write, UTC.
    """
    if isinstance(person, Stranger):
        return Erased(None, erase_stranger(database.connection, database.database, person, now))
    contact_id = person["contact_id"]
    return Erased(contact_id, erase_contact(database.connection, database.database, contact_id, now))


def everything_on(database: Opened, person: Contact | Stranger) -> dict[str, Rows]:
    """Return all rows that are held on a person, by table, under the names of their columns.

    Args:
        database: The contact database.
        person: The person.
    """
    stranger = person if isinstance(person, Stranger) else Stranger(frozenset(), frozenset())
    contact = None if isinstance(person, Stranger) else person
    contact_id = None if contact is None else contact["contact_id"]
    found = find_belongings(
        database.connection, database.contacts, database.salt, contact_id, stranger.sources, stranger.addresses
    )
    answer: dict[str, Rows] = {"contacts": [] if contact is None else [dict(contact)]}
    for table in reversed(TABLES_OF_CONTACTS):
        mine = table.c.contact_id == contact_id if contact is not None else sa.false()
        answer[table.name] = _rows(database, table, mine)
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
