"""The file that says who sends is checked whole."""

from __future__ import annotations

import json

import pytest

from target_contactdb.errors import ConfigError
from target_contactdb.message.links import signature, with_campaign
from target_contactdb.message.settings import MessageSettings, read_message_settings

WHOLE = """
[sender]
name = "Example Shop"
email = "hello@example.com"
reply_to = "help@example.com"
postal_address = "1 High Street, Dublin"

[unsubscribe]
url = "https://example.com/leave/{contact_id}"
mailto = "leave@example.com"

[shop]
name = "Example"
url = "https://shop.example.com"

[message]
templates = "own"
locale = "de"

[campaign]
utm_source = "contactdb"
"""


def test_every_setting_is_read(tmp_path):
    file = tmp_path / "message.toml"
    file.write_text(WHOLE)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "words.toml").touch()

    assert read_message_settings(file) == MessageSettings(
        sender_name="Example Shop",
        sender_email="hello@example.com",
        postal_address="1 High Street, Dublin",
        unsubscribe_url="https://example.com/leave/{contact_id}",
        reply_to="help@example.com",
        unsubscribe_mailto="leave@example.com",
        shop_name="Example",
        shop_url="https://shop.example.com",
        templates=tmp_path / "own",
        locale="de",
        campaign={"utm_source": "contactdb"},
    )


def test_every_problem_is_named_at_once(tmp_path):
    file = tmp_path / "message.toml"
    file.write_text(
        'sendr = 1\n[sender]\nname = 3\nemail = "x"\nfax = "1"\n'
        '[unsubscribe]\nurl = "ftp://x/{who}"\n[shop]\nurl = "shop"'
    )

    with pytest.raises(ConfigError) as caught:
        read_message_settings(file)

    assert caught.value.problems == [
        "message settings: there is no table `sendr`; did you mean `sender`?",
        "message settings: there is no `sender.fax`; there are `name`, `email`, `reply_to`, `postal_address`",
        "message settings: `sender.name` is a text",
        "message settings: `sender.postal_address` is missing or blank",
        "message settings: `sender.email` is not an e-mail address: it has no @",
        "message settings: `unsubscribe.url` is not a web address: it does not begin with https:// and a host",
        "message settings: `shop.url` is not a web address: it does not begin with https:// and a host",
        "message settings: `unsubscribe.url` can name {channel}, {contact_id}, {signature} and nothing else",
        "message settings: `unsubscribe.url` has to name {contact_id}, to tell who unsubscribes",
    ]


def test_a_misspelt_table_is_one_problem(tmp_path):
    file = tmp_path / "message.toml"
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "words.toml").touch()
    told = []
    for right, wrong in (("sender", "sendr"), ("unsubscribe", "unsubscribed"), ("campaign", "Campaigns")):
        file.write_text(WHOLE.replace(f"[{right}]", f"[{wrong}]"))
        with pytest.raises(ConfigError) as caught:
            read_message_settings(file)
        told += caught.value.problems

    assert told == [
        "message settings: there is no table `sendr`; did you mean `sender`?",
        "message settings: there is no table `unsubscribed`; did you mean `unsubscribe`?",
        "message settings: there is no table `Campaigns`; did you mean `campaign`?",
    ]


def _with(table, key, value):
    """Return the file with one setting changed."""
    lines = WHOLE.splitlines()
    at = lines.index(f"[{table}]")
    end = next((n for n in range(at + 1, len(lines)) if lines[n].startswith("[")), len(lines))
    kept = [line for line in lines[at + 1 : end] if not line.startswith(f"{key} =")]
    return "\n".join([*lines[:at], f"[{table}]", f"{key} = {json.dumps(value)}", *kept, *lines[end:]])


LEAVE = "https://example.com/leave/{contact_id}"
BRACKETS = "is not an e-mail address: it has angle brackets: give the address alone, without a name"
NO_PLACE = "`unsubscribe.url` names its places without `:` or `!`: write {contact_id}"


