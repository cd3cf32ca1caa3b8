"""Run the tap with `python -m tap_shopify_contacts`."""

from __future__ import annotations

from tap_shopify_contacts.tap import TapShopifyContacts

TapShopifyContacts.cli()
