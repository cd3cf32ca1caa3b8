"""Answers as JSON: ISO 8601 times in UTC, exact numbers as text, keys as the tables name them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import typing as t
from decimal import Decimal

from target_contactdb.admin.words import amount


def to_json(answer: t.Any) -> str:
    """Return an answer as JSON text."""
    return json.dumps(plain(answer), indent=2)


def plain(value: t.Any) -> t.Any:
    """Return a value as JSON knows it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.metadata.get("json", field.name): plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return value.isoformat()
    return amount(value) if isinstance(value, Decimal) else value
