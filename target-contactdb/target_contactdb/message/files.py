"""A message as files: HTML, plain text, or an e-mail."""

from __future__ import annotations

import contextlib
import email
import enum
import tempfile
import typing as t
from email.message import EmailMessage
from email.policy import SMTP, compat32
from email.utils import format_datetime, getaddresses, make_msgid
from pathlib import Path

from target_contactdb.errors import ContactDbError
from target_contactdb.message.mailboxes import encoded_words

if t.TYPE_CHECKING:
    import datetime as dt

    from target_contactdb.message.model import Message


class Form(enum.StrEnum):
    """What a message is written as."""

    HTML = "html"
    TEXT = "text"
    EML = "eml"


_ENDING: t.Final = {Form.HTML: "html", Form.TEXT: "txt", Form.EML: "eml"}
_LONGEST_PLAIN_SUBJECT: t.Final = 65
_ADDRESS_HEADERS: t.Final = ("From", "To", "Reply-To")


def to_email(message: Message, now: dt.datetime) -> bytes:
    """Return the message as an e-mail with both bodies.

    The headers are written as they are: the library folds an address anew, and drops the quotes that kept a name from
    being an address.

    Args:
        message: The message.
        now: Its date, UTC.

    Raises:
        ContactDbError: It would go to another address than the one it is for.
    """
    body = EmailMessage(policy=SMTP)
    body.set_content(message.text)
    body.add_alternative(message.html, subtype="html")
    headers = {
        **message.headers,
        "Subject": _subject(message.subject),
        "Date": format_datetime(now),
        "Message-ID": make_msgid(domain=message.sender.rpartition("@")[2]),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    written = lines.encode("ascii") + body.as_bytes()
    _check(written, message)
    return written


def _subject(subject: str) -> str:
    plain = subject.isascii() and len(subject) <= _LONGEST_PLAIN_SUBJECT and "=?" not in subject
    return subject if plain else encoded_words(subject)


def _check(written: bytes, message: Message) -> None:
    """Read the e-mail as a mail server does: whatever is in a name, it goes to one address."""
    read = email.message_from_bytes(written, policy=compat32)
    found = [[address for _name, address in getaddresses(read.get_all(name, []))] for name in _ADDRESS_HEADERS]
    if found != [[message.sender], [message.recipient], [message.answers_to]]:
        raise ContactDbError("the e-mail would go to other addresses than those it is for; nothing was written")


def write_files(message: Message, folder: Path, name: str, forms: t.Iterable[Form], now: dt.datetime) -> list[Path]:
    """Write a message, and return the files. All of them are written, or none.

    Args:
        message: The message.
        folder: Made where it does not exist.
        name: Name of the files without ending; it says nothing about the person.
        forms: What to write it as.
        now: The e-mail's date, UTC.

    Raises:
        ContactDbError: The e-mail would go to another address than the one it is for.
        OSError: A file cannot be written.
    """
    contents = {folder / f"{name}.{_ENDING[form]}": _content(message, form, now) for form in dict.fromkeys(forms)}
    folder.mkdir(parents=True, exist_ok=True)
    # Beside their places first: whoever watches the folder never sees half a file.
    with tempfile.TemporaryDirectory(prefix=".message-", dir=folder) as beside:
        for path, content in contents.items():
            (Path(beside) / path.name).write_bytes(content)
        with contextlib.ExitStack() as undo:
            for path in contents:
                (Path(beside) / path.name).replace(path)
                undo.callback(path.unlink)
            undo.pop_all()
    return [*contents]


def _content(message: Message, form: Form, now: dt.datetime) -> bytes:
    if form is Form.EML:
        return to_email(message, now)
    return (message.html if form is Form.HTML else message.text).encode()
