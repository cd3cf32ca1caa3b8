"""dlt at its fastest: Arrow tables into PostgreSQL by upsert. `dlt_load.py URL FOLDER`, messages on stdin."""

from __future__ import annotations

import os
import sys
import typing as t

import msgspec
import pyarrow as pa  # type: ignore[import-not-found]

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = 50_000


class _Message(msgspec.Struct):
    type: str
    record: msgspec.Raw = msgspec.Raw(b"")


def tables() -> Iterator[pa.Table]:
    """Return the records of the input as Arrow tables."""
    read = msgspec.json.Decoder(_Message).decode
    page: list[t.Any] = []
    for line in sys.stdin.buffer:
        message = read(line)
        if message.type == "RECORD":
            record = msgspec.json.decode(message.record)
            record["tags"] = msgspec.json.encode(record["tags"]).decode()
            page.append(record)
        if len(page) == _PAGE:
            yield pa.Table.from_pylist(page)
            page = []
    if page:
        yield pa.Table.from_pylist(page)


if __name__ == "__main__":
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt  # type: ignore[import-not-found]

    pipeline = dlt.pipeline(
        "benchmark",
        pipelines_dir=sys.argv[2],
        destination=dlt.destinations.postgres(sys.argv[1]),
        dataset_name="loaded",
    )
    disposition = {"disposition": "merge", "strategy": "upsert"}
    resource = dlt.resource(tables, name="customers", primary_key="id", write_disposition=disposition)
    pipeline.run(resource).raise_on_failed_jobs()
