"""Plainly new customers: nothing is known of them nor of their addresses, so they go straight into the tables."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass

from target_contactdb import plain_statements as statements
from target_contactdb.plain_candidates import SEEN_NAMES, addresses_of, shared_addresses
from target_contactdb.record_shapes import NOT_READ
from target_contactdb.tables import CHANNELS, contact_sources, contact_status_columns, status_changes, suppressions
from target_contactdb.typed_records import NULL_CHARACTER

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    import sqlalchemy as sa

    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader
    from target_contactdb.fields import ContactField
    from target_contactdb.ledger import Key
    from target_contactdb.mapping import Filled
    from target_contactdb.plain_candidates import Candidate
    from target_contactdb.record_shapes import Carried, Shapes

_SOURCE_NAMES: t.Final = (
    *("shop", "customer_id", "contact_id", "owned", "first_seen_at", "source_updated_at", "last_order_at"),
    *(f"{channel}_{name}" for channel in CHANNELS for name in SEEN_NAMES),
    "content_hash",
)
# Nobody new has had a status before, nor opted in anywhere but at Shopify: what stays null is left out.
_CHANGE_NAMES: t.Final = tuple(
    column.name for column in status_changes.columns if column.name not in {"change_id", "from"}
)
_CONTACT_NAMES: t.Final = (
    *("contact_id", "user_code"),
    *(column.name for column in contact_status_columns() if not column.name.endswith("_opted_in_at")),
    *("created_at", "updated_at", "last_operation_id"),
)
_Numbered: t.TypeAlias = "tuple[Candidate, int]"
"""A customer and the id of the contact that it becomes."""


@dataclass
class NewContacts:
    """The way of the plainly new into the database.

    Attributes:
        database: The contact database.
        loader: The engine's loader.
        mappings: The compiled mappings.
        shop: The shop.
        operation_id: The operation in the log.
        shapes: Reads the values of records.
        keys: Key fields that are addresses, named as what the record says.
    """

    database: Database
    loader: Loader
    mappings: Sequence[Filled]
    shop: str
    operation_id: int
    shapes: Shapes
    keys: Sequence[ContactField] = ()

    def __post_init__(self) -> None:
        self._stage = statements.new_stage(self.keys)
        self._question = statements.not_plainly_new(self._stage, self.database, self.keys)
        self._link = statements.link_checkouts(self._stage, self.shop)

    def take_in(
        self,
        connection: sa.Connection,
        candidates: Sequence[Candidate],
        careful: set[int],
        erased: Collection[Key],
        now: dt.datetime,
        hash_source: Callable[[int], str] | None,
    ) -> tuple[int, Counter[str]]:
        """Insert the candidates of whom, and of whose addresses, the database knows nothing.

        Args:
            connection: In a transaction.
            candidates: The customers that no source row knows.
            careful: Gets the positions of the others.
            erased: The addresses that the batch erases.
            now: The time of this write.
            hash_source: Names a source in `tombstones`; None if there is no tombstone of a source.

        Returns:
            How many were inserted, and their status changes by kind.
        """
        shared = shared_addresses(candidates) | set(erased)
        if shared:
            careful.update(one.position for one in candidates if addresses_of(one) & shared)
        candidates = [one for one in candidates if one.position not in careful]
        if not candidates:
            return 0, Counter()
        rows = (
            (
                one.position,
                one.customer_id,
                str(one.customer_id),
                hash_source and hash_source(one.customer_id),
                *(channel.seen[1] for channel in one.channels),
                *(channel.seen[1] if channel.answer and channel.answer.opt_out else None for channel in one.channels),
                *one.keys,
            )
            for one in candidates
        )
        with self.loader.staged(connection, self._stage, rows, ready=True):
            met = set(connection.execute(self._question).scalars())
            careful |= met
            plain = [one for one in candidates if one.position not in met] if met else candidates
            taken, changes = self._write(connection, plain, careful, now)
            connection.execute(self._link)
        return taken, changes

    def _write(
        self, connection: sa.Connection, plain: Sequence[Candidate], careful: set[int], now: dt.datetime
    ) -> tuple[int, Counter[str]]:
        """Insert what can be read by types; the positions of the others go to the careful ones."""
        append = self.loader.append_ready
        written_at = self.loader.moment(now)
        taken = self._write_contacts(connection, plain, careful, written_at)
        sources = (
            (
                *(self.shop, one.customer_id, contact_id, True, written_at, one.updated_at, one.last_order_at),
                *one.channels[0].seen,
                *one.channels[1].seen,
                one.content_hash,
            )
            for one, contact_id in taken
        )
        append(connection, contact_sources, _SOURCE_NAMES, sources)
        counts: Counter[str] = Counter()
        append(connection, status_changes, _CHANGE_NAMES, self._change_rows(taken, written_at, counts))
        closed = ("channel", "address_hash", "cause", "source", "at")
        append(connection, suppressions, closed, _opt_out_rows(taken))
        return len(taken), counts

    def _write_contacts(
        self, connection: sa.Connection, plain: Sequence[Candidate], careful: set[int], written_at: t.Any
    ) -> list[_Numbered]:
        """Insert the contacts; return who was inserted, with the contact's id."""
        numbered = list(zip(plain, self.loader.new_contact_ids(connection, len(plain)), strict=True))
        taken: list[_Numbered] = []
        others: list[_Numbered] = []
        reader = self.shapes.current

        def rows() -> Iterator[tuple[t.Any, ...]]:
            # The values are read as they go: the database works on a row while the next one is read.
            for one, contact_id in numbered:
                try:
                    if NULL_CHARACTER in one.line:
                        raise ValueError
                    values = reader.read(one.line)
                except NOT_READ:
                    others.append((one, contact_id))
                    continue
                taken.append((one, contact_id))
                yield self._contact_row(one, contact_id, written_at, values)

        self._append_contacts(connection, reader.carried, rows())
        shapes: dict[Carried, list[tuple[t.Any, ...]]] = {}
        for one, contact_id in others:
            read = self.shapes.read(one.line)
            if read is None:
                careful.add(one.position)
                continue
            carried, values = read
            taken.append((one, contact_id))
            shapes.setdefault(carried, []).append(self._contact_row(one, contact_id, written_at, values))
        for carried, found in shapes.items():
            self._append_contacts(connection, carried, found)
        return taken

    def _append_contacts(self, connection: sa.Connection, carried: Carried, rows: Iterable[tuple[t.Any, ...]]) -> None:
        fields = [one.field.name for one, is_carried in zip(self.mappings, carried, strict=True) if is_carried]
        self.loader.append_ready(connection, self.database.contacts, [*_CONTACT_NAMES, *fields], rows)

    def _contact_row(
        self, one: Candidate, contact_id: int, written_at: t.Any, values: tuple[t.Any, ...]
    ) -> tuple[t.Any, ...]:
        by_email, by_sms = one.channels
        written = (written_at, written_at, self.operation_id)
        return (contact_id, str(one.customer_id), *by_email.held, *by_sms.held, *written, *values)

    def _change_rows(
        self, taken: Sequence[_Numbered], written_at: t.Any, counts: Counter[str]
    ) -> Iterator[tuple[t.Any, ...]]:
        for one, contact_id in taken:
            for name, channel in zip(CHANNELS, one.channels, strict=True):
                answer = channel.answer
                if answer is None or answer.told is None:
                    continue
                told = answer.told
                before, after = told.evidence
                counts[told.change] += 1
                yield (
                    contact_id,
                    name,
                    told.change,
                    answer.status,
                    answer.cause,
                    answer.source,
                    channel.times[told.acted],
                    written_at,
                    before if after is None else f"{before}{channel.spoken}{after}",
                    self.operation_id,
                )


def _opt_out_rows(taken: Sequence[_Numbered]) -> Iterator[tuple[t.Any, ...]]:
    for one, _contact_id in taken:
        for name, channel in zip(CHANNELS, one.channels, strict=True):
            if channel.answer is not None and channel.answer.opt_out is not None:
                cause, source, at = channel.answer.opt_out
                yield name, channel.seen[1], cause, source, channel.times[at]
