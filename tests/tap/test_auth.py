"""Access tokens on values: lifetimes, refusals, answers of the token desk."""

import math
import typing as t

import pytest

from tap_shopify_contacts.auth import ClientCredentials, Grant, StaticToken, read_grant
from tap_shopify_contacts.errors import (
    AccessDenied,
    CredentialsRefused,
    ShopNotFound,
    TapError,
    TokenRefused,
    TransientAnswer,
    TruncatedAnswer,
    UnexpectedAnswer,
)
from tap_shopify_contacts.settings import AppCredentials
from tests.tap.tokens import BOTH, DAY, NO_SCOPES, SCOPE, TokenDesk, access_at


def test_a_token_is_asked_for_with_the_first_request_and_then_kept(clock):
    desk = TokenDesk(expires_in=DAY)
    access = access_at(desk, clock)
    assert desk.forms == []
    assert [access.token(), access.token()] == ["t1", "t1"]
    assert desk.forms == [{"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret"}]


@pytest.mark.parametrize(
    ("lifetime", "kept_for"), [(DAY, DAY - 60), (121, 61), (120, 60), (60, 30), (10, 5), (None, math.inf)]
)
def test_a_token_is_renewed_before_it_expires(clock, lifetime, kept_for):
    access = access_at(TokenDesk(expires_in=lifetime), clock)
    began = clock.seconds
    access.token()
    clock.seconds = began + min(kept_for, 10**9) - 0.5
    assert access.token() == "t1"
    clock.seconds = began + min(kept_for, 10**9)
    assert access.token() == ("t1" if lifetime is None else "t2")


def test_a_lifetime_counts_from_before_the_request(clock):
    def slow(form: t.Mapping[str, str]) -> Grant:
        clock.seconds += 30
        return Grant(access_token=f"t{clock.seconds:.0f}", expires_in=600)

    access = ClientCredentials(AppCredentials("id", "secret"), slow, clock)
    assert access.token() == "t5030"
    clock.seconds = 5_000 + 540
    assert access.token() == "t5570"


def test_a_refused_token_is_replaced_and_a_permanent_one_cannot_be(clock):
    access = access_at(TokenDesk(expires_in=DAY), clock)
    assert (access.token(), access.renew(), access.token()) == ("t1", True, "t2")
    permanent = StaticToken("shpat_x")
    assert (permanent.token(), permanent.renew(), permanent.token()) == ("shpat_x", False, "shpat_x")


@pytest.mark.parametrize(
    ("error", "scope", "advice"),
    [
        (AccessDenied, "", NO_SCOPES),
        (AccessDenied, "read_orders", SCOPE),
        (AccessDenied, None, SCOPE),
        (TokenRefused, "", "It was issued for client_id just before: check that the app is still installed."),
        (ShopNotFound, "", "as it was"),
        (TransientAnswer, "", "as it was"),
    ],
)
def test_the_advice_is_about_the_app_where_that_helps(clock, error, scope, advice):
    access = access_at(TokenDesk(scope=scope), clock)
    access.token()
    told = error("Problem.", "as it was")
    access.explain(told)
    assert (told.problem, told.advice) == ("Problem.", advice)
    same = error("Problem.", "as it was")
    StaticToken("shpat_x").explain(same)
    assert same.advice == "as it was"


def test_no_token_is_in_the_text_of_what_holds_one():
    assert repr(StaticToken("shpat_x")) == "StaticToken()"
    assert repr(Grant(access_token="shpat_x", expires_in=7, scope="a")) == "Grant(expires_in=7, scope='a')"


@pytest.mark.parametrize(
    ("body", "grant"),
    [
        (
            b'{"access_token": "f8", "scope": "read_orders", "expires_in": 86399}',
            Grant(access_token="f8", expires_in=DAY, scope="read_orders"),
        ),
        (b'{"access_token": "f8", "token_type": "bearer", "associated_user": {}}', Grant(access_token="f8")),
    ],
)
def test_a_good_answer_holds_a_token(body, grant):
    assert read_grant(200, {}, body) == grant


NO_TOKEN = "Shopify's answer to the token request holds no token that can be used."


@pytest.mark.parametrize(
    ("status", "body", "kind", "problem", "advice"),
    [
        (200, b"{}", UnexpectedAnswer, NO_TOKEN, ""),
        (200, b'{"access_token": "a b"}', UnexpectedAnswer, NO_TOKEN, ""),
        (200, b'{"access_token": "a\\n"}', UnexpectedAnswer, NO_TOKEN, ""),
        (200, b'{"access_token": ""}', UnexpectedAnswer, NO_TOKEN, ""),
        (200, b'{"access_token": "a", "expires_in": -1}', UnexpectedAnswer, NO_TOKEN, ""),
        (200, b'{"access_token": "a", "expires_in": "soon"}', UnexpectedAnswer, NO_TOKEN, ""),
        (200, b'{"access_token": "a', TruncatedAnswer, "Shopify's answer ended too early.", ""),
        (400, b'{"error": "invalid_client"}', CredentialsRefused, "(HTTP 400, invalid_client)", BOTH),
        (401, b'{"error": "invalid_client", "x": 1}', CredentialsRefused, "(HTTP 401, invalid_client)", BOTH),
        (403, b"", CredentialsRefused, "(HTTP 403)", BOTH),
        (400, b'{"error": "shpss_1 is wrong"}', CredentialsRefused, "(HTTP 400)", BOTH),
        (400, b'{"error": ["x"]}', CredentialsRefused, "(HTTP 400)", BOTH),
        (400, b'["x"]', CredentialsRefused, "(HTTP 400)", BOTH),
        (400, b"\xff", CredentialsRefused, "(HTTP 400)", BOTH),
        (
            400,
            b"<html><title>400 - Oauth error app_not_installed</title>",
            CredentialsRefused,
            "(HTTP 400, app_not_installed)",
            "Install the app in the shop.",
        ),
        (
            400,
            b"<title>Oauth error shop_not_permitted: Client credentials cannot be performed on this shop.</title>",
            CredentialsRefused,
            "(HTTP 400, shop_not_permitted)",
            "App and shop must belong to the same organization in the Dev Dashboard.",
        ),
        (
            400,
            b'{"error": "application_cannot_be_found"}',
            CredentialsRefused,
            "(HTTP 400, application_cannot_be_found)",
            "There is no app with this client_id: copy it from the app's settings again.",
        ),
        (404, b"", ShopNotFound, "There is no such shop (HTTP 404).", "Check the setting shop."),
        (503, b"", TransientAnswer, "Shopify could not answer (HTTP 503).", ""),
    ],
)
def test_any_other_answer_is_one_error(status, body, kind, problem, advice):
    with pytest.raises(TapError) as caught:
        read_grant(status, {"X-Request-Id": "req-1"}, body)
    if kind is CredentialsRefused:
        problem = f"Shopify refused client_id and client_secret {problem}."
    error = caught.value
    assert (type(error), error.problem, error.advice, error.request_id) == (kind, problem, advice, "req-1")
