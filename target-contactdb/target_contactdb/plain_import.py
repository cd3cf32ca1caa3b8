"""The plain road: the records of a batch that need no thought are taken in by set-based statements.

Plain is a record that is unchanged, or that changes nothing but fields, or a customer of whom nothing at all is known,
nor of its addresses; each of them alone is what the state table would make of it. All others are left to the careful
road, in the same transaction: together they are two smaller batches, one after the other.

Where addresses are keys, a record is plain only if its contact has no other customer, and if no other record of the
batch brings the same value: keys are given in the order of the stream. Where anything else is a key, or contacts have
several customers of an earlier key, only an unchanged record is plain.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

import msgspec
import sqlalchemy as sa

from target_contactdb import plain_statements as statements
from target_contactdb.address_keys import AddressKeys
from target_contactdb.addresses import address_hasher
from target_contactdb.consent import State
from target_contactdb.contact_lookup import source_hash
from target_contactdb.fields import FieldType, to_integer
from target_contactdb.mapping import Update, WhenEmpty
from target_contactdb.plain_candidates import Candidates
from target_contactdb.plain_changed import Change, ChangedContacts
from target_contactdb.plain_new import NewContacts
from target_contactdb.plain_statements import kind_of
from target_contactdb.record_shapes import Shapes
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.tables import CHANNELS, tombstones
from target_contactdb.typed_records import (
    Core,
    decode_record,
    erases,
    hasher_of,
    passing,
    read_core,
)

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Mapping, Sequence

    from target_contactdb.address_keys import Values
    from target_contactdb.conditions.filters import Filter
    from target_contactdb.consent_values import Policy
    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader
    from target_contactdb.ledger import Key
    from target_contactdb.mapping import Filled
    from target_contactdb.operations import Tally

# Wherever the word stands in a record: better read it carefully once too often.
_MAY_ERASE: t.Final = re.compile(State.REDACTED.value.encode(), re.IGNORECASE)


@dataclass(slots=True)
class Sorted:
    """A batch, read as far as it takes to ask the database about it.

    Attributes:
        lines: The records' bytes.
        cores: What decides about each; None where it has to be read carefully.
        keys: The rows of the stage of keys.
        careful: The positions that are for the careful road.
        values: What each brings for keys that are addresses; None where that is not known.
        erases: The positions that erase somebody, as far as they could be read.
    """

    lines: Sequence[bytes]
    cores: list[Core | None]
    keys: list[tuple[int, int, str, int, int]]
    careful: set[int]
    values: list[Values | None]
    erases: set[int] = field(default_factory=set)

    def erasing(self) -> list[int]:
        """Return the positions of the records that may erase somebody."""
        return [
            position
            for position in sorted(self.careful)
            if position in self.erases or _MAY_ERASE.search(self.lines[position])
        ]


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
        self._stage = statements.keys_stage()
        self._question = statements.not_unchanged(self._stage, self.database, self.shop, self.policy)
        shapes = Shapes(self.mappings, self.properties, self.loader)
        self._passes = passing(self.filters)
        # None: only unchanged records are plain. Where each customer is a contact of its own there is nothing to key.
        self._keys = AddressKeys.of(self.database, self.mappings)
        self._candidates = Candidates(self.loader, self.policy, self.hashers())
        keys = self._keys.fields if self._keys is not None else ()
        self._new = NewContacts(self.database, self.loader, self.mappings, self.shop, self.operation_id, shapes, keys)
        self._changed = ChangedContacts(self.database, self.loader, self.mappings, self.shop, self.operation_id, shapes)

    def hashers(self) -> Mapping[str, Callable[[str | None], str | None]]:
        """Return per channel what hashes its addresses."""
        return {channel: address_hasher(self.database.salt, channel) for channel in CHANNELS}

    def sort_out(self, lines: Sequence[bytes]) -> Sorted:
        """Read the keys of a batch.

        Two records of one customer, who fails the import filters, and what cannot be read by types are not plain.
        """
        batch = Sorted(lines, [None] * len(lines), [], set(), [None] * len(lines))
        cores, careful, hasher, passes = batch.cores, batch.careful, self._hasher, self._passes
        values_of = self._keys.values if self._keys is not None and self._keys.fields else None
        places: dict[int, int] = {}
        for position, line in enumerate(lines):
            try:
                core = read_core(line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                careful.add(position)
                continue
            if values_of is not None:
                batch.values[position] = values_of(core)
            first = places.setdefault(core.id, position)
            by_email = kind_of(core.email, core.email_marketing_state)
            by_sms = kind_of(core.phone, core.sms_marketing_state)
            kept_out = passes is not None and not passes(line)
            if erases(core):
                batch.erases.add(position)
            if first != position or by_email is None or by_sms is None or position in batch.erases or kept_out:
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
                try:
                    odd.add(to_integer(record["id"]))
                except (KeyError, TypeError, ValueError):
                    # No id, so no customer's; the careful road rejects the record and says why.
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
        changed: list[Change] = []
        with self.loader.staged(connection, self._stage, batch.keys, ready=True):
            asked = connection.execute(self._question).all()
        tally.counts["unchanged"] += len(batch.keys) - len(asked)
        keys = {row[0]: row for row in batch.keys} if asked else {}
        apart = self._apart(batch) if asked else ()
        for position, contact_id, is_same, is_plain, updated_at, *said in asked:
            core = batch.cores[position]
            _position, _customer_id, content, *kinds = keys[position]
            if core is None or is_same or position not in apart:
                careful.add(position)
            elif contact_id is None:
                new.append((position, core, content))
            elif is_plain and self.policy.update_existing:
                changed.append(Change(position, core, tuple(kinds), content, contact_id, updated_at, tuple(said)))
            else:
                careful.add(position)
        tally.counts["updated"] += self._changed.take_in(connection, batch.lines, changed, careful, now)
        self._take_new(connection, batch, new, careful, erased, tally, now)
        return sorted(careful)

    def _apart(self, batch: Sorted) -> Collection[int]:
        """Return the records whose place in the batch does not matter to what the keys make of them."""
        if self._keys is None:
            return ()
        return self._keys.apart(batch.values) if self._keys.fields else range(len(batch.lines))

    def _take_new(
        self,
        connection: sa.Connection,
        batch: Sorted,
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
        candidates, lines, values = [], batch.lines, batch.values
        for position, core, content in new:
            candidate = self._candidates.decide(position, core, content, lines[position], values[position] or (), now)
            if candidate is None:
                careful.add(position)
            else:
                candidates.append(candidate)
        taken, changes = self._new.take_in(connection, candidates, careful, erased, now, hash_source)
        tally.counts["inserted"] += taken
        tally.counts.update(changes)


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
