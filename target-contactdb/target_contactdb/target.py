"""The Singer target: messages come in, a STATE goes out once everything before it is committed, and then at once."""

from __future__ import annotations

import copy
import logging
import os
import sys
import time
import typing as t

from singer_sdk.exceptions import RecordsWithoutSchemaException
from singer_sdk.helpers.capabilities import PluginCapabilities, TargetCapabilities
from singer_sdk.target_base import Target
from typing_extensions import override

from target_contactdb.config_file import read_config_file, refuse_unread
from target_contactdb.errors import ConfigError, ContactDbError, Interrupted, StreamCutShort, StreamError
from target_contactdb.messages import MessageReader
from target_contactdb.output import output_lost, require_output
from target_contactdb.runs import NOT_STARTED, Run
from target_contactdb.settings import read_settings
from target_contactdb.settings_schema import CONFIG_JSONSCHEMA
from target_contactdb.sinks import DroppingSink, ImportSink
from target_contactdb.stream_maps import checked_maps, watch

if t.TYPE_CHECKING:
    from types import FrameType

    import click
    from singer_sdk.sinks import Sink

    from target_contactdb.runs import Write

# Settings of the SDK that would do nothing here: a project that sets them for all its loaders may do so.
_WITHOUT_EFFECT: t.Final = (
    "add_record_metadata",
    "batch_config",
    "faker_config",
    "flattening_enabled",
    "flattening_max_depth",
    "flattening_max_key_length",
    "flattening_separator",
    "hard_delete",
    "load_method",
    "process_activate_version_messages",
)
_ENVIRONMENT: t.Final = "ENV"
_PATIENCE_SECONDS: t.Final = 60
_CHUNK_BYTES: t.Final = 1 << 16


class NoSchema(StreamError, RecordsWithoutSchemaException):
    """A stream's message came before its SCHEMA."""


