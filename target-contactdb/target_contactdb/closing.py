"""Closing addresses: opt-outs go into the ledger, and every contact that holds such an address follows."""

from __future__ import annotations

import typing as t

from target_contactdb import contact_apply
from target_contactdb import ledger as ledgers
from target_contactdb.consent_values import Change
from target_contactdb.operations import utc_now
from target_contactdb.opt_outs import follow
from target_contactdb.status_change import StatusChange

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    import sqlalchemy as sa

    from target_contactdb.consent_values import Held, OptOut, Policy
    from target_contactdb.database import Database
    from target_contactdb.ledger import Holder, Key, Ledger


def tell(
    connection: sa.Connection,
    database: Database,
    ledger: Ledger,
    told: Sequence[tuple[Key, OptOut]],
    policy: Policy,
) -> list[Holder]:
    """Put opt-outs into the ledger, each weighed against the latest yes of anyone who holds its address.

    Returns:
        The contacts that are subscribed on one of these addresses.
    """
    news = [(key, opt_out) for key, opt_out in told if ledger.is_news(key, opt_out)]
    if not news:
        return []
    keys = {key for key, _opt_out in news}
    holders = ledgers.holders(connection, database.contacts, keys, now=utc_now(), policy=policy)
    yes: dict[Key, dt.datetime] = {}
    for holder in holders:
        key = (holder.channel, t.cast("str", holder.held.address_hash))
        said = latest_yes_of(holder)
        if said is not None:
            yes[key] = max(said, yes.get(key, said))
    for key, opt_out in news:
        ledger.tell(key, opt_out, yes.get(key))
    return holders


def latest_yes_of(holder: Holder) -> dt.datetime | None:
    """Return the latest yes behind a holder's subscription, or None if nobody ever said so."""
    known = [moment for moment in (holder.held.opted_in_at, holder.consented_at) if moment is not None]
    return max(known, default=None)


def follow_closed(
    connection: sa.Connection,
    database: Database,
    ledger: Ledger,
    holders: Sequence[Holder],
    **written: t.Any,
) -> list[tuple[int, StatusChange]]:
    """Unsubscribe every other contact that holds an address just closed, unless its own yes is newer.

    Args:
        connection: In a transaction.
        database: The contact database.
        ledger: What this transaction has learnt.
        holders: The contacts that are subscribed on those addresses.
        written: More columns of `contacts` to write with them.

    Returns:
        The status changes to log, by contact id.
    """
    closed = ledger.closed()
    followers: list[tuple[int, str, Held]] = []
    changes: list[tuple[int, StatusChange]] = []
    for holder in holders:
        opt_out = closed.get((holder.channel, t.cast("str", holder.held.address_hash)))
        after = follow(holder.held, opt_out, opted_in_at=latest_yes_of(holder)) if opt_out else None
        if opt_out is None or after is None:
            continue
        followers.append((holder.contact_id, holder.channel, after))
        evidence = "the address was closed by an opt-out elsewhere"
        change = StatusChange(holder.channel, Change.UNSUBSCRIBED, holder.held.status, after, opt_out.at, evidence)
        changes.append((holder.contact_id, change))
    contact_apply.write_followers(connection, database.contacts, followers, **written)
    for channel in {channel for _contact, channel, _held in followers}:
        found = [one for one, where, _held in followers if where == channel]
        ledgers.answer_sources(connection, database.contacts, channel, found)
    return changes
