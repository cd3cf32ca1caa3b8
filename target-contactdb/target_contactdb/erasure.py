"""Erasing a person: out of every table, with a tombstone of hashes left behind."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from target_contactdb.addresses import address_hash
from target_contactdb.contact_lookup import source_hash
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.tables import (
    CHANNELS,
    checkout_lines,
    checkouts,
    contact_sources,
    operation_records,
    status_changes,
    tombstones,
)

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from target_contactdb.database import Database
    from target_contactdb.ledger import Key

Source: t.TypeAlias = tuple[str, int]
"""Shop and customer id."""

# Where a kept record may name an address, by channel.
_ADDRESS_NAMES: t.Final = {"email": ("email", "customer_email"), "sms": ("phone", "customer_phone")}


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
    sources, addresses = {source}, set(named)
    if contact_id is not None:
        mine = sa.select(contact_sources).where(contact_sources.c.contact_id == contact_id)
        for row in connection.execute(mine).mappings():
            sources.add((row["shop"], row["customer_id"]))
            addresses |= _hashes(database.salt, ((channel, row[f"{channel}_address"]) for channel in CHANNELS))
        contact = sa.select(database.contacts).where(database.contacts.c.contact_id == contact_id)
        held = connection.execute(contact).mappings().one()
        addresses |= _hashes(database.salt, ((channel, held.get(name)) for channel, name in ADDRESS_PROPERTY.items()))
    _delete_checkouts(connection, database.salt, sources, addresses)
    _delete_kept_records(connection, database.salt, sources, addresses)
    if contact_id is not None:
        for table in (status_changes, contact_sources, database.contacts):
            connection.execute(sa.delete(table).where(table.c.contact_id == contact_id))
    _bury(connection, addresses | {("source", source_hash(database.salt, *one)) for one in sources}, now)


def _contact_of(connection: sa.Connection, database: Database, source: Source) -> int | None:
    shop, customer_id = source
    linked = sa.select(contact_sources.c.contact_id).where(
        contact_sources.c.shop == shop, contact_sources.c.customer_id == customer_id
    )
    by_code = sa.select(database.contacts.c.contact_id).where(database.contacts.c.user_code == str(customer_id))
    found: int | None = connection.execute(linked).scalar_one_or_none()
    return found if found is not None else connection.execute(by_code).scalar_one_or_none()


def _hashes(salt: str, addresses: Iterable[tuple[str, str | None]]) -> set[Key]:
    hashed = ((channel, address_hash(salt, channel, address)) for channel, address in addresses)
    return {(channel, digest) for channel, digest in hashed if digest is not None}


def _delete_checkouts(connection: sa.Connection, salt: str, sources: set[Source], addresses: set[Key]) -> None:
    """Delete the person's checkouts, those of a guest with one of the addresses among them."""
    guests = sa.select(checkouts.c.shop, checkouts.c.id, checkouts.c.customer_email, checkouts.c.customer_phone).where(
        checkouts.c.contact_id.is_(None),
        sa.or_(checkouts.c.customer_email.is_not(None), checkouts.c.customer_phone.is_not(None)),
    )
    doomed = [
        (shop, number)
        for shop, number, email, phone in connection.execute(guests)
        if _hashes(salt, (("email", email), ("sms", phone))) & addresses
    ]
    for shop, customer_id in sources:
        own = sa.select(checkouts.c.id).where(checkouts.c.shop == shop, checkouts.c.customer_id == customer_id)
        doomed += [(shop, number) for number in connection.execute(own).scalars()]
    for shop, number in doomed:
        connection.execute(
            sa.delete(checkout_lines).where(checkout_lines.c.shop == shop, checkout_lines.c.checkout_id == number)
        )
        connection.execute(sa.delete(checkouts).where(checkouts.c.shop == shop, checkouts.c.id == number))


def _delete_kept_records(connection: sa.Connection, salt: str, sources: set[Source], addresses: set[Key]) -> None:
    numbers = {customer_id for _shop, customer_id in sources}
    kept = sa.select(operation_records.c.record_id, operation_records.c.record).where(
        operation_records.c.record.is_not(None)
    )
    for record_id, record in connection.execute(kept).all():
        told = [(channel, record.get(name)) for channel, names in _ADDRESS_NAMES.items() for name in names]
        texts = ((channel, value) for channel, value in told if isinstance(value, str))
        is_named = record.get("id") in numbers or record.get("customer_id") in numbers
        if is_named or _hashes(salt, texts) & addresses:
            connection.execute(sa.delete(operation_records).where(operation_records.c.record_id == record_id))


def _bury(connection: sa.Connection, hashes: set[Key], now: dt.datetime) -> None:
    for kind, digest in sorted(hashes):
        same = sa.and_(tombstones.c.kind == kind, tombstones.c.hash == digest)
        known = connection.execute(sa.update(tombstones).where(same).values(erased_at=now))
        if not known.rowcount:
            connection.execute(sa.insert(tombstones).values(kind=kind, hash=digest, erased_at=now))
