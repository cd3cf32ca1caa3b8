"""What the database knows of the customers of a batch: one staged look-up, one row per record."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from target_contactdb.addresses import salted_hash
from target_contactdb.consent_values import OptOut, Seen, Source
from target_contactdb.dialects.base import staging_table
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.tables import (
    CHANNELS,
    HASH,
    KEY_TEXT,
    contact_sources,
    contact_status_columns,
    suppressions,
    tombstones,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader
    from target_contactdb.ledger import Key
    from target_contactdb.records import Customer

Row: t.TypeAlias = sa.RowMapping
"""What the database knows of one record, by column label."""

_SOURCE_COLUMNS: t.Final = tuple(column.name for column in contact_sources.columns)


def source_hash(salt: str, shop: str, customer_id: int) -> str:
    """Return the hash that names a source in `tombstones`."""
    return salted_hash(salt, "source", f"{shop}/{customer_id}")


def look_up(
    connection: sa.Connection, loader: Loader, database: Database, shop: str, customers: Sequence[Customer]
) -> dict[int, Row]:
    """Return what is known of each customer, by its place in the batch.

    A row holds the source (`source_*`), the contact (its own column names), the opt-outs of the record's addresses
    (`email_out_*`, `sms_out_*`) and the tombstones (`source_erased_at`, `email_erased_at`, `sms_erased_at`).
    """
    keys = staging_table(
        "stage_keys",
        [
            sa.Column("position", sa.Integer),
            sa.Column("customer_id", sa.BigInteger),
            sa.Column("user_code", KEY_TEXT),
            sa.Column("source_hash", HASH),
            *(sa.Column(f"{channel}_hash", HASH) for channel in CHANNELS),
        ],
    )
    rows = [
        (
            customer.position,
            customer.customer_id,
            str(customer.customer_id),
            source_hash(database.salt, shop, customer.customer_id),
            *(customer.hashes[channel] for channel in CHANNELS),
        )
        for customer in customers
    ]
    with loader.staged(connection, keys, rows):
        found = connection.execute(_statement(keys, database.contacts, shop)).mappings().all()
    return {row["position"]: row for row in found}


def _statement(keys: sa.Table, contacts: sa.Table, shop: str) -> sa.Select[t.Any]:
    by_code = contacts.alias("by_code")
    contact_of_code = sa.select(by_code.c.contact_id).where(by_code.c.user_code == keys.c.user_code).scalar_subquery()
    joined = keys.outerjoin(
        contact_sources,
        sa.and_(contact_sources.c.shop == shop, contact_sources.c.customer_id == keys.c.customer_id),
    ).outerjoin(contacts, contacts.c.contact_id == sa.func.coalesce(contact_sources.c.contact_id, contact_of_code))
    columns: list[sa.ColumnElement[t.Any]] = [
        keys.c.position,
        *(contact_sources.c[name].label(f"source_{name}") for name in _SOURCE_COLUMNS),
        contacts.c.contact_id,
        contacts.c.updated_at,
        *(contacts.c[name] for name in _contact_columns(contacts)),
    ]
    for channel in CHANNELS:
        outs = suppressions.alias(f"{channel}_outs")
        joined = joined.outerjoin(
            outs, sa.and_(outs.c.channel == channel, outs.c.address_hash == keys.c[f"{channel}_hash"])
        )
        columns += [outs.c[name].label(f"{channel}_out_{name}") for name in ("cause", "source", "at", "lifted_at")]
    for kind in ("source", *CHANNELS):
        stones = tombstones.alias(f"{kind}_stones")
        joined = joined.outerjoin(stones, sa.and_(stones.c.kind == kind, stones.c.hash == keys.c[f"{kind}_hash"]))
        columns.append(stones.c.erased_at.label(f"{kind}_erased_at"))
    return sa.select(*columns).select_from(joined)


def _contact_columns(contacts: sa.Table) -> list[str]:
    addresses = [name for name in ADDRESS_PROPERTY.values() if name in contacts.c]
    return addresses + [column.name for column in contact_status_columns()]


def seen_of(row: Row, channel: str) -> Seen | None:
    """Return what the source row held on a channel, or None for a customer not seen before."""
    if row["source_customer_id"] is None:
        return None
    prefix = f"source_{channel}"
    return Seen(
        owned=row["source_owned"],
        state=row[f"{prefix}_state"],
        consent_at=row[f"{prefix}_consent_at"],
        had_address=row[f"{prefix}_address"] is not None,
        answered_state=row[f"{prefix}_answered_state"],
        answered_at=row[f"{prefix}_answered_at"],
    )


def known_opt_outs(rows: Mapping[int, Row], customers: Sequence[Customer]) -> dict[Key, OptOut]:
    """Return the opt-outs on record for the addresses of a batch."""
    known: dict[Key, OptOut] = {}
    for customer in customers:
        row = rows[customer.position]
        for channel in CHANNELS:
            if row[f"{channel}_out_at"] is not None:
                known[channel, t.cast("str", customer.hashes[channel])] = OptOut(
                    row[f"{channel}_out_cause"],
                    Source(row[f"{channel}_out_source"]),
                    row[f"{channel}_out_at"],
                    row[f"{channel}_out_lifted_at"],
                )
    return known
