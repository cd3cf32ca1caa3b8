"""The files of a BATCH message: JSON lines, plain or compressed, from wherever the SDK can read."""

from __future__ import annotations

import gzip
import typing as t
import zlib

import msgspec
from singer_sdk.helpers._batch import StorageTarget

from target_contactdb.decoding import shallow, whole_characters
from target_contactdb.errors import StreamError
from target_contactdb.json_values import MOST_LEVELS

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers._batch import BaseBatchFileEncoding

_COMPRESSIONS: t.Final = (None, "none", "gzip")
# The record, and one level more than a value may have: what has it is rejected for it.
_LEVELS: t.Final = 1 + MOST_LEVELS + 1
_DAMAGED: t.Final = (EOFError, zlib.error, gzip.BadGzipFile)
# What comes of a file that is not there, or lies where nothing that is installed can read.
_UNREADABLE: t.Final = (OSError, ImportError, ValueError, NotImplementedError)

_check: t.Final = msgspec.json.Decoder(msgspec.Raw).decode


def read_lines(
    stream: str, encoding: BaseBatchFileEncoding, file: str, storage: StorageTarget | None = None
) -> list[bytes]:
    """Return the records of a file, as JSON.

    Args:
        stream: The stream.
        encoding: How the file is written.
        file: Its URL.
        storage: Where files lie, if the SDK's settings say so.

    Raises:
        StreamError: The file cannot be read, or it holds something else. Nothing of it is repeated.
    """
    if encoding.format != "jsonl" or encoding.compression not in _COMPRESSIONS:
        msg = f"stream `{stream}`: a BATCH message has files of a format that is not supported"
        raise StreamError(msg)
    try:
        return [_record(line) for line in _lines(encoding, file, storage)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        msg = f"stream `{stream}`: a file of a BATCH message is not JSON lines in UTF-8"
    except _DAMAGED:
        msg = f"stream `{stream}`: a file of a BATCH message is not gzip, or it is damaged or cut short"
    except _UNREADABLE as error:
        msg = f"stream `{stream}`: a file of a BATCH message cannot be read: {type(error).__name__}"
    raise StreamError(msg)


def _lines(encoding: BaseBatchFileEncoding, file: str, storage: StorageTarget | None) -> Iterator[bytes]:
    folder, name = StorageTarget.split_url(file)
    with (storage or StorageTarget.from_url(folder)).open(name) as packed:
        if encoding.compression == "gzip":
            with gzip.open(packed) as plain:
                yield from plain
        else:
            yield from packed


def _record(line: bytes) -> bytes:
    record = shallow(line.rstrip(b"\r\n"), _LEVELS)
    # A line is looked at twice, so that a file with a bad one brings nothing.
    record.decode()
    try:
        _check(record)
    except msgspec.DecodeError:
        record = whole_characters(record)
        _check(record)
    return record
