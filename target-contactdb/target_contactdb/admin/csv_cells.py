"""Answers as CSV: people open it in spreadsheets, where a cell may be more than text."""

from __future__ import annotations

import csv
import json
import re
import typing as t

from target_contactdb.admin.machine import plain

if t.TYPE_CHECKING:
    from collections.abc import Iterable

# What spreadsheets take for the beginning of a formula, with the full-width forms of some of them.
_FORMULA: t.Final = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
# A number, and a phone number, stay as they are: digits and marks alone can do nothing, and other programs read them.
_NUMBER: t.Final = re.compile(r"[+-][0-9 ().,/-]*", re.ASCII)


_LINE_END: t.Final = "\r\n"


class _Lines:
    """Takes the rows of a writer, and ends each with a line feed alone.

    A writer puts quotes around a cell only for the characters of its own line end. Many readers end a row at a
    carriage return alone.
    """

    def __init__(self, file: t.TextIO) -> None:
        self._file = file

    def write(self, row: str) -> int:
        return self._file.write(row.removesuffix(_LINE_END) + "\n")


def write_csv(file: t.TextIO, names: Iterable[str], rows: Iterable[Iterable[t.Any]]) -> None:
    """Write a heading and rows as CSV.

    Text that a spreadsheet would take for a formula has a single quote before it.

    Args:
        file: Where to.
        names: The columns.
        rows: Their values.
    """
    writer = csv.writer(_Lines(file), lineterminator=_LINE_END)
    writer.writerow(names)
    for row in rows:
        writer.writerow(_cell(value) for value in row)
    # What is left in a buffer is not written yet.
    file.flush()


def _cell(value: t.Any) -> t.Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    simple = plain(value)
    if isinstance(simple, list | dict):
        return json.dumps(simple, ensure_ascii=False)
    return _harmless(simple) if isinstance(simple, str) else simple


def _harmless(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
