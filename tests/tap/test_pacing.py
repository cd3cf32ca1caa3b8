"""The bucket of points is used up, seldom found empty, and shared. All times are virtual."""

import contextlib
import logging
import math
import random
import typing as t
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typing_extensions import override

from shopify_sandbox.bucket import Bucket as ServedBucket
from shopify_sandbox.clock import parse_time
from shopify_sandbox.process import Sandbox
from shopify_sandbox.server import Options, build_shop, serving
from tap_shopify_contacts.client import Question, ShopClient
from tap_shopify_contacts.customer_fields import CUSTOMER_FIELDS
from tap_shopify_contacts.documents import CUSTOMERS, page_document
from tap_shopify_contacts.pacing import Bucket, Cost, Pace
from tap_shopify_contacts.page_size import PageSize
from tap_shopify_contacts.pages import read_pages, root_connection
from tap_shopify_contacts.settings import Settings
from tests.tap.helpers import NOW, SCOPES, config_of, requests_of, run_tap
from tests.tap.virtual_time import VirtualTime

RATE, CAPACITY = 10, 200
README = Path(__file__).parents[2] / "tap-shopify-contacts" / "README.md"


def cost(requested: float, actual: float | None, available: float, rate: float = 100.0) -> Cost:
    return Cost(requested, actual, Bucket(available, 2_000.0, rate))


# Pure


def test_nothing_is_waited_for_before_anything_is_known():
    assert Pace().wait(1_000, 7.0) == 0.0


def test_a_query_waits_until_the_bucket_holds_what_it_needs():
    pace = Pace()
    pace.learn(cost(80, 80, 21), 10.0)
    assert pace.wait(80, 10.0) == pytest.approx(0.6)
    assert pace.wait(80, 10.5) == pytest.approx(0.1)
    assert pace.wait(80, 10.7) == 0.0
    assert pace.wait(20, 10.0) == 0.0


def test_more_than_the_bucket_can_hold_is_not_waited_for_longer_than_until_it_is_full():
    pace = Pace()
    pace.learn(cost(80, 80, 1_900), 0.0)
    assert pace.wait(5_000, 0.0) == pytest.approx(1.0)


def test_a_bucket_that_never_fills_is_not_waited_for():
    pace = Pace()
    pace.learn(cost(80, 80, 20, rate=0.0), 0.0)
    assert pace.wait(80, 0.0) == 0.0


def test_what_is_left_is_shared_with_others_as_long_as_they_are_seen():
    pace = Pace()
    pace.learn(cost(50, 50, 1_000), 0.0)
    # 1,000 points came back in ten seconds and 50 were ours: the other 1,450 were taken by others.
    pace.learn(cost(50, 50, 500), 10.0)
    # Half of half a bucket is left, so half of what comes back is ours.
    assert pace.wait(50, 10.0) == pytest.approx(50 / 50)
    assert pace.wait(200, 10.0) == pytest.approx(200 / 50)
    assert pace.wait(200, 13.0) == pytest.approx(200 / 50 - 3)
    # They have stopped, which is believed after some seconds.
    pace.learn(cost(1_400, 1_400, 100), 20.0)
    assert pace.wait(50, 20.0) == pytest.approx(50 / 10)
    pace.learn(cost(1_000, 1_000, 100), 30.0)
    assert pace.wait(50, 30.0) == 0.0


def test_a_full_bucket_is_not_saved_for_others():
    pace = Pace()
    pace.learn(cost(50, 50, 2_000), 0.0)
    pace.learn(cost(50, 50, 1_000), 5.0)
    assert pace.wait(50, 5.0) == 0.0


def test_others_who_take_all_leave_a_tenth():
    pace = Pace()
    for second in range(100):
        pace.learn(cost(50, 0, 0), float(second))
    assert pace.wait(50, 99.0) == pytest.approx(50 / 10)


# Over HTTP, on a bucket that runs on virtual time


@dataclass
class Reader:
    """One run that reads every customer, with what it learnt on the way."""

    pages: int = 0
    records: Counter[str] = field(default_factory=Counter)
    waited: float = 0.0
    ended: float = 0.0


def read_all(sandbox: Sandbox, time: VirtualTime, reader: Reader, size: int, seed: int, latency: float) -> None:
    """Read all customers in pages; each request takes `latency` seconds."""
    dice = random.Random(seed)

    def sleep(seconds: float) -> None:
        reader.waited += seconds
        time.sleep(seconds)

    client = ShopClient(
        Settings.from_config(config_of(sandbox)),
        logging.getLogger(__name__),
        sleep=sleep,
        chance=dice.random,
        clock=time,
    )
    paths = [path for field in CUSTOMER_FIELDS for path in field.asked_paths("2026-10")]
    question = Question("customers", page_document(CUSTOMERS, paths), {"query": None})
    for page in read_pages(client, question, root_connection("customers"), PageSize(size)):
        reader.pages += 1
        reader.records.update(edge["node"]["legacyResourceId"] for edge in page.edges)
        time.sleep(latency)
    client.close()
    reader.ended = time.now


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@contextlib.contextmanager
def served(time: VirtualTime, capacity: int) -> t.Iterator[Sandbox]:
    """Serve a store of 300 customers whose small bucket is on virtual time."""
    options = Options(now=parse_time(NOW), customers=300, checkouts=0, scopes=SCOPES)
    shop = build_shop(options)
    shop.engine.bucket = ServedBucket(capacity, RATE, time)
    with serving(shop) as url:
        yield Sandbox(url, options.shop, options.token, 0)


