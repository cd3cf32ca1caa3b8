"""Candidates of a flow, read from the contact database: one row per contact that could enter."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from target_contactdb.admin.carts import checkouts_with_sources, is_open
from target_contactdb.admin.permission import contactable
from target_contactdb.errors import ConfigError
from target_contactdb.node.rules import Candidate
from target_contactdb.operations import Kind
from target_contactdb.tables import CHANNELS, checkouts, contact_sources, flow_entries, operations

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from target_contactdb.admin.connect import Opened
    from target_contactdb.node.rules import EntryRule

_FETCH: t.Final = 1000

ACCOUNT_STATE: t.Final = "account_state"
"""The contact field that account states are read from."""


def open_checkouts(
    database: Opened, flow: str, rule: EntryRule, now: dt.datetime, *, everybody: bool
) -> Iterator[Candidate]:
    """Yield the contacts whose last abandoned checkout is young enough, the longest waiting first.

    Args:
        database: The contact database.
        flow: The flow.
        rule: The options of the node.
        now: The time, UTC.
        everybody: Return those as well that have entered the flow for good and, last, those that are too old.
    """
    newest_first = (checkouts.c.updated_at.desc(), checkouts.c.id.desc())
    rank = sa.func.row_number().over(partition_by=checkouts.c.contact_id, order_by=newest_first).label("rank")
    # Checkouts left out for their age are older than those that stay: the last one is among these or is none of these.
    ranked_ones = (
        sa.select(
            checkouts.c.contact_id,
            checkouts.c.shop,
            checkouts.c.id,
            checkouts.c.updated_at,
            checkouts.c.total_price,
            rank,
        )
        .select_from(checkouts_with_sources())
        .where(checkouts.c.contact_id.is_not(None), is_open())
    )
    oldest = now - rule.max_age
    if not everybody:
        ranked_ones = ranked_ones.where(checkouts.c.updated_at >= oldest)
    ranked = ranked_ones.subquery()
    subject = sa.literal("checkout:").concat(ranked.c.shop).concat("/").concat(sa.cast(ranked.c.id, sa.String(32)))
    found = (
        _statement(database, flow, ranked, subject, now, everybody=everybody)
        .add_columns(ranked.c.id, ranked.c.total_price, ranked.c.updated_at.label("since"))
        .where(ranked.c.rank == 1)
        .order_by(*_oldest_last(ranked.c.updated_at, oldest, everybody=everybody), ranked.c.id)
    )
    read_through = _read_through(database)
    for row in _rows(database, found, everybody=everybody):
        yield Candidate(
            **_shared(row),
            checkout_id=row["id"],
            total=row["total_price"],
            read_through=read_through.get(row["shop"]),
        )


def new_customers(
    database: Opened, flow: str, rule: EntryRule, now: dt.datetime, *, everybody: bool
) -> Iterator[Candidate]:
    """Yield the contacts that an import has seen for the first time not too long ago, the first first.

    Args:
        database: The contact database.
        flow: The flow.
        rule: The options of the node.
        now: The time, UTC.
        everybody: Return those as well that have entered the flow for good and, last, those that are too old.

    Raises:
        ConfigError: The rule asks for account states, and no contact field holds them.
    """
    if rule.account_states and ACCOUNT_STATE not in database.fields:
        problem = f"option --account-state: there is no contact field `{ACCOUNT_STATE}`; map it first"
        raise ConfigError([problem])
    first_first = (contact_sources.c.first_seen_at, contact_sources.c.shop, contact_sources.c.customer_id)
    rank = sa.func.row_number().over(partition_by=contact_sources.c.contact_id, order_by=first_first).label("rank")
    ranked = sa.select(
        contact_sources.c.contact_id, contact_sources.c.shop, contact_sources.c.first_seen_at, rank
    ).subquery()
    subject = sa.literal("contact:").concat(sa.cast(ranked.c.contact_id, sa.String(32)))
    oldest = now - rule.max_age
    found = (
        _statement(database, flow, ranked, subject, now, everybody=everybody)
        .add_columns(ranked.c.first_seen_at.label("since"), _is_backfill(ranked).label("is_backfill"))
        .where(ranked.c.rank == 1)
        .order_by(*_oldest_last(ranked.c.first_seen_at, oldest, everybody=everybody), ranked.c.contact_id)
    )
    if not everybody:
        found = found.where(ranked.c.first_seen_at >= oldest)
    if ACCOUNT_STATE in database.fields:
        found = found.add_columns(database.contacts.c[ACCOUNT_STATE].label("state"))
    for row in _rows(database, found, everybody=everybody):
        yield Candidate(**_shared(row), is_backfill=bool(row["is_backfill"]), account_state=row.get("state"))


def _statement(
    database: Opened,
    flow: str,
    ranked: sa.Subquery,
    subject: sa.ColumnElement[str],
    now: dt.datetime,
    *,
    everybody: bool,
) -> sa.Select[t.Any]:
    contacts, entry, other = database.contacts, flow_entries.alias("entry"), flow_entries.alias("other")
    last_entry = (
        sa.select(sa.func.max(other.c.entered_at))
        .where(other.c.flow == flow, other.c.contact_id == ranked.c.contact_id, other.c.subject != subject)
        .where(sa.or_(other.c.acknowledged_at.is_not(None), other.c.leased_until > now))
        .scalar_subquery()
    )
    statement = (
        sa.select(
            ranked.c.contact_id,
            ranked.c.shop,
            subject.label("subject"),
            entry.c.entry_id,
            entry.c.acknowledged_at,
            entry.c.leased_until,
            last_entry.label("last_entry_at"),
            *(sa.case((contactable(contacts, name), 1), else_=0).label(f"may_{name}") for name in CHANNELS),
        )
        .join_from(ranked, contacts, contacts.c.contact_id == ranked.c.contact_id)
        .outerjoin(entry, sa.and_(entry.c.flow == flow, entry.c.subject == subject))
    )
    return statement if everybody else statement.where(entry.c.acknowledged_at.is_(None))


def _oldest_last(
    since: sa.ColumnElement[t.Any], oldest: dt.datetime, *, everybody: bool
) -> tuple[sa.ColumnElement[t.Any], ...]:
    """Return the order: the longest waiting first, and behind them all those that are too old."""
    return (sa.case((since >= oldest, 0), else_=1), since) if everybody else (since,)


def _rows(database: Opened, statement: sa.Select[t.Any], *, everybody: bool) -> Iterator[sa.RowMapping]:
    # Everybody can be a million. Of the others few are read, and what was not read would be in the way of what follows.
    options = {"yield_per": _FETCH} if everybody else {}
    yield from database.connection.execute(statement, execution_options=options).mappings()


def _shared(row: sa.RowMapping) -> dict[str, t.Any]:
    return {
        "contact_id": row["contact_id"],
        "subject": row["subject"],
        "since": row["since"],
        "may_email": bool(row["may_email"]),
        "may_sms": bool(row["may_sms"]),
        "shop": row["shop"],
        "entry_id": row["entry_id"],
        "acknowledged": row["acknowledged_at"] is not None,
        "leased_until": row["leased_until"],
        "last_entry_at": row["last_entry_at"],
    }


def _read_through(database: Opened) -> dict[str, dt.datetime]:
    """Return per shop how far committed checkout imports have read: a bookmark is written only after a commit."""
    newest = (
        sa.select(operations.c.shop, sa.func.max(operations.c.bookmark).label("bookmark"))
        .where(operations.c.kind == Kind.CHECKOUTS.value, operations.c.bookmark.is_not(None))
        .group_by(operations.c.shop)
    )
    return {row.shop: row.bookmark for row in database.connection.execute(newest)}


def _is_backfill(ranked: sa.Subquery) -> sa.ColumnElement[bool]:
    """Return whether a customer came with the first whole import of its shop, or with a later one of everything."""
    during = sa.and_(
        operations.c.kind == Kind.CUSTOMERS.value,
        operations.c.shop == ranked.c.shop,
        operations.c.started_at <= ranked.c.first_seen_at,
        sa.or_(operations.c.ended_at.is_(None), operations.c.ended_at >= ranked.c.first_seen_at),
    )
    whole = sa.exists().where(during, operations.c.window_from.is_(None))
    before = operations.alias("before")
    # An import of everything that was interrupted goes on as an increment.
    completed = sa.exists().where(
        before.c.kind == Kind.CUSTOMERS.value,
        before.c.shop == ranked.c.shop,
        before.c.state.like("completed%"),
        before.c.ended_at < ranked.c.first_seen_at,
    )
    return sa.case((sa.or_(whole, ~completed), sa.true()), else_=sa.false())
