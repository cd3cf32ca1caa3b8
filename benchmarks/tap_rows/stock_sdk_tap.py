"""A tap as the singer-sdk's own template has it: GraphQLStream with nothing overridden that need not be."""

from __future__ import annotations

import typing as t

from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.pagination import JSONPathPaginator
from singer_sdk.streams import GraphQLStream
from typing_extensions import override

TEXT, WHOLE, FLAG = th.StringType(nullable=True), th.IntegerType(nullable=True), th.BooleanType(nullable=True)
MONEY = th.ObjectType(th.Property("amount", TEXT), th.Property("currencyCode", TEXT))


def _object(texts: str, **others: t.Any) -> th.ObjectType:
    """Return an object of texts, given by their names, and of other properties."""
    properties = {**dict.fromkeys(texts.split(), TEXT), **others}
    return th.ObjectType(*(th.Property(name, kind) for name, kind in properties.items()), nullable=True)


class Customers(GraphQLStream[t.Any]):
    """Customers, in the form in which Shopify gives them."""

    name = "customers"
    primary_keys = ("legacyResourceId",)
    replication_key = "updatedAt"
    records_jsonpath = "$.data.customers.edges[*].node"
    schema = _object(
        "legacyResourceId firstName lastName displayName locale state note numberOfOrders",
        createdAt=th.DateTimeType(),
        updatedAt=th.DateTimeType(),
        tags=th.ArrayType(th.StringType),
        verifiedEmail=FLAG,
        taxExempt=FLAG,
        defaultEmailAddress=_object(
            "emailAddress marketingState marketingOptInLevel marketingUpdatedAt", validFormat=FLAG
        ),
        emailMarketingConsent=_object("marketingState"),
        defaultPhoneNumber=_object("phoneNumber", smsMarketingConsent=_object("state optInLevel updatedAt")),
        defaultAddress=_object("company address1 address2 city province provinceCode country countryCodeV2 zip phone"),
        amountSpent=MONEY,
        lastOrder=_object(
            "id name createdAt", subtotalLineItemsQuantity=WHOLE, totalPriceSet=_object("", shopMoney=MONEY)
        ),
        statistics=_object("predictedSpendTier rfmGroup"),
    ).to_dict()

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["url"])

    @property
    @override
    def http_headers(self) -> dict[str, str]:
        return {"X-Shopify-Access-Token": self.config["token"]}

    @property
    @override
    def query(self) -> str:
        return str(self.config["query"])

    @override
    def get_new_paginator(self) -> JSONPathPaginator:
        # Shopify gives a cursor also at the end; the next page is then empty.
        return JSONPathPaginator("$.data.customers.pageInfo.endCursor")

    @override
    def get_url_params(self, context: t.Any, next_page_token: t.Any) -> dict[str, t.Any]:
        search = f"updated_at:>='{self.config['start_date']}'"
        return {"first": 250, "after": next_page_token, "query": search}


class StockTap(Tap):
    """The tap around it."""

    name = "stock-sdk-tap"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True),
        th.Property("token", th.StringType, required=True, secret=True),
        th.Property("query", th.StringType, required=True),
        th.Property("start_date", th.DateTimeType, required=True),
    ).to_dict()

    @override
    def discover_streams(self) -> list[Customers]:
        return [Customers(self)]


if __name__ == "__main__":
    StockTap.cli()
