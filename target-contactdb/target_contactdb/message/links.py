"""Links of a message: into the shop, with campaign parameters, and out of the mailing. Pure."""

from __future__ import annotations

import hashlib
import hmac
import string
import typing as t
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

from target_contactdb.message.mailboxes import ascii_host
from target_contactdb.message.plain import has_controls

if t.TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST: t.Final = 900
"""Characters of a link: a line of an e-mail has 998, and one of its headers may not be broken within a link."""

UNSUBSCRIBE_PLACES: t.Final = frozenset({"contact_id", "channel", "signature"})
"""What may stand between braces in the address that people unsubscribe at."""

# What has a meaning in an address, and what is encoded already.
_KEPT: t.Final = "%!$&'()*+,;=:@/?-._~"


class NotALink(ValueError):
    """A text is no address of a page on the web. The text says why, and does not hold it: "it has a space in it"."""


def ascii_link(url: str) -> str:
    """Return a link of nothing but ASCII: its host by IDNA 2008, and other letters as percent signs and numbers.

    Raises:
        NotALink: It leads to no page on the web, or has characters that no link has.
    """
    if has_controls(url) or any(character.isspace() for character in url):
        raise NotALink("it has a space or a line break in it")
    try:
        parts = urlsplit(url)
        place = _ascii_place(parts)
    except ValueError:
        raise NotALink("its host or its port cannot be one") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise NotALink("it does not begin with https:// and a host")
    rest = (quote(part, _KEPT) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit((parts.scheme, place, *rest))


def _ascii_place(parts: SplitResult) -> str:
    """Return host and port, and what is before them."""
    host = parts.hostname or ""
    if ":" in host:
        # An IPv6 address, which was checked when the link was split.
        host = f"[{host}]"
    elif host:
        host = ascii_host(host)
    user, at, _host = parts.netloc.rpartition("@")
    return f"{quote(user, _KEPT)}{at}{host}{'' if parts.port is None else f':{parts.port}'}"


def is_web_address(url: str | None) -> bool:
    """Tell whether a link may stand in a message: nothing but http and https leads to a page."""
    try:
        return url is not None and bool(ascii_link(url))
    except NotALink:
        return False


def is_picture(url: str | None) -> bool:
    """Tell whether a link may be shown as a picture: one on the web, or one that is in the link itself."""
    return is_web_address(url) or (url or "").startswith("data:image/")


def with_campaign(url: str, campaign: Mapping[str, str]) -> str:
    """Return a link with campaign parameters; one that it has already stays as it is."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    taken = {name for name, _value in query}
    added = urlencode([(name, value) for name, value in campaign.items() if name not in taken])
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, added)))))


def signature(secret: str, contact_id: int, channel: str) -> str:
    """Return what proves that an unsubscribe link was written by us: HMAC-SHA256 of `contact_id:channel`, in hex."""
    return hmac.new(secret.encode(), f"{contact_id}:{channel}".encode(), hashlib.sha256).hexdigest()


def is_signed(url: str) -> bool:
    """Tell whether an unsubscribe link has a place for a signature."""
    return "{signature}" in url


def unsubscribe_link(url: str, contact_id: int, channel: str, proof: str) -> str:
    """Return the link by which one contact leaves one channel.

    Args:
        url: With `{contact_id}`, and where wanted `{channel}` and `{signature}`; see `problems_of_places`.
        contact_id: The contact.
        channel: `email` or `sms`.
        proof: What stands in the place of the signature.

    Raises:
        NotALink: It is no link.
    """
    return ascii_link(url.format(contact_id=contact_id, channel=channel, signature=proof))


def problems_of_places(url: str) -> list[str]:
    """Return what is wrong with the braces of an unsubscribe link, each as what follows the name of the setting."""
    try:
        found = [part[1:] for part in string.Formatter().parse(url) if part[1] is not None]
    except ValueError:
        return ["has a brace that is not closed, or not opened"]
    problems = []
    places = {str(place) for place, _form, _conversion in found}
    if places - UNSUBSCRIBE_PLACES:
        known = ", ".join(f"{{{name}}}" for name in sorted(UNSUBSCRIBE_PLACES))
        problems.append(f"can name {known} and nothing else")
    if any(form or conversion for _place, form, conversion in found):
        problems.append("names its places without `:` or `!`: write {contact_id}")
    if "contact_id" not in places:
        problems.append("has to name {contact_id}, to tell who unsubscribes")
    return problems
