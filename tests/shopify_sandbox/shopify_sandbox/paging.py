"""One page of a connection: first/last, after/before, what follows and what precedes it."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from shopify_sandbox import cursors
from shopify_sandbox.collection import Key, SortValue
from shopify_sandbox.errors import bad_request

MAX_PAGE = 250

Item = t.TypeVar("Item")


class Walk(t.Protocol):
    """Yields the sort keys strictly between two bounds, ascending or descending."""

    def __call__(self, *, descending: bool, low: Key | None, high: Key | None) -> Iterator[Key]:
        """Walk."""


@dataclass(frozen=True, slots=True)
class Order(t.Generic[Item]):
    """An order of items with the cursor form of its sort values."""

    walk: Walk
    load: Callable[[int], Item | None]
    to_cursor: Callable[[SortValue], t.Any]
    from_cursor: Callable[[t.Any], SortValue]

    def cursor(self, key: Key) -> str:
        """The cursor of the item with this sort key."""
        return cursors.encode(int(key[1]), self.to_cursor(key[0]))

    def key(self, cursor: str | None) -> Key | None:
        """The sort key of a cursor.

        Raises:
            ShopError: The text is no cursor of this order.
        """
        if cursor is None:
            return None
        last_id, value = cursors.decode(cursor)
        try:
            return self.from_cursor(value), last_id
        except (TypeError, ValueError) as error:
            raise cursors.invalid_cursor() from error


@dataclass(frozen=True, slots=True)
class PageArguments:
    """The arguments that every connection takes."""

    first: int | None = None
    last: int | None = None
    after: str | None = None
    before: str | None = None
    reverse: bool = False

    @property
    def size(self) -> int:
        """How many items are asked for.

        Raises:
            ShopError: Neither or both of first and last, or a size that is not served.
        """
        if self.first is not None and self.last is not None:
            message = "providing both first and last is not supported"
            raise bad_request(message)
        name, size = ("first", self.first) if self.first is not None else ("last", self.last)
        if size is None:
            message = "you must provide one of first or last"
            raise bad_request(message)
        if size > MAX_PAGE:
            message = (
                f"{name} cannot exceed {MAX_PAGE}. To query larger amounts of data with fewer limits, "
                "bulk operations should be used instead."
            )
            raise bad_request(message)
        if size < 0:
            message = f"{name} must be greater than or equal to 0"
            raise bad_request(message)
        return size


class Page(t.Generic[Item]):
    """The items of one page, in the order of the answer."""

    def __init__(
        self,
        order: Order[Item],
        arguments: PageArguments,
        test: Callable[[Item], bool] | None = None,
        window: tuple[Key | None, Key | None] = (None, None),
    ) -> None:
        """Read the page: items that pass `test`, with sort keys within `window`.

        Raises:
            ShopError: The arguments are refused.
        """
        self._order = order
        self._arguments = arguments
        self._test = test
        self._window = window
        self._after, self._before = order.key(arguments.after), order.key(arguments.before)
        size = arguments.size
        backward = arguments.last is not None
        found = list(islice(self._matching(self._after, self._before, backward=backward), size + 1))
        self._more = len(found) > size
        self.items: list[tuple[Key, Item]] = found[:size][::-1] if backward else found[:size]

    def _matching(self, after: Key | None, before: Key | None, *, backward: bool) -> Iterator[tuple[Key, Item]]:
        reverse = self._arguments.reverse
        low, high = (before, after) if reverse else (after, before)
        least, greatest = self._window
        low = least if low is None or (least is not None and least > low) else low
        high = greatest if high is None or (greatest is not None and greatest < high) else high
        for key in self._order.walk(descending=reverse != backward, low=low, high=high):
            item = self._order.load(int(key[1]))
            if item is not None and (self._test is None or self._test(item)):
                yield key, item

    def _beyond(self, key: Key | None, *, backward: bool) -> bool:
        """Whether anything lies at the cursor or on its far side."""
        if key is None:
            return False
        value, number = key
        # A cursor's own item counts as being beyond it, hence half a step to the inside.
        inside = (value, number + (0.5 if backward != self._arguments.reverse else -0.5))
        bounds = (None, inside) if backward else (inside, None)
        return next(self._matching(*bounds, backward=backward), None) is not None

    def has_next(self) -> bool:
        """Whether there is a page after this one."""
        return self._more if self._arguments.last is None else self._beyond(self._before, backward=False)

    def has_previous(self) -> bool:
        """Whether there is a page before this one."""
        return self._more if self._arguments.last is not None else self._beyond(self._after, backward=True)

    def cursor(self, place: int) -> str | None:
        """The cursor of the item at a place of the page, null on an empty page."""
        return self._order.cursor(self.items[place][0]) if self.items else None

    def connection(self, node: Callable[[Item], t.Any], *, stuck: bool = False) -> dict[str, t.Any]:
        """The page as the source of a GraphQL connection; `stuck` answers as if the cursor could not move on."""
        after = self._arguments.after
        return {
            "edges": lambda _info: [
                {"cursor": self._order.cursor(key), "node": node(item)} for key, item in self.items
            ],
            "nodes": lambda _info: [node(item) for _, item in self.items],
            "pageInfo": {
                "hasNextPage": lambda _info: stuck or self.has_next(),
                "hasPreviousPage": lambda _info: self.has_previous(),
                "startCursor": lambda _info: self.cursor(0),
                "endCursor": lambda _info: after if stuck and after else self.cursor(-1),
            },
        }


def sequence_connection(items: Sequence[Item], node: Callable[[Item], t.Any]) -> Callable[..., dict[str, t.Any]]:
    """The resolver of a connection within a record: its items in their order, each the place it has."""

    def walk(*, descending: bool, low: Key | None, high: Key | None) -> Iterator[Key]:
        first = 0 if low is None else int(low[1] // 1) + 1
        stop = len(items) if high is None else -int(-high[1] // 1)
        places = range(max(first, 0), min(stop, len(items)))
        return ((place, place) for place in (reversed(places) if descending else places))

    order = Order(walk, lambda place: place, str, int)

    def resolve(_info: t.Any, **arguments: t.Any) -> dict[str, t.Any]:
        page = Page(order, page_arguments(arguments))
        return page.connection(lambda place: node(items[place]))

    return resolve


def page_arguments(arguments: dict[str, t.Any]) -> PageArguments:
    """The arguments that every connection takes, out of those of a field."""
    names = ("first", "last", "after", "before", "reverse")
    return PageArguments(**{name: arguments[name] for name in names if arguments.get(name) is not None})
