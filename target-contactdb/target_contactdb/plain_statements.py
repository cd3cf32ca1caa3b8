"""The questions and the writes of the plain road, as SQL expressions over whole batches."""

from __future__ import annotations

import typing as t

import msgspec
import sqlalchemy as sa

from target_contactdb.contact_lookup import holder_of
from target_contactdb.dialects.base import staging_table
from target_contactdb.field_rules import field_values
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.settled import settled_sql
from target_contactdb.tables import CHANNELS, CODE, HASH, KEY_TEXT, checkouts, contact_sources, suppressions, tombstones
from target_contactdb.types import UtcDateTime

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from target_contactdb.consent_values import Policy
    from target_contactdb.database import Database
    from target_contactdb.fields import ContactField
    from target_contactdb.mapping import Filled

# What a record says of a channel at all.
SILENT: t.Final = 0
NO_ADDRESS: t.Final = 1
ADDRESS: t.Final = 2

SAID_NAMES: t.Final = ("address", "state", "opt_in_level", "consent_at")
_HELD_NAMES: t.Final = ("status", "status_source", "unsubscription_cause", "status_at", "opted_in_at", "opted_out_at")


def kind_of(address: t.Any, state: t.Any) -> int | None:
    """Return what a record says of a channel; None for half a word, which is for the careful road.

    Args:
        address: As decoded; UNSET if it is not carried.
        state: The same.
    """
    if address is msgspec.UNSET or state is msgspec.UNSET:
        return SILENT if address is state else None
    return ADDRESS if address else NO_ADDRESS


def keys_stage() -> sa.Table:
    """Return the stage of all records: their key, the hash of their content, and what they say of each channel."""
    return staging_table(
        "stage_plain",
        [
            sa.Column("position", sa.Integer),
            sa.Column("customer_id", sa.BigInteger),
            sa.Column("content_hash", HASH),
            *(sa.Column(f"{channel}_kind", sa.SmallInteger) for channel in CHANNELS),
        ],
    )


def new_stage(keys: Sequence[ContactField]) -> sa.Table:
    """Return the stage of the customers that no source row knows.

    Args:
        keys: Key fields that are addresses.
    """
    return staging_table(
        "stage_new",
        [
            sa.Column("position", sa.Integer),
            sa.Column("customer_id", sa.BigInteger),
            sa.Column("user_code", KEY_TEXT),
            sa.Column("source_hash", HASH),
            *(sa.Column(f"{channel}_hash", HASH) for channel in CHANNELS),
            # The address again where the record closes it: whoever holds it has to follow.
            *(sa.Column(f"{channel}_closed", HASH) for channel in CHANNELS),
            *(sa.Column(f"key_{field.name}", KEY_TEXT) for field in keys),
        ],
        unique="customer_id",
    )


def changed_stage(mappings: Sequence[Filled], carried: Sequence[bool]) -> sa.Table:
    """Return the stage of the customers whose record differs from the one before.

    Args:
        mappings: The compiled mappings.
        carried: Which of their sources these records carry.
    """
    fields = [one.field.column() for one, is_carried in zip(mappings, carried, strict=True) if is_carried]
    return staging_table(
        "stage_changed",
        [
            sa.Column("_contact_id", sa.BigInteger),
            sa.Column("_customer_id", sa.BigInteger),
            sa.Column("_updated_at", UtcDateTime),
            sa.Column("_last_order_at", UtcDateTime),
            sa.Column("_content_hash", HASH),
            *fields,
        ],
    )


def not_unchanged(keys: sa.Table, database: Database, shop: str, policy: Policy) -> sa.Select[t.Any]:
    """Return the question which records are not unchanged.

    Each comes with its contact, whether its content is known, whether there would be nothing to decide if it said the
    same of the channels as the record before, when that was updated, and what it said of them (`SAID_NAMES`, channel
    after channel).
    """
    sources = contact_sources
    joined, settled = _settled(
        keys.outerjoin(sources, sa.and_(sources.c.shop == shop, sources.c.customer_id == keys.c.customer_id)),
        database,
        policy,
        [keys.c[f"{channel}_kind"] for channel in CHANNELS],
    )
    if not database.one_source_each:
        settled.append(_is_only_source())
    known = sa.func.coalesce(sources.c.content_hash == keys.c.content_hash, sa.false())
    plain = sa.func.coalesce(sa.and_(sources.c.deleted_at.is_(None), *settled), sa.false())
    said = [sources.c[f"{channel}_{name}"] for channel in CHANNELS for name in SAID_NAMES]
    return (
        sa.select(keys.c.position, sources.c.contact_id, known, plain, sources.c.source_updated_at, *said)
        .select_from(joined)
        .where(sa.not_(sa.and_(known, plain)))
    )


