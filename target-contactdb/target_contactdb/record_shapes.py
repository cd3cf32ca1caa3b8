"""The shapes that records of one stream come in: mostly one, now and then one that leaves fields out."""

from __future__ import annotations

import typing as t

import msgspec

from target_contactdb.typed_records import NULL_CHARACTER, ValueReader, decode_record, value_reader

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_contactdb.dialects.base import Loader
    from target_contactdb.mapping import Filled

_MOST: t.Final = 16

NOT_READ: t.Final = (msgspec.MsgspecError, ValueError)
"""What `ValueReader.read` raises for a record of another shape, or one that has to be read the slow way."""

Carried: t.TypeAlias = tuple[bool, ...]
"""Per mapping, whether a record carries its source."""


class Shapes:
    """Readers of values by shape; the shape that came last is tried first.

    Attributes:
        current: The reader of that shape.
    """

    def __init__(self, mappings: Sequence[Filled], properties: Mapping[str, t.Any], loader: Loader) -> None:
        self._mappings, self._properties, self._loader = mappings, properties, loader
        self._readers: dict[Carried, ValueReader] = {}
        self.current = self._reader_of((True,) * len(mappings))

    def read(self, line: bytes) -> tuple[Carried, tuple[t.Any, ...]] | None:
        """Return which mappings a record carries, and their values; None if it has to be read the slow way."""
        if NULL_CHARACTER in line:
            return None
        try:
            return self.current.carried, self.current.read(line)
        except NOT_READ:
            record = decode_record(line)
        shape = tuple(one.source in record for one in self._mappings)
        if shape == self.current.carried or (shape not in self._readers and len(self._readers) >= _MOST):
            return None
        self.current = self._reader_of(shape)
        try:
            return shape, self.current.read(line)
        except NOT_READ:
            return None

    def _reader_of(self, shape: Carried) -> ValueReader:
        if shape not in self._readers:
            self._readers[shape] = value_reader(self._mappings, self._properties, shape, self._loader)
        return self._readers[shape]
