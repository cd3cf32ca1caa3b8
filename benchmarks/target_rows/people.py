"""The input of the target's benchmark: customers of 27 columns, about 850 bytes a line, as a tap sends them."""

from __future__ import annotations

import json
import random
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOP = "sandbox.myshopify.com"
STATE_EVERY = 1000

_TEXT = {"type": ["string", "null"]}
_TIME = {"type": ["string", "null"], "format": "date-time"}
PROPERTIES: dict[str, dict[str, t.Any]] = {
    "id": {"type": "integer"},
    "shop": {"type": "string", "const": SHOP},
    "created_at": _TIME,
    "updated_at": _TIME,
    "first_name": _TEXT,
    "last_name": _TEXT,
    "email": _TEXT,
    "email_marketing_state": _TEXT,
    "email_marketing_opt_in_level": _TEXT,
    "email_marketing_updated_at": _TIME,
    "phone": _TEXT,
    "sms_marketing_state": _TEXT,
    "sms_marketing_opt_in_level": _TEXT,
    "sms_marketing_updated_at": _TIME,
    "locale": _TEXT,
    "note": _TEXT,
    "tags": {"type": ["array", "null"], "items": {"type": "string"}},
    "verified_email": {"type": ["boolean", "null"]},
    "address1": _TEXT,
    "city": _TEXT,
    "province_code": _TEXT,
    "country_code": _TEXT,
    "zip": _TEXT,
    "orders_count": {"type": ["integer", "null"]},
    "orders_total_spent": {"type": ["number", "null"]},
    "currency": _TEXT,
    "last_order_created_at": _TIME,
}
_STATES = ("SUBSCRIBED",) * 60 + ("UNSUBSCRIBED",) * 15 + ("NOT_SUBSCRIBED",) * 20 + ("PENDING",) * 5
_LETTERS = "abcdefghijklmnopqrstuvwxyzàé "


def customer(number: int, *, changed: bool) -> dict[str, t.Any]:
    """Return a customer, always the same one for a number; `changed` is the same one after a while."""
    chance = random.Random(number)  # noqa: S311 - made-up people

    def words(length: int) -> str:
        return "".join(chance.choices(_LETTERS, k=length))

    def moment() -> str:
        day, second = chance.randrange(28) + 1, chance.randrange(86400)
        clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        return f"{chance.choice((2024, 2025))}-{chance.randrange(12) + 1:02}-{day:02}T{clock}Z"

    state, has_phone = chance.choice(_STATES), chance.random() < 0.4
    record: dict[str, t.Any] = {
        "id": 7_000_000_000_000 + number,
        "shop": SHOP,
        "created_at": moment(),
        "updated_at": "2026-10-01T00:00:00Z",
        "first_name": words(6),
        "last_name": words(9),
        "email": f"person{number}@example.com",
        "email_marketing_state": state,
        "email_marketing_opt_in_level": "SINGLE_OPT_IN",
        "email_marketing_updated_at": None if state == "NOT_SUBSCRIBED" else moment(),
        "phone": f"+39333{number:08}" if has_phone else None,
        "sms_marketing_state": chance.choice(("SUBSCRIBED", "NOT_SUBSCRIBED")) if has_phone else None,
        "sms_marketing_opt_in_level": "SINGLE_OPT_IN" if has_phone else None,
        "sms_marketing_updated_at": moment() if has_phone else None,
        "locale": "it",
        "note": f'{words(40)}\n"{words(8)}"\t\\ {words(20)}',
        "tags": ["vip", "newsletter", words(4)],
        "verified_email": chance.random() < 0.5,
        "address1": words(16),
        "city": words(8),
        "province_code": "MI",
        "country_code": "IT",
        "zip": "20100",
        "orders_count": chance.randrange(50),
        "orders_total_spent": chance.randrange(10**7) / 100,
        "currency": "EUR",
        "last_order_created_at": moment(),
    }
    if changed:
        record |= {"updated_at": "2026-10-02T00:00:00Z", "orders_count": record["orders_count"] + 1}
        record["note"] = f"changed {record['note']}"
    return record


def loaded(count: int) -> Iterator[dict[str, t.Any]]:
    """Return the customers of the first load."""
    return (customer(number, changed=False) for number in range(count))


def updated(count: int) -> Iterator[dict[str, t.Any]]:
    """Return an update of a tenth fewer and a tenth new customers, shuffled."""
    changed = [(number, True) for number in range(count * 9 // 10)]
    order = changed + [(number, False) for number in range(count, count + count // 10)]
    random.Random(1).shuffle(order)  # noqa: S311 - made-up people
    return (customer(number, changed=is_changed) for number, is_changed in order)


def write_messages(file: Path, records: Iterator[dict[str, t.Any]]) -> None:
    """Write Singer messages, with a STATE every thousand records."""
    schema = {"type": "object", "properties": PROPERTIES}
    head = {"type": "SCHEMA", "stream": "customers", "key_properties": ["id"], "schema": schema}
    with file.open("w", encoding="utf-8") as out:
        out.write(json.dumps(head) + "\n")
        for number, record in enumerate(records, start=1):
            message = {"type": "RECORD", "stream": "customers", "record": record, "time_extracted": _EXTRACTED}
            out.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n")
            if number % STATE_EVERY == 0:
                out.write(_state(f"{record['updated_at']}", number))
        out.write(_state("2026-10-02T00:00:00Z", 0))


_EXTRACTED = "2026-11-24T10:00:00+00:00"


def _state(value: str, number: int) -> str:
    bookmark = {"replication_key": "updated_at", "replication_key_value": value, "number": number}
    return json.dumps({"type": "STATE", "value": {"bookmarks": {"customers": bookmark}}}) + "\n"
