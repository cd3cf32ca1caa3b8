"""E-mail addresses as they are written into the headers of an e-mail. Pure."""

from __future__ import annotations

import re
import typing as t
from email.header import Header

import idna

LONGEST: t.Final = 254
"""Characters of an address: what fits into a path of SMTP (RFC 5321, 4.5.3.1.3)."""

_LONGEST_LOCAL: t.Final = 64
_ATEXT: t.Final = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_DOT_ATOM: t.Final = re.compile(rf"[{_ATEXT}]+(\.[{_ATEXT}]+)*")
_DOTS_ANYWHERE: t.Final = re.compile(rf"[{_ATEXT}.]+")
_DOMAIN: t.Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_ATOMS: t.Final = re.compile(rf"[{_ATEXT} ]*")
# Longer names are cut into encoded words, which may be on lines of their own.
_LONGEST_AS_IT_IS: t.Final = 60
_ENCODED_WORD: t.Final = "=?"
_LIKE_AN_ADDRESS: t.Final = ("@", "<", ">", _ENCODED_WORD)


class NotAnAddress(ValueError):
    """An e-mail address cannot be written to. The text says why, and does not hold it: "it has no @"."""


def deliverable(text: str) -> str:
    """Return an e-mail address as mail servers take it: ASCII, its domain by IDNA 2008, dots in odd places quoted.

    Raises:
        NotAnAddress: There is no such form.
    """
    address = text.strip()
    if "<" in address or ">" in address:
        raise NotAnAddress("it has angle brackets: give the address alone, without a name")
    if any(character.isspace() or not character.isprintable() for character in address):
        raise NotAnAddress("it has a space or a control character in it")
    local, _, domain = address.rpartition("@")
    if "@" in local:
        raise NotAnAddress("it has more than one @")
    if not local or not domain:
        raise NotAnAddress("it has nothing before or after the @" if "@" in address else "it has no @")
    written = f"{_local_part(local)}@{_domain(domain)}"
    if len(written) > LONGEST:
        raise NotAnAddress(f"it is longer than {LONGEST} characters")
    return written


def _local_part(local: str) -> str:
    if not local.isascii():
        raise NotAnAddress("before the @ it has letters that most mail servers do not take")
    if len(local) > _LONGEST_LOCAL:
        raise NotAnAddress(f"it has more than {_LONGEST_LOCAL} characters before the @")
    if _DOT_ATOM.fullmatch(local):
        return local
    if _DOTS_ANYWHERE.fullmatch(local):
        # Japanese carriers gave out such addresses, against the standard; quoted, they are within it.
        return f'"{local}"'
    raise NotAnAddress("before the @ it has a character that does not belong there")


def _domain(domain: str) -> str:
    try:
        return ascii_host(domain)
    except ValueError:
        raise NotAnAddress("what is behind the @ is no domain") from None


def ascii_host(host: str) -> str:
    """Return a host name as the domain name system knows it, by IDNA 2008.

    The codec of the standard library is of 2003: it makes another domain of one with a sharp s.

    Raises:
        ValueError: It is no host name.
    """
    written = host if host.isascii() else idna.encode(host, uts46=True).decode()
    if not _DOMAIN.fullmatch(written):
        raise ValueError("not a host name")
    return written


def looks_like_an_address(name: str) -> bool:
    """Tell whether a mail program could take a display name for an address, or for a name that is to be decoded."""
    return any(sign in name for sign in _LIKE_AN_ADDRESS)


def mailbox(name: str, address: str) -> str:
    """Return a display name and an address as they stand in a header: ASCII, folded where that is allowed.

    Args:
        name: One line; empty = the address alone.
        address: As `deliverable` writes it.
    """
    if not name:
        return address
    if name.isascii() and len(name) <= _LONGEST_AS_IT_IS and _ENCODED_WORD not in name:
        if _ATOMS.fullmatch(name):
            return f"{name} <{address}>"
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return f"{encoded_words(name)}\r\n <{address}>"


def encoded_words(text: str) -> str:
    """Return text as encoded words (RFC 2047), which hold nothing that an address is told by, one on a line."""
    return Header(text, "utf-8").encode(linesep="\r\n")
