from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from target_contactdb import tables
from tests.target.admin.conftest import LOCAL, OPTED_OUT, SUBSCRIBED, TWIN, at, hashed


def contact(contactdb, contact_id):
    return next(row for row in contactdb.rows(contactdb.contacts()) if row["contact_id"] == contact_id)


def status(contactdb, contact_id, channel="email"):
    row = contact(contactdb, contact_id)
    names = ("status", "status_source", "unsubscription_cause", "status_at", "opted_in_at")
    return tuple(row[f"{channel}_{name}"] for name in names)


def suppression(contactdb, address):
    digest = hashed("email", address)
    rows = [row for row in contactdb.rows(tables.suppressions) if row["address_hash"] == digest]
    return tuple(rows[0][name] for name in ("cause", "source", "at", "lifted_at")) if rows else None


def everything(contactdb):
    watched = (contactdb.contacts(), tables.suppressions, tables.contact_sources, tables.status_changes)
    return [contactdb.rows(table) for table in watched]


def test_an_opt_out_is_written_to_contact_address_log_and_source_and_others_follow(contactdb):
    told = contactdb.json("unsubscribe", "#1", "--channel", "email", "--at", "2026-11-01T12:00:00Z")

    assert told == {
        "contact_id": SUBSCRIBED,
        "channel": "email",
        "changed": True,
        "status": "unsubscribed",
        "cause": "person unsubscribed",
        "since": "2026-11-01T12:00:00Z",
        "followed": 1,
        "note": "unsubscribed now",
        "lifted_cause": None,
    }
    expected = ("unsubscribed", "person", "person unsubscribed", at(12), None)
    assert status(contactdb, SUBSCRIBED) == status(contactdb, TWIN) == expected
    row = contact(contactdb, SUBSCRIBED)
    assert (row["email_written_status"], row["email_written_cause"]) == ("unsubscribed", "person unsubscribed")
    assert suppression(contactdb, "ann@example.com") == ("person unsubscribed", "person", at(12), None)
    answered = {
        row["contact_id"]: (row["email_answered_state"], row["email_answered_at"], row["sms_answered_state"])
        for row in contactdb.rows(tables.contact_sources)
    }
    snapshot = ("SUBSCRIBED", at(8), None)
    assert answered == {SUBSCRIBED: snapshot, OPTED_OUT: (None, None, None), TWIN: snapshot}
    logged = contactdb.rows(tables.status_changes)[3:]
    names = ("contact_id", "change", "from", "to", "cause", "source", "acted_at", "operation_id", "evidence")
    shared = ("unsubscribed", "subscribed", "unsubscribed", "person unsubscribed", "person", at(12), None)
    assert [tuple(row[name] for name in names) for row in logged] == [
        (SUBSCRIBED, *shared, "told to the contact database"),
        (TWIN, *shared, "the address was closed by an opt-out elsewhere"),
    ]


def test_the_same_statement_twice_writes_nothing_the_second_time(contactdb):
    arguments = ("unsubscribe", "#1", "--channel", "email", "--at", "2026-11-01T12:00:00Z")
    contactdb.run(*arguments)
    before = everything(contactdb)

    told = contactdb.json(*arguments)
    assert (told["changed"], told["note"]) == (False, "nothing changed: unsubscribed already")
    assert everything(contactdb) == before


def test_a_yes_told_twice_writes_nothing_the_second_time(on_sqlite):
    arguments = ("subscribe", "#2", "--channel", "email", "--at", "2026-11-01T12:00:00Z")
    on_sqlite.run(*arguments)
    before = everything(on_sqlite)

    told = on_sqlite.json(*arguments)
    assert (told["changed"], told["note"]) == (False, "nothing changed: subscribed already")
    assert everything(on_sqlite) == before


def test_a_yes_restores_the_contact_and_opens_its_address(contactdb):
    told = contactdb.json("subscribe", "#2", "--channel", "email", "--at", "2026-11-01T13:00:00+01:00")

    assert (told["changed"], told["status"], told["note"]) == (True, "subscribed", "subscribed now")
    assert status(contactdb, OPTED_OUT) == ("subscribed", "person", None, at(12), at(12))
    assert suppression(contactdb, "ben@example.com") == ("Shopify - opted out", "import", at(9), at(12))
    assert contactdb.run("may", "#2", "--channel", "email").exit_code == 0
    last = contactdb.rows(tables.status_changes)[-1]
    assert (last["change"], last["from"], last["to"]) == ("restored", "unsubscribed", "subscribed")


