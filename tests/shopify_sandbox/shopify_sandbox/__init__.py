"""A stand-in for one shop's Shopify Admin GraphQL API: customers and abandoned checkouts, over HTTP."""

from __future__ import annotations

__version__ = "0.1.0"
