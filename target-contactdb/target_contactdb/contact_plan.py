"""What becomes of each customer record of a batch: pure decisions over the record and what the database knows.

First `Judge.hear` takes every record: statuses that others changed, and opt-outs, so that within a batch no order
hides an opt-out. Then `Judge.plan` decides each record with the whole ledger.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from target_contactdb.addresses import address_hash
from target_contactdb.consent import State
from target_contactdb.consent_rules import decide, moved, normal_state, opt_out_of
from target_contactdb.consent_values import Change, Consent, Decision, Held, OptOut, Seen, Status
from target_contactdb.contact_lookup import seen_of
from target_contactdb.ledger import adopt_row, held_of, held_values
from target_contactdb.mapping import Update, WhenEmpty
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.second_source import is_outdated, is_outvoted, latest_yes, says
from target_contactdb.set_aside import (
    DISCARDED,
    RESTRICTING,
    discard,
    is_followed,
    seen_without_source,
    source_differs,
)
from target_contactdb.status_limit import counts
from target_contactdb.tables import CHANNELS

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Sequence

    import sqlalchemy as sa

    from target_contactdb.consent_values import Policy
    from target_contactdb.contact_lookup import Row
    from target_contactdb.ledger import Key, Ledger
    from target_contactdb.mapping import Filled
    from target_contactdb.records import Customer


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A row of `status_changes`, but for the contact and the operation.

    Attributes:
        channel: `email` or `sms`.
        change: How the status changed.
        before: The status it was; None of a new contact.
        after: What the contact holds now.
        acted_at: When the act behind it was done.
        evidence: What was said and which rule applied.
        limited: The limit of status changes counts it.
    """

    channel: str
    change: Change
    before: Status | None
    after: Held
    acted_at: dt.datetime | None
    evidence: str
    limited: bool = False


