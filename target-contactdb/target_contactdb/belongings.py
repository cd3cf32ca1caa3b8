"""Everything that the contact database holds about one person, wherever it lies: for erasing and for handing out."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.addresses import address_hash
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.tables import CHANNELS, checkouts, contact_sources, metadata, operation_records

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from target_contactdb.ledger import Key

Source: t.TypeAlias = tuple[str, int]
"""Shop and customer id."""

# Where a kept record may name an address, by channel.
_ADDRESS_NAMES: t.Final = {"email": ("email", "customer_email"), "sms": ("phone", "customer_phone")}

TABLES_OF_CONTACTS: t.Final = tuple(
    table
    for table in reversed(metadata.sorted_tables)
    if "contact_id" in table.c and table.name not in {"contacts", "checkouts"}
)
"""The tables whose rows belong to a contact, each before those that it refers to."""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What belongs to one person, but for the rows that name its contact.

    Attributes:
        contact_id: The contact; None for a customer who never became one.
        sources: Its customers in Shopify.
        addresses: Its addresses, as hashes.
        checkouts: Its checkouts, those among them that it began as a guest with one of its addresses.
        records: Ids of kept records that name it.
    """

    contact_id: int | None
    sources: frozenset[Source]
    addresses: frozenset[Key]
    checkouts: tuple[Source, ...]
    records: tuple[int, ...]


def find_belongings(
    connection: sa.Connection,
    contacts: sa.Table,
    salt: str,
    contact_id: int | None,
    sources: Iterable[Source] = (),
    addresses: Iterable[Key] = (),
) -> Belongings:
    """Find what belongs to one person.

    Args:
        connection: In a transaction.
        contacts: `contacts` with all its contact fields.
        salt: The database's secret.
        contact_id: The contact, if there is one.
        sources: Customers that are known to be this person.
        addresses: Addresses that are known to be this person's.
    """
    customers, hashes = set(sources), set(addresses)
    if contact_id is not None:
        mine = sa.select(contact_sources).where(contact_sources.c.contact_id == contact_id)
        for row in connection.execute(mine).mappings():
            customers.add((row["shop"], row["customer_id"]))
            hashes |= _hashes(salt, ((channel, row[f"{channel}_address"]) for channel in CHANNELS))
        held = connection.execute(sa.select(contacts).where(contacts.c.contact_id == contact_id)).mappings().one()
        hashes |= _hashes(salt, ((channel, held.get(name)) for channel, name in ADDRESS_PROPERTY.items()))
    return Belongings(
        contact_id,
        frozenset(customers),
        frozenset(hashes),
        tuple(_checkouts(connection, salt, contact_id, customers, hashes)),
        tuple(_kept_records(connection, salt, customers, hashes)),
    )


def _hashes(salt: str, addresses: Iterable[tuple[str, str | None]]) -> set[Key]:
    hashed = ((channel, address_hash(salt, channel, address)) for channel, address in addresses)
    return {(channel, digest) for channel, digest in hashed if digest is not None}


def _checkouts(
    connection: sa.Connection, salt: str, contact_id: int | None, customers: set[Source], hashes: set[Key]
) -> list[Source]:
    key = (checkouts.c.shop, checkouts.c.id)
    found: set[Source] = set()
    if contact_id is not None:
        linked = sa.select(*key).where(checkouts.c.contact_id == contact_id)
        found |= {(shop, number) for shop, number in connection.execute(linked)}
    for shop, customer_id in customers:
        own = sa.select(*key).where(checkouts.c.shop == shop, checkouts.c.customer_id == customer_id)
        found |= {(shop, number) for shop, number in connection.execute(own)}
    guests = sa.select(*key, checkouts.c.customer_email, checkouts.c.customer_phone).where(
        checkouts.c.contact_id.is_(None),
        sa.or_(checkouts.c.customer_email.is_not(None), checkouts.c.customer_phone.is_not(None)),
    )
    found |= {
        (shop, number)
        for shop, number, email, phone in connection.execute(guests)
        if _hashes(salt, (("email", email), ("sms", phone))) & hashes
    }
    return sorted(found)


def _kept_records(connection: sa.Connection, salt: str, customers: set[Source], hashes: set[Key]) -> list[int]:
    numbers = {customer_id for _shop, customer_id in customers}
    kept = sa.select(operation_records.c.record_id, operation_records.c.record).where(
        operation_records.c.record.is_not(None)
    )
    found = []
    for record_id, record in connection.execute(kept):
        told = [(channel, record.get(name)) for channel, names in _ADDRESS_NAMES.items() for name in names]
        texts = ((channel, value) for channel, value in told if isinstance(value, str))
        is_named = record.get("id") in numbers or record.get("customer_id") in numbers
        if is_named or _hashes(salt, texts) & hashes:
            found.append(record_id)
    return found
