"""What a customer record says, given what the database knows: the first hearing, before anything is decided. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from target_contactdb.addresses import address_hash
from target_contactdb.consent import State
from target_contactdb.consent_rules import normal_state
from target_contactdb.consent_values import Consent, Held, OptOut
from target_contactdb.ledger import adopt_row, held_of
from target_contactdb.mapping import Update, WhenEmpty
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.second_source import is_outdated, is_outvoted
from target_contactdb.set_aside import RESTRICTING
from target_contactdb.status_change import adopted_change
from target_contactdb.tables import CHANNELS

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Sequence

    from target_contactdb.consent_values import Policy
    from target_contactdb.contact_lookup import Row
    from target_contactdb.ledger import Key
    from target_contactdb.mapping import Filled
    from target_contactdb.records import Customer
    from target_contactdb.status_change import StatusChange


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


@dataclass(frozen=True, slots=True)
class Hearing:
    """Takes records in: statuses that others changed, what counts of each channel, and what is to be erased.

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
        customer = customer.dated(row["source_source_updated_at"], self.now)
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

    def erased_addresses(self, heard: Heard) -> set[Key]:
        """Return the addresses that a record erases; none if it says nothing of an erasure."""
        if not is_redacted(heard) or heard.row["source_erased_at"] is not None or is_stale(heard):
            return set()
        named = {(channel, heard.customer.hashes[channel]) for channel in CHANNELS}
        named |= {(channel, held.address_hash) for channel, held in heard.before.items()}
        named |= {(channel, heard.row[f"source_{channel}_address_hash"]) for channel in CHANNELS}
        return {(channel, digest) for channel, digest in named if digest is not None}

    def without_erased(self, heard: Heard, erased: Collection[Key]) -> Heard:
        """Return the record of an existing contact as if Shopify had nothing in place of an erased address."""
        channels = self.tombstoned(heard, erased) if heard.exists else set()
        # A record that erases names what it erases.
        if not channels or is_redacted(heard):
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

    def _held_before(self, customer: Customer, row: Row, channel: str) -> Held:
        # The address itself is asked, not its stored hash: another program may have changed it.
        held, address, said = held_of(row, channel), row.get(ADDRESS_PROPERTY[channel]), customer.said[channel]
        same = said is not None and said.address == address
        digest = customer.hashes[channel] if same else address_hash(self.salt, channel, address)
        return held if held.address_hash == digest else replace(held, address_hash=digest)

    def _counting(self, heard: Heard, channel: str, consent: Consent | None) -> Consent | None:
        address = heard.kept[channel] or heard.adopted[channel].address_hash
        if consent is None or is_outvoted(consent, address, others(heard), channel, self.policy):
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
        if heard.customer.aside is not None or not brings_fields(heard):
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


def others(heard: Heard) -> t.Sequence[t.Any]:
    """Return the other sources of the record's contact."""
    return t.cast("t.Sequence[t.Any]", heard.row.get("others", ()))


def brings_fields(heard: Heard) -> bool:
    """Tell whether a record is the newest of all sources of its contact, and new."""
    if not heard.exists or "others" not in heard.row:
        return True
    is_news = heard.row["source_content_hash"] != heard.customer.content_hash
    return is_news and not is_outdated(heard.customer.updated_at, others(heard))


def is_redacted(heard: Heard) -> bool:
    """Tell whether a record asks to erase the person."""
    return any(consent is not None and consent.state is State.REDACTED for consent in heard.consents.values())


def is_stale(heard: Heard) -> bool:
    """Tell whether a newer record of the same source has been taken in."""
    known = heard.row["source_source_updated_at"]
    return known is not None and known > heard.customer.updated_at
