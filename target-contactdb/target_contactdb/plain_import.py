"""The plain road: the records of a batch that need no thought are taken in by set-based statements.

Plain is a record that is unchanged, or that changes nothing but fields, or a customer of whom nothing at all is known,
nor of its addresses; each of them alone is what the state table would make of it. All others are left to the careful
road, in the same transaction: together they are two smaller batches, one after the other.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from target_contactdb import plain_statements as statements
from target_contactdb.addresses import address_hasher
from target_contactdb.contact_apply import ContactsMoved
from target_contactdb.contact_lookup import source_hash
from target_contactdb.fields import FieldType
from target_contactdb.mapping import Update, WhenEmpty
from target_contactdb.plain_new import NewContacts
from target_contactdb.plain_statements import SILENT, kind_of
from target_contactdb.record_shapes import Shapes
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.tables import CHANNELS, tombstones
from target_contactdb.typed_records import (
    Core,
    decode_record,
    hasher_of,
    moment_reader,
    passing,
    read_core,
    second_reader,
    short_text,
)

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Mapping, Sequence

    from target_contactdb.conditions.filters import Filter
    from target_contactdb.consent_values import Policy
    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader
    from target_contactdb.ledger import Key
    from target_contactdb.mapping import Filled
    from target_contactdb.operations import Tally

_CHUNK: t.Final = 5000
# Wherever the word stands in a record: better read it carefully once too often.
_ERASES: t.Final = b"REDACTED"


@dataclass(slots=True)
class Sorted:
    """A batch, read as far as it takes to ask the database about it.

    Attributes:
        lines: The records' bytes.
        cores: What decides about each; None where it has to be read carefully.
        keys: The rows of the stage of keys.
        careful: The positions that are for the careful road.
    """

    lines: Sequence[bytes]
    cores: list[Core | None]
    keys: list[tuple[int, int, str, int, int]]
    careful: set[int]

    def erasing(self) -> list[int]:
        """Return the positions of the records that may erase somebody."""
        return [position for position in sorted(self.careful) if _ERASES in self.lines[position]]


@dataclass
class PlainRoad:
    """The plain road of one customer import.

    Attributes:
        database: The contact database.
        loader: The engine's loader.
        policy: The consent options.
        mappings: The compiled mappings.
        properties: `properties` of the stream's schema.
        fingerprint: Of the mappings.
        shop: The shop.
        operation_id: The operation in the log.
        filters: The import filters; who fails them is left to the careful road.
    """

    database: Database
    loader: Loader
    policy: Policy
    mappings: Sequence[Filled]
    properties: Mapping[str, t.Any]
    fingerprint: str
    shop: str
    operation_id: int
    filters: Filter | None = None

    def __post_init__(self) -> None:
        self._hasher = hasher_of(self.fingerprint)
        self._moment = moment_reader(self.loader)
        self._second = second_reader(self.loader)
        self._changes: dict[tuple[bool, ...], _Changes] = {}
        self._stage = statements.keys_stage()
        self._question = statements.not_unchanged(self._stage, self.database, self.shop, self.policy)
        self._shapes = Shapes(self.mappings, self.properties, self.loader)
        self._passes = passing(self.filters)
        self._new = NewContacts(
            self.database,
            self.loader,
            self.policy,
            self.mappings,
            self.shop,
            self.operation_id,
            self.hashers(),
            self._shapes,
        )

    def hashers(self) -> Mapping[str, Callable[[str | None], str | None]]:
        """Return per channel what hashes its addresses."""
        return {channel: address_hasher(self.database.salt, channel) for channel in CHANNELS}

    def sort_out(self, lines: Sequence[bytes]) -> Sorted:
        """Read the keys of a batch.

        Two records of one customer, who fails the import filters, and what cannot be read by types are not plain.
        """
        batch = Sorted(lines, [None] * len(lines), [], set())
        cores, careful, hasher, passes = batch.cores, batch.careful, self._hasher, self._passes
        places: dict[int, int] = {}
        for position, line in enumerate(lines):
            try:
                core = read_core(line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                careful.add(position)
                continue
            first = places.setdefault(core.id, position)
            by_email = kind_of(core.email, core.email_marketing_state)
            by_sms = kind_of(core.phone, core.sms_marketing_state)
            kept_out = passes is not None and not passes(line)
            if first != position or by_email is None or by_sms is None or _ERASES in line or kept_out:
                careful.add(first)
                careful.add(position)
                continue
            cores[position] = core
            content = hasher.copy()
            content.update(line)
            batch.keys.append((position, core.id, content.hexdigest(), by_email, by_sms))
        careful |= {places[key] for key in self._odd_keys(batch) if key in places}
        if careful:
            batch.keys = [row for row in batch.keys if row[0] not in careful]
        return batch

    def _odd_keys(self, batch: Sorted) -> set[t.Any]:
        """Return the ids of records that could not be read by types: they may name a customer of the batch."""
        odd: set[t.Any] = set()
        for position in batch.careful:
            if batch.cores[position] is None:
                record = decode_record(batch.lines[position])
                key = record.get("id") if isinstance(record, dict) else None
                try:
                    odd.add(int(key))  # type: ignore[arg-type]
                except (TypeError, ValueError, OverflowError):
                    continue
        return odd

    def take_in(
        self, connection: sa.Connection, batch: Sorted, erased: Collection[Key], tally: Tally, now: dt.datetime
    ) -> list[int]:
        """Take in the plain records of a batch and count them.

        Args:
            connection: In a transaction.
            batch: The batch.
            erased: The addresses that the batch erases.
            tally: Counts the plain records.
            now: The time of this write.

        Returns:
            The positions of the others, in order.

        Raises:
            ContactsMoved: Another program has changed a status meanwhile.
        """
        careful = set(batch.careful)
        new: list[tuple[int, Core, str]] = []
        changed: list[tuple[int, int, Core, str]] = []
        with self.loader.staged(connection, self._stage, batch.keys, ready=True):
            asked = connection.execute(self._question).all()
        tally.counts["unchanged"] += len(batch.keys) - len(asked)
        if asked:
            contents = {row[0]: row[2] for row in batch.keys}
            for position, contact_id, is_same in asked:
                core = batch.cores[position]
                if is_same or core is None or (contact_id is not None and not self.policy.update_existing):
                    careful.add(position)
                elif contact_id is None:
                    new.append((position, core, contents[position]))
                else:
                    changed.append((position, contact_id, core, contents[position]))
        self._take_changed(connection, batch.lines, changed, careful, tally, now)
        self._take_new(connection, batch.lines, new, careful, erased, tally, now)
        return sorted(careful)

    def _take_changed(
        self,
        connection: sa.Connection,
        lines: Sequence[bytes],
        changed: Sequence[tuple[int, int, Core, str]],
        careful: set[int],
        tally: Tally,
        now: dt.datetime,
    ) -> None:
        shapes: dict[tuple[bool, ...], list[tuple[t.Any, ...]]] = {}
        for position, contact_id, core, content in changed:
            read = self._shapes.read(lines[position])
            told = None if read is None else self._told(core)
            if read is None or told is None:
                careful.add(position)
                continue
            carried, values = read
            updated_at, last_order_at, *said = told
            row = (position, contact_id, core.id, updated_at, last_order_at, content, *said, *values)
            shapes.setdefault(carried, []).append(row)
        for carried, rows in shapes.items():
            tally.counts["updated"] += self._write_changed(connection, carried, rows, careful, now)

    def _told(self, core: Core) -> list[t.Any] | None:
        """Return a record's times, the kinds of what it says, and what it says of each channel, for the driver.

        It is None if the record has to be read carefully.
        """
        kinds = (kind_of(core.email, core.email_marketing_state), kind_of(core.phone, core.sms_marketing_state))
        by_email = (core.email, core.email_marketing_state, core.email_marketing_opt_in_level)
        by_sms = (core.phone, core.sms_marketing_state, core.sms_marketing_opt_in_level)
        times = (core.email_marketing_updated_at, core.sms_marketing_updated_at)
        last_order_at = core.last_order_created_at
        try:
            told = [self._moment(core.updated_at), None if last_order_at is None else self._moment(last_order_at)]
            told += kinds
            for kind, texts, consent_at in zip(kinds, (by_email, by_sms), times, strict=True):
                if kind == SILENT:
                    told += (None, None, None, None)
                    continue
                told += [short_text(text) if text else None for text in texts]
                told.append(None if consent_at is None else self._second(consent_at)[0])
        except ValueError:
            return None
        return told

    def _write_changed(
        self,
        connection: sa.Connection,
        carried: tuple[bool, ...],
        rows: list[tuple[t.Any, ...]],
        careful: set[int],
        now: dt.datetime,
    ) -> int:
        """Write the changed records of one shape; return how many were plain."""
        changes = self._changes.get(carried)
        if changes is None:
            changes = self._changes[carried] = _Changes.of(self, carried)
        stage = changes.stage
        with self.loader.staged(connection, stage, rows, ready=True):
            others = list(connection.execute(changes.question).scalars())
            for start in range(0, len(others), _CHUNK):
                doomed = stage.c["_position"].in_(others[start : start + _CHUNK])
                connection.execute(sa.delete(stage).where(doomed))
            careful.update(others)
            plain = len(rows) - len(others)
            if plain:
                written = connection.execute(changes.contacts, {"now": now, "operation_id": self.operation_id})
                if written.rowcount != plain:
                    raise ContactsMoved
                connection.execute(changes.sources)
        return plain

    def _take_new(
        self,
        connection: sa.Connection,
        lines: Sequence[bytes],
        new: Sequence[tuple[int, Core, str]],
        careful: set[int],
        erased: Collection[Key],
        tally: Tally,
        now: dt.datetime,
    ) -> None:
        if not new:
            return
        buried = connection.execute(sa.select(tombstones.c.hash).where(tombstones.c.kind == "source").limit(1)).first()
        hash_source = None
        if buried is not None:
            hash_source = lambda number: source_hash(self.database.salt, self.shop, number)  # noqa: E731
        candidates = []
        for position, core, content in new:
            candidate = self._new.candidate(position, core, content, lines[position], now)
            if candidate is None:
                careful.add(position)
            else:
                candidates.append(candidate)
        taken, changes = self._new.take_in(connection, candidates, careful, erased, now, hash_source)
        tally.counts["inserted"] += taken
        tally.counts.update(changes)


@dataclass(frozen=True, slots=True)
class _Changes:
    """The statements for changed records of one shape."""

    stage: sa.Table
    question: sa.Select[t.Any]
    contacts: sa.Update
    sources: sa.Update

    @classmethod
    def of(cls, road: PlainRoad, carried: tuple[bool, ...]) -> _Changes:
        stage = statements.changed_stage(road.mappings, carried)
        return cls(
            stage,
            statements.not_plainly_changed(stage, road.database, road.shop, road.policy),
            statements.update_contacts(stage, road.database.contacts, road.mappings, carried),
            statements.update_sources(stage, road.shop),
        )


def is_straight(mappings: Sequence[Filled], properties: Mapping[str, t.Any]) -> bool:
    """Tell whether contacts hold just the addresses that their records name, so that there is a plain road.

    Args:
        mappings: The compiled mappings.
        properties: `properties` of the stream's schema.
    """
    filling = {one.field.name: one for one in mappings}
    for channel, name in ADDRESS_PROPERTY.items():
        filled = filling.get(name)
        if filled is None:
            if name in properties or f"{channel}_marketing_state" in properties:
                return False
            continue
        rules = (filled.source, filled.update, filled.when_empty)
        if rules != (name, Update.ALWAYS, WhenEmpty.CLEAR) or filled.field.type is not _ADDRESS_TYPES[channel]:
            return False
    return True


_ADDRESS_TYPES: t.Final = {"email": FieldType.EMAIL, "sms": FieldType.PHONE}
