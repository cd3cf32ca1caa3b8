"""Writing the plans of a batch: set-based statements from staging tables, in the batch's transaction."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import replace

import sqlalchemy as sa

from target_contactdb.dialects.base import staging_table
from target_contactdb.field_rules import field_values
from target_contactdb.ledger import held_values
from target_contactdb.mapping import Update
from target_contactdb.tables import CHANNELS, checkouts, contact_sources, contact_status_columns, status_changes

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from target_contactdb.consent_values import Held
    from target_contactdb.contact_plan import Plan
    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader
    from target_contactdb.fields import ContactField
    from target_contactdb.mapping import Filled
    from target_contactdb.status_change import StatusChange

_Shape: t.TypeAlias = tuple[bool, tuple[bool, ...]]
_STATUS_NAMES: t.Final = tuple(column.name for column in contact_status_columns())
# A status that is not as it was read was changed meanwhile, by a program that knows nothing of our lock.
_SEEN_NAMES: t.Final = tuple(f"{channel}_{name}" for channel in CHANNELS for name in ("status", "unsubscription_cause"))
_STAGE_ONLY: t.Final = frozenset({"is_new", "shape", *(f"seen_{name}" for name in _SEEN_NAMES)})
_SOURCE_NAMES: t.Final = tuple(column.name for column in contact_sources.columns if column.name != "shop")
_CHANGE_NAMES: t.Final = tuple(column.name for column in status_changes.columns if column.name != "change_id")


class ContactsMoved(Exception):
    """Another program has changed a status since it was read: the batch has to be decided again."""


def write_contacts(
    connection: sa.Connection,
    loader: Loader,
    database: Database,
    plans: Sequence[Plan],
    mappings: Sequence[Filled],
    *,
    operation_id: int,
    now: dt.datetime,
) -> None:
    """Insert the new contacts and update the changed ones. New contacts get their ids here.

    Raises:
        ContactsMoved: Another program has changed a status since it was read.
    """
    new = [plan for plan in plans if plan.outcome == "inserted"]
    for plan, contact_id in zip(new, loader.new_contact_ids(connection, len(new)), strict=True):
        plan.contact_id = contact_id
    changed = [plan for plan in plans if plan.writes_contact]
    if not changed:
        return
    shapes = sorted({_shape(plan) for plan in changed if plan.writes_fields})
    contacts = database.contacts
    stage = _contacts_stage(contacts, tuple(filled.field for filled in mappings))
    rows = [_contact_row(plan, shapes) for plan in changed]
    with loader.staged(connection, stage, rows):
        if new:
            _insert_contacts(connection, contacts, stage, operation_id, now)
        written = {"updated_at": now, "last_operation_id": operation_id}
        status = {name: stage.c[name] for name in _STATUS_NAMES}
        as_seen = sa.and_(*(contacts.c[name].is_not_distinct_from(stage.c[f"seen_{name}"]) for name in _SEEN_NAMES))
        updated = 0
        for shape, (is_empty, carried) in enumerate([(False, (False,) * len(mappings)), *shapes], start=-1):
            rules = [replace(one, update=Update.ALWAYS) for one in mappings] if is_empty else mappings
            values = field_values(contacts, stage, rules, carried)
            result = connection.execute(
                sa.update(contacts)
                .where(contacts.c.contact_id == stage.c.contact_id, as_seen)
                .where(stage.c.shape == shape, stage.c.is_new == sa.false())
                .values({**values, **status, **written})
            )
            updated += result.rowcount
    if updated != len(changed) - len(new):
        raise ContactsMoved


# One stage for all batches: SQLAlchemy knows the statements about it again, and need not write them anew.
@functools.lru_cache(maxsize=4)
def _contacts_stage(contacts: sa.Table, fields: tuple[ContactField, ...]) -> sa.Table:
    return staging_table(
        "stage_contacts",
        [
            sa.Column("contact_id", sa.BigInteger),
            sa.Column("is_new", sa.Boolean),
            sa.Column("shape", sa.Integer),
            *(sa.Column(f"seen_{name}", contacts.c[name].type) for name in _SEEN_NAMES),
            sa.Column("user_code", contacts.c.user_code.type),
            *(sa.Column(column.name, column.type) for column in contact_status_columns()),
            *(field.column() for field in fields),
        ],
    )


_SOURCES_STAGE: t.Final = staging_table(
    "stage_sources",
    [sa.Column("is_new", sa.Boolean), *(sa.Column(name, contact_sources.c[name].type) for name in _SOURCE_NAMES)],
    unique="customer_id",
)


def _shape(plan: Plan) -> _Shape:
    """Return what decides how a plan's fields are written: whether the contact has none yet, and what is carried."""
    return bool(plan.row.get("is_empty")), plan.customer.carried


def _contact_row(plan: Plan, shapes: Sequence[_Shape]) -> tuple[t.Any, ...]:
    status: dict[str, t.Any] = {}
    for channel in CHANNELS:
        status |= held_values(plan.held[channel], channel)
    return (
        plan.contact_id,
        plan.outcome == "inserted",
        shapes.index(_shape(plan)) if plan.writes_fields else -1,
        *(plan.row[name] for name in _SEEN_NAMES),
        # A contact that is not this customer's may have its code.
        str(plan.customer.customer_id) if plan.row.get("holder_of_code") is None else None,
        *(status[name] for name in _STATUS_NAMES),
        *plan.customer.values,
    )


