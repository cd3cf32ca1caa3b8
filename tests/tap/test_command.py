"""The installed command: exit codes, one line per failure, and nothing about persons in any log."""

import json
import logging
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from shopify_sandbox.process import Sandbox
from tap_shopify_contacts.checks import read_config_file
from tap_shopify_contacts.errors import ConfigError, TapError
from tap_shopify_contacts.tap import TapShopifyContacts
from tests.tap.helpers import config_of, open_shop, requests_of, run_tap, truth_of

COMMAND = str(Path(sys.executable).with_name("tap-shopify-contacts"))
ENDING = " Stopped; the imports that follow in this run are not started."


@pytest.fixture
def run(tmp_path):
    """Run the command with a configuration."""

    def start(config: dict[str, object], *arguments: str, level: str = "INFO") -> subprocess.CompletedProcess[str]:
        path = tmp_path / "config.json"
        path.write_text(json.dumps(config))
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("TAP_SHOPIFY", "LOGLEVEL"))}
        return subprocess.run(
            [COMMAND, "--config", str(path), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**clean, "LOGLEVEL": level},
        )

    return start


def mark_a_customer(sandbox: Sandbox) -> None:
    """Give a customer values that can be looked for."""
    marked = {"email": "marked@example.com", "first_name": "Markedname", "note": "markednote"}
    sandbox.control("PATCH", f"customers/{truth_of(sandbox, 'customers')[0]['id']}", marked)
    sandbox.control("POST", "clock", {"advance_seconds": 300})


def failure(done: subprocess.CompletedProcess[str], ending: str = ENDING) -> str:
    """Return the one line that says what failed, without its ending."""
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if "| CRITICAL |" in line or "| ERROR " in line]
    assert len(lines) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == lines[0]
    message = lines[0].split(" | ", 3)[3]
    assert message.endswith(ending)
    return message.removesuffix(ending)


@pytest.mark.parametrize(
    ("change", "arguments", "told"),
    [
        ({"shop": ""}, (), "The setting shop is not set: give the shop's name, such as my-shop.myshopify.com."),
        (
            {"access_token": ""},
            (),
            "Neither access_token nor client_id and client_secret are set: give the app's client id and client secret, "
            "or its Admin API access token.",
        ),
        (
            {"client_id": "x"},
            (),
            "The setting access_token is set beside client_id: keep one way to sign in, remove the other.",
        ),
    ],
)
def test_a_bad_setting_is_told_in_one_line(run, change, arguments, told):
    config = {"shop": "sandbox", "access_token": "shpat_secret", "api_url": "http://127.0.0.1:1", **change}
    done = run(config, *arguments)
    assert failure(done) == told
    assert done.stdout == ""


def test_an_unreachable_shop_is_told_in_one_line_within_seconds(run):
    done = run({"shop": "sandbox", "access_token": "shpat_secret", "api_url": "http://127.0.0.1:1", "edition": "basic"})
    assert failure(done) == (
        "shop sandbox.myshopify.com, stream customers: http://127.0.0.1:1 cannot be reached: no connection. "
        "Gave up after 3 tries. Check the settings shop and api_url, and the network."
    )
    assert done.stdout == ""


def test_a_wrong_token_is_told_without_the_token(run, stocked):
    done = run(config_of(stocked, access_token="shpat_marked"), level="DEBUG")
    assert failure(done).startswith(
        "shop sandbox.myshopify.com, stream abandoned_checkouts: Shopify refused the access token (HTTP 401). "
        "Check the setting access_token and that the app is installed. (request id "
    )
    assert "shpat" not in done.stderr + done.stdout
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [(), ("--test",), ("--discover",)], ids=["run", "test", "discover"])
def test_a_missing_file_of_settings_is_told_in_one_line(tmp_path, arguments):
    done = subprocess.run(
        [COMMAND, "--config", "none.json", *arguments], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert failure(done, "") == "The file none.json of --config cannot be read: No such file or directory."
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"access_token": "shpat_marked"', "is not JSON: Expecting ',' delimiter, line 1, column 32."),
        (b'["shpat_marked"]', 'is no JSON object, such as {"shop": "my-shop"}.'),
        (b'{"shop": "marked\xe9"}', "is not JSON: it is not text in UTF-8."),
    ],
    ids=["cut short", "list", "other bytes"],
)
def test_a_broken_file_of_settings_is_told_without_what_is_in_it(tmp_path, content, told):
    path = tmp_path / "tap.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_config_file(str(path))
    assert str(caught.value) == f"The file {path} of --config {told}"


