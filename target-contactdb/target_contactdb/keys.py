"""The keys of a contact database: which contact fields name a contact, and what a change of them would do. No I/O."""

from __future__ import annotations

import datetime as dt
import difflib
import string
import typing as t
from dataclasses import dataclass

from target_contactdb.fields import FieldType

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from target_contactdb.fields import ContactField

USER_CODE: t.Final = "user_code"

KEY_TYPES: t.Final = frozenset({FieldType.TEXT, FieldType.EMAIL, FieldType.PHONE, FieldType.INTEGER})
"""Types of a field that can be a key."""

KEY_LENGTH: t.Final = 255
"""The longest text that can be a key, in characters: what every engine can index."""

PHONE_MARKS: t.Final = " -()./+"
"""What does not count when two phone numbers are compared."""

# Only these letters: what an engine calls a lower-case letter beyond them depends on its version and its locale, and a
# unique index must not change its mind.
_LOWER: t.Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_NEVER: t.Final = dt.datetime.min.replace(tzinfo=dt.UTC)
_UNMARKED: t.Final = str.maketrans("", "", PHONE_MARKS)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a contact database.

    Attributes:
        primary_key: `user_code`, or the contact field that decides which contact a record belongs to.
        unique_fields: More contact fields of which no two contacts may hold the same value.
    """

    primary_key: str = USER_CODE
    unique_fields: tuple[str, ...] = ()

    @property
    def indexed(self) -> tuple[str, ...]:
        """The contact fields that need a unique index of their own; that of the user code is always there."""
        return tuple(dict.fromkeys(name for name in (self.primary_key, *self.unique_fields) if name != USER_CODE))

    @property
    def arguments(self) -> str:
        """The keys as arguments of `contactdb keys`."""
        return " ".join([f"--primary-key {self.primary_key}", *(f"--unique {name}" for name in self.unique_fields)])

    def is_same(self, other: Keys) -> bool:
        """Tell whether two keys mean the same: the order of unique fields, and naming the primary key again, do not."""
        return self.primary_key == other.primary_key and set(self.indexed) == set(other.indexed)


def normal_key(field_type: FieldType, value: t.Any) -> str | int | None:
    """Return the form under which two values of a key are the same; None where there is no value.

    It is what the unique index compares (`key_index.key_expression`): letters A to Z without case for an e-mail
    address, a phone number without spaces and marks, anything else as it is.

    Args:
        field_type: The type of the key field.
        value: The value as it is, or would be, stored.
    """
    if value is None or field_type is FieldType.INTEGER:
        return t.cast("int | None", value)
    text = str(value)
    if field_type is FieldType.EMAIL:
        text = text.translate(_LOWER)
    elif field_type is FieldType.PHONE:
        text = text.translate(_UNMARKED)
    return text or None


def key_problems(keys: Keys, fields: Mapping[str, ContactField]) -> list[str]:
    """Return what is wrong with keys, one text each, naming the setting.

    Args:
        keys: The keys.
        fields: The contact fields of the database.
    """
    problems = []
    named = [("primary_key", keys.primary_key), *(("unique_fields", name) for name in keys.unique_fields)]
    for setting, name in named:
        if name == USER_CODE:
            continue
        field = fields.get(name)
        if field is None:
            near = difflib.get_close_matches(name, [*fields, USER_CODE], n=1)
            hint = f"did you mean `{near[0]}`?" if near else "`contactdb fields` lists them"
            problems.append(f"setting `{setting}`: there is no contact field `{name}`; {hint}")
        elif field.type not in KEY_TYPES:
            usable = ", ".join(sorted(KEY_TYPES))
            problems.append(f"setting `{setting}`: `{name}` is of type {field.type}; a key is one of {usable}")
    return problems


@dataclass(frozen=True, slots=True)
class Member:
    """A contact that shares the value of a key field with others.

    Attributes:
        contact_id: The contact.
        seen_at: When the newest of its sources was changed in Shopify; None without a source.
    """

    contact_id: int
    seen_at: dt.datetime | None


Group: t.TypeAlias = "tuple[Member, ...]"
"""Contacts that share one value."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What the database holds of one key field.

    Attributes:
        field: The contact field.
        without_value: Contacts with nothing in it.
        too_long: Contacts whose value is longer than a key can be.
        groups: Contacts that share a value.
    """

    field: str
    without_value: int
    too_long: int
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """What a change of keys finds in one field.

    Attributes:
        field: The contact field.
        role: `primary key` or `unique`.
        without_value: Contacts with nothing in it. They stay; a record without the primary key is rejected.
        too_long: Contacts whose value is longer than a key can be.
        shared: Groups of contact ids that share a value, and would collide.
    """

    field: str
    role: str
    without_value: int
    too_long: int
    shared: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Merge:
    """Contacts that become one.

    Attributes:
        kept: The contact that stays: the one whose customer was changed last in Shopify, then the oldest.
        gone: Those that it takes in.
    """

    kept: int
    gone: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """What a change of keys would do.

    Attributes:
        before: The keys now.
        after: The keys that are wanted.
        contacts: How many contacts there are.
        fields: What each field that becomes a key holds.
        merges: Contacts that would become one, since they share the new primary key.
        obstacles: Why the change cannot be made at all, a sentence each.
    """

    before: Keys
    after: Keys
    contacts: int
    fields: tuple[FieldPlan, ...]
    merges: tuple[Merge, ...]
    obstacles: tuple[str, ...]


def plan_change(before: Keys, after: Keys, contacts: int, surveys: Sequence[Survey]) -> KeyPlan:
    """Say what a change of keys would do.

    Args:
        before: The keys now.
        after: The keys that are wanted; `key_problems` has none with them.
        contacts: How many contacts there are.
        surveys: One for each field that the new keys index.
    """
    primary = [one for one in surveys if one.field == after.primary_key]
    merges = tuple(_merge(group) for one in primary for group in one.groups)
    gone = {contact_id for merge in merges for contact_id in merge.gone}
    fields, obstacles = [], []
    for one in surveys:
        is_primary = one.field == after.primary_key
        shared = tuple(_shared(one.groups, set() if is_primary else gone))
        fields.append(
            FieldPlan(one.field, "primary key" if is_primary else "unique", one.without_value, one.too_long, shared)
        )
        if shared and not is_primary:
            obstacles.append(f"contacts share a value of `{one.field}`, so it cannot be unique")
        if one.too_long:
            obstacles.append(f"`{one.field}` holds values of more than {KEY_LENGTH} characters")
    return KeyPlan(before, after, contacts, tuple(fields), merges, tuple(obstacles))


def _merge(group: Group) -> Merge:
    by_age = sorted(group, key=lambda one: one.contact_id)
    kept = max(by_age, key=lambda one: one.seen_at or _NEVER)
    return Merge(kept.contact_id, tuple(one.contact_id for one in by_age if one is not kept))


def _shared(groups: Iterable[Group], gone: set[int]) -> Iterable[tuple[int, ...]]:
    for group in groups:
        left = tuple(sorted(one.contact_id for one in group if one.contact_id not in gone))
        if len(left) > 1:
            yield left
