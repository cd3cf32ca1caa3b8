"""The file that says who sends a message, and what its links carry."""

from __future__ import annotations

import tomllib
import typing as t
from dataclasses import dataclass, field

from target_contactdb.conditions.words import near, nearest
from target_contactdb.errors import ConfigError
from target_contactdb.message.folders import problems_of
from target_contactdb.message.links import LONGEST, NotALink, ascii_link, problems_of_places
from target_contactdb.message.locales import known_locale
from target_contactdb.message.mailboxes import NotAnAddress, deliverable
from target_contactdb.message.plain import has_controls, one_line, without_controls

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECRET_VARIABLE: t.Final = "CONTACTDB_UNSUBSCRIBE_SECRET"  # noqa: S105 - its name
"""Environment variable with the secret that unsubscribe links are signed with."""

_KEYS: t.Final[dict[str, tuple[str, ...]]] = {
    "sender": ("name", "email", "reply_to", "postal_address"),
    "unsubscribe": ("url", "mailto"),
    "shop": ("name", "url"),
    "message": ("templates", "locale"),
}
_NEEDED: t.Final = (("sender", "name"), ("sender", "email"), ("sender", "postal_address"), ("unsubscribe", "url"))
_FREE: t.Final = "campaign"
_TABLES: t.Final = (*_KEYS, _FREE)
_ADDRESSES: t.Final = (("sender", "email"), ("sender", "reply_to"), ("unsubscribe", "mailto"))
_LINKS: t.Final = (("unsubscribe", "url"), ("shop", "url"))
_SEVERAL_LINES: t.Final = ("sender", "postal_address")

_Place = tuple[str, str]
_Said = dict[_Place, str]
"""Settings that are texts, by table and key."""


@dataclass(frozen=True, slots=True)
class MessageSettings:
    """Who sends, and what links carry.

    Attributes:
        sender_name: As it is shown in the inbox.
        sender_email: Address that the message comes from, as `mailboxes.deliverable` writes it; so are the others.
        reply_to: Where answers go; None = to the sender.
        postal_address: The sender's postal address, which the law asks for in many countries; one line or several.
        unsubscribe_url: Web address with places for the contact, see `links.UNSUBSCRIBE_PLACES`.
        unsubscribe_mailto: Address that takes unsubscriptions by e-mail; None = none.
        shop_name: Name of the shop in the text; None = the sender's name.
        shop_url: The shop's front page; None = unknown.
        templates: Folder of templates that go before the built-in ones; None = none.
        locale: For contacts whose own locale is not known; and what words directly in `templates` are written in.
        campaign: Parameters that are added to every link into the shop, such as `utm_source`.
    """

    sender_name: str
    sender_email: str
    postal_address: str
    unsubscribe_url: str
    reply_to: str | None = None
    unsubscribe_mailto: str | None = None
    shop_name: str | None = None
    shop_url: str | None = None
    templates: Path | None = None
    locale: str = "en"
    campaign: Mapping[str, str] = field(default_factory=dict)


PLACEHOLDERS: t.Final = MessageSettings(
    sender_name="Sender's name",
    sender_email="sender@example.com",
    postal_address="Sender's postal address",
    unsubscribe_url="https://example.com/unsubscribe?contact={contact_id}",
    campaign={"utm_source": "contactdb", "utm_medium": "email", "utm_campaign": "abandoned-checkout"},
)
"""Stands in for a file where a message is only looked at."""