def test_the_connection_test_reads_and_writes_one_line_only(run, quiet):
    done = run(config_of(quiet), "--test")
    assert (done.returncode, done.stdout) == (
        0,
        "The connection to sandbox.myshopify.com works: "
        "read one record of abandoned_checkouts and one record of customers; nothing was written.\n",
    )
    assert [entry["operation"] for entry in requests_of(quiet)] == [
        "Scopes",
        "AbandonedCheckoutsProbe",
        "AbandonedCheckouts",
        "CustomersProbe",
        "Customers",
    ]


def test_a_connection_test_that_fails_is_told_in_one_line_that_speaks_of_no_import(run, stocked):
    wrong_value = run(config_of(stocked, access_token=123), "--test")
    assert failure(wrong_value, "") == "The setting access_token holds characters that no access token has."
    wrong_token = run(config_of(stocked, access_token="shpat_marked"), "--test")
    assert "Shopify refused the access token (HTTP 401). " in failure(wrong_token, "")
    assert wrong_value.stdout + wrong_token.stdout == ""


@pytest.mark.parametrize(
    ("options", "settings", "read"),
    [
        ({"customers": 5, "checkouts": 0}, {}, "no record of abandoned_checkouts and one record of customers"),
        (
            {"customers": 0, "checkouts": 0},
            {"start_date": "2020-01-01"},
            "no record of abandoned_checkouts and no record of customers",
        ),
        ({"customers": 5, "checkouts": 5}, {"edition": "basic"}, "one record of customers"),
        ({"customers": 5, "checkouts": 5}, {"edition": "basic", "start_date": "2030-01-01"}, "no record of customers"),
    ],
)
def test_the_connection_test_says_where_there_was_nothing_to_read(options, settings, read, capsys):
    with open_shop(**options) as sandbox:
        tap = TapShopifyContacts(config=config_of(sandbox, **settings))
        told = tap.try_out()
        tap.client.close()
    assert told == f"The connection to sandbox.myshopify.com works: read {read}; nothing was written."
    assert capsys.readouterr().out == ""


def test_discovery_catalogue_and_state_go_together(run, small, tmp_path):
    config = config_of(small, edition="basic")
    catalog, state = tmp_path / "catalog.json", tmp_path / "state.json"
    catalog.write_text(run(config, "--discover").stdout)
    state.write_text(json.dumps(run_tap(config).states[-1]))
    changed = truth_of(small, "customers")[7]["id"]
    small.control("PATCH", f"customers/{changed}", {"first_name": "Changed"})
    small.control("POST", "clock", {"advance_seconds": 3600})
    done = run(config, "--catalog", str(catalog), "--state", str(state))
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [message["type"] for message in messages] == ["STATE", "SCHEMA", "RECORD", "STATE"]
    assert messages[2]["record"]["id"] == changed


def test_nothing_about_a_person_is_in_the_commands_log(run, small):
    mark_a_customer(small)
    done = run(config_of(small, edition="basic"), level="DEBUG")
    assert done.returncode == 0
    assert "marked@example.com" in done.stdout
    assert "marked" not in done.stderr.lower()
    assert small.token not in done.stderr + done.stdout


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "protected_field", "field": "firstName", "times": None},
        {"kind": "http_status", "status": 503, "operation": "Customers"},
        {"kind": "search_warning", "operation": "Customers"},
        {"kind": "http_status", "status": 403, "body": {"errors": "marked@example.com"}, "operation": "Customers"},
        {"kind": "errors_string", "operation": "Customers"},
        {"kind": "truncated_body", "times": None, "operation": "Customers"},
    ],
    ids=["denied field", "outage", "dropped filter", "forbidden", "refused", "truncated"],
)
def test_nothing_about_a_person_is_in_any_log_or_message(small, fault, caplog):
    mark_a_customer(small)
    small.control("POST", "faults", fault)
    told = ""
    with caplog.at_level(logging.DEBUG):
        try:
            run_tap(config_of(small, edition="basic", protected_data="warn"))
        except TapError as error:
            told = "".join(traceback.format_exception(error))
    assert caplog.text
    for text in (caplog.text.lower(), told.lower()):
        assert "marked" not in text
        assert small.token not in text


def test_a_signal_ends_the_run_with_an_exit_code_that_says_so(tmp_path):
    with open_shop(customers=400, checkouts=0) as sandbox:
        config = tmp_path / "config.json"
        config.write_text(json.dumps(config_of(sandbox, edition="basic", page_size=1)))
        with subprocess.Popen(
            [COMMAND, "--config", str(config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert log.splitlines()[-1].split(" | ", 3)[3] == f"Told to stop by SIGTERM.{ENDING}"
    assert "Traceback" not in log


def test_a_target_that_stops_reading_ends_the_run_without_a_traceback(tmp_path, stocked):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(config_of(stocked, edition="basic")))
    with subprocess.Popen(
        [COMMAND, "--config", str(config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        log = process.stderr.read()
    assert process.returncode == 1
    assert "Traceback" not in log
