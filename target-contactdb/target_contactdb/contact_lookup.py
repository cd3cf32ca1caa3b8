"""What the database knows of the customers of a batch: one staged look-up, one row per record."""

from __future__ import annotations

import functools
import typing as t

import sqlalchemy as sa
from sqlalchemy.sql.operators import custom_op

from target_contactdb.addresses import salted_hash
from target_contactdb.consent_values import OptOut, Seen, Source
from target_contactdb.dialects.base import staging_table
from target_contactdb.fields import FieldType
from target_contactdb.key_index import key_expression
from target_contactdb.keys import USER_CODE
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
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Dialect
    from sqlalchemy.types import TypeEngine

    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader
    from target_contactdb.fields import ContactField
    from target_contactdb.ledger import Key
    from target_contactdb.records import Customer

_CHUNK: t.Final = 5000  # Under the smallest limit of bound values (SQLite: 32,766).

Row: t.TypeAlias = "Mapping[str, t.Any]"
"""What the database knows of one record, by column label."""

_SOURCE_COLUMNS: t.Final = tuple(column.name for column in contact_sources.columns)


def source_hash(salt: str, shop: str, customer_id: int) -> str:
    """Return the hash that names a source in `tombstones`."""
    return salted_hash(salt, "source", f"{shop}/{customer_id}")


_KEY_COLUMNS: t.Final[tuple[tuple[str, TypeEngine[t.Any]], ...]] = (
    ("position", sa.Integer()),
    ("customer_id", sa.BigInteger()),
    ("user_code", KEY_TEXT),
    ("source_hash", HASH),
    *((f"{channel}_hash", HASH) for channel in CHANNELS),
)


# One stage and one statement for all batches: SQLAlchemy knows them again, and need not write them anew.
@functools.lru_cache(maxsize=8)
def _keys_stage(fields: tuple[ContactField, ...]) -> sa.Table:
    number = sa.BigInteger()
    values = [(f"key_{field.name}", number if field.type is FieldType.INTEGER else KEY_TEXT) for field in fields]
    columns = (*_KEY_COLUMNS, *values)
    return staging_table("stage_keys", [sa.Column(name, kind) for name, kind in columns])


def look_up(
    connection: sa.Connection,
    loader: Loader,
    database: Database,
    shop: str,
    customers: Sequence[Customer],
    values_of: Callable[[Customer], Mapping[str, str | int | None]] | None = None,
) -> dict[int, Row]:
    """Return what is known of each customer, by its place in the batch.

    A row holds the source (`source_*`), the contact (its own column names), the opt-outs of the record's addresses
    (`email_out_*`, `sms_out_*`) and the tombstones (`source_erased_at`, `email_erased_at`, `sms_erased_at`).
    With values of keys it also holds, for each key field, what the contact has in it (`now_*`) and which contact holds
    the record's value (`holder_*`), and all other sources of the contact (`others`).

    Args:
        connection: In a transaction.
        loader: The engine's loader.
        database: The contact database.
        shop: The shop.
        customers: The customers.
        values_of: From a customer to the normal values of the key fields that it brings.
    """
    fields = tuple(database.fields[name] for name in database.keys.indexed) if values_of is not None else ()
    rows = [
        (
            customer.position,
            customer.customer_id,
            str(customer.customer_id),
            source_hash(database.salt, shop, customer.customer_id),
            *(customer.hashes[channel] for channel in CHANNELS),
            *(values_of(customer).values() if values_of is not None else ()),
        )
        for customer in customers
    ]
    stage = _keys_stage(fields)
    primary_key = database.keys.primary_key if fields else USER_CODE
    with loader.staged(connection, stage, rows, ready=True):
        statement = _statement(stage, database.contacts, shop, fields, primary_key, connection.dialect)
        found = connection.execute(statement)
        names = tuple(found.keys())
        # Plain dicts: a row is asked some hundred times.
        known = {row[0]: dict(zip(names, row, strict=True)) for row in found}
    if values_of is not None:
        _add_others(connection, known.values(), shop)
    return t.cast("dict[int, Row]", known)


def _add_others(connection: sa.Connection, rows: Iterable[dict[str, t.Any]], shop: str) -> None:
    rows = list(rows)
    joined = {row["contact_id"] for row in rows if row["contact_id"] is not None and row["source_customer_id"] is None}
    linked = {row["contact_id"] for row in rows if row["contact_id"] is not None} - joined
    sources = sources_of(connection, joined | _shared(connection, linked))
    for row in rows:
        mine = (shop, row["source_customer_id"])
        of_contact = sources.get(row["contact_id"], ())
        row["others"] = tuple(one for one in of_contact if (one["shop"], one["customer_id"]) != mine)