@pytest.mark.parametrize(
    ("table", "key", "value", "problem"),
    [
        ("sender", "name", " ", "`sender.name` is missing or blank"),
        ("sender", "name", "Shop\nBcc: x@y.example", "`sender.name` has a line break or a control character in it"),
        ("sender", "postal_address", " \n ", "`sender.postal_address` is missing or blank"),
        ("sender", "postal_address", "a\u0000b", "`sender.postal_address` has a control character in it"),
        (
            "sender",
            "email",
            "Shop <hello@example.com>",
            f"`sender.email` {BRACKETS}",
        ),
        (
            "sender",
            "email",
            "jürgen@example.com",
            "`sender.email` is not an e-mail address: before the @ it has letters that most mail servers do not take",
        ),
        (
            "sender",
            "reply_to",
            "a@b.example\nBcc: x@y.example",
            "`sender.reply_to` is not an e-mail address: it has a space or a control character in it",
        ),
        (
            "unsubscribe",
            "mailto",
            "Leave <leave@example.com>",
            f"`unsubscribe.mailto` {BRACKETS}",
        ),
        (
            "unsubscribe",
            "mailto",
            "lea ve@example.com",
            "`unsubscribe.mailto` is not an e-mail address: it has a space or a control character in it",
        ),
        (
            "unsubscribe",
            "url",
            f"{LEAVE}\nx",
            "`unsubscribe.url` is not a web address: it has a space or a line break in it",
        ),
        (
            "unsubscribe",
            "url",
            "https://example.com/a b/{contact_id}",
            "`unsubscribe.url` is not a web address: it has a space or a line break in it",
        ),
        (
            "unsubscribe",
            "url",
            "https://exa<mple.com/{contact_id}",
            "`unsubscribe.url` is not a web address: its host or its port cannot be one",
        ),
        ("unsubscribe", "url", LEAVE + "x" * 900, "`unsubscribe.url` is longer than 900 characters"),
        ("unsubscribe", "url", "https://example.com/{contact_id:s}", NO_PLACE),
        ("unsubscribe", "url", "https://example.com/{contact_id:>1000000000}", NO_PLACE),
        ("unsubscribe", "url", "https://example.com/{contact_id!r}", NO_PLACE),
        (
            "unsubscribe",
            "url",
            "https://example.com/{contact_id",
            "`unsubscribe.url` has a brace that is not closed, or not opened",
        ),
        (
            "shop",
            "url",
            "https://shop.example.com/a b",
            "`shop.url` is not a web address: it has a space or a line break in it",
        ),
        ("message", "locale", "klingon", "`message.locale` is no locale; write one such as `pt-BR` or `pt`"),
        ("message", "templates", "nowhere", "`message.templates`: the folder of templates does not exist"),
        ("campaign", "utm_source", "a\u0001b", "`campaign.utm_source` has a line break or a control character in it"),
    ],
)
def test_each_wrong_value_has_its_own_problem(tmp_path, table, key, value, problem):
    file = tmp_path / "message.toml"
    file.write_text(_with(table, key, value).replace('templates = "own"', ""))

    with pytest.raises(ConfigError) as caught:
        read_message_settings(file)

    assert caught.value.problems == [f"message settings: {problem}"]


def test_addresses_and_links_of_other_alphabets_are_taken(tmp_path):
    file = tmp_path / "message.toml"
    file.write_text(
        _with("sender", "email", "info@exämple.de")
        .replace('templates = "own"', "")
        .replace('"1 High Street, Dublin"', '"""\nExample Shop\n  1 High Street\n\nDublin\n"""')
        .replace("https://shop.example.com", "HTTPS://shöp.example")
    )

    settings = read_message_settings(file)

    assert settings.sender_email == "info@xn--exmple-cua.de"
    assert settings.postal_address == "Example Shop\n1 High Street\nDublin"
    assert settings.shop_url == "https://xn--shp-tna.example"


@pytest.mark.parametrize(("text", "problem"), [("[sender", "not TOML"), (None, "cannot be read")])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path, text, problem):
    file = tmp_path / "message.toml"
    if text is not None:
        file.write_text(text)

    with pytest.raises(ConfigError, match=problem):
        read_message_settings(file)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/x", "https://a.example/x?utm_source=db"),
        ("https://a.example/x?key=a%20b#top", "https://a.example/x?key=a%20b&utm_source=db#top"),
        ("https://a.example/x?utm_source=mine", "https://a.example/x?utm_source=mine"),
    ],
)
def test_campaign_parameters_are_added_and_nothing_else_changes(url, expected):
    assert with_campaign(url, {"utm_source": "db"}) == expected


def test_a_signature_is_of_one_contact_and_one_channel_and_one_secret():
    variants = {
        signature(secret, contact, channel) for secret in "ab" for contact in (1, 2) for channel in ("email", "sms")
    }

    assert len(variants) == 8
