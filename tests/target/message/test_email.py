"""The e-mail as bytes: one recipient whatever is in a name, and headers that mail servers read."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import re
from dataclasses import replace
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest

from target_contactdb.errors import ContactDbError
from target_contactdb.message.files import Form, to_email, write_files
from target_contactdb.message.mailboxes import deliverable
from target_contactdb.message.render import render_message
from tests.target.message.conftest import ANN, CART, SENDER

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
LONGEST_LINE = 998
"""Characters of a line of an e-mail (RFC 5322, 2.1.1)."""

NAMES = {
    "an address and more than a line": "boss@other.example, " + "a " * 30,
    "an encoded address": "=?utf-8?b?PGJvc3NAb3RoZXIuZXhhbXBsZT4s?=",
    "an encoded address with more": "=?utf-8?q?boss=40other.example=2C?= " * 5,
    "long, with a comma": "Lee, Dr. Ann " * 8,
    "long, without a space": "A" * 3000,
    "quotes": 'Ann "Annie" \\ Lee',
    "a quote that ends it": '" <boss@other.example>, "',
    "a comment": "Ann (boss@other.example",
    "letters": "Änne Köhler, 日本 " * 9,
    "a group": "Friends: Ann, Ben;",
    "a line break": "Ann\r\nBcc: boss@other.example",
}


def _bytes(recipient=ANN, settings=SENDER, **options):
    return to_email(render_message(recipient, CART, settings, secret="s", **options), NOW)


def _header(raw, name):
    """Return a header as it stands there, unfolded."""
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    assert max(map(len, head.split("\r\n"))) <= LONGEST_LINE
    (value,) = re.findall(rf"^{name}: (.*)$", head.replace("\r\n ", " ").replace("\r", ""), re.MULTILINE)
    return value


def _readers(raw):
    """Return the e-mail as readers of both kinds understand it."""
    return [email.message_from_bytes(raw, policy=policy) for policy in (email.policy.compat32, email.policy.default)]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_adds_no_recipient(name):
    raw = _bytes(replace(ANN, first_name=name, last_name=None))

    old, new = _readers(raw)
    assert [address for _name, address in getaddresses(old.get_all("To"))] == ["ann@example.com"]
    assert [str(one.addr_spec) for one in new["To"].addresses] == ["ann@example.com"]
    # Some programs decode first, and look for addresses then.
    decoded = str(make_header(decode_header(_header(raw, "To"))))
    assert "other.example" not in decoded
    assert old.keys().count("To") == 1
    assert not {"Cc", "Bcc"} & set(old.keys())


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_adds_no_sender(name):
    raw = _bytes(settings=replace(SENDER, sender_name=" ".join(name.split())))

    old, new = _readers(raw)
    assert [address for _name, address in getaddresses(old.get_all("From"))] == ["hello@example.com"]
    assert [str(one.addr_spec) for one in new["From"].addresses] == ["hello@example.com"]


@pytest.mark.parametrize(
    "name", ["Ann", "Ann [red]", "Lee, Ann", "Änne Köhler", "Lee, Dr. Ann " * 8, "日本 " * 40, "=?utf-8?q?Ann?="]
)
def test_a_sender_is_read_as_it_was_written(name):
    settings = replace(SENDER, sender_name=name)

    # The parser of the library's newer policy puts spaces between encoded words, against RFC 2047, 6.2.
    shown = str(make_header(decode_header(_readers(_bytes(settings=settings))[0]["From"])))

    assert shown.removesuffix(" <hello@example.com>").strip('"') == name.strip()


@pytest.mark.parametrize(
    "subject",
    ["Pst", "{{ 'long ' * 60 }}", "Hallo {{ 'Ännchen ' * 30 }}", "{{ '=?utf-8?b?PGJv?=' }}", "{{ 'A' * 2000 }}"],
)
def test_a_subject_is_read_as_it_was_written(tmp_path, subject):
    (tmp_path / "words.toml").write_text(f'subject = "{subject}"')
    message = render_message(ANN, CART, SENDER, secret="s", templates=tmp_path)
    raw = to_email(message, NOW)

    _header(raw, "Subject")
    assert _readers(raw)[1]["Subject"] == message.subject


@pytest.mark.parametrize(
    ("url", "written"),
    [
        (
            "https://example.com/leave?contact={contact_id}&by={channel}&signature={signature}",
            r"https://example\.com/leave\?contact=1&by=email&signature=[0-9a-f]{64}",
        ),
        ("https://example.com/" + "x" * 800 + "/{contact_id}", "https://example.com/x{800}/1"),
        (
            "HTTPS://Exämple.example/abmelden/ü?c={contact_id}#ö",
            r"https://xn--exmple-cua\.example/abmelden/%C3%BC\?c=1#%C3%B6",
        ),
    ],
)
def test_the_way_out_is_written_as_it_is_however_long(url, written):
    raw = _bytes(settings=replace(SENDER, unsubscribe_url=url))

    assert re.fullmatch(
        rf"<{written}>, <mailto:leave@example\.com\?subject=unsubscribe>", _header(raw, "List-Unsubscribe")
    )
    assert b"<https://" in raw.partition(b"List-Unsubscribe: ")[2].split(b"\r\n")[0]
    assert _header(raw, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"


def test_without_https_there_is_no_one_click():
    raw = _bytes(settings=replace(SENDER, unsubscribe_url="http://example.com/{contact_id}"))

    assert b"List-Unsubscribe-Post" not in raw


def test_addresses_of_other_alphabets_and_odd_dots_arrive():
    settings = replace(SENDER, sender_email=deliverable("info@exämple.de"))
    raw = _bytes(replace(ANN, email=deliverable("a..b.@docomo.ne.jp")), settings)

    assert _header(raw, "To") == 'Ann Lee <"a..b."@docomo.ne.jp>'
    assert _header(raw, "From") == "Example Shop <info@xn--exmple-cua.de>"
    assert _header(raw, "Message-ID").endswith("@xn--exmple-cua.de>")


def test_an_email_that_would_go_elsewhere_is_not_written(tmp_path):
    message = render_message(ANN, CART, SENDER, secret="s")
    astray = replace(message, headers={**message.headers, "To": "ann@example.com, boss@other.example"})

    with pytest.raises(ContactDbError, match="other addresses"):
        write_files(astray, tmp_path / "out", "message", list(Form), NOW)

    assert list(tmp_path.iterdir()) == []


def test_all_files_are_written_or_none(tmp_path):
    message = render_message(ANN, CART, SENDER, secret="s")
    (tmp_path / "message.eml").mkdir()

    with pytest.raises(OSError, match=r"message\.eml"):
        write_files(message, tmp_path, "message", list(Form), NOW)

    assert [path.name for path in tmp_path.iterdir()] == ["message.eml"]
