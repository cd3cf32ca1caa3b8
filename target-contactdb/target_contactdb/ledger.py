"""The ledger of opt-outs by address: reading it, telling it, writing it, and finding who holds an address.

`Ledger` is the memory of one transaction; the table behind it is `suppressions`.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from target_contactdb.consent_rules import adopt
from target_contactdb.consent_values import Held, OptOut, Source, Status, is_status, read_status
from target_contactdb.opt_outs import is_later, merge, standing_of_source
from target_contactdb.tables import CHANNELS, contact_sources, suppressions

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterator, Sequence

    from target_contactdb.consent_values import Policy

Key: t.TypeAlias = tuple[str, str]
"""Channel and address hash."""

_CHUNK: t.Final = 5000  # Under the smallest limit of bound values (SQLite: 32,766).


@dataclass
class Ledger:
    """Opt-outs known in one transaction, and which of them must be written."""

    known: dict[Key, OptOut] = field(default_factory=dict)
    dirty: set[Key] = field(default_factory=set)

    def get(self, channel: str, address_hash: str | None) -> OptOut | None:
        """Return the latest opt-out known for an address."""
        return self.known.get((channel, address_hash)) if address_hash else None

    def is_news(self, key: Key, told: OptOut) -> bool:
        """Tell whether an opt-out says more than what is known."""
        known = self.known.get(key)
        if known is None or told.at > known.at:
            return True
        if known.lifted_at is not None:
            # In the second of the yes that opened the address, the opt-out wins.
            return told.at == known.at and not is_later(known.lifted_at, told)
        return standing_of_source(told.source) > standing_of_source(known.source)

    def tell(self, key: Key, told: OptOut, yes_at: dt.datetime | None) -> None:
        """Record an opt-out, given the latest yes known for the address."""
        self._set(key, merge(self.known.get(key), told, yes_at))

    def lift(self, key: Key, at: dt.datetime) -> None:
        """Record the yes that opens an address again."""
        self._set(key, replace(self.known[key], lifted_at=at))

    def _set(self, key: Key, opt_out: OptOut) -> None:
        if self.known.get(key) != opt_out:
            self.known[key] = opt_out
            self.dirty.add(key)

    def closed(self) -> dict[Key, OptOut]:
        """Return the addresses whose closing this transaction has learnt."""
        return {key: self.known[key] for key in self.dirty if self.known[key].lifted_at is None}


@dataclass(frozen=True, slots=True)
class Holder:
    """A contact that is subscribed on an address.

    Attributes:
        contact_id: The contact.
        channel: The channel.
        held: What it holds there, with what others changed read as the person's word.
        consented_at: Shopify's latest consent time among its sources that say SUBSCRIBED of this very address.
    """

    contact_id: int
    channel: str
    held: Held
    consented_at: dt.datetime | None


def load(connection: sa.Connection, keys: Collection[Key]) -> dict[Key, OptOut]:
    """Return the opt-outs on record for some addresses."""
    found: dict[Key, OptOut] = {}
    for channel, hashes in _by_channel(keys):
        statement = sa.select(suppressions).where(
            suppressions.c.channel == channel, suppressions.c.address_hash.in_(hashes)
        )
        for row in connection.execute(statement).mappings():
            found[channel, row["address_hash"]] = OptOut(
                row["cause"], Source(row["source"]), row["at"], row["lifted_at"]
            )
    return found


def save(connection: sa.Connection, ledger: Ledger) -> None:
    """Write what a ledger has learnt: update the rows that exist, insert the others."""
    existing = load(connection, ledger.dirty).keys()
    rows = [(key, ledger.known[key]) for key in sorted(ledger.dirty)]
    update = (
        sa.update(suppressions)
        .where(
            suppressions.c.channel == sa.bindparam("key_channel"),
            suppressions.c.address_hash == sa.bindparam("key_hash"),
        )
        .values({name: sa.bindparam(name) for name in ("cause", "source", "at", "lifted_at")})
    )
    changed = [{"key_channel": key[0], "key_hash": key[1], **_values(told)} for key, told in rows if key in existing]
    fresh = [{"channel": key[0], "address_hash": key[1], **_values(told)} for key, told in rows if key not in existing]
    if changed:
        connection.execute(update, changed)
    if fresh:
        connection.execute(sa.insert(suppressions), fresh)


def _values(told: OptOut) -> dict[str, t.Any]:
    return {"cause": told.cause, "source": told.source.value, "at": told.at, "lifted_at": told.lifted_at}


def holders(
    connection: sa.Connection, contacts: sa.Table, keys: Collection[Key], *, now: dt.datetime, policy: Policy
) -> list[Holder]:
    """Return every contact that is subscribed on one of some addresses."""
    found: list[Holder] = []
    for channel, hashes in _by_channel(keys):
        consented_at = (
            sa.select(sa.func.max(contact_sources.c[f"{channel}_consent_at"]))
            .where(
                contact_sources.c.contact_id == contacts.c.contact_id,
                contact_sources.c[f"{channel}_address_hash"] == contacts.c[f"{channel}_address_hash"],
                contact_sources.c[f"{channel}_state"] == "SUBSCRIBED",
            )
            .scalar_subquery()
        )
        statement = sa.select(contacts, consented_at.label("consented_at")).where(
            contacts.c[f"{channel}_address_hash"].in_(hashes),
            # As `held_of` reads it: another program may have spelt it in its own way.
            sa.func.lower(sa.func.trim(contacts.c[f"{channel}_status"])) == Status.SUBSCRIBED.value,
        )
        for row in connection.execute(statement).mappings():
            held, _opt_out = adopt_row(row, channel, held_of(row, channel), now=now, policy=policy)
            found.append(Holder(row["contact_id"], channel, held, row["consented_at"]))
    return found


def held_of(row: t.Mapping[str, t.Any] | sa.RowMapping, channel: str) -> Held:
    """Return what a row of `contacts` holds on a channel; a status and a cause may be as another program spelt them."""
    source = row[f"{channel}_status_source"]
    return Held(
        read_status(row[f"{channel}_status"]),
        Source(source) if source else None,
        (row[f"{channel}_unsubscription_cause"] or "").strip() or None,
        row[f"{channel}_status_at"],
        row[f"{channel}_opted_in_at"],
        row[f"{channel}_address_hash"],
        row[f"{channel}_opted_out_at"],
    )


def adopt_row(
    row: t.Mapping[str, t.Any] | sa.RowMapping, channel: str, held: Held, *, now: dt.datetime, policy: Policy
) -> tuple[Held, OptOut | None]:
    """Read what a row of `contacts` holds on a channel, noticing what somebody else wrote (`adopt`)."""
    return adopt(
        held,
        written_status=row[f"{channel}_written_status"],
        written_cause=row[f"{channel}_written_cause"],
        is_status=is_status(row[f"{channel}_status"]),
        row_written_at=row["updated_at"],
        now=now,
        policy=policy,
    )


def held_values(held: Held, channel: str) -> dict[str, t.Any]:
    """Return the columns of `contacts` that hold a channel, as this program writes them."""
    return {
        f"{channel}_status": held.status.value,
        f"{channel}_status_source": held.source.value if held.source else None,
        f"{channel}_unsubscription_cause": held.cause,
        f"{channel}_status_at": held.at,
        f"{channel}_opted_in_at": held.opted_in_at,
        f"{channel}_opted_out_at": held.opted_out_at,
        f"{channel}_address_hash": held.address_hash,
        f"{channel}_written_status": held.status.value,
        f"{channel}_written_cause": held.cause,
    }


def answer_sources(connection: sa.Connection, contacts: sa.Table, channel: str, contact_ids: Sequence[int]) -> None:
    """Remember what Shopify said of some contacts when an opt-out was written: said again, it is no new consent.

    What it said of another address than the contact holds is not answered by that.
    """
    own = (
        sa.select(contacts.c[f"{channel}_address_hash"])
        .where(contacts.c.contact_id == contact_sources.c.contact_id)
        .scalar_subquery()
    )
    for chunk in _chunks(sorted(contact_ids)):
        connection.execute(
            sa.update(contact_sources)
            .where(contact_sources.c.contact_id.in_(chunk), contact_sources.c[f"{channel}_address_hash"] == own)
            .values(
                {
                    f"{channel}_answered_state": contact_sources.c[f"{channel}_state"],
                    f"{channel}_answered_at": contact_sources.c[f"{channel}_consent_at"],
                }
            )
        )


def _by_channel(keys: Collection[Key]) -> Iterator[tuple[str, list[str]]]:
    for channel in CHANNELS:
        for chunk in _chunks(sorted({key[1] for key in keys if key[0] == channel})):
            yield channel, chunk


_Item = t.TypeVar("_Item")


def _chunks(items: Sequence[_Item]) -> Iterator[list[_Item]]:
    for start in range(0, len(items), _CHUNK):
        yield list(items[start : start + _CHUNK])
