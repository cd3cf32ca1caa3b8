"""A status is about an address, through the real target: shops, batches, swapped and removed addresses."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest

from target_contactdb.admin.acts import Act, tell_database
from target_contactdb.admin.connect import opened
from target_contactdb.consent_values import Status
from target_contactdb.operations import utc_now
from tests.target.consent.outsiders import (
    ADDRESSES,
    BOUNCED,
    NEVER_AGREED,
    OPTED_OUT,
    SUBSCRIBED,
    bounce,
    opt_out_by_footer,
)
from tests.target.consent.people import (
    HOME,
    SHOP_A,
    SHOP_B,
    WORK,
    at,
    contactable,
    feed,
    others_write,
    person,
    statuses,
)
from tests.target.singer import run, schema

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


def _reconciled(url: str) -> None:
    record = person(2, WORK, "SUBSCRIBED", at(5), updated=at(6))["record"]
    names = ("id", "updated_at", "email", "email_marketing_state", "email_marketing_updated_at")
    listed = {"type": "RECORD", "stream": "customer_consents", "record": {name: record[name] for name in names}}
    complete = {"type": "ACTIVATE_VERSION", "stream": "customer_consents", "version": 1}
    run(url, [schema("customer_consents", shop=SHOP_B), listed, complete])


def _opted_out_elsewhere(url: str) -> None:
    feed(url, person(1, HOME, "UNSUBSCRIBED", at(3)))


@pytest.mark.parametrize("order", [(_reconciled, _opted_out_elsewhere), (_opted_out_elsewhere, _reconciled)])
def test_a_yes_for_a_new_address_counts_though_a_no_for_the_old_one_came_after_it_was_heard(database_url, order):
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)))
    feed(database_url, person(2, HOME, "SUBSCRIBED", at(1)), shop=SHOP_B)
    for happens in order:
        happens(database_url)

    feed(database_url, person(2, WORK, "SUBSCRIBED", at(5), updated=at(6)), shop=SHOP_B)

    assert statuses(database_url) == {"1": OPTED_OUT, "2": SUBSCRIBED}
    assert contactable(database_url) == {"2"}


def test_a_no_is_not_overruled_by_a_yes_for_another_address(database_url):
    kept = [{"source": "email", "field": "email", "update": "never"}]
    feed(database_url, person(1, HOME, "SUBSCRIBED", at(1)), mappings=kept)
    feed(database_url, person(1, WORK, "SUBSCRIBED", at(5)), mappings=kept)

    with opened(database_url, write=True) as database:
        told = tell_database(
            database, "1", Act(Status.UNSUBSCRIBED, "email", dt.datetime.fromisoformat(at(3))), utc_now()
        )

    assert told.status == "unsubscribed"
    assert contactable(database_url) == set()


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
