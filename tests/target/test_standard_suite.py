"""The singer-sdk's own suite for targets, without exclusions."""

from __future__ import annotations

from singer_sdk.testing import get_target_test_class

from target_contactdb.target import TargetContactDB

TestStandardSuite = get_target_test_class(TargetContactDB, config={"sqlalchemy_url": "sqlite:///never-opened.db"})
