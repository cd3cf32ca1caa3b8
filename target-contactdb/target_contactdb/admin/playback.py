"""Rejected records as Singer lines, which the target takes in again once their cause is mended."""

from __future__ import annotations

import typing as t

import msgspec
import sqlalchemy as sa

from target_contactdb.admin.rejections import still_rejected
from target_contactdb.errors import ContactDbError
from target_contactdb.tables import operation_records, operations, streams

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from target_contactdb.admin.connect import Opened

# Customers before the checkouts that refer to them.
_ORDER: t.Final = {"customers": 0, "checkouts": 1}
_KEY_PROPERTIES: t.Final = ("id",)
_ENCODER: t.Final = msgspec.json.Encoder(decimal_format="number")


def rejected_lines(database: Opened, operation_id: int | None = None) -> Iterator[str]:
    """Return Singer messages: per shop and stream a SCHEMA and the records that are still rejected, one of each key.

    There is no STATE among them, so no bookmark moves when they are played back.

    Args:
        database: The contact database.
        operation_id: All that this operation rejected, whatever became of it since.

    Raises:
        ContactDbError: The SCHEMA of a stream is not known.
    """
    kinds: dict[tuple[str, str], str] = {}
    latest: dict[tuple[str, str], dict[t.Any, t.Any]] = {}
    wanted = {one.record_id for one in still_rejected(database)} if operation_id is None else None
    for kind, shop, stream, record_id, key, record in database.connection.execute(_rejected(operation_id)):
        if wanted is not None and record_id not in wanted:
            continue
        kinds[shop, stream] = kind
        of_stream = latest.setdefault((shop, stream), {})
        # A later rejection of a key takes the place of an earlier one, and its place in the order.
        of_stream.pop(key, None)
        of_stream[key if key is not None else record_id] = record
    for shop, stream in sorted(latest, key=lambda one: (_ORDER.get(kinds[one], len(_ORDER)), one)):
        schema = {"type": "SCHEMA", "stream": stream, "schema": _schema(database, stream, shop)}
        yield _line({**schema, "key_properties": _KEY_PROPERTIES})
        for record in latest[shop, stream].values():
            yield _line({"type": "RECORD", "stream": stream, "record": record})


def _rejected(operation_id: int | None) -> sa.Select[t.Any]:
    table = operation_records
    statement = (
        sa.select(operations.c.kind, operations.c.shop, table.c.stream, table.c.record_id, table.c.key, table.c.record)
        .join_from(table, operations, table.c.operation_id == operations.c.operation_id)
        .where(table.c.outcome == "rejected", table.c.record.is_not(None))
        .order_by(table.c.record_id)
    )
    return statement if operation_id is None else statement.where(table.c.operation_id == operation_id)


def _schema(database: Opened, stream: str, shop: str) -> t.Any:
    wanted = sa.select(streams.c.json_schema).where(streams.c.stream == stream, streams.c.shop == shop)
    found = database.connection.execute(wanted).scalar_one_or_none()
    if found is None:
        msg = f"the SCHEMA of stream `{stream}` of shop {shop} is not known yet: run its import once more"
        raise ContactDbError(msg)
    return found


def _line(message: dict[str, t.Any]) -> str:
    return _ENCODER.encode(message).decode()
