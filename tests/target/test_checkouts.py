"""Checkouts: kept with their lines, linked to their contact, and the last one of each contact."""

from __future__ import annotations

import pytest

from tests.target.singer import checkout, customer, query, run, schema

COUNTS = """
SELECT kind, records_read, inserted, updated, unchanged, rejected, superseded, suppressed, unlinked
FROM operations ORDER BY operation_id
"""
LINES = "SELECT checkout_id, position, title, quantity FROM checkout_lines ORDER BY checkout_id, position"
LAST = "SELECT contact_id, checkout_id FROM last_checkout ORDER BY contact_id"


def _checkouts(*records):
    return [schema("abandoned_checkouts"), *records]


def test_a_checkout_is_kept_with_its_lines_in_order(database_url):
    lines = [{"title": f"Item {number}", "quantity": number} for number in range(1, 4)]
    run(database_url, [schema(), customer(1)])
    run(database_url, _checkouts(checkout(7, 1, line_items=lines)))

    assert query(database_url, "SELECT shop, id, contact_id, customer_id FROM checkouts") == [
        ("shop-a.myshopify.com", 7, 1, 1)
    ]
    assert query(database_url, LINES) == [(7, 0, "Item 1", 1), (7, 1, "Item 2", 2), (7, 2, "Item 3", 3)]


def test_a_changed_checkout_replaces_its_lines_and_an_unchanged_one_writes_nothing(database_url):
    run(database_url, _checkouts(checkout(7, None), checkout(8, None)))
    changed = checkout(7, None, line_items=[{"title": "Cup", "quantity": 1}], updated_at="2026-10-02T00:00:00Z")
    run(database_url, _checkouts(changed, checkout(8, None)))

    assert query(database_url, LINES) == [(7, 0, "Cup", 1), (8, 0, "Mug", 2)]
    assert query(database_url, COUNTS) == [
        ("checkouts", 2, 2, 0, 0, 0, 0, 0, 2),
        ("checkouts", 2, 0, 1, 1, 0, 0, 0, 1),
    ]


def test_an_older_checkout_and_the_earlier_of_two_in_a_batch_are_superseded(database_url):
    run(database_url, _checkouts(checkout(7, None, note="b"), checkout(7, None, note="c")))
    run(database_url, _checkouts(checkout(7, None, note="a", updated_at="2026-09-01T00:00:00Z")))

    assert query(database_url, "SELECT note FROM checkouts") == [("c",)]
    assert query(database_url, COUNTS) == [
        ("checkouts", 2, 1, 0, 0, 0, 1, 0, 1),
        ("checkouts", 1, 0, 0, 0, 0, 1, 0, 0),
    ]


def test_a_checkout_without_its_contact_waits_and_is_linked_when_the_contact_arrives(database_url):
    run(database_url, _checkouts(checkout(7, 1), checkout(8, 2), checkout(9, None)))
    run(database_url, [schema(), customer(1)])

    assert query(database_url, "SELECT id, contact_id FROM checkouts ORDER BY id") == [(7, 1), (8, None), (9, None)]


def test_the_last_checkout_is_the_newest_that_is_not_recovered(database_url):
    run(database_url, [schema(), customer(1), customer(2), customer(3, last_order_created_at="2026-10-01T00:00:00Z")])
    run(
        database_url,
        _checkouts(
            checkout(1, 1, updated_at="2026-10-05T00:00:00Z"),
            checkout(2, 1, updated_at="2026-10-05T00:00:00Z"),
            checkout(3, 1, updated_at="2026-10-09T00:00:00Z", completed_at="2026-09-09T00:00:00Z"),
            checkout(4, 2, created_at="2026-10-02T00:00:00Z"),
            checkout(5, 3),
        ),
    )
    assert query(database_url, LAST) == [(1, 2), (2, 4)]

    run(
        database_url,
        [schema(), customer(2, last_order_created_at="2026-10-02T00:00:00Z", updated_at="2026-10-03T00:00:00Z")],
    )
    assert query(database_url, LAST) == [(1, 2)]


def test_a_checkout_is_recovered_once_its_customer_has_completed_a_later_one(database_url):
    run(database_url, [schema(), customer(1), customer(2)])
    bought = {"created_at": "2026-10-02T00:00:00Z", "completed_at": "2026-10-02T00:05:00Z"}
    run(
        database_url,
        _checkouts(
            checkout(1, 1, created_at="2026-10-01T00:00:00Z"),
            checkout(2, 1, **bought),
            # Begun since, and somebody else's.
            checkout(3, 1, created_at="2026-10-02T00:06:00Z", updated_at="2026-09-01T00:00:00Z"),
            checkout(4, 2, created_at="2026-10-01T00:00:00Z"),
        ),
    )

    assert query(database_url, LAST) == [(1, 3), (2, 4)]


def test_the_node_says_who_may_be_written_to(database_url):
    run(
        database_url,
        [schema(), customer(1), customer(2, email_marketing_state="UNSUBSCRIBED"), customer(3, email=None)],
    )
    run(database_url, _checkouts(checkout(1, 1), checkout(2, 2), checkout(3, 3)))

    rows = query(database_url, "SELECT user_code, may_email, may_sms FROM abandoned_checkout_node ORDER BY user_code")
    assert [(code, bool(email), bool(sms)) for code, email, sms in rows] == [
        ("1", True, False),
        ("2", False, False),
        ("3", False, False),
    ]


def test_money_is_exact(database_url):
    run(database_url, _checkouts(checkout(1, None)))
    line = '{"type": "RECORD", "stream": "abandoned_checkouts", "record": {"id": 2, "total_price": 9999999999.99, '
    line += '"created_at": "2026-10-01T00:00:00Z", "updated_at": "2026-10-01T00:00:00Z", "line_items": []}}'
    run(database_url, _checkouts(line))

    ((total,),) = query(database_url, "SELECT total_price FROM checkouts WHERE id = 2")
    assert format(total, ".2f") == "9999999999.99"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            {"line_items": [{"quantity": 1}, {"quantity": "two"}]},
            "field `line_items[1].quantity` is not a whole number",
        ),
        ({"line_items": [{"quantity": 2**31}]}, "field `line_items[0].quantity` is too large"),
        ({"line_items": [{"sku": "s" * 256}]}, "field `line_items[0].sku` is longer than 255 characters"),
        ({"currency": "E" * 33}, "field `currency` is longer than 32 characters"),
    ],
)
def test_a_bad_checkout_is_rejected_with_the_place_of_the_fault_and_the_others_come_in(database_url, values, reason):
    run(database_url, _checkouts(checkout(1, None, **values), checkout(2, None)))

    assert query(database_url, 'SELECT "key", reason FROM operation_records') == [("1", reason)]
    assert query(database_url, "SELECT id FROM checkouts") == [(2,)]