def _insert_contacts(
    connection: sa.Connection, contacts: sa.Table, stage: sa.Table, operation_id: int, now: dt.datetime
) -> None:
    copied = [column.name for column in stage.columns if column.name not in _STAGE_ONLY]
    select = sa.select(
        *(stage.c[name] for name in copied),
        sa.literal(now, contacts.c.created_at.type),
        sa.literal(now, contacts.c.updated_at.type),
        sa.literal(operation_id, sa.BigInteger),
    ).where(stage.c.is_new == sa.true())
    names = [*copied, "created_at", "updated_at", "last_operation_id"]
    connection.execute(sa.insert(contacts).from_select(names, select))


def write_sources(
    connection: sa.Connection, loader: Loader, shop: str, plans: Sequence[Plan], now: dt.datetime
) -> None:
    """Write what was seen of each customer, and link the checkouts that were waiting for it."""
    rows = [_source_row(plan, now) for plan in plans if plan.writes_source]
    if not rows:
        return
    stage = _SOURCES_STAGE
    with loader.staged(connection, stage, rows):
        select = sa.select(sa.literal(shop, sa.String), *(stage.c[name] for name in _SOURCE_NAMES))
        connection.execute(
            sa.insert(contact_sources).from_select(("shop", *_SOURCE_NAMES), select.where(stage.c.is_new == sa.true()))
        )
        of_shop = sa.and_(contact_sources.c.shop == shop, contact_sources.c.customer_id == stage.c.customer_id)
        connection.execute(
            sa.update(contact_sources)
            .where(of_shop, stage.c.is_new == sa.false())
            .values({name: stage.c[name] for name in _SOURCE_NAMES if name not in {"customer_id", "contact_id"}})
        )
        waiting = sa.and_(checkouts.c.shop == shop, checkouts.c.customer_id == stage.c.customer_id)
        connection.execute(
            sa.update(checkouts)
            .where(waiting, checkouts.c.contact_id.is_(None), stage.c.is_new == sa.true())
            .values(contact_id=stage.c.contact_id)
        )


def _source_row(plan: Plan, now: dt.datetime) -> tuple[t.Any, ...]:
    row, customer = plan.row, plan.customer
    is_new = row["source_customer_id"] is None
    values: dict[str, t.Any] = {
        "customer_id": customer.customer_id,
        "contact_id": plan.contact_id,
        "owned": plan.outcome == "inserted" if is_new else row["source_owned"],
        "first_seen_at": now if is_new else row["source_first_seen_at"],
        "source_updated_at": customer.updated_at,
        "last_order_at": customer.last_order_at or row["source_last_order_at"],
        "deleted_at": None,
        "content_hash": row["source_content_hash"] if customer.content_hash is None else customer.content_hash,
    }
    for channel in CHANNELS:
        seen = {
            name: row[f"source_{channel}_{name}"]
            for name in (
                "address",
                "address_hash",
                "state",
                "opt_in_level",
                "consent_at",
                "answered_state",
                "answered_at",
            )
        }
        if plan.answered.get(channel) and seen["address_hash"] == row[f"{channel}_address_hash"]:
            seen |= {"answered_state": seen["state"], "answered_at": seen["consent_at"]}
        said = customer.said[channel]
        if said is not None:
            if said.address_carried:
                seen |= {"address": said.address, "address_hash": customer.hashes[channel]}
            if said.state_carried:
                seen |= {"state": said.state, "opt_in_level": said.opt_in_level, "consent_at": said.consent_at}
        values |= {f"{channel}_{name}": value for name, value in seen.items()}
    return (is_new, *(values[name] for name in _SOURCE_NAMES))


def write_followers(
    connection: sa.Connection, contacts: sa.Table, followers: Sequence[tuple[int, str, Held]], **written: t.Any
) -> None:
    """Write the contacts that follow a closed address.

    Args:
        connection: In a transaction.
        contacts: The table.
        followers: Contact id, channel, and what it holds now.
        written: More columns to write: `updated_at`, and `last_operation_id` within an operation.
    """
    for contact_id, channel, held in followers:
        connection.execute(
            sa.update(contacts)
            .where(contacts.c.contact_id == contact_id)
            .values({**held_values(held, channel), **written})
        )


def write_changes(
    connection: sa.Connection,
    loader: Loader,
    changes: Sequence[tuple[int, StatusChange]],
    *,
    operation_id: int | None,
    now: dt.datetime,
) -> None:
    """Log status changes with their evidence."""
    rows = [
        (
            contact_id,
            change.channel,
            change.change.value,
            change.before.value if change.before else None,
            change.after.status.value,
            change.after.cause,
            change.after.source.value if change.after.source else "import",
            change.acted_at,
            now,
            change.evidence,
            operation_id,
        )
        for contact_id, change in changes
    ]
    loader.append(connection, status_changes, _CHANGE_NAMES, rows)
