"""Keys that are the addresses of records as they are: what may be taken in beside the order of the stream. No I/O."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass

from target_contactdb.fields import to_short_text
from target_contactdb.keys import USER_CODE, normal_key
from target_contactdb.records import ADDRESS_PROPERTY

if t.TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from target_contactdb.database import Database
    from target_contactdb.fields import ContactField
    from target_contactdb.mapping import Filled
    from target_contactdb.typed_records import Core

Values: t.TypeAlias = "tuple[str | int | None, ...]"
"""The normal values of the key fields that a record brings, in the order of `AddressKeys.fields`."""


@dataclass(frozen=True, slots=True)
class AddressKeys:
    """The key fields of a database, each filled with an address as it comes.

    Attributes:
        fields: The key fields.
        primary: The place of the primary key among them; None where that is the user code.
    """

    fields: tuple[ContactField, ...]
    primary: int | None

    @classmethod
    def of(cls, database: Database, mappings: Sequence[Filled]) -> AddressKeys | None:
        """Return the keys of a database; None if a key is no address, or contacts have several customers without keys.

        Args:
            database: The contact database.
            mappings: The compiled mappings, which fill addresses as they come (`plain_import.is_straight`).
        """
        keys = database.keys
        if database.shares_contacts:
            return None
        addresses = {one.field.name: one.field for one in mappings if one.field.name in ADDRESS_PROPERTY.values()}
        if any(name not in addresses for name in keys.indexed):
            return None
        fields = tuple(addresses[name] for name in keys.indexed)
        return cls(fields, None if keys.primary_key == USER_CODE else keys.indexed.index(keys.primary_key))

    def values(self, core: Core) -> Values:
        """Return the values that a record brings; none of a record that is rejected for the length of one."""
        try:
            return tuple(
                normal_key(one.type, to_short_text(text)) if (text := getattr(core, one.name)) else None
                for one in self.fields
            )
        except ValueError:
            return (None,) * len(self.fields)

    def apart(self, values: Sequence[Values | None]) -> Collection[int]:
        """Return the records of a batch that bring the primary key, and no value that another record brings as well.

        What the keys make of such a record does not depend on what comes before it in the batch.

        Args:
            values: By position; None = not known, which leaves no record apart.
        """
        if None in values:
            return ()
        known = t.cast("Sequence[Values]", values)
        places = range(len(self.fields))
        times = [Counter(one[place] for one in known) for place in places]
        return {
            position
            for position, one in enumerate(known)
            if (self.primary is None or one[self.primary] is not None)
            and all(one[place] is None or times[place][one[place]] == 1 for place in places)
        }
