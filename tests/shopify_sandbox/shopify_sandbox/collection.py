"""A base of computed records with stored changes over it, in the orders that the API can sort by."""

from __future__ import annotations

import heapq
import itertools
import math
import typing as t
from bisect import bisect_left, bisect_right, insort
from functools import lru_cache

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Record_co = t.TypeVar("Record_co", bound="Stored", covariant=True)
Record = t.TypeVar("Record", bound="Stored")
SortValue: t.TypeAlias = t.Any
Key: t.TypeAlias = tuple[SortValue, float]

_CACHED_RECORDS = 20_000


class Stored(t.Protocol):
    """What every record has."""

    @property
    def number(self) -> int:
        """The numeric id."""

    @property
    def updated_at(self) -> int:
        """When it last changed."""


class Base(t.Protocol[Record_co]):
    """Records that are computed from their index and numbered without gaps."""

    @property
    def count(self) -> int:
        """How many records there are."""

    def number(self, index: int) -> int:
        """The numeric id at an index."""

    def index(self, number: int) -> int | None:
        """The index of a numeric id."""

    def record(self, index: int) -> Record_co:
        """The record at an index."""


class UpdatedBase(Base[Record_co], t.Protocol[Record_co]):
    """A base that can also be walked in the order (updated_at, id) without computing its records."""

    def key_at(self, position: int) -> tuple[int, int]:
        """The sort key at a position."""

    def first_position(self, key: tuple[int, float], *, after: bool) -> int:
        """The first position whose key is at least the key, or beyond it."""


class View(t.Generic[Record]):
    """The records as they stand at one time: the base with `changed` over it (null = deleted)."""

    def __init__(self, base: Base[Record], changed: dict[int, Record | None]) -> None:
        """Put `changed`, by numeric id, over the base."""
        self._base = base
        self._changed = changed
        self._sorted: dict[str, list[Key]] = {}
        self._by_updated = sorted((r.updated_at, r.number) for r in changed.values() if r is not None)
        self._added = sorted(n for n, r in changed.items() if r is not None and base.index(n) is None)
        self._computed = lru_cache(_CACHED_RECORDS)(base.record)

    def get(self, number: int) -> Record | None:
        """The record with this id, or null."""
        if number in self._changed:
            return self._changed[number]
        index = self._base.index(number)
        return None if index is None else self._computed(index)

    def put(self, number: int, record: Record | None) -> None:
        """Store a record, or its deletion."""
        old = self._changed.get(number)
        if old is not None:
            self._by_updated.remove((old.updated_at, number))
        if self._base.index(number) is None:
            if old is None and record is not None:
                insort(self._added, number)
            elif old is not None and record is None:
                self._added.remove(number)
        self._changed[number] = record
        if record is not None:
            insort(self._by_updated, (record.updated_at, number))
        self._sorted.clear()

    def count(self) -> int:
        """How many records exist."""
        deleted = sum(1 for n, r in self._changed.items() if r is None and self._base.index(n) is not None)
        return self._base.count - deleted + len(self._added)

    def count_updated(self, low: Key | None, high: Key | None) -> int:
        """How many keys (updated_at, id) lie strictly between the bounds, without walking them."""
        base = t.cast("UpdatedBase[Record]", self._base)
        first = 0 if low is None else base.first_position(low, after=True)
        stop = base.count if high is None else base.first_position(high, after=False)
        begin = 0 if low is None else bisect_right(self._by_updated, low)
        end = len(self._by_updated) if high is None else bisect_left(self._by_updated, high)
        indexes = [index for number in self._changed if (index := base.index(number)) is not None]
        keys: list[Key] = [(base.record(index).updated_at, base.number(index)) for index in indexes]
        gone = sum(1 for key in keys if (low is None or key > low) and (high is None or key < high))
        return max(stop - first, 0) - gone + max(end - begin, 0)

    def numbers(self) -> Iterator[int]:
        """All ids, ascending."""
        yield from (number for number, _ in self.by_id(descending=False, low=None, high=None))

    def records(self) -> Iterator[Record]:
        """All records by id, ascending."""
        for number in self.numbers():
            record = self.get(number)
            if record is not None:
                yield record

    def by_id(self, *, descending: bool, low: Key | None, high: Key | None) -> Iterator[Key]:
        """Keys (id, id) strictly between the bounds."""
        first = 0 if low is None else max(math.floor(low[1]) - self._base.number(0) + 1, 0)
        stop = self._base.count if high is None else min(math.ceil(high[1]) - self._base.number(0), self._base.count)
        begin = 0 if low is None else bisect_right(self._added, low[1])
        end = len(self._added) if high is None else bisect_left(self._added, high[1])
        # Added records have greater ids than those of the base.
        base = (self._base.number(index) for index in _span(first, stop, descending))
        added = (self._added[place] for place in _span(begin, end, descending))
        for number in itertools.chain(added, base) if descending else itertools.chain(base, added):
            if self._changed.get(number, 0) is not None:
                yield number, number

    def by_updated(self, *, descending: bool, low: Key | None, high: Key | None) -> Iterator[Key]:
        """Keys (updated_at, id) strictly between the bounds."""
        base = t.cast("UpdatedBase[Record]", self._base)
        first = 0 if low is None else base.first_position(low, after=True)
        stop = base.count if high is None else base.first_position(high, after=False)
        begin = 0 if low is None else bisect_right(self._by_updated, low)
        end = len(self._by_updated) if high is None else bisect_left(self._by_updated, high)
        kept = (key for p in _span(first, stop, descending) if (key := base.key_at(p))[1] not in self._changed)
        changed = (self._by_updated[place] for place in _span(begin, end, descending))
        yield from heapq.merge(kept, changed, reverse=descending)

    def by_value(
        self,
        name: str | None,
        value: Callable[[Record], SortValue],
        *,
        descending: bool,
        low: Key | None,
        high: Key | None,
    ) -> Iterator[Key]:
        """Keys (value, id) strictly between the bounds; the order is remembered under `name`, if there is one."""
        keys = self._sorted.get(name) if name else None
        if keys is None:
            keys = sorted((value(record), record.number) for record in self.records())
        if name:
            self._sorted[name] = keys
        begin = 0 if low is None else bisect_right(keys, low)
        end = len(keys) if high is None else bisect_left(keys, high)
        yield from (keys[place] for place in _span(begin, end, descending))


