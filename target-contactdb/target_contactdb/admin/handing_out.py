"""Handing out who enters a flow: as JSON Lines, or pushed to a web address; and showing who would."""

from __future__ import annotations

import itertools
import json
import os
import sys
import typing as t
from collections.abc import Callable
from dataclasses import dataclass

import click
import sqlalchemy as sa

from target_contactdb.admin.machine import plain
from target_contactdb.admin.permission import may
from target_contactdb.dialects import loader_for
from target_contactdb.errors import ConfigError, OutputError
from target_contactdb.message.links import is_web_address
from target_contactdb.node import entries as written
from target_contactdb.node import flows
from target_contactdb.node.entrants import entrants
from target_contactdb.node.push import SECRET_VARIABLE, Pusher, PushFailed
from target_contactdb.node.rules import Verdict, channel_of, idempotency_key, read_duration, verdict
from target_contactdb.operations import utc_now
from target_contactdb.output import give_up_output, output_lost

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from target_contactdb.admin.connect import Opened
    from target_contactdb.admin.session import Session
    from target_contactdb.node.entries import Entry
    from target_contactdb.node.rules import Candidate, EntryRule

Finder = Callable[..., "Iterator[Candidate]"]
"""Reads the candidates of a node: database, flow, rule, time, and `everybody`."""

_PUSH_LEASE: t.Final = read_duration("15m")
_UNTAKEN: t.Final = 0


@dataclass(frozen=True, slots=True)
class Way:
    """How a node hands out: what the options shared by all nodes say.

    Attributes:
        flow: The flow.
        limit: How many enter at most.
        peek: Show who would enter, and take nobody.
        explain: Show every candidate with the reason, and take nobody.
        lease: How long a consumer may take to acknowledge; None = who is handed out has entered for good.
        url: Where entries are pushed to; None = they are printed.
        new_flow: The flow may begin though another has nearly the same name.
    """

    flow: str
    limit: int
    peek: bool
    explain: bool
    lease: dt.timedelta | None
    url: str | None
    new_flow: bool


def hand_out(session: Session, node: str, find: Finder, rule: EntryRule, way: Way) -> None:
    """Let contacts enter a flow, and print or push them.

    Args:
        session: Opens the contact database.
        node: The node's name.
        find: Reads its candidates.
        rule: Who enters.
        way: How they are handed out.

    Raises:
        ConfigError: The address or the secret of a push is missing or wrong; nobody has entered.
        ContactDbError: The flow is entered through another node, or is probably another one, misspelt.
        PushFailed: The receiver did not take all.
    """
    if way.explain or way.peek:
        _show(session, node, find, rule, way)
        return
    pusher = _pusher(way)
    lease = way.lease if way.lease is not None else _PUSH_LEASE if pusher is not None else None
    with session.open(write=True) as database:
        now = utc_now()
        new = flows.find_new(database, way.flow)
        if new is None:
            flows.require_node(database, node, way.flow)
        elif not way.new_flow:
            flows.require_meant(new)
        loader_for(database.connection.engine).look_up_by_keys(database.connection)
        ripe = _ripe(database, find, rule, way, now)
        until = now + lease if lease is not None else None
        taken = written.take(database, node, way.flow, rule.channel, ripe, now, leased_until=until)
        lines = [json.dumps(plain(one)) for one in entrants(database, way.flow, rule.channel, taken, now)]
        if new is not None and new.others and taken:
            # Told before they have entered: from then on they are lost unless they are told as well.
            click.echo(new.begun, err=True)
    handed = list(zip(taken, lines, strict=True))
    if pusher is not None:
        _push(session, pusher, rule.channel, way.flow, handed)
    else:
        _print(session, handed)


def _ripe(database: Opened, find: Finder, rule: EntryRule, way: Way, now: dt.datetime) -> list[Candidate]:
    candidates = find(database, way.flow, rule, now, everybody=False)
    ripe = (candidate for candidate in candidates if verdict(candidate, rule, now) is Verdict.ENTERS)
    return list(itertools.islice(ripe, way.limit))


