"""Plainly new customers: nothing is known of them nor of their addresses, so they go straight into the tables."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from target_contactdb import plain_statements as statements
from target_contactdb.first_sight import FirstSight, first_sight
from target_contactdb.record_shapes import NOT_READ
from target_contactdb.tables import CHANNELS, contact_sources, contact_status_columns, status_changes, suppressions
from target_contactdb.typed_records import NULL_CHARACTER, moment_reader, second_reader, short_text

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    import sqlalchemy as sa

    from target_contactdb.address_keys import Values
    from target_contactdb.consent_values import Policy
    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader
    from target_contactdb.fields import ContactField
    from target_contactdb.ledger import Key
    from target_contactdb.mapping import Filled
    from target_contactdb.record_shapes import Carried, Shapes
    from target_contactdb.typed_records import Core

_ANSWERS: t.Final = 256
_LONGEST: t.Final = 255
_CHANNEL_VALUES: t.Final = ("address", "address_hash", "state", "opt_in_level", "consent_at")
_SOURCE_NAMES: t.Final = (
    *("shop", "customer_id", "contact_id", "owned", "first_seen_at", "source_updated_at", "last_order_at"),
    *(f"{channel}_{name}" for channel in CHANNELS for name in _CHANNEL_VALUES),
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
_NOTHING: t.Final = (None,) * len(_CHANNEL_VALUES)
_NO_STATUS: t.Final = ("none", None, None, None, None, None, "none", None)


class _Channel(msgspec.Struct, gc=False):
    """What becomes of one channel of one new customer.

    Attributes:
        seen: What the source row holds.
        held: What the contact's row holds, in the order of `_CONTACT_NAMES`.
        answer: The state table's answer; None for a channel of which nothing is said.
        times: By `When`, as the driver takes them.
        spoken: The consent time in the words of the evidence.
    """

    seen: tuple[t.Any, ...]
    held: tuple[t.Any, ...]
    answer: FirstSight | None
    times: tuple[t.Any, ...]
    spoken: str


_SILENT: t.Final = _Channel(_NOTHING, _NO_STATUS, None, (), "")


class Candidate(msgspec.Struct, gc=False):
    """A customer that no source row knows, decided as if nothing else were known of it either."""

    position: int
    customer_id: int
    updated_at: t.Any
    last_order_at: t.Any
    content_hash: str
    channels: tuple[_Channel, _Channel]
    line: bytes
    keys: Values


_Numbered: t.TypeAlias = tuple[Candidate, int]
"""A customer and the id of the contact that it becomes."""


@dataclass
class NewContacts:
    """The way of the plainly new into the database.

    Attributes:
        database: The contact database.
        loader: The engine's loader.
        policy: The consent options.
        mappings: The compiled mappings.
        shop: The shop.
        operation_id: The operation in the log.
        hashers: Per channel, what hashes an address.
        shapes: Reads the values of records.
        keys: Key fields that are addresses, named as what the record says.
    """

    database: Database
    loader: Loader
    policy: Policy
    mappings: Sequence[Filled]
    shop: str
    operation_id: int
    hashers: Mapping[str, Callable[[str | None], str | None]]
    shapes: Shapes
    keys: Sequence[ContactField] = ()
    _answers: dict[tuple[t.Any, ...], FirstSight | None] = field(default_factory=dict)
    # By state and opt-in level: channels without an address, of which no time is told. Many customers have the same.
    _empty: dict[tuple[str | None, str | None], _Channel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._moment = moment_reader(self.loader)
        self._second = second_reader(self.loader)
        self._stage = statements.new_stage(self.keys)
        self._question = statements.not_plainly_new(self._stage, self.database, self.keys)
        self._link = statements.link_checkouts(self._stage, self.shop)

    def candidate(
        self, position: int, core: Core, content_hash: str, line: bytes, keys: Values, now: dt.datetime
    ) -> Candidate | None:
        """Decide a record as if nothing were known of it; None if it has to be read carefully.

        Args:
            position: Its place in the batch.
            core: What decides about it.
            content_hash: The hash of its content.
            line: Its bytes.
            keys: What it brings for the keys that are addresses.
            now: The time of this write.
        """
        ready_now = self.loader.moment(now)
        try:
            updated_at = self._moment(core.updated_at)
            ordered_at = core.last_order_created_at
            last_order_at = None if ordered_at is None else self._moment(ordered_at)
            email = self._channel(
                "email",
                core.email,
                core.email_marketing_state,
                core.email_marketing_opt_in_level,
                core.email_marketing_updated_at,
                updated_at,
                ready_now,
            )
            sms = self._channel(
                "sms",
                core.phone,
                core.sms_marketing_state,
                core.sms_marketing_opt_in_level,
                core.sms_marketing_updated_at,
                updated_at,
                ready_now,
            )
        except ValueError:
            return None
        if email is None or sms is None:
            return None
        return Candidate(position, core.id, updated_at, last_order_at, content_hash, (email, sms), line, keys)

    def _channel(
        self, channel: str, address: t.Any, state: t.Any, level: str | None, consent_at: str | None, *times: t.Any
    ) -> _Channel | None:
        if address is msgspec.UNSET:
            return _SILENT
        is_empty = not address and consent_at is None
        if is_empty and (state, level) in self._empty:
            return self._empty[state, level]
        text = short_text(address) if address else None
        digest = self.hashers[channel](text)
        asked = (state, level, digest is not None, consent_at is not None)
        answer = self._answers.get(asked)
        if answer is None:
            answer = self._ask(*asked)
            if answer is None:
                return None
        said_at, spoken = None, ""
        if consent_at is not None:
            said_at, spoken = self._second(consent_at)
        when = (None, said_at, *times)
        status, source, cause = answer.status, answer.source, answer.cause
        held = (status, source, cause, when[answer.at], when[answer.opted_out], digest, status, cause)
        found = _Channel((text, digest, state, level, said_at), held, answer, when, spoken)
        if is_empty and answer.is_timeless:
            self._empty[state, level] = found
        return found

    def _ask(self, state: str | None, level: str | None, has_address: bool, has_time: bool) -> FirstSight | None:
        if level is not None and (not level or level != level.strip().upper() or len(level) > _LONGEST):
            return None
        if len(self._answers) >= _ANSWERS:
            return None
        answer = first_sight(state, level, has_address=has_address, has_time=has_time, policy=self.policy)
        self._answers[state, level, has_address, has_time] = answer
        return answer

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
        shared = _shared(candidates) | set(erased)
        if shared:
            careful.update(one.position for one in candidates if _addresses(one) & shared)
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


def _addresses(one: Candidate) -> set[tuple[str, str]]:
    return {
        (name, channel.seen[1])
        for name, channel in zip(CHANNELS, one.channels, strict=True)
        if channel.seen[1] is not None
    }


def _shared(candidates: Sequence[Candidate]) -> set[tuple[str, str]]:
    """Return the addresses that more than one of some candidates name: who of them counts is for the careful road."""
    shared: set[tuple[str, str]] = set()
    for index, channel in enumerate(CHANNELS):
        digests = [one.channels[index].seen[1] for one in candidates]
        known = [digest for digest in digests if digest is not None]
        if len(known) != len(set(known)):
            shared |= {(channel, digest) for digest, times in Counter(known).items() if times > 1}
    return shared
