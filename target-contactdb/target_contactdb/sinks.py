"""Sinks: records come in, as bytes from the reader or as dicts from the SDK; batches go to the imports."""

from __future__ import annotations

import typing as t

import msgspec
from singer_sdk.exceptions import InvalidJSONSchema, MissingKeyPropertiesError
from singer_sdk.sinks import Sink
from singer_sdk.sinks.core import JSONSchemaValidator
from typing_extensions import override

from target_contactdb.batch_files import read_lines
from target_contactdb.errors import StreamError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from singer_sdk.helpers._batch import BaseBatchFileEncoding
    from singer_sdk.sinks.core import BaseJSONSchemaValidator

    from target_contactdb.runs import Write
    from target_contactdb.target import TargetContactDB

# Stream maps may put values into a record that JSON has no word for.
_ENCODER: t.Final = msgspec.json.Encoder(enc_hook=str, decimal_format="number")
# In the context of a batch: the records of a file.
_OF_FILE: t.Final = "lines"


def _read_files(sink: Sink, encoding: BaseBatchFileEncoding, files: Sequence[str]) -> Iterator[list[bytes]]:
    """Return the records of each file of a BATCH message, and count them."""
    storage = sink.batch_config.storage if sink.batch_config is not None else None
    for file in files:
        lines = read_lines(sink.stream_name, encoding, file, storage)
        sink.record_counter_metric.increment(len(lines))
        yield lines


class ImportSink(Sink):
    """A stream that becomes contacts or checkouts."""

    def __init__(
        self, target: TargetContactDB, stream_name: str, schema: dict[str, t.Any], key_properties: Sequence[str] | None
    ) -> None:
        # Without key properties the SDK lets a record pass that lacks its key: the import rejects that one record.
        super().__init__(target, stream_name, schema, ())
        self._declared_keys = key_properties or []
        # The import reads every value strictly itself, times too: a bad one rejects its record, not the run.
        self.schema = without_formats(self.schema)
        self._lines: list[bytes] = []
        self._uncounted = 0
        self._write: Write | None = target.start_import(stream_name, self.original_schema)

    @property
    @override
    def key_properties(self) -> Sequence[str]:
        return self._declared_keys

    @override
    def get_validator(self) -> BaseJSONSchemaValidator | None:
        return None

    def take(self, line: bytes) -> None:
        """Take a record as the bytes that came in.

        Args:
            line: The record as JSON.
        """
        self._lines.append(line)
        self._uncounted += 1
        self.tally_record_read()

    def take_decoded(self, record: t.Any) -> None:
        """Take what came in the place of a record and is no object."""
        self.take(_ENCODER.encode(record))

    @override
    def process_record(self, record: dict[str, t.Any], context: dict[str, t.Any]) -> None:
        self._lines.append(_ENCODER.encode(record))

    @override
    def process_batch(self, context: dict[str, t.Any]) -> None:
        # What a file brought goes behind what came as lines.
        lines = self._lines + context.get(_OF_FILE, [])
        self._lines = []
        # The SDK counts what goes through it; this is what does not.
        self.record_counter_metric.increment(self._uncounted)
        self._uncounted = 0
        if self._write is not None:
            for start in range(0, len(lines), self.max_size):
                self._write(lines[start : start + self.max_size])

    @override
    def process_batch_files(self, encoding: BaseBatchFileEncoding, files: Sequence[str]) -> None:
        for lines in _read_files(self, encoding, files):
            self.process_batch({_OF_FILE: lines})


class _Validator(JSONSchemaValidator):
    """Checks records, and tells of one that is wrong without its values."""

    def __init__(self, stream: str, schema: dict[str, t.Any]) -> None:
        """Check the schema.

        Raises:
            StreamError: It is no JSON Schema.
        """
        self._stream = stream
        try:
            super().__init__(schema)
        except InvalidJSONSchema as error:
            cause: t.Any = error.__cause__
            place = ".".join(str(step) for step in cause.absolute_path)
            msg = f"stream `{stream}`: its schema is no JSON Schema: `{place}` fails `{cause.validator}`"
            raise StreamError(msg) from None

    @override
    def validate(self, record: dict[str, t.Any]) -> None:
        try:
            error = next(self.validator.iter_errors(record), None)
        except Exception as problem:
            # A pattern that is none, a reference to nothing or to itself: what a schema may do wrong has no end.
            kind = type(problem).__name__.lstrip("_")
            msg = f"stream `{self._stream}`: its schema cannot be applied to a record ({kind})"
        else:
            if error is None:
                return
            where = f"field `{error.absolute_path[0]}`" if error.absolute_path else "it"
            msg = f"stream `{self._stream}`: a record does not keep to its schema: {where} fails `{error.validator}`"
        raise StreamError(msg)


class NoKey(StreamError, MissingKeyPropertiesError):
    """A record lacks a key property that its stream has."""


class DroppingSink(Sink):
    """A stream that has no place in a contact database: checked, counted, dropped, and warned about once."""

    @override
    def get_validator(self) -> BaseJSONSchemaValidator | None:
        return _Validator(self.stream_name, self.schema)

    def __init__(
        self, target: TargetContactDB, stream_name: str, schema: dict[str, t.Any], key_properties: Sequence[str] | None
    ) -> None:
        super().__init__(target, stream_name, schema, key_properties)
        # The SDK reads times by their format, and repeats a wrong one in the log.
        self.schema = without_formats(self.schema)

    # The SDK's own error repeats what the record has.
    @override
    def _singer_validate_message(self, record: dict[str, t.Any]) -> None:
        missing = [name for name in self.key_properties if name not in record]
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            raise NoKey(f"stream `{self.stream_name}`: a record lacks its key {names}")

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
    def process_batch_files(self, encoding: BaseBatchFileEncoding, files: Sequence[str]) -> None:
        for lines in _read_files(self, encoding, files):
            self.tally_record_written(len(lines))

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
