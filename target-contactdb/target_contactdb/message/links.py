"""Links of a message: into the shop, with campaign parameters, and out of the mailing. Pure."""

from __future__ import annotations

import hashlib
import hmac
import typing as t
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

if t.TYPE_CHECKING:
    from collections.abc import Mapping


def is_web_address(url: str | None) -> bool:
    """Tell whether a link may stand in a message: nothing but http and https leads to a page."""
    if url is None:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


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


def unsubscribe_link(url: str, contact_id: int, channel: str, secret: str | None) -> str:
    """Return the link by which one contact leaves one channel.

    Args:
        url: With `{contact_id}`, and where wanted `{channel}` and `{signature}`.
        contact_id: The contact.
        channel: `email` or `sms`.
        secret: What the signature is made with; None = there is none.

    Raises:
        ValueError: The link has to be signed, and there is no secret.
    """
    if "{signature}" in url and not secret:
        msg = "there is no secret to sign with"
        raise ValueError(msg)
    signed = signature(secret, contact_id, channel) if secret else ""
    return url.format(contact_id=contact_id, channel=channel, signature=signed)
