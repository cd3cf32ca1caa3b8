"""`contactdb segment`: who is in a segment, and the saved segments."""

from __future__ import annotations

import dataclasses
import json
import sys
import typing as t

import click
import sqlalchemy as sa

from target_contactdb.admin import render, segments
from target_contactdb.admin.csv_cells import write_csv
from target_contactdb.admin.machine import plain, to_json
from target_contactdb.admin.permission import contactable
from target_contactdb.admin.timezone_option import refuse_lone_timezone, timezone_option
from target_contactdb.admin.whole_number import WholeNumber
from target_contactdb.admin.words import NOTHING, moment, safe, shown
from target_contactdb.conditions.times import Clock
from target_contactdb.errors import ConfigError
from target_contactdb.operations import utc_now
from target_contactdb.tables import CHANNELS

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from rich.console import Console

    from target_contactdb.admin.connect import Opened
    from target_contactdb.admin.session import Session

_ORIGIN: t.Final = "--where"
_SHOWN_IN_TABLE: t.Final = 20
_FETCH: t.Final = 1000
_FORMATS: t.Final = ("table", "json", "csv")


@click.command()
@click.argument("name", required=False)
@click.option("--where", metavar="CONDITION", help="Who is meant, such as: may_email = true and has checkout.")
@click.option(
    "--save", metavar="NAME", help="Save the condition under this name, in place of an older one, and evaluate it."
)
@click.option("--evaluate", is_flag=True, help="Write who is in it now; without NAME, in every saved segment.")
@click.option("--entered", is_flag=True, help="Only who is in it now, and was not when it was evaluated last.")
@click.option("--left", is_flag=True, help="Only who was in it when it was evaluated last, and is not now.")
@click.option("--delete", is_flag=True, help="Delete the saved segment.")
@click.option("--count", is_flag=True, help="Only how many they are.")
@click.option("--limit", type=WholeNumber(), help="How many contacts at most; 20 in a table, else all.")
@timezone_option
@click.option("--format", "form", type=click.Choice(_FORMATS), help="How to answer; a table if left out.")
@click.pass_obj
def segment(
    session: Session,
    name: str | None,
    where: str | None,
    save: str | None,
    evaluate: bool,
    entered: bool,
    left: bool,
    delete: bool,
    count: bool,
    limit: int | None,
    timezone: ZoneInfo,
    form: str | None,
) -> None:
    """The contacts of a condition, or of a saved segment; without either, the saved segments.

    A saved segment is always evaluated as things are now. --evaluate keeps who was in it, so that --entered and --left
    can be asked later; together with one of them it tells first, and then keeps.
    """
    _check_options(
        name=name, where=where, save=save, evaluate=evaluate, entered=entered, left=left, delete=delete, count=count
    )
    now = utc_now()
    answer = _Answer(form or ("json" if session.is_json() else "table"), limit, count)
    if save is not None and where is not None:
        clock = Clock(now, timezone)
        with session.open(write=True) as database:
            one, before = segments.save(database, save, where, clock)
            done = segments.evaluate_saved(database, one, before, now)
        answer.saving(done)
    elif evaluate and name is not None and (entered or left):
        with session.open(write=True) as database:
            # Told before it is kept: who could not be told is told the next time.
            answer.contacts(database, _of_saved(database, name, now, entered=entered, left=left))
            segments.evaluate(database, segments.find(database, name), now)
    elif evaluate:
        with session.open(write=True) as database:
            chosen = [segments.find(database, name)] if name else list(segments.saved(database).values())
            evaluated = [segments.evaluate(database, one, now) for one in chosen]
        answer.evaluations(evaluated)
    elif delete and name:
        with session.open(write=True) as database:
            segments.delete(database, name)
        answer.deleted(name)
    else:
        with session.open() as database:
            if where is not None:
                clock = Clock(now, timezone)
                found = segments.members(database, segments.read(where, _ORIGIN), _ORIGIN, clock)
            elif name is not None:
                found = _of_saved(database, name, now, entered=entered, left=left)
            else:
                answer.listing(list(segments.saved(database).values()))
                return
            answer.contacts(database, found)


def _check_options(
    *,
    name: str | None,
    where: str | None,
    save: str | None,
    evaluate: bool,
    entered: bool,
    left: bool,
    delete: bool,
    count: bool,
) -> None:
    """Refuse options that contradict each other, or lack another one."""
    _refuse_together(where=where, name=name)
    _refuse_together(save=save, name=name)
    _refuse_together(entered=entered, left=left, delete=delete, save=save)
    _refuse_together(evaluate=evaluate, delete=delete)
    _refuse_together(evaluate=evaluate, save=save)
    _require(name, entered=entered, left=left, delete=delete)
    _require(name or where, count=count)
    if save is not None and where is None:
        raise click.UsageError("--save needs --where")
    if evaluate and where is not None:
        raise click.UsageError("--evaluate needs a saved segment: give --save as well, or NAME")
    refuse_lone_timezone(where)


def _of_saved(database: Opened, name: str, now: dt.datetime, *, entered: bool, left: bool) -> sa.Select[tuple[int]]:
    one = segments.find(database, name)
    found = segments.members_of(database, one, now)
    if (entered or left) and one.evaluated_at is None:
        raise ConfigError([f"segment `{name}` has not been evaluated yet: run `contactdb segment --evaluate`"])
    if entered:
        return segments.entered_since(database, one, found)
    return segments.left_since(database, one, found) if left else found


def _refuse_together(**given: t.Any) -> None:
    names = [("NAME" if name == "name" else f"--{name}") for name, value in given.items() if value]
    if len(names) > 1:
        raise click.UsageError(f"{' and '.join(names[:2])} do not go together")


