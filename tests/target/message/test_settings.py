"""The file that says who sends is checked whole."""

from __future__ import annotations

import pytest

from target_contactdb.errors import ConfigError
from target_contactdb.message.links import signature, unsubscribe_link, with_campaign
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
        "message settings: there is no table `sendr`; there are sender, unsubscribe, shop, message, campaign",
        "message settings: there is no `sender.fax`; there is name, email, reply_to, postal_address",
        "message settings: `sender.name` is a text",
        "message settings: `sender.postal_address` is missing",
        "message settings: `sender.email` is not an e-mail address",
        "message settings: `unsubscribe.url` is not a web address",
        "message settings: `shop.url` is not a web address",
        "message settings: `unsubscribe.url` can name {channel}, {contact_id}, {signature} and nothing else",
        "message settings: `unsubscribe.url` has to name {contact_id}, to tell who unsubscribes",
    ]


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


def test_a_link_that_has_to_be_signed_needs_a_secret():
    with pytest.raises(ValueError, match="no secret"):
        unsubscribe_link("https://example.com/{contact_id}/{signature}", 1, "email", None)
