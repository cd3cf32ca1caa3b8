"""Candidates of a flow, read from the contact database: one row per contact that could enter."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from target_contactdb.addresses import address_hash
from target_contactdb.admin.carts import checkouts_with_sources, is_open
from target_contactdb.admin.permission import contactable
from target_contactdb.admin.segment_fields import checkout_columns
from target_contactdb.admin.segments import Question, question
from target_contactdb.conditions.times import Clock
from target_contactdb.conditions.words import nearest
from target_contactdb.errors import ConfigError
from target_contactdb.node.rules import Candidate
from target_contactdb.operations import Kind
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.tables import CHANNELS, checkouts, contact_sources, flow_entries, operations

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from target_contactdb.admin.connect import Opened
    from target_contactdb.node.rules import EntryRule

_FETCH: t.Final = 1000

_CHECKOUT_COLUMNS: t.Final = (
    checkouts.c.id.label("checkout_id"),
    *(checkouts.c[name] for name in ("shop", "updated_at", "total_price")),
)

ACCOUNT_STATE: t.Final = "account_state"
"""The contact field that account states are read from."""

# https://shopify.dev/docs/api/admin-graphql/latest/enums/CustomerState
_ACCOUNT_STATES: t.Final = frozenset({"DECLINED", "DISABLED", "ENABLED", "INVITED"})


def open_checkouts(
    database: Opened, flow: str, rule: EntryRule, now: dt.datetime, *, everybody: bool
) -> Iterator[Candidate]:
    """Yield the contacts whose last abandoned checkout is young enough, in turn.

    Args:
        database: The contact database.
        flow: The flow.
        rule: The options of the node.
        now: The time, UTC.
        everybody: Return those as well that have entered the flow for good, that the rule does not mean and, last,
            those that are too old.

    Raises:
        ConfigError: The condition of the rule is wrong.
    """
    newest_first = (checkouts.c.updated_at.desc(), checkouts.c.id.desc())
    rank = sa.func.row_number().over(partition_by=checkouts.c.contact_id, order_by=newest_first).label("rank")
    # The ranked one is what a condition calls the last checkout: the view would find the same again, for everybody.
    columns = checkout_columns() if rule.where is not None else _CHECKOUT_COLUMNS
    # Checkouts left out for their age are older than those that stay: the last one is among these or is none of these.
    ranked_ones = (
        sa.select(checkouts.c.contact_id, rank, *columns)
        .select_from(checkouts_with_sources())
        .where(checkouts.c.contact_id.is_not(None), is_open())
    )
    if not everybody:
        ranked_ones = ranked_ones.where(checkouts.c.updated_at >= now - rule.max_age)
    ranked = ranked_ones.subquery()
    subject = (
        sa.literal("checkout:").concat(ranked.c.shop).concat("/").concat(sa.cast(ranked.c.checkout_id, sa.String(32)))
    )
    found = (
        _statement(
            database, flow, rule, ranked, ranked.c.updated_at, subject, now, everybody=everybody, checkout=ranked
        )
        .add_columns(ranked.c.checkout_id, ranked.c.total_price)
        .order_by(ranked.c.checkout_id)
    )
    read_through = _read_through(database)
    for row in _rows(database, found, everybody=everybody):
        yield Candidate(
            **_shared(database, row),
            checkout_id=row["checkout_id"],
            total=row["total_price"],
            read_through=read_through.get(row["shop"]),
        )


def new_customers(
    database: Opened, flow: str, rule: EntryRule, now: dt.datetime, *, everybody: bool
) -> Iterator[Candidate]:
    """Yield the contacts that an import has seen for the first time not too long ago, in turn.

    Args:
        database: The contact database.
        flow: The flow.
        rule: The options of the node.
        now: The time, UTC.
        everybody: As in `open_checkouts`.

    Raises:
        ConfigError: The condition of the rule is wrong. Or the rule asks for account states, and no contact field holds
            them, or for one that is unknown.
    """
    _check_account_states(database, rule.account_states)
    first_first = (contact_sources.c.first_seen_at, contact_sources.c.shop, contact_sources.c.customer_id)
    rank = sa.func.row_number().over(partition_by=contact_sources.c.contact_id, order_by=first_first).label("rank")
    ranked = sa.select(
        contact_sources.c.contact_id,
        contact_sources.c.shop,
        contact_sources.c.customer_id,
        contact_sources.c.first_seen_at,
        rank,
    ).subquery()
    subject = sa.literal("contact:").concat(sa.cast(ranked.c.contact_id, sa.String(32)))
    came_at_once = _is_backfill(ranked)
    found = (
        _statement(database, flow, rule, ranked, ranked.c.first_seen_at, subject, now, everybody=everybody)
        .add_columns(ranked.c.customer_id, sa.case((came_at_once, 1), else_=0).label("is_backfill"))
        .order_by(ranked.c.contact_id)
    )
    if not everybody:
        found = found.where(ranked.c.first_seen_at >= now - rule.max_age)
        if not rule.backfill:
            # After the first import that would be everybody.
            found = found.where(sa.not_(came_at_once))
    if ACCOUNT_STATE in database.fields:
        found = found.add_columns(database.contacts.c[ACCOUNT_STATE].label("state"))
    for row in _rows(database, found, everybody=everybody):
        yield Candidate(
            **_shared(database, row),
            customer_id=row["customer_id"],
            is_backfill=bool(row["is_backfill"]),
            account_state=row.get("state"),
        )


def _check_account_states(database: Opened, states: tuple[str, ...]) -> None:
    if states and ACCOUNT_STATE not in database.fields:
        problem = f"option --account-state: there is no contact field `{ACCOUNT_STATE}`; map it first"
        raise ConfigError([problem])
    if set(states) <= _ACCOUNT_STATES:
        return
    # Shopify may have more states than we know of.
    held = database.connection.execute(sa.select(database.contacts.c[ACCOUNT_STATE]).distinct()).scalars()
    known = _ACCOUNT_STATES | {state.upper() for state in held if state}
    problems = [
        f"option --account-state: unknown state `{state}`{nearest(state, sorted(known))}"
        for state in states
        if state not in known
    ]
    if problems:
        raise ConfigError(problems)


def _statement(
    database: Opened,
    flow: str,
    rule: EntryRule,
    ranked: sa.Subquery,
    since: sa.ColumnElement[dt.datetime],
    subject: sa.ColumnElement[str],
    now: dt.datetime,
    *,
    everybody: bool,
    checkout: sa.Subquery | None = None,
) -> sa.Select[t.Any]:
    """Return the question, in turn: the longest waiting first, and behind them all those that are too old.

    Who was handed out and given back waits anew from then, or a few that nobody can send to would keep out all others.
    """
    contacts, entry = database.contacts, flow_entries.alias("entry")
    meant = _meant(database, rule, now, checkout)
    statement = (
        sa.select(
            ranked.c.contact_id,
            ranked.c.shop,
            since.label("since"),
            subject.label("subject"),
            entry.c.entry_id,
            entry.c.acknowledged_at,
            entry.c.leased_until,
            _last_entry(flow, rule, ranked, now).label("last_entry_at"),
            sa.case((meant.holds, 1), else_=0).label("is_meant"),
            *(sa.case((contactable(contacts, name), 1), else_=0).label(f"may_{name}") for name in CHANNELS),
            *(contacts.c[f"{name}_address_hash"] for name in CHANNELS),
            *(contacts.c[name].label(f"{channel}_address") for channel, name in _address_fields(database)),
        )
        .join_from(ranked, meant.rows, contacts.c.contact_id == ranked.c.contact_id)
        .outerjoin(entry, sa.and_(entry.c.flow == flow, entry.c.subject == subject))
        .where(ranked.c.rank == 1)
    )
    in_turn = sa.func.coalesce(entry.c.entered_at, since)
    if everybody:
        return statement.order_by(sa.case((since >= now - rule.max_age, 0), else_=1), in_turn)
    return statement.where(entry.c.acknowledged_at.is_(None), meant.holds).order_by(in_turn)


def _meant(database: Opened, rule: EntryRule, now: dt.datetime, checkout: sa.Subquery | None) -> Question:
    """Return which contacts the rule is about, asked in the very statement that finds the candidates.

    Raises:
        ConfigError: The condition is wrong.
    """
    if rule.where is None:
        return Question(database.contacts, sa.true())
    return question(database, rule.where, "--where", Clock(now, rule.zone), checkout=checkout)


def _address_fields(database: Opened) -> list[tuple[str, str]]:
    return [(channel, name) for channel, name in ADDRESS_PROPERTY.items() if name in database.fields]


def _last_entry(flow: str, rule: EntryRule, ranked: sa.Subquery, now: dt.datetime) -> sa.ColumnElement[t.Any]:
    """Return when a contact entered last, as far as the rule asks for it."""
    other = flow_entries.alias("other")
    if not rule.re_entry:
        return sa.null()
    # What the contact could enter with now has not entered, or its own entry decides.
    return (
        sa.select(sa.func.max(other.c.entered_at))
        .where(other.c.flow == flow, other.c.contact_id == ranked.c.contact_id)
        .where(other.c.entered_at > now - rule.re_entry)
        .where(sa.or_(other.c.acknowledged_at.is_not(None), other.c.leased_until > now))
        .scalar_subquery()
    )


def _rows(database: Opened, statement: sa.Select[t.Any], *, everybody: bool) -> Iterator[sa.RowMapping]:
    # Everybody can be a million. Of the others few are read, and what was not read would be in the way of what follows.
    options = {"yield_per": _FETCH} if everybody else {}
    yield from database.connection.execute(statement, execution_options=options).mappings()


def _shared(database: Opened, row: sa.RowMapping) -> dict[str, t.Any]:
    return {
        "contact_id": row["contact_id"],
        "subject": row["subject"],
        "since": row["since"],
        **{f"may_{channel}": _may(database, row, channel) for channel in CHANNELS},
        "shop": row["shop"],
        "entry_id": row["entry_id"],
        "acknowledged": row["acknowledged_at"] is not None,
        "leased_until": row["leased_until"],
        "last_entry_at": row["last_entry_at"],
        "is_meant": bool(row["is_meant"]),
    }


def _may(database: Opened, row: sa.RowMapping, channel: str) -> bool:
    """Tell whether a contact may be written to.

    Not at an address that another program has put in place of the one that was decided on, until an import has seen it.
    """
    digest = address_hash(database.salt, channel, row.get(f"{channel}_address"))
    return bool(row[f"may_{channel}"]) and digest == row[f"{channel}_address_hash"]


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
    return sa.or_(whole, ~completed)
