"""The mappings' rules, in Python and as SQL: what the fields of an existing contact become."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from target_contactdb.mapping import Update, WhenEmpty

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from target_contactdb.mapping import Filled


def field_values(
    contacts: sa.Table, stage: sa.Table, mappings: Sequence[Filled], carried: Sequence[bool]
) -> dict[str, sa.ColumnElement[t.Any]]:
    """Return what an existing contact's fields become by the mappings' rules.

    Args:
        contacts: The table.
        stage: Holds the records' values under the names of the fields.
        mappings: The compiled mappings.
        carried: Which of their sources the records carry.
    """
    values: dict[str, sa.ColumnElement[t.Any]] = {}
    for filled, is_carried in zip(mappings, carried, strict=True):
        name = filled.field.name
        if not is_carried or filled.update is Update.NEVER:
            continue
        if filled.update is Update.IF_EMPTY:
            values[name] = sa.func.coalesce(contacts.c[name], stage.c[name])
        elif filled.when_empty is WhenEmpty.KEEP:
            values[name] = sa.func.coalesce(stage.c[name], contacts.c[name])
        else:
            values[name] = stage.c[name]
    return values


def becomes(filled: Filled, current: t.Any, value: t.Any) -> t.Any:
    """Return what one field of an existing contact becomes, as `field_values` says it.

    Args:
        filled: The field's mapping.
        current: What the field holds.
        value: What the record carries.
    """
    if filled.update is Update.NEVER or (filled.update is Update.IF_EMPTY and current is not None):
        return current
    return current if value is None and filled.when_empty is WhenEmpty.KEEP else value
