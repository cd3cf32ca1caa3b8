"""`contactdb message` writes to those who may be written to, and to nobody else."""

from __future__ import annotations

import email
import email.policy
import typing as t

import pytest
import sqlalchemy as sa

from target_contactdb import tables
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
    assert "- Mug, Blue\r\n  Quantity: 2  €25.00\r\n- Teapot\r\n" in bodies[0]


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
        ((ANN, "--preview", "--templates", "nowhere"), "the folder of templates does not exist"),
        ((ANN, "--preview", "--format", "pdf"), "'pdf' is not one of 'html', 'text', 'eml'"),
    ],
)
def test_bad_input_is_one_clear_line_and_nothing_is_written(contactdb, tmp_path, arguments, problem):
    folder = tmp_path / "out"

    result = _message(contactdb, folder, *arguments)

    assert result.exit_code == 2
    assert problem in result.stderr.splitlines()[-1]
    assert _names(folder) == []


def test_a_link_that_has_to_be_signed_names_the_secret_that_is_missing(contactdb, tmp_path, settings):
    settings.write_text(SETTINGS.replace("{contact_id}", "{contact_id}/{signature}"))

    result = _message(contactdb, tmp_path / "out", ANN, "--settings", str(settings))

    assert result.exit_code == 2
    assert "CONTACTDB_UNSUBSCRIBE_SECRET" in result.stderr
