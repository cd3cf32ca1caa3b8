"""What other programs write into a status is noticed by the next customer import, whoever has changed in the shop."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from target_contactdb.admin.cli import main
from tests.target.singer import checkout, customer, execute, query, run, schema

STATUSES = """
SELECT user_code, email_status, email_status_source, email_unsubscription_cause FROM contacts ORDER BY user_code
"""
OTHERS_WROTE = """
SELECT user_code, "change", "from", "to", cause FROM status_changes JOIN contacts USING (contact_id)
WHERE evidence = 'found as another program wrote it' ORDER BY change_id
"""
SHARED = {"email": "shared@example.com"}


def test_a_bounce_written_by_another_program_closes_the_address_for_everyone_who_holds_it(database_url):
    run(database_url, [schema(), customer(1, **SHARED), customer(2, **SHARED), customer(3)])
    execute(
        database_url,
        "UPDATE contacts SET email_status = 'unsubscribed', email_unsubscription_cause = 'hard bounce' "
        "WHERE user_code = '2'",
    )

    run(database_url, [schema()])

    bounced = ("unsubscribed", "protected", "hard bounce")
    assert query(database_url, STATUSES) == [("1", *bounced), ("2", *bounced), ("3", "subscribed", "import", None)]
    assert query(
        database_url,
        'SELECT user_code, "change", cause, evidence FROM status_changes JOIN contacts USING (contact_id) '
        "WHERE cause = 'hard bounce' ORDER BY change_id",
    ) == [
        ("2", "unsubscribed", "hard bounce", "found as another program wrote it"),
        ("1", "unsubscribed", "hard bounce", "the address was closed by an opt-out elsewhere"),
    ]


def test_what_was_noticed_once_is_not_written_again(database_url):
    run(database_url, [schema(), customer(1)])
    execute(database_url, "UPDATE contacts SET email_status = 'unsubscribed'")
    run(database_url, [schema()])
    before = query(database_url, "SELECT * FROM contacts"), query(database_url, "SELECT * FROM suppressions")

    run(database_url, [schema(), customer(1)])

    assert (query(database_url, "SELECT * FROM contacts"), query(database_url, "SELECT * FROM suppressions")) == before


def test_a_contact_that_another_program_made_keeps_its_own_yes(database_url):
    run(database_url, [schema()])
    run(database_url, [schema(), customer(9)])
    execute(
        database_url,
        "INSERT INTO contacts (user_code, email, email_status, created_at, updated_at) "
        "VALUES ('1', 'person1@example.com', 'subscribed', '2026-10-05 00:00:00', '2026-10-05 00:00:00')",
    )

    never = {"email_marketing_state": "NOT_SUBSCRIBED", "email_marketing_updated_at": None}
    run(database_url, [schema(), customer(1, **never)])

    assert query(database_url, STATUSES)[0] == ("1", "subscribed", "person", None)


@pytest.mark.parametrize("word", ["bounced", "", "Unsubscribed"])
def test_a_status_in_other_words_is_an_unsubscription_by_the_person(database_url, word):
    run(database_url, [schema(), customer(1), customer(2)])
    execute(database_url, f"UPDATE contacts SET email_status = '{word}' WHERE user_code = '1'")

    run(database_url, [schema(), customer(1), customer(2, first_name="Other", updated_at="2026-10-02T00:00:00Z")])

    assert query(database_url, STATUSES) == [
        ("1", "unsubscribed", "person", None),
        ("2", "subscribed", "import", None),
    ]
    assert query(database_url, OTHERS_WROTE) == [("1", "unsubscribed", "subscribed", "unsubscribed", None)]
    assert query(database_url, "SELECT cause, source FROM suppressions") == [("person", "person")]


def test_another_word_for_somebody_whom_an_import_had_unsubscribed_is_the_persons_opt_out(database_url):
    never = {"email_marketing_state": "NOT_SUBSCRIBED", "email_marketing_updated_at": None}
    run(database_url, [schema(), customer(1, **never)])
    execute(database_url, "UPDATE contacts SET email_status = 'bounced', email_unsubscription_cause = 'mailbox full'")

    run(database_url, [schema(), customer(1, email_marketing_updated_at="2026-09-01T00:00:00Z")])

    assert query(database_url, STATUSES) == [("1", "unsubscribed", "person", "mailbox full")]


def test_a_status_in_other_letters_is_written_as_ours_and_changes_nothing(database_url):
    run(database_url, [schema(), customer(1)])
    execute(database_url, "UPDATE contacts SET email_status = 'Subscribed', sms_status = 'None'")

    run(database_url, [schema(), customer(1)])

    assert query(database_url, "SELECT email_status, email_status_source FROM contacts") == [("subscribed", "import")]
    assert query(database_url, OTHERS_WROTE) == []


def test_a_bounce_written_beside_a_subscription_is_no_opt_in(database_url):
    run(database_url, [schema(), customer(1), customer(2, email="PERSON1@example.com")])
    execute(database_url, "UPDATE contacts SET email_unsubscription_cause = 'hard bounce' WHERE user_code = '1'")

    run(database_url, [schema(), customer(1)], options={"resubscribe": "always"})

    bounced = ("unsubscribed", "protected", "hard bounce")
    assert query(database_url, STATUSES) == [("1", *bounced), ("2", *bounced)]
    assert query(database_url, "SELECT email_opted_in_at FROM contacts WHERE user_code = '1'") == [(None,)]
    assert query(database_url, OTHERS_WROTE) == [("1", "unsubscribed", "subscribed", "unsubscribed", "hard bounce")]


def test_until_it_is_noticed_nobody_is_written_to_who_bounced_meanwhile(database_url):
    run(database_url, [schema(), customer(1), customer(2), customer(3)])
    run(database_url, [schema("abandoned_checkouts"), checkout(1, 1), checkout(2, 2), checkout(3, 3)])
    execute(database_url, "UPDATE contacts SET email_unsubscription_cause = 'hard bounce' WHERE user_code = '1'")
    execute(database_url, "UPDATE contacts SET email_status = 'bounced' WHERE user_code = '2'")

    rows = query(database_url, "SELECT user_code, may_email FROM abandoned_checkout_node ORDER BY user_code")
    assert [(code, bool(may)) for code, may in rows] == [("1", False), ("2", False), ("3", True)]
    answers = [contactdb(database_url, "may", code, "--channel", "email") for code in "123"]
    found = contactdb(database_url, "segment", "--where", "may_email = true", "--count")
    card = contactdb(database_url, "contact", "2")

    assert [(one.exit_code, one.stdout.strip()) for one in answers] == [
        (1, "no: unsubscribed (hard bounce)"),
        (1, "no: not subscribed"),
        (0, "yes"),
    ]
    assert "1" in found.stdout.split()
    assert "unsubscribed" in card.stdout
    assert "bounced" not in card.stdout


def contactdb(url, *words):
    return CliRunner().invoke(main, ["--sqlalchemy-url", url, *words])
