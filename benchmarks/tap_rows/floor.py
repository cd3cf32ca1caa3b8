"""The least that a tap can do: fetch the same bytes, decode them with msgspec, write them as Singer lines.

Usage: `floor.py pages|bulk`, and on stdin a JSON object with host, port, token, path, query and start_date.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
import typing as t
from urllib.parse import urlsplit

import msgspec


class Address(msgspec.Struct, gc=False):
    """A default address."""

    company: str | None
    address1: str | None
    address2: str | None
    city: str | None
    province: str | None
    provinceCode: str | None  # noqa: N815 - Shopify's name, as all of these.
    country: str | None
    countryCodeV2: str | None  # noqa: N815
    zip: str | None
    phone: str | None


class Customer(msgspec.Struct, gc=False):
    """A customer: some of its values by themselves, the deeper ones as Shopify wrote them."""

    legacyResourceId: str  # noqa: N815
    createdAt: str  # noqa: N815
    updatedAt: str  # noqa: N815
    firstName: str | None  # noqa: N815
    lastName: str | None  # noqa: N815
    displayName: str  # noqa: N815
    defaultEmailAddress: msgspec.Raw  # noqa: N815
    emailMarketingConsent: msgspec.Raw  # noqa: N815
    defaultPhoneNumber: msgspec.Raw  # noqa: N815
    locale: str
    state: str
    note: str | None
    tags: list[str]
    verifiedEmail: bool  # noqa: N815
    taxExempt: bool  # noqa: N815
    defaultAddress: Address | None  # noqa: N815
    numberOfOrders: str  # noqa: N815
    amountSpent: msgspec.Raw  # noqa: N815
    lastOrder: msgspec.Raw  # noqa: N815
    statistics: msgspec.Raw


class Edge(msgspec.Struct, gc=False):
    """What surrounds a customer on a page."""

    node: Customer


class Line(msgspec.Struct, tag="RECORD", tag_field="type", gc=False):
    """A RECORD message."""

    record: Customer
    stream: str = "customers"


class PageInfo(msgspec.Struct):
    """Where a page ends."""

    hasNextPage: bool  # noqa: N815
    endCursor: str | None  # noqa: N815


class Connection(msgspec.Struct):
    """A page."""

    edges: list[Edge]
    pageInfo: PageInfo  # noqa: N815


class Data(msgspec.Struct):
    """What an answer holds."""

    customers: Connection


class Answer(msgspec.Struct):
    """An answer."""

    data: Data


encoder = msgspec.json.Encoder()


class Shop:
    """One connection to the shop, kept open."""

    def __init__(self, given: dict[str, t.Any]) -> None:
        """Connect when the first question is asked."""
        self._connection = http.client.HTTPConnection(given["host"], given["port"])
        self._path = given["path"]
        self._headers = {"Content-Type": "application/json", "X-Shopify-Access-Token": given["token"]}

    def ask(self, query: str, variables: dict[str, t.Any]) -> bytes:
        """Return the bytes of an answer."""
        body = encoder.encode({"query": query, "variables": variables})
        self._connection.request("POST", self._path, body, self._headers)
        return self._connection.getresponse().read()


def write(customers: t.Iterable[Customer]) -> None:
    """Write customers as Singer lines."""
    sys.stdout.buffer.write(encoder.encode_lines([Line(customer) for customer in customers]))


def by_pages(shop: Shop, given: dict[str, t.Any]) -> None:
    """Read all customers page by page."""
    decoder = msgspec.json.Decoder(Answer)
    after, goes_on = None, True
    while goes_on:
        variables = {"first": 250, "after": after, "query": f"updated_at:>='{given['start_date']}'"}
        page = decoder.decode(shop.ask(given["query"], variables)).data.customers
        write([edge.node for edge in page.edges])
        after, goes_on = page.pageInfo.endCursor, page.pageInfo.hasNextPage


def by_bulk(shop: Shop, given: dict[str, t.Any]) -> None:
    """Read all customers from the result of one bulk operation."""
    start = "mutation ($query: String!) { bulkOperationRunQuery(query: $query) { bulkOperation { id } } }"
    begun = json.loads(shop.ask(start, {"query": given["bulk_query"]}))
    number = begun["data"]["bulkOperationRunQuery"]["bulkOperation"]["id"]
    look = "query ($id: ID!) { bulkOperation(id: $id) { status url } }"
    while (operation := json.loads(shop.ask(look, {"id": number}))["data"]["bulkOperation"])["status"] != "COMPLETED":
        time.sleep(0.1)
    address = urlsplit(operation["url"])
    connection = http.client.HTTPConnection(address.netloc)
    connection.request("GET", f"{address.path}?{address.query}")
    answer = connection.getresponse()
    decoder = msgspec.json.Decoder(Customer)
    rest = b""
    while chunk := answer.read(1 << 18):
        whole, _, rest = (rest + chunk).rpartition(b"\n")
        if whole:
            write(decoder.decode_lines(whole))


if __name__ == "__main__":
    settings = json.load(sys.stdin)
    {"pages": by_pages, "bulk": by_bulk}[sys.argv[1]](Shop(settings), settings)
