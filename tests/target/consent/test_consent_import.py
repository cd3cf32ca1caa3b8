"""The consent rules through the real target: batches, shops, other programs, erasure, and what is written of it."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from tests.target.consent.people import (
    HOME,
    LATER,
    SHOP_A,
    SHOP_B,
    WORK,
    at,
    contactable,
    feed,
    others_write,
    outcomes,
    person,
    statuses,
)
from tests.target.singer import checkout, execute, query, refuse_writes, run, schema

SUBSCRIBED = ("subscribed", "import", None)
OPTED_OUT = ("unsubscribed", "import", "Shopify - opted out")
NEVER_AGREED = ("unsubscribed", "import", "Shopify - no marketing consent")
BY_FOOTER = ("unsubscribed", "person", "newsletter footer")
BOUNCED = ("unsubscribed", "protected", "hard bounce")

ADDRESSES = {"email": ("Ann@Home.Example", "ann@home.example "), "sms": ("+49 170 111111", "+49170111111")}


def opt_out_by_footer(url: str, number: int, channel: str = "email") -> None:
    """Unsubscribe a contact as another program does."""
    others_write(
        url, number, **{f"{channel}_status": "unsubscribed", f"{channel}_unsubscription_cause": "newsletter footer"}
    )


def bounce(url: str, number: int) -> None:
    """Mark a hard bounce as another program does."""
    others_write(url, number, email_status="unsubscribed", email_unsubscription_cause="hard bounce")


# A status is about an address.


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_an_opt_out_in_one_shop_closes_the_address_in_the_other(database_url, channel):
    one, other = ADDRESSES[channel]
    feed(database_url, person(1, one, "SUBSCRIBED", at(1), channel=channel))
    feed(database_url, person(2, other, "SUBSCRIBED", at(2), channel=channel), shop=SHOP_B)
    assert contactable(database_url, channel) == {"1", "2"}

    feed(database_url, person(1, one, "UNSUBSCRIBED", at(3), channel=channel))

    assert statuses(database_url, channel) == {"1": OPTED_OUT, "2": OPTED_OUT}
    feed(database_url, person(2, other, "SUBSCRIBED", at(4), channel=channel), shop=SHOP_B)
    assert statuses(database_url, channel) == {"1": OPTED_OUT, "2": SUBSCRIBED}
    assert contactable(database_url, channel) == {"2"}


def test_a_newer_yes_on_the_address_is_not_closed_by_an_older_opt_out_told_late(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)), person(2, HOME, "SUBSCRIBED", at(5)))

    feed(database_url, person(1, HOME, "UNSUBSCRIBED", at(3)))

    assert statuses(database_url) == {"1": OPTED_OUT, "2": SUBSCRIBED}
    assert contactable(database_url) == {"2"}


@pytest.mark.parametrize(("when", "status"), [(at(3), OPTED_OUT), (at(2), OPTED_OUT), (at(4), SUBSCRIBED)])
def test_a_customer_made_again_follows_its_address_until_a_newer_opt_in(database_url, when, status):
    feed(database_url, person(1, HOME, "UNSUBSCRIBED", at(3)))

    feed(database_url, person(2, HOME.upper(), "SUBSCRIBED", when))

    assert statuses(database_url)["2"] == status


@pytest.mark.parametrize("order", [[0, 1], [1, 0]], ids=["opt-out first", "opt-out last"])
@pytest.mark.parametrize(("yes", "expected"), [(at(2), OPTED_OUT), (at(3), OPTED_OUT), (at(4), SUBSCRIBED)])
def test_within_a_batch_no_order_hides_an_opt_out(database_url, order, yes, expected):
    records = [person(1, HOME, "UNSUBSCRIBED", at(3)), person(2, HOME, "SUBSCRIBED", yes)]

    feed(database_url, *(records[index] for index in order))

    assert statuses(database_url) == {"1": OPTED_OUT, "2": expected}


@pytest.mark.parametrize(
    "neighbour",
    [
        person(2, HOME, "SUBSCRIBED", at(1), updated=at(0)),
        {"type": "RECORD", "stream": "customers", "record": {"id": 2, "shop": SHOP_A, "updated_at": at(9)}},
        person(2, WORK, "SUBSCRIBED", at(1), updated=at(9)),
    ],
    ids=["stale", "without any consent", "about an address that it does not hold"],
)
def test_who_is_in_the_same_batch_follows_a_closed_address_also_if_its_own_record_decides_nothing(
    database_url, neighbour
):
    keeps_old_address: dict[str, t.Any] = {"mappings": [{"source": "email", "field": "email", "update": "never"}]}
    config = keeps_old_address if neighbour["record"].get("email") == WORK else {}
    feed(
        database_url,
        person(1, HOME, "SUBSCRIBED", at(1)),
        person(2, HOME, "SUBSCRIBED", at(1), updated=at(5)),
        **config,
    )

    feed(database_url, person(1, HOME, "UNSUBSCRIBED", at(3), updated=at(10)), neighbour, **config)

    assert statuses(database_url) == {"1": OPTED_OUT, "2": OPTED_OUT}


def test_a_yes_for_another_address_does_not_outlive_an_opt_out(database_url):
    """Contact 2 keeps HOME by its mapping. Its newer yes is for WORK; then HOME is closed."""
    keeps: dict[str, t.Any] = {"mappings": [{"source": "email", "field": "email", "update": "never"}]}
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)), person(2, HOME, "SUBSCRIBED", at(1)), **keeps)
    feed(database_url, person(2, WORK, "SUBSCRIBED", at(9)), **keeps)

    feed(database_url, person(1, HOME, "UNSUBSCRIBED", at(5)), **keeps)

    assert contactable(database_url) == set()


def test_a_yes_that_counts_as_pending_does_not_outlive_an_opt_out(database_url):
    """Where a confirmation is asked for, a single opt-in at 9 is no yes: the opt-out at 5 stands for the address."""
    confirmed: dict[str, t.Any] = {"options": {"min_opt_in_level": "confirmed"}}
    level: dict[str, t.Any] = {"email_marketing_opt_in_level": "CONFIRMED_OPT_IN"}
    feed(
        database_url,
        person(1, HOME, "SUBSCRIBED", at(1), **level),
        person(2, HOME, "SUBSCRIBED", at(1), **level),
        **confirmed,
    )
    others_write(database_url, 2, email_status="unsubscribed", email_unsubscription_cause="newsletter footer")
    feed(database_url, person(2, HOME, "SUBSCRIBED", at(9)), **confirmed)

    feed(
        database_url, person(1, HOME, "UNSUBSCRIBED", at(5)), person(3, HOME, "SUBSCRIBED", at(4), **level), **confirmed
    )

    assert contactable(database_url) == set()


# Changed addresses.


@pytest.mark.parametrize("order", [[0, 1], [1, 0]], ids=["one first", "other first"])
def test_swapped_addresses_in_one_batch_take_the_persons_opt_out_and_the_addresss_along(database_url, order):
    feed(database_url, person(1, HOME, "UNSUBSCRIBED", at(3)), person(2, WORK, "SUBSCRIBED", at(1)))
    swapped = [
        person(1, WORK, "SUBSCRIBED", at(1), updated=at(9)),
        person(2, HOME, "SUBSCRIBED", at(1), updated=at(9)),
    ]

    feed(database_url, *(swapped[index] for index in order))

    assert statuses(database_url) == {"1": OPTED_OUT, "2": OPTED_OUT}
    assert contactable(database_url) == set()


@pytest.mark.parametrize("order", [[0, 1], [1, 0]], ids=["one first", "other first"])
def test_swapped_addresses_leave_a_bounce_with_the_address(database_url, order):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)), person(2, WORK, "SUBSCRIBED", at(1)))
    bounce(database_url, 1)
    swapped = [
        person(1, WORK, "SUBSCRIBED", at(1), updated=at(9)),
        person(2, HOME, "SUBSCRIBED", at(1), updated=at(9)),
    ]

    feed(database_url, *(swapped[index] for index in order))

    assert statuses(database_url) == {"1": SUBSCRIBED, "2": BOUNCED}


@pytest.mark.parametrize("order", [[0, 1], [1, 0]], ids=["one first", "other first"])
def test_swapped_addresses_of_two_who_agreed_change_no_status(database_url, order):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)), person(2, WORK, "SUBSCRIBED", at(1)))
    swapped = [
        person(1, WORK, "SUBSCRIBED", at(1), updated=at(9)),
        person(2, HOME, "SUBSCRIBED", at(1), updated=at(9)),
    ]

    feed(database_url, *(swapped[index] for index in order))

    assert statuses(database_url) == {"1": SUBSCRIBED, "2": SUBSCRIBED}
    assert contactable(database_url) == {"1", "2"}


def test_a_local_opt_in_stays_with_the_old_address(database_url):
    feed(database_url, person(1, HOME, "NOT_SUBSCRIBED"))
    others_write(database_url, 1, email_status="subscribed", email_unsubscription_cause=None)
    feed(database_url, person(1, HOME, "NOT_SUBSCRIBED", updated=at(1)))
    assert contactable(database_url) == {"1"}

    feed(database_url, person(1, WORK, "NOT_SUBSCRIBED", updated=at(2)))

    assert statuses(database_url) == {"1": NEVER_AGREED}


def test_the_opt_out_of_a_person_who_moved_holds_for_a_customer_made_again_with_the_new_address(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    opt_out_by_footer(database_url, 1)
    feed(database_url, person(1, WORK, "SUBSCRIBED", at(1), updated=at(5)))

    feed(database_url, person(2, WORK, "SUBSCRIBED", at(1), updated=at(6)))

    assert contactable(database_url) == set()


def test_a_removed_address_unsubscribes_and_a_new_one_is_judged_anew(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    feed(database_url, person(1, None, None, updated=at(2)))
    removed = statuses(database_url)
    feed(database_url, person(1, WORK, "SUBSCRIBED", at(1), updated=at(3)))

    assert removed == {"1": ("unsubscribed", "import", "address removed")}
    assert statuses(database_url) == {"1": SUBSCRIBED}


def test_consent_for_an_address_that_a_mapping_keeps_out_is_ignored_except_an_opt_out(database_url):
    keeps: dict[str, t.Any] = {"mappings": [{"source": "email", "field": "email", "update": "never"}]}
    feed(database_url, person(1, HOME, "NOT_SUBSCRIBED"), person(2, HOME, "SUBSCRIBED", at(1)), **keeps)
    feed(database_url, person(1, WORK, "SUBSCRIBED", at(5)), person(2, WORK, "INVALID", at(5)), **keeps)
    ignored = statuses(database_url)
    feed(database_url, person(2, WORK, "UNSUBSCRIBED", at(6)), person(3, WORK, "SUBSCRIBED", at(6)), **keeps)

    assert ignored == {"1": NEVER_AGREED, "2": SUBSCRIBED}
    assert statuses(database_url) == {"1": NEVER_AGREED, "2": OPTED_OUT, "3": OPTED_OUT}


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


# REDACTED: the person goes, a tombstone stays.


def everything(url: str) -> str:
    """Return all that the database holds, as one text."""
    tables = [
        "contacts",
        "contact_sources",
        "suppressions",
        "checkouts",
        "checkout_lines",
        "operations",
        "operation_records",
        "status_changes",
        "tombstones",
    ]
    return "\n".join(str(query(url, f"SELECT * FROM {table}")) for table in tables)


@pytest.mark.parametrize("redacted_by", ["email", "sms"])
def test_redacted_on_either_channel_removes_the_person_from_every_table(database_url, redacted_by):
    phone = {"phone": "+49 170 111111", "sms_marketing_state": "SUBSCRIBED"}
    feed(
        database_url,
        person(1, HOME, "SUBSCRIBED", at(1), first_name="Annegret", **phone),
        person(2, WORK, "SUBSCRIBED", at(1), first_name="Bob"),
    )
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1), updated="not a time", first_name="Annegret", **phone))
    columns: dict[str, t.Any] = {"customer_email": {"type": ["string", "null"]}}
    carts = [
        checkout(41, 1, customer_email=HOME),
        checkout(42, 1, customer_email=HOME, total_price="no money"),
        checkout(43, None, customer_email=HOME),
        checkout(44, 2, customer_email=WORK),
    ]
    run(database_url, [schema("abandoned_checkouts", **columns), *carts])
    gone = {"email": HOME, "email_marketing_state": "SUBSCRIBED", **phone}
    gone |= {f"{redacted_by}_marketing_state": "REDACTED"}

    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1), **{**gone, "updated_at": at(9)}))

    assert outcomes(database_url) == {"erased": 1}
    left = everything(database_url)
    assert [word for word in (HOME, "Annegret", "+49 170 111111") if word in left] == []
    assert query(database_url, "SELECT user_code, first_name FROM contacts") == [("2", "Bob")]
    assert query(database_url, "SELECT id FROM checkouts") == [(44,)]
    assert sorted(query(database_url, "SELECT kind FROM tombstones")) == [("email",), ("sms",), ("source",)]


def test_nothing_of_an_erased_customer_ever_comes_back(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    feed(database_url, person(1, HOME, "REDACTED", at(2)))

    feed(database_url, person(1, HOME, "SUBSCRIBED", LATER))
    of_customer = outcomes(database_url)
    run(database_url, [schema("abandoned_checkouts"), checkout(41, 1)])

    assert of_customer == outcomes(database_url) == {"suppressed": 1}
    assert query(database_url, "SELECT count(*) FROM contacts") == [(0,)]
    assert query(database_url, "SELECT count(*) FROM checkouts") == [(0,)]


@pytest.mark.parametrize(
    ("state", "when", "outcome"),
    [
        ("SUBSCRIBED", at(1), "suppressed"),
        ("SUBSCRIBED", None, "suppressed"),
        ("NOT_SUBSCRIBED", LATER, "suppressed"),
        ("SUBSCRIBED", LATER, "inserted"),
    ],
)
def test_an_erased_address_comes_back_only_by_a_newer_consent(database_url, state, when, outcome):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    feed(database_url, person(1, HOME, "REDACTED", at(2)))

    feed(database_url, person(2, HOME.upper(), state, when, updated=at(9)))

    assert outcomes(database_url) == {outcome: 1}


def test_an_erased_address_does_not_come_back_by_way_of_another_contact(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)), person(2, WORK, "SUBSCRIBED", at(1)))
    feed(database_url, person(1, HOME, "REDACTED", at(2)))

    feed(database_url, person(2, HOME, "SUBSCRIBED", at(1), updated=at(9)))

    assert contactable(database_url) == set()


@pytest.mark.parametrize("order", [[0, 1], [1, 0]], ids=["erasure first", "erasure last"])
def test_an_erased_address_does_not_come_back_within_the_batch(database_url, order):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    records = [person(1, HOME, "REDACTED", at(2)), person(2, HOME, "SUBSCRIBED", at(1))]

    feed(database_url, *(records[index] for index in order))

    assert outcomes(database_url) == {"erased": 1, "suppressed": 1}


def test_a_redacted_customer_never_seen_is_not_inserted_and_leaves_a_tombstone_of_its_address(database_url):
    feed(database_url, person(1, HOME, "REDACTED", at(2)))
    first = outcomes(database_url)
    feed(database_url, person(1, HOME, "SUBSCRIBED", LATER))
    again = outcomes(database_url)
    feed(database_url, person(2, HOME, "SUBSCRIBED", at(1)))

    assert (first, again, outcomes(database_url)) == ({"suppressed": 1}, {"suppressed": 1}, {"suppressed": 1})


def test_redacted_counts_also_where_the_address_may_not_be_read(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    record = {"id": 1, "shop": SHOP_A, "updated_at": at(2), "email_marketing_state": "REDACTED"}

    run(database_url, [schema(email=None), {"type": "RECORD", "stream": "customers", "record": record}])

    assert outcomes(database_url) == {"erased": 1}


def test_an_opt_out_counts_also_where_the_address_may_not_be_read(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    record = {
        "id": 1,
        "shop": SHOP_A,
        "updated_at": at(2),
        "email_marketing_state": "UNSUBSCRIBED",
        "email_marketing_updated_at": at(2),
    }

    run(database_url, [schema(email=None), {"type": "RECORD", "stream": "customers", "record": record}])

    assert statuses(database_url) == {"1": OPTED_OUT}


# Batches, order and reruns.


def test_an_older_record_changes_no_status(database_url):
    feed(database_url, person(1, HOME, "UNSUBSCRIBED", at(3), updated=at(5)))

    feed(database_url, person(1, HOME, "SUBSCRIBED", at(4), updated=at(4)))

    assert (statuses(database_url), outcomes(database_url)) == ({"1": OPTED_OUT}, {"superseded": 1})


def test_of_two_records_of_a_customer_in_one_batch_the_later_decides(database_url):
    feed(
        database_url,
        person(1, HOME, "SUBSCRIBED", at(1), updated=at(5)),
        person(1, HOME, "UNSUBSCRIBED", at(5), updated=at(5)),
        person(2, WORK, "UNSUBSCRIBED", at(3), updated=at(5)),
        person(2, WORK, "SUBSCRIBED", at(6), updated=at(6)),
    )

    assert statuses(database_url) == {"1": OPTED_OUT, "2": SUBSCRIBED}
    assert outcomes(database_url) == {"inserted": 2, "superseded": 2}


def test_a_store_of_every_kind_of_person_writes_nothing_the_second_time(database_url):
    states = ["SUBSCRIBED", "UNSUBSCRIBED", "PENDING", "NOT_SUBSCRIBED", "INVALID", "SNOOZED", None]
    people = [
        person(number, f"person{number}@example.com", state, when, updated=at(9), phone=f"+49 {number}")
        for number, (state, when) in enumerate(itertools.product(states, [at(5), None]), start=1)
    ]
    people += [
        person(20, None, None, updated=at(9)),
        person(21, None, "UNSUBSCRIBED", updated=at(9)),
        person(22, "person3@example.com", "SUBSCRIBED", at(6), updated=at(9)),
        person(23, "person3@example.com", "SUBSCRIBED", at(4), updated=at(9)),
        person(24, "person4@example.com", "UNSUBSCRIBED", updated=at(9)),
        person(25, "bounced@example.com", "SUBSCRIBED", at(4), updated=at(9)),
        person(26, "footer@example.com", "SUBSCRIBED", at(4), updated=at(9)),
        person(27, "agreed@example.com", "NOT_SUBSCRIBED", updated=at(9)),
        person(28, "left@example.com", "SUBSCRIBED", at(4), updated=at(8)),
    ]
    feed(database_url, *people)
    bounce(database_url, 25)
    opt_out_by_footer(database_url, 26)
    others_write(database_url, 27, email_status="subscribed", email_unsubscription_cause=None)
    people[-1] = person(28, None, "UNSUBSCRIBED", updated=at(9))
    feed(database_url, *people)
    refuse_writes(database_url, "contacts", "contact_sources", "suppressions", "status_changes", "tombstones")

    feed(database_url, *people)

    assert outcomes(database_url) == {"unchanged": len(people)}


def test_an_erasure_told_again_writes_nothing(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    feed(database_url, person(1, HOME, "REDACTED", at(2)))
    refuse_writes(database_url, "contacts", "contact_sources", "suppressions", "status_changes", "tombstones")

    feed(database_url, person(1, HOME, "REDACTED", at(2)))

    assert outcomes(database_url) == {"suppressed": 1}


# Options.


def test_without_updates_opt_outs_apply_and_nothing_is_restored(database_url):
    frozen: dict[str, t.Any] = {"options": {"update_existing": False}}
    people = [person(1, HOME, "SUBSCRIBED", at(1)), person(2, WORK, "NOT_SUBSCRIBED", updated=at(1))]
    feed(database_url, *people)

    feed(
        database_url,
        person(1, HOME, "UNSUBSCRIBED", at(3), first_name="New"),
        person(2, WORK, "SUBSCRIBED", at(3), first_name="New"),
        **frozen,
    )

    assert statuses(database_url) == {"1": OPTED_OUT, "2": NEVER_AGREED}
    assert query(database_url, "SELECT DISTINCT first_name FROM contacts WHERE first_name = 'New'") == []


def test_an_always_restore_is_stable(database_url):
    people = [person(1, HOME, "UNSUBSCRIBED", at(3)), person(2, HOME, "SUBSCRIBED", at(1))]
    always = {"resubscribe": "always"}
    feed(database_url, *people, options=always)
    opt_out_by_footer(database_url, 2)
    feed(database_url, *people, options=always)
    restored = statuses(database_url)
    refuse_writes(database_url, "contacts", "contact_sources", "suppressions", "status_changes")

    feed(database_url, *people, options=always)

    assert restored == {"1": OPTED_OUT, "2": SUBSCRIBED}
    assert outcomes(database_url) == {"unchanged": 2}


def test_a_state_never_heard_of_counts_as_never_agreed_and_is_warned_about_once(database_url, caplog):
    state = "SAID_SOMETHING_THAT_SHOPIFY_MADE_UP_LATER"

    feed(database_url, person(1, HOME, state, at(1)), person(2, WORK, state, at(1)))

    assert statuses(database_url) == {"1": NEVER_AGREED, "2": NEVER_AGREED}
    assert len([record for record in caplog.records if state in record.getMessage()]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"email_marketing_state": 5},
        {"email_marketing_opt_in_level": ["SINGLE_OPT_IN"]},
        {"email_marketing_updated_at": "yesterday"},
        {"email": f"{'a' * 300}@example.com"},
    ],
    ids=["state", "level", "time", "address"],
)
def test_a_consent_that_cannot_be_read_rejects_its_record_and_the_rest_goes_on(database_url, wrong):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1), **wrong), person(2, WORK, "SUBSCRIBED", at(1)))

    assert outcomes(database_url) == {"inserted": 1, "rejected": 1}


# What is written of it.


def test_each_status_change_is_logged_with_its_evidence(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)), person(2, HOME, "SUBSCRIBED", at(2)))
    feed(database_url, person(1, HOME, "UNSUBSCRIBED", at(3)))
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(4)))
    others_write(database_url, 1, email_status="unsubscribed", email_unsubscription_cause="hard bounce")
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(4)))

    rows = query(
        database_url,
        'SELECT user_code, channel, "change", "from", "to", cause, source, operation_id, evidence '
        "FROM status_changes JOIN contacts USING (contact_id) ORDER BY change_id",
    )
    new = (
        "contact new on this channel: "
        "insert subscribed; unsubscribed if the address is suppressed and this is not newer"
    )
    restored = (
        "contact unsubscribed by an import: "
        "restore, unless an opt-out is known for the address that is not older than this consent "
        "(under `never`: nor where an UNSUBSCRIBED of Shopify's was the reason)"
    )
    cause = "Shopify - opted out"
    assert rows == [
        (
            "1",
            "email",
            "subscribed",
            None,
            "subscribed",
            None,
            "import",
            1,
            f"Shopify said SUBSCRIBED ({at(1)}); {new}",
        ),
        (
            "2",
            "email",
            "subscribed",
            None,
            "subscribed",
            None,
            "import",
            1,
            f"Shopify said SUBSCRIBED ({at(2)}); {new}",
        ),
        (
            "1",
            "email",
            "unsubscribed",
            "subscribed",
            "unsubscribed",
            cause,
            "import",
            2,
            f"Shopify said UNSUBSCRIBED ({at(3)}); contact subscribed: "
            "unsubscribe, same cause, unless a local opt-in is newer",
        ),
        (
            "2",
            "email",
            "unsubscribed",
            "subscribed",
            "unsubscribed",
            cause,
            "import",
            2,
            "the address was closed by an opt-out elsewhere",
        ),
        (
            "1",
            "email",
            "restored",
            "unsubscribed",
            "subscribed",
            None,
            "import",
            3,
            f"Shopify said SUBSCRIBED ({at(4)}); {restored}",
        ),
        (
            "1",
            "email",
            "unsubscribed",
            "subscribed",
            "unsubscribed",
            "hard bounce",
            "protected",
            4,
            "found as another program wrote it",
        ),
    ]
    counted = "SELECT subscribed, unsubscribed, restored FROM operations ORDER BY operation_id"
    assert query(database_url, counted) == [(2, 0, 0), (0, 2, 0), (0, 0, 1), (0, 1, 0)]


def test_the_time_of_the_act_is_kept_and_not_that_of_the_write(database_url):
    feed(
        database_url,
        person(1, HOME, "SUBSCRIBED", at(1), updated=at(9)),
        person(2, WORK, "PENDING", updated=at(8)),
    )

    moment = "substr(CAST({} AS char), 1, 16)"
    acted = f"SELECT {moment.format('email_status_at')} FROM contacts ORDER BY user_code"
    logged = f"SELECT {moment.format('acted_at')} FROM status_changes ORDER BY change_id"
    if database_url.startswith("postgresql"):
        acted, logged = (
            text.replace("CAST(", "CAST(timezone('UTC', ").replace(" AS char", ") AS text") for text in (acted, logged)
        )
    assert query(database_url, acted) == query(database_url, logged) == [("2020-01-01 10:01",), ("2020-01-01 10:08",)]


def test_no_address_is_ever_in_the_evidence_or_in_a_suppression(database_url):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)), person(2, HOME, "UNSUBSCRIBED", at(3)))

    written = str(query(database_url, "SELECT * FROM status_changes")) + str(
        query(database_url, "SELECT * FROM suppressions")
    )
    assert HOME not in written


# Checkouts that wait for their contact.


def test_a_waiting_checkout_is_linked_when_its_contact_arrives_and_says_whether_it_may_be_written_to(database_url):
    run(database_url, [schema("abandoned_checkouts"), checkout(41, 1), checkout(42, 2), checkout(43, 3)])
    node = "SELECT user_code, checkout_id, may_email, may_sms FROM abandoned_checkout_node ORDER BY user_code"
    before = query(database_url, node)

    feed(
        database_url,
        person(1, HOME, "SUBSCRIBED", at(1)),
        person(2, WORK, "UNSUBSCRIBED", at(1)),
        person(3, "+49 170 111111", "SUBSCRIBED", at(1), channel="sms"),
    )

    assert before == []
    assert [(code, cart, bool(mail), bool(sms)) for code, cart, mail, sms in query(database_url, node)] == [
        ("1", 41, True, False),
        ("2", 42, False, False),
        ("3", 43, False, True),
    ]
    feed(database_url, person(4, HOME, "UNSUBSCRIBED", at(5)))
    assert [(code, bool(mail)) for code, _cart, mail, _sms in query(database_url, node)] == [
        ("1", False),
        ("2", False),
        ("3", False),
    ]
