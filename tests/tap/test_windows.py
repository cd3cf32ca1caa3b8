from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tap_shopify_contacts.windows import Window, WindowPlan, next_window, starting_point

PLAN = WindowPlan(first=timedelta(days=30), few=250, many=10_000)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
INSTANTS = st.datetimes(datetime(2006, 1, 1), datetime(2036, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC, microsecond=0)
)


def windows_over(start: datetime, until: datetime, counts: list[int]) -> list[Window]:
    """Go through a stretch as a stream does; the n-th window holds `counts[n]` records, later ones none."""
    windows: list[Window] = []
    length = PLAN.first
    while start < until:
        window = next_window(start, until, length)
        count = counts[len(windows)] if len(windows) < len(counts) else 0
        windows.append(window)
        length = PLAN.next_length(length, count, until - window.end)
        start = window.end
    return windows


@given(INSTANTS, INSTANTS, st.lists(st.sampled_from([0, 1, 250, 251, 5_000, 10_001, 10**6]), max_size=30))
def test_windows_cover_a_stretch_without_gap_or_overlap(one, other, counts):
    start, until = min(one, other), max(one, other)
    windows = windows_over(start, until, counts)
    borders = [start, *(window.end for window in windows)]
    assert [window.start for window in windows] == borders[:-1]
    assert borders[-1] == until
    assert all(window.start < window.end for window in windows)


def test_twenty_empty_years_cost_few_windows():
    assert len(windows_over(NOON - timedelta(days=20 * 365), NOON, [])) == 8


def test_an_increment_is_one_window():
    assert windows_over(NOON - timedelta(hours=1), NOON, [40]) == [Window(NOON - timedelta(hours=1), NOON)]


def test_a_stretch_of_no_length_has_no_window():
    assert windows_over(NOON, NOON, []) == []


def test_a_full_window_is_followed_by_a_shorter_one_and_a_poor_one_by_a_longer_one():
    ample = timedelta(days=10_000)
    day = timedelta(days=1)
    assert PLAN.next_length(4 * day, 10_001, ample) == 2 * day
    assert PLAN.next_length(4 * day, 10_000, ample) == 4 * day
    assert PLAN.next_length(4 * day, 251, ample) == 4 * day
    assert PLAN.next_length(4 * day, 250, ample) == 8 * day


def test_a_window_is_never_shortened_below_an_hour():
    hour = timedelta(hours=1)
    assert PLAN.next_length(1.5 * hour, 10_001, timedelta(days=9)) == hour
    assert PLAN.next_length(hour, 10_001, timedelta(days=9)) == hour


def test_a_bookmark_wins_over_the_start_date_and_is_looked_back_from():
    lookback = timedelta(minutes=5)
    year = timedelta(days=365)
    assert starting_point(bookmark=NOON, start_date=NOON + year, lookback=lookback) == NOON - lookback
    assert starting_point(bookmark=NOON, start_date=None, lookback=lookback) == NOON - lookback
    assert starting_point(bookmark=None, start_date=NOON, lookback=lookback) == NOON
    assert starting_point(bookmark=None, start_date=None, lookback=lookback) is None
