"""Statuses that other programs write, through the real target."""

from __future__ import annotations

from tests.target.consent.outsiders import BOUNCED, BY_FOOTER, OPTED_OUT, SUBSCRIBED, bounce, opt_out_by_footer
from tests.target.consent.people import (
    HOME,
    LATER,
    at,
    contactable,
    feed,
    others_write,
    person,
    statuses,
)
from tests.target.singer import execute, query

# What other programs write.


def test_an_unsubscription_by_another_program_stays_until_a_newer_yes(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)), person(2, HOME, "SUBSCRIBED", at(2)))
    opt_out_by_footer(database_url, 1)

    feed(database_url, person(1, HOME, "SUBSCRIBED", at(3)))
    stays = statuses(database_url)
    feed(database_url, person(1, HOME, "SUBSCRIBED", LATER))

    assert stays == {"1": BY_FOOTER, "2": BY_FOOTER}
    assert statuses(database_url) == {"1": SUBSCRIBED, "2": BY_FOOTER}
    assert contactable(database_url) == {"1"}


def test_an_unsubscription_by_another_program_is_noticed_by_an_unchanged_record(database_url):
    record = person(1, HOME, "SUBSCRIBED", at(1))
    feed(database_url, record)
    opt_out_by_footer(database_url, 1)

    feed(database_url, record)

    assert statuses(database_url) == {"1": BY_FOOTER}
    assert query(database_url, "SELECT cause, source, lifted_at FROM suppressions") == [
        ("newsletter footer", "person", None)
    ]


def test_an_unsubscription_by_another_program_is_noticed_once_also_by_a_stale_record(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1), updated=at(5)))
    opt_out_by_footer(database_url, 1)
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1), updated=at(4)))
    first = query(database_url, "SELECT cause, at FROM suppressions")

    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1), updated=at(6)))

    assert query(database_url, "SELECT cause, at FROM suppressions") == first


def test_a_hard_bounce_written_by_another_program_is_never_restored(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)), person(2, HOME, "SUBSCRIBED", at(1)))
    bounce(database_url, 1)

    feed(database_url, person(1, HOME, "SUBSCRIBED", LATER), options={"resubscribe": "always"})
    feed(
        database_url,
        person(2, HOME, "SUBSCRIBED", LATER),
        person(3, HOME, "SUBSCRIBED", LATER),
        options={"resubscribe": "always"},
    )

    assert statuses(database_url) == {"1": BOUNCED, "2": BOUNCED, "3": BOUNCED}


def test_a_subscription_by_another_program_outlives_never_having_agreed_but_no_later_opt_out(database_url):
    feed(database_url, person(1, HOME, "NOT_SUBSCRIBED"))
    others_write(database_url, 1, email_status="subscribed", email_unsubscription_cause=None)

    feed(database_url, person(1, HOME, "NOT_SUBSCRIBED", updated=at(1)))
    agreed = statuses(database_url)
    feed(database_url, person(1, HOME, "UNSUBSCRIBED", at(2)))
    older = statuses(database_url)
    feed(database_url, person(1, HOME, "UNSUBSCRIBED", LATER))

    assert agreed == older == {"1": ("subscribed", "person", None)}
    assert statuses(database_url) == {"1": OPTED_OUT}
    assert query(database_url, "SELECT cause, lifted_at FROM suppressions") == [("Shopify - opted out", None)]


def test_an_opt_out_that_a_newer_local_opt_in_outlives_is_still_recorded(database_url):
    feed(database_url, person(1, HOME, "NOT_SUBSCRIBED"))
    others_write(database_url, 1, email_status="subscribed", email_unsubscription_cause=None)

    feed(database_url, person(1, HOME, "UNSUBSCRIBED", at(2)))

    ((cause, lifted),) = query(database_url, "SELECT cause, lifted_at IS NOT NULL FROM suppressions")
    assert (cause, bool(lifted)) == ("Shopify - opted out", True)
    assert contactable(database_url) == {"1"}


def test_a_contact_that_another_program_made_is_not_unsubscribed_for_never_having_agreed(database_url):
    feed(database_url)
    execute(
        database_url,
        "INSERT INTO contacts (user_code, email, email_status, email_status_at, created_at, updated_at) "
        f"VALUES ('1', '{HOME}', 'subscribed', '2020-01-01 10:05:00', '2020-01-01 10:05:00', '2020-01-01 10:05:00')",
    )

    feed(database_url, person(1, HOME, "NOT_SUBSCRIBED", updated=at(9)))

    assert statuses(database_url) == {"1": ("subscribed", "person", None)}
    assert query(database_url, "SELECT customer_id, owned FROM contact_sources") == [(1, False)]