def _shared(connection: sa.Connection, contact_ids: Iterable[int]) -> set[int]:
    """Return those of some contacts that have several sources."""
    found: set[int] = set()
    contact_id = contact_sources.c.contact_id
    for chunk in _chunks(contact_ids):
        several = sa.select(contact_id).where(contact_id.in_(chunk)).group_by(contact_id).having(sa.func.count() > 1)
        found.update(connection.execute(several).scalars())
    return found


def has_shared_contacts(connection: sa.Connection) -> bool:
    """Tell whether a contact has several sources, as they may come of an earlier primary key."""
    contact_id = contact_sources.c.contact_id
    several = sa.select(contact_id).group_by(contact_id).having(sa.func.count() > 1).limit(1)
    return connection.execute(several).first() is not None


def _chunks(contact_ids: Iterable[int]) -> Iterator[list[int]]:
    wanted = sorted(contact_ids)
    for start in range(0, len(wanted), _CHUNK):
        yield wanted[start : start + _CHUNK]


def sources_of(connection: sa.Connection, contact_ids: Iterable[int]) -> dict[int, list[sa.RowMapping]]:
    """Return the rows of `contact_sources` of some contacts."""
    found: dict[int, list[sa.RowMapping]] = {}
    for chunk in _chunks(contact_ids):
        statement = sa.select(contact_sources).where(contact_sources.c.contact_id.in_(chunk))
        for row in connection.execute(statement).mappings():
            found.setdefault(row["contact_id"], []).append(row)
    return found


@functools.lru_cache(maxsize=8)
def _statement(
    keys: sa.Table,
    contacts: sa.Table,
    shop: str,
    fields: tuple[ContactField, ...],
    primary_key: str,
    dialect: Dialect,
) -> sa.Select[t.Any]:
    by_code = contacts.alias("by_code")
    contact_of_code = sa.select(by_code.c.contact_id).where(by_code.c.user_code == keys.c.user_code).scalar_subquery()
    holders = {field.name: holder_of(keys, contacts, field, dialect) for field in fields}
    contact_of_key = holders.get(primary_key, contact_of_code)
    joined = keys.outerjoin(
        contact_sources,
        sa.and_(contact_sources.c.shop == shop, contact_sources.c.customer_id == keys.c.customer_id),
    ).outerjoin(contacts, contacts.c.contact_id == sa.func.coalesce(contact_sources.c.contact_id, contact_of_key))
    columns: list[sa.ColumnElement[t.Any]] = [
        keys.c.position,
        *(contact_sources.c[name].label(f"source_{name}") for name in _SOURCE_COLUMNS),
        contacts.c.contact_id,
        contacts.c.updated_at,
        *(contacts.c[name] for name in _contact_columns(contacts)),
    ]
    if fields:
        columns += [contact_of_code.label("holder_of_code")]
        columns += [contacts.c[name].label(f"now_{name}") for name in holders]
        columns += [holder.label(f"holder_{name}") for name, holder in holders.items()]
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


def holder_of(keys: sa.Table, contacts: sa.Table, field: ContactField, dialect: Dialect) -> sa.ScalarSelect[t.Any]:
    """Return the contact that holds a value of a key field.

    Args:
        keys: The stage with the normal value, in a column `key_` and the field's name.
        contacts: `contacts` with its contact fields.
        field: The key field.
        dialect: The engine's dialect.
    """
    by_key = contacts.alias("by_key")
    held = key_expression(by_key, field, dialect)
    value: sa.ColumnElement[t.Any] = keys.c[f"key_{field.name}"]
    if dialect.name == "sqlite":
        # An index over an expression has no type. Beside a column of text SQLite would not use it; `+` takes that away.
        value = sa.UnaryExpression(value, operator=custom_op("+"))
    return sa.select(by_key.c.contact_id).select_from(by_key).where(held == value).correlate(keys).scalar_subquery()


def _contact_columns(contacts: sa.Table) -> list[str]:
    addresses = [name for name in ADDRESS_PROPERTY.values() if name in contacts.c]
    return addresses + [column.name for column in contact_status_columns()]


def seen_of(row: Row, channel: str) -> Seen | None:
    """Return what the source row held on a channel, or None for a customer not seen before."""
    if row["source_customer_id"] is None:
        return None
    prefix = f"source_{channel}"
    return Seen(
        owned=row["source_owned"] or any(one["owned"] for one in row.get("others", ())),
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
