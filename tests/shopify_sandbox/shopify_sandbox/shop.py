"""What one running sandbox holds."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from shopify_sandbox.engine import Engine
from shopify_sandbox.faults import Faults
from shopify_sandbox.store import Store
from shopify_sandbox.tokens import Tokens


@dataclass
class Shop:
    """The store, its API engine, the app's tokens and scopes, faults in wait, and the requests so far."""

    store: Store
    engine: Engine
    tokens: Tokens
    scopes: frozenset[str]
    faults: Faults = field(default_factory=Faults)
    requests: list[dict[str, t.Any]] = field(default_factory=list)
