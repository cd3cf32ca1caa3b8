"""`contactdb message`: the One to one message as files."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import click

from target_contactdb.admin import cards
from target_contactdb.admin.messages import Refused, message_parts
from target_contactdb.errors import ConfigError, ContactDbError
from target_contactdb.message import sample
from target_contactdb.message.files import Form, write_files
from target_contactdb.operations import utc_now

if t.TYPE_CHECKING:
    from target_contactdb.admin.session import Session
    from target_contactdb.message.model import Cart, Recipient
    from target_contactdb.message.settings import MessageSettings

REFUSED: t.Final = 1
"""Exit code when the contact may not be written to."""


@click.command()
@click.argument("key", required=False)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder that the files go to."
)
@click.option(
    "--format",
    "forms",
    type=click.Choice([form.value for form in Form]),
    multiple=True,
    help="What to write; can be given again. All three if left out.",
)
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="CONTACTDB_MESSAGE_SETTINGS",
    show_envvar=True,
    help="TOML file that says who sends.",
)
@click.option(
    "--templates",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of your own templates; those that it lacks are the built-in ones.",
)
@click.option("--locale", help="What to write in, such as pt-BR; the contact's own if left out.")
@click.option("--preview", is_flag=True, help="Not to be sent: consent is not asked, and settings may be missing.")
@click.option("--sample", "made_up", is_flag=True, help="With --preview: made-up data in place of a contact.")
@click.pass_obj
def message(
    session: Session,
    key: str | None,
    out: Path,
    forms: tuple[str, ...],
    settings_file: Path | None,
    templates: Path | None,
    locale: str | None,
    preview: bool,
    made_up: bool,
) -> None:
    """Write the One to one message: the contact's last abandoned checkout, as an e-mail.

    Exit code 0: written; the files are named on standard output. 1: the contact may not be written to, and why.
    """
    # What draws messages takes longer to load than all other commands together, and need not be installed.
    try:
        from target_contactdb.message.render import ONE_CLICK, render_message
        from target_contactdb.message.settings import SECRET_VARIABLE
    except ModuleNotFoundError as error:
        problem = f"messages need the Python package `{error.name}`; install `target-contactdb[message]`"
        raise ConfigError([problem]) from None

    _check(key, locale, templates, preview=preview, made_up=made_up)
    settings = _settings(settings_file, preview=preview)
    try:
        recipient, cart = _parts(session, key, preview=preview)
    except Refused as refusal:
        click.echo(f"Error: {refusal}", err=True)
        click.get_current_context().exit(REFUSED)
    written = render_message(
        recipient,
        cart,
        settings,
        secret=os.environ.get(SECRET_VARIABLE),
        locale=locale,
        templates=templates,
        preview=preview,
    )
    name = f"{'preview' if preview else 'message'}-{recipient.contact_id}-{cart.checkout_id}"
    try:
        files = write_files(written, out, name, [Form(form) for form in forms] or list(Form), utc_now())
    except OSError as error:
        msg = f"option --out: the folder cannot be written: {error.strerror}"
        raise ContactDbError(msg) from None
    for path in files:
        click.echo(path)
    if not preview and ONE_CLICK not in written.headers:
        told = "`unsubscribe.url` is no https address, so mail programs offer no one-click unsubscription"
        click.echo(f"Warning: setting {told}", err=True)


def _check(key: str | None, locale: str | None, templates: Path | None, *, preview: bool, made_up: bool) -> None:
    from target_contactdb.message.folders import problems_of
    from target_contactdb.message.locales import known_locale

    if made_up and not preview:
        raise click.UsageError("--sample goes with --preview")
    if (key is None) is not made_up:
        raise click.UsageError("give either the KEY of a contact, or --preview --sample")
    if locale is not None and known_locale(locale) is None:
        raise click.UsageError("option --locale: there is no such locale")
    problems = problems_of(templates) if templates is not None else []
    if problems:
        raise ConfigError([f"option --templates: {problem}" for problem in problems])


def _settings(file: Path | None, *, preview: bool) -> MessageSettings:
    from target_contactdb.message.settings import PLACEHOLDERS, read_message_settings

    if file is not None:
        return read_message_settings(file)
    if preview:
        return PLACEHOLDERS
    problem = "a message needs --settings, a file that says who sends it; --preview goes without"
    raise ConfigError([problem])


def _parts(session: Session, key: str | None, *, preview: bool) -> tuple[Recipient, Cart]:
    if key is None:
        return sample.RECIPIENT, sample.CART
    with session.open() as database:
        return message_parts(database, cards.find_contact(database, key), preview=preview)