def _span(first: int, stop: int, descending: bool) -> range:
    return range(stop - 1, first - 1, -1) if descending else range(first, stop)


class Collection(t.Generic[Record]):
    """Records of one kind with the history of their changes, so that a lagging search index can be shown."""

    def __init__(self, base: Base[Record]) -> None:
        """Begin with the base, unchanged."""
        self._base = base
        self._history: dict[int, list[tuple[int, Record | None]]] = {}
        self._added = 0
        self.live: View[Record] = View(base, {})

    @property
    def changed(self) -> bool:
        """Whether anything was ever changed."""
        return bool(self._history)

    def number(self, index: int) -> int:
        """The numeric id of the base's record at an index."""
        return self._base.number(index)

    def next_number(self) -> int:
        """An id that was never used."""
        self._added += 1
        return self._base.number(self._base.count + self._added - 1)

    def put(self, record: Record, at: int) -> Record:
        """Store a record as changed at `at`."""
        self._history.setdefault(record.number, []).append((at, record))
        self.live.put(record.number, record)
        return record

    def delete(self, number: int, at: int) -> None:
        """Delete a record at `at`."""
        self._history.setdefault(number, []).append((at, None))
        self.live.put(number, None)

    def as_of(self, at: int) -> View[Record]:
        """The records without the changes made after `at`."""
        changed: dict[int, Record | None] = {}
        for number, versions in self._history.items():
            known = [record for when, record in versions if when <= at]
            if known:
                changed[number] = known[-1]
            elif self._base.index(number) is None:
                changed[number] = None
        return View(self._base, changed)
