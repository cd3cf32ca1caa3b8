"""Checks of single settings, each of which returns the value to use, or raises a ConfigError; and of their file."""

from __future__ import annotations

import ipaddress
import json
import re
import typing as t
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from tap_shopify_contacts.errors import ConfigError
from tap_shopify_contacts.times import parse_instant

_SHOP = re.compile(r"[a-z0-9][a-z0-9-]*")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_Choice = t.TypeVar("_Choice", bound=Enum)


def read_config_file(path: str) -> dict[str, t.Any]:
    """Return the settings in a file, unchecked.

    Raises:
        ConfigError: If it cannot be read, or holds no JSON object. The message names the file, and no value in it.
    """
    try:
        config = json.loads(Path(path).read_bytes(), parse_float=Decimal)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except json.JSONDecodeError as error:
        problem = f"is not JSON: {error.msg}, line {error.lineno}, column {error.colno}"
    except UnicodeDecodeError:
        problem = "is not JSON: it is not text in UTF-8"
    except (ValueError, RecursionError):
        problem = "is JSON that cannot be read: a number has too many digits, or lists and objects too many levels"
    else:
        if isinstance(config, dict):
            return config
        problem = 'is no JSON object, such as {"shop": "my-shop"}'
    raise ConfigError(f"The file {path} of --config {problem}.")


def read_shop(value: object) -> str:
    """Return the shop's full myshopify.com name.

    Raises:
        ConfigError: If there is no value, or it is another address.
    """
    if value is None:
        raise ConfigError("The setting shop is not set: give the shop's name, such as my-shop.myshopify.com")
    name = str(value).strip().lower().removeprefix("https://").removesuffix("/").removesuffix(".myshopify.com")
    if not isinstance(value, str) or not _SHOP.fullmatch(name):
        raise ConfigError(
            "The setting shop is not a shop's name: give my-shop or my-shop.myshopify.com, not the store's own domain "
            "or the admin's address"
        )
    return f"{name}.myshopify.com"


def read_secret(value: object, name: str, what: str) -> str:
    """Return a token or a secret; the message never shows it."""
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise ConfigError(f"The setting {name} holds characters that no {what} has")
    return value


def read_api_url(value: object) -> str | None:
    """Return the base URL without a slash at its end, or None where none is set."""
    if value is None:
        return None
    problem = "The setting api_url is not a base URL: give https://host, or http:// for this machine only"
    try:
        url = urlsplit(str(value))
        usable = bool(url.hostname) and url.port != 0
    except ValueError:
        raise ConfigError(problem) from None
    if not usable or url.query or url.fragment or url.username is not None:
        raise ConfigError(problem)
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(str(url.hostname))):
        raise ConfigError(problem)
    return str(value).rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_start_date(value: object) -> datetime | None:
    """Return the time from which to read, or None where none is set."""
    if value is None:
        return None
    try:
        return parse_instant(str(value))
    except ValueError:
        raise ConfigError("The setting start_date is not a date or time such as 2026-01-01T00:00:00Z") from None


def read_choice(value: object, name: str, choices: type[_Choice]) -> _Choice:
    """Return the chosen value."""
    try:
        return choices(value)
    except ValueError:
        known = " or ".join(str(choice.value) for choice in choices)
        raise ConfigError(f"The setting {name} must be {known}") from None


def read_switch(value: object, name: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise ConfigError(f"The setting {name} must be true or false")
    return value


def read_whole_number(value: object, name: str, smallest: int, largest: int | None) -> int:
    """Return a number within limits."""
    limits = f"from {smallest} to {largest}" if largest is not None else f"of at least {smallest}"
    if not isinstance(value, int) or isinstance(value, bool) or value < smallest or (largest or value) < value:
        raise ConfigError(f"The setting {name} must be a whole number {limits}")
    return value


def read_seconds(value: object, name: str) -> timedelta:
    """Return a number of seconds as a length of time."""
    # A year is far more than either setting is for, and keeps the arithmetic within what a date can hold.
    return timedelta(seconds=read_whole_number(value, name, 0, 365 * 24 * 3600))
