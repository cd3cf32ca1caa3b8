"""Synchronization Status and Log Activities as tables."""

from __future__ import annotations

import typing as t

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from target_contactdb.admin.words import NOTHING, duration, moment, safe

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from target_contactdb.admin.activities import (
        LoggedRecord,
        Operation,
        OperationDetails,
        SynchronizationStatus,
        Totals,
    )

WIDE: t.Final = 100
"""From how many columns on a table may be wider."""

_STATE_STYLES: t.Final = {
    "completed": "green",
    "completed with rejections": "yellow",
    "running": "cyan",
    "paused": "yellow",
    "failed": "bold red",
    "interrupted": "bold red",
    "stopped": "bold red",
}


class _Console(Console):
    @override
    def on_broken_pipe(self) -> t.NoReturn:
        # Rich would end the program itself, with the exit code that says no.
        raise BrokenPipeError


def new_console() -> Console:
    """Return the console of a command: what a store's people wrote is never read as markup."""
    return _Console(markup=False, emoji=False, highlight=False)


def heading(text: str) -> Text:
    """Return a heading."""
    return Text(text, style="bold")


def new_table(*columns: str, header: bool = True) -> Table:
    """Return an empty table in the one style that all commands have."""
    return Table(
        *columns,
        box=box.SIMPLE_HEAD if header else None,
        show_header=header,
        header_style="bold",
        show_edge=False,
        pad_edge=False,
        # A headed table has a blank border between its columns.
        padding=(0, 1 if header else 2, 0, 0),
    )


def show_table(console: Console, table: Table) -> None:
    """Print a table, a little inside and with an empty line below."""
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    console.print()


def state_text(state: str) -> Text:
    """Return the state of an operation, in its colour."""
    return Text(state, style=_STATE_STYLES.get(state, ""))


def show_status(console: Console, status: SynchronizationStatus) -> None:
    """Print Synchronization Status: a table per shop, a column per kind of import."""
    console.print(heading("Synchronization Status"))
    if not status.operations:
        console.print("No import has run yet.\n")
    by_shop: dict[str, list[Operation]] = {}
    for operation in status.operations:
        by_shop.setdefault(operation.shop, []).append(operation)
    for shop, operations in by_shop.items():
        console.print(_shop_line(shop))
        show_table(console, _facts_table(operations))
    for line in status.warnings:
        console.print(Text(f"! {safe(line)}", style="yellow"))
    if status.warnings:
        console.print()
    _show_totals(console, status.totals)
    console.print(Text("Times are UTC.", style="dim"))


def _shop_line(shop: str) -> Text:
    return Text(f"Shop {safe(shop)}", style="bold cyan")


def _facts_table(operations: Sequence[Operation]) -> Table:
    table = new_table("")
    for operation in operations:
        table.add_column(operation.kind.capitalize(), justify="right")
    for label, fact in _FACTS:
        table.add_row(label, *(fact(operation) for operation in operations))
    _add_counts(table, "Records read", [(one.records_read, one.outcomes) for one in operations])
    _add_counts(table, "Status changes", [(sum(one.changes.values()), one.changes) for one in operations])
    if any(operation.unlinked for operation in operations):
        table.add_row("Waiting for a contact", *(_number(operation.unlinked) for operation in operations))
    return table


def _add_counts(table: Table, label: str, counted: Sequence[tuple[int, dict[str, int]]]) -> None:
    table.add_row(label, *(_number(total) for total, _ in counted))
    for name in counted[0][1]:
        table.add_row(f"  {name}", *(_number(counts[name]) for _, counts in counted))


def _number(value: int) -> Text:
    return Text(f"{value:,}", style="" if value else "dim")


_FACTS: t.Final[tuple[tuple[str, Callable[[Operation], str | Text]], ...]] = (
    ("Operation", lambda one: str(one.operation_id)),
    ("State", lambda one: state_text(one.state)),
    ("Started", lambda one: moment(one.started_at)),
    ("Ended", lambda one: moment(one.ended_at)),
    ("Took", lambda one: duration(one.seconds)),
    ("Window from", lambda one: moment(one.window.begin)),
    ("Window to", lambda one: moment(one.window.end)),
    ("Bookmark", lambda one: moment(one.bookmark)),
)


