"""Everything that the contact database holds about one person, wherever it lies: for erasing and for handing out."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.addresses import address_hash
from target_contactdb.fields import to_integer
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.tables import CHANNELS, checkouts, contact_sources, metadata, operation_records, operations

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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
    numbers = {number for _shop, number in customers}
    return [
        kept.record_id
        for kept in _kept(connection, numbers)
        if kept.customer_id in numbers or kept.addresses(salt) & hashes
    ]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A row of `operation_records`, as far as it names somebody."""

    record_id: int
    shop: str
    key: str | None
    record: Mapping[str, t.Any] | None

    @property
    def is_of_checkout(self) -> bool:
        return self.record is not None and "customer_id" in self.record

    @property
    def customer_id(self) -> int | None:
        number = self.key if self.record is None else self.record.get("customer_id" if self.is_of_checkout else "id")
        try:
            return None if number is None else to_integer(number)
        except ValueError:
            return None

    def addresses(self, salt: str) -> set[Key]:
        return named_addresses(salt, self.record or {})


def _kept(connection: sa.Connection, numbers: Iterable[int]) -> Iterator[_Kept]:
    """Return the rows that may name some customers, or any address."""
    rows = operation_records.c
    keys = [str(number) for number in numbers]
    statement = (
        sa.select(rows.record_id, operations.c.shop, rows.key, rows.record)
        .join(operations, operations.c.operation_id == rows.operation_id)
        .where(sa.or_(rows.record.is_not(None), rows.key.in_(keys)))
    )
    for row in connection.execute(statement):
        yield _Kept(*row)


def named_addresses(salt: str, record: Mapping[str, t.Any]) -> set[Key]:
    """Return the addresses that a record of any stream names, as hashes."""
    told = ((channel, record.get(name)) for channel, names in _ADDRESS_NAMES.items() for name in names)
    return _hashes(salt, ((channel, value) for channel, value in told if isinstance(value, str)))


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who is no contact, but whom kept records or checkouts name.

    Attributes:
        sources: Its customers in Shopify.
        addresses: Its addresses, as hashes.
    """

    sources: frozenset[Source]
    addresses: frozenset[Key]


def as_number(key: str) -> int | None:
    """Return the number that a key is; None if it is none, or too long for a column."""
    return int(key) if key.isascii() and key.isdecimal() and len(key) < _LONGEST_NUMBER else None


def find_stranger(connection: sa.Connection, salt: str, key: str) -> Stranger | None:
    """Find somebody who is no contact.

    Args:
        connection: In a transaction.
        salt: The database's secret.
        key: User code, e-mail address or phone number.

    Returns:
        None if nothing that is kept names such a person.
    """
    number = as_number(key)
    numbers = set() if number is None else {number}
    wanted = _hashes(salt, [("email" if "@" in key else "sms", key)])
    sources: set[Source] = set()
    addresses: set[Key] = set()
    named = False
    for kept in _kept(connection, numbers):
        told = kept.addresses(salt)
        if (kept.customer_id is None or kept.customer_id not in numbers) and not told & wanted:
            continue
        named = True
        addresses |= told & wanted if kept.is_of_checkout else told
        if kept.customer_id is not None:
            sources.add((kept.shop, kept.customer_id))
    if number is not None:
        waiting = sa.select(checkouts.c.shop).where(checkouts.c.contact_id.is_(None), checkouts.c.customer_id == number)
        sources |= {(shop, number) for shop in connection.execute(waiting).scalars()}
    guests = _checkouts(connection, salt, None, set(), wanted)
    addresses |= wanted if guests else set()
    return Stranger(frozenset(sources), frozenset(addresses)) if named or sources or guests else None


_LONGEST_NUMBER: t.Final = 19