def _show(session: Session, node: str, find: Finder, rule: EntryRule, way: Way) -> None:
    """Show who would enter, or everybody with the reason. Nothing is taken."""
    with session.open() as database:
        now = utc_now()
        flows.require_node(database, node, way.flow)
        new = flows.find_new(database, way.flow)
        if new is not None and new.others and not way.new_flow:
            click.echo(new.unknown, err=True)
        if way.peek:
            ripe = _ripe(database, find, rule, way, now)
            entries = [written.Entry(candidate.entry_id or _UNTAKEN, candidate) for candidate in ripe]
            for one in entrants(database, way.flow, rule.channel, entries, now):
                click.echo(json.dumps(plain({**one, "entry_id": one["entry_id"] or None})))
            return
        entering = 0
        for candidate in find(database, way.flow, rule, now, everybody=True):
            reason = verdict(candidate, rule, now)
            if reason is Verdict.ENTERS:
                entering += 1
                if entering > way.limit:
                    reason = Verdict.NEXT_CALL
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


def _print(session: Session, handed: Sequence[tuple[Entry, str]]) -> None:
    """Print entries; those that nobody could read any more are undone.

    Raises:
        OutputError: Not all of them could be printed.
    """
    out = sys.stdout
    printed = 0
    try:
        for _entry, line in handed:
            out.write(line + "\n")
            # One by one: what is in no buffer any more has been handed out.
            out.flush()
            printed += 1
    except OSError as error:
        back = f"given back, for the next call: {_of(len(handed) - printed, handed)}"
        raise OutputError(f"{output_lost(error)}; {back}") from None
    finally:
        if printed < len(handed):
            give_up_output()
            with session.open(write=True) as database:
                written.take_back(database, [entry for entry, _line in handed[printed:]])


def _pusher(way: Way) -> Pusher | None:
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


def _push(session: Session, pusher: Pusher, channel: str, flow: str, handed: Sequence[tuple[Entry, str]]) -> None:
    """Send entries one by one. One that is taken is acknowledged at once; those that are not are released.

    Who may not be written to any more when the turn comes is not sent. An entry that the receiver refuses does not
    hold up the others; a receiver that cannot take any ends it, and so does one that takes longer than the lease.

    Raises:
        PushFailed: The receiver did not take all. The text says what became of the others.
    """
    failure: PushFailed | None = None
    left = [entry.entry_id for entry, _line in handed]
    for entry, line in handed:
        if entry.leased_until is not None and entry.leased_until <= utc_now():
            # Whoever asks next gets these: they are not ours to release.
            said = failure or "option --post: the receiver takes longer than the lease"
            raise PushFailed(f"{said}; what is left comes again: {_of(len(left), handed)}", refused=False)
        if not _may_still(session, entry.candidate, channel):
            continue
        try:
            pusher.push(idempotency_key(flow, entry.candidate), line.encode())
        except PushFailed as problem:
            failure = problem
            if not problem.refused:
                break
            continue
        left.remove(entry.entry_id)
        with session.open(write=True) as database:
            written.acknowledge(database, flow, [entry.entry_id], utc_now())
        click.echo(json.dumps({"flow": flow, "entry_id": entry.entry_id, "posted": True}))
    given_back = 0
    if left:
        with session.open(write=True) as database:
            given_back = written.release(database, flow, left)
    if failure is not None:
        said = f"{failure}; given back, for the next call to try again: {_of(given_back, handed)}"
        raise PushFailed(said, refused=failure.refused)


def _of(some: int, handed: Sequence[t.Any]) -> str:
    return f"{some:,} of {len(handed):,} entr{'y' if len(handed) == 1 else 'ies'}"


def _may_still(session: Session, candidate: Candidate, channel: str) -> bool:
    """Ask again, just before a send, whether a contact may be written to about what it entered with."""
    with session.open() as database:
        contacts = database.contacts
        one = sa.select(contacts).where(contacts.c.contact_id == candidate.contact_id)
        contact = database.connection.execute(one).mappings().one_or_none()
        if contact is None:
            return False
        return may(database, dict(contact), channel_of(candidate, channel), candidate.checkout_id).may
