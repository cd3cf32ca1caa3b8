"""Records encoded once and then served as bytes, in the order of a list; kept in a file, so that memory stays small."""

from __future__ import annotations

import os
import tempfile
import threading
import typing as t
from array import array
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK = 250


@dataclass(frozen=True, slots=True)
class Block:
    """Where the items of a block lie: its place in the file, the end of each item within it, what each one costs."""

    place: int
    ends: array[int]
    costs: array[int]


class EncodedItems:
    """`count` items, encoded block by block when they are first asked for; with a separator between them."""

    def __init__(self, count: int, encode: Callable[[int], tuple[bytes, int]], separator: bytes) -> None:
        """`encode` gives the bytes of the item at a position, and its cost."""
        self._count = count
        self._encode = encode
        self._separator = separator
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._size = 0
        self._blocks: dict[int, Block] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _block(self, index: int) -> Block:
        with self._lock:
            found = self._blocks.get(index)
            if found is None:
                found = self._blocks[index] = self._write(index)
            return found

    def _write(self, index: int) -> Block:
        ends, costs, size = array("I"), array("I"), 0
        parts: list[bytes] = []
        for position in range(index * _BLOCK, min((index + 1) * _BLOCK, self._count)):
            item, cost = self._encode(position)
            size += len(item) + (len(self._separator) if parts else 0)
            parts.append(item)
            ends.append(size)
            costs.append(cost)
        place = self._size
        self._file.write(self._separator.join(parts))
        self._file.flush()
        self._size += size
        return Block(place, ends, costs)

    def chunks(self, first: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
        """The items from `first` to before `stop` by blocks: their bytes, how many they are, what the dearest costs."""
        while first < stop:
            index, begin = divmod(first, _BLOCK)
            end = min(stop - index * _BLOCK, _BLOCK)
            block = self._block(index)
            low = block.ends[begin - 1] + len(self._separator) if begin else 0
            data = os.pread(self._file.fileno(), block.ends[end - 1] - low, block.place + low)
            yield data, end - begin, max(block.costs[begin:end])
            first = index * _BLOCK + end

    def pieces(self, first: int, stop: int) -> tuple[list[bytes], int]:
        """The items from `first` to before `stop` with their separators, and what the dearest one costs."""
        chunks = list(self.chunks(first, stop))
        pieces = [piece for data, _, _ in chunks for piece in (self._separator, data)]
        return pieces[1:], max((cost for _, _, cost in chunks), default=0)