class TargetContactDB(Target):
    """Keeps a contact database up to date."""

    name = "target-contactdb"
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = copy.deepcopy(
        CONFIG_JSONSCHEMA
    )  # The SDK writes its own settings into it.
    message_reader_class = MessageReader
    default_sink_class = DroppingSink
    capabilities: t.ClassVar[list[t.Any]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.BATCH,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.STRUCTURED_LOGGING,
        TargetCapabilities.VALIDATE_RECORDS,
    ]

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, t.Any]) -> None:
        super().append_builtin_config(config_jsonschema)
        for name in _WITHOUT_EFFECT:
            config_jsonschema["properties"].pop(name, None)

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> t.Any:
        # The SDK shows a traceback for a file that it cannot read.
        found = super().cb_config(ctx, param, tuple(path for path in value if path == _ENVIRONMENT))
        try:
            for path in value:
                found.config |= {} if path == _ENVIRONMENT else read_config_file(path)
        except ConfigError as error:
            cls.logger.critical("%s. %s", error, NOT_STARTED)
            ctx.exit(1)
        return found

    def __init__(self, **kwargs: t.Any) -> None:
        """Check the settings; nothing is opened before a stream announces itself.

        Raises:
            ConfigError: The settings are wrong.
        """
        reader = MessageReader()
        super().__init__(message_reader=reader, **kwargs)
        # Customers are written before anything that refers to them.
        self.max_parallelism = 1
        settings = read_settings(self.config, (*self.config_jsonschema["properties"], *_WITHOUT_EFFECT))
        self.run = Run(settings, self.logger)
        reader.target = self
        self._passed_on: dict[str, t.Any] | None = None
        # Stream maps change records, so those go the SDK's own way.
        self._maps_records = bool(self.config.get("stream_maps"))
        self._sinks_of_lines: dict[str, ImportSink | None] = {}

    @override
    def get_sink_class(self, stream_name: str) -> type[Sink]:
        return DroppingSink if self.run.kind_of(stream_name) is None else ImportSink

    def sink_of_lines(self, stream: str) -> ImportSink | None:
        """Return the sink that takes a stream's records as bytes; None if they have to go through the SDK."""
        if stream not in self._sinks_of_lines:
            sink = self.get_sink(stream) if self.sink_exists(stream) and not self._maps_records else None
            self._sinks_of_lines[stream] = sink if isinstance(sink, ImportSink) else None
        return self._sinks_of_lines[stream]

    @override
    def _process_schema_message(self, message_dict: dict[str, t.Any]) -> None:
        with checked_maps():
            super()._process_schema_message(message_dict)
        stream = message_dict["stream"]
        watch(stream, self.mapper.stream_maps.get(stream, ()))
        self._sinks_of_lines.clear()

    @override
    def _process_record_message(self, message_dict: dict[str, t.Any]) -> None:
        record, stream = message_dict["record"], message_dict["stream"]
        if isinstance(record, dict):
            super()._process_record_message(message_dict)
            return
        # No stream map can change what is no object: the import rejects it.
        if stream not in self.mapper.stream_maps:
            self._assert_sink_exists(stream)
        for mapped in self.mapper.stream_maps[stream]:
            sink = self.get_sink(mapped.stream_alias)
            if not isinstance(sink, ImportSink):
                msg = f"stream `{stream}`: a record is not an object"
                raise StreamError(msg)
            sink.take_decoded(record)

    @override
    def _process_activate_version_message(self, message_dict: dict[str, t.Any]) -> None:
        stream, version = message_dict["stream"], message_dict["version"]
        if stream not in self.mapper.stream_maps:
            self._assert_sink_exists(stream)
        for mapped in self.mapper.stream_maps[stream]:
            if self.sink_exists(mapped.stream_alias):
                self.drain_one(self.get_sink(mapped.stream_alias))
                self.run.conclude(mapped.stream_alias, version)

    @override
    def _process_batch_message(self, message_dict: dict[str, t.Any]) -> None:
        stream = message_dict["stream"]
        if self._maps_records:
            msg = f"stream `{stream}`: stream maps do not reach the files of a BATCH message; do without one of them"
            raise StreamError(msg)
        if stream not in self.mapper.stream_maps:
            self._assert_sink_exists(stream)
        # What else an encoding may say the SDK does not know.
        encoding = {name: message_dict["encoding"].get(name) for name in ("format", "compression")}
        super()._process_batch_message({**message_dict, "encoding": encoding})

    @override
    def _assert_sink_exists(self, stream_name: str) -> None:
        if not self.sink_exists(stream_name):
            msg = f"stream `{stream_name}`: a message came before its SCHEMA"
            raise NoSchema(msg)

    def start_import(self, stream: str, schema: dict[str, t.Any]) -> Write | None:
        """Return what writes the batches of a stream; None if the settings switch its import off."""
        # A schema that changed has a new sink: what the old one holds is older and goes first.
        self.drain_all()
        return self.run.start_import(stream, schema)

    @override
    def process_endofpipe(self) -> None:
        with self.run.watched():
            super().process_endofpipe()
            self.run.complete()

    @override
    def _write_state_message(self, state: dict[str, t.Any]) -> None:
        if state == self._passed_on:
            return
        self.run.note_committed(state)
        self._passed_on = state
        if self.run.passes_on(state):
            try:
                super()._write_state_message(state)
            except OSError as error:
                raise output_lost(error) from None

    # The SDK would drain from inside the signal handler, which may stand in the middle of a transaction.
    # What is not committed is not passed on either, so the next run reads it again.
    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        msg = f"ended by signal {signum}; what was read but not committed is read again by the next run"
        raise Interrupted(msg)

    @override
    @classmethod
    def invoke(cls, **kwargs: t.Any) -> None:
        try:
            # A run whose states nobody gets would be done again and again.
            require_output()
            given = kwargs["config"]
            if not given.parse_env and not kwargs.get("about"):
                refuse_unread(given.config, cls.config_jsonschema["properties"], os.environ)
            super().invoke(**kwargs)
        except ContactDbError as error:
            # Why a stream was cut short says the tap: that line is to stand out, not this one.
            level = logging.ERROR if isinstance(error, StreamCutShort) else logging.CRITICAL
            text = str(error)
            cls.logger.log(level, "%s%s %s", text, "" if text.endswith((".", "?")) else ".", NOT_STARTED)
            if kwargs.get("file_input") is None and not isinstance(error, Interrupted):
                _let_the_tap_finish(sys.stdin.buffer)
            sys.exit(1)


def _let_the_tap_finish(pipe: t.BinaryIO) -> None:
    """Read on for a while without looking.

    Meltano answers a pipe that closes under the tap with pages of tracebacks, and the one line that says what is wrong
    drowns in them. A tap that has much to read is not waited for: the error is not worth an hour.
    """
    patience = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < patience and pipe.read(_CHUNK_BYTES):
        continue
