"""A message as files: HTML, plain text, or an e-mail."""

from __future__ import annotations

import enum
import typing as t
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr

if t.TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from target_contactdb.message.model import Message


class Form(enum.StrEnum):
    """What a message is written as."""

    HTML = "html"
    TEXT = "text"
    EML = "eml"


_ENDING: t.Final = {Form.HTML: "html", Form.TEXT: "txt", Form.EML: "eml"}


def to_email(message: Message, now: dt.datetime) -> bytes:
    """Return the message as an e-mail with both bodies.

    Args:
        message: The message.
        now: Its date, UTC.
    """
    email = EmailMessage(policy=SMTP)
    for name, value in message.headers.items():
        email[name] = value
    email["Subject"] = message.subject
    email["Date"] = format_datetime(now)
    email["Message-ID"] = make_msgid(domain=parseaddr(message.headers["From"])[1].rpartition("@")[2])
    email.set_content(message.text)
    email.add_alternative(message.html, subtype="html")
    return email.as_bytes()


def write_files(message: Message, folder: Path, name: str, forms: t.Iterable[Form], now: dt.datetime) -> list[Path]:
    """Write a message, and return the files.

    Args:
        message: The message.
        folder: Made where it does not exist.
        name: Name of the files without ending; it says nothing about the person.
        forms: What to write it as.
        now: The e-mail's date, UTC.

    Raises:
        OSError: A file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for form in dict.fromkeys(forms):
        path = folder / f"{name}.{_ENDING[form]}"
        if form is Form.EML:
            path.write_bytes(to_email(message, now))
        else:
            path.write_text(message.html if form is Form.HTML else message.text, encoding="utf-8")
        written.append(path)
    return written
