"""The SDK's own tests of a tap, against a sandbox store."""

from __future__ import annotations

import typing as t

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from shopify_sandbox.process import Sandbox
from tap_shopify_contacts.tap import TapShopifyContacts
from tests.tap.helpers import config_of

# Filled in when there is a store; the streams, which give the tests their names, are known without one.
CONFIG: dict[str, t.Any] = {"shop": "sandbox", "access_token": "shpat_sandbox", "api_url": "http://127.0.0.1:1"}

CATALOG = TapShopifyContacts(config=CONFIG, parse_env_config=False).catalog_dict
for _stream in CATALOG["streams"]:
    # One is not selected by default. The suite reads all, and compares with what is selected.
    for _entry in _stream["metadata"]:
        _entry["metadata"]["selected"] = True

_Suite: type[t.Any] = get_tap_test_class(
    TapShopifyContacts,
    config=CONFIG,
    suite_config=SuiteConfig(max_records_limit=300),
    # A developer's own .env must not lead the tests to a real shop.
    parse_env_config=False,
    catalog=CATALOG,
)


class TestStandardSuite(_Suite):  # type: ignore[misc]
    """Every test of the suite, none left out."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def store(cls, stocked: Sandbox) -> None:
        """Point the suite at the store."""
        CONFIG.update(config_of(stocked))
