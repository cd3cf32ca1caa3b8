"""What the resolvers of one request know."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from shopify_sandbox.store import Store


@dataclass
class Context:
    """One request: the store, the version served, the app's scopes, what faults change, and warnings to tell."""

    store: Store
    version: str
    scopes: frozenset[str]
    denied_fields: frozenset[tuple[str, str]] = frozenset()
    denied_types: frozenset[str] = frozenset()
    stuck_cursor: bool = False
    drop_filters: bool = False
    lag: int = 0
    now: int = 0
    request_id: str = ""
    warnings: list[dict[str, t.Any]] = field(default_factory=list)