def not_plainly_new(new: sa.Table, database: Database, keys: Sequence[ContactField]) -> sa.Select[t.Any]:
    """Return the question which new customers meet anything that is known: a contact, an opt-out, a tombstone.

    Args:
        new: Their stage.
        database: The contact database.
        keys: The key fields that the stage has values of.
    """
    contacts, dialect = database.contacts, database.engine.dialect
    by_code = contacts.alias("by_code")
    joined: sa.FromClause = new.outerjoin(by_code, by_code.c.user_code == new.c.user_code)
    met = [by_code.c.contact_id.is_not(None)]
    for kind in ("source", *CHANNELS):
        stones = tombstones.alias(f"{kind}_stones")
        joined = joined.outerjoin(stones, sa.and_(stones.c.kind == kind, stones.c.hash == new.c[f"{kind}_hash"]))
        met.append(stones.c.erased_at.is_not(None))
    for channel in CHANNELS:
        outs = suppressions.alias(f"{channel}_outs")
        same = sa.and_(outs.c.channel == channel, outs.c.address_hash == new.c[f"{channel}_hash"])
        joined = joined.outerjoin(outs, same)
        met.append(outs.c.at.is_not(None))
        holders = contacts.alias(f"{channel}_holders")
        joined = joined.outerjoin(holders, holders.c[f"{channel}_address_hash"] == new.c[f"{channel}_closed"])
        met.append(holders.c.contact_id.is_not(None))
    met += [holder_of(new, contacts, field, dialect).is_not(None) for field in keys]
    return sa.select(new.c.position).distinct().select_from(joined).where(sa.or_(*met))


def _is_only_source() -> sa.ColumnElement[bool]:
    """Return that no other customer has a say in the contact of a source."""
    sources, others = contact_sources, contact_sources.alias("others")
    is_other = sa.or_(others.c.shop != sources.c.shop, others.c.customer_id != sources.c.customer_id)
    return ~sa.exists().where(others.c.contact_id == sources.c.contact_id, is_other).correlate(sources)


def _settled(
    joined: sa.FromClause, database: Database, policy: Policy, kinds: Sequence[sa.ColumnElement[int]]
) -> tuple[sa.FromClause, list[sa.ColumnElement[bool]]]:
    """Join what is known of a source, and return per channel that there is nothing to decide."""
    contacts, sources = database.contacts, contact_sources
    joined = joined.outerjoin(contacts, contacts.c.contact_id == sources.c.contact_id)
    settled = []
    for channel, kind in zip(CHANNELS, kinds, strict=True):
        outs = suppressions.alias(f"{channel}_outs")
        digest = contacts.c[f"{channel}_address_hash"]
        joined = joined.outerjoin(outs, sa.and_(outs.c.channel == channel, outs.c.address_hash == digest))
        said = {name: sources.c[f"{channel}_{name}"] for name in ("address_hash", *SAID_NAMES[1:])}
        held = {name: contacts.c[f"{channel}_{name}"] for name in _HELD_NAMES}
        ruled = settled_sql(said, held, {name: outs.c[name] for name in ("source", "at", "lifted_at")}, policy)
        address = sources.c[f"{channel}_address"]
        has_address = sa.and_(kind == ADDRESS, said["address_hash"].is_not(None))
        has_none = sa.and_(
            kind == NO_ADDRESS, said["address_hash"].is_(None), sources.c[f"{channel}_address"].is_(None)
        )
        settled += [
            as_written(contacts, channel),
            sources.c[f"{channel}_address_hash"].is_not_distinct_from(digest),
            _address_of(contacts, channel).is_not_distinct_from(address),
            sa.or_(kind == SILENT, sa.and_(sa.or_(has_address, has_none), ruled)),
        ]
    return joined, settled


def as_written(contacts: sa.Table, channel: str) -> sa.ColumnElement[bool]:
    """Return that the status of a channel is as this program wrote it."""
    cause = contacts.c[f"{channel}_unsubscription_cause"]
    return sa.and_(
        contacts.c[f"{channel}_status"] == contacts.c[f"{channel}_written_status"],
        cause.is_not_distinct_from(contacts.c[f"{channel}_written_cause"]),
    )


def _address_of(contacts: sa.Table, channel: str) -> sa.ColumnElement[t.Any]:
    name = ADDRESS_PROPERTY[channel]
    return contacts.c[name] if name in contacts.c else sa.cast(sa.null(), CODE)


def update_contacts(
    changed: sa.Table, contacts: sa.Table, mappings: Sequence[Filled], carried: Sequence[bool]
) -> sa.Update:
    """Return the write of the changed contacts' fields: never a status, and only where nobody has changed one."""
    return (
        sa.update(contacts)
        .where(contacts.c.contact_id == changed.c["_contact_id"])
        .where(*(as_written(contacts, channel) for channel in CHANNELS))
        .values(
            {
                **field_values(contacts, changed, mappings, carried),
                "updated_at": sa.bindparam("now", type_=UtcDateTime),
                "last_operation_id": sa.bindparam("operation_id", type_=sa.BigInteger),
            }
        )
    )


def update_sources(changed: sa.Table, shop: str) -> sa.Update:
    """Return the write of what was seen of the changed customers: their consent is as it was."""
    sources = contact_sources
    return (
        sa.update(sources)
        .where(sources.c.shop == shop, sources.c.customer_id == changed.c["_customer_id"])
        .values(
            source_updated_at=changed.c["_updated_at"],
            last_order_at=sa.func.coalesce(changed.c["_last_order_at"], sources.c.last_order_at),
            content_hash=changed.c["_content_hash"],
        )
    )


def link_checkouts(new: sa.Table, shop: str) -> sa.Update:
    """Return the write that links the checkouts which were waiting for new customers."""
    sources = contact_sources
    contact = (
        sa.select(sources.c.contact_id)
        .where(sources.c.shop == shop, sources.c.customer_id == checkouts.c.customer_id)
        .scalar_subquery()
    )
    return (
        sa.update(checkouts)
        .where(checkouts.c.shop == shop, checkouts.c.contact_id.is_(None))
        .where(checkouts.c.customer_id.in_(sa.select(new.c.customer_id)))
        .values(contact_id=contact)
    )
