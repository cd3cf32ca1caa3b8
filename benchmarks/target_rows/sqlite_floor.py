"""The floor on SQLite: the driver upserts what msgspec reads. `sqlite_floor.py DATABASE`, messages on stdin."""

from __future__ import annotations

import sqlite3
import sys
import typing as t

import msgspec

if t.TYPE_CHECKING:
    from collections.abc import Iterator


class Message(msgspec.Struct):
    """The envelope of a record."""

    type: str
    record: msgspec.Raw = msgspec.Raw(b"null")


if __name__ == "__main__":
    head, *lines = sys.stdin.buffer.read().splitlines()
    names = list(msgspec.json.decode(head)["schema"]["properties"])
    fields = [(name, msgspec.Raw if name == "tags" else bool | int | float | str | None) for name in names]
    record = msgspec.defstruct("Record", fields)
    read, read_record = msgspec.json.Decoder(Message).decode, msgspec.json.Decoder(record).decode
    place = names.index("tags")

    def rows() -> Iterator[list[t.Any]]:
        """Return the records' values."""
        for line in lines:
            found = read(line)
            if found.type == "RECORD":
                values = list(msgspec.structs.astuple(read_record(found.record)))
                values[place] = bytes(values[place]).decode()
                yield values

    database = sqlite3.connect(sys.argv[1])
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    columns = ", ".join(name if name != "id" else "id INTEGER PRIMARY KEY" for name in names)
    database.execute(f"CREATE TABLE IF NOT EXISTS customers ({columns})")
    written = ", ".join(f"{name} = excluded.{name}" for name in names if name != "id")
    marks = ", ".join("?" * len(names))
    statement = f"INSERT INTO customers VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {written}"  # noqa: S608
    with database:
        database.executemany(statement, rows())
