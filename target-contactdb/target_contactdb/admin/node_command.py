"""`contactdb node`: who enters a flow now, as JSON Lines."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Callable, Container, Mapping
from decimal import Decimal, InvalidOperation

import click

from target_contactdb.admin.handing_out import Way, hand_out
from target_contactdb.admin.session import Group
from target_contactdb.node import entries as written
from target_contactdb.node.candidates import new_customers, open_checkouts
from target_contactdb.node.entries import State
from target_contactdb.node.push import SECRET_VARIABLE
from target_contactdb.node.rules import CHANNEL_CHOICES, UNITS, EntryRule, read_duration
from target_contactdb.operations import utc_now

if t.TYPE_CHECKING:
    import datetime as dt

    from target_contactdb.admin.session import Session

_Command = t.TypeVar("_Command", bound=Callable[..., t.Any])


_LONGEST_NAME: t.Final = 255


def _duration(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> dt.timedelta | None:
    try:
        return read_duration(value) if value is not None else None
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}") from None


def _plain_or_duration(unit: str) -> Callable[[click.Context, click.Parameter, str], dt.timedelta]:
    """Return a reader of durations that takes a number alone for so many of a unit."""

    def read(_ctx: click.Context, _parameter: click.Parameter, value: str) -> dt.timedelta:
        try:
            return read_duration(f"{value.strip()}{unit}" if value.strip().isdecimal() else value)
        except ValueError as error:
            raise click.BadParameter(f"{value!r} {error}, nor a number of {UNITS[unit]}") from None

    return read


def _flow_name(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value.strip() or len(value) > _LONGEST_NAME:
        raise click.BadParameter(f"the name of a flow has 1 to {_LONGEST_NAME} characters")
    return value


_flow_option = click.option("--flow", required=True, callback=_flow_name, help="The flow.")


def _way(*, peek: bool, explain: bool, lease: dt.timedelta | None, url: str | None, **others: t.Any) -> Way:
    """Return how to hand out.

    Raises:
        click.UsageError: Options contradict each other.
    """
    looking = [name for name, given in (("--peek", peek), ("--explain", explain)) if given]
    taking = [name for name, given in (("--lease", lease is not None), ("--post", url is not None)) if given]
    if looking and len(looking + taking) > 1:
        raise click.UsageError(f"{' and '.join((looking + taking)[:2])} do not go together")
    return Way(peek=peek, explain=explain, lease=lease, url=url, **others)


def _longest(after: dt.timedelta, max_age: dt.timedelta | None) -> dt.timedelta:
    longest = max_age if max_age is not None else after + read_duration("1d")
    if longest <= after:
        raise click.UsageError("--max-age has to be longer than --after, or nobody can ever enter")
    return longest


def _amount(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Decimal | None:
    try:
        amount = Decimal(value) if value is not None else None
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount is not None and not amount.is_finite():
        raise click.BadParameter(f"{value!r} is not an amount")
    return amount


def _handing_options(command: _Command) -> _Command:
    for option in reversed(
        (
            click.option(
                "--flow",
                required=True,
                callback=_flow_name,
                help="Name of the flow; a contact enters it once per checkout.",
            ),
            click.option(
                "--new-flow", is_flag=True, help="Begin a flow though there is one with nearly the same name."
            ),
            click.option(
                "--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="How many enter at most."
            ),
            click.option(
                "--channel",
                type=click.Choice(CHANNEL_CHOICES),
                default="email",
                show_default=True,
                help="How who enters must be contactable.",
            ),
            click.option("--peek", is_flag=True, help="Show who would enter, and take nobody."),
            click.option(
                "--explain",
                is_flag=True,
                help="Show every candidate with the reason, also those too old, and take nobody.",
            ),
            click.option(
                "--lease",
                callback=_duration,
                metavar="DURATION",
                help="Hand out until this much later, as 15m; who is not acknowledged by then is handed out again.",
            ),
            click.option(
                "--post",
                "url",
                help=f"Send each entry to this address, signed with the secret in {SECRET_VARIABLE}.",
            ),
        )
    ):
        command = option(command)
    return command


@click.group(cls=Group)
def node() -> None:
    """Nodes: who enters a flow now."""


@node.command("abandoned-checkout")
@_handing_options
@click.option(
    "--after",
    callback=_plain_or_duration("m"),
    metavar="MINUTES",
    required=True,
    help="How long the checkout was left alone: minutes, or a duration such as 1h.",
)
@click.option(
    "--max-age",
    callback=_duration,
    metavar="DURATION",
    help="No checkout that was left longer ago; if left out, --after and a day.",
)
@click.option(
    "--min-total", callback=_amount, metavar="AMOUNT", help="Least total of the checkout, in the shop's currency."
)
@click.option(
    "--re-entry",
    callback=_plain_or_duration("d"),
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
    **options: t.Any,
) -> None:
    """The Abandoned Checkout node: contacts whose last checkout was left alone, one JSON object a line."""
    rule = EntryRule(after, _longest(after, max_age), channel, min_total, re_entry)
    hand_out(session, "abandoned-checkout", open_checkouts, rule, _way(**options))


@node.command("new-customer")
@_handing_options
@click.option(
    "--after",
    callback=_plain_or_duration("m"),
    metavar="MINUTES",
    default="0",
    help="How long ago an import first saw them: minutes, or a duration such as 1h.",
)
@click.option(
    "--max-age",
    callback=_duration,
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
    **options: t.Any,
) -> None:
    """The New Customer node: contacts that an import has seen for the first time, one JSON object a line."""
    rule = EntryRule(
        after,
        _longest(after, max_age),
        channel,
        account_states=tuple(state.upper() for state in states),
        backfill=backfill,
        reads_checkouts=False,
    )
    hand_out(session, "new-customer", new_customers, rule, _way(**options))


@node.command()
@_flow_option
@click.argument("entry_ids", type=int, nargs=-1, required=True, metavar="ENTRY...")
@click.pass_obj
def ack(session: Session, flow: str, entry_ids: tuple[int, ...]) -> None:
    """Acknowledge entries that were handed out with --lease: they have entered for good."""
    with session.open(write=True) as database:
        before = written.require_entries(database, flow, entry_ids)
        count = written.acknowledge(database, flow, entry_ids, utc_now())
    _tell(flow, "acknowledged", count, before, (State.HANDED_OUT, State.FREE))


@node.command()
@_flow_option
@click.argument("entry_ids", type=int, nargs=-1, required=True, metavar="ENTRY...")
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