def read_message_settings(path: Path) -> MessageSettings:
    """Read the file.

    Args:
        path: A TOML file with the tables `sender`, `unsubscribe`, `shop`, `message` and `campaign`.

    Raises:
        ConfigError: It cannot be read, or says something wrong; every problem is named.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"option --settings: the file cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"option --settings: the file is not TOML: {error}"]) from None
    problems = [problem for name, table in tables.items() for problem in _problems_of_table(name, table)]
    texts = _texts(tables)
    said = {place: value.strip() for place, value in texts.items()}
    misspelt = {near(name, _TABLES) for name in tables if name not in _TABLES} - {*tables}
    needed = [place for place in _NEEDED if place[0] not in misspelt and not _is_wrong(tables, place)]
    missing = [place for place in needed if not said.get(place)]
    problems += [_problem(place, "is missing or blank") for place in missing]
    problems += _problems_of_lines(texts)
    problems += _problems_of_values(said, path.parent)
    if problems:
        raise ConfigError(problems)
    templates = said.get(("message", "templates"))
    addresses = {place: deliverable(said[place]) for place in _ADDRESSES if said.get(place)}
    shop_url = said.get(("shop", "url"))
    return MessageSettings(
        sender_name=one_line(said["sender", "name"]),
        sender_email=addresses["sender", "email"],
        postal_address="\n".join(filter(None, map(one_line, said[_SEVERAL_LINES].splitlines()))),
        unsubscribe_url=said["unsubscribe", "url"],
        reply_to=addresses.get(("sender", "reply_to")),
        unsubscribe_mailto=addresses.get(("unsubscribe", "mailto")),
        shop_name=said.get(("shop", "name")) or None,
        shop_url=ascii_link(shop_url) if shop_url else None,
        templates=path.parent / templates if templates else None,
        locale=said.get(("message", "locale")) or "en",
        campaign=tables.get(_FREE, {}),
    )


def _problem(place: _Place, what: str) -> str:
    return f"message settings: `{'.'.join(place)}` {what}"


def _is_wrong(tables: Mapping[str, t.Any], place: _Place) -> bool:
    """Tell whether a setting is there and no text, which is told already."""
    table = tables.get(place[0], {})
    return not isinstance(table, dict) or not isinstance(table.get(place[1], ""), str)


def _problems_of_table(name: str, table: t.Any) -> list[str]:
    if name not in _TABLES:
        return [f"message settings: there is no table `{name}`{nearest(name, _TABLES)}"]
    if not isinstance(table, dict):
        return [f"message settings: `{name}` is a table"]
    problems = [
        f"message settings: there is no `{name}.{key}`{nearest(key, _KEYS[name])}"
        for key in table
        if name != _FREE and key not in _KEYS[name]
    ]
    return problems + [_problem((name, key), "is a text") for key, value in table.items() if not isinstance(value, str)]


def _texts(tables: Mapping[str, t.Any]) -> _Said:
    return {
        (name, key): value
        for name, table in tables.items()
        if isinstance(table, dict)
        for key, value in table.items()
        if isinstance(value, str)
    }


def _problems_of_lines(texts: _Said) -> list[str]:
    """Every text is one line, but the postal address. Addresses and links tell it in words of their own."""
    problems = []
    for place, value in texts.items():
        if place == _SEVERAL_LINES:
            if value != without_controls(value):
                problems.append(_problem(place, "has a control character in it"))
        elif place not in {*_ADDRESSES, *_LINKS} and has_controls(value):
            problems.append(_problem(place, "has a line break or a control character in it"))
    return problems


def _problems_of_values(said: _Said, beside: Path) -> list[str]:
    problems = []
    for place in _ADDRESSES:
        try:
            deliverable(said.get(place) or "nobody@example.com")
        except NotAnAddress as reason:
            problems.append(_problem(place, f"is not an e-mail address: {reason}"))
    for place in _LINKS:
        problems += [_problem(place, what) for what in _problems_of_link(said.get(place))]
    if said.get(_LINKS[0]):
        problems += [_problem(_LINKS[0], what) for what in problems_of_places(said[_LINKS[0]])]
    code, templates = said.get(("message", "locale")), said.get(("message", "templates"))
    if code and known_locale(code) is None:
        problems.append(_problem(("message", "locale"), "is no locale; write one such as `pt-BR` or `pt`"))
    if templates:
        problems += [f"message settings: `message.templates`: {what}" for what in problems_of(beside / templates)]
    return problems


def _problems_of_link(url: str | None) -> list[str]:
    if not url:
        return []
    try:
        # Whatever stands in the place of what is between braces, it is letters and digits.
        link = ascii_link(url.replace("{", "").replace("}", ""))
    except NotALink as reason:
        return [f"is not a web address: {reason}"]
    return [f"is longer than {LONGEST} characters"] if len(link) > LONGEST else []