def test_a_yes_that_lifts_a_protected_cause_says_so_once(contactdb):
    bounced = ("unsubscribe", "#1", "--channel", "email", "--cause", "hard bounce", "--at", "2026-11-01T12:00:00Z")
    contactdb.run(*bounced)
    too_old = contactdb.json("subscribe", "#3", "--channel", "email", "--at", "2026-11-01T11:00:00Z")
    # The address is Ann's second account's too.
    lifted = contactdb.run("subscribe", "#3", "--channel", "email", "--at", "2026-11-01T13:00:00Z").stdout
    again = contactdb.run("subscribe", "#3", "--channel", "email", "--at", "2026-11-01T14:00:00Z").stdout

    assert (too_old["changed"], too_old["lifted_cause"]) == (False, None)
    warning = "! It was closed by `hard bounce`, a protected cause, which no import lifts. This yes did.\n"
    assert lifted == f"Contact #3, E-mail: subscribed now. It is subscribed, since 2026-11-01 13:00:00 UTC.\n{warning}"
    assert "!" not in again
    # Ann herself is closed by what she holds, no longer by the address.
    assert contactdb.json("subscribe", "#1", "--channel", "email")["lifted_cause"] == "hard bounce"
    assert contactdb.json("subscribe", "#2", "--channel", "email")["lifted_cause"] is None


def test_a_yes_that_lifts_what_another_program_wrote_says_so_too(on_sqlite):
    contacts = on_sqlite.contacts()
    bounce = {"email_status": "unsubscribed", "email_unsubscription_cause": "hard bounce"}
    on_sqlite.execute(sa.update(contacts).where(contacts.c.contact_id == SUBSCRIBED).values(bounce))

    assert on_sqlite.json("subscribe", "#1", "--channel", "email")["lifted_cause"] == "hard bounce"


def test_without_a_time_the_act_is_of_now(on_sqlite):
    begin = dt.datetime.now(dt.UTC)
    told = on_sqlite.json("unsubscribe", "#1", "--channel", "email")

    assert begin <= dt.datetime.fromisoformat(told["since"]) <= dt.datetime.now(dt.UTC)


def test_a_newer_word_of_the_same_kind_moves_the_time_and_logs_no_second_change(on_sqlite):
    on_sqlite.run("unsubscribe", "#1", "--channel", "email", "--at", "2026-11-01T12:00:00Z")
    logged = on_sqlite.rows(tables.status_changes)

    told = on_sqlite.json("unsubscribe", "#1", "--channel", "email", "--at", "2026-11-01T13:00:00Z")
    assert (told["changed"], told["note"]) == (True, "unsubscribed already; the newer word was recorded")
    assert status(on_sqlite, SUBSCRIBED)[3] == at(13)
    assert suppression(on_sqlite, "ann@example.com") == ("person unsubscribed", "person", at(13), None)
    assert on_sqlite.rows(tables.status_changes) == logged


@pytest.mark.parametrize("command", ["unsubscribe", "subscribe"])
def test_an_older_word_of_the_same_kind_moves_no_time_back(on_sqlite, command):
    on_sqlite.run(command, "#1", "--channel", "email", "--at", "2026-11-01T13:00:00Z")
    before = everything(on_sqlite)

    told = on_sqlite.json(command, "#1", "--channel", "email", "--at", "2026-11-01T12:00:00Z")
    assert (told["changed"], told["since"]) == (False, "2026-11-01T13:00:00Z")
    assert everything(on_sqlite) == before


def test_an_opt_out_older_than_the_yes_is_recorded_and_changes_no_status(on_sqlite):
    told = on_sqlite.json("unsubscribe", "#1", "--channel", "email", "--at", "2026-11-01T07:00:00Z")

    assert (told["changed"], told["status"], told["followed"]) == (True, "subscribed", 0)
    assert told["note"] == "recorded: a later opt-in stands"
    assert suppression(on_sqlite, "ann@example.com") == ("person unsubscribed", "person", at(7), at(8))
    assert on_sqlite.run("may", "#1", "--channel", "email").exit_code == 0


def test_a_yes_older_than_the_opt_out_changes_nothing(on_sqlite):
    before = everything(on_sqlite)

    told = on_sqlite.json("subscribe", "#2", "--channel", "email", "--at", "2026-11-01T09:00:00Z")
    assert (told["changed"], told["status"]) == (False, "unsubscribed")
    assert told["note"] == "nothing changed: a later opt-out stands"
    assert everything(on_sqlite) == before


