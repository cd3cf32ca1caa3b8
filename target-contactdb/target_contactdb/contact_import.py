"""The customer import: one batch of records becomes contacts, in one transaction."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field

from target_contactdb import closing, contact_apply
from target_contactdb import ledger as ledgers
from target_contactdb.consent_rules import is_unknown_state
from target_contactdb.contact_lookup import known_opt_outs, look_up
from target_contactdb.contact_plan import Judge
from target_contactdb.database import writing
from target_contactdb.erasure import erase_customer, without_erased
from target_contactdb.errors import DatabaseError, StatusLimitError
from target_contactdb.hearing import Hearing
from target_contactdb.key_rounds import KeyRounds
from target_contactdb.key_state import refuse_changed_keys
from target_contactdb.ledger import Ledger
from target_contactdb.operations import SetAside, Tally, count, utc_now
from target_contactdb.records import RecordError, field_value, key_of, read_aside, read_customer
from target_contactdb.set_aside import DISCARDED, REJECTED, held_back
from target_contactdb.status_count import note_stop
from target_contactdb.status_gate import TooManyChanges, pass_gate
from target_contactdb.tables import CHANNELS, STATUS_CHANGES
from target_contactdb.typed_records import decode_record, hasher_of
from target_contactdb.uncollected import uncollected

if t.TYPE_CHECKING:
    import datetime as dt
    import logging
    from collections.abc import Callable, Mapping, Sequence

    import sqlalchemy as sa

    from target_contactdb.conditions.filters import Filter
    from target_contactdb.consent_values import OptOut, Policy
    from target_contactdb.contact_lookup import Row
    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader
    from target_contactdb.hearing import Heard
    from target_contactdb.ledger import Holder, Key
    from target_contactdb.mapping import Filled
    from target_contactdb.plain_import import PlainRoad, Sorted
    from target_contactdb.records import Customer, Record
    from target_contactdb.status_limit import Limit


_ATTEMPTS: t.Final = 10
AT_ONCE: t.Final = 2000
"""How many records are decided one by one at once: each takes some fifteen kilobytes until it is written."""


@dataclass(frozen=True, slots=True)
class ContactImport:
    """One customer import, ready for its batches.

    Attributes:
        database: The contact database.
        loader: The engine's loader.
        policy: The consent options.
        mappings: The compiled field mappings.
        fingerprint: Of the mappings.
        stream: Name of the stream, for the log.
        shop: The shop.
        operation_id: The operation in the log.
        logger: Of the target.
        plain: The plain road; None if every record is to be decided carefully.
        filters: The import filters; None = there are none.
        limit: The option `max_status_changes`; None = there is none.
        checked: Mappings whose values are read and not written: a dry run adds no field.
    """

    database: Database
    loader: Loader
    policy: Policy
    mappings: Sequence[Filled]
    fingerprint: str
    stream: str
    shop: str
    operation_id: int
    logger: logging.Logger
    plain: PlainRoad | None = None
    filters: Filter | None = None
    limit: Limit | None = None
    checked: Sequence[Filled] = ()
    _warned: set[str] = field(default_factory=set)

    def write(self, lines: Sequence[bytes]) -> None:
        """Take in one batch: all of it is committed, or nothing.

        Args:
            lines: The records as JSON, in the order of the stream.

        Raises:
            DatabaseError: Another program keeps changing the statuses that are decided here.
            StatusLimitError: Too many statuses would change: only opt-outs and erasures of the batch are written.
        """
        if not lines:
            return
        everyone = range(len(lines))
        batch: Sorted | None = None
        if self.plain is not None:
            with uncollected():
                batch = self.plain.sort_out(lines)

        def take_in(connection: sa.Connection, tally: Tally) -> None:
            now = utc_now()
            left: Sequence[int] = everyone
            if self.plain is not None and batch is not None:
                erased = self._erased(connection, lines, batch.erasing(), now)
                left = self.plain.take_in(connection, batch, erased, tally, now)
            for start in range(0, len(left), AT_ONCE):
                customers = self._read(lines, left[start : start + AT_ONCE], tally)
                self._take_in(connection, customers, tally, now, record_of)
            tally.set_aside = without_erased(connection, self.database.salt, tally.set_aside)
            count(connection, self.operation_id, self.stream, tally, records_read=len(lines))

        def record_of(position: int) -> Record:
            return t.cast("Record", decode_record(lines[position]))

        with uncollected():
            self._commit(take_in, lambda: self._read(lines, everyone, Tally()))

    def write_again(self, customers: Sequence[Customer]) -> None:
        """Take one batch of customers through the state table again, from what is stored of them.

        Raises:
            DatabaseError: As `write` does.
        """

        def take_in(connection: sa.Connection, tally: Tally) -> None:
            self._take_in(connection, customers, tally, utc_now())
            # Nothing was read, so nothing has an outcome: only what changed is counted.
            changed = Tally(Counter({name: tally.counts[name] for name in STATUS_CHANGES}))
            count(connection, self.operation_id, self.stream, changed, records_read=0)

        self._commit(take_in, lambda: customers)

    def _commit(
        self, take_in: Callable[[sa.Connection, Tally], None], read_again: Callable[[], Sequence[Customer]]
    ) -> None:
        """Commit a batch, or what may not be held back of it."""

        def gated(connection: sa.Connection, tally: Tally) -> None:
            take_in(connection, tally)
            pass_gate(connection, self.limit, tally)

        try:
            self._decided(gated)
        except TooManyChanges as stop:
            held, wanted = held_back(read_again()), stop.wanted

            def only_explicit(connection: sa.Connection, tally: Tally) -> None:
                now = utc_now()
                self._take_in(connection, held, tally, now)
                names = (*STATUS_CHANGES, "erased")
                explicit = Tally(Counter({name: tally.counts[name] for name in names}))
                count(connection, self.operation_id, self.stream, explicit, records_read=tally.counts["erased"])
                note_stop(connection, wanted, now)

            self._decided(only_explicit)
            raise StatusLimitError(stop.told()) from None

    def _decided(self, take_in: Callable[[sa.Connection, Tally], None]) -> None:
        for _attempt in range(_ATTEMPTS):
            try:
                with writing(self.database.engine) as connection:
                    self.loader.look_up_by_keys(connection)
                    refuse_changed_keys(connection, self.database.keys)
                    take_in(connection, Tally())
            except contact_apply.ContactsMoved:
                self.logger.info("another program changed statuses meanwhile: the batch is decided again")
            else:
                return
        msg = "another program keeps changing the statuses of the contacts that are being imported; try again later"
        raise DatabaseError(msg)

    def _read(self, lines: Sequence[bytes], positions: Sequence[int], tally: Tally) -> list[Customer]:
        """Read records strictly; of two of one customer, the newer and then the later one stays."""
        newest: dict[int, Customer] = {}
        hasher = hasher_of(self.fingerprint)
        for position in positions:
            record = decode_record(lines[position])
            if not isinstance(record, dict):
                tally.reject(None, "the record is not an object", None)
                continue
            content = hasher.copy()
            content.update(lines[position])
            digest = content.hexdigest()
            told = key_of(record)
            try:
                customer = self._read_one(record, position, digest, told)
            except RecordError as error:
                tally.reject(told, str(error), record)
                continue
            self._warn_unknown(customer)
            known = newest.get(customer.customer_id)
            tally.counts["superseded"] += known is not None
            if known is None or not customer.is_dated or customer.updated_at >= known.updated_at:
                newest[customer.customer_id] = customer
        return sorted(newest.values(), key=lambda customer: customer.position)

    def _read_one(self, record: Record, position: int, digest: str, key: str | None) -> Customer:
        salt = self.database.salt
        try:
            reason = self.filters.reason(record) if self.filters is not None else None
            if reason is None:
                for filled in self.checked:
                    field_value(filled.source, filled.field.convert, record.get(filled.source))
                return read_customer(record, position, self.mappings, digest=digest, salt=salt)
            aside = SetAside(key, DISCARDED, reason, None)
        except RecordError as error:
            aside = SetAside(key, REJECTED, str(error), record)
        return read_aside(record, position, aside, mappings=len(self.mappings), salt=salt)

    def weighed(self, customers: Sequence[Customer], _rows: Mapping[int, Row]) -> Sequence[Customer]:
        """Return the customers of a batch as they count, given what the database knows of each."""
        return customers

    def _erased(
        self, connection: sa.Connection, lines: Sequence[bytes], positions: Sequence[int], now: dt.datetime
    ) -> set[Key]:
        """Return the addresses that some records of a batch erase."""
        customers = self._read(lines, positions, Tally()) if positions else []
        if not customers:
            return set()
        hearing = self._hearing(now)
        rows = look_up(connection, self.loader, self.database, self.shop, customers)
        heard = (hearing.hear(customer, rows[customer.position])[0] for customer in customers)
        return {key for one in heard for key in hearing.erased_addresses(one)}

    def _hearing(self, now: dt.datetime) -> Hearing:
        return Hearing(self.policy, self.mappings, self.database.salt, now)

    def _warn_unknown(self, customer: Customer) -> None:
        for channel, said in customer.said.items():
            if said is not None and is_unknown_state(said.state) and said.state not in self._warned:
                self._warned.add(str(said.state))
                self.logger.warning(
                    "stream `%s`: `%s` (channel %s) is not a consent state that is known; it counts as NOT_SUBSCRIBED",
                    self.stream,
                    said.state,
                    channel,
                )

    def _take_in(
        self,
        connection: sa.Connection,
        customers: Sequence[Customer],
        tally: Tally,
        now: dt.datetime,
        record_of: Callable[[int], Record] | None = None,
    ) -> None:
        if not customers:
            return
        hearing = self._hearing(now)
        rounds = KeyRounds(
            connection, self.loader, self.database, self.shop, self.operation_id, hearing, tally, record_of
        )
        for chosen, rows in rounds.run(customers):
            self._take_in_round(connection, hearing, self.weighed(chosen, rows), rows, tally)

    def _take_in_round(
        self,
        connection: sa.Connection,
        hearing: Hearing,
        customers: Sequence[Customer],
        rows: Mapping[int, Row],
        tally: Tally,
    ) -> None:
        now, judge = hearing.now, Judge(hearing)
        ledger = Ledger(known_opt_outs(rows, customers))
        heard, erased, holders = self._hear(connection, judge, customers, rows, ledger)
        plans = [judge.plan(one, ledger, erased) for one in heard]
        tally.counts.update(plan.outcome for plan in plans)
        asides = ((plan.customer.aside, plan.outcome) for plan in plans)
        tally.set_aside += [aside for aside, outcome in asides if aside is not None and aside.outcome == outcome]
        contact_apply.write_contacts(
            connection, self.loader, self.database, plans, self.mappings, operation_id=self.operation_id, now=now
        )
        for channel in CHANNELS:
            found = [plan.contact_id for plan in plans if plan.contact_id is not None and plan.answered.get(channel)]
            ledgers.answer_sources(connection, self.database.contacts, channel, found)
        contact_apply.write_sources(connection, self.loader, self.shop, plans, now)
        changes = [(t.cast("int", plan.contact_id), change) for plan in plans for change in plan.changes]
        judged = {(plan.contact_id, channel) for plan in plans for channel in plan.judged}
        others = [holder for holder in holders if (holder.contact_id, holder.channel) not in judged]
        changes += closing.follow_closed(
            connection, self.database, ledger, others, updated_at=now, last_operation_id=self.operation_id
        )
        tally.add_changes(change for _contact, change in changes)
        contact_apply.write_changes(connection, self.loader, changes, operation_id=self.operation_id, now=now)
        ledgers.save(connection, ledger)
        for plan in plans:
            if plan.erases:
                named = {(channel, digest) for channel, digest in plan.customer.hashes.items() if digest is not None}
                erase_customer(connection, self.database, (self.shop, plan.customer.customer_id), named, now)

    def _hear(
        self,
        connection: sa.Connection,
        judge: Judge,
        customers: Sequence[Customer],
        rows: t.Mapping[int, t.Any],
        ledger: Ledger,
    ) -> tuple[list[Heard], set[Key], list[Holder]]:
        """Hear every record, and put all opt-outs of the batch into the ledger before anything is decided."""
        heard: list[Heard] = []
        told: list[tuple[Key, OptOut]] = []
        for customer in customers:
            one, found = judge.hearing.hear(customer, rows[customer.position])
            heard.append(one)
            told += found
        erased = {key for one in heard for key in judge.hearing.erased_addresses(one)}
        heard = [judge.hearing.without_erased(one, erased) for one in heard]
        elsewhere = {key for key, _opt_out in told} - ledger.known.keys()
        ledger.known |= ledgers.load(connection, elsewhere)
        for one in heard:
            told += judge.opt_outs(one, ledger)
        holders = closing.tell(connection, self.database, ledger, told, self.policy)
        return heard, erased, holders
