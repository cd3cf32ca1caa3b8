"""The floor on PostgreSQL: `psql` copies a file into a temporary table and upserts it into the table."""

from __future__ import annotations

import json
import typing as t

from benchmarks.target_rows.people import PROPERTIES

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TYPES = {"id": "bigint", "tags": "jsonb", "verified_email": "boolean", "orders_count": "bigint"}


def _type_of(name: str) -> str:
    if name == "orders_total_spent":
        return "numeric(19,4)"
    return _TYPES.get(name) or ("timestamptz" if PROPERTIES[name].get("format") else "text")


def write_rows(file: Path, records: Iterator[dict[str, t.Any]]) -> None:
    """Write records as PostgreSQL's COPY reads them."""
    with file.open("w", encoding="utf-8") as out:
        for record in records:
            out.write("\t".join(_text(record[name]) for name in PROPERTIES) + "\n")


def _text(value: t.Any) -> str:
    if value is None:
        return "\\N"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | bool) else str(value)
    for char, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(char, written)
    return text


def script(file: Path) -> str:
    """Return the `psql` script that upserts a file."""
    columns = ", ".join(f"{name} {_type_of(name)}" for name in PROPERTIES)
    written = ", ".join(f"{name} = excluded.{name}" for name in PROPERTIES if name != "id")
    return f"""
    CREATE TABLE IF NOT EXISTS customers ({columns}, PRIMARY KEY (id));
    BEGIN;
    CREATE TEMPORARY TABLE stage (LIKE customers) ON COMMIT DROP;
    \\copy stage FROM '{file}'
    INSERT INTO customers SELECT * FROM stage ON CONFLICT (id) DO UPDATE SET {written};
    COMMIT;
    """  # noqa: S608 - our own names
