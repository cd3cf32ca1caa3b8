"""Which contact a record belongs to where contact fields are keys, and why one is rejected. No I/O here.

A batch is taken in round by round. In one round no two records have to do with the same contact or the same value of a
key, so that what the database holds decides each of them, and the whole comes out as if they had come one by one.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from target_contactdb.consent import State
from target_contactdb.field_rules import becomes
from target_contactdb.keys import KEY_LENGTH, USER_CODE, Keys, normal_key
from target_contactdb.second_source import is_outdated
from target_contactdb.tables import CHANNELS

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Hashable, Mapping, Sequence

    from target_contactdb.contact_lookup import Row
    from target_contactdb.fields import ContactField
    from target_contactdb.mapping import Filled
    from target_contactdb.records import Customer

    Value = str | int
    """The normal form of a key's value."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a record has to do with, as far as the keys go.

    Attributes:
        changes: Contacts that it may change, and values of keys that it may take or erase.
        needs: Those, and what its decision rests on besides.
    """

    changes: frozenset[Hashable]
    needs: frozenset[Hashable]


def next_round(claims: Sequence[Claim]) -> list[bool]:
    """Say which records of a batch can be taken in now, since nothing before them has to do with the same.

    The first one always can.
    """
    touched: set[Hashable] = set()
    needed: set[Hashable] = set()
    ready = []
    for claim in claims:
        is_ready = touched.isdisjoint(claim.needs) and needed.isdisjoint(claim.changes)
        needed |= claim.needs
        # What waits may turn out otherwise: what its decision rests on waits as well.
        touched |= claim.changes if is_ready else claim.needs
        ready.append(is_ready)
    return ready


@dataclass(frozen=True, slots=True)
class Holder:
    """A contact that holds a value.

    Attributes:
        now: Its key fields as they are.
        seen_at: When the newest of its sources was changed in Shopify; None without a source.
    """

    now: Mapping[str, t.Any]
    seen_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the keys make of a record.

    Attributes:
        reason: Why it is rejected; None = it is not.
        renames: Its contact gets another value of the primary key, which nobody holds.
        leaves: Its source leaves the contact that it shares with others.
        joins: The contact that the source joins, which takes in the one it comes from; None = there is none.
    """

    reason: str | None = None
    renames: bool = False
    leaves: bool = False
    joins: int | None = None


STAYS: t.Final = Verdict()


