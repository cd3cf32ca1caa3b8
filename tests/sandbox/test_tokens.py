"""Client credentials: which are taken, how long a token is good for, and how tokens are taken back."""

import pytest
import requests

from shopify_sandbox.process import running_sandbox

GRANT = {"grant_type": "client_credentials", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}


def ask(sandbox, form=None, **kwargs):
    if form is not None:
        kwargs["data"] = form
    return requests.post(f"{sandbox.url}/admin/oauth/access_token", timeout=20, **kwargs)


def status_with(sandbox, token):
    return requests.post(
        f"{sandbox.url}/admin/api/2026-10/graphql.json",
        json={"query": "{ shop { name } }"},
        headers={"X-Shopify-Access-Token": token},
        timeout=20,
    ).status_code


def test_a_token_is_issued_and_accepted_beside_the_permanent_one(sandbox):
    answer = ask(sandbox, GRANT)
    body = answer.json()
    assert answer.status_code == 200
    assert {**body, "access_token": ""} == {
        "access_token": "",
        "scope": "read_customers,read_orders,read_products",
        "expires_in": 86_399,
    }
    assert [status_with(sandbox, token) for token in (body["access_token"], sandbox.token, "shpat_0")] == [
        200,
        200,
        401,
    ]


def test_the_request_may_be_json_and_each_token_is_another(sandbox):
    tokens = {ask(sandbox, json=GRANT).json()["access_token"], ask(sandbox, GRANT).json()["access_token"]}
    assert [status_with(sandbox, token) for token in tokens] == [200, 200]
    assert len(tokens) == 2


def test_an_app_without_scopes_gets_a_token_without_scopes(start):
    assert ask(start(scopes=()), GRANT).json()["scope"] == ""


def test_a_token_expires_by_the_stores_clock(start):
    sandbox = start(token_lifetime=600)
    body = ask(sandbox, GRANT).json()
    assert body["expires_in"] == 600
    sandbox.control("POST", "clock", {"advance_seconds": 500})
    assert status_with(sandbox, body["access_token"]) == 200
    sandbox.control("POST", "clock", {"advance_seconds": 100})
    assert [status_with(sandbox, token) for token in (body["access_token"], sandbox.token)] == [401, 200]


def test_issued_tokens_can_be_revoked(sandbox):
    tokens = [ask(sandbox, GRANT).json()["access_token"] for _ in range(2)]
    assert sandbox.control("POST", "tokens/revoke") == {"revoked": 2}
    assert [status_with(sandbox, token) for token in (*tokens, sandbox.token)] == [401, 401, 200]
    assert sandbox.control("POST", "tokens/revoke") == {"revoked": 0}
    assert status_with(sandbox, ask(sandbox, GRANT).json()["access_token"]) == 200


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({**GRANT, "client_secret": "wrong"}, "invalid_client"),
        ({**GRANT, "client_secret": ""}, "invalid_client"),
        ({**GRANT, "grant_type": "password"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
    ],
)
def test_wrong_credentials_give_400_with_an_oauth_error(town, form, code):
    answer = ask(town, form)
    assert (answer.status_code, answer.json()["error"]) == (400, code)
    assert set(answer.json()) == {"error", "error_description"}


def test_an_unknown_app_gets_a_page(town):
    answer = ask(town, {**GRANT, "client_id": "other"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "<title>400 - Oauth error application_cannot_be_found</title>" in answer.text


def test_a_body_that_cannot_be_read_is_a_request_without_a_grant(town):
    answer = ask(town, b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_token_requests_are_logged_without_what_was_sent_and_meet_faults(sandbox):
    sandbox.control("POST", "faults", {"kind": "http_status", "status": 503, "operation": "access_token"})
    assert [ask(sandbox, GRANT).status_code for _ in range(2)] == [503, 200]
    entry = {"operation": "access_token", "variables": None, "version": None, "requested_cost": None}
    assert sandbox.control("GET", "requests") == [{**entry, "status": 503}, {**entry, "status": 200}]
    sandbox.control("POST", "faults", {"kind": "truncated_body", "operation": "access_token"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask(sandbox, GRANT)


def test_the_command_takes_the_apps_credentials():
    options = {"client_id": "mine", "client_secret": "my-secret", "token_lifetime": 60}
    with running_sandbox(customers=1, checkouts=0, **options) as sandbox:
        answer = ask(sandbox, {**GRANT, "client_id": "mine", "client_secret": "my-secret"}).json()
        assert (answer["expires_in"], status_with(sandbox, answer["access_token"])) == (60, 200)
        assert ask(sandbox, GRANT).status_code == 400
