"""The tap: its settings and its streams."""

from __future__ import annotations

import typing as t
from copy import deepcopy
from functools import cached_property

from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TapCapabilities
from typing_extensions import override

from tap_shopify_contacts.client import ShopClient
from tap_shopify_contacts.consents import ConsentStream
from tap_shopify_contacts.plans import plans_of
from tap_shopify_contacts.sdk import ContactsTap
from tap_shopify_contacts.settings import CONFIG_SCHEMA, Edition
from tap_shopify_contacts.streams import ShopifyStream
from tap_shopify_contacts.trial import try_out
from tap_shopify_contacts.writer import PageWriter

if t.TYPE_CHECKING:
    from collections.abc import Sequence


class TapShopifyContacts(ContactsTap):
    """Customers and abandoned checkouts of a Shopify shop."""

    name = "tap-shopify-contacts"
    # A copy: the SDK writes its own settings into it.
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = deepcopy(CONFIG_SCHEMA)
    message_writer_class = PageWriter
    capabilities: t.ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    @cached_property
    def client(self) -> ShopClient:
        """Return the one client that all streams share, and with it the connection."""
        return ShopClient(self.checked_settings, self.logger)

    @override
    def try_out(self) -> str:
        streams = [stream for stream in self.streams.values() if stream.selected and isinstance(stream, ShopifyStream)]
        return try_out(self.client, self.checked_settings, streams)

    @override
    def discover_streams(self) -> Sequence[ShopifyStream]:
        edition = self.settings.edition if self.settings else Edition.ADVANCED
        windowed = [ShopifyStream(self, plan, edition) for plan in plans_of(edition)]
        return [*windowed, ConsentStream(self, edition)]
