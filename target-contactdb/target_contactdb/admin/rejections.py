"""Which records are still rejected: of each key the latest, as long as nothing of that key has come in since."""

from __future__ import annotations

import itertools
import typing as t

import sqlalchemy as sa

from target_contactdb.fields import to_integer
from target_contactdb.operations import Kind
from target_contactdb.records import content_hash
from target_contactdb.set_aside import DISCARDED, REJECTED
from target_contactdb.tables import checkouts, contact_sources, operation_records, operations

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from target_contactdb.admin.connect import Opened

_CHUNK: t.Final = 5000  # Under the smallest limit of bound values (SQLite: 32,766).


class Rejected(t.NamedTuple):
    """A rejected record, but for the record itself; `kind` and `shop` are those of its operation."""

    record_id: int
    operation_id: int
    kind: str
    shop: str
    stream: str
    key: str | None
    reason: str


def still_rejected(database: Opened) -> list[Rejected]:
    """Return what is still rejected, in the order in which it came.

    A record without a key stays, once however often it was played back: nothing tells that it came in since.

    Args:
        database: The contact database.
    """
    latest: dict[t.Any, Rejected] = {}
    for *row, record in database.connection.execute(_all_rejected()):
        one = Rejected(*row)
        identity = (one.shop, one.stream, one.key, content_hash(record) if one.key is None else None)
        latest.pop(identity, None)
        latest[identity] = one
    done: set[int] = set()
    keyed = [one for one in latest.values() if one.key is not None]
    for (kind, shop, stream), group in itertools.groupby(sorted(keyed, key=_place), key=_place):
        for chunk in _chunks(list(group)):
            done |= _came_in(database, kind, shop, chunk) | _were_discarded(database, shop, stream, chunk)
    return [one for one in latest.values() if one.record_id not in done]


def _place(one: Rejected) -> tuple[str, str, str]:
    return (one.kind, one.shop, one.stream)


def _all_rejected() -> sa.Select[t.Any]:
    rows = operation_records.c
    of_operation = (operations.c.kind, operations.c.shop)
    without_key = sa.case((rows.key.is_(None), rows.record))
    return (
        sa.select(rows.record_id, rows.operation_id, *of_operation, rows.stream, rows.key, rows.reason, without_key)
        .join(operations, operations.c.operation_id == rows.operation_id)
        .where(rows.outcome == REJECTED)
        .order_by(rows.record_id)
    )


def _came_in(database: Opened, kind: str, shop: str, rejected: Sequence[Rejected]) -> set[int]:
    """Return those whose customer or checkout has been taken in since."""
    by_number = {}
    for one in rejected:
        try:
            by_number[to_integer(one.key)] = one
        except ValueError:
            # No customer and no checkout can have such a key.
            continue
    if kind == Kind.CHECKOUTS:
        columns = checkouts.c
        written = sa.select(columns.id, columns.last_operation_id).where(
            columns.shop == shop, columns.id.in_(by_number)
        )
        found = database.connection.execute(written)
        return {by_number[number].record_id for number, last in found if last > by_number[number].operation_id}
    # A customer's row says what came of its latest record.
    sources = contact_sources.c
    taken = sa.select(sources.customer_id).where(
        sources.shop == shop,
        sources.customer_id.in_(by_number),
        sources.content_hash.is_distinct_from(REJECTED),
    )
    return {by_number[number].record_id for number in database.connection.execute(taken).scalars()}


def _were_discarded(database: Opened, shop: str, stream: str, rejected: Sequence[Rejected]) -> set[int]:
    """Return those whose key the import filters have kept out since."""
    rows, by_key = operation_records.c, {one.key: one for one in rejected}
    statement = (
        sa.select(rows.key, sa.func.max(rows.record_id))
        .join(operations, operations.c.operation_id == rows.operation_id)
        .where(rows.outcome == DISCARDED, rows.stream == stream, operations.c.shop == shop, rows.key.in_(by_key))
        .group_by(rows.key)
    )
    found = database.connection.execute(statement)
    return {by_key[key].record_id for key, last in found if last > by_key[key].record_id}


def _chunks(rejected: list[Rejected]) -> Iterator[list[Rejected]]:
    for start in range(0, len(rejected), _CHUNK):
        yield rejected[start : start + _CHUNK]
