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
from target_contactdb.erasure import erase_customer
from target_contactdb.errors import DatabaseError
from target_contactdb.ledger import Ledger
from target_contactdb.operations import Tally, count, utc_now
from target_contactdb.records import RecordError, read_customer
from target_contactdb.tables import CHANNELS, STATUS_CHANGES

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

    import sqlalchemy as sa

    from target_contactdb.consent_values import OptOut, Policy
    from target_contactdb.contact_plan import Heard
    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader
    from target_contactdb.ledger import Holder, Key
    from target_contactdb.mapping import Filled
    from target_contactdb.records import Customer, Record


_ATTEMPTS: t.Final = 10


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
    _warned: set[str] = field(default_factory=set)

    def write(self, records: Sequence[Record]) -> None:
        """Take in one batch: all of it is committed, or nothing.

        Raises:
            DatabaseError: Another program keeps changing the statuses that are decided here.
        """
        tally = Tally()
        customers = self._read(records, tally)
        self._commit(customers, tally, records_read=len(records))

    def write_again(self, customers: Sequence[Customer]) -> None:
        """Take one batch of customers through the state table again, from what is stored of them.

        Raises:
            DatabaseError: As `write` does.
        """
        self._commit(customers, Tally(), records_read=0)

    def _commit(self, customers: Sequence[Customer], read: Tally, *, records_read: int) -> None:
        for _attempt in range(_ATTEMPTS):
            tally = Tally(Counter(read.counts), list(read.set_aside))
            try:
                with writing(self.database.engine) as connection:
                    self._take_in(connection, customers, tally)
                    if not records_read:
                        # Nothing was read, so nothing has an outcome: only what changed is counted.
                        tally = Tally(Counter({name: tally.counts[name] for name in STATUS_CHANGES}))
                    count(connection, self.operation_id, self.stream, tally, records_read=records_read)
            except contact_apply.ContactsMoved:
                self.logger.info("another program changed statuses meanwhile: the batch is decided again")
            else:
                return
        msg = "another program keeps changing the statuses of the contacts that are being imported; try again later"
        raise DatabaseError(msg)

    def _read(self, records: Sequence[Record], tally: Tally) -> list[Customer]:
        """Read the records strictly; of two of one customer, the newer and then the later one stays."""
        newest: dict[int, Customer] = {}
        for position, record in enumerate(records):
            try:
                customer = read_customer(
                    record, position, self.mappings, fingerprint=self.fingerprint, salt=self.database.salt
                )
            except RecordError as error:
                key = record.get("id")
                tally.reject(None if key is None else str(key), str(error), record)
                continue
            self._warn_unknown(customer)
            known = newest.get(customer.customer_id)
            tally.counts["superseded"] += known is not None
            if known is None or customer.updated_at >= known.updated_at:
                newest[customer.customer_id] = customer
        return sorted(newest.values(), key=lambda customer: customer.position)

    def _warn_unknown(self, customer: Customer) -> None:
        for channel, said in customer.said.items():
            if said is not None and is_unknown_state(said.state) and said.state not in self._warned:
                self._warned.add(str(said.state))
                self.logger.warning(
                    "stream `%s`: `%s` is not a %s consent state that is known; it counts as NOT_SUBSCRIBED",
                    self.stream,
                    said.state,
                    channel,
                )

    def _take_in(self, connection: sa.Connection, customers: Sequence[Customer], tally: Tally) -> None:
        if not customers:
            return
        now = utc_now()
        judge = Judge(self.policy, self.mappings, self.database.salt, now)
        rows = look_up(connection, self.loader, self.database, self.shop, customers)
        ledger = Ledger(known_opt_outs(rows, customers))
        heard, erased, holders = self._hear(connection, judge, customers, rows, ledger)
        plans = [judge.plan(one, ledger, erased) for one in heard]
        tally.counts.update(plan.outcome for plan in plans)
        contact_apply.write_contacts(
            connection, self.loader, self.database, plans, self.mappings, operation_id=self.operation_id, now=now
        )
        for channel in CHANNELS:
            found = [plan.contact_id for plan in plans if plan.contact_id is not None and plan.answered.get(channel)]
            ledgers.answer_sources(connection, channel, found)
        contact_apply.write_sources(connection, self.loader, self.shop, plans, now)
        changes = [(t.cast("int", plan.contact_id), change) for plan in plans for change in plan.changes]
        judged = {(plan.contact_id, channel) for plan in plans for channel in plan.judged}
        others = [holder for holder in holders if (holder.contact_id, holder.channel) not in judged]
        changes += closing.follow_closed(
            connection, self.database, ledger, others, updated_at=now, last_operation_id=self.operation_id
        )
        tally.counts.update(change.change.value for _contact, change in changes)
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
            one, found = judge.hear(customer, rows[customer.position])
            heard.append(one)
            told += found
        erased = {key for one in heard for key in judge.erased_addresses(one)}
        heard = [judge.without_erased(one, erased) for one in heard]
        elsewhere = {key for key, _opt_out in told} - ledger.known.keys()
        ledger.known |= ledgers.load(connection, elsewhere)
        for one in heard:
            told += judge.opt_outs(one, ledger)
        holders = closing.tell(connection, self.database, ledger, told, self.policy)
        return heard, erased, holders
