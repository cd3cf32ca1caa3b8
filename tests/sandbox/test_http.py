"""Paths, tokens, versions, headers, bodies; and the command itself."""

import json
import signal
import subprocess
import sys
from email.utils import parsedate_to_datetime

import pytest
import requests

from shopify_sandbox.process import ControlError, running_sandbox

PROBE = "{ shop { name } }"


def raw(sandbox, path="/admin/api/2026-10/graphql.json", data="", method="POST", **headers):
    usual = {"X-Shopify-Access-Token": sandbox.token, "Content-Type": "application/json"}
    return requests.request(method, sandbox.url + path, data=data, headers=usual | headers, timeout=20)


def test_a_good_answer(town, post):
    answer = post(town, PROBE)
    assert (answer.status_code, answer.json()["data"]) == (200, {"shop": {"name": "Sandbox"}})
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["x-shopify-api-version"] == "2026-10"
    assert len(answer.headers["x-request-id"]) == 36
    assert "server" not in answer.headers
    assert "x-shopify-api-deprecated-reason" not in answer.headers


def test_the_date_header_is_the_stores_clock(start, post):
    sandbox = start()
    sandbox.control("POST", "clock", {"set": "2027-03-04T05:06:07Z"})
    date = parsedate_to_datetime(post(sandbox, PROBE).headers["date"])
    assert date.isoformat()[:16] == "2027-03-04T05:06"
    sandbox.control("POST", "clock", {"advance_seconds": 86_400})
    later = parsedate_to_datetime(post(sandbox, PROBE).headers["date"])
    assert 86_400 <= (later - date).total_seconds() < 86_460


@pytest.mark.parametrize("headers", [{"X-Shopify-Access-Token": "shpat_wrong"}, {"X-Shopify-Access-Token": ""}])
def test_a_wrong_token_gives_401_with_errors_as_text(town, headers):
    answer = raw(town, data=json.dumps({"query": PROBE}), **headers)
    message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
    assert (answer.status_code, answer.json()) == (401, {"errors": message})


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/admin/api/2026-10/other.json"), ("POST", "/"), ("GET", "/admin/api/2026-10/graphql.json")],
)
def test_a_wrong_path_gives_404(town, method, path):
    answer = raw(town, path, method=method)
    assert (answer.status_code, answer.json()) == (404, {"errors": "Not Found"})


@pytest.mark.parametrize(
    ("asked", "served"),
    [("2026-01", "2026-01"), ("2026-10", "2026-10"), ("2025-07", "2026-01"), ("2027-01", "2026-01"), ("x", "2026-01")],
)
def test_only_the_header_tells_which_version_answers(town, post, asked, served):
    answer = post(town, PROBE, asked)
    assert (answer.status_code, answer.headers["x-shopify-api-version"]) == (200, served)


def test_no_version_is_the_oldest_one(town):
    answer = raw(town, "/admin/api/graphql.json", json.dumps({"query": PROBE}))
    assert answer.headers["x-shopify-api-version"] == "2026-01"


def test_deprecated_fields_are_named_in_a_header(town, post):
    query = "{ customers(first: 1) { nodes { email emailMarketingConsent { marketingState } } } }"
    reasons = post(town, query).headers["x-shopify-api-deprecated-reason"]
    assert reasons.startswith(
        "Use `defaultEmailAddress.emailAddress` instead., Use `defaultEmailAddress.marketingState`"
    )


@pytest.mark.parametrize(
    ("data", "headers"),
    [("{", {}), ("[]", {}), ("", {}), (json.dumps({"query": PROBE}), {"Content-Type": "text/plain"})],
)
def test_a_body_that_cannot_be_read_gives_400(town, data, headers):
    assert raw(town, data=data, **headers).status_code == 400


def test_a_missing_query_gives_400(town):
    answer = raw(town, data="{}")
    assert (answer.status_code, answer.json()) == (400, {"errors": {"query": "Required parameter missing or invalid"}})


def test_a_document_may_come_as_graphql(town):
    assert raw(town, data=PROBE, **{"Content-Type": "application/graphql"}).json()["data"] == {
        "shop": {"name": "Sandbox"}
    }


def test_requests_are_logged_and_the_log_can_be_cleared(start, post):
    sandbox = start()
    post(sandbox, "query Probe { shop { name } }")
    post(sandbox, "query Page($n: Int!) { customers(first: $n) { nodes { id } } }", "2026-04", variables={"n": 2})
    raw(sandbox, data="{}", **{"X-Shopify-Access-Token": "no"})
    entries = sandbox.control("GET", "requests")
    assert [(e["operation"], e["variables"], e["version"], e["status"], e["requested_cost"]) for e in entries] == [
        ("Probe", {}, "2026-10", 200, 1),
        ("Page", {"n": 2}, "2026-04", 200, 3),
        (None, None, "2026-10", 401, None),
    ]
    sandbox.control("DELETE", "requests")
    assert sandbox.control("GET", "requests") == []


def test_the_command_serves_until_it_is_told_to_stop():
    with running_sandbox(customers=3, checkouts=0, now="2026-11-01T12:00:00Z", shop="x.myshopify.com") as sandbox:
        assert sandbox.control("GET", "clock")["now"].startswith("2026-11-01T12:00:0")
        assert sandbox.graphql("{ shop { myshopifyDomain } customersCount { count } }")["data"] == {
            "shop": {"myshopifyDomain": "x.myshopify.com"},
            "customersCount": {"count": 3},
        }
        with pytest.raises(ControlError, match="404"):
            sandbox.control("GET", "customers/1")
    with pytest.raises(requests.ConnectionError):
        raw(sandbox)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_one_line_and_exits_with_0(number):
    command = [sys.executable, "-m", "shopify_sandbox", "serve", "--customers", "1", "--checkouts", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)
    assert set(ready) == {"url", "shop", "token", "pid"}
    assert (ready["pid"], process.returncode, rest, errors) == (process.pid, 0, "", "")


def test_a_port_in_use_is_one_line_and_an_exit_code(town):
    port = town.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "shopify_sandbox", "serve", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    expected = f"shopify-sandbox: cannot listen on port {port}: Address already in use"
    assert (done.returncode, done.stdout, done.stderr.strip()[: len(expected)]) == (1, "", expected)


def test_the_older_interface_tells_who_the_shop_is(sandbox):
    address = f"{sandbox.url}/admin/api/2026-10/shop.json"
    answer = requests.get(address, headers={"X-Shopify-Access-Token": sandbox.token}, timeout=20)
    assert answer.json() == {
        "shop": {"id": 60_000_000_001, "name": "Sandbox", "myshopify_domain": sandbox.shop, "currency": "EUR"}
    }
    assert requests.get(address, timeout=20).status_code == 401
