"""What every command shares: opening the database, answering in a format, and errors in one line."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass

import click
from typing_extensions import override

from target_contactdb.admin import render
from target_contactdb.admin.connect import Opened, opened
from target_contactdb.admin.machine import to_json
from target_contactdb.conditions.words import near
from target_contactdb.errors import ContactDbError, DatabaseUnavailable
from target_contactdb.output import output_lost

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

_Command = t.TypeVar("_Command", bound="Callable[..., t.Any]")

NO: t.Final = 1
"""Exit code of a question whose answer is no."""

WRONG: t.Final = 2
"""Exit code of a command that could not do what was asked."""

UNAVAILABLE: t.Final = 3
"""Exit code of a command that could not reach the database: the same may be asked again later."""

_FORMAT: t.Final = "target_contactdb.format"


class Problem(click.ClickException):
    """An error as a command shows it: one line, exit code 2."""

    exit_code = WRONG


class Unavailable(Problem):
    """The same where the database could not be asked: exit code 3."""

    exit_code = UNAVAILABLE


@contextlib.contextmanager
def _told_in_one_line() -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise Problem(error.format_message()) from None
    except DatabaseUnavailable as error:
        raise Unavailable(str(error)) from None
    except ContactDbError as error:
        raise Problem(str(error)) from None
    except BrokenPipeError as error:
        # Whoever reads has enough, as `head` does: nothing to tell, but no exit code that a question answers with.
        output_lost(error)
        raise click.exceptions.Exit(WRONG) from None
    except OSError as error:
        # What a command reads and writes itself has a name.
        if error.filename is not None:
            raise
        raise Problem(str(output_lost(error))) from None


class Group(click.Group):
    """A command group: an error of ours, and of whoever typed the command, is shown as one line."""

    @override
    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: t.Any
    ) -> click.Context:
        with _told_in_one_line():
            return super().make_context(info_name, args, parent, **extra)

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            known = self.list_commands(ctx)
            meant = near(name, known)
            hint = f"did you mean `{meant}`?" if meant is not None else f"there are {', '.join(known)}"
            raise Problem(f"there is no command of this name; {hint}")
        return super().resolve_command(ctx, args)

    @override
    def invoke(self, ctx: click.Context) -> t.Any:
        with _told_in_one_line():
            return super().invoke(ctx)


@dataclass(slots=True)
class Session:
    """What the options before the command's name say."""

    url: str | None
    schema: str | None

    def open(self, *, write: bool = False, tables: bool = False) -> contextlib.AbstractContextManager[Opened]:
        """Open the contact database.

        Args:
            write: Whether the command may write.
            tables: Whether it may change tables as well.
        """
        return opened(self.url, self.schema, write=write or tables, tables=tables)

    def is_json(self, *, default: bool = False) -> bool:
        """Tell whether JSON was asked for.

        Args:
            default: What holds where no format was asked for.
        """
        chosen = click.get_current_context().meta.get(_FORMAT)
        return default if chosen is None else bool(chosen == "json")

    def show(self, answer: t.Any, render_answer: Callable[[Console, t.Any], None], *, as_json: bool = False) -> None:
        """Print an answer in the format that was asked for.

        Args:
            answer: The answer.
            render_answer: Prints it for people.
            as_json: Whether JSON is the format where none was asked for.
        """
        if self.is_json(default=as_json):
            click.echo(to_json(answer))
        else:
            render_answer(render.new_console(), answer)


def _set_format(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    # `meta` is one dictionary for the group and its command, and the command's options are read last.
    if value is not None:
        ctx.meta[_FORMAT] = value


def format_option(command: _Command) -> _Command:
    """Add `--format` to a command."""
    return click.option(
        "--format",
        type=click.Choice(["table", "json"]),
        callback=_set_format,
        expose_value=False,
        help="How to answer: a table for people (default), or JSON.",
    )(command)
