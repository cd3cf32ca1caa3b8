"""A contact database to be filled, and the command on it."""

from __future__ import annotations

import json
import typing as t

import pytest
from click.testing import CliRunner

from target_contactdb.admin.cli import main
from tests.target.node.shop import Shop
from tests.target.node.web_service import WebService

if t.TYPE_CHECKING:
    from click.testing import Result


class Node:
    """`contactdb node` on one database."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def run(self, *arguments: str, **environment: str) -> Result:
        """Run `contactdb node`."""
        runner = CliRunner(env={"TARGET_CONTACTDB_SQLALCHEMY_URL": self._shop.url, **environment})
        return runner.invoke(main, ["node", *arguments])

    def lines(self, *arguments: str, told: str = "", **environment: str) -> list[dict[str, t.Any]]:
        """Run it, expect success and what it tells beside, and return what it printed."""
        result = self.run(*arguments, **environment)
        assert (result.exit_code, result.stderr, result.exception) == (0, told, None)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def carts(self, *arguments: str, after: int = 60, flow: str = "reminder", told: str = "") -> list[int]:
        """Return the checkouts that enter now."""
        lines = self.lines("abandoned-checkout", "--flow", flow, "--after", str(after), *arguments, told=told)
        return [line["checkout"]["id"] for line in lines]

    def newcomers(self, *arguments: str) -> list[int]:
        """Return the contacts that enter the New Customer node now."""
        lines = self.lines("new-customer", "--flow", "welcome", *arguments)
        return [line["contact"]["contact_id"] for line in lines]

    def reasons(self, *arguments: str) -> dict[int, str]:
        """Return why each contact enters or not."""
        return {line["contact_id"]: line["reason"] for line in self.lines(*arguments, "--explain")}


@pytest.fixture
def shop(database_url: str) -> t.Iterator[Shop]:
    """A contact database to be filled, once for each engine."""
    shop = Shop(database_url)
    yield shop
    shop.close()


@pytest.fixture
def node(shop: Shop) -> Node:
    """The command."""
    return Node(shop)


@pytest.fixture
def receiver() -> t.Iterator[WebService]:
    """A web service that takes entries."""
    service = WebService()
    yield service
    service.close()
