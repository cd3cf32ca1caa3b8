"""The checkout import: one batch of records becomes checkouts with their lines, in one transaction."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.contact_lookup import source_hash
from target_contactdb.database import writing
from target_contactdb.dialects.base import staging_table
from target_contactdb.fields import CONVERTERS, FieldType, to_datetime, to_decimal, to_integer
from target_contactdb.operations import Tally, count
from target_contactdb.records import RecordError, content_hash, field_value, required
from target_contactdb.tables import HASH, checkout_lines, checkouts, contact_sources, tombstones
from target_contactdb.typed_records import decode_record
from target_contactdb.types import Json, Money, UtcDateTime

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader
    from target_contactdb.records import Record

_OWN: t.Final = frozenset({"shop", "contact_id", "content_hash", "last_operation_id", "checkout_id", "position"})
_CHECKOUT_NAMES: t.Final = tuple(column.name for column in checkouts.columns if column.name not in _OWN)
_LINE_NAMES: t.Final = tuple(column.name for column in checkout_lines.columns if column.name not in _OWN)
_REQUIRED: t.Final = frozenset({"id", "created_at", "updated_at"})


_WRITTEN_NAMES: t.Final = ("shop", "contact_id", "last_operation_id", "content_hash", *_CHECKOUT_NAMES)
# One stage of each kind for all batches: SQLAlchemy knows the statements about it again.
_KEYS: t.Final = staging_table(
    "stage_keys",
    [
        sa.Column("position", sa.Integer),
        sa.Column("id", sa.BigInteger),
        sa.Column("customer_id", sa.BigInteger),
        sa.Column("source_hash", HASH),
    ],
)
_STAGE: t.Final = staging_table("stage_checkouts", [sa.Column(name, checkouts.c[name].type) for name in _WRITTEN_NAMES])


def _converter(column: sa.Column[t.Any]) -> Callable[[t.Any], t.Any]:
    kind = column.type
    if isinstance(kind, UtcDateTime):
        return to_datetime
    if isinstance(kind, Money):
        return to_decimal
    if isinstance(kind, Json):
        return CONVERTERS[FieldType.JSON]
    if isinstance(kind, sa.Boolean):
        return CONVERTERS[FieldType.BOOLEAN]
    if isinstance(kind, sa.Integer):
        return to_integer if isinstance(kind, sa.BigInteger) else _to_small_integer
    longest = kind.length if isinstance(kind, sa.String) else None
    return CONVERTERS[FieldType.TEXT] if longest is None else _to_text_of(longest)


def _to_small_integer(value: t.Any) -> int:
    number = to_integer(value)
    if not -(2**31) <= number < 2**31:
        msg = "is too large"
        raise ValueError(msg)
    return number


def _to_text_of(longest: int) -> Callable[[t.Any], str]:
    """Return what converts to text that a column of this many characters holds."""

    def convert(value: t.Any) -> str:
        text: str = CONVERTERS[FieldType.TEXT](value)
        if len(text) > longest:
            msg = f"is longer than {longest} characters"
            raise ValueError(msg)
        return text

    return convert


_CHECKOUT_CONVERTERS: t.Final = {name: _converter(checkouts.c[name]) for name in _CHECKOUT_NAMES}
_LINE_CONVERTERS: t.Final = {name: _converter(checkout_lines.c[name]) for name in _LINE_NAMES}


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout record, read.

    Attributes:
        position: Its place in the batch.
        values: By column of `checkouts`.
        lines: By position, the values in the order of the columns of `checkout_lines`.
        content_hash: Hash of both.
    """

    position: int
    values: dict[str, t.Any]
    lines: tuple[tuple[t.Any, ...], ...]
    content_hash: str


