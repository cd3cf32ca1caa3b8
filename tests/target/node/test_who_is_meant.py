"""`--where` and `--segment`: a flow takes only whom a condition means, as `contactdb segment` asks it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from target_contactdb import tables
from target_contactdb.node.rules import Verdict

WAYS = ("abandoned-checkout", "--flow", "reminder", "--after", "60")
ABOVE = "checkout.price >= 50"


@pytest.fixture
def carts(shop):
    """Contacts 1 to 4 left carts of 20, 80, 90 and 100; contact 3 also an older one, which is not its last."""
    for number, total in ((1, 20), (2, 80), (3, 90), (4, 100)):
        shop.contact(number, first_name=None if number == 4 else f"Name {number}")
        shop.checkout(10 + number, number, 120 - number, total_price=Decimal(total))
    shop.checkout(30, 3, 130, total_price=Decimal(5))
    shop.read_checkouts(10)
    return shop


@pytest.fixture
def saved(carts):
    """The saved segment `Rich`, which has been evaluated before anybody was in it."""
    row = {"name": "Rich", "definition": ABOVE, "timezone": "UTC", "created_at": carts.ago(50)}
    carts.insert(tables.segments, row | {"evaluated_at": carts.ago(50), "members": 0})
    return carts


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (ABOVE, [12, 13, 14]),
        ("checkout.price < 50 or first_name = 'name 3'", [11, 13]),
        # Nothing is known of the first name of contact 4: it does not pass, and its opposite does.
        ("first_name contains name", [11, 12, 13]),
        ("not first_name contains name", [14]),
        ("checkout.product contains mug and contact_id in (1, 4)", [11, 14]),
        ("has no checkout", []),
        ("checkout.updated_at within 1 hour", []),
    ],
)
def test_only_whom_the_condition_means_enters(carts, node, where, expected):
    peeked = node.carts("--where", where, "--peek")
    entered = node.carts("--where", where)

    assert (peeked, entered) == (expected, expected)
    assert {row["checkout_id"] for row in carts.rows(tables.flow_entries)} == set(expected)
    # Nobody else is used up.
    assert sorted(node.carts()) == sorted({11, 12, 13, 14} - set(expected))


def test_a_saved_segment_is_asked_as_things_are_now(saved, node):
    assert node.carts("--segment", "Rich") == [12, 13, 14]
    assert saved.rows(tables.segment_members) == []


def test_a_segment_and_a_condition_have_to_hold_both(saved, node):
    assert node.carts("--segment", "Rich", "--where", "first_name is set", "--peek") == [12, 13]
    assert node.carts("--where", 'not in segment Rich or first_name = "Name 2"') == [11, 12]


def test_explaining_says_who_is_not_meant(saved, node):
    node.carts("--where", "contact_id = 2")

    assert node.reasons(*WAYS, "--segment", "Rich", "--where", "first_name is set") == {
        1: Verdict.NOT_MEANT,
        2: Verdict.ENTERED,
        3: Verdict.ENTERS,
        4: Verdict.NOT_MEANT,
    }


def test_who_was_given_back_and_is_not_meant_any_more_is_not_handed_out_again(carts, node):
    (line,) = node.lines(*WAYS, "--where", "first_name = 'Name 2'", "--lease", "10m")
    node.lines("release", "--flow", "reminder", str(line["entry_id"]))
    carts.change_contact(2, first_name="Other")

    assert node.carts("--where", "first_name = 'Name 2'") == []
    assert 12 in node.carts()


def test_a_date_begins_at_midnight_in_the_time_zone_of_the_shop(carts, node, monkeypatch):
    created = carts.ago(60_000).replace(hour=5)
    carts.change_contact(1, created_at=created)
    where = f"created_at = {created.date().isoformat()} and contact_id = 1"

    assert node.carts("--where", where, "--peek") == [11]
    # In Honolulu it is ten hours earlier, the day before.
    assert node.carts("--where", where, "--timezone", "Pacific/Honolulu", "--peek") == []
    monkeypatch.setenv("TARGET_CONTACTDB_TIMEZONE", "Pacific/Honolulu")
    assert node.carts("--where", where, "--peek") == []


def test_new_customers_are_asked_as_well(shop, node):
    shop.operation("customers", 180)
    for number in (1, 2, 3):
        shop.contact(number)
        shop.source(number, 59.5 - number)
    shop.operation("customers", 60, window_from=shop.ago(182), bookmark=shop.ago(62))
    shop.checkout(12, 2, 30, total_price=Decimal(80))

    told = node.reasons("new-customer", "--flow", "welcome", "--where", "has checkout")
    assert told == {1: Verdict.NOT_MEANT, 2: Verdict.ENTERS, 3: Verdict.NOT_MEANT}
    assert node.newcomers("--where", "has checkout") == [2]
    assert node.newcomers() == [1, 3]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--where", "first_nam = x"), "--where, position 1: unknown field `first_nam`; did you mean `first_name`?"),
        (("--where", "first_name ="), "--where ends too early; expected a value"),
        (("--segment", "Rih"), "option --segment: unknown segment `Rih`; did you mean `Rich`?"),
        (
            ("--timezone", "Europe/Berlin"),
            "--timezone goes with --where; a saved segment keeps the zone that it was saved with",
        ),
    ],
    ids=["unknown field", "cut short", "unknown segment", "lone time zone"],
)
def test_a_wrong_condition_enters_nobody(saved, node, options, told):
    for looking in ((), ("--peek",), ("--explain",)):
        result = node.run(*WAYS, *options, *looking)
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {told}\n")
    assert saved.rows(tables.flow_entries) == []
