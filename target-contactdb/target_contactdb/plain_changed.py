"""Plainly changed customers: their record says other things of them than before, but of their consent just the same."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass, field

from target_contactdb import plain_statements as statements
from target_contactdb.contact_apply import ContactsMoved
from target_contactdb.fields import to_datetime
from target_contactdb.plain_statements import SAID_NAMES, SILENT
from target_contactdb.typed_records import moment_reader, short_text

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader
    from target_contactdb.mapping import Filled
    from target_contactdb.record_shapes import Carried, Shapes
    from target_contactdb.typed_records import Core

_WORDS: t.Final = len(SAID_NAMES)


class Change(t.NamedTuple):
    """A customer of whom nothing is to be decided, if the record says of the channels what the one before did.

    Attributes:
        position: Its place in the batch.
        core: What its record says.
        kinds: Per channel, the kind of it.
        content_hash: The hash of the record's content.
        contact_id: Its contact.
        updated_at: When the record before was updated, UTC.
        said: What that said of each channel: `SAID_NAMES`, channel after channel.
    """

    position: int
    core: Core
    kinds: tuple[int, ...]
    content_hash: str
    contact_id: int
    updated_at: dt.datetime | None
    said: tuple[t.Any, ...]


def says_the_same(change: Change) -> bool:
    """Tell whether a record is not older than the one before, and says the same of each channel that it speaks of.

    Raises:
        ValueError: A time is none, or a text is too long: the record has to be read carefully.
    """
    core = change.core
    if change.updated_at is None or to_datetime(core.updated_at) < change.updated_at:
        return False
    words = (
        (core.email, core.email_marketing_state, core.email_marketing_opt_in_level, core.email_marketing_updated_at),
        (core.phone, core.sms_marketing_state, core.sms_marketing_opt_in_level, core.sms_marketing_updated_at),
    )
    for index, (kind, (*texts, consent_at)) in enumerate(zip(change.kinds, words, strict=True)):
        if kind == SILENT:
            continue
        *said, said_at = change.said[index * _WORDS : (index + 1) * _WORDS]
        if [short_text(text) if text else None for text in texts] != said:
            return False
        if (None if consent_at is None else to_datetime(consent_at).replace(microsecond=0)) != said_at:
            return False
    return True


@dataclass
class ChangedContacts:
    """The way of the plainly changed into the database.

    Attributes:
        database: The contact database.
        loader: The engine's loader.
        mappings: The compiled mappings.
        shop: The shop.
        operation_id: The operation in the log.
        shapes: Reads the values of records.
    """

    database: Database
    loader: Loader
    mappings: Sequence[Filled]
    shop: str
    operation_id: int
    shapes: Shapes
    _writes: dict[Carried, _Writes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._moment = moment_reader(self.loader)

    def take_in(
        self,
        connection: sa.Connection,
        lines: Sequence[bytes],
        changes: Sequence[Change],
        careful: set[int],
        now: dt.datetime,
    ) -> int:
        """Write the fields of those who say of the channels what they said before.

        Args:
            connection: In a transaction.
            lines: The records' bytes, by position.
            changes: The customers.
            careful: Gets the positions of the others.
            now: The time of this write.

        Returns:
            How many were written.

        Raises:
            ContactsMoved: Another program has changed a status meanwhile.
        """
        rows: dict[Carried, list[tuple[t.Any, ...]]] = {}
        for change in changes:
            row = self._row(change, lines[change.position])
            if row is None:
                careful.add(change.position)
            else:
                carried, values = row
                rows.setdefault(carried, []).append(values)
        for carried, found in rows.items():
            self._write(connection, carried, found, now)
        return sum(map(len, rows.values()))

    def _row(self, change: Change, line: bytes) -> tuple[Carried, tuple[t.Any, ...]] | None:
        core = change.core
        try:
            if not says_the_same(change):
                return None
            updated_at = self._moment(core.updated_at)
            ordered_at = core.last_order_created_at
            last_order_at = None if ordered_at is None else self._moment(ordered_at)
        except ValueError:
            return None
        read = self.shapes.read(line)
        if read is None:
            return None
        carried, values = read
        return carried, (change.contact_id, core.id, updated_at, last_order_at, change.content_hash, *values)

    def _write(
        self, connection: sa.Connection, carried: Carried, rows: Sequence[tuple[t.Any, ...]], now: dt.datetime
    ) -> None:
        writes = self._writes.get(carried)
        if writes is None:
            stage = statements.changed_stage(self.mappings, carried)
            contacts = statements.update_contacts(stage, self.database.contacts, self.mappings, carried)
            writes = self._writes[carried] = _Writes(stage, contacts, statements.update_sources(stage, self.shop))
        with self.loader.staged(connection, writes.stage, rows, ready=True):
            written = connection.execute(writes.contacts, {"now": now, "operation_id": self.operation_id})
            if written.rowcount != len(rows):
                raise ContactsMoved
            connection.execute(writes.sources)


class _Writes(t.NamedTuple):
    """The statements for changed records of one shape."""

    stage: sa.Table
    contacts: sa.Update
    sources: sa.Update
