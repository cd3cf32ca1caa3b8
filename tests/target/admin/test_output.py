"""An answer that cannot be written: one line says so, and no exit code that is an answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.target.admin.conftest import OPTED_OUT

CONTACTDB = str(Path(sys.executable).parent / "contactdb")
FULL = "Error: standard output cannot be written: No space left on device\n"
CLOSED = "Error: standard output is closed, so nothing is done\n"
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("may", "#1", "--channel", "email"),
    ("may", "#1", "--channel", "email", "--format", "json"),
    ("status",),
    ("status", "--format", "json"),
    ("contact", "#1"),
    ("segment", "--where", "email is set", "--format", "csv"),
    ("segment", "--where", "email is set", "--format", "json"),
    ("log", "--rejected"),
    ("node", "flows"),
)


def answer(contactdb, redirection, *arguments):
    """Run a command in a shell, with its standard output somewhere else; return exit code and what it says beside."""
    environment = {**os.environ, "TARGET_CONTACTDB_SQLALCHEMY_URL": contactdb.url}
    command = ["/bin/sh", "-c", f'"$@" {redirection}', "sh", CONTACTDB, *arguments]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(("redirection", "line"), [(">/dev/full", FULL), (">&-", CLOSED)], ids=["full", "closed"])
def test_an_answer_that_cannot_be_written_is_told_in_one_line(on_sqlite, command, redirection, line):
    assert answer(on_sqlite, redirection, *command) == (2, line)


@pytest.mark.parametrize("command", [("--help",), ("may", "--help"), ("--version",)], ids=" ".join)
def test_help_that_cannot_be_written_is_told_in_one_line_too(on_sqlite, command):
    assert answer(on_sqlite, ">/dev/full", *command) == (2, FULL)


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_reader_that_has_left_is_no_answer_and_nothing_to_tell(on_sqlite, form):
    command = [CONTACTDB, "may", "#1", "--channel", "email", "--format", form]
    environment = {**os.environ, "TARGET_CONTACTDB_SQLALCHEMY_URL": on_sqlite.url}
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False, env=environment)

    os.close(writing)
    assert (done.returncode, done.stderr) == (2, b"")


def test_an_act_is_not_begun_where_nothing_can_be_said_about_it(on_sqlite):
    command = ("subscribe", f"#{OPTED_OUT}", "--channel", "email")
    may = ("may", f"#{OPTED_OUT}", "--channel", "email")

    assert answer(on_sqlite, ">&-", *command) == (2, CLOSED)
    assert on_sqlite.run(*may).exit_code == 1
    assert answer(on_sqlite, ">/dev/full", *command) == (2, FULL)
    assert on_sqlite.run(*may).exit_code == 0


def test_who_entered_a_segment_and_could_not_be_told_is_told_the_next_time(on_sqlite):
    on_sqlite.run("segment", "--where", 'email = "nobody@example.com"', "--save", "with-address")
    on_sqlite.run("segment", "--where", "email is set", "--save", "with-address")
    everybody = on_sqlite.json("segment", "with-address", "--entered")["count"]

    for form in ("csv", "json", "table"):
        command = ("segment", "with-address", "--entered", "--evaluate", "--format", form)
        assert answer(on_sqlite, ">/dev/full", *command) == (2, FULL)

    assert on_sqlite.json("segment", "with-address", "--entered", "--evaluate")["count"] == everybody
    assert on_sqlite.json("segment", "with-address", "--entered")["count"] == 0
