"""What a stored customer's record would say of the properties that the import filters read.

A source row holds addresses, consent and age as they came last. A contact field holds what came last only where its
mapping writes whatever comes, in the type that the stream has.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from target_contactdb.fields import natural_type
from target_contactdb.mapping import Update, WhenEmpty
from target_contactdb.operations import SetAside
from target_contactdb.records import ADDRESS_PROPERTY, RecordError
from target_contactdb.set_aside import DISCARDED, REJECTED

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

    from target_contactdb.conditions.filters import Filter
    from target_contactdb.consent_values import Policy
    from target_contactdb.mapping import Filled


def _source_columns() -> dict[str, str]:
    columns = {"id": "customer_id", "shop": "shop", "updated_at": "source_updated_at"}
    for channel, address in ADDRESS_PROPERTY.items():
        columns[address] = f"{channel}_address"
        columns[f"{channel}_marketing_state"] = f"{channel}_state"
        columns[f"{channel}_marketing_opt_in_level"] = f"{channel}_opt_in_level"
        columns[f"{channel}_marketing_updated_at"] = f"{channel}_consent_at"
    return columns


_SOURCE_COLUMNS: t.Final = _source_columns()

FIELD_PREFIX: t.Final = "field_"
"""In front of the name of a contact field, in a row of sources with their contacts."""


@dataclass(frozen=True, slots=True)
class StoredFilter:
    """The import filters, asked of what is stored.

    Attributes:
        filters: The compiled filters.
        columns: Per property that they read, the column of `contact_sources` that holds it.
        fields: Per property that they read, the contact field that holds it.
        missing: The properties that they read and that are not stored, sorted.
    """

    filters: Filter
    columns: Mapping[str, str]
    fields: Mapping[str, str]
    missing: tuple[str, ...]

    def aside(self, row: sa.RowMapping) -> SetAside | None:
        """Return why a stored customer is kept out now; None if it is not.

        Args:
            row: A source with its contact's fields.
        """
        kept = marked(row)
        # The fields of a record that was set aside are not those of the contact.
        if kept is not None and (kept.outcome == REJECTED or self.fields):
            return kept
        record = {name: row[column] for name, column in self.columns.items()}
        record |= {name: row[f"{FIELD_PREFIX}{field}"] for name, field in self.fields.items()}
        try:
            reason = self.filters.reason(record)
        except RecordError:
            return kept
        return None if reason is None else SetAside(None, DISCARDED, reason, None)


def find_stored(
    filters: Filter, mappings: Sequence[Filled], properties: Mapping[str, t.Any], policy: Policy
) -> StoredFilter:
    """Find out where the database holds what the import filters read.

    Args:
        filters: The compiled filters.
        mappings: The compiled mappings.
        properties: `properties` of the stream's schema.
        policy: The consent options.
    """
    holding = {
        one.source: one.field.name
        for one in mappings
        if policy.update_existing
        and (one.update, one.when_empty) == (Update.ALWAYS, WhenEmpty.CLEAR)
        and one.field.type is natural_type(one.source, properties[one.source])
    }
    columns = {name: _SOURCE_COLUMNS[name] for name in filters.reads if name in _SOURCE_COLUMNS}
    fields = {name: holding[name] for name in filters.reads if name not in columns and name in holding}
    missing = sorted(filters.reads - columns.keys() - fields.keys())
    return StoredFilter(filters, columns, fields, tuple(missing))


def marked(row: sa.RowMapping) -> SetAside | None:
    """Return why a stored customer was kept out when its record came last; None if it was not."""
    outcome = row["content_hash"]
    if outcome not in {DISCARDED, REJECTED}:
        return None
    return SetAside(None, outcome, "the import filters", None)
