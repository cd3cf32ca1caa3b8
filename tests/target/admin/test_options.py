"""Options with values that no database holds, or that are blank: a usage error, and nothing is changed."""

from __future__ import annotations

import pytest

from target_contactdb import tables
from tests.target.admin.conftest import SUBSCRIBED

HUGE = "9" * 20
TOO_LARGE = "the number has more than 64 bits"
NODE = ("node", "abandoned-checkout", "--flow", "x", "--after", "60", "--limit")


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (("may", "#1", "--channel", "email", "--checkout"), "'--checkout'"),
        (("log", "--operation"), "'--operation'"),
        (("log", "--limit"), "'--limit'"),
        (("accept", "--changes"), "'--changes'"),
        (("segment", "--where", "email is set", "--limit"), "'--limit'"),
        (NODE, "'--limit'"),
        (("node", "ack", "--flow", "x", "1"), "'ENTRY...'"),
        (("node", "release", "--flow", "x", "1"), "'ENTRY...'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_number_that_no_database_holds_is_a_usage_error(contactdb, command, option):
    result = contactdb.run(*command, HUGE)

    assert (result.exit_code, result.stderr) == (2, f"Error: Invalid value for {option}: {TOO_LARGE}\n")


def test_the_largest_number_that_every_database_holds_is_asked_for(contactdb):
    most = str(2**63 - 1)

    assert contactdb.run("may", "#1", "--channel", "email", "--checkout", most).exit_code == 1
    assert contactdb.run("log", "--limit", most).exit_code == 0
    assert contactdb.run("segment", "--where", "email is set", "--limit", most).exit_code == 0
    assert contactdb.run(*NODE, most).exit_code == 0
    for wrong in (("log", "--operation", most), ("node", "ack", "--flow", "x", most)):
        result = contactdb.run(*wrong)
        assert (result.exit_code, result.exception.__class__) == (2, SystemExit)


@pytest.mark.parametrize("key", [HUGE, f"#{HUGE}", f"+{HUGE}", "9" * 5000, "#" + "9" * 5000])
@pytest.mark.parametrize("command", [("contact",), ("may", "--channel", "email"), ("export",), ("erase", "--yes")])
def test_a_key_that_is_a_number_without_end_is_nobody(contactdb, command, key):
    result = contactdb.run(*command, key)

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: no ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("cause", ["", "  "])
def test_a_blank_cause_is_a_usage_error(on_sqlite, cause):
    result = on_sqlite.run("unsubscribe", f"#{SUBSCRIBED}", "--channel", "email", "--cause", cause)

    problem = "Error: Invalid value for '--cause': a cause is text; without the option it is `person unsubscribed`\n"
    assert (result.exit_code, result.stderr) == (2, problem)
    assert len(on_sqlite.rows(tables.status_changes)) == 3
