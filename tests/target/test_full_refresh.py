"""New filters and mappings of what is not stored: only a full refresh that has come to its end satisfies them."""

from __future__ import annotations

import logging
import typing as t

import pytest
from click.testing import CliRunner

from target_contactdb import redecide
from target_contactdb.admin.cli import main
from target_contactdb.causes import DEFAULT_CAUSES
from target_contactdb.errors import StateError, StatusLimitError, StreamError
from tests.target.singer import customer, query, run, schema, state

OTHER_SHOP = "shop-b.myshopify.com"
GONE = "no longer wanted"
MAPPED = [{"source": name, "field": name} for name in ("email", "phone")]
MORE = [*MAPPED, {"source": "first_name", "field": "first_name"}]
OLD = {"mappings": MAPPED}
FILTERED: dict[str, t.Any] = {
    "mappings": MAPPED,
    "options": {
        "import_filters": [{"field": "orders_count", "op": "gt", "value": 5}],
        "unsubscribe_discarded": GONE,
    },
    "unsubscription_causes": [*DEFAULT_CAUSES, GONE],
}
STATUSES = "SELECT user_code, email_status FROM contacts ORDER BY user_code"


def at(day):
    return state("customers", f"2026-10-{day:02}T00:00:00Z")


def increment(url, shop=None, *records, **config):
    run(url, [at(2), schema(**({"shop": shop} if shop else {})), *records, at(2)], **config)


def assert_is_refused(url, shop=None, **config):
    before = query(url, "SELECT COUNT(*) FROM operations")
    with pytest.raises(StateError, match="run once with --full-refresh"):
        increment(url, shop, **config)
    assert query(url, "SELECT COUNT(*) FROM operations") == before


def play_back(url, **config):
    exported = CliRunner().invoke(main, ["--sqlalchemy-url", url, "log", "--rejected", "--export"])
    assert exported.exit_code == 0, exported.output
    run(url, exported.stdout.splitlines(), **config)


def test_a_playback_asks_a_new_filter_of_nobody_else(database_url):
    run(database_url, [schema(), customer(1), customer(2, updated_at="bad"), at(2)], **OLD)
    assert_is_refused(database_url, **FILTERED)
    play_back(database_url, **FILTERED)
    assert_is_refused(database_url, **FILTERED)

    run(database_url, [state("customers", None), schema(), customer(1), at(2)], **FILTERED)
    assert query(database_url, STATUSES) == [("1", "unsubscribed")]
    increment(database_url, **FILTERED)


def test_a_playback_fills_a_newly_mapped_field_of_nobody_else(database_url):
    run(database_url, [schema(), customer(1), customer(2, updated_at="bad"), at(2)], **OLD)
    play_back(database_url, mappings=MORE)
    assert_is_refused(database_url, mappings=MORE)

    run(database_url, [state("customers", None), schema(), customer(1), at(2)], mappings=MORE)
    increment(database_url, mappings=MORE)
    assert query(database_url, "SELECT first_name FROM contacts") == [("Name1",)]


@pytest.mark.parametrize("new", [FILTERED, {"mappings": MORE}])
def test_a_full_refresh_that_dies_satisfies_nothing(sqlite_url, new):
    run(sqlite_url, [schema(), customer(1), customer(2), at(2)], **OLD)
    with pytest.raises(StreamError):
        run(sqlite_url, [state("customers", None), schema(), customer(1), "garbage"], **new)
    assert_is_refused(sqlite_url, **new)


def test_who_has_been_asked_a_filter_by_a_run_that_died_is_asked_the_old_one_again(sqlite_url):
    old = {**FILTERED, "options": {**FILTERED["options"], "import_filters": [{"field": "id", "op": "is_set"}]}}
    run(sqlite_url, [schema(), customer(1), customer(2), at(2)], **old)
    with pytest.raises(StreamError):
        run(sqlite_url, [state("customers", None), schema(), customer(1), at(1), schema(), "garbage"], **FILTERED)
    assert query(sqlite_url, STATUSES) == [("1", "unsubscribed"), ("2", "subscribed")]

    increment(sqlite_url, **old)
    assert query(sqlite_url, STATUSES) == [("1", "subscribed"), ("2", "subscribed")]


@pytest.mark.parametrize("passed", [0, 1])
def test_filters_that_the_limit_has_stopped_can_be_set_back(sqlite_url, passed, monkeypatch):
    monkeypatch.setattr(redecide, "_BATCH", 1)
    run(sqlite_url, [schema(), customer(1), customer(2), at(2)], **OLD)
    run(sqlite_url, [state("customers", None), schema(), customer(1), customer(2), at(2)], **FILTERED)
    nobody = [("1", "unsubscribed"), ("2", "unsubscribed")]
    assert query(sqlite_url, STATUSES) == nobody
    with pytest.raises(StatusLimitError):
        increment(sqlite_url, **OLD, options={"max_status_changes": 2 + passed})

    if passed:
        # Somebody has not been asked the filter that is to hold again, and what it reads is not stored.
        assert query(sqlite_url, STATUSES) == [("1", "subscribed"), nobody[1]]
        assert_is_refused(sqlite_url, **FILTERED)
    else:
        increment(sqlite_url, **FILTERED)
        assert query(sqlite_url, STATUSES) == nobody


def test_each_shop_is_asked_a_new_filter_by_a_full_refresh_of_its_own(database_url):
    run(database_url, [schema(), customer(1), at(2)], **OLD)
    run(database_url, [schema(shop=OTHER_SHOP), customer(2, shop=OTHER_SHOP), at(2)], **OLD)
    run(database_url, [state("customers", None), schema(), customer(1), at(2)], **FILTERED)

    increment(database_url, **FILTERED)
    assert_is_refused(database_url, OTHER_SHOP, **FILTERED)
    refresh = [state("customers", None), schema(shop=OTHER_SHOP), customer(2, shop=OTHER_SHOP), at(2)]
    run(database_url, refresh, **FILTERED)
    assert query(database_url, STATUSES) == [("1", "unsubscribed"), ("2", "unsubscribed")]
    increment(database_url, OTHER_SHOP, **FILTERED)


def test_a_shop_that_comes_to_a_database_in_use_is_asked_from_its_first_record_on(sqlite_url):
    run(sqlite_url, [schema(), customer(1), at(2)], **OLD)
    with pytest.raises(StreamError):
        run(sqlite_url, [schema(shop=OTHER_SHOP), customer(2, shop=OTHER_SHOP), at(1), "garbage"], **FILTERED)
    # It goes on where it broke off: nobody of this shop came in by other settings.
    run(sqlite_url, [at(1), schema(shop=OTHER_SHOP), customer(3, shop=OTHER_SHOP), at(2)], **FILTERED)

    assert query(sqlite_url, STATUSES) == [("1", "subscribed")]


def test_an_empty_database_says_that_a_tap_with_a_bookmark_brings_only_what_has_changed(sqlite_url, caplog):
    for _run in range(2):
        increment(sqlite_url)
    run(sqlite_url, [schema(shop=OTHER_SHOP), at(2)])

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "stream `customers` of shop shop-a.myshopify.com: the contact database has none of it yet, and the tap starts"
        " at 2026-10-02T00:00:00Z: what has not changed since is left out. Where that is not the start that you set,"
        " run once with --full-refresh"
    ]
