"""The checkout import: one batch of records becomes checkouts with their lines, in one transaction."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.addresses import address_hash
from target_contactdb.checkout_records import CHECKOUT_NAMES, LINE_NAMES, Named, Refused, read_checkout
from target_contactdb.contact_lookup import source_hash
from target_contactdb.database import writing
from target_contactdb.dialects.base import staging_table
from target_contactdb.operations import Tally, count
from target_contactdb.records import RecordError, key_of
from target_contactdb.tables import CHANNELS, HASH, checkout_lines, checkouts, contact_sources, tombstones
from target_contactdb.typed_records import decode_record

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_contactdb.checkout_records import Checkout
    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader

_WRITTEN_NAMES: t.Final = ("shop", "contact_id", "last_operation_id", "content_hash", *CHECKOUT_NAMES)
# One stage of each kind for all batches: SQLAlchemy knows the statements about it again.
_KEYS: t.Final = staging_table(
    "stage_keys",
    [
        sa.Column("position", sa.Integer),
        sa.Column("id", sa.BigInteger),
        sa.Column("customer_id", sa.BigInteger),
        sa.Column("source_hash", HASH),
        *(sa.Column(f"{channel}_hash", HASH) for channel in CHANNELS),
    ],
)
_STAGE: t.Final = staging_table("stage_checkouts", [sa.Column(name, checkouts.c[name].type) for name in _WRITTEN_NAMES])


@dataclass(frozen=True, slots=True)
class CheckoutImport:
    """One checkout import, ready for its batches.

    Attributes:
        database: The contact database.
        loader: The engine's loader.
        stream: Name of the stream, for the log.
        shop: The shop.
        operation_id: The operation in the log.
    """

    database: Database
    loader: Loader
    stream: str
    shop: str
    operation_id: int

    def write(self, lines: Sequence[bytes]) -> None:
        """Take in one batch of records, as JSON: all of it is committed, or nothing."""
        if not lines:
            return
        tally = Tally()
        read, refused = self._read(lines, tally)
        with writing(self.database.engine) as connection:
            self.loader.look_up_by_keys(connection)
            if read or refused:
                self._take_in(connection, read, refused, tally)
            count(connection, self.operation_id, self.stream, tally, records_read=len(lines))

    def _read(self, lines: Sequence[bytes], tally: Tally) -> tuple[list[Checkout], list[Refused]]:
        newest: dict[int, Checkout] = {}
        refused: list[Refused] = []
        for position, line in enumerate(lines):
            record = decode_record(line)
            if not isinstance(record, dict):
                tally.reject(None, "the record is not an object", None)
                continue
            try:
                checkout = read_checkout(record, position)
            except RecordError as error:
                refused.append(Refused(position, record, str(error)))
                continue
            known = newest.get(checkout.values["id"])
            tally.counts["superseded"] += known is not None
            if known is None or checkout.values["updated_at"] >= known.values["updated_at"]:
                newest[checkout.values["id"]] = checkout
        return list(newest.values()), refused

    def _take_in(
        self, connection: sa.Connection, read: Sequence[Checkout], refused: Sequence[Refused], tally: Tally
    ) -> None:
        rows = self._look_up(connection, read, refused)
        for one in refused:
            if _is_erased(rows[one.position]):
                tally.counts["suppressed"] += 1
            else:
                tally.reject(key_of(one.record), one.reason, one.record)
        new: list[Checkout] = []
        changed: list[Checkout] = []
        for checkout in read:
            row = rows[checkout.position]
            outcome = _outcome(checkout, row)
            tally.counts[outcome] += 1
            if outcome == "inserted":
                new.append(checkout)
            elif outcome == "updated":
                changed.append(checkout)
            if outcome in {"inserted", "updated"} and row["linked_contact_id"] is None:
                tally.counts["unlinked"] += 1
        self._write(connection, new, changed, {one.position: rows[one.position]["linked_contact_id"] for one in read})

    def _look_up(
        self, connection: sa.Connection, read: Sequence[Checkout], refused: Sequence[Refused]
    ) -> dict[int, sa.RowMapping]:
        staged = [self._key(one.position, one.values["id"], one.values) for one in read]
        staged += [self._key(one.position, None, one.record) for one in refused]
        contacts = self.database.contacts
        stones = {kind: tombstones.alias(f"{kind}_stones") for kind in ("source", *CHANNELS)}
        statement = (
            sa.select(
                _KEYS.c.position,
                checkouts.c.id,
                checkouts.c.updated_at,
                checkouts.c.content_hash,
                contact_sources.c.contact_id.label("linked_contact_id"),
                *(stone.c.erased_at.label(f"{kind}_erased_at") for kind, stone in stones.items()),
                *(
                    (contacts.c[f"{channel}_address_hash"] == _KEYS.c[f"{channel}_hash"]).label(f"{channel}_is_held")
                    for channel in CHANNELS
                ),
            )
            .select_from(_KEYS)
            .outerjoin(checkouts, sa.and_(checkouts.c.shop == self.shop, checkouts.c.id == _KEYS.c.id))
            .outerjoin(
                contact_sources,
                sa.and_(contact_sources.c.shop == self.shop, contact_sources.c.customer_id == _KEYS.c.customer_id),
            )
            .outerjoin(contacts, contacts.c.contact_id == contact_sources.c.contact_id)
        )
        for kind, stone in stones.items():
            statement = statement.outerjoin(
                stone, sa.and_(stone.c.kind == kind, stone.c.hash == _KEYS.c[f"{kind}_hash"])
            )
        with self.loader.staged(connection, _KEYS, staged, ready=True):
            return {row["position"]: row for row in connection.execute(statement).mappings()}

    def _key(self, position: int, number: int | None, values: Mapping[str, t.Any]) -> tuple[t.Any, ...]:
        """Return a row of the stage of keys."""
        named, salt = Named.by(values), self.database.salt
        source = None if named.customer_id is None else source_hash(salt, self.shop, named.customer_id)
        hashes = (address_hash(salt, channel, named.addresses[channel]) for channel in CHANNELS)
        return (position, number, named.customer_id, source, *hashes)

    def _write(
        self,
        connection: sa.Connection,
        new: Sequence[Checkout],
        changed: Sequence[Checkout],
        linked: Mapping[int, int | None],
    ) -> None:
        names = _WRITTEN_NAMES

        def row(one: Checkout) -> tuple[t.Any, ...]:
            own = (self.shop, linked[one.position], self.operation_id, one.content_hash)
            return (*own, *(one.values[name] for name in CHECKOUT_NAMES))

        self.loader.append(connection, checkouts, names, [row(one) for one in new])
        if changed:
            stage = _STAGE
            same = sa.and_(checkouts.c.shop == self.shop, checkouts.c.id == stage.c.id)
            # Not by a subquery over the stage: MariaDB would read it once for each line of the shop.
            lines_of = sa.delete(checkout_lines).where(
                checkout_lines.c.shop == self.shop, checkout_lines.c.checkout_id == sa.bindparam("checkout")
            )
            with self.loader.staged(connection, stage, [row(one) for one in changed]):
                connection.execute(
                    sa.update(checkouts)
                    .where(same)
                    .values({name: stage.c[name] for name in names if name not in {"shop", "id"}})
                )
            connection.execute(lines_of, [{"checkout": one.values["id"]} for one in changed])
        lines = [
            (self.shop, one.values["id"], position, *line)
            for one in (*new, *changed)
            for position, line in enumerate(one.lines)
        ]
        self.loader.append(connection, checkout_lines, ("shop", "checkout_id", "position", *LINE_NAMES), lines)


def _is_erased(row: sa.RowMapping) -> bool:
    """Tell whether a checkout names an erased customer, or an erased address that its contact does not hold again."""
    is_back = {channel for channel in CHANNELS if row[f"{channel}_is_held"]}
    return row["source_erased_at"] is not None or any(
        row[f"{channel}_erased_at"] is not None for channel in set(CHANNELS) - is_back
    )


def _outcome(checkout: Checkout, row: sa.RowMapping) -> str:
    if _is_erased(row):
        return "suppressed"
    if row["id"] is None:
        return "inserted"
    if row["updated_at"] > checkout.values["updated_at"]:
        return "superseded"
    return "unchanged" if row["content_hash"] == checkout.content_hash else "updated"
