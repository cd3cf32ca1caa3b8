"""The New Customer node: who an import has seen for the first time."""

from __future__ import annotations

import pytest

from target_contactdb.node.rules import Verdict
from tests.target.node.shop import SHOP

WAYS = ("new-customer", "--flow", "welcome")


@pytest.fixture
def grown(shop):
    """Contact 1 came with the backfill three hours ago, contact 2 with an increment an hour ago."""
    for number, minutes in ((1, 179.5), (2, 59.5)):
        shop.contact(number, account_state="ENABLED" if number == 2 else "DISABLED")
        shop.source(number, minutes)
    shop.operation("customers", 180)
    shop.operation("customers", 60, window_from=shop.ago(182), bookmark=shop.ago(62))
    return shop


def test_who_came_with_an_increment_enters_once(grown, node):
    assert [node.newcomers(), node.newcomers()] == [[2], []]


def test_a_backfill_enters_nobody_unless_asked(grown, node):
    assert node.reasons(*WAYS) == {1: Verdict.BACKFILL, 2: Verdict.ENTERS}
    assert node.newcomers("--backfill") == [1, 2]


def test_a_backfill_that_was_interrupted_is_a_backfill_to_its_end(shop, node):
    shop.operation("customers", 180, state="interrupted")
    shop.operation("customers", 170, window_from=shop.ago(500))
    for number, minutes in ((1, 179.5), (2, 169.5)):
        shop.contact(number)
        shop.source(number, minutes)

    assert node.newcomers() == []


def test_an_import_of_everything_once_more_is_a_backfill(grown, node):
    grown.operation("customers", 30)
    grown.contact(3)
    grown.source(3, 29.5)

    assert node.newcomers() == [2]


def test_account_state_and_consent_are_asked(grown, node):
    grown.contact(3, email="unsubscribed", account_state="ENABLED")
    grown.source(3, 59.2)

    found = node.reasons(*WAYS, "--backfill", "--account-state", "ENABLED")

    assert found == {1: Verdict.OTHER_STATE, 2: Verdict.ENTERS, 3: Verdict.NOT_CONTACTABLE}


@pytest.mark.parametrize("state", ["ENABLED", "enabled", "Enabled"])
def test_an_account_state_is_known_however_it_is_written(grown, node, state):
    assert node.newcomers("--backfill", "--account-state", state) == [2]


def test_an_unknown_account_state_is_refused_unless_a_contact_has_it(grown, node):
    refused = node.run(*WAYS, "--account-state", "ENABELD")
    grown.change_contact(1, account_state="SUSPENDED")

    expected = "Error: option --account-state: unknown state `ENABELD`; did you mean `ENABLED`?\n"
    assert (refused.exit_code, refused.stderr) == (2, expected)
    assert node.newcomers("--backfill", "--account-state", "suspended") == [1]


def test_the_key_of_an_entry_is_the_customers_also_in_another_database(grown, node):
    grown.contact(7)
    grown.source(70, 59.3, contact_id=7)

    keys = [line["idempotency_key"] for line in node.lines(*WAYS, "--peek")]
    assert keys == [f"welcome/customer:{SHOP}/2", f"welcome/customer:{SHOP}/70"]


def test_who_came_long_ago_is_no_newcomer(grown, node):
    assert node.newcomers("--max-age", "30m") == []


def test_a_second_account_of_a_contact_is_no_new_customer(grown, node):
    node.newcomers()
    grown.source(9, 59.1, contact_id=2)

    assert node.newcomers() == []
