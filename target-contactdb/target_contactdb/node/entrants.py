"""What a flow is told about a contact that enters: one object per entry, as JSON Lines carry it."""

from __future__ import annotations

import typing as t
from collections import defaultdict

import sqlalchemy as sa

from target_contactdb.node.rules import channel_of, idempotency_key
from target_contactdb.tables import checkout_lines, checkouts

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    from target_contactdb.admin.connect import Opened
    from target_contactdb.node.entries import Entry
    from target_contactdb.node.rules import Candidate

_CHUNK: t.Final = 500
_CHECKOUT_NAMES: t.Final = (
    "name",
    "created_at",
    "updated_at",
    "abandoned_checkout_url",
    "currency",
    "subtotal_price",
    "total_discounts",
    "total_tax",
    "total_price",
    "presentment_currency",
    "presentment_total_price",
    "discount_codes",
    "line_items_quantity",
)
_PRODUCT_NAMES: t.Final = tuple(
    column.name for column in checkout_lines.columns if column.name not in {"shop", "checkout_id"}
)


def entrants(
    database: Opened, flow: str, channel: str, entries: Sequence[Entry], now: dt.datetime
) -> Iterator[dict[str, t.Any]]:
    """Yield what a flow is told, in the order of the entries.

    Args:
        database: The contact database.
        flow: The flow.
        channel: `email`, `sms` or `any`: how a contact had to be contactable.
        entries: Who enters; without a number where nobody was taken.
        now: The time, UTC, that ages are counted to.
    """
    for start in range(0, len(entries), _CHUNK):
        chunk = entries[start : start + _CHUNK]
        people = _people(database, {entry.candidate.contact_id for entry in chunk})
        carts = _carts(database, [entry.candidate for entry in chunk])
        for entry in chunk:
            candidate = entry.candidate
            told: dict[str, t.Any] = {
                "entry_id": entry.entry_id,
                "flow": flow,
                "idempotency_key": idempotency_key(flow, candidate),
                "leased_until": entry.leased_until,
                "channel": channel_of(candidate, channel),
                "contact": people[candidate.contact_id],
                "may_email": candidate.may_email,
                "may_sms": candidate.may_sms,
                "age_minutes": int((now - candidate.since).total_seconds() // 60),
                "shop": candidate.shop,
            }
            if candidate.checkout_id is not None:
                told["checkout"] = carts[candidate.shop, candidate.checkout_id]
            yield told


def _people(database: Opened, ids: Iterable[int]) -> dict[int, dict[str, t.Any]]:
    contacts = database.contacts
    columns = [contacts.c.contact_id, contacts.c.user_code, *(contacts.c[name] for name in database.fields)]
    found = database.connection.execute(sa.select(*columns).where(contacts.c.contact_id.in_(ids))).mappings()
    return {row["contact_id"]: dict(row) for row in found}


def _carts(database: Opened, candidates: Sequence[Candidate]) -> dict[tuple[str, int], dict[str, t.Any]]:
    numbers = defaultdict(list)
    for candidate in candidates:
        if candidate.checkout_id is not None:
            numbers[candidate.shop].append(candidate.checkout_id)
    carts: dict[tuple[str, int], dict[str, t.Any]] = {}
    for shop, ids in numbers.items():
        columns = [checkouts.c.id, *(checkouts.c[name] for name in _CHECKOUT_NAMES)]
        found = sa.select(*columns).where(checkouts.c.shop == shop, checkouts.c.id.in_(ids))
        for row in database.connection.execute(found).mappings():
            carts[shop, row["id"]] = {**row, "products": []}
        columns = [checkout_lines.c.checkout_id, *(checkout_lines.c[name] for name in _PRODUCT_NAMES)]
        lines = sa.select(*columns).where(checkout_lines.c.shop == shop, checkout_lines.c.checkout_id.in_(ids))
        for row in database.connection.execute(lines.order_by(checkout_lines.c.position)).mappings():
            carts[shop, row["checkout_id"]]["products"].append({name: row[name] for name in _PRODUCT_NAMES})
    return carts