@dataclass(slots=True)
class Heard:
    """A record with what the database knows of it, after the first hearing.

    Attributes:
        customer: The record.
        row: What the database knows.
        exists: The contact exists.
        before: Per channel, what its row holds.
        adopted: The same, with what others changed read as the person's word.
        answered: Per channel, whether an opt-out by others has just come to light.
        kept: Per channel, the hash of the address that the contact will hold.
        consents: Per channel, what Shopify says, where it says anything that counts.
        changes: Status changes made by others.
    """

    customer: Customer
    row: Row
    exists: bool
    before: dict[str, Held]
    adopted: dict[str, Held]
    answered: dict[str, bool]
    kept: dict[str, str | None] = field(default_factory=dict)
    consents: dict[str, Consent | None] = field(default_factory=dict)
    changes: list[StatusChange] = field(default_factory=list)


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
    """The rules of one operation, ready to be asked about records.

    Attributes:
        policy: The consent options.
        mappings: The compiled field mappings.
        salt: The database's secret.
        now: The time of this write, UTC.
    """

    policy: Policy
    mappings: Sequence[Filled]
    salt: str
    now: dt.datetime

    def hear(self, customer: Customer, row: Row) -> tuple[Heard, list[tuple[Key, OptOut]]]:
        """Read one record against the database, and return the opt-outs that it brings to light."""
        exists = row["contact_id"] is not None
        heard = Heard(customer, row, exists, {}, {}, {})
        told: list[tuple[Key, OptOut]] = []
        for channel in CHANNELS:
            before = self._held_before(customer, row, channel) if exists else Held()
            adopted, found = before, None
            if exists:
                adopted, found = adopt_row(row, channel, before, now=self.now, policy=self.policy)
            heard.before[channel], heard.adopted[channel] = before, adopted
            heard.answered[channel] = found is not None
            if found is not None and before.address_hash:
                told.append(((channel, before.address_hash), found))
            if adopted != before:
                heard.changes.append(adopted_change(channel, row, adopted))
            heard.kept[channel] = self._kept_hash(heard, channel)
            heard.consents[channel] = self._counting(heard, channel, self._consent(heard, channel))
        return heard, told

    def opt_outs(self, heard: Heard, ledger: Ledger) -> list[tuple[Key, OptOut]]:
        """Return the opt-outs that a record tells of: Shopify's, and the person's own that moves to a new address."""
        if _is_stale(heard):
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
                opt_out = opt_out_of(consent, seen, known, now=self.now)
                if opt_out is not None:
                    told.append(((channel, consent.address_hash), opt_out))
            if heard.exists and kept is not None and kept != held.address_hash:
                carried = moved(held)
                if carried.source is not None and carried.cause is not None and carried.at is not None:
                    told.append(((channel, kept), OptOut(carried.cause, carried.source, carried.at)))
        return told

    def _is_kept_out(self, heard: Heard) -> bool:
        is_erased = heard.row["source_erased_at"] is not None
        return heard.customer.aside is not None or is_erased or bool(self.tombstoned(heard))

    def erased_addresses(self, heard: Heard) -> set[Key]:
        """Return the addresses that a record erases; none if it says nothing of an erasure."""
        if not _is_redacted(heard) or heard.row["source_erased_at"] is not None or _is_stale(heard):
            return set()
        named = {(channel, heard.customer.hashes[channel]) for channel in CHANNELS}
        named |= {(channel, held.address_hash) for channel, held in heard.before.items()}
        named |= {(channel, heard.row[f"source_{channel}_address_hash"]) for channel in CHANNELS}
        return {(channel, digest) for channel, digest in named if digest is not None}

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
        elif _is_stale(heard):
            plan.outcome = "superseded"
            self._plan_adopted(plan, heard)
        elif _is_redacted(heard):
            plan.outcome = "erased" if heard.exists else "suppressed"
            plan.erases = True
        elif self.tombstoned(heard, erased):
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
            now=self.now,
            policy=self.policy,
            other_yes_at=latest_yes(kept or held.address_hash, _others(heard), channel, self.policy),
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
        if says(State.SUBSCRIBED, held.address_hash, _others(heard), channel, self.policy, taken_in=True):
            return
        opt_out = ledger.get(channel, held.address_hash)
        owned = seen is not None and seen.owned
        decision = discard(held, customer.aside, opt_out, owned=owned, at=customer.updated_at, policy=self.policy)
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
        plan.writes_fields = news and self.policy.update_existing and fields_count and _brings_fields(heard)
        status_differs = any(
            heard.row[name] != value
            for channel in CHANNELS
            for name, value in held_values(plan.held[channel], channel).items()
        )
        plan.writes_contact = plan.writes_fields or status_differs
        plan.outcome = "updated" if plan.writes_contact else "unchanged"
        if aside is not None and not heard.customer.only_consent:
            plan.outcome = aside.outcome

    def _held_before(self, customer: Customer, row: Row, channel: str) -> Held:
        # The address itself is asked, not its stored hash: another program may have changed it.
        held, address, said = held_of(row, channel), row.get(ADDRESS_PROPERTY[channel]), customer.said[channel]
        same = said is not None and said.address == address
        digest = customer.hashes[channel] if same else address_hash(self.salt, channel, address)
        return held if held.address_hash == digest else replace(held, address_hash=digest)

    def _counting(self, heard: Heard, channel: str, consent: Consent | None) -> Consent | None:
        address = heard.kept[channel] or heard.adopted[channel].address_hash
        if consent is None or is_outvoted(consent, address, _others(heard), channel, self.policy):
            return None
        return consent

    def _consent(self, heard: Heard, channel: str) -> Consent | None:
        customer, said = heard.customer, heard.customer.said[channel]
        if said is None:
            return None
        # Without the address only what restricts may count, and it counts for the address that the contact holds.
        digest = customer.hashes[channel] if said.address_carried else heard.kept[channel]
        state = normal_state(
            said.state, has_address=digest is not None, opt_in_level=said.opt_in_level, policy=self.policy
        )
        if not said.address_carried and state not in RESTRICTING:
            return None
        word = said.state or ("no state" if digest else "no address")
        return Consent(state, word, said.consent_at, customer.updated_at, digest)

    def _kept_hash(self, heard: Heard, channel: str) -> str | None:
        address, said = self._kept_address(heard, channel), heard.customer.said[channel]
        if said is not None and said.address_carried and said.address == address:
            return heard.customer.hashes[channel]
        return address_hash(self.salt, channel, address)

    def _kept_address(self, heard: Heard, channel: str) -> str | None:
        """Return the address that the contact holds once the record is written."""
        name = ADDRESS_PROPERTY[channel]
        current = heard.row.get(name) if heard.exists else None
        if heard.customer.aside is not None or not _brings_fields(heard):
            return current
        for index, filled in enumerate(self.mappings):
            if filled.field.name == name:
                if not heard.customer.carried[index]:
                    return current
                new: str | None = heard.customer.values[index]
                if not heard.exists or heard.row.get("is_empty"):
                    return new
                frozen = filled.update is Update.NEVER or not self.policy.update_existing
                if frozen or (filled.update is Update.IF_EMPTY and current):
                    return current
                return current if new is None and filled.when_empty is WhenEmpty.KEEP else new
        return current

    def without_erased(self, heard: Heard, erased: Collection[Key]) -> Heard:
        """Return the record of an existing contact as if Shopify had nothing in place of an erased address."""
        channels = self.tombstoned(heard, erased) if heard.exists else set()
        # A record that erases names what it erases.
        if not channels or _is_redacted(heard):
            return heard
        names = {ADDRESS_PROPERTY[channel] for channel in channels}
        customer = heard.customer
        emptied = replace(
            customer,
            values=tuple(
                None if filled.field.name in names else value
                for filled, value in zip(self.mappings, customer.values, strict=True)
            ),
            said={
                channel: replace(said, address=None, state=None) if said is not None and channel in channels else said
                for channel, said in customer.said.items()
            },
            hashes={channel: None if channel in channels else digest for channel, digest in customer.hashes.items()},
        )
        return self.hear(emptied, heard.row)[0]

    def tombstoned(self, heard: Heard, erased: Collection[Key] = ()) -> set[str]:
        """Return the channels on which a record brings an erased address: only a yes after the erasure opens it.

        A contact that holds the address already, or will not take it, is past that question.
        """
        channels = set()
        for channel, consent in heard.consents.items():
            digest = consent.address_hash if consent is not None else None
            if consent is None or digest is None or digest == heard.before[channel].address_hash:
                continue
            erased_at = self.now if (channel, digest) in erased else heard.row[f"{channel}_erased_at"]
            if erased_at is None or (heard.exists and heard.kept[channel] != digest):
                continue
            agreed_at = consent.consent_at if consent.state is State.SUBSCRIBED else None
            if agreed_at is None or agreed_at <= erased_at:
                channels.add(channel)
        return channels


