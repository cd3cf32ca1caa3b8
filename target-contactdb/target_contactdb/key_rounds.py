"""Taking in a batch round by round, each source brought to the contact that its key names before it is decided."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

import sqlalchemy as sa

from target_contactdb.contact_lookup import look_up, sources_of
from target_contactdb.key_rules import Holder, KeyRules, next_round
from target_contactdb.keys import USER_CODE
from target_contactdb.operations import SetAside
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.set_aside import REJECTED
from target_contactdb.source_moves import SourceMoves

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from target_contactdb.contact_lookup import Row
    from target_contactdb.database import Database
    from target_contactdb.dialects.base import Loader
    from target_contactdb.hearing import Hearing
    from target_contactdb.key_rules import Verdict
    from target_contactdb.operations import Tally
    from target_contactdb.records import Customer, Record

    Known = dict[int, Row]
    """What the database knows of each record, by its place in the batch."""


@dataclass(frozen=True, slots=True)
class KeyRounds:
    """The rounds of one batch.

    Attributes:
        connection: In the batch's transaction.
        loader: The engine's loader.
        database: The contact database.
        shop: The shop.
        operation_id: The operation in the log.
        hearing: Takes records in by the rules of consent.
        tally: Of the batch: status changes of contacts that become one are counted in it.
        record_of: Returns the record at a place in the batch, to be kept if it is rejected; None = the records bring no
            fields, so the keys reject and move nothing.
    """

    connection: sa.Connection
    loader: Loader
    database: Database
    shop: str
    operation_id: int
    hearing: Hearing
    tally: Tally
    record_of: Callable[[int], Record] | None

    def run(self, customers: Sequence[Customer]) -> Iterator[tuple[Sequence[Customer], Known]]:
        """Give out each round with what the database knows of it. Write a round before the next one is asked for.

        Where each customer is a contact of its own there is one round, with everyone in it.
        """
        if self.database.one_source_each:
            rows = self._look_up(customers)
            if _are_apart(rows.values()):
                yield customers, rows
                return
        rules = KeyRules(
            self.database.keys, self.database.fields, self.hearing.mappings, self.hearing.policy.update_existing
        )
        pending = customers
        while pending:
            rows = self._look_up(pending, rules)
            claims = [rules.claim(customer, rows[customer.position]) for customer in pending]
            ready = next_round(claims)
            chosen = [customer for customer, is_ready in zip(pending, ready, strict=True) if is_ready]
            pending = [customer for customer, is_ready in zip(pending, ready, strict=True) if not is_ready]
            if self.record_of is not None:
                chosen = self._placed(chosen, rows, rules, self.record_of)
            yield chosen, rows

    def _look_up(self, customers: Sequence[Customer], rules: KeyRules | None = None) -> Known:
        values_of = rules.values if rules is not None else None
        return look_up(self.connection, self.loader, self.database, self.shop, customers, values_of)

    def _placed(
        self, customers: Sequence[Customer], rows: Known, rules: KeyRules, record_of: Callable[[int], Record]
    ) -> list[Customer]:
        """Reject what the keys do not take, and bring the sources where they belong."""
        joined = {rules.joins(customer, rows[customer.position]) for customer in customers} - {None}
        holders = self._holders(t.cast("set[int]", joined))
        placed: list[Customer] = []
        moved: list[tuple[Customer, Verdict]] = []
        moves = SourceMoves(
            self.connection, self.loader, self.database, self.hearing.policy, self.operation_id, self.hearing.now
        )
        for customer in customers:
            row = rows[customer.position]
            verdict = rules.verdict(customer, row, holders)
            reason = verdict.reason or self._erased(customer, row, verdict, rules)
            if reason is not None:
                placed.append(_rejected(customer, reason, record_of(customer.position)))
                if row["source_customer_id"] is None and rules.keys.primary_key != USER_CODE:
                    # It has become no source of the contact that holds its key.
                    rows[customer.position] = _apart(row)
                continue
            placed.append(customer)
            if row["source_customer_id"] is None and self.hearing.tombstoned(self.hearing.hear(customer, row)[0]):
                # What an erased person left behind becomes no source of anybody.
                rows[customer.position] = _apart(row)
            if verdict.leaves or verdict.joins is not None:
                moved.append((customer, verdict))
                self.tally.add_changes(moves.move(row, verdict))
        if moved:
            fresh = self._look_up([customer for customer, _verdict in moved], rules)
            for customer, verdict in moved:
                # A source with a new contact of its own fills its fields as a new customer does.
                rows[customer.position] = {**fresh[customer.position], "is_empty": verdict.joins is None}
        return placed

    def _erased(self, customer: Customer, row: Row, verdict: Verdict, rules: KeyRules) -> str | None:
        """Return why a known source cannot take a new key that nobody holds: the address was erased."""
        name = rules.keys.primary_key
        channels = {channel for channel, field in ADDRESS_PROPERTY.items() if field == name}
        if not channels or not verdict.renames:
            return None
        # By then it is the only source of its contact.
        heard, _told = self.hearing.hear(customer, {**row, "others": ()})
        if self.hearing.tombstoned(heard) & channels:
            return f"the primary key `{name}` is an address that was erased"
        return None

    def _holders(self, contact_ids: set[int]) -> Mapping[int, Holder]:
        if not contact_ids:
            return {}
        contacts, sources = self.database.contacts, sources_of(self.connection, contact_ids)
        names = self.database.keys.indexed
        found = {}
        for contact_id in contact_ids:
            wanted = sa.select(*(contacts.c[name] for name in names)).where(contacts.c.contact_id == contact_id)
            now = self.connection.execute(wanted).mappings().one()
            times = [one["source_updated_at"] for one in sources.get(contact_id, ())]
            seen_at = max((moment for moment in times if moment is not None), default=None)
            found[contact_id] = Holder(dict(now), seen_at)
        return found


def _apart(row: Row) -> Row:
    return {**row, "contact_id": None, "others": ()}


def _are_apart(rows: Iterable[Row]) -> bool:
    found = [row["contact_id"] for row in rows if row["contact_id"] is not None]
    return len(set(found)) == len(found)


def _rejected(customer: Customer, reason: str, record: Record) -> Customer:
    """Return a record as it counts once the keys have rejected it: its consent, and none of its fields."""
    count = len(customer.values)
    return replace(
        customer,
        values=(None,) * count,
        carried=(False,) * count,
        # Its fields count as unwritten.
        content_hash=REJECTED,
        aside=SetAside(str(customer.customer_id), REJECTED, reason, record),
    )
