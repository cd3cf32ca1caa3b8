"""Changed consent options decide everyone again, from what is stored."""

from __future__ import annotations

from tests.target.singer import customer, execute, query, run, schema

STATUSES = "SELECT user_code, email_status, email_unsubscription_cause FROM contacts ORDER BY contact_id"
NO_CONSENT = "Shopify - no marketing consent"


def test_a_flag_that_is_set_later_unsubscribes_who_never_agreed(database_url):
    never = {"email_marketing_state": "NOT_SUBSCRIBED", "email_marketing_updated_at": None}
    run(database_url, [schema(), customer(1, **never), customer(2)], options={"unsubscribe_no_consent": None})
    assert query(database_url, STATUSES) == [("1", "subscribed", None), ("2", "subscribed", None)]

    run(database_url, [schema()])

    assert query(database_url, STATUSES) == [("1", "unsubscribed", NO_CONSENT), ("2", "subscribed", None)]
    assert query(
        database_url, "SELECT records_read, unsubscribed, updated FROM operations ORDER BY operation_id DESC LIMIT 1"
    ) == [(0, 1, 0)]


def test_a_consent_that_was_held_back_is_restored_once_the_option_allows_it(database_url):
    never = {"options": {"resubscribe": "never"}}
    run(database_url, [schema(), customer(1)], **never)
    execute(
        database_url,
        "UPDATE contacts SET email_status = 'unsubscribed', email_unsubscription_cause = 'person unsubscribed'",
    )
    run(database_url, [schema(), customer(1)], **never)
    newer = {"email_marketing_updated_at": "2099-01-01T00:00:00Z", "updated_at": "2099-01-01T00:00:00Z"}
    run(database_url, [schema(), customer(1, **newer)], **never)
    assert query(database_url, STATUSES) == [("1", "unsubscribed", "person unsubscribed")]

    run(database_url, [schema()])

    assert query(database_url, STATUSES) == [("1", "subscribed", None)]


def test_unchanged_options_decide_nobody_again(database_url):
    run(database_url, [schema(), customer(1)])
    execute(database_url, "UPDATE contact_sources SET email_state = 'UNSUBSCRIBED'")
    run(database_url, [schema()])

    assert query(database_url, STATUSES) == [("1", "subscribed", None)]
