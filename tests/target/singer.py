"""Singer messages for tests, and the real target run over them in this process."""

from __future__ import annotations

import contextlib
import io
import json
import typing as t

import sqlalchemy as sa

from target_contactdb.engines import open_engine
from target_contactdb.target import TargetContactDB

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHOP = "shop-a.myshopify.com"

_TEXT: dict[str, t.Any] = {"type": ["string", "null"]}
_TIME: dict[str, t.Any] = {"type": ["string", "null"], "format": "date-time"}
_NUMBER: dict[str, t.Any] = {"type": ["number", "null"]}
_INTEGER: dict[str, t.Any] = {"type": ["integer", "null"]}

CUSTOMER_PROPERTIES: dict[str, t.Any] = {
    "id": {"type": "integer", "title": "User Code"},
    "created_at": _TIME,
    "updated_at": _TIME,
    "first_name": {**_TEXT, "title": "First name"},
    "email": {**_TEXT, "title": "Email"},
    "email_marketing_state": {**_TEXT, "title": "Email - Marketing state"},
    "email_marketing_opt_in_level": _TEXT,
    "email_marketing_updated_at": _TIME,
    "phone": _TEXT,
    "sms_marketing_state": _TEXT,
    "sms_marketing_opt_in_level": _TEXT,
    "sms_marketing_updated_at": _TIME,
    "tags": {"type": ["array", "null"], "items": {"type": "string"}},
    "orders_count": _INTEGER,
    "orders_total_spent": _NUMBER,
    "last_order_created_at": _TIME,
    "verified_email": {"type": ["boolean", "null"]},
}

CHECKOUT_PROPERTIES: dict[str, t.Any] = {
    "id": {"type": "integer"},
    "created_at": _TIME,
    "updated_at": _TIME,
    "completed_at": _TIME,
    "customer_id": _INTEGER,
    "total_price": _NUMBER,
    "line_items": {"type": "array", "items": {"type": "object"}},
}


def schema(stream: str = "customers", shop: str = SHOP, **changes: t.Any) -> dict[str, t.Any]:
    """Return the SCHEMA message of a stream; `changes` add, replace or (None) remove properties."""
    base = CUSTOMER_PROPERTIES if stream == "customers" else CHECKOUT_PROPERTIES
    properties = {"shop": {"type": "string", "const": shop}, **base, **changes}
    return {
        "type": "SCHEMA",
        "stream": stream,
        "key_properties": ["id"],
        "bookmark_properties": ["updated_at"],
        "schema": {"type": "object", "properties": {name: one for name, one in properties.items() if one is not None}},
    }


def customer(number: t.Any, **values: t.Any) -> dict[str, t.Any]:
    """Return a RECORD message of a customer who is subscribed by e-mail and has no phone."""
    record = {
        "id": number,
        "shop": SHOP,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-10-01T00:00:00Z",
        "first_name": f"Name{number}",
        "email": f"person{number}@example.com",
        "email_marketing_state": "SUBSCRIBED",
        "email_marketing_opt_in_level": "SINGLE_OPT_IN",
        "email_marketing_updated_at": "2026-09-01T00:00:00Z",
        "phone": None,
        "sms_marketing_state": None,
        "tags": ["a"],
        "orders_count": 0,
        "orders_total_spent": 12.5,
        "last_order_created_at": None,
        "verified_email": True,
        **values,
    }
    return {"type": "RECORD", "stream": "customers", "record": record}


def checkout(number: t.Any, customer_id: int | None, **values: t.Any) -> dict[str, t.Any]:
    """Return a RECORD message of an open checkout with one line."""
    record = {
        "id": number,
        "shop": SHOP,
        "created_at": "2026-10-01T00:00:00Z",
        "updated_at": "2026-10-01T00:00:00Z",
        "completed_at": None,
        "customer_id": customer_id,
        "total_price": 10.0,
        "line_items": [{"title": "Mug", "quantity": 2, "unit_price": 5.0}],
        **values,
    }
    return {"type": "RECORD", "stream": "abandoned_checkouts", "record": record}


def state(stream: str, value: str | None, until: str | None = None) -> dict[str, t.Any]:
    """Return a STATE message with the bookmark of one stream."""
    bookmark = {"replication_key": "updated_at", "replication_key_value": value, "until": until}
    bookmark = {name: one for name, one in bookmark.items() if one is not None}
    return {"type": "STATE", "value": {"bookmarks": {stream: bookmark}}}


def run(url: str, messages: Iterable[dict[str, t.Any] | str], **config: t.Any) -> None:
    """Run the target over messages."""
    lines = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    target = TargetContactDB(config={"sqlalchemy_url": url, **config})
    target.listen(io.StringIO("".join(f"{line}\n" for line in lines)))


def query(url: str, sql: str) -> list[tuple[t.Any, ...]]:
    """Return the rows of a query over the contact database."""
    with _session(url) as connection:
        return [tuple(row) for row in connection.execute(sa.text(sql))]


def execute(url: str, sql: str) -> None:
    """Run one statement over the contact database, as another program would."""
    with _session(url) as connection:
        connection.execute(sa.text(sql))


@contextlib.contextmanager
def _session(url: str) -> Iterator[sa.Connection]:
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "mysql":
                # Double quotes around a name, as on the other engines.
                connection.execute(sa.text("SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')"))
            yield connection
    finally:
        engine.dispose()


_REFUSALS = {
    "sqlite": "BEGIN SELECT RAISE(ABORT, 'written'); END",
    "postgresql": "FOR EACH ROW EXECUTE FUNCTION refuse()",
    "mysql": "FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'written'",
}


def refuse_writes(url: str, *tables: str) -> None:
    """Make the database itself refuse any write to some tables."""
    engine = sa.make_url(url).get_backend_name()
    if engine == "postgresql":
        execute(
            url,
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'written'; END $$",
        )
    for table in tables:
        for verb in ("INSERT", "UPDATE", "DELETE"):
            when = f"CREATE TRIGGER refuse_{table}_{verb} BEFORE {verb} ON {table}"
            execute(url, f"{when} {_REFUSALS[engine]}")
