"""`contactdb node`: who enters a flow now, as JSON Lines."""

from __future__ import annotations

import itertools
import json
import os
import sys
import typing as t
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import click

from target_contactdb.admin.machine import plain
from target_contactdb.errors import ConfigError
from target_contactdb.message.links import is_web_address
from target_contactdb.node import candidates as found
from target_contactdb.node import entries as written
from target_contactdb.node.entrants import entrants
from target_contactdb.node.push import SECRET_VARIABLE, Pusher, PushFailed
from target_contactdb.node.rules import CHANNEL_CHOICES, EntryRule, Verdict, read_duration, verdict
from target_contactdb.operations import utc_now

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from target_contactdb.admin.connect import Opened
    from target_contactdb.admin.session import Session
    from target_contactdb.node.entries import Entry
    from target_contactdb.node.rules import Candidate

_Command = t.TypeVar("_Command", bound=Callable[..., t.Any])
_Finder = Callable[..., "Iterator[Candidate]"]
_PUSH_LEASE = read_duration("15m")
_UNTAKEN = 0


def _duration(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> dt.timedelta | None:
    try:
        return read_duration(value) if value is not None else None
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}") from None


def _amount(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Decimal | None:
    try:
        amount = Decimal(value) if value is not None else None
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount is not None and not amount.is_finite():
        raise click.BadParameter(f"{value!r} is not an amount")
    return amount


@dataclass(frozen=True, slots=True)
class _Way:
    """How a node hands out: what the options shared by all nodes say."""

    flow: str
    limit: int
    peek: bool
    explain: bool
    lease: dt.timedelta | None
    url: str | None


def _handing_options(command: _Command) -> _Command:
    for option in reversed(
        (
            click.option("--flow", required=True, help="Name of the flow; a contact enters it once per checkout."),
            click.option(
                "--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="How many at most."
            ),
            click.option(
                "--channel",
                type=click.Choice(CHANNEL_CHOICES),
                default="email",
                show_default=True,
                help="How who enters must be contactable.",
            ),
            click.option("--peek", is_flag=True, help="Show who would enter, and take nobody."),
            click.option("--explain", is_flag=True, help="Show every candidate with the reason, and take nobody."),
            click.option(
                "--lease",
                callback=_duration,
                metavar="DURATION",
                help="Hand out until this much later; who is not acknowledged by then is handed out again.",
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


@click.group()
def node() -> None:
    """Nodes: who enters a flow now."""


@node.command("abandoned-checkout")
@_handing_options
@click.option(
    "--after", "minutes", type=click.IntRange(min=0), required=True, help="Minutes that the checkout was left alone."
)
@click.option(
    "--max-age",
    callback=_duration,
    metavar="DURATION",
    help="No checkout that was left longer ago; if left out, --after and a day.",
)
@click.option("--min-total", callback=_amount, metavar="AMOUNT", help="Least total of the checkout.")
@click.option(
    "--re-entry",
    "days",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Days after which the same contact may enter with a newer checkout.",
)
@click.pass_obj
def abandoned_checkout(
    session: Session,
    /,
    minutes: int,
    max_age: dt.timedelta | None,
    min_total: Decimal | None,
    days: int,
    channel: str,
    **options: t.Any,
) -> None:
    """The Abandoned Checkout node: contacts whose last checkout was left alone, one JSON object a line."""
    after = read_duration(f"{minutes}m")
    longest = max_age if max_age is not None else after + read_duration("1d")
    if longest <= after:
        raise click.UsageError("--max-age has to be longer than --after, or nobody can ever enter")
    rule = EntryRule(after, longest, channel, min_total, read_duration(f"{days}d"))
    _hand_out(session, "abandoned-checkout", found.open_checkouts, rule, _Way(**options))


@node.command("new-customer")
@_handing_options
@click.option(
    "--after", "minutes", type=click.IntRange(min=0), default=0, help="Minutes since an import first saw them."
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
    minutes: int,
    max_age: dt.timedelta | None,
    states: tuple[str, ...],
    backfill: bool,
    channel: str,
    **options: t.Any,
) -> None:
    """The New Customer node: contacts that an import has seen for the first time, one JSON object a line."""
    after = read_duration(f"{minutes}m")
    longest = max_age if max_age is not None else after + read_duration("1d")
    if longest <= after:
        raise click.UsageError("--max-age has to be longer than --after, or nobody can ever enter")
    rule = EntryRule(after, longest, channel, account_states=states, backfill=backfill, reads_checkouts=False)
    _hand_out(session, "new-customer", found.new_customers, rule, _Way(**options))


@node.command()
@click.option("--flow", required=True, help="The flow.")
@click.argument("entry_ids", type=int, nargs=-1, required=True, metavar="ENTRY...")
@click.pass_obj
def ack(session: Session, flow: str, entry_ids: tuple[int, ...]) -> None:
    """Acknowledge entries that were handed out with --lease: they have entered for good."""
    with session.open(write=True) as database:
        count = written.acknowledge(database, flow, entry_ids, utc_now())
    click.echo(json.dumps({"flow": flow, "acknowledged": count}))


@node.command()
@click.option("--flow", required=True, help="The flow.")
@click.argument("entry_ids", type=int, nargs=-1, required=True, metavar="ENTRY...")
@click.pass_obj
def release(session: Session, flow: str, entry_ids: tuple[int, ...]) -> None:
    """Give entries back that were handed out with --lease: they are handed out again."""
    with session.open(write=True) as database:
        count = written.release(database, flow, entry_ids)
    click.echo(json.dumps({"flow": flow, "released": count}))


def _hand_out(session: Session, name: str, find: _Finder, rule: EntryRule, way: _Way) -> None:
    if way.explain or way.peek:
        _show(session, name, find, rule, way)
        return
    pusher = _pusher(way)
    lease = way.lease if way.lease is not None else _PUSH_LEASE if pusher is not None else None
    with session.open(write=True) as database:
        now = utc_now()
        written.require_node(database, name, way.flow)
        ripe = _ripe(database, find, rule, way, now)
        until = now + lease if lease is not None else None
        taken = written.take(database, name, way.flow, rule.channel, ripe, now, leased_until=until)
        lines = [json.dumps(plain(one)) for one in entrants(database, way.flow, taken, now)]
    if pusher is not None:
        _push(session, pusher, way, list(zip(taken, lines, strict=True)))
    else:
        _print(session, list(zip(taken, lines, strict=True)))


def _ripe(database: Opened, find: _Finder, rule: EntryRule, way: _Way, now: dt.datetime) -> list[Candidate]:
    candidates = find(database, way.flow, rule, now, also_entered=False)
    ripe = (candidate for candidate in candidates if verdict(candidate, rule, now) is Verdict.ENTERS)
    return list(itertools.islice(ripe, way.limit))


def _show(session: Session, name: str, find: _Finder, rule: EntryRule, way: _Way) -> None:
    """Show who would enter, or everybody with the reason. Nothing is taken."""
    with session.open() as database:
        now = utc_now()
        written.require_node(database, name, way.flow)
        if way.peek:
            ripe = _ripe(database, find, rule, way, now)
            entries = [written.Entry(candidate.entry_id or _UNTAKEN, candidate) for candidate in ripe]
            for one in entrants(database, way.flow, entries, now):
                click.echo(json.dumps(plain({**one, "entry_id": one["entry_id"] or None})))
            return
        for candidate in find(database, way.flow, rule, now, also_entered=True):
            reason = verdict(candidate, rule, now)
            told = {
                "contact_id": candidate.contact_id,
                "shop": candidate.shop,
                "checkout_id": candidate.checkout_id,
                "since": candidate.since,
                "enters": reason is Verdict.ENTERS,
                "reason": reason.value,
                "not_before": candidate.since + rule.after,
                "read_through": candidate.read_through,
            }
            click.echo(json.dumps(plain(told)))


def _print(session: Session, handed: list[tuple[Entry, str]]) -> None:
    """Print entries; those that nobody could read any more are undone."""
    out = sys.stdout
    printed = 0
    try:
        for _entry, line in handed:
            out.write(line + "\n")
            out.flush()
            printed += 1
    except BrokenPipeError:
        with session.open(write=True) as database:
            written.take_back(database, [entry.entry_id for entry, _line in handed[printed:]])
        raise


def _pusher(way: _Way) -> Pusher | None:
    if way.url is None:
        return None
    secret = os.environ.get(SECRET_VARIABLE)
    problems = []
    if not is_web_address(way.url):
        problems.append("option --post: it is not a web address")
    if not secret:
        problems.append(f"option --post: set the environment variable {SECRET_VARIABLE} to sign with")
    if problems or secret is None:
        raise ConfigError(problems)
    return Pusher(way.url, secret, utc_now)


def _push(session: Session, pusher: Pusher, way: _Way, handed: list[tuple[Entry, str]]) -> None:
    """Send entries one by one. One that is taken is acknowledged at once; those that are not are released.

    An entry that the receiver refuses does not hold up the others; a receiver that cannot take any ends it.

    Raises:
        PushFailed: The receiver did not take all.
    """
    failure: PushFailed | None = None
    left = [entry.entry_id for entry, _line in handed]
    for entry, line in handed:
        try:
            pusher.push(f"{way.flow}/{entry.entry_id}", line.encode())
        except PushFailed as problem:
            failure = problem
            if not problem.refused:
                break
            continue
        left.remove(entry.entry_id)
        with session.open(write=True) as database:
            written.acknowledge(database, way.flow, [entry.entry_id], utc_now())
        click.echo(json.dumps({"flow": way.flow, "entry_id": entry.entry_id, "posted": True}))
    if failure is not None:
        with session.open(write=True) as database:
            written.release(database, way.flow, left)
        raise failure
