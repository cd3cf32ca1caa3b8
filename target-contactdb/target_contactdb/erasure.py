"""Erasing a person: out of every table, with a tombstone of hashes left behind."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import sqlalchemy as sa

from target_contactdb.belongings import TABLES_OF_CONTACTS, find_belongings, named_addresses
from target_contactdb.contact_lookup import source_hash
from target_contactdb.tables import checkout_lines, checkouts, contact_sources, operation_records, tombstones

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from target_contactdb.belongings import Belongings, Source, Stranger
    from target_contactdb.database import Database
    from target_contactdb.ledger import Key
    from target_contactdb.operations import SetAside


def erase_customer(
    connection: sa.Connection, database: Database, source: Source, named: Iterable[Key], now: dt.datetime
) -> None:
    """Erase one customer's contact, with all its sources, checkouts, status changes and kept records.

    Args:
        connection: In a transaction.
        database: The contact database.
        source: The customer that Shopify has redacted.
        named: The addresses, as hashes, that the record itself still names.
        now: The time of this write.
    """
    contact_id = _contact_of(connection, database, source)
    found = find_belongings(connection, database.contacts, database.salt, contact_id, [source], named)
    _erase(connection, database, found, now)


def erase_contact(connection: sa.Connection, database: Database, contact_id: int, now: dt.datetime) -> dict[str, int]:
    """Erase one contact, with all its sources, checkouts, status changes and kept records.

    Args:
        connection: In a transaction.
        database: The contact database.
        contact_id: The contact.
        now: The time of this write.

    Returns:
        How many rows went, by table.
    """
    found = find_belongings(connection, database.contacts, database.salt, contact_id)
    return _erase(connection, database, found, now)


def erase_stranger(
    connection: sa.Connection, database: Database, stranger: Stranger, now: dt.datetime
) -> dict[str, int]:
    """Erase somebody who is no contact: checkouts and kept records.

    Args:
        connection: In a transaction.
        database: The contact database.
        stranger: The person.
        now: The time of this write.

    Returns:
        How many rows went, by table.
    """
    found = find_belongings(connection, database.contacts, database.salt, None, stranger.sources, stranger.addresses)
    return _erase(connection, database, found, now)


def without_erased(connection: sa.Connection, salt: str, asides: Iterable[SetAside]) -> list[SetAside]:
    """Return records that were set aside as they may be kept: one that names an erased address is not kept itself."""
    kept = []
    for aside in asides:
        named = named_addresses(salt, aside.record or {})
        stones = sa.or_(
            sa.false(), *(sa.and_(tombstones.c.kind == kind, tombstones.c.hash == digest) for kind, digest in named)
        )
        is_erased = bool(named) and connection.execute(sa.select(tombstones.c.hash).where(stones)).first() is not None
        kept.append(replace(aside, record=None) if is_erased else aside)
    return kept


def _erase(connection: sa.Connection, database: Database, found: Belongings, now: dt.datetime) -> dict[str, int]:
    gone = dict.fromkeys(("checkout_lines", "checkouts", "operation_records"), 0)
    for shop, number in found.checkouts:
        lines = sa.delete(checkout_lines).where(checkout_lines.c.shop == shop, checkout_lines.c.checkout_id == number)
        gone["checkout_lines"] += connection.execute(lines).rowcount
        cart = sa.delete(checkouts).where(checkouts.c.shop == shop, checkouts.c.id == number)
        gone["checkouts"] += connection.execute(cart).rowcount
    for record_id in found.records:
        record = sa.delete(operation_records).where(operation_records.c.record_id == record_id)
        gone["operation_records"] += connection.execute(record).rowcount
    if found.contact_id is not None:
        for table in (*TABLES_OF_CONTACTS, database.contacts):
            mine = sa.delete(table).where(table.c.contact_id == found.contact_id)
            gone[table.name] = connection.execute(mine).rowcount
    sources = {("source", source_hash(database.salt, *one)) for one in found.sources}
    _bury(connection, found.addresses | sources, now)
    return gone


def _contact_of(connection: sa.Connection, database: Database, source: Source) -> int | None:
    shop, customer_id = source
    linked = sa.select(contact_sources.c.contact_id).where(
        contact_sources.c.shop == shop, contact_sources.c.customer_id == customer_id
    )
    by_code = sa.select(database.contacts.c.contact_id).where(database.contacts.c.user_code == str(customer_id))
    found: int | None = connection.execute(linked).scalar_one_or_none()
    return found if found is not None else connection.execute(by_code).scalar_one_or_none()


def _bury(connection: sa.Connection, hashes: Iterable[Key], now: dt.datetime) -> None:
    for kind, digest in sorted(hashes):
        same = sa.and_(tombstones.c.kind == kind, tombstones.c.hash == digest)
        known = connection.execute(sa.update(tombstones).where(same).values(erased_at=now))
        if not known.rowcount:
            connection.execute(sa.insert(tombstones).values(kind=kind, hash=digest, erased_at=now))
