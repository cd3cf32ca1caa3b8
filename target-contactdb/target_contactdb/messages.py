"""Reading Singer messages: records of our streams go to their sinks as bytes, everything else through the SDK."""

from __future__ import annotations

import selectors
import time
import typing as t
from collections import Counter

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecReader
from typing_extensions import override

from target_contactdb.decoding import decode_json, shallow, whole_characters
from target_contactdb.errors import StreamError
from target_contactdb.json_values import MOST_LEVELS
from target_contactdb.message_shapes import check_message

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from target_contactdb.target import TargetContactDB

    Callbacks = dict[str, t.Callable[[dict[str, t.Any]], None]]

_CHUNK_BYTES: t.Final = 1 << 18
# A tap that is silent for so long is waiting for its source: time to pass on what it has said.
_PAUSE_SECONDS: t.Final = 0.05
# A tap that never pauses is not kept waiting for a full batch either.
_PATIENCE_SECONDS: t.Final = 5.0
# The message, the record, and one level more than a value may have: what has it is rejected for it.
_RECORD_LEVELS: t.Final = 2 + MOST_LEVELS + 1
# What the SDK and the check of schemas go down to without coming near the end of Python's stack.
_MESSAGE_LEVELS: t.Final = 100


class _Message(msgspec.Struct, gc=False):
    """The envelope of a message: what is in a record stays unread."""

    type: str
    stream: str = ""
    record: msgspec.Raw = msgspec.Raw(b"")


class MessageReader(MsgSpecReader):
    """Reads Singer messages and never repeats a line in an error: a line may hold a person.

    Attributes:
        target: Takes the records; set before the first line.
    """

    target: TargetContactDB

    @override
    def deserialize_json(self, line: str | bytes) -> dict[str, t.Any]:
        try:
            message = decode_json(line.encode() if isinstance(line, str) else line)
        except msgspec.DecodeError as error:
            msg = f"a line of the input is not JSON: {error}"
            raise StreamError(msg) from None
        except UnicodeDecodeError:
            msg = "a line of the input is not UTF-8"
            raise StreamError(msg) from None
        if not isinstance(message, dict):
            msg = "a line of the input is not an object"
            raise StreamError(msg)
        return message

    @override
    def process_lines(self, file_input: t.IO[str] | None, callbacks: Callbacks) -> t.Counter[str]:
        with self.target.run.watched():
            return self._process(_Input(file_input or self.default_input), callbacks)

    def _process(self, lines: _Input, callbacks: Callbacks) -> t.Counter[str]:
        target, decode = self.target, msgspec.json.Decoder(_Message).decode
        stats: Counter[str] = Counter()
        told_at: float | None = None
        for chunk in lines.chunks():
            for line in chunk:
                record = shallow(line, _RECORD_LEVELS)
                try:
                    message = decode(record)
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    # Half a character would be an error; whatever else is wrong with it, the SDK's own way finds out.
                    message, record, line = None, whole_characters(record), whole_characters(line)
                if message is not None and message.type == "RECORD" and message.record:
                    sink = target.sink_of_lines(message.stream)
                    if sink is not None:
                        sink.take(bytes(message.record))
                        stats["RECORD"] += 1
                        if sink.is_full:
                            target.drain_one(sink)
                        continue
                kind = self._pass_on(line, record, callbacks)
                stats[kind] += 1
                if kind == "STATE" and told_at is None:
                    told_at = time.monotonic()
            if told_at is not None and (lines.pauses() or time.monotonic() - told_at > _PATIENCE_SECONDS):
                target.drain_all()
                told_at = None
        return stats

    def _pass_on(self, line: bytes, record: bytes, callbacks: Callbacks) -> str:
        """Pass a message on to the SDK.

        Args:
            line: The message.
            record: The same, as deep as the message of a record may be.
            callbacks: What takes it, by its type.
        """
        message = self.deserialize_json(record)
        kind = message.get("type")
        callback = callbacks.get(kind) if isinstance(kind, str) else None
        if callback is None:
            msg = f"a line of the input is a message of an unknown type; known are {', '.join(sorted(callbacks))}"
            raise StreamError(msg)
        if kind != "RECORD" and record != line:
            if shallow(line, _MESSAGE_LEVELS) != line:
                msg = f"a {kind} message has more than {_MESSAGE_LEVELS} levels of lists and objects in each other"
                raise StreamError(msg)
            message = self.deserialize_json(line)
        check_message(message)
        callback(message)
        return str(kind)


class _Input:
    """The lines of a pipe, a file or a text in memory, in chunks of bytes, and whether more is coming."""

    def __init__(self, source: t.IO[str]) -> None:
        self._text = source
        self._binary: t.Any = getattr(source, "buffer", None)
        self._selector: selectors.BaseSelector | None = None
        try:
            descriptor = source.fileno()
        except OSError:
            return
        try:
            self._selector = selectors.DefaultSelector()
            self._selector.register(descriptor, selectors.EVENT_READ)
        except (OSError, ValueError):
            # A file on the disk: it never pauses.
            self._selector = None

    def pauses(self) -> bool:
        """Wait for a moment and tell whether nothing came. A text in memory pauses wherever it is asked."""
        if self._selector is not None:
            return not self._selector.select(_PAUSE_SECONDS)
        return self._binary is None

    def chunks(self) -> Iterator[list[bytes]]:
        """Return lines without their ends, as many as there are at a time."""
        if self._binary is None:
            # Text in memory is small: line by line, so that each STATE stands alone.
            for text in self._text:
                yield [text.rstrip("\n").encode()]
            return
        rest = b""
        while chunk := self._binary.read1(_CHUNK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if lines:
                yield lines
        if rest:
            yield [rest]
