"""Runs singer-io's tap-shopify against a local store: only where its requests go is changed, the tap itself is not.

Usage: `singer_io_tap.py PORT --config FILE --catalog FILE`, in the tap's own environment.
"""

from __future__ import annotations

import sys
import typing as t

import shopify  # type: ignore[import-not-found]
import tap_shopify  # type: ignore[import-not-found]

HOST = "127.0.0.1"


class _Shop:
    """The answer to the one REST request with which the tap begins; the local store speaks GraphQL only."""

    attributes: t.ClassVar = {"id": 1, "name": "Sandbox", "myshopify_domain": "sandbox.myshopify.com"}


def _local_url(session: t.Any, _shop: str) -> str:
    return f"{HOST}:{session.port}"


if __name__ == "__main__":
    shopify.Session.setup(protocol="http", port=int(sys.argv.pop(1)))
    shopify.Session._Session__prepare_url = _local_url
    shopify.Shop.current = classmethod(lambda cls: _Shop)
    tap_shopify.main()
