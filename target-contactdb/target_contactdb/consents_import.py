"""The consents import: the state table for everyone that the shop lists, and nothing but consent.

A customer that is no contact stays none: the customers import brings it, with its fields and its filters. What such a
customer says against writing to somebody counts all the same.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

import sqlalchemy as sa
from typing_extensions import override

from target_contactdb.contact_import import AT_ONCE, ContactImport
from target_contactdb.dialects.base import staging_table
from target_contactdb.erasure import without_erased
from target_contactdb.fields import to_integer
from target_contactdb.operations import SetAside, Tally, count, utc_now
from target_contactdb.set_aside import DISCARDED, REJECTED, consent_differs
from target_contactdb.tables import listed_sources
from target_contactdb.typed_records import decode_record
from target_contactdb.uncollected import uncollected

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_contactdb.contact_lookup import Row
    from target_contactdb.records import Customer

NOT_A_CONTACT: t.Final = "not a contact: the customers import brings it"

_KEPT_OUT: t.Final = frozenset({DISCARDED, REJECTED})
# In the place of a content hash: the consent stored beside it is not of that content any more.
_OVERTAKEN: t.Final = "consents"

NAMELESS: t.Final = -1
"""Among the listed ids: there was a record that does not say whose it is."""

_STAGE: t.Final = staging_table("stage_listed", [sa.Column("customer_id", sa.BigInteger, primary_key=True)])


@dataclass(frozen=True, slots=True)
class ConsentsImport(ContactImport):
    """One consents import, ready for its batches. It has no mappings: a record brings no field."""

    @override
    def write(self, lines: Sequence[bytes]) -> None:
        # Everyone is decided carefully, which takes memory: less at a time costs nothing.
        for start in range(0, len(lines), AT_ONCE):
            self._write_some(lines[start : start + AT_ONCE])

    def _write_some(self, lines: Sequence[bytes]) -> None:
        everyone = range(len(lines))
        listed = _listed(lines)

        def take_in(connection: sa.Connection, tally: Tally) -> None:
            customers = self._read(lines, everyone, tally)
            self._take_in(connection, customers, tally, utc_now())
            tally.set_aside = without_erased(connection, self.database.salt, tally.set_aside)
            self._note_listed(connection, listed)
            count(connection, self.operation_id, self.stream, tally, records_read=len(lines))

        with uncollected():
            self._commit(take_in, lambda: self._read(lines, everyone, Tally()))

    @override
    def weighed(self, customers: Sequence[Customer], rows: Mapping[int, Row]) -> Sequence[Customer]:
        return [weigh(customer, rows[customer.position]) for customer in customers]

    def _note_listed(self, connection: sa.Connection, listed: set[int]) -> None:
        table = listed_sources
        with self.loader.staged(connection, _STAGE, ((number,) for number in sorted(listed))):
            known = sa.exists().where(
                table.c.operation_id == self.operation_id, table.c.customer_id == _STAGE.c.customer_id
            )
            new = sa.select(sa.literal(self.operation_id, sa.BigInteger), _STAGE.c.customer_id).where(~known)
            connection.execute(sa.insert(table).from_select(["operation_id", "customer_id"], new))


def weigh(customer: Customer, row: Row) -> Customer:
    """Return a customer of the consents stream as it counts, given what the database knows of it.

    Args:
        customer: The record.
        row: What the database knows.
    """
    if customer.aside is not None:
        return customer
    key, kept_out = str(customer.customer_id), row["source_content_hash"] in _KEPT_OUT
    aside = None
    if row["contact_id"] is None:
        aside = SetAside(key, DISCARDED, NOT_A_CONTACT, None)
    elif kept_out:
        # Whom the customers import keeps out, nothing restores here either.
        aside = SetAside(key, DISCARDED, "kept out by the customers import", None)
    mark = _OVERTAKEN if not kept_out and consent_differs(customer, row) else None
    return replace(customer, content_hash=mark, aside=aside, only_consent=True)


def _listed(lines: Sequence[bytes]) -> set[int]:
    """Return the ids that records name, also of those that are rejected for something else; NAMELESS for no id."""
    listed = set()
    for line in lines:
        record = decode_record(line)
        try:
            listed.add(to_integer(record["id"]))
        except (KeyError, TypeError, ValueError):
            listed.add(NAMELESS)
    return listed
