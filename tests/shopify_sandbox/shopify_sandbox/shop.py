"""What one running sandbox holds."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from shopify_sandbox.bulk import Operations
from shopify_sandbox.context import Context
from shopify_sandbox.engine import Engine
from shopify_sandbox.fast import Fast
from shopify_sandbox.faults import Faults
from shopify_sandbox.store import Store
from shopify_sandbox.tokens import Tokens
from shopify_sandbox.versions import NEWEST


@dataclass
class Shop:
    """The store and its API engine; the app's tokens, scopes, bulk operations and requests; faults in wait."""

    store: Store
    engine: Engine
    tokens: Tokens
    scopes: frozenset[str]
    bulk: Operations
    fast: Fast | None = None
    faults: Faults = field(default_factory=Faults)
    requests: list[dict[str, t.Any]] = field(default_factory=list)

    def close(self) -> None:
        """Give back what the shop holds in files."""
        self.bulk.close()
        if self.fast is not None:
            self.fast.close()

    def context(self, version: str = NEWEST, **met: t.Any) -> Context:
        """What a request of the app knows; `met` is what faults change."""
        now = self.store.clock.now()
        aged_at = now if self.fast is None else self.store.clock.start
        return Context(
            self.store, version, self.scopes, now=now, aged_at=aged_at, bulk=self.bulk, fast=self.fast, **met
        )