@pytest.fixture
def paced(time: VirtualTime) -> t.Iterator[Sandbox]:
    with served(time, CAPACITY) as sandbox:
        yield sandbox


def used(sandbox: Sandbox, time: VirtualTime) -> float:
    """Return the share of all points of the bucket until now that were spent."""
    spent = sum(entry["actual_cost"] or 0 for entry in requests_of(sandbox))
    return float(spent / (CAPACITY + RATE * time.now))


def refused(sandbox: Sandbox) -> int:
    """Return how many queries found the bucket empty."""
    return sum(entry["errors"] == ["THROTTLED"] for entry in requests_of(sandbox))


def test_a_long_run_uses_nearly_all_points_and_never_finds_the_bucket_empty(paced, time):
    reader = Reader()
    time.run(lambda: read_all(paced, time, reader, 3, seed=1, latency=0.1))
    assert (len(reader.records), reader.pages, refused(paced)) == (300, 100, 0)
    assert used(paced, time) > 0.95


class FarBucket(ServedBucket):
    """The bucket of a standard shop, each answer of which is `latency` seconds on the way. Time is virtual."""

    latency = 0.3

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.on_the_way = 0.0
        super().__init__(2_000, 100, self.now)

    def now(self) -> float:
        return self.on_the_way + math.fsum(self.waits)

    @override
    def take(self, points: int) -> bool:
        self.on_the_way += self.latency / 2
        return super().take(points)

    @override
    def status(self) -> dict[str, int]:
        told = super().status()
        self.on_the_way += self.latency / 2
        return told


def test_the_whole_tap_uses_the_share_of_what_comes_back_that_the_readme_tells():
    shop = build_shop(Options(now=parse_time(NOW), customers=10_000, checkouts=0, scopes=SCOPES))
    bucket = FarBucket()
    shop.engine.bucket = bucket
    with serving(shop) as url:
        sandbox = Sandbox(url, "sandbox.myshopify.com", "shpat_sandbox", 0)
        config = config_of(sandbox, extraction="pages", page_size=50)
        output = run_tap(config, select="customers", clock=lambda: bucket.on_the_way, waits=bucket.waits)
        spent = sum(entry["actual_cost"] or 0 for entry in requests_of(sandbox))
        assert refused(sandbox) == 0
    assert len(output.latest("customers")) == 10_000
    share = spent / (bucket.capacity + bucket.restore_rate * bucket.now())
    assert share > 0.95
    assert f"**{share:.0%}**" in README.read_text()


def test_two_runs_share_a_bucket_and_leave_nothing_unused(paced, time):
    readers = [Reader(), Reader()]
    time.run(
        lambda: read_all(paced, time, readers[0], 3, seed=1, latency=0.1),
        lambda: read_all(paced, time, readers[1], 3, seed=2, latency=0.25),
    )
    assert [len(reader.records) for reader in readers] == [300, 300]
    assert used(paced, time) > 0.95
    assert refused(paced) <= 2
    # Both began together; neither had to stand back for the other.
    assert 0.8 < readers[0].ended / readers[1].ended < 1.25


def test_a_run_with_large_pages_is_not_starved_by_many_with_small_ones(paced, time):
    readers = [Reader() for _ in range(4)]
    time.run(
        lambda: read_all(paced, time, readers[0], 250, seed=0, latency=0.1),
        *[lambda n=n: read_all(paced, time, readers[n], 5, seed=n, latency=0.1) for n in (1, 2, 3)],
    )
    assert [len(reader.records) for reader in readers] == [300] * 4
    assert used(paced, time) > 0.95


def test_a_slow_shop_is_not_made_slower(paced, time):
    reader = Reader()
    time.run(lambda: read_all(paced, time, reader, 50, seed=1, latency=60.0))
    assert (len(reader.records), reader.waited) == (300, 0.0)


def test_a_page_that_costs_more_than_the_bucket_can_hold_is_made_smaller(time):
    reader = Reader()
    with served(time, 40) as sandbox:
        time.run(lambda: read_all(sandbox, time, reader, 250, seed=1, latency=0.1))
        sizes = [entry["variables"]["first"] for entry in requests_of(sandbox)]
    assert len(reader.records) == 300
    assert (sizes[0], set(sizes[1:])) == (250, {33})
