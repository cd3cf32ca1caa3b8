"""Addresses as hashes: one person's address looks the same in every shop and outlives its contact unread."""

from __future__ import annotations

import hashlib
import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable

_NOT_DIGIT: re.Pattern[str] = re.compile(r"\D+")


def normal_address(channel: str, address: str) -> str:
    """Return the form under which two spellings of one address are equal.

    E-mail is compared without case and white space, a phone number by its digits.
    """
    if channel == "email":
        return "".join(address.split()).casefold()
    return _NOT_DIGIT.sub("", address)


def address_hash(salt: str, channel: str, address: str | None) -> str | None:
    """Return the salted hash of an address, or None without one.

    Args:
        salt: The database's own secret.
        channel: `email` or `sms`.
        address: As a shop or a person wrote it.
    """
    if not address:
        return None
    normal = normal_address(channel, address)
    return salted_hash(salt, channel, normal) if normal else None


def address_hasher(salt: str, channel: str) -> Callable[[str | None], str | None]:
    """Return `address_hash` for one channel, made for many addresses.

    Args:
        salt: The database's own secret.
        channel: `email` or `sms`.
    """
    started = hashlib.blake2b(f"{channel}:".encode(), key=salt.encode(), digest_size=16)

    def hash_of(address: str | None) -> str | None:
        normal = normal_address(channel, address) if address else None
        if not normal:
            return None
        one = started.copy()
        one.update(normal.encode())
        return one.hexdigest()

    return hash_of


def salted_hash(salt: str, kind: str, value: str) -> str:
    """Return 32 hexadecimal digits that name a value without showing it."""
    return hashlib.blake2b(f"{kind}:{value}".encode(), key=salt.encode(), digest_size=16).hexdigest()
