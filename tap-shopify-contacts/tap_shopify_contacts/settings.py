"""The settings: what each means, which values are right, and their read-only form."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from singer_sdk import typing as th
from typing_extensions import override

from tap_shopify_contacts.checks import (
    read_api_url,
    read_choice,
    read_seconds,
    read_secret,
    read_shop,
    read_start_date,
    read_switch,
    read_whole_number,
)
from tap_shopify_contacts.errors import ConfigError
from tap_shopify_contacts.metafields import Metafield, read_metafields

API_VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")
"""The versions that the tap's documents are written for, oldest first."""

LARGEST_PAGE = 250
"""Shopify's limit for `first`."""


class Edition(Enum):
    """How much of a customer is read."""

    BASIC = "basic"
    ADVANCED = "advanced"


class Extraction(Enum):
    """By which road records come."""

    AUTO = "auto"
    PAGES = "pages"
    BULK = "bulk"


class ProtectedData(Enum):
    """What to do about a field that Shopify denies."""

    FAIL = "fail"
    WARN = "warn"


CONFIG_SCHEMA: dict[str, t.Any] = th.PropertiesList(
    th.Property(
        "shop",
        th.StringType(min_length=1),
        required=True,
        title="Shop",
        description="The shop's name in its myshopify.com address: `my-shop` or `my-shop.myshopify.com`.",
    ),
    th.Property(
        "client_id",
        th.StringType(min_length=1),
        title="Client id",
        description="Client id of the app in the Dev Dashboard. Access tokens are fetched and renewed with it.",
    ),
    th.Property(
        "client_secret",
        th.StringType(min_length=1),
        secret=True,
        title="Client secret",
        description="Client secret of the app in the Dev Dashboard.",
    ),
    th.Property(
        "access_token",
        th.StringType(min_length=1),
        secret=True,
        title="Access token",
        description=(
            "Permanent Admin API access token of an older custom app, in place of `client_id` and `client_secret`."
        ),
    ),
    th.Property(
        "api_version",
        th.StringType(),
        default=API_VERSIONS[-1],
        allowed_values=list(API_VERSIONS),
        title="API version",
        description="Version of Shopify's Admin GraphQL API.",
    ),
    th.Property(
        "api_url",
        th.StringType(),
        title="API URL",
        description=(
            "Base URL to use instead of `https://<shop>`, for a proxy or a test store. "
            "Plain http is taken only for this machine."
        ),
    ),
    th.Property(
        "start_date",
        th.DateTimeType(),
        title="Start date",
        description=(
            "Where the first run begins. Records last updated before are left out. Without it everything is read. "
            "A bookmark wins over it."
        ),
    ),
    th.Property(
        "edition",
        th.StringType(),
        default=Edition.ADVANCED.value,
        allowed_values=[edition.value for edition in Edition],
        title="Edition",
        description="`basic` reads personal data only; `advanced` adds order behaviour and abandoned checkouts.",
    ),
    th.Property(
        "extraction",
        th.StringType(),
        default=Extraction.AUTO.value,
        allowed_values=[extraction.value for extraction in Extraction],
        title="Extraction",
        description=(
            "How records come: `pages`, `bulk` (Shopify writes them all into a file first), or `auto`: bulk where "
            "there are many, as on a first run, and pages where there are few."
        ),
    ),
    th.Property(
        "lookback_seconds",
        th.IntegerType(minimum=0),
        default=300,
        title="Lookback",
        description=(
            "Seconds before the bookmark that each run reads again, since Shopify's search shows some changes late."
        ),
    ),
    th.Property(
        "horizon_seconds",
        th.IntegerType(minimum=0),
        default=120,
        title="Horizon",
        description=(
            "Seconds before the shop's present time at which a run stops reading. Later changes come with the next run."
        ),
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1, maximum=LARGEST_PAGE),
        title="Page size",
        description="The most records to ask for at once. Without it as many as Shopify's limits allow, up to 250.",
    ),
    th.Property(
        "order_refresh",
        th.BooleanType(),
        default=True,
        title="Order refresh",
        description=(
            "Read customers who ordered again, since Shopify changes their order figures without moving their "
            "`updated_at`. The basic edition has none."
        ),
    ),
    th.Property(
        "metafields",
        th.ArrayType(th.StringType()),
        title="Metafields",
        description="Metafields of customers to read, each as `namespace.key`.",
    ),
    th.Property(
        "protected_data",
        th.StringType(),
        default=ProtectedData.FAIL.value,
        allowed_values=[choice.value for choice in ProtectedData],
        title="Protected data",
        description=(
            "What to do when Shopify denies a field to the app: `fail` stops the run, `warn` says so once and leaves "
            "the field out of the records."
        ),
    ),
).to_dict()


