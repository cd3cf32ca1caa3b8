"""A database that is older than the state: the run stops, and nothing is left out unseen."""

from __future__ import annotations

import datetime as dt

import pytest

from target_contactdb.bookmarks import leaves_a_gap
from target_contactdb.errors import StateError
from tests.target.singer import checkout, customer, execute, query, run, schema, state

EARLY, LATE = (dt.datetime(2026, 10, day, tzinfo=dt.UTC) for day in (1, 2))
OTHER_SHOP = "shop-b.myshopify.com"


@pytest.mark.parametrize(
    ("start", "committed", "gap"),
    [
        (LATE, EARLY, True),
        (EARLY, EARLY, False),
        (EARLY, LATE, False),
        (None, EARLY, False),
        # Without a bookmark of its own, a database cannot tell a lost one from a setting that says where to begin.
        (EARLY, None, False),
    ],
)
def test_only_a_start_after_the_last_committed_bookmark_leaves_a_gap(start, committed, gap):
    assert leaves_a_gap(start, committed) is gap


def test_a_restored_backup_is_noticed_before_anything_is_written(database_url):
    run(database_url, [schema(), customer(1), state("customers", "2026-10-02T00:00:00Z")])
    execute(database_url, "UPDATE operations SET bookmark = '2026-10-01 00:00:00'")
    later = [state("customers", "2026-10-02T00:00:00Z"), schema(), customer(2)]
    with pytest.raises(StateError) as caught:
        run(database_url, later)

    assert str(caught.value) == (
        "stream `customers` of shop shop-a.myshopify.com starts at 2026-10-02T00:00:00Z, but the contact database has"
        " it only up to 2026-10-01T00:00:00Z, as after a restored backup: run once with --full-refresh, or set the"
        " bookmark back with `meltano state set`"
    )
    assert query(database_url, "SELECT user_code FROM contacts") == [("1",)]
    assert query(database_url, "SELECT count(*) FROM operations") == [(1,)]
    run(database_url, [state("customers", "2026-10-01T00:00:00Z"), *later[1:]])
    assert query(database_url, "SELECT count(*) FROM contacts") == [(2,)]


def test_each_shop_and_stream_has_a_place_of_its_own(sqlite_url):
    run(sqlite_url, [schema(), customer(1), state("customers", "2026-10-01T00:00:00Z")])
    run(sqlite_url, [state("customers", "2026-10-09T00:00:00Z"), schema(shop=OTHER_SHOP), customer(2)])
    run(
        sqlite_url,
        [state("abandoned_checkouts", "2026-10-09T00:00:00Z"), schema("abandoned_checkouts"), checkout(3, 1)],
    )

    assert query(sqlite_url, "SELECT state FROM operations") == [("completed",)] * 3
