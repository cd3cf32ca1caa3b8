"""Writes the records of a page at once: the SDK's writer takes messages one by one, and flushes after each."""

from __future__ import annotations

import contextlib
import signal
import sys
import typing as t
from datetime import UTC, datetime

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter
from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.singerlib.encoding.simple import Message

    from tap_shopify_contacts.compiled import Record


class _RecordLine(msgspec.Struct, tag="RECORD", tag_field="type", omit_defaults=True, gc=False):
    """A RECORD message, member by member as the SDK writes it."""

    stream: str
    record: t.Any
    version: int | None = None
    time_extracted: datetime | None = None


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals that end the run wait: what is larger than Python's buffer would else be cut off within a line."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_encoder = msgspec.json.Encoder(decimal_format="number")


class PageWriter(MsgSpecWriter):
    """The SDK's fast writer, which also takes many records of one stream together."""

    def write_records(self, stream: str, records: Iterable[Record], version: int | None) -> None:
        """Write a RECORD message for each record, as extracted now. They are out when the next message is written."""
        now = datetime.now(UTC)
        self.write_lines(_encoder.encode_lines([_RecordLine(stream, record, version, now) for record in records]))

    def write_lines(self, lines: bytes) -> None:
        """Write whole messages that are encoded already."""
        with _undisturbed():
            sys.stdout.buffer.write(lines)

    @override
    def write_message(self, message: Message) -> None:
        with _undisturbed():
            super().write_message(message)
