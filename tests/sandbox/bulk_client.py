"""What the tests of bulk operations say to the store."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

import requests

if t.TYPE_CHECKING:
    from shopify_sandbox.process import Sandbox

RUN = """mutation Run($query: String!, $grouped: Boolean! = false) {
  bulkOperationRunQuery(query: $query, groupObjects: $grouped) {
    bulkOperation { id status objectCount rootObjectCount fileSize url partialDataUrl errorCode completedAt query }
    userErrors { field message code }
  }
}"""
POLL = """query Poll($id: ID!) { bulkOperation(id: $id) {
  id type status errorCode createdAt completedAt objectCount rootObjectCount fileSize url partialDataUrl query
} }"""
CANCEL = """mutation Cancel($id: ID!) {
  bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } }
}"""
CUSTOMERS = "{ customers { edges { node { id email } } } }"
CARTS = "{ abandonedCheckouts { edges { node { id name lineItems { edges { node { id title } } } } } } }"


@dataclass(frozen=True)
class Bulk:
    """Bulk operations of one store."""

    sandbox: Sandbox

    def submit(self, query: str, version: str = "2026-10", *, grouped: bool = False) -> dict[str, t.Any]:
        """The payload of bulkOperationRunQuery."""
        asked = {"query": query, "grouped": grouped}
        return t.cast("dict[str, t.Any]", self.sandbox.graphql(RUN, asked, version)["data"]["bulkOperationRunQuery"])

    def begin(self, query: str = CUSTOMERS, version: str = "2026-10", *, grouped: bool = False) -> str:
        """The id of a new operation."""
        payload = self.submit(query, version, grouped=grouped)
        assert payload["userErrors"] == []
        return str(payload["bulkOperation"]["id"])

    def poll(self, gid: str) -> dict[str, t.Any]:
        """One look at an operation."""
        return t.cast("dict[str, t.Any]", self.sandbox.graphql(POLL, {"id": gid})["data"]["bulkOperation"])

    def cancel(self, gid: str) -> dict[str, t.Any]:
        """The payload of bulkOperationCancel."""
        return t.cast("dict[str, t.Any]", self.sandbox.graphql(CANCEL, {"id": gid})["data"]["bulkOperationCancel"])

    def plan(self, **plan: t.Any) -> None:
        """How the next operation goes on."""
        self.sandbox.control("POST", "bulk/plans", plan)

    def statuses(self, gid: str, looks: int) -> list[str]:
        """What so many looks in a row see."""
        return [self.poll(gid)["status"] for _ in range(looks)]

    def completed(self, query: str = CUSTOMERS, version: str = "2026-10", *, grouped: bool = False) -> dict[str, t.Any]:
        """A new operation as it is when it has completed."""
        gid = self.begin(query, version, grouped=grouped)
        while (operation := self.poll(gid))["status"] in ("CREATED", "RUNNING"):
            continue
        assert operation["status"] == "COMPLETED"
        return operation

    def downloads(self) -> list[dict[str, t.Any]]:
        """The requests for results so far."""
        return [entry for entry in self.sandbox.control("GET", "requests") if entry["operation"] == "bulk_result"]


def fetch(url: str, **headers: str) -> requests.Response:
    """A result."""
    return requests.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=20)


def rows(url: str) -> list[dict[str, t.Any]]:
    """The lines of a result."""
    return [json.loads(line) for line in fetch(url).content.splitlines()]
