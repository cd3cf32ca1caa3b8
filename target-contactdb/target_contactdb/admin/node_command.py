"""`contactdb node`: who enters a flow now, as JSON Lines."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Container, Mapping

import click

from target_contactdb.admin.handing_out import hand_out
from target_contactdb.admin.node_options import (
    duration,
    flow_option,
    handing_options,
    longest,
    plain_or_duration,
    read_amount,
    way_of,
    who_is_meant,
)
from target_contactdb.admin.render import heading, new_table, show_table
from target_contactdb.admin.session import Group, format_option
from target_contactdb.admin.whole_number import WholeNumber
from target_contactdb.admin.words import moment, safe
from target_contactdb.node import entries as written
from target_contactdb.node.candidates import new_customers, open_checkouts
from target_contactdb.node.entries import State
from target_contactdb.node.flows import known_flows
from target_contactdb.node.rules import EntryRule
from target_contactdb.operations import utc_now

if t.TYPE_CHECKING:
    import datetime as dt
    from decimal import Decimal
    from zoneinfo import ZoneInfo

    from rich.console import Console

    from target_contactdb.admin.session import Session
    from target_contactdb.node.flows import Flow


@click.group(cls=Group)
def node() -> None:
    """Nodes: who enters a flow now."""


@node.command("abandoned-checkout")
@handing_options
@click.option(
    "--after",
    callback=plain_or_duration("m"),
    metavar="MINUTES",
    required=True,
    help="How long the checkout was left alone: minutes, or a duration such as 1h.",
)
@click.option(
    "--max-age",
    callback=duration,
    metavar="DURATION",
    help="No checkout that was left longer ago; if left out, --after and a day.",
)
@click.option(
    "--min-total", callback=read_amount, metavar="AMOUNT", help="Least total of the checkout, in the shop's currency."
)
@click.option(
    "--re-entry",
    callback=plain_or_duration("d"),
    metavar="DAYS",
    default="0",
    show_default=True,
    help="When the same contact may enter again with a newer checkout: days, or a duration such as 12h.",
)
@click.pass_obj
def abandoned_checkout(
    session: Session,
    /,
    after: dt.timedelta,
    max_age: dt.timedelta | None,
    min_total: Decimal | None,
    re_entry: dt.timedelta,
    channel: str,
    segment: str | None,
    where: str | None,
    timezone: ZoneInfo,
    **options: t.Any,
) -> None:
    """The Abandoned Checkout node: contacts whose last checkout was left alone, one JSON object a line."""
    rule = EntryRule(
        after,
        longest(after, max_age),
        channel,
        min_total,
        re_entry,
        where=who_is_meant(segment, where),
        zone=timezone,
    )
    hand_out(session, "abandoned-checkout", open_checkouts, rule, way_of(**options))


@node.command("new-customer")
@handing_options
@click.option(
    "--after",
    callback=plain_or_duration("m"),
    metavar="MINUTES",
    default="0",
    help="How long ago an import first saw them: minutes, or a duration such as 1h.",
)
@click.option(
    "--max-age",
    callback=duration,
    metavar="DURATION",
    help="Nobody first seen longer ago; if left out, --after and a day.",
)
@click.option(
    "--account-state", "states", multiple=True, help="Only this account state, such as ENABLED; can be repeated."
)
@click.option("--backfill", is_flag=True, help="Also those who came when everything was imported at once.")
@click.pass_obj
def new_customer(
    session: Session,
    /,
    after: dt.timedelta,
    max_age: dt.timedelta | None,
    states: tuple[str, ...],
    backfill: bool,
    channel: str,
    segment: str | None,
    where: str | None,
    timezone: ZoneInfo,
    **options: t.Any,
) -> None:
    """The New Customer node: contacts that an import has seen for the first time, one JSON object a line."""
    rule = EntryRule(
        after,
        longest(after, max_age),
        channel,
        account_states=tuple(state.upper() for state in states),
        backfill=backfill,
        reads_checkouts=False,
        where=who_is_meant(segment, where),
        zone=timezone,
    )
    hand_out(session, "new-customer", new_customers, rule, way_of(**options))


@node.command("flows")
@format_option
@click.pass_obj
def list_flows(session: Session) -> None:
    """The flows that somebody has entered, each with its numbers."""
    with session.open() as database:
        found = known_flows(database, utc_now())
    session.show({"flows": found}, lambda console, _: _show_flows(console, found))


def _show_flows(console: Console, found: list[Flow]) -> None:
    console.print(heading("Flows"))
    if not found:
        console.print("Nobody has entered a flow yet.")
        return
    table = new_table("Flow", "Node")
    for title in ("Entered", "Acknowledged", "Leased now", "Free again"):
        table.add_column(title, justify="right")
    table.add_column("Last entry", no_wrap=True)
    for one in found:
        counts = (one.entered, one.acknowledged, one.leased, one.free)
        last = moment(one.last_entry_at, seconds=False)
        table.add_row(safe(one.flow), one.node, *(f"{count:,}" for count in counts), last)
    show_table(console, table)


@node.command()
@flow_option
@click.argument("entry_ids", type=WholeNumber(), nargs=-1, required=True, metavar="ENTRY...")
@click.pass_obj
def ack(session: Session, flow: str, entry_ids: tuple[int, ...]) -> None:
    """Acknowledge entries that were handed out with --lease: they have entered for good."""
    with session.open(write=True) as database:
        before = written.require_entries(database, flow, entry_ids)
        count = written.acknowledge(database, flow, entry_ids, utc_now())
    _tell(flow, "acknowledged", count, before, (State.HANDED_OUT, State.FREE))


@node.command()
@flow_option
@click.argument("entry_ids", type=WholeNumber(), nargs=-1, required=True, metavar="ENTRY...")
@click.pass_obj
def release(session: Session, flow: str, entry_ids: tuple[int, ...]) -> None:
    """Give entries back that were handed out with --lease: they are handed out again."""
    with session.open(write=True) as database:
        before = written.require_entries(database, flow, entry_ids)
        count = written.release(database, flow, entry_ids)
    _tell(flow, "released", count, before, (State.HANDED_OUT,))


def _tell(flow: str, done: str, count: int, before: Mapping[int, State], changeable: Container[State]) -> None:
    """Print how many entries were changed, and why each of the others was not."""
    unchanged = [
        {"entry_id": entry_id, "reason": state.value} for entry_id, state in before.items() if state not in changeable
    ]
    click.echo(json.dumps({"flow": flow, done: count, "unchanged": unchanged}))
