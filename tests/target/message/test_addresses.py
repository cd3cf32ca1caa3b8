"""Addresses and links are written as mail servers take them, or refused with the reason."""

from __future__ import annotations

import pytest

from target_contactdb.message.links import NotALink, ascii_link
from target_contactdb.message.mailboxes import NotAnAddress, deliverable


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("Ann@example.com", "Ann@example.com"),
        (" ann+tag@sub.example.com ", "ann+tag@sub.example.com"),
        ("info@exämple.de", "info@xn--exmple-cua.de"),
        # IDNA of 2003 writes to another domain: that of `strasse`.
        ("info@straße.example", "info@xn--strae-oqa.example"),
        ("a..b.@docomo.ne.jp", '"a..b."@docomo.ne.jp'),
        (".a@docomo.ne.jp", '".a"@docomo.ne.jp'),
        ("o'brien@example.com", "o'brien@example.com"),
    ],
)
def test_an_address_is_written_as_mail_servers_take_it(address, written):
    assert deliverable(address) == written


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("a@b@c.example", "it has more than one @"),
        ("a b@x.example", "it has a space or a control character in it"),
        ("a\n@x.example", "it has a space or a control character in it"),
        ("Shop <hello@example.com>", "it has angle brackets: give the address alone, without a name"),
        ("hello", "it has no @"),
        ("@example.com", "it has nothing before or after the @"),
        ("hello@", "it has nothing before or after the @"),
        ("jürgen@example.com", "before the @ it has letters that most mail servers do not take"),
        ("a,b@example.com", "before the @ it has a character that does not belong there"),
        ('"a"@example.com', "before the @ it has a character that does not belong there"),
        ("a@b..example", "what is behind the @ is no domain"),
        ("a@b,c.example", "what is behind the @ is no domain"),
        ("a@exämple..de", "what is behind the @ is no domain"),
        ("a" * 65 + "@example.com", "it has more than 64 characters before the @"),
        ("a@" + "b" * 260, "it is longer than 254 characters"),
    ],
)
def test_an_address_that_cannot_be_written_to_is_refused_with_the_reason(address, reason):
    with pytest.raises(NotAnAddress) as caught:
        deliverable(address)

    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://example.com/a%20b?x=1&y=%C3%BC#top", "https://example.com/a%20b?x=1&y=%C3%BC#top"),
        ("HTTPS://Example.com:8443/A", "https://example.com:8443/A"),
        ("https://exämple.de/ü?ß", "https://xn--exmple-cua.de/%C3%BC?%C3%9F"),
        ('https://example.com/<a>"', "https://example.com/%3Ca%3E%22"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("https://user:word@example.com/", "https://user:word@example.com/"),
    ],
)
def test_a_link_is_written_in_ascii(url, written):
    assert ascii_link(url) == written


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "javascript:alert(1)",
        "https://",
        "https://a b.example/",
        "https://a/ b",
        "https://a/\nb",
        "https://a<b.example/",
        "https://a..b/",
        "https://a:x/",
        "https://[zz]/",
        "https://-ä-.example/",
    ],
)
def test_what_leads_to_no_page_is_no_link(url):
    with pytest.raises(NotALink):
        ascii_link(url)
