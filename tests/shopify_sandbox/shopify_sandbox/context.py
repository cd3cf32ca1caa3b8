"""What the resolvers of one request know."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from shopify_sandbox.bulk import Operations
    from shopify_sandbox.fast import Fast
    from shopify_sandbox.store import Store


@dataclass
class Context:
    """One request: the store, the version served, the app's scopes, what faults change, and warnings to tell.

    `frozen` reads the lists as they are at `now`, whatever changes while they are read. `looked` are the bulk
    operations that this request has looked at. `aged_at` is the time that ages of records are told for: now, but in
    fast mode, where bytes are kept, the start.
    """

    store: Store
    version: str
    scopes: frozenset[str]
    denied_fields: frozenset[tuple[str, str]] = frozenset()
    denied_types: frozenset[str] = frozenset()
    stuck_cursor: bool = False
    drop_filters: bool = False
    lag: int = 0
    now: int = 0
    aged_at: int = 0
    frozen: bool = False
    request_id: str = ""
    bulk: Operations | None = None
    fast: Fast | None = None
    looked: set[int] = field(default_factory=set)
    warnings: list[dict[str, t.Any]] = field(default_factory=list)
