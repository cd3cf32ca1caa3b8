"""`contactdb fields`, `accept`, `erase` and `export`."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import click

from target_contactdb.admin.field_list import listed_fields
from target_contactdb.admin.owned import erase as erase_owned
from target_contactdb.admin.owned import everything_on, find_person
from target_contactdb.admin.render import heading, new_table, show_table
from target_contactdb.admin.session import Problem, Session, format_option
from target_contactdb.admin.whole_number import WholeNumber
from target_contactdb.admin.words import NOTHING, moment, safe
from target_contactdb.belongings import Stranger
from target_contactdb.operations import utc_now
from target_contactdb.status_count import accept_changes, read_count

if t.TYPE_CHECKING:
    import datetime as dt

    from rich.console import Console

    from target_contactdb.admin.field_list import ListedField
    from target_contactdb.admin.owned import Erased, Rows


@click.command()
@format_option
@click.pass_obj
def fields(session: Session) -> None:
    """The contact fields: name, label, type, and what fills them."""
    with session.open() as database:
        found = listed_fields(database)
    session.show({"fields": found}, lambda console, _: _show_fields(console, found))


def _show_fields(console: Console, found: list[ListedField]) -> None:
    console.print(heading("Contact fields"))
    if not found:
        console.print("None: no import of customers has run yet.")
        return
    table = new_table("Field", "Label", "Type", "Filled from")
    for one in found:
        kind = f"{one.type} ({one.key})" if one.key else one.type
        sources = dict.fromkeys(source.label for source in one.filled_from)
        table.add_row(one.name, safe(one.label), kind, safe(", ".join(sources) or NOTHING))
    show_table(console, table)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was accepted.

    Attributes:
        counted: How many status changes had been counted since the last time.
        held: How many the batch brought that was stopped; None = none was.
        stopped_at: When it was stopped.
        accepted: How many may come now before the limit counts again.
        missing: How many of the batch that was stopped are not accepted.
    """

    counted: int
    held: int | None
    stopped_at: dt.datetime | None
    accepted: int
    missing: int


@click.command()
@click.option(
    "--changes",
    type=WholeNumber(0),
    help="How many status changes to accept beforehand; those of the batch that was stopped, or were accepted"
    " beforehand and have not come, if left out.",
)
@format_option
@click.pass_obj
def accept(session: Session, changes: int | None) -> None:
    """Accept the status changes that the limit `max_status_changes` holds back: the next import goes on."""
    with session.open(write=True) as database:
        count = read_count(database.connection)
        # What was accepted beforehand and has not come yet stays accepted.
        number = max(count.held or 0, -count.counted) if changes is None else changes
        accept_changes(database.connection, number, utc_now())
    missing = max((count.held or 0) - number, 0)
    answer = Accepted(max(count.counted, 0), count.held, count.stopped_at, number, missing)
    session.show(answer, _show_accepted)


def _show_accepted(console: Console, done: Accepted) -> None:
    if done.held is None:
        console.print("No import was stopped by its limit of status changes.")
    elif done.missing:
        console.print(
            f"That is not enough for the import that was stopped {moment(done.stopped_at)} UTC: it would change"
            f" {done.held:,}, and {done.missing:,} are missing. Unless `max_status_changes` allows these, it will be"
            f" stopped again. All of them: `contactdb accept --changes {done.held}`.",
            soft_wrap=True,
        )
    else:
        console.print(f"The import that was stopped {moment(done.stopped_at)} UTC may go on: run it again.")
    console.print(f"Counted since the last time: {done.counted:,}. Accepted beforehand: {done.accepted:,}.")


@click.command()
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do not ask.")
@format_option
@click.pass_obj
def erase(session: Session, key: str, yes: bool) -> None:
    """Erase a person out of every table. A hash stays, so that no import brings the person back."""
    if not yes:
        with session.open() as database:
            person = find_person(database, key)
        if isinstance(person, Stranger):
            _ask("this person, who is no contact,")
        else:
            _ask(f"contact #{person['contact_id']}")
            key = f"#{person['contact_id']}"
    with session.open(write=True) as database:
        done = erase_owned(database, find_person(database, key), utc_now())
    session.show(done, _show_erased)


def _ask(whom: str) -> None:
    try:
        agreed = click.confirm(f"Erase {whom} for good?", err=True)
    except click.Abort:
        agreed = False
    if not agreed:
        msg = "nothing was erased; --yes does not ask"
        raise Problem(msg)


def _show_erased(console: Console, done: Erased) -> None:
    whom = "The person, who was no contact," if done.contact_id is None else f"Contact #{done.contact_id}"
    console.print(f"{whom} is erased. Rows that went:")
    console.print()
    table = new_table("Table")
    table.add_column("Rows", justify="right")
    for name, number in done.removed.items():
        if number:
            table.add_row(name, f"{number:,}")
    show_table(console, table)
    console.print("A hash of each source and address stays, so that no import brings the person back.", soft_wrap=True)


@click.command()
@click.argument("key")
@format_option
@click.pass_obj
def export(session: Session, key: str) -> None:
    """Everything held on a person, by table, as JSON: the answer to a data-subject request.

    --format table only counts the rows.
    """
    with session.open() as database:
        held = everything_on(database, find_person(database, key))
    session.show(held, _show_held, as_json=True)


def _show_held(console: Console, held: dict[str, Rows]) -> None:
    table = new_table("Table")
    table.add_column("Rows", justify="right")
    for name, rows in held.items():
        table.add_row(name, f"{len(rows):,}")
    show_table(console, table)
    console.print("--format json has the rows.")
