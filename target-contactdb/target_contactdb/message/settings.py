"""The file that says who sends a message, and what its links carry."""

from __future__ import annotations

import string
import tomllib
import typing as t
from dataclasses import dataclass, field
from email.utils import parseaddr

from target_contactdb.errors import ConfigError
from target_contactdb.message.links import is_web_address

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECRET_VARIABLE: t.Final = "CONTACTDB_UNSUBSCRIBE_SECRET"  # noqa: S105 - its name
"""Environment variable with the secret that unsubscribe links are signed with."""

UNSUBSCRIBE_PLACES: t.Final = frozenset({"contact_id", "channel", "signature"})
"""What may stand between braces in `unsubscribe.url`."""

_KEYS: t.Final[dict[str, tuple[str, ...]]] = {
    "sender": ("name", "email", "reply_to", "postal_address"),
    "unsubscribe": ("url", "mailto"),
    "shop": ("name", "url"),
    "message": ("templates", "locale"),
}
_NEEDED: t.Final = (("sender", "name"), ("sender", "email"), ("sender", "postal_address"), ("unsubscribe", "url"))
_FREE: t.Final = "campaign"


@dataclass(frozen=True, slots=True)
class MessageSettings:
    """Who sends, and what links carry.

    Attributes:
        sender_name: As it is shown in the inbox.
        sender_email: Address that the message comes from.
        reply_to: Where answers go; None = to the sender.
        postal_address: The sender's postal address, which the law asks for in many countries.
        unsubscribe_url: Web address with places for the contact, see `UNSUBSCRIBE_PLACES`.
        unsubscribe_mailto: Address that takes unsubscriptions by e-mail; None = none.
        shop_name: Name of the shop in the text; None = the sender's name.
        shop_url: The shop's front page; None = unknown.
        templates: Folder of templates that go before the built-in ones; None = none.
        locale: For contacts whose own locale is not known.
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
    problems = [problem for name, table in tables.items() for problem in _problems_of(name, table)]
    values = {name: table for name, table in tables.items() if isinstance(table, dict)}
    said = {(name, key): value for name, table in values.items() for key, value in table.items()}
    problems += [f"message settings: `{name}.{key}` is missing" for name, key in _NEEDED if not said.get((name, key))]
    problems += _problems_of_values(said)
    if problems:
        raise ConfigError(problems)
    templates = said.get(("message", "templates"))
    return MessageSettings(
        sender_name=said["sender", "name"],
        sender_email=said["sender", "email"],
        postal_address=said["sender", "postal_address"],
        unsubscribe_url=said["unsubscribe", "url"],
        reply_to=said.get(("sender", "reply_to")),
        unsubscribe_mailto=said.get(("unsubscribe", "mailto")),
        shop_name=said.get(("shop", "name")),
        shop_url=said.get(("shop", "url")),
        templates=path.parent / templates if templates else None,
        locale=said.get(("message", "locale"), "en"),
        campaign=values.get(_FREE, {}),
    )


def _problems_of(name: str, table: t.Any) -> list[str]:
    if name not in _KEYS and name != _FREE:
        return [f"message settings: there is no table `{name}`; there are {', '.join([*_KEYS, _FREE])}"]
    if not isinstance(table, dict):
        return [f"message settings: `{name}` is a table"]
    unknown = [key for key in table if name != _FREE and key not in _KEYS[name]]
    problems = [f"message settings: there is no `{name}.{key}`; there is {', '.join(_KEYS[name])}" for key in unknown]
    texts = [
        f"message settings: `{name}.{key}` is a text" for key, value in table.items() if not isinstance(value, str)
    ]
    return problems + texts


def _problems_of_values(said: Mapping[tuple[str, str], t.Any]) -> list[str]:
    problems = []
    for place in (("sender", "email"), ("sender", "reply_to"), ("unsubscribe", "mailto")):
        value = said.get(place)
        if value and "@" not in parseaddr(str(value))[1]:
            problems.append(f"message settings: `{'.'.join(place)}` is not an e-mail address")
    for place in (("unsubscribe", "url"), ("shop", "url")):
        value = said.get(place)
        if value and not is_web_address(str(value)):
            problems.append(f"message settings: `{'.'.join(place)}` is not a web address")
    url = str(said.get(("unsubscribe", "url")) or "")
    try:
        places = {name for _text, name, _form, _conversion in string.Formatter().parse(url) if name is not None}
    except ValueError:
        return [*problems, "message settings: `unsubscribe.url` has a brace that is not closed"]
    if places - UNSUBSCRIBE_PLACES:
        known = ", ".join(f"{{{name}}}" for name in sorted(UNSUBSCRIBE_PLACES))
        problems.append(f"message settings: `unsubscribe.url` can name {known} and nothing else")
    if url and "contact_id" not in places:
        problems.append("message settings: `unsubscribe.url` has to name {contact_id}, to tell who unsubscribes")
    return problems
