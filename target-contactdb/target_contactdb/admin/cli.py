"""`contactdb`: look at a contact database, and tell it what a person said."""

from __future__ import annotations

import typing as t

import click

from target_contactdb.admin import activities, acts, cards, explain, permission, render, render_card
from target_contactdb.admin.data_commands import accept, erase, export, fields
from target_contactdb.admin.key_commands import keys
from target_contactdb.admin.message_command import message
from target_contactdb.admin.node_command import node
from target_contactdb.admin.playback import rejected_lines
from target_contactdb.admin.segment_command import segment
from target_contactdb.admin.session import NO, Group, Session, format_option
from target_contactdb.admin.whole_number import WholeNumber
from target_contactdb.causes import PERSON
from target_contactdb.consent_values import Status
from target_contactdb.fields import to_datetime
from target_contactdb.operations import utc_now
from target_contactdb.output import require_output
from target_contactdb.tables import CHANNELS

if t.TYPE_CHECKING:
    import datetime as dt
_channel_option = click.option("--channel", type=click.Choice(CHANNELS), required=True, help="Which channel.")


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--sqlalchemy-url",
    envvar="TARGET_CONTACTDB_SQLALCHEMY_URL",
    show_envvar=True,
    help="URL of the contact database.",
)
@click.option(
    "--schema",
    envvar="TARGET_CONTACTDB_DEFAULT_TARGET_SCHEMA",
    show_envvar=True,
    help="PostgreSQL schema of its tables.",
)
@format_option
@click.version_option(package_name="target-contactdb")
@click.pass_context
def main(ctx: click.Context, sqlalchemy_url: str | None, schema: str | None) -> None:
    """Look at a contact database, and tell it what a person said.

    KEY is a contact's user code, its e-mail address or phone number, its contact id as '#12', or the number of
    one of its customers in Shopify.
    """
    require_output()
    ctx.obj = Session(sqlalchemy_url, schema)


@main.command()
@format_option
@click.pass_obj
def status(session: Session) -> None:
    """Synchronization Status: the newest import of each kind and shop, and what the database holds."""
    with session.open() as database:
        answer = activities.synchronization_status(database)
    session.show(answer, render.show_status)


@main.command()
@click.option("--operation", "operation_id", type=WholeNumber(), help="All about this operation.")
@click.option(
    "--rejected",
    is_flag=True,
    help="List what is still rejected, with the reasons; with --operation, all that it rejected.",
)
@click.option("--export", "as_messages", is_flag=True, help="With --rejected: as Singer messages, to be played back.")
@click.option("--limit", type=WholeNumber(), default=20, show_default=True, help="How many rows at most.")
@format_option
@click.pass_obj
def log(session: Session, operation_id: int | None, rejected: bool, as_messages: bool, limit: int) -> None:
    """Log Activities: all imports, newest first, with what came of their records."""
    if as_messages and not rejected:
        raise click.UsageError("--export goes with --rejected")
    with session.open() as database:
        if operation_id is not None:
            activities.require_operation(database, operation_id)
        if as_messages:
            for line in rejected_lines(database, operation_id):
                click.echo(line)
            return
        if rejected:
            records = activities.rejected_records(database, limit, operation_id)
        elif operation_id is not None:
            details = activities.operation_details(database, operation_id, limit)
        else:
            operations = activities.activities(database, limit)
    if rejected:
        session.show({"records": records}, lambda console, _: render.show_rejected(console, records))
    elif operation_id is not None:
        session.show(details, render.show_operation)
    else:
        session.show({"operations": operations}, lambda console, _: render.show_log(console, operations))


@main.command()
@click.argument("key")
@format_option
@click.pass_obj
def contact(session: Session, key: str) -> None:
    """The contact card: fields, channels, history, sources, and the last abandoned checkout."""
    with session.open() as database:
        answer = cards.contact_card(database, cards.find_contact(database, key))
    session.show(answer, render_card.show_card)


@main.command()
@click.argument("key")
@format_option
@click.pass_obj
def why(session: Session, key: str) -> None:
    """Why a contact may or may not be written to, and what would change that."""
    with session.open() as database:
        answer = explain.explain(database, cards.find_contact(database, key))
    session.show(answer, render_card.show_explanation)


@main.command()
@click.argument("key")
@_channel_option
@click.option(
    "--checkout", "checkout_id", type=WholeNumber(), help="Also ask whether this checkout is still the last one."
)
@format_option
@click.pass_obj
def may(session: Session, key: str, channel: str, checkout_id: int | None) -> None:
    """Whether a contact may be written to now: exit code 0 for yes, 1 for no.

    Made to be asked again just before a message is sent. 2: there is no such contact, or none any more, or the question
    is wrong. 3: the database could not be reached; ask again later. Only 0 is a yes.
    """
    with session.open() as database:
        answer = permission.may(database, cards.find_contact(database, key), channel, checkout_id)
    session.show(answer, render_card.show_answer)
    click.get_current_context().exit(0 if answer.may else NO)


def _moment(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> dt.datetime | None:
    try:
        return to_datetime(value) if value is not None else None
    except ValueError as error:
        raise click.BadParameter(f"the time {error} such as 2026-10-01 or 2026-10-01T09:30+02:00") from None


_at_option = click.option(
    "--at", "told_at", callback=_moment, metavar="TIME", help="When the person said so, ISO 8601, UTC; now if left out."
)


def _cause(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise click.BadParameter(f"a cause is text; without the option it is `{PERSON}`")
    return value


@main.command()
@click.argument("key")
@_channel_option
@_at_option
@click.option("--cause", callback=_cause, help=f"Unsubscription cause; `{PERSON}` if left out.")
@format_option
@click.pass_obj
def unsubscribe(session: Session, key: str, channel: str, told_at: dt.datetime | None, cause: str | None) -> None:
    """Write that a person does not want to be written to: the address is closed for everybody who holds it."""
    _tell(session, key, acts.Act(Status.UNSUBSCRIBED, channel, told_at, cause))


@main.command()
@click.argument("key")
@_channel_option
@_at_option
@format_option
@click.pass_obj
def subscribe(session: Session, key: str, channel: str, told_at: dt.datetime | None) -> None:
    """Write that a person said yes, told to you and not to the shop."""
    _tell(session, key, acts.Act(Status.SUBSCRIBED, channel, told_at))


def _tell(session: Session, key: str, act: acts.Act) -> None:
    with session.open(write=True) as database:
        told = acts.tell_database(database, key, act, utc_now())
    session.show(told, render_card.show_told)


for command in (keys, fields, accept, erase, export):
    main.add_command(command)
main.add_command(message)
main.add_command(node)
main.add_command(segment)