def read_checkout(record: Record, position: int) -> Checkout:
    """Read a record of the checkout stream.

    Raises:
        RecordError: It cannot be taken in.
    """
    values = {
        name: required(record, name, convert) if name in _REQUIRED else field_value(name, convert, record.get(name))
        for name, convert in _CHECKOUT_CONVERTERS.items()
    }
    items = record.get("line_items") or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        msg = "field `line_items` is not a list of objects"
        raise RecordError(msg)
    lines = tuple(
        tuple(
            field_value(f"line_items[{number}].{name}", convert, item.get(name))
            for name, convert in _LINE_CONVERTERS.items()
        )
        for number, item in enumerate(items)
    )
    return Checkout(position, values, lines, content_hash(values, lines))


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
        read = self._read(lines, tally)
        with writing(self.database.engine) as connection:
            self.loader.look_up_by_keys(connection)
            if read:
                self._take_in(connection, read, tally)
            count(connection, self.operation_id, self.stream, tally, records_read=len(lines))

    def _read(self, lines: Sequence[bytes], tally: Tally) -> list[Checkout]:
        newest: dict[int, Checkout] = {}
        for position, line in enumerate(lines):
            record = decode_record(line)
            if not isinstance(record, dict):
                tally.reject(None, "the record is not an object", None)
                continue
            try:
                checkout = read_checkout(record, position)
            except RecordError as error:
                key = record.get("id")
                tally.reject(None if key is None else str(key), str(error), record)
                continue
            known = newest.get(checkout.values["id"])
            tally.counts["superseded"] += known is not None
            if known is None or checkout.values["updated_at"] >= known.values["updated_at"]:
                newest[checkout.values["id"]] = checkout
        return list(newest.values())

    def _take_in(self, connection: sa.Connection, read: Sequence[Checkout], tally: Tally) -> None:
        rows = self._look_up(connection, read)
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

    def _look_up(self, connection: sa.Connection, read: Sequence[Checkout]) -> dict[int, sa.RowMapping]:
        staged = [
            (
                one.position,
                one.values["id"],
                one.values["customer_id"],
                one.values["customer_id"] and source_hash(self.database.salt, self.shop, one.values["customer_id"]),
            )
            for one in read
        ]
        statement = (
            sa.select(
                _KEYS.c.position,
                checkouts.c.id,
                checkouts.c.updated_at,
                checkouts.c.content_hash,
                contact_sources.c.contact_id.label("linked_contact_id"),
                tombstones.c.erased_at,
            )
            .select_from(_KEYS)
            .outerjoin(checkouts, sa.and_(checkouts.c.shop == self.shop, checkouts.c.id == _KEYS.c.id))
            .outerjoin(
                contact_sources,
                sa.and_(contact_sources.c.shop == self.shop, contact_sources.c.customer_id == _KEYS.c.customer_id),
            )
            .outerjoin(tombstones, sa.and_(tombstones.c.kind == "source", tombstones.c.hash == _KEYS.c.source_hash))
        )
        with self.loader.staged(connection, _KEYS, staged, ready=True):
            return {row["position"]: row for row in connection.execute(statement).mappings()}

    def _write(
        self,
        connection: sa.Connection,
        new: Sequence[Checkout],
        changed: Sequence[Checkout],
        linked: t.Mapping[int, int | None],
    ) -> None:
        names = _WRITTEN_NAMES

        def row(one: Checkout) -> tuple[t.Any, ...]:
            own = (self.shop, linked[one.position], self.operation_id, one.content_hash)
            return (*own, *(one.values[name] for name in _CHECKOUT_NAMES))

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
        self.loader.append(connection, checkout_lines, ("shop", "checkout_id", "position", *_LINE_NAMES), lines)


def _outcome(checkout: Checkout, row: sa.RowMapping) -> str:
    if row["erased_at"] is not None:
        return "suppressed"
    if row["id"] is None:
        return "inserted"
    if row["updated_at"] > checkout.values["updated_at"]:
        return "superseded"
    return "unchanged" if row["content_hash"] == checkout.content_hash else "updated"
