"""What other programs write into a status is noticed by the next customer import, whoever has changed in the shop."""

from __future__ import annotations

from tests.target.singer import customer, execute, query, run, schema

STATUSES = """
SELECT user_code, email_status, email_status_source, email_unsubscription_cause FROM contacts ORDER BY user_code
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
