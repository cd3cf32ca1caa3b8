"""Sinks: the SDK hands them records, they hand batches to the imports."""

from __future__ import annotations

import typing as t

from singer_sdk.sinks import BatchSink, Sink
from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk.sinks.core import BaseJSONSchemaValidator

    from target_contactdb.runs import Write
    from target_contactdb.target import TargetContactDB


class ImportSink(BatchSink):
    """A stream that becomes contacts or checkouts."""

    def __init__(
        self, target: TargetContactDB, stream_name: str, schema: dict[str, t.Any], key_properties: Sequence[str] | None
    ) -> None:
        # Without key properties the SDK lets a record pass that lacks its key: the import rejects that one record.
        super().__init__(target, stream_name, schema, ())
        self._declared_keys = key_properties or []
        # The import reads every value strictly itself, times too: a bad one rejects its record, not the run.
        self.schema = without_formats(self.schema)
        self._write: Write | None = target.start_import(stream_name, self.original_schema)

    @property
    @override
    def key_properties(self) -> Sequence[str]:
        return self._declared_keys

    @override
    def get_validator(self) -> BaseJSONSchemaValidator | None:
        return None

    @override
    def process_batch(self, context: dict[str, t.Any]) -> None:
        if self._write is not None:
            self._write(context["records"])


class DroppingSink(Sink):
    """A stream that has no place in a contact database: checked, counted, dropped, and warned about once."""

    @override
    def setup(self) -> None:
        self.logger.warning(
            "stream `%s` has no place in the contact database: its records are checked, counted and dropped",
            self.stream_name,
        )

    @override
    def process_record(self, record: dict[str, t.Any], context: dict[str, t.Any]) -> None:
        self.tally_record_written()

    @override
    def process_batch(self, context: dict[str, t.Any]) -> None:
        self.logger.debug("stream `%s`: a batch was dropped", self.stream_name)


def without_formats(schema: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a stream's schema whose properties name no format."""
    properties = {
        name: {key: value for key, value in each.items() if key != "format"}
        for name, each in schema["properties"].items()
    }
    return {**schema, "properties": properties}
