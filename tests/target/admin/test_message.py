"""`contactdb message` writes to those who may be written to, and to nobody else."""

from __future__ import annotations

import email
import email.policy
import typing as t
from decimal import Decimal

import pytest
import sqlalchemy as sa

from target_contactdb import tables
from target_contactdb.addresses import address_hash
from tests.target.admin.conftest import at

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.target.admin.conftest import Contactdb

ANN, BEN, LOCAL = "#1", "#2", "#4"
SETTINGS = """
[sender]
name = "Example Shop"
email = "hello@example.com"
postal_address = "1 High Street, Dublin"
[unsubscribe]
url = "https://example.com/leave/{contact_id}"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "message.toml"
    file.write_text(SETTINGS)
    return file


def _message(contactdb: Contactdb, folder: Path, *arguments: str):
    return contactdb.run("message", *arguments, "--out", str(folder))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_link_that_is_no_https_address_is_told_since_no_mail_program_follows_it(contactdb, tmp_path, settings):
    settings.write_text(SETTINGS.replace("https://", "http://"))

    result = _message(contactdb, tmp_path / "out", ANN, "--settings", str(settings))

    told = "`unsubscribe.url` is no https address, so mail programs offer no one-click unsubscription\n"
    assert (result.exit_code, result.stderr) == (0, f"Warning: setting {told}")
    assert len(_names(tmp_path / "out")) == 3


def test_a_message_is_written_as_html_text_and_e_mail(contactdb, tmp_path, settings):
    folder = tmp_path / "new" / "out"

    result = _message(contactdb, folder, ANN, "--settings", str(settings))

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [str(folder / f"message-1-41.{ending}") for ending in ("html", "txt", "eml")]
    mail = email.message_from_bytes((folder / "message-1-41.eml").read_bytes(), policy=email.policy.default)
    assert (mail["To"], mail["From"]) == ('"Ann [red]" <Ann@example.com>', "Example Shop <hello@example.com>")
    bodies = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    assert [body.replace("\r\n", "\n").strip() for body in bodies] == [
        (folder / f"message-1-41.{ending}").read_text().strip() for ending in ("txt", "html")
    ]
    assert "- Mug, Blue\r\n  Quantity: 2\r\n- Teapot\r\n" in bodies[0]


def test_only_the_formats_that_were_asked_for_are_written(contactdb, tmp_path, settings):
    folder = tmp_path / "out"

    _message(contactdb, folder, ANN, "--settings", str(settings), "--format", "text")

    assert _names(folder) == ["message-1-41.txt"]


def test_who_may_not_be_written_to_gets_no_message(contactdb, tmp_path, settings):
    folder = tmp_path / "out"

    result = _message(contactdb, folder, BEN, "--settings", str(settings))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: contact #2 gets no message by e-mail: unsubscribed (Shopify - opted out); " + (
        "the e-mail address is suppressed (Shopify - opted out)\n"
    )
    assert _names(folder) == []


def test_a_recovered_checkout_gets_no_message(contactdb, tmp_path, settings):
    folder = tmp_path / "out"
    contactdb.execute(sa.update(tables.checkouts).values(completed_at=at(12)))

    result = _message(contactdb, folder, ANN, "--settings", str(settings))

    assert (result.exit_code, _names(folder)) == (1, [])
    assert result.stderr == "Error: contact #1 gets no message by e-mail: its checkout was recovered\n"


def test_a_preview_asks_neither_for_consent_nor_for_settings_nor_whether_the_cart_is_open(contactdb, tmp_path):
    folder = tmp_path / "out"
    contactdb.execute(sa.update(tables.checkouts).values(completed_at=at(12)))

    result = _message(contactdb, folder, BEN, "--preview", "--format", "html")

    assert (result.exit_code, _names(folder)) == (0, ["preview-2-43.html"])


def test_a_preview_can_reach_nobody_but_its_sender(contactdb, tmp_path, settings):
    folder = tmp_path / "out"

    _message(contactdb, folder, BEN, "--preview", "--settings", str(settings), "--format", "eml")

    letter = email.message_from_bytes((folder / "preview-2-43.eml").read_bytes(), policy=email.policy.default)
    assert (letter["To"], letter["Subject"].startswith("[Preview] ")) == (letter["From"], True)
    assert [name for name in letter if name.startswith("List-")] == []
    # Nobody is contact 0: a colleague who clicks unsubscribes no one.
    assert "https://example.com/leave/0" in letter.as_string()
    assert "https://example.com/leave/2" not in letter.as_string()


def test_without_any_checkout_there_is_nothing_to_preview(contactdb, tmp_path):
    result = _message(contactdb, tmp_path / "out", LOCAL, "--preview")

    assert result.exit_code == 1
    assert result.stderr == "Error: contact #4 gets no message by e-mail: it has no abandoned checkout\n"


def test_a_preview_of_made_up_data_needs_no_database(tmp_path, contactdb):
    nowhere = type(contactdb)(f"sqlite:///{tmp_path / 'nowhere.db'}")

    result = _message(nowhere, tmp_path / "out", "--preview", "--sample", "--locale", "de")

    assert result.exit_code == 0
    assert "Hallo Robin," in (tmp_path / "out" / "preview-0-0.txt").read_text()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((ANN,), "a message needs --settings"),
        (("#99", "--preview"), "no contact"),
        ((ANN, "--preview", "--locale", "zz"), "option --locale: there is no such locale"),
        ((ANN, "--sample"), "--sample goes with --preview"),
        (("--preview",), "give either the KEY of a contact, or --preview --sample"),
        ((ANN, "--preview", "--templates", "nowhere"), "option --templates: the folder of templates does not exist"),
        ((ANN, "--preview", "--templates", "."), "option --templates: none of `words.toml`, `message.mjml`"),
        ((ANN, "--preview", "--format", "pdf"), "'pdf' is not one of 'html', 'text', 'eml'"),
    ],
)
def test_bad_input_is_one_clear_line_and_nothing_is_written(contactdb, tmp_path, arguments, problem):
    folder = tmp_path / "out"

    result = _message(contactdb, folder, *arguments)

    assert result.exit_code == 2
    assert problem in result.stderr.splitlines()[-1]
    assert _names(folder) == []


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("a@b@c.example", "it has more than one @"),
        ("a b@x.example", "it has a space or a control character in it"),
        ("jürgen@example.com", "before the @ it has letters that most mail servers do not take"),
    ],
)
def test_an_address_that_nobody_can_write_to_gets_no_message(on_sqlite, tmp_path, settings, address, reason):
    folder = tmp_path / "out"
    _move(on_sqlite, address)

    result = _message(on_sqlite, folder, ANN, "--settings", str(settings))

    assert (result.exit_code, result.stdout, _names(folder)) == (1, "", [])
    assert result.stderr == (
        f"Error: contact #1 gets no message by e-mail: its e-mail address cannot be written to: {reason}\n"
    )
    assert _message(on_sqlite, folder, ANN, "--preview").exit_code == 0


@pytest.mark.parametrize(
    ("address", "written"),
    [("info@exämple.de", b"<info@xn--exmple-cua.de>"), ("a..b.@docomo.ne.jp", b'<"a..b."@docomo.ne.jp>')],
)
def test_an_unusual_address_is_written_as_mail_servers_take_it(on_sqlite, tmp_path, settings, address, written):
    _move(on_sqlite, address)

    result = _message(on_sqlite, tmp_path, ANN, "--settings", str(settings), "--format", "eml")

    assert result.exit_code == 0
    assert b'To: "Ann [red]" ' + written + b"\r\n" in (tmp_path / "message-1-41.eml").read_bytes()


def test_a_name_in_the_database_adds_no_recipient(on_sqlite, tmp_path, settings):
    contacts = on_sqlite.contacts()
    on_sqlite.execute(sa.update(contacts).values(first_name="boss@other.example, " + "a " * 30))

    assert _message(on_sqlite, tmp_path, ANN, "--settings", str(settings), "--format", "eml").exit_code == 0
    letter = email.message_from_bytes((tmp_path / "message-1-41.eml").read_bytes())
    assert letter["To"] == "Ann@example.com"


def test_the_total_is_what_the_person_saw(on_sqlite, tmp_path, settings):
    assert _message(on_sqlite, tmp_path, ANN, "--settings", str(settings), "--format", "text").exit_code == 0
    lines = (tmp_path / "message-1-41.txt").read_text().splitlines()

    assert [line for line in lines if "$" in line or "€" in line] == ["Total: $54.10"]


def test_the_amounts_of_a_real_cart_add_up(on_sqlite, tmp_path, settings):
    # A code took 10 percent off the lines, taxes come on top.
    amounts = {"subtotal_price": 45, "total_tax": Decimal("3.60"), "total_price": Decimal("48.60")}
    seen = {"presentment_currency": "EUR", "presentment_total_price": Decimal("48.60")}
    on_sqlite.execute(
        sa.update(tables.checkouts).where(tables.checkouts.c.id == 41).values(**amounts, **seen, taxes_included=False)
    )

    assert _message(on_sqlite, tmp_path, ANN, "--settings", str(settings), "--format", "text").exit_code == 0
    lines = (tmp_path / "message-1-41.txt").read_text().splitlines()
    assert [line for line in lines if "€" in line] == [
        "  Quantity: 2  €25.00",
        "  Quantity: 1  €25.00",
        "Subtotal: €50.00",
        "Discounts: -€5.00",
        "Tax: €3.60",
        "Total: €48.60",
    ]


def test_wrong_settings_are_told_at_once_and_nothing_is_written(on_sqlite, tmp_path, settings):
    folder = tmp_path / "out"
    wrong = SETTINGS.replace("hello@", "Shop <hello@").replace("/leave/{contact_id}", "/a b/{contact_id:s}")
    settings.write_text(wrong)

    result = _message(on_sqlite, folder, ANN, "--settings", str(settings))

    assert (result.exit_code, _names(folder)) == (2, [])
    assert result.stderr.count("message settings: `") == 3
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.stderr


def _move(contactdb: Contactdb, address: str) -> None:
    """Give Ann another address, as an import does."""
    contacts = contactdb.contacts()
    moved = {"email": address, "email_address_hash": address_hash("salt", "email", address)}
    contactdb.execute(sa.update(contacts).where(contacts.c.contact_id == 1).values(**moved))


def test_a_link_that_has_to_be_signed_names_the_secret_that_is_missing(contactdb, tmp_path, settings):
    settings.write_text(SETTINGS.replace("{contact_id}", "{contact_id}/{signature}"))

    result = _message(contactdb, tmp_path / "out", ANN, "--settings", str(settings))

    assert result.exit_code == 2
    assert "CONTACTDB_UNSUBSCRIBE_SECRET" in result.stderr
