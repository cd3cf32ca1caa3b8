"""The contact fields, and what fills them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.tables import streams

if t.TYPE_CHECKING:
    from target_contactdb.admin.connect import Opened


@dataclass(frozen=True, slots=True)
class FilledFrom:
    """A field of a shop's stream that fills a contact field, as the last import had it.

    Attributes:
        shop: The shop.
        stream: The stream.
        source: The stream's field.
        label: The name that people see.
        update: When an existing contact's field is written.
        when_empty: What an empty source does to the field.
    """

    shop: str
    stream: str
    source: str
    label: str
    update: str
    when_empty: str


@dataclass(frozen=True, slots=True)
class ListedField:
    """A contact field.

    Attributes:
        name: Its column.
        label: The name that people see.
        type: What it holds.
        choices: The values that it may hold, for a choice.
        key: `primary key`, `unique`, or None.
        filled_from: What fills it.
    """

    name: str
    label: str
    type: str
    choices: tuple[str, ...]
    key: str | None
    filled_from: list[FilledFrom]


def listed_fields(database: Opened) -> list[ListedField]:
    """Return the contact fields in their order."""
    filled: dict[str, list[FilledFrom]] = {}
    names = [name for name in FilledFrom.__annotations__ if name not in {"shop", "stream"}]
    known = sa.select(streams.c.shop, streams.c.stream, streams.c.mappings).order_by(streams.c.shop, streams.c.stream)
    for shop, stream, mappings in database.connection.execute(known):
        for one in mappings or ():
            source = FilledFrom(shop=shop, stream=stream, **{name: one[name] for name in names})
            filled.setdefault(one["field"], []).append(source)
    roles = dict.fromkeys(database.keys.unique_fields, "unique") | {database.keys.primary_key: "primary key"}
    return [
        ListedField(one.name, one.label, one.type.value, one.choices, roles.get(one.name), filled.get(one.name, []))
        for one in database.fields.values()
    ]
