"""What is remembered of each stream: its SCHEMA as it was seen last, and what every customer of it has been through."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.operations import utc_now
from target_contactdb.tables import streams

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_contactdb.mapping import Filled

UNSETTLED: t.Final = ""
"""In place of the filters of a stream whose customers have not all been asked the same ones."""


@dataclass(frozen=True, slots=True)
class Known:
    """What every customer of a stream and shop has been through.

    Attributes:
        filled: The sources and the contact fields that they fill.
        filters: Fingerprint of the import filters, or `UNSETTLED`; None where none was noted.
    """

    filled: frozenset[tuple[str, str]]
    filters: str | None

    def lacks(self, mappings: Sequence[Filled]) -> list[Filled]:
        """Return the mappings that fill a field from a source which has not filled it for everyone."""
        return [one for one in mappings if (one.source, one.field.name) not in self.filled]

    def has_other_filters(self, filters: str) -> bool:
        """Tell whether somebody has not been asked these import filters.

        Args:
            filters: Their fingerprint.
        """
        return self.filters is not None and self.filters != filters


def recall_stream(engine: sa.Engine, stream: str, shop: str) -> Known | None:
    """Return what is remembered of a stream; None if it was never seen.

    Args:
        engine: Of the contact database.
        stream: Name of the stream.
        shop: The shop.
    """
    asked = sa.select(streams.c.mappings, streams.c.filters).where(_is(stream, shop))
    with engine.connect() as connection:
        row = connection.execute(asked).mappings().first()
    if row is None:
        return None
    return Known(frozenset((one["source"], one["field"]) for one in row["mappings"] or ()), row["filters"])


def remember_start(
    engine: sa.Engine,
    stream: str,
    shop: str,
    json_schema: Mapping[str, t.Any],
    mappings: Sequence[Filled],
    filters: str,
    *,
    reads_everyone: bool,
) -> Callable[[], None] | None:
    """Keep a stream's schema, and what every customer has been through now that an import begins.

    Args:
        engine: Of the contact database.
        stream: Name of the customers stream.
        shop: The shop.
        json_schema: The schema of its SCHEMA message.
        mappings: The compiled mappings.
        filters: Fingerprint of the import filters.
        reads_everyone: The import starts where a full refresh does.

    Returns:
        What notes that everyone has been through all of it, to be called once the import has read everyone; None where
        that needs no full refresh.
    """
    known = recall_stream(engine, stream, shop)
    if known is None:
        # Nobody has come in by other settings.
        remember_stream(engine, stream, shop, json_schema, mappings, filters)
        return None
    so_far = known.filters if known.has_other_filters(filters) else filters
    if not reads_everyone:
        remember_stream(engine, stream, shop, json_schema, mappings, so_far)
        return None
    new = known.lacks(mappings)
    kept = [one for one in mappings if one not in new]
    remember_stream(engine, stream, shop, json_schema, kept, filters if so_far == filters else UNSETTLED)
    return functools.partial(remember_stream, engine, stream, shop, json_schema, mappings, filters)


def remember_stream(
    engine: sa.Engine,
    stream: str,
    shop: str,
    json_schema: Mapping[str, t.Any],
    mappings: Sequence[Filled],
    filters: str | None,
) -> None:
    """Keep a stream's schema and what everyone has been through; nothing is written where all is as it was.

    Args:
        engine: Of the contact database.
        stream: Name of the stream.
        shop: The shop.
        json_schema: The schema of its SCHEMA message.
        mappings: The mappings that everyone has been through; none for a stream without contact fields.
        filters: Fingerprint of the import filters that everyone has been asked, or `UNSETTLED`; None for a stream
            without contact fields.
    """
    columns = streams.c
    described = [_described(one, json_schema) for one in mappings] or None
    values = {"json_schema": dict(json_schema), "mappings": described, "filters": filters}
    asked = sa.select(columns.json_schema, columns.mappings, columns.filters).where(_is(stream, shop))
    with engine.begin() as connection:
        known = connection.execute(asked).mappings().first()
        if known is None:
            connection.execute(sa.insert(streams).values(stream=stream, shop=shop, seen_at=utc_now(), **values))
        elif dict(known) != values:
            connection.execute(sa.update(streams).where(_is(stream, shop)).values(seen_at=utc_now(), **values))


def remember_filters(connection: sa.Connection, filters: str) -> None:
    """Note that every customer of every shop has been asked the same import filters.

    Args:
        connection: To the contact database, in a transaction.
        filters: Their fingerprint; `UNSETTLED` while not everyone has been asked yet.
    """
    connection.execute(sa.update(streams).where(streams.c.filters.is_not(None)).values(filters=filters))


def _is(stream: str, shop: str) -> sa.ColumnElement[bool]:
    return sa.and_(streams.c.stream == stream, streams.c.shop == shop)


def _described(filled: Filled, json_schema: Mapping[str, t.Any]) -> dict[str, str]:
    return {
        "source": filled.source,
        "label": str(json_schema["properties"][filled.source].get("title") or filled.source),
        "field": filled.field.name,
        "update": filled.update.value,
        "when_empty": filled.when_empty.value,
    }