@dataclass(frozen=True)
class PermanentToken:
    """An access token that stays valid."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class AppCredentials:
    """What an app asks for access tokens with."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """The settings of one run, checked."""

    shop: str
    credentials: PermanentToken | AppCredentials
    base_url: str
    api_version: str
    start_date: datetime | None
    edition: Edition
    extraction: Extraction
    lookback: timedelta
    horizon: timedelta
    page_size: int | None
    order_refresh: bool
    metafields: tuple[Metafield, ...]
    protected_data: ProtectedData

    @override
    def __repr__(self) -> str:
        """Leave tokens and secrets out of any log."""
        return f"Settings(shop={self.shop!r})"

    @property
    def graphql_url(self) -> str:
        """Return the address that every question goes to."""
        return f"{self.base_url}/admin/api/{self.api_version}/graphql.json"

    @property
    def token_url(self) -> str:
        """Return the address that issues access tokens."""
        return f"{self.base_url}/admin/oauth/access_token"

    @classmethod
    def from_config(cls, config: t.Mapping[str, t.Any]) -> Settings:
        """Check a plugin configuration.

        Raises:
            ConfigError: If a setting is missing or wrong. The message names each such setting, and no secret value.
        """
        problems: list[str] = []

        def take(check: t.Callable[..., t.Any], *names: str) -> t.Any:
            try:
                return check(*(_value(config, name) for name in names))
            except ConfigError as error:
                problems.append(error.problem)
                return None

        shop = take(read_shop, "shop")
        values = {
            "credentials": take(_read_credentials, "access_token", "client_id", "client_secret"),
            "base_url": take(read_api_url, "api_url") or f"https://{shop}",
            "api_version": take(_read_api_version, "api_version"),
            "start_date": take(read_start_date, "start_date"),
            "edition": take(lambda value: read_choice(value, "edition", Edition), "edition"),
            "extraction": take(lambda value: read_choice(value, "extraction", Extraction), "extraction"),
            "lookback": take(lambda value: read_seconds(value, "lookback_seconds"), "lookback_seconds"),
            "horizon": take(lambda value: read_seconds(value, "horizon_seconds"), "horizon_seconds"),
            "page_size": take(_read_page_size, "page_size"),
            "order_refresh": take(lambda value: read_switch(value, "order_refresh"), "order_refresh"),
            "metafields": take(read_metafields, "metafields"),
            "protected_data": take(lambda value: read_choice(value, "protected_data", ProtectedData), "protected_data"),
        }
        if problems:
            raise ConfigError("; ".join(problems) + ".")
        return cls(shop=shop, **values)


def is_blank(value: object) -> bool:
    """Say whether a setting holds nothing: no value, or an empty text."""
    return value is None or (isinstance(value, str) and not value.strip())


def _value(config: t.Mapping[str, t.Any], name: str) -> t.Any:
    """Return a setting without space around it, or its default when it is blank."""
    value = config.get(name)
    if is_blank(value):
        return CONFIG_SCHEMA["properties"][name].get("default")
    return value.strip() if isinstance(value, str) else value


def _read_credentials(
    access_token: object, client_id: object, client_secret: object
) -> PermanentToken | AppCredentials:
    pair = {"client_id": client_id, "client_secret": client_secret}
    given = [name for name, value in pair.items() if value is not None]
    if access_token is not None and given:
        raise ConfigError(
            f"The setting access_token is set beside {' and '.join(given)}: keep one way to sign in, remove the other"
        )
    if access_token is not None:
        return PermanentToken(read_secret(access_token, "access_token", "access token"))
    if not given:
        raise ConfigError(
            "Neither access_token nor client_id and client_secret are set: give the app's client id and client secret, "
            "or its Admin API access token"
        )
    for name, value in pair.items():
        if value is None:
            raise ConfigError(
                f"The setting {name} is not set, but {given[0]} is: give both, as the app's settings show them"
            )
    return AppCredentials(
        read_secret(client_id, "client_id", "client id"), read_secret(client_secret, "client_secret", "client secret")
    )


def _read_api_version(value: object) -> str:
    if value not in API_VERSIONS:
        raise ConfigError(f"The setting api_version is not supported: give one of {', '.join(API_VERSIONS)}")
    return str(value)


def _read_page_size(value: object) -> int | None:
    return None if value is None else read_whole_number(value, "page_size", 1, LARGEST_PAGE)
