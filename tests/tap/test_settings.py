import typing as t
from datetime import UTC, datetime, timedelta

import pytest

from tap_shopify_contacts.errors import ConfigError
from tap_shopify_contacts.metafields import Metafield
from tap_shopify_contacts.settings import AppCredentials, Edition, Extraction, PermanentToken, ProtectedData, Settings
from tap_shopify_contacts.tap import TapShopifyContacts

NEEDED = {"shop": "my-shop", "access_token": "shpat_secret"}
SHOP_PROBLEM = (
    "The setting shop is not a shop's name: give my-shop or my-shop.myshopify.com, "
    "not the store's own domain or the admin's address."
)
APP = {"shop": "my-shop", "client_id": "0a1b2c", "client_secret": "shpss_secret"}
NO_CREDENTIALS = (
    "Neither access_token nor client_id and client_secret are set: give the app's client id and client secret, "
    "or its Admin API access token."
)
URL_PROBLEM = "The setting api_url is not a base URL: give https://host, or http:// for this machine only."


def problem_of(needed: t.Mapping[str, object] = NEEDED, **config: object) -> str:
    """Return the one line that a configuration is refused with."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_config({**needed, **config})
    assert "shp" not in str(caught.value).replace("shop", "")
    return str(caught.value)


def test_two_settings_are_enough():
    assert Settings.from_config(NEEDED) == Settings(
        shop="my-shop.myshopify.com",
        credentials=PermanentToken("shpat_secret"),
        base_url="https://my-shop.myshopify.com",
        api_version="2026-10",
        start_date=None,
        edition=Edition.ADVANCED,
        extraction=Extraction.AUTO,
        lookback=timedelta(minutes=5),
        horizon=timedelta(minutes=2),
        page_size=None,
        order_refresh=True,
        metafields=(),
        protected_data=ProtectedData.FAIL,
    )


def test_every_setting_is_taken():
    config = {
        "shop": "my-shop.myshopify.com",
        "access_token": " shpat_secret ",
        "api_version": "2026-01",
        "api_url": "http://127.0.0.1:8080/",
        "start_date": "2026-03-01",
        "edition": "basic",
        "extraction": "pages",
        "lookback_seconds": 0,
        "horizon_seconds": 600,
        "page_size": 1,
        "order_refresh": False,
        "metafields": ["loyalty.points", " $app:club.Level-2 "],
        "protected_data": "warn",
    }
    assert Settings.from_config(config) == Settings(
        shop="my-shop.myshopify.com",
        credentials=PermanentToken("shpat_secret"),
        base_url="http://127.0.0.1:8080",
        api_version="2026-01",
        start_date=datetime(2026, 3, 1, tzinfo=UTC),
        edition=Edition.BASIC,
        extraction=Extraction.PAGES,
        lookback=timedelta(0),
        horizon=timedelta(minutes=10),
        page_size=1,
        order_refresh=False,
        metafields=(Metafield("loyalty", "points"), Metafield("$app:club", "Level-2")),
        protected_data=ProtectedData.WARN,
    )


@pytest.mark.parametrize(
    "shop",
    ["my-shop", "my-shop.myshopify.com", "https://my-shop.myshopify.com", "https://my-shop.myshopify.com/", "My-Shop "],
)
def test_a_shop_may_be_written_in_several_ways(shop):
    assert Settings.from_config({**NEEDED, "shop": shop}).shop == "my-shop.myshopify.com"


@pytest.mark.parametrize(
    "shop",
    ["www.my-shop.com", "https://admin.shopify.com/store/my-shop", "my shop", "-shop", "my-shop.myshopify.com/x", 7],
)
def test_what_is_no_shop_is_refused(shop):
    assert problem_of(shop=shop) == SHOP_PROBLEM


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_blank_needed_settings_are_named_in_one_line(blank):
    assert problem_of(shop=blank, access_token=blank, client_id=blank, client_secret=blank) == (
        f"The setting shop is not set: give the shop's name, such as my-shop.myshopify.com; {NO_CREDENTIALS}"
    )


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_one_way_to_sign_in_is_enough_and_the_blank_other_one_is_none(blank):
    pair = {"client_id": blank, "client_secret": blank}
    assert Settings.from_config({**NEEDED, **pair}).credentials == PermanentToken("shpat_secret")
    assert Settings.from_config({**APP, "access_token": blank}).credentials == AppCredentials("0a1b2c", "shpss_secret")


@pytest.mark.parametrize("blank", ["", "  ", None])
@pytest.mark.parametrize(("missing", "given"), [("client_id", "client_secret"), ("client_secret", "client_id")])
def test_half_a_pair_is_refused_by_the_name_of_the_missing_half(missing, given, blank):
    assert problem_of(APP, **{missing: blank}) == (
        f"The setting {missing} is not set, but {given} is: give both, as the app's settings show them."
    )


@pytest.mark.parametrize(
    ("blank", "named"),
    [
        ({}, "client_id and client_secret"),
        ({"client_id": ""}, "client_secret"),
        ({"client_secret": ""}, "client_id"),
    ],
)
def test_two_ways_to_sign_in_are_refused(blank, named):
    assert problem_of({**NEEDED, **APP}, **blank) == (
        f"The setting access_token is set beside {named}: keep one way to sign in, remove the other."
    )


@pytest.mark.parametrize("token", ["shpat_a b", "shpat_a\r\nX-Other: 1", "shpat_\u20ac", 123])
def test_a_token_that_no_header_can_hold_is_refused_without_showing_it(token):
    assert problem_of(access_token=token) == "The setting access_token holds characters that no access token has."


@pytest.mark.parametrize("secret", ["shpss_a b", "shpss_\u20ac", 123])
def test_credentials_that_no_app_has_are_refused_without_showing_them(secret):
    assert problem_of(APP, client_secret=secret) == (
        "The setting client_secret holds characters that no client secret has."
    )
    assert problem_of(APP, client_id=secret) == "The setting client_id holds characters that no client id has."


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "127.0.0.1:80",
        "https://user:shpat@example.com",
        "https://example.com?a=1",
        "https://example.com:port",
        "https://",
        "http://[::1",
    ],
)
def test_an_unsafe_or_broken_api_url_is_refused(url):
    assert problem_of(api_url=url) == URL_PROBLEM


@pytest.mark.parametrize("url", ["https://proxy.example.com/shopify", "http://localhost:9", "http://[::1]:9"])
def test_an_api_url_over_tls_or_on_this_machine_is_taken(url):
    assert Settings.from_config({**NEEDED, "api_url": url}).graphql_url == f"{url}/admin/api/2026-10/graphql.json"


@pytest.mark.parametrize("version", ["2025-10", "2027-01", "unstable", 2026])
def test_a_version_without_documents_is_refused(version):
    assert problem_of(api_version=version) == (
        "The setting api_version is not supported: give one of 2026-01, 2026-04, 2026-07, 2026-10."
    )


@pytest.mark.parametrize("name", ["lookback_seconds", "horizon_seconds"])
@pytest.mark.parametrize("value", [-1, "300", 1.5, True, 10**9])
def test_seconds_are_whole_and_not_negative(name, value):
    assert problem_of(**{name: value}) == f"The setting {name} must be a whole number from 0 to 31536000."


@pytest.mark.parametrize("value", [0, 251, "50", True])
def test_a_page_has_1_to_250_records(value):
    assert problem_of(page_size=value) == "The setting page_size must be a whole number from 1 to 250."


def test_choices_and_times_name_what_they_take():
    assert problem_of(edition="pro", protected_data="ignore", start_date="last week") == (
        "The setting start_date is not a date or time such as 2026-01-01T00:00:00Z; "
        "The setting edition must be basic or advanced; "
        "The setting protected_data must be fail or warn."
    )


def test_a_blank_optional_setting_has_its_default():
    blanks = dict.fromkeys(("api_version", "api_url", "start_date", "edition", "page_size", "protected_data"), "")
    assert Settings.from_config({**NEEDED, **blanks}) == Settings.from_config(NEEDED)


def test_a_bad_setting_of_the_sdk_is_told_in_one_line_too():
    with pytest.raises(ConfigError) as caught:
        TapShopifyContacts(config={**NEEDED, "stream_maps": "x"})
    assert str(caught.value) == "'x' is not of type 'object', 'null' in config['stream_maps']."


@pytest.mark.parametrize("config", [NEEDED, APP])
def test_no_secret_is_in_the_settings_text(config):
    settings = Settings.from_config(config)
    assert repr(settings) == "Settings(shop='my-shop.myshopify.com')"
    assert "shp" not in repr(settings.credentials)


def test_settings_come_from_the_environment_and_blank_variables_do_not_count(monkeypatch):
    for name, value in {**APP, "page_size": "20", "lookback_seconds": "", "access_token": " "}.items():
        monkeypatch.setenv(f"TAP_SHOPIFY_CONTACTS_{name.upper()}", str(value))
    tap = TapShopifyContacts(config={}, parse_env_config=True)
    assert tap.settings == Settings.from_config({**APP, "page_size": 20})


@pytest.mark.parametrize(("name", "value"), [("page_size", "many"), ("stream_maps", "{")])
def test_a_variable_of_another_type_is_told_in_one_line(monkeypatch, name, value):
    monkeypatch.setenv(f"TAP_SHOPIFY_CONTACTS_{name.upper()}", value)
    with pytest.raises(ConfigError) as caught:
        TapShopifyContacts(config=NEEDED, parse_env_config=True)
    assert str(caught.value) == f"The setting {name} in the environment is not of its type."