def _show_totals(console: Console, totals: Totals) -> None:
    console.print(heading("Contact database"))
    table = new_table(header=False)
    table.add_column()
    table.add_column(justify="right")
    rows = (
        ("Contacts", totals.contacts),
        ("  may be written to by e-mail", totals.may_email),
        ("  may be written to by SMS", totals.may_sms),
        ("Checkouts", totals.checkouts),
        ("  open (not recovered)", totals.open),
        ("  linked to a contact", totals.linked),
        ("  waiting for a contact", totals.unlinked),
    )
    for label, value in rows:
        table.add_row(label, _number(value))
    show_table(console, table)


def show_log(console: Console, operations: Sequence[Operation]) -> None:
    """Print Log Activities: a row per operation, newest first."""
    console.print(heading("Log Activities"))
    if not operations:
        console.print("No import has run yet.")
        return
    several = len({operation.shop for operation in operations}) > 1
    if not several:
        console.print(_shop_line(operations[0].shop))
    wide = console.width >= WIDE
    table = new_table()
    table.add_column("#", justify="right")
    table.add_column("Import", min_width=9)
    table.add_column("State", max_width=11)
    table.add_column("Started", no_wrap=True)
    table.add_column("Took", justify="right", no_wrap=True)
    for name in ("Records", "Status changes") if wide else ("Records",):
        table.add_column(name, ratio=1)
    for operation in operations:
        records, changes = _records_text(operation), _nonzero(operation.changes)
        lines = [records] if wide or not changes else [records, f"status: {changes}"]
        lines += [safe(operation.error)] if operation.error else []
        table.add_row(
            str(operation.operation_id),
            f"{operation.kind}\n{safe(operation.shop)}" if several else operation.kind,
            state_text(operation.state),
            moment(operation.started_at, seconds=False),
            duration(operation.seconds),
            "\n".join(lines),
            *([changes] if wide else []),
        )
    show_table(console, table)
    console.print(Text("Times are UTC. `contactdb log --operation N` tells more about one.", style="dim"))


def _records_text(operation: Operation) -> str:
    outcomes = _nonzero(operation.outcomes)
    text = f"{operation.records_read:,} read" + (f": {outcomes}" if outcomes else "")
    return text + (f"; {operation.unlinked:,} waiting for a contact" if operation.unlinked else "")


def _nonzero(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def show_operation(console: Console, details: OperationDetails) -> None:
    """Print all about one operation."""
    operation = details.operation
    console.print(heading(f"Operation {operation.operation_id}"))
    console.print(_shop_line(operation.shop))
    show_table(console, _facts_table([operation]))
    if operation.error:
        console.print(Text(f"Error: {safe(operation.error)}", style="bold red"))
        console.print()
    if details.status_changes:
        console.print(heading("Status changes by cause"))
        changes = new_table("Channel", "Change", "Cause")
        changes.add_column("Number", justify="right")
        for one in details.status_changes:
            changes.add_row(one.channel, one.change, safe(one.cause or NOTHING), f"{one.count:,}")
        show_table(console, changes)
    if details.records:
        console.print(heading("Records not taken in"))
        show_table(console, _records_table(details.records, with_operation=False))
    if details.records_not_shown:
        console.print(f"{details.records_not_shown:,} more records; show them with --limit.")
    console.print(Text("Times are UTC.", style="dim"))


def show_rejected(console: Console, records: Sequence[LoggedRecord]) -> None:
    """Print rejected records with their reasons."""
    console.print(heading("Rejected records"))
    if records:
        show_table(console, _records_table(records, with_operation=True))
    else:
        console.print("None.")


def _records_table(records: Sequence[LoggedRecord], *, with_operation: bool) -> Table:
    table = new_table()
    if with_operation:
        table.add_column("Operation", justify="right")
    else:
        table.add_column("Outcome")
    table.add_column("Stream")
    table.add_column("Key", overflow="fold")
    table.add_column("Reason", ratio=1)
    for record in records:
        first = str(record.operation_id) if with_operation else record.outcome
        table.add_row(first, safe(record.stream), safe(record.key or NOTHING), safe(record.reason))
    return table


def show_sentences(console: Console, sentences: Sequence[str]) -> None:
    """Print sentences, a paragraph each."""
    for sentence in sentences:
        console.print(Padding(Text(safe(sentence)), (0, 0, 0, 2), expand=False))
