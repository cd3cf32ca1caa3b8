"""`contactdb accept`, `contactdb fields`, and how a command that cannot be understood answers."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from target_contactdb.status_count import StatusCount, add_changes, note_stop, read_count
from target_contactdb.tables import database_state, streams
from tests.target.admin.conftest import SHOP

STOPPED = dt.datetime(2026, 11, 1, 9, tzinfo=dt.UTC)


def count_of(command):
    engine = command.engine()
    with engine.connect() as connection:
        found = read_count(connection)
    engine.dispose()
    return found


def stop(command, held):
    engine = command.engine()
    with engine.begin() as connection:
        add_changes(connection, 30)
        add_changes(connection, 12)
        note_stop(connection, held, STOPPED)
    engine.dispose()


def test_changes_are_counted_over_runs_until_a_person_accepts(contactdb):
    stop(contactdb, 500)
    assert count_of(contactdb) == StatusCount(42, 500, STOPPED, None)

    assert contactdb.json("accept") == {
        "counted": 42,
        "held": 500,
        "stopped_at": "2026-11-01T09:00:00Z",
        "accepted": 500,
        "missing": 0,
    }
    after = count_of(contactdb)
    assert (after.counted, after.held, after.stopped_at) == (-500, None, None)
    assert after.accepted_at is not None


def test_more_can_be_accepted_beforehand(on_sqlite):
    stop(on_sqlite, 500)
    on_sqlite.run("accept", "--changes", "9000")

    assert count_of(on_sqlite).counted == -9000


def test_accepting_when_nothing_waits_begins_to_count_anew(on_sqlite):
    on_sqlite.execute(sa.update(database_state).values(status_changes_counted=7))

    assert on_sqlite.run("accept").output == (
        "No import was stopped by its limit of status changes.\n"
        "Counted since the last time: 7. Accepted beforehand: 0.\n"
    )
    assert count_of(on_sqlite).counted == 0


def test_the_fields_are_listed_with_what_fills_them(contactdb):
    mapping = {"source": "mail", "label": "E-mail", "field": "email", "update": "if_empty", "when_empty": "keep"}
    seen = {"stream": "customers", "json_schema": {}, "seen_at": STOPPED}
    contactdb.execute(sa.insert(streams).values(**seen, shop=SHOP, mappings=[mapping]))
    contactdb.execute(sa.insert(streams).values(**seen, shop="b", mappings=None))
    contactdb.execute(sa.update(database_state).values(primary_key="email", unique_fields=["phone"]))
    listed = {field["name"]: field for field in contactdb.json("fields")["fields"]}

    assert list(listed) == ["first_name", "email", "phone", "orders_total_spent", "tags", "company"]
    assert listed["email"] == {
        "name": "email",
        "label": "Email",
        "type": "email",
        "choices": [],
        "key": "primary key",
        "filled_from": [
            {
                "shop": SHOP,
                "stream": "customers",
                "source": "mail",
                "label": "E-mail",
                "update": "if_empty",
                "when_empty": "keep",
            }
        ],
    }
    assert (listed["phone"]["key"], listed["phone"]["filled_from"]) == ("unique", [])
    assert "email (primary key)" in contactdb.run("fields").output


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("statsu",), "there is no command of this name; did you mean `status`?"),
        (("keys", "shwo"), "there is no command of this name; did you mean `show`?"),
        (("may", "x", "--chanel", "email"), "--channel"),
        (("may", "x", "--channel", "emial"), "'email'"),
        (("contact",), "Missing argument 'KEY'"),
        (("log", "--export"), "--export goes with --rejected"),
        (("--formt", "json", "status"), "--format"),
    ],
)
def test_a_command_that_cannot_be_understood_is_answered_in_one_line(on_sqlite, arguments, named):
    result = on_sqlite.run(*arguments)

    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert result.output.startswith("Error: ")
    assert named in result.output