def _others(heard: Heard) -> t.Sequence[t.Any]:
    return t.cast("t.Sequence[t.Any]", heard.row.get("others", ()))


def _brings_fields(heard: Heard) -> bool:
    """Tell whether a record is the newest of all sources of its contact, and new."""
    if not heard.exists or "others" not in heard.row:
        return True
    is_news = heard.row["source_content_hash"] != heard.customer.content_hash
    return is_news and not is_outdated(heard.customer.updated_at, _others(heard))


def _is_redacted(heard: Heard) -> bool:
    return any(consent is not None and consent.state is State.REDACTED for consent in heard.consents.values())


def _is_stale(heard: Heard) -> bool:
    known = heard.row["source_source_updated_at"]
    return known is not None and known > heard.customer.updated_at


def adopted_change(channel: str, row: t.Mapping[str, t.Any] | sa.RowMapping, adopted: Held) -> StatusChange:
    """Return what to log of a status that another program wrote.

    Args:
        channel: `email` or `sms`.
        row: The row of `contacts` as it was found.
        adopted: What it is read as.
    """
    written = row[f"{channel}_written_status"]
    before = Status(written) if written else None
    change = Change.UNSUBSCRIBED
    if adopted.status is Status.SUBSCRIBED:
        change = Change.RESTORED if before is Status.UNSUBSCRIBED else Change.SUBSCRIBED
    return StatusChange(channel, change, before, adopted, adopted.at, "found as another program wrote it")


def decided_change(channel: str, before: Held | None, decision: Decision) -> StatusChange:
    """Return what to log of a decision that changes a status.

    Args:
        channel: `email` or `sms`.
        before: What the contact held; None without a contact.
        decision: The decision; its `change` is not None.
    """
    change = t.cast("Change", decision.change)
    status = before.status if before is not None else None
    # A channel that held nothing loses and regains nobody.
    existed = status not in {None, Status.NONE}
    limited = counts(change, existed=existed, explicit=decision.explicit)
    return StatusChange(channel, change, status, decision.held, decision.acted_at, decision.evidence, limited)
