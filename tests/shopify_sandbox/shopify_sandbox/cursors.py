"""Cursors: base64 of `{"last_id", "last_value"}`, where the value's form depends on the sort key. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import typing as t
from datetime import UTC, datetime

from shopify_sandbox.clock import from_micros, to_micros
from shopify_sandbox.errors import ShopError, bad_request

_TEXT_TIME = "%Y-%m-%d %H:%M:%S.%f"
_MILLISECOND = 1_000


def encode(last_id: int, last_value: t.Any) -> str:
    """The cursor of a record; without a sort value it has the id alone."""
    content = {"last_id": last_id} if last_value is None else {"last_id": last_id, "last_value": last_value}
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(text.encode()).decode()


def decode(cursor: str) -> tuple[int, t.Any]:
    """The id and sort value of a cursor.

    Raises:
        ShopError: The text is no cursor.
    """
    try:
        content = json.loads(base64.b64decode(cursor, validate=True))
    except (binascii.Error, ValueError) as error:
        raise invalid_cursor() from error
    if not isinstance(content, dict) or type(content.get("last_id")) is not int:
        raise invalid_cursor()
    return content["last_id"], content.get("last_value")


def invalid_cursor() -> ShopError:
    """The error for a text that is no cursor, or a cursor of another sort key or back end."""
    return bad_request("Invalid cursor for current pagination sort.")


def time_as_millis(micros: int) -> int:
    """The search index's form of a time: whole milliseconds."""
    return micros // _MILLISECOND


def millis_as_time(value: t.Any) -> int:
    """The inverse of `time_as_millis`.

    Raises:
        TypeError: Not a number of milliseconds.
    """
    if type(value) is not int:
        message = "a number of milliseconds is expected"
        raise TypeError(message)
    return value * _MILLISECOND


def time_as_text(micros: int) -> str:
    """The database's form of a time: text with microseconds."""
    return from_micros(micros).strftime(_TEXT_TIME)


def text_as_time(value: t.Any) -> int:
    """The inverse of `time_as_text`.

    Raises:
        TypeError: Not a text.
        ValueError: Not such a text.
    """
    if not isinstance(value, str):
        message = "a time as text is expected"
        raise TypeError(message)
    return to_micros(datetime.strptime(value, _TEXT_TIME).replace(tzinfo=UTC))
