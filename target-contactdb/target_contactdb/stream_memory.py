"""What is remembered of each stream: its SCHEMA as it was seen last, and what its fields were mapped onto."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from target_contactdb.operations import utc_now
from target_contactdb.tables import streams

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_contactdb.mapping import Filled


def remember_stream(
    engine: sa.Engine, stream: str, shop: str, json_schema: Mapping[str, t.Any], mappings: Sequence[Filled]
) -> None:
    """Keep a stream's schema and mappings; nothing is written where they are as they were.

    Args:
        engine: Of the contact database.
        stream: Name of the stream.
        shop: The shop.
        json_schema: The schema of its SCHEMA message.
        mappings: The compiled mappings; none for a stream without contact fields.
    """
    mine = sa.and_(streams.c.stream == stream, streams.c.shop == shop)
    values = {"json_schema": dict(json_schema), "mappings": [_described(one, json_schema) for one in mappings] or None}
    with engine.begin() as connection:
        known = connection.execute(sa.select(streams.c.json_schema, streams.c.mappings).where(mine)).mappings().first()
        if known is None:
            connection.execute(sa.insert(streams).values(stream=stream, shop=shop, seen_at=utc_now(), **values))
        elif dict(known) != values:
            connection.execute(sa.update(streams).where(mine).values(seen_at=utc_now(), **values))


def new_mappings(engine: sa.Engine, stream: str, shop: str, mappings: Sequence[Filled]) -> list[Filled]:
    """Return the mappings that fill a field from a source which did not fill it when the stream was seen last.

    Args:
        engine: Of the contact database.
        stream: Name of the stream.
        shop: The shop.
        mappings: The compiled mappings.

    Returns:
        None of them for a stream that was never seen.
    """
    mine = sa.and_(streams.c.stream == stream, streams.c.shop == shop)
    with engine.connect() as connection:
        known = connection.execute(sa.select(streams.c.mappings).where(mine)).scalar_one_or_none()
    if known is None:
        return []
    filled = {(one["source"], one["field"]) for one in known}
    return [one for one in mappings if (one.source, one.field.name) not in filled]


def _described(filled: Filled, json_schema: Mapping[str, t.Any]) -> dict[str, str]:
    return {
        "source": filled.source,
        "label": str(json_schema["properties"][filled.source].get("title") or filled.source),
        "field": filled.field.name,
        "update": filled.update.value,
        "when_empty": filled.when_empty.value,
    }
