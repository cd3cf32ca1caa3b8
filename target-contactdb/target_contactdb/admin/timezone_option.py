"""The option `--timezone`, which goes with every condition on the command line."""

from __future__ import annotations

import typing as t

import click
from click.core import ParameterSource

from target_contactdb.conditions.times import read_zone

if t.TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def _zone(_context: click.Context, _parameter: click.Parameter, name: str) -> ZoneInfo:
    return read_zone(name, "timezone")


timezone_option: t.Final = click.option(
    "--timezone",
    envvar="TARGET_CONTACTDB_TIMEZONE",
    show_envvar=True,
    default="UTC",
    callback=_zone,
    help="The shop's time zone: a date of --where begins at midnight there.",
)


def refuse_lone_timezone(where: str | None) -> None:
    """Refuse a time zone without a condition. One that the environment sets for every command is no mistake.

    Raises:
        click.UsageError: `--timezone` was given with the command, and no `--where`.
    """
    given = click.get_current_context().get_parameter_source("timezone") is ParameterSource.COMMANDLINE
    if where is None and given:
        raise click.UsageError("--timezone goes with --where; a saved segment keeps the zone that it was saved with")