def _require(given: str | None, **flags: bool) -> None:
    for flag, value in flags.items():
        if value and not given:
            raise click.UsageError(f"--{flag} needs NAME" + (" or --where" if flag == "count" else ""))


class _Answer:
    """Prints what was asked for, in the format that was asked for."""

    def __init__(self, form: str, limit: int | None, count_only: bool) -> None:
        self._form, self._limit, self._count_only = form, limit, count_only

    def listing(self, found: list[segments.Segment]) -> None:
        """Print the saved segments."""
        if self._form == "json":
            click.echo(to_json({"segments": found}))
        elif self._form == "csv":
            names = list(segments.Segment.__annotations__)
            write_csv(sys.stdout, names, ([getattr(one, name) for name in names] for one in found))
        else:
            console = render.new_console()
            console.print(render.heading("Segments"))
            if not found:
                console.print('None is saved yet. `contactdb segment --where "..." --save NAME` saves one.')
                return
            table = render.new_table("Name")
            table.add_column("Members", justify="right")
            table.add_column("Evaluated", no_wrap=True)
            table.add_column("Condition", ratio=1, overflow="fold")
            for one in found:
                size = NOTHING if one.members is None else f"{one.members:,}"
                when = moment(one.evaluated_at, seconds=False)
                table.add_row(safe(one.name), size, when, f"{safe(one.definition)} [{one.timezone}]")
            render.show_table(console, table)

    def saving(self, done: segments.Saving) -> None:
        """Print what saving a segment came to, and what it replaced."""
        self.evaluations([done], segments.Saving)
        if self._form == "table" and done.same:
            click.echo("It was saved before, with the same condition.")
        elif self._form == "table" and done.was is not None:
            click.echo(f"It replaces a segment of this name, which was: {safe(done.was)} [{done.was_timezone}]")

    def evaluations(
        self, found: Sequence[segments.Evaluation], kind: type[segments.Evaluation] = segments.Evaluation
    ) -> None:
        """Print what evaluations found."""
        if self._form == "json":
            click.echo(to_json({"segments": found}))
        elif self._form == "csv":
            names = [one.name for one in dataclasses.fields(kind)]
            write_csv(sys.stdout, names, ([getattr(one, name) for name in names] for one in found))
        else:
            for one in found:
                size = f"{one.members:,} contact{'s' * (one.members != 1)}"
                click.echo(f"Segment {safe(one.name)}: {size}; {one.entered:,} entered, {one.left:,} left.")
            if not found:
                click.echo("No segment is saved yet.")

    def deleted(self, name: str) -> None:
        """Print that a segment is gone."""
        click.echo(to_json({"deleted": name}) if self._form == "json" else f"Segment {safe(name)} is deleted.")

    def contacts(self, database: Opened, found: sa.Select[tuple[int]]) -> None:
        """Print contacts, or how many they are."""
        total = database.connection.execute(sa.select(sa.func.count()).select_from(found.subquery())).scalar_one()
        if self._count_only:
            click.echo(to_json({"count": total}) if self._form == "json" else str(total))
            return
        limit = self._limit or (_SHOWN_IN_TABLE if self._form == "table" else None)
        columns = _columns(database)
        rows = _rows(database, found.with_only_columns(*columns), limit)
        if self._form == "csv":
            write_csv(sys.stdout, [column.name for column in columns], (list(row) for row in rows))
        elif self._form == "json":
            _write_json(total, rows)
        else:
            _show(render.new_console(), database, total, list(rows))


def _columns(database: Opened) -> list[sa.ColumnElement[t.Any]]:
    contacts = database.contacts
    statuses = (contacts.c[f"{channel}_status"] for channel in CHANNELS)
    may = (
        sa.case((contactable(contacts, channel), sa.true()), else_=sa.false()).label(f"may_{channel}")
        for channel in CHANNELS
    )
    fields = (contacts.c[name] for name in database.fields)
    return [contacts.c.contact_id, contacts.c.user_code, *statuses, *may, *fields]


def _rows(database: Opened, statement: sa.Select[t.Any], limit: int | None) -> Iterator[sa.Row[t.Any]]:
    ordered = statement.order_by(database.contacts.c.contact_id).limit(limit)
    if database.connection.dialect.name == "postgresql":
        # All rows are wanted: its planner would rather have the first ones soon.
        database.connection.exec_driver_sql("SET LOCAL cursor_tuple_fraction = 1")
    yield from database.connection.execute(ordered, execution_options={"yield_per": _FETCH})


def _write_json(total: int, rows: Iterator[sa.Row[t.Any]]) -> None:
    # Piece by piece: a segment may be a million contacts.
    click.echo(f'{{"count": {total}, "contacts": [', nl=False)
    for number, row in enumerate(rows):
        click.echo(("," if number else "") + "\n" + json.dumps(plain(dict(row._mapping))), nl=False)
    click.echo("\n]}")


def _show(console: Console, database: Opened, total: int, rows: list[sa.Row[t.Any]]) -> None:
    console.print(render.heading(f"{total:,} contact{'s' * (total != 1)}"))
    if not rows:
        return
    named = [name for name in ("email", "phone") if name in database.fields]
    table = render.new_table("Contact", "User code")
    for name in named:
        table.add_column(name, overflow="fold")
    for title in ("E-mail", "SMS"):
        table.add_column(title)
    for row in rows:
        values = row._mapping
        cells = [f"#{values['contact_id']}", values["user_code"], *(values[name] for name in named)]
        cells += [values[f"{channel}_status"] for channel in CHANNELS]
        table.add_row(*(shown(cell) or NOTHING for cell in cells))
    render.show_table(console, table)
    if total > len(rows):
        console.print(f"{total - len(rows):,} more; show them with --limit, or all with --format csv.")
