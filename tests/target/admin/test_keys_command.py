"""`contactdb keys`: what is, what a change would do, and the change."""

from __future__ import annotations

import sqlalchemy as sa

from target_contactdb import tables

PLAN = ("keys", "plan", "--primary-key", "email")


def test_the_keys_of_a_database_that_no_import_has_named_are_the_default(contactdb):
    assert contactdb.json("keys", "show") == {"primary_key": "user_code", "unique_fields": []}


def test_a_plan_reads_the_data_and_writes_nothing(contactdb):
    assert contactdb.json(*PLAN, "--unique", "phone") == {
        "before": {"primary_key": "user_code", "unique_fields": []},
        "after": {"primary_key": "email", "unique_fields": ["phone"]},
        "contacts": 4,
        "fields": [
            {"field": "email", "role": "primary key", "without_value": 0, "too_long": 0, "shared": [[1, 3]]},
            {"field": "phone", "role": "unique", "without_value": 3, "too_long": 0, "shared": []},
        ],
        "merges": [{"kept": 1, "gone": [3]}],
        "obstacles": [],
    }
    assert contactdb.json("keys", "show")["primary_key"] == "user_code"
    assert len(contactdb.rows(contactdb.contacts())) == 4


def test_a_plan_for_people_says_what_to_do_and_shows_no_value(on_sqlite):
    result = on_sqlite.run(*PLAN, columns=100)

    assert result.exit_code == 0
    assert "@" not in result.output
    assert "One `email`: #1 #3" in result.output
    assert result.output.splitlines()[-2:] == [
        "Of 4 contacts 1 would go into another one, which takes over their sources, checkouts, history, and the"
        " stricter status.",
        "To do it: contactdb keys set --primary-key email --merge",
    ]


def test_a_plan_that_the_data_stands_against_says_no(on_sqlite):
    result = on_sqlite.run("keys", "plan", "--primary-key", "user_code", "--unique", "email")

    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == (
        "This cannot be set: contacts share a value of `email`, so it cannot be unique."
    )


def test_keys_are_set_only_with_leave_to_merge(contactdb):
    refused = contactdb.run("keys", "set", "--primary-key", "email")
    assert (refused.exit_code, refused.output) == (
        2,
        "Error: the keys stay as they are: contacts share a value of `email`; --merge makes one contact of each group,"
        " see `contactdb keys plan --primary-key email`\n",
    )

    done = contactdb.json("keys", "set", "--primary-key", "email", "--merge")
    assert done == {
        "keys": {"primary_key": "email", "unique_fields": []},
        "changed": True,
        "merged": [{"kept": 1, "gone": [3]}],
    }
    assert contactdb.json("keys", "show") == done["keys"]
    assert [row["contact_id"] for row in contactdb.rows(contactdb.contacts())] == [1, 2, 4]
    assert {row["contact_id"] for row in contactdb.rows(tables.contact_sources)} == {1, 2}


def test_to_set_the_same_keys_says_that_nothing_changes_and_writes_nothing(contactdb):
    contactdb.run("keys", "set", "--primary-key", "user_code", "--unique", "phone", "--unique", "user_code")
    contactdb.execute(sa.update(tables.database_state).values(options_fingerprint="as the last import left it"))
    before = contactdb.rows(tables.database_state)

    again = contactdb.run("keys", "set", "--primary-key", "user_code", "--unique", "phone")
    after = contactdb.rows(tables.database_state)
    other = contactdb.json("keys", "set", "--primary-key", "user_code")

    told = "Nothing changes: the keys are these already\nPrimary key: user_code\nUnique fields: phone\n"
    assert (again.exit_code, again.output) == (0, told)
    assert after == before
    assert (other["changed"], contactdb.rows(tables.database_state)[0]["options_fingerprint"]) == (True, "")


def test_an_unknown_key_is_one_line_with_the_nearest_name(on_sqlite):
    result = on_sqlite.run("keys", "set", "--primary-key", "emial")

    assert (result.exit_code, result.output) == (
        2,
        "Error: setting `primary_key`: there is no contact field `emial`; did you mean `email`?\n",
    )


def test_a_change_begun_elsewhere_is_finished_by_the_next(on_sqlite):
    pending = {"primary_key": "phone", "unique_fields": []}
    on_sqlite.execute(sa.update(tables.database_state).values(pending_keys=pending))

    assert on_sqlite.json("keys", "set", "--primary-key", "phone")["keys"] == pending
    (state,) = on_sqlite.rows(tables.database_state)
    assert (state["primary_key"], state["pending_keys"], state["options_fingerprint"]) == ("phone", None, "")
