"""The types of contact fields as a table for the README."""

from __future__ import annotations

import typing as t

from target_contactdb.conditions.fields import OPS
from target_contactdb.conditions.tree import Op
from target_contactdb.field_changes import WIDER
from target_contactdb.fields import HOLDS, FieldType

_TAKEN: t.Final = {
    FieldType.TEXT: "Text as it is, numbers by their digits, true and false as words.",
    FieldType.EMAIL: "Text of at most 255 characters, without the spaces around it. Written as it came, compared "
    "without regard to case.",
    FieldType.PHONE: "Text of at most 255 characters, without the spaces around it.",
    FieldType.INTEGER: "A whole number of at most 64 bits, also as text of the digits 0 to 9.",
    FieldType.DECIMAL: "A number that NUMERIC(19,4) holds without rounding, also as text of the digits 0 to 9; "
    "no binary fraction.",
    FieldType.DATE: "An ISO 8601 date such as `2026-11-24`; of a time, its date in UTC. "
    "No empty text, week or day of the year.",
    FieldType.DATETIME: "An ISO 8601 time, its date as above; one without an offset is UTC. "
    "Kept in UTC, of the years 1 to 9999, to the microsecond.",
    FieldType.BOOLEAN: "True or false; no number and no word stands for them.",
    FieldType.CHOICE: "One of the field's `choices`, spelled as there.",
    FieldType.LIST: "A list.",
    FieldType.JSON: "A list or an object.",
}


def types_markdown() -> str:
    """Return the table of types: what each takes, which of the stream's fields may fill it, what it may become."""
    lines = ["| type | what it takes | filled by a stream's | may become |", "|---|---|---|---|"]
    for kind in FieldType:
        sources = ", ".join(natural for natural in HOLDS if kind in HOLDS[natural])
        wider = ", ".join(f"`{one}`" for one in WIDER.get(kind, ())) or "-"
        lines.append(f"| `{kind}` | {_TAKEN[kind]} | {sources} | {wider} |")
    return "\n".join(lines) + "\n"


def operators_markdown() -> str:
    """Return the table of the operators that each type of field takes in a condition."""
    lines = ["| field type | operators |", "|---|---|"]
    groups: dict[tuple[Op, ...], list[str]] = {}
    for kind in FieldType:
        groups.setdefault(tuple(op for op in Op if op in OPS[kind]), []).append(f"`{kind}`")
    lines += [f"| {', '.join(kinds)} | {', '.join(f'`{op}`' for op in ops)} |" for ops, kinds in groups.items()]
    return "\n".join(lines) + "\n"
