"""How many records to ask for at once: as many as the limits allow, and fewer where that fails."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_shopify_contacts.errors import ConnectionFailed, SecurityRejection, Throttled, TransientAnswer
from tap_shopify_contacts.pacing import Bucket, Cost
from tap_shopify_contacts.page_size import QUERY_LIMIT, PageSize, largest_within
from tap_shopify_contacts.pages import ease_after
from tests.tap.helpers import config_of, requests_of, run_tap


def price(count: int, each: int, base: int = 2) -> int:
    """Return what Shopify is seen to charge for a connection."""
    return base + each * math.floor(2 * math.log(max(2, count)))


def paid(requested: float, maximum: float = 2_000.0) -> Cost:
    return Cost(requested, requested, Bucket(1_000.0, maximum, 100.0))


@given(st.integers(1, 250), st.integers(1, 60), st.integers(0, 50), st.integers(60, 1_000))
def test_a_size_within_a_limit_is_the_largest_that_is_sure_to_be(count, each, base, limit):
    size = largest_within(limit, count, price(count, each, base), 250)
    if size > count:
        assert price(size, each, base) <= limit
    if size < 250 and base == 0:
        assert price(size + 1, each, 0) > limit


def test_a_size_grows_to_the_most_as_soon_as_the_cost_is_known():
    size = PageSize(50, 250)
    size.learn(paid(163))
    assert size.count == 250


def test_a_size_grows_only_as_far_as_one_query_may_cost():
    size = PageSize(50, 250)
    size.learn(paid(price(50, 130, 0)))
    assert size.count < 250
    assert price(size.count, 130, 0) <= QUERY_LIMIT < price(size.count + 1, 130, 0)


def test_a_size_grows_only_as_far_as_the_bucket_can_hold():
    size = PageSize(10, 250)
    size.learn(paid(price(10, 20, 0), maximum=150.0))
    assert price(size.count, 20, 0) <= 150 < price(size.count + 1, 20, 0)
    size.learn(paid(price(size.count, 20, 0)))
    assert size.count == 250


def test_a_size_that_was_chosen_is_the_most():
    size = PageSize(50)
    size.learn(paid(1))
    assert size.count == 50


def test_a_page_that_costs_too_much_is_fitted_at_once_and_stays_fitted():
    size = PageSize(250)
    assert size.fit(1_200.0, 1_000.0)
    fitted = size.count
    assert price(fitted, 109, 0) <= 1_000
    for _ in range(100):
        size.learn(paid(price(fitted, 109, 0)))
    assert size.count == fitted


@pytest.mark.parametrize(("cost", "limit"), [(None, None), (1_200.0, None), (999.0, 1_000.0)])
def test_a_page_that_costs_too_much_gets_smaller_whatever_the_figures_say(cost, limit):
    size, sizes = PageSize(250), []
    while size.fit(cost, limit):
        sizes.append(size.count)
    assert sizes == sorted(set(sizes), reverse=True)
    assert sizes[-1] == 1


def test_a_size_that_failed_grows_again_after_good_pages_and_more_carefully_each_time():
    size, needed = PageSize(200), []
    for _ in range(3):
        assert size.ease()
        pages = 0
        while size.count < 200:
            size.learn(paid(50))
            pages += 1
        needed.append(pages)
    assert needed == [5, 5, 5]
    size.ease()
    size.ease()
    assert size.count == 50
    pages = 0
    while size.count < 200:
        size.learn(paid(50))
        pages += 1
    assert pages > 10


def test_one_record_cannot_be_made_less():
    assert (PageSize(1).ease(), PageSize(1).fit(5.0, 4.0), PageSize(1).stay_below(5.0, 4.0)) == (False, False, False)


@pytest.mark.parametrize(
    ("error", "sizes"),
    [
        (TransientAnswer("slow"), [200, 100, 100, 50, 50, 25, 25]),
        (ConnectionFailed("broken"), [200, 100, 100, 50, 50, 25, 25]),
        (Throttled("busy"), [200, 200, 200, 100, 100, 100, 100]),
        (Throttled("busy", cost=Cost(90.0, None, Bucket(0.0, 2_000.0, 100.0))), [200, 200, 200, 100, 100, 100, 100]),
        (SecurityRejection("no"), [200] * 7),
    ],
)
def test_a_page_that_keeps_failing_is_asked_for_smaller(error, sizes):
    size, seen = PageSize(200), []
    for failures in range(1, 8):
        ease_after(error, failures, size)
        seen.append(size.count)
    assert seen == sizes


def test_checkouts_are_asked_for_in_larger_pages_once_their_cost_is_known(stocked):
    stocked.control("DELETE", "requests")
    output = run_tap(config_of(stocked), select="abandoned_checkouts")
    sizes = [entry["variables"]["first"] for entry in requests_of(stocked, "AbandonedCheckouts")]
    assert (sizes[0], set(sizes[1:])) == (50, {250})
    assert len(output.latest("abandoned_checkouts")) == 250


def test_a_page_that_is_too_slow_is_asked_for_smaller_and_larger_again_later(quiet):
    fault = {"kind": "http_status", "status": 504, "operation": "Customers", "times": 2}
    quiet.control("POST", "faults", fault)
    output = run_tap(config_of(quiet, extraction="pages", page_size=8), select="customers")
    sizes = [entry["variables"]["first"] for entry in requests_of(quiet, "Customers") if entry["status"] == 200]
    assert (sizes[0], sizes[-1]) == (4, 8)
    assert len(output.records("customers")) == 40