@dataclass(frozen=True, slots=True)
class KeyRules:
    """The keys of a database and what fills them, ready to be asked about records.

    Attributes:
        keys: The keys.
        fields: The contact fields by name.
        mappings: The compiled field mappings.
        update_existing: The option of that name.
    """

    keys: Keys
    fields: Mapping[str, ContactField]
    mappings: Sequence[Filled]
    update_existing: bool
    _places: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note which mapping fills which key."""
        self._places.update({filled.field.name: place for place, filled in enumerate(self.mappings)})

    @property
    def unique(self) -> tuple[str, ...]:
        """The unique fields besides the primary key."""
        return tuple(name for name in self.keys.indexed if name != self.keys.primary_key)

    def values(self, customer: Customer) -> dict[str, Value | None]:
        """Return the normal values of the keys that a record brings, by field; None = it brings none."""
        taken = customer.aside is None and not _erases(customer)
        return {name: self._brought(name, customer) if taken else None for name in self.keys.indexed}

    def claim(self, customer: Customer, row: Row) -> Claim:
        """Return what a record has to do with.

        Args:
            customer: The record.
            row: What the database knows.
        """
        own = {row["contact_id"]}
        if self.keys.primary_key != USER_CODE:
            own.add(row[f"holder_{self.keys.primary_key}"])
        changes: set[Hashable] = {("contact", one) for one in own if one is not None}
        needs: set[Hashable] = set()
        for name, value in self.values(customer).items():
            holder = row[f"holder_{name}"]
            if value is None:
                continue
            needs.add((name, value))
            if holder is None or holder in own:
                changes.add((name, value))
            else:
                needs.add(("contact", holder))
        named = {(channel, customer.hashes[channel]) for channel in CHANNELS}
        if _erases(customer):
            named |= {(channel, row[f"{channel}_address_hash"]) for channel in CHANNELS}
            named |= {(channel, row[f"source_{channel}_address_hash"]) for channel in CHANNELS}
            changes |= {("address", *one) for one in named if one[1] is not None}
        needs |= {("address", *one) for one in named if one[1] is not None}
        return Claim(frozenset(changes), frozenset(changes | needs))

    def joins(self, customer: Customer, row: Row) -> int | None:
        """Return the contact that a known source joins by its new key; None if there is none."""
        return self._place(customer, row).joins

    def verdict(self, customer: Customer, row: Row, holders: Mapping[int, Holder]) -> Verdict:
        """Decide what the keys make of one record.

        Args:
            customer: The record.
            row: What the database knows.
            holders: The contacts that known sources join.
        """
        placed = self._place(customer, row)
        if placed.reason is not None or not self._is_taken(customer, row):
            return placed
        reason = self._clash(customer, row, placed, holders)
        return placed if reason is None else Verdict(reason)

    def _place(self, customer: Customer, row: Row) -> Verdict:
        """Find the contact by the primary key."""
        name = self.keys.primary_key
        if name == USER_CODE or not self._is_taken(customer, row):
            return STAYS
        current = row[f"now_{name}"]
        value = self._normal(name, self._new(name, customer, current, exists=row["contact_id"] is not None))
        if value is None:
            return Verdict(f"the primary key `{name}` is empty")
        if _is_too_long(value):
            return Verdict(f"the primary key `{name}` is longer than {KEY_LENGTH} characters")
        if row["source_customer_id"] is None or not _is_news(customer, row) or value == self._normal(name, current):
            return STAYS
        holder = row[f"holder_{name}"]
        return Verdict(renames=holder is None, leaves=bool(row["others"]), joins=holder)

    def _clash(self, customer: Customer, row: Row, placed: Verdict, holders: Mapping[int, Holder]) -> str | None:
        """Return why the unique fields do not take a record."""
        own, outdated = row["contact_id"], is_outdated(customer.updated_at, row["others"])
        target, now = own, {name: row[f"now_{name}"] for name in self.keys.indexed}
        if placed.joins is not None:
            target, holder = placed.joins, holders[placed.joins]
            now, outdated = dict(holder.now), holder.seen_at is not None and holder.seen_at > customer.updated_at
        elif placed.leaves:
            target, now, outdated = None, dict.fromkeys(now), False
        exists = target is not None
        if exists and (outdated or not self.update_existing or not _is_news(customer, row)):
            return None
        # A contact that is taken in by another one gives up what it holds.
        free = {None, target, own if placed.joins is not None and not placed.leaves else target}
        for name in self.unique:
            value = self._normal(name, self._new(name, customer, now[name], exists=exists))
            if value is None or (exists and value == self._normal(name, now[name])):
                continue
            if _is_too_long(value):
                return f"the unique field `{name}` is longer than {KEY_LENGTH} characters"
            if row[f"holder_{name}"] not in free:
                return f"the unique field `{name}` is held by contact #{row[f'holder_{name}']}"
        return None

    def _is_taken(self, customer: Customer, row: Row) -> bool:
        known = row["source_source_updated_at"]
        is_stale = known is not None and known > customer.updated_at
        return not (customer.aside is not None or is_stale or _erases(customer) or row["source_erased_at"] is not None)

    def _brought(self, name: str, customer: Customer) -> Value | None:
        place = self._places.get(name)
        if place is None or not customer.carried[place]:
            return None
        value = self._normal(name, customer.values[place])
        return None if _is_too_long(value) else value

    def _new(self, name: str, customer: Customer, current: t.Any, *, exists: bool) -> t.Any:
        """Return what a field holds once the record is written."""
        place = self._places.get(name)
        if place is None or not customer.carried[place]:
            return current
        value = customer.values[place]
        if not exists:
            return value
        return becomes(self.mappings[place], current, value) if self.update_existing else current

    def _normal(self, name: str, value: t.Any) -> Value | None:
        return normal_key(self.fields[name].type, value)


def _erases(customer: Customer) -> bool:
    return any(said is not None and said.state == State.REDACTED for said in customer.said.values())


def _is_news(customer: Customer, row: Row) -> bool:
    return bool(row["source_content_hash"] != customer.content_hash)


def _is_too_long(value: Value | None) -> bool:
    return isinstance(value, str) and len(value) > KEY_LENGTH
