from hypothesis import given
from hypothesis import strategies as st

from tap_shopify_contacts.errors import ConnectionFailed, Throttled, TransientAnswer
from tap_shopify_contacts.retry import FIRST_REQUEST, RetryPolicy

POLICY = RetryPolicy(tries=5, throttled_tries=20, base=1.0, cap=6.0)
CHANCES = st.floats(0, 1, exclude_max=True)


def test_waits_double_up_to_the_cap_and_end_with_giving_up():
    longest = [POLICY.wait(ConnectionFailed("broken"), failures, 1.0) for failures in range(1, 6)]
    assert longest == [1.0, 2.0, 4.0, 6.0, None]


@given(st.integers(1, 4), CHANCES)
def test_a_wait_has_full_jitter(failures, chance):
    wait = POLICY.wait(TransientAnswer("busy"), failures, chance)
    assert wait == chance * min(6.0, 2.0 ** (failures - 1))


@given(st.integers(1, 4), CHANCES)
def test_a_wait_that_shopify_asks_for_is_never_cut_short(failures, chance):
    assert POLICY.wait(TransientAnswer("busy", wait=30.0), failures, chance) == 30.0 + chance


def test_a_wait_that_shopify_asks_for_has_a_bound():
    assert POLICY.wait(TransientAnswer("busy", wait=10.0**6), 1, 0.0) == 900.0


def test_the_rate_limit_is_waited_for_longer_than_a_fault():
    assert POLICY.wait(Throttled("slow", wait=2.0), 19, 0.5) == 2.5
    assert POLICY.wait(Throttled("slow", wait=2.0), 20, 0.5) is None


def test_a_shop_that_cannot_be_reached_is_told_within_seconds():
    waits = [FIRST_REQUEST.wait(ConnectionFailed("broken"), failures, 1.0) for failures in range(1, 4)]
    assert waits == [0.5, 1.0, None]
