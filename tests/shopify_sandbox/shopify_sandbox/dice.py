"""Chance that is a pure function of a key: the same key gives the same throws on every machine."""

from __future__ import annotations

import typing as t
from hashlib import blake2b

T = t.TypeVar("T")

_DIGEST_BYTES = 64
# A throw is a remainder of what is left of the digest; below this many bits the remainder would lean to small values.
_RESERVE_BITS = 64


class Dice:
    """A deterministic source of throws for one key, far cheaper to start than `random.Random`."""

    __slots__ = ("_bits", "_key", "_left", "_turn")

    def __init__(self, *key: str | int) -> None:
        """Make the source for a key, for example (seed, "customer", index)."""
        self._key = repr(key).encode()
        self._turn = 0
        self._bits = 0
        self._left = 0

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        need = limit.bit_length()
        if self._left < need + _RESERVE_BITS:
            digest = blake2b(self._key, digest_size=_DIGEST_BYTES, salt=self._turn.to_bytes(16, "big")).digest()
            self._bits = int.from_bytes(digest, "big")
            self._left = _DIGEST_BYTES * 8
            self._turn += 1
        self._bits, throw = divmod(self._bits, limit)
        self._left -= need
        return throw

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def percent(self, chance: float) -> bool:
        """True in `chance` of 100 throws, to a hundredth of a percent."""
        return self.below(10_000) < chance * 100

    def pick(self, options: t.Sequence[T]) -> T:
        """One of the options, all alike."""
        return options[self.below(len(options))]

    def weighted(self, options: t.Sequence[tuple[int, T]]) -> T:
        """One of the options by their weights."""
        throw = self.below(sum(weight for weight, _ in options))
        for weight, option in options:
            if throw < weight:
                return option
            throw -= weight
        message = "weights must be positive"
        raise ValueError(message)

    def hexadecimal(self, digits: int) -> str:
        """Text of that many hexadecimal digits."""
        return f"{self.below(16**digits):0{digits}x}"
