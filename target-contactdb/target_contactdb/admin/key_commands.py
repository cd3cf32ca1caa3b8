"""`contactdb keys`: which fields name a contact, and changing them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import click
from rich.text import Text

from target_contactdb.admin.render import heading, new_table, show_table
from target_contactdb.admin.session import NO, Group, Session, format_option
from target_contactdb.consent_values import Policy
from target_contactdb.key_change import change_keys, plan_keys
from target_contactdb.keys import USER_CODE, Keys
from target_contactdb.operations import utc_now

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from target_contactdb.keys import FieldPlan, KeyPlan, Merge

_Command = t.TypeVar("_Command", bound="Callable[..., t.Any]")

_SHOWN_GROUPS: t.Final = 5


@dataclass(frozen=True, slots=True)
class SetKeys:
    """What a change of keys came to.

    Attributes:
        keys: The keys now.
        changed: Whether they were others before.
        merged: Contacts that became one.
    """

    keys: Keys
    changed: bool
    merged: tuple[Merge, ...]


@click.group(cls=Group)
def keys() -> None:
    """The primary key and the unique fields: show them, plan a change, make it."""


def _key_options(command: _Command) -> _Command:
    command = click.option(
        "--unique", "unique_fields", multiple=True, metavar="FIELD", help="A unique field; can be given again."
    )(command)
    return click.option(
        "--primary-key", required=True, metavar="FIELD", help=f"The primary key: {USER_CODE}, or a contact field."
    )(command)


@keys.command()
@format_option
@click.pass_obj
def show(session: Session) -> None:
    """Show the keys."""
    with session.open() as database:
        answer = database.keys
    session.show(answer, _show_keys)


@keys.command()
@_key_options
@format_option
@click.pass_obj
def plan(session: Session, primary_key: str, unique_fields: tuple[str, ...]) -> None:
    """Read the data and say what a change would do; nothing is written.

    The keys that are named are all that there will be. Exit code 0: the change can be made, with --merge where contacts
    would become one. 1: the data stands against it.
    """
    with session.open() as opened:
        answer = plan_keys(opened.connection, opened.database, Keys(primary_key, unique_fields))
    session.show(answer, _show_plan)
    click.get_current_context().exit(NO if answer.obstacles else 0)


@keys.command("set")
@_key_options
@click.option("--merge", is_flag=True, help="Make one contact of those that share the new primary key.")
@format_option
@click.pass_obj
def set_(session: Session, primary_key: str, unique_fields: tuple[str, ...], merge: bool) -> None:
    """Change the keys, whole or not at all. The settings of the import must name the same ones afterwards."""
    wanted = Keys(primary_key, unique_fields)
    with session.open(tables=True) as opened:
        policy = Policy(protected_causes=opened.protected_causes)
        done = change_keys(opened.connection, opened.database, wanted, merge=merge, policy=policy, now=utc_now())
    session.show(SetKeys(wanted, done is not None, done.merges if done is not None else ()), _show_set)


def _show_keys(console: Console, shown: Keys) -> None:
    console.print(f"Primary key: {shown.primary_key}")
    console.print(f"Unique fields: {', '.join(shown.unique_fields) or 'none'}")


def _show_plan(console: Console, planned: KeyPlan) -> None:
    console.print(heading("Now"))
    _show_keys(console, planned.before)
    console.print()
    console.print(heading("Wanted"))
    _show_keys(console, planned.after)
    console.print()
    table = new_table("Field", "Becomes")
    for name in ("Without a value", "Shared values", "Contacts that share"):
        table.add_column(name, justify="right")
    for one in planned.fields:
        sharing = sum(len(group) for group in one.shared)
        numbers = (f"{count:,}" for count in (one.without_value, len(one.shared), sharing))
        table.add_row(one.field, one.role, *numbers)
    if planned.fields:
        show_table(console, table)
    for one in planned.fields:
        _show_shared(console, one)
    for line in _conclusion(planned):
        console.print(line, soft_wrap=True)


def _show_shared(console: Console, one: FieldPlan) -> None:
    if not one.shared:
        return
    groups = [" ".join(f"#{contact_id}" for contact_id in group) for group in one.shared[:_SHOWN_GROUPS]]
    more = "; ..." if len(one.shared) > _SHOWN_GROUPS else ""
    console.print(Text(f"One `{one.field}`: {'; '.join(groups)}{more}"), soft_wrap=True)
    console.print()


def _conclusion(planned: KeyPlan) -> Sequence[str]:
    if planned.obstacles:
        return [f"This cannot be set: {'; '.join(planned.obstacles)}."]
    lines = []
    if planned.merges:
        gone = sum(len(merge.gone) for merge in planned.merges)
        lines.append(
            f"Of {planned.contacts:,} contacts {gone:,} would go into another one, which takes over their sources,"
            " checkouts, history, and the stricter status."
        )
    missing = sum(one.without_value for one in planned.fields if one.role == "primary key")
    if missing:
        lines.append(
            f"{missing:,} contacts have no `{planned.after.primary_key}`: they stay,"
            " and records without one are rejected."
        )
    merge = " --merge" if planned.merges else ""
    return [*lines, f"To do it: contactdb keys set {planned.after.arguments}{merge}"]


def _show_set(console: Console, done: SetKeys) -> None:
    if not done.changed:
        console.print(heading("Nothing changes: the keys are these already"))
        _show_keys(console, done.keys)
        return
    gone = sum(len(merge.gone) for merge in done.merged)
    console.print(heading("The keys are set"))
    _show_keys(console, done.keys)
    if gone:
        console.print(f"Contacts that went into another one: {gone:,}.")
    console.print(
        "Set `primary_key` and `unique_fields` of the import to the same; the next one decides everyone again."
    )