def test_a_protected_cause_is_stronger_than_the_persons_own_word(on_sqlite):
    on_sqlite.run("unsubscribe", "#1", "--channel", "email", "--cause", "complaint", "--at", "2026-11-01T12:00:00Z")
    on_sqlite.run("unsubscribe", "#1", "--channel", "email", "--at", "2026-11-01T13:00:00Z")

    assert status(on_sqlite, SUBSCRIBED) == ("unsubscribed", "protected", "complaint", at(12), None)
    assert suppression(on_sqlite, "ann@example.com") == ("complaint", "protected", at(13), None)


def test_the_persons_own_word_takes_the_place_of_a_mere_reason_and_is_logged(on_sqlite):
    on_sqlite.run("unsubscribe", "#1", "--channel", "sms", "--at", "2026-11-01T12:00:00Z")

    assert status(on_sqlite, SUBSCRIBED, "sms") == ("unsubscribed", "person", "person unsubscribed", at(12), None)
    last = on_sqlite.rows(tables.status_changes)[-1]
    assert (last["from"], last["to"], last["cause"]) == ("unsubscribed", "unsubscribed", "person unsubscribed")


def test_the_database_says_which_causes_are_protected(on_sqlite):
    on_sqlite.execute(sa.update(tables.database_state).values(protected_causes=["person unsubscribed"]))
    on_sqlite.run("unsubscribe", "#1", "--channel", "email", "--at", "2026-11-01T12:00:00Z")

    assert status(on_sqlite, SUBSCRIBED)[1] == "protected"


def test_who_has_no_address_may_still_say_no(on_sqlite):
    told = on_sqlite.json("unsubscribe", f"#{LOCAL}", "--channel", "sms", "--at", "2026-11-01T12:00:00Z")

    assert (told["changed"], told["status"]) == (True, "unsubscribed")
    assert status(on_sqlite, LOCAL, "sms")[:2] == ("unsubscribed", "person")


def test_what_another_program_wrote_is_logged_before_the_act(on_sqlite):
    on_sqlite.run("unsubscribe", f"#{LOCAL}", "--channel", "email", "--at", "2026-11-01T12:00:00Z")

    names = ("from", "to", "acted_at", "evidence")
    logged = [tuple(row[name] for name in names) for row in on_sqlite.rows(tables.status_changes)[3:]]
    assert logged == [
        (None, "subscribed", at(6), "found as another program wrote it"),
        ("subscribed", "unsubscribed", at(12), "told to the contact database"),
    ]
    assert contact(on_sqlite, LOCAL)["email_address_hash"] == hashed("email", "cleo@example.com")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("unsubscribe", "#1", "--at", "2099-01-01"), "--at lies in the future"),
        (
            ("unsubscribe", "#1", "--cause", "Hard bouns"),
            "--cause is not a declared unsubscription cause; did you mean `hard bounce`?",
        ),
        (
            ("unsubscribe", "#1", "--cause", "ann@example.com"),
            "--cause is not a declared unsubscription cause; the setting `unsubscription_causes` lists them",
        ),
        (
            ("unsubscribe", "nobody@example.com"),
            "no contact has this user code, address, customer number, or contact id (written as '#12')",
        ),
        (("unsubscribe", "ann@example.com"), "2 contacts hold this address; name one of them: '#1', '#3'"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line_and_changes_nothing(on_sqlite, arguments, message):
    before = everything(on_sqlite)
    result = on_sqlite.run(*arguments, "--channel", "email")

    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {message}\n")
    assert everything(on_sqlite) == before


def test_nobody_is_subscribed_without_an_address(on_sqlite):
    before = everything(on_sqlite)
    result = on_sqlite.run("subscribe", "#2", "--channel", "sms")

    assert result.exit_code == 2
    assert result.stderr == "Error: contact #2 has no address to subscribe on channel sms\n"
    assert everything(on_sqlite) == before


def test_a_time_that_is_none_is_refused(on_sqlite):
    result = on_sqlite.run("subscribe", "#2", "--channel", "email", "--at", "yesterday")

    assert result.exit_code == 2
    assert result.stderr == (
        "Error: Invalid value for '--at': the time is not an ISO 8601 time such as 2026-10-01 or"
        " 2026-10-01T09:30+02:00\n"
    )


def test_an_act_is_told_in_one_sentence(on_sqlite):
    result = on_sqlite.run("unsubscribe", "#1", "--channel", "email", "--at", "2026-11-01T12:00:00Z")

    assert result.stdout == (
        "Contact #1, E-mail: unsubscribed now."
        " It is unsubscribed (person unsubscribed), since 2026-11-01 12:00:00 UTC.\n"
        "Other contacts with this address that were unsubscribed as well: 1.\n"
    )
