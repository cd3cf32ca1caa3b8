"""The options of `contactdb node`, and what they come to together."""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

import click

from target_contactdb.admin import segments
from target_contactdb.admin.handing_out import Way
from target_contactdb.admin.timezone_option import refuse_lone_timezone, timezone_option
from target_contactdb.admin.whole_number import WholeNumber
from target_contactdb.conditions.tree import InSegment, all_of
from target_contactdb.node.push import SECRET_VARIABLE
from target_contactdb.node.rules import CHANNEL_CHOICES, UNITS, read_duration

if t.TYPE_CHECKING:
    import datetime as dt

    from target_contactdb.conditions.tree import Condition

_Command = t.TypeVar("_Command", bound=Callable[..., t.Any])

_LONGEST_NAME: t.Final = 255


def duration(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> dt.timedelta | None:
    """Read a duration such as 15m.

    Raises:
        click.BadParameter: It is none.
    """
    try:
        return read_duration(value) if value is not None else None
    except ValueError as error:
        raise click.BadParameter(f"{value!r} {error}") from None


def plain_or_duration(unit: str) -> Callable[[click.Context, click.Parameter, str], dt.timedelta]:
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


flow_option = click.option("--flow", required=True, callback=_flow_name, help="The flow.")


def way_of(*, peek: bool, explain: bool, lease: dt.timedelta | None, url: str | None, **others: t.Any) -> Way:
    """Return how to hand out; the arguments are the attributes of `Way`.

    Raises:
        click.UsageError: Options contradict each other.
    """
    looking = [name for name, given in (("--peek", peek), ("--explain", explain)) if given]
    taking = [name for name, given in (("--lease", lease is not None), ("--post", url is not None)) if given]
    if looking and len(looking + taking) > 1:
        raise click.UsageError(f"{' and '.join((looking + taking)[:2])} do not go together")
    return Way(peek=peek, explain=explain, lease=lease, url=url, **others)


def who_is_meant(segment: str | None, where: str | None) -> Condition | None:
    """Return what has to hold for a contact; None = nothing.

    Args:
        segment: Name of a saved segment.
        where: A condition as text; beside a segment both have to hold.

    Raises:
        ConfigError: The condition cannot be read.
        click.UsageError: There is a time zone and no condition of its own.
    """
    refuse_lone_timezone(where)
    parts: list[Condition] = [] if segment is None else [InSegment(segment, "option --segment")]
    if where is not None:
        parts.append(segments.read(where, "--where"))
    return all_of(parts) if parts else None


def longest(after: dt.timedelta, max_age: dt.timedelta | None) -> dt.timedelta:
    """Return who is too old: what `--max-age` says, else a day more than `--after`.

    Raises:
        click.UsageError: Nobody could ever enter.
    """
    longest = max_age if max_age is not None else after + read_duration("1d")
    if longest <= after:
        raise click.UsageError("--max-age has to be longer than --after, or nobody can ever enter")
    return longest


def read_amount(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Decimal | None:
    """Read an amount of money.

    Raises:
        click.BadParameter: It is none.
    """
    try:
        amount = Decimal(value) if value is not None else None
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount is not None and not amount.is_finite():
        raise click.BadParameter(f"{value!r} is not an amount")
    return amount


def handing_options(command: _Command) -> _Command:
    """Add to a node the options that all nodes have."""
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
                "--limit",
                type=WholeNumber(),
                default=1000,
                show_default=True,
                help="How many enter at most.",
            ),
            click.option(
                "--channel",
                type=click.Choice(CHANNEL_CHOICES),
                default="email",
                show_default=True,
                help="How who enters must be contactable.",
            ),
            click.option("--segment", metavar="NAME", help="Only who is in this saved segment now."),
            click.option(
                "--where", metavar="CONDITION", help="Only whom this condition means, as in `contactdb segment`."
            ),
            timezone_option,
            click.option("--peek", is_flag=True, help="Show who would enter, and take nobody."),
            click.option(
                "--explain",
                is_flag=True,
                help="Show every candidate with the reason, also those too old, and take nobody.",
            ),
            click.option(
                "--lease",
                callback=duration,
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
