"""What becomes of each customer record of a batch: pure decisions over the record and what the database knows.

First `Hearing.hear` takes every record: statuses that others changed, and opt-outs, so that within a batch no order
hides an opt-out. Then `Judge.plan` decides each record with the whole ledger.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from target_contactdb.consent import State
from target_contactdb.consent_rules import decide, moved, opt_out_of
from target_contactdb.consent_values import OptOut, Seen
from target_contactdb.contact_lookup import seen_of
from target_contactdb.hearing import brings_fields, is_redacted, is_stale, others
from target_contactdb.ledger import held_values
from target_contactdb.second_source import latest_yes, says
from target_contactdb.set_aside import DISCARDED, discard, is_followed, seen_without_source, source_differs
from target_contactdb.status_change import decided_change
from target_contactdb.tables import CHANNELS

if t.TYPE_CHECKING:
    from collections.abc import Collection

    from target_contactdb.consent_values import Held
    from target_contactdb.contact_lookup import Row
    from target_contactdb.hearing import Heard, Hearing
    from target_contactdb.ledger import Key, Ledger
    from target_contactdb.records import Customer
    from target_contactdb.status_change import StatusChange


@dataclass(slots=True)
class Plan:
    """What is to be written for one record.

    Attributes:
        customer: The record.
        row: What the database knew.
        outcome: What the record came to.
        contact_id: The contact; of a new one, once it has an id.
        held: Per channel, what the contact shall hold.
        judged: The channels whose own address the state table has judged.
        answered: Per channel, whether an opt-out by others has come to light.
        changes: The status changes to log.
        writes_contact: The contact's row is written.
        writes_fields: Its contact fields are written as well.
        writes_source: What was seen of the source is written.
        erases: The person is erased.
    """

    customer: Customer
    row: Row
    outcome: str
    contact_id: int | None = None
    held: dict[str, Held] = field(default_factory=dict)
    judged: set[str] = field(default_factory=set)
    answered: dict[str, bool] = field(default_factory=dict)
    changes: list[StatusChange] = field(default_factory=list)
    writes_contact: bool = False
    writes_fields: bool = False
    writes_source: bool = False
    erases: bool = False


@dataclass(frozen=True, slots=True)
class Judge:
    """The rules of one operation, ready to be asked about records that have been heard.

    Attributes:
        hearing: Has taken the records in.
    """

    hearing: Hearing

    def opt_outs(self, heard: Heard, ledger: Ledger) -> list[tuple[Key, OptOut]]:
        """Return the opt-outs that a record tells of: Shopify's, and the person's own that moves to a new address."""
        if is_stale(heard):
            return []
        told = []
        for channel in CHANNELS:
            consent, held, kept = heard.consents[channel], heard.adopted[channel], heard.kept[channel]
            if consent is not None and consent.address_hash is not None:
                known = ledger.get(channel, consent.address_hash)
                customer = heard.customer
                seen = seen_of(heard.row, channel)
                if seen is None and self._is_kept_out(heard):
                    seen = seen_without_source(known, customer.updated_at)
                opt_out = opt_out_of(consent, seen, known, now=self.hearing.now)
                if opt_out is not None:
                    told.append(((channel, consent.address_hash), opt_out))
            if heard.exists and kept is not None and kept != held.address_hash:
                carried = moved(held)
                if carried.source is not None and carried.cause is not None and carried.at is not None:
                    told.append(((channel, kept), OptOut(carried.cause, carried.source, carried.at)))
        return told

    def plan(self, heard: Heard, ledger: Ledger, erased: Collection[Key] = ()) -> Plan:
        """Decide what one record becomes.

        Args:
            heard: The record.
            ledger: The opt-outs known, those of the whole batch among them.
            erased: The addresses that this batch erases.
        """
        customer, row = heard.customer, heard.row
        plan = Plan(customer, row, "unchanged", row["contact_id"], answered=heard.answered)
        if row["source_erased_at"] is not None:
            plan.outcome = "suppressed"
        elif is_stale(heard):
            plan.outcome = "superseded"
            self._plan_adopted(plan, heard)
        elif is_redacted(heard):
            plan.outcome = "erased" if heard.exists else "suppressed"
            plan.erases = True
        elif self.hearing.tombstoned(heard, erased):
            plan.outcome = "suppressed"
            self._plan_adopted(plan, heard)
        elif customer.aside is not None and not heard.exists:
            plan.outcome = customer.aside.outcome
        else:
            plan.changes = list(heard.changes)
            for channel in CHANNELS:
                self._plan_channel(plan, heard, channel, ledger)
                self._plan_discarded(plan, heard, channel, ledger)
            self._plan_writes(plan, heard)
        return plan

    def _plan_adopted(self, plan: Plan, heard: Heard) -> None:
        """Write what others changed, and nothing of the record."""
        if heard.changes:
            plan.changes = list(heard.changes)
            plan.held = dict(heard.adopted)
            plan.writes_contact = True

    def _plan_channel(self, plan: Plan, heard: Heard, channel: str, ledger: Ledger) -> None:
        consent, held, kept = heard.consents[channel], heard.adopted[channel], heard.kept[channel]
        said = heard.customer.said[channel]
        unsaid = said is not None and not said.state_carried and kept == held.address_hash
        if consent is None or (heard.exists and unsaid) or not is_followed(heard.customer.aside, consent.state):
            plan.held[channel] = replace(held, address_hash=kept)
            return
        opt_out = ledger.get(channel, consent.address_hash)
        decision = decide(
            consent,
            held if heard.exists else None,
            seen_of(heard.row, channel) or (Seen(owned=False) if heard.exists else None),
            opt_out,
            kept_address_hash=kept,
            now=self.hearing.now,
            policy=self.hearing.policy,
            other_yes_at=latest_yes(kept or held.address_hash, others(heard), channel, self.hearing.policy),
        )
        plan.held[channel] = replace(decision.held, address_hash=kept)
        if consent.address_hash == kept:
            plan.judged.add(channel)
        if decision.lifted_at is not None and consent.address_hash is not None:
            ledger.lift((channel, consent.address_hash), decision.lifted_at)
        if decision.change is not None:
            plan.changes.append(decided_change(channel, held if heard.exists else None, decision))

    def _plan_discarded(self, plan: Plan, heard: Heard, channel: str, ledger: Ledger) -> None:
        customer, held, seen = heard.customer, plan.held[channel], seen_of(heard.row, channel)
        if customer.aside is None or customer.aside.outcome != DISCARDED or customer.only_consent:
            return
        if says(State.SUBSCRIBED, held.address_hash, others(heard), channel, self.hearing.policy, taken_in=True):
            return
        opt_out = ledger.get(channel, held.address_hash)
        owned = seen is not None and seen.owned
        decision = discard(
            held, customer.aside, opt_out, owned=owned, at=customer.updated_at, policy=self.hearing.policy
        )
        if decision is not None:
            plan.held[channel] = decision.held
            plan.judged.add(channel)
            plan.changes.append(decided_change(channel, held, decision))

    def _plan_writes(self, plan: Plan, heard: Heard) -> None:
        aside = heard.customer.aside
        news = heard.row["source_content_hash"] != heard.customer.content_hash
        if not heard.exists:
            plan.outcome = "inserted"
            plan.writes_contact = plan.writes_fields = plan.writes_source = True
            return
        if aside is not None or heard.customer.only_consent:
            news = source_differs(heard.customer, heard.row)
        is_back = heard.row["source_deleted_at"] is not None
        plan.writes_source = news or is_back or any(heard.answered.values())
        fields_count = aside is None and not heard.customer.only_consent
        plan.writes_fields = news and self.hearing.policy.update_existing and fields_count and brings_fields(heard)
        status_differs = any(
            heard.row[name] != value
            for channel in CHANNELS
            for name, value in held_values(plan.held[channel], channel).items()
        )
        plan.writes_contact = plan.writes_fields or status_differs
        plan.outcome = "updated" if plan.writes_contact else "unchanged"
        if aside is not None and not heard.customer.only_consent:
            plan.outcome = aside.outcome

    def _is_kept_out(self, heard: Heard) -> bool:
        is_erased = heard.row["source_erased_at"] is not None
        return heard.customer.aside is not None or is_erased or bool(self.hearing.tombstoned(heard))
