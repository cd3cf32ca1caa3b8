"""Room on the interpreter's stack for deep recursion in a hot loop.

CPython keeps Python frames in chunks of 16 KB and gives a chunk back to the system as soon as a call leaves it.
The executor of GraphQL recurses past such a border for each item of a list, and the system calls at the border then
cost more than the work itself. A frame that claims a large stack gets a chunk large enough for all frames above it.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable

_WORDS = 20_000

Result = t.TypeVar("Result")


def with_room(call: Callable[[], Result]) -> Result:
    """Call a function whose callees then share one chunk of stack."""
    return call()


with_room.__code__ = with_room.__code__.replace(co_stacksize=_WORDS)
