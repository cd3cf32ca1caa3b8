from hypothesis import given
from hypothesis import strategies as st

from tap_shopify_contacts.errors import ConnectionFailed, SecurityRejection, Throttled, TransientAnswer
from tap_shopify_contacts.retry import FIRST_REQUEST, RetryPolicy

POLICY = RetryPolicy(tries=5, base=1.0, cap=6.0)
CHANCES = st.floats(0, 1, exclude_max=True)


def test_waits_double_up_to_the_cap_and_end_with_giving_up():
    longest = [POLICY.wait(ConnectionFailed("broken"), failures, 1.0) for failures in range(1, 6)]
    assert longest == [1.0, 2.0, 4.0, 6.0, None]


@given(st.integers(1, 4), CHANCES)
def test_a_wait_has_full_jitter(failures, chance):
    wait = POLICY.wait(TransientAnswer("busy"), failures, chance)
    assert wait == chance * min(6.0, 2.0 ** (failures - 1))


@given(st.integers(1, 4), CHANCES)
def test_a_wait_that_shopify_asks_for_is_never_cut_short_and_has_its_jitter_after_it(failures, chance):
    assert POLICY.wait(TransientAnswer("busy", wait=30.0), failures, chance) == 30.0 + chance * min(
        6.0, 2.0 ** (failures - 1)
    )


def test_a_wait_that_shopify_asks_for_has_a_bound():
    assert POLICY.wait(TransientAnswer("busy", wait=10.0**6), 1, 0.0) == 900.0


def test_the_rate_limit_is_waited_for_as_long_as_hours():
    patient = RetryPolicy(tries=2)
    waits = [patient.wait(Throttled("slow", wait=2.0), failures, 0.5) for failures in range(1, 1_001)]
    assert waits[:4] == [2.5, 3.0, 4.0, 6.0]
    assert waits[-1] is None
    assert sum(wait for wait in waits if wait is not None) > 8 * 3600


def test_a_rejection_for_security_is_tried_a_few_times_only():
    assert [POLICY.wait(SecurityRejection("no", wait=60.0), failures, 0.0) for failures in range(1, 5)] == [
        60.0,
        60.0,
        60.0,
        None,
    ]


def test_a_shop_that_cannot_be_reached_is_told_within_seconds():
    waits = [FIRST_REQUEST.wait(ConnectionFailed("broken"), failures, 1.0) for failures in range(1, 4)]
    assert waits == [0.5, 1.0, None]
