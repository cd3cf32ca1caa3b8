"""The plain road of the customer import comes to what the careful one comes to, whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from random import Random
from zoneinfo import ZoneInfo

import pytest

from target_contactdb.causes import DEFAULT_PROTECTED
from target_contactdb.conditions.filters import compile_filters
from target_contactdb.conditions.objects import read_objects
from target_contactdb.conditions.times import Clock
from target_contactdb.consent import Resubscribe
from target_contactdb.consent_values import Policy
from target_contactdb.errors import StreamError
from target_contactdb.keys import Keys
from target_contactdb.target import TargetContactDB
from tests.target.plain_world import PROPERTIES, RULES, START, Side, Story, belongings, different, mappings_of
from tests.target.singer import customer, query, run, schema, state

if t.TYPE_CHECKING:
    from pathlib import Path

PROTECTED = frozenset(DEFAULT_PROTECTED)
POLICIES = {
    "default": Policy(protected_causes=PROTECTED),
    "no flag": Policy(protected_causes=PROTECTED, no_consent_cause=None),
    "confirmed only": Policy(protected_causes=PROTECTED, confirmed_only=True, resubscribe=Resubscribe.NEVER),
    "always": Policy(protected_causes=PROTECTED, resubscribe=Resubscribe.ALWAYS),
    "existing stay": Policy(protected_causes=PROTECTED, update_existing=False),
    "filtered": Policy(protected_causes=PROTECTED, discarded_cause="no longer wanted"),
}


def _told(
    url: str, other: str, policy: Policy, seed: int, *, people: int, turns: int, keys: Keys | None = None
) -> Story:
    """Tell a story to both databases, and compare them after every turn."""
    mappings, filters = mappings_of(RULES), None
    if policy.discarded_cause is not None:
        wanted = read_objects([{"field": "first_name", "op": "ne", "value": "Else"}], "import_filters", [])
        filters = compile_filters(wanted, PROPERTIES, Clock(START, ZoneInfo("UTC")))
    sides = (
        Side.make(url, policy, mappings, "salt", plain=True, filters=filters, keys=keys),
        Side.make(other, policy, mappings, "salt", plain=False, filters=filters, keys=keys),
    )
    story = Story(Random(seed), sides, people)
    try:
        for turn in range(turns):
            story.happen()
            found, expected = (side.rows() for side in sides)
            for table, rows in expected.items():
                assert different(found[table], rows) == [], f"turn {turn}, {table}"
    finally:
        for side in sides:
            side.close()
    return story


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_the_plain_road_comes_to_what_the_careful_one_comes_to(sqlite_url, tmp_path, policy):
    story = _told(sqlite_url, f"sqlite:///{tmp_path}/other.db", policy, 1, people=60, turns=8)

    # Both roads are well trodden, or the story would prove nothing.
    assert min(story.plain, story.careful) > 50


@pytest.mark.parametrize("keys", [Keys("email"), Keys("email", ("phone",)), Keys(unique_fields=("email",))], ids=str)
@pytest.mark.parametrize("seed", [3, 5])
def test_it_does_so_with_keys_whose_contacts_may_have_several_customers(sqlite_url, tmp_path, keys, seed):
    story = _told(
        sqlite_url, f"sqlite:///{tmp_path}/other.db", POLICIES["default"], seed, people=60, turns=8, keys=keys
    )

    assert min(story.plain, story.careful) > 15


@pytest.mark.parametrize("keys", [Keys("email"), Keys("email", ("phone",)), Keys(unique_fields=("email",))], ids=str)
@pytest.mark.parametrize("seed", [4, 6])
def test_it_gives_keys_in_the_order_of_the_stream(sqlite_url, tmp_path, keys, seed):
    mappings, policy = mappings_of(RULES), POLICIES["default"]
    urls = (sqlite_url, *(f"sqlite:///{tmp_path}/{name}.db" for name in ("careful", "in_order")))
    sides = [Side.make(url, policy, mappings, "salt", plain=place == 0, keys=keys) for place, url in enumerate(urls)]
    story = Story(Random(seed), sides, 30)
    try:
        for turn in range(8):
            story.happen()
            assert belongings(sides[0].rows()) == belongings(sides[2].rows()), f"turn {turn}"
    finally:
        for side in sides:
            side.close()

    assert min(story.plain, story.careful) > 15


def test_it_does_so_on_every_engine(database_url: t.Any, tmp_path):
    story = _told(database_url, f"sqlite:///{tmp_path}/other.db", POLICIES["default"], 2, people=60, turns=6)

    assert min(story.plain, story.careful) > 60


def _emitted(url: str, messages: t.Iterable[dict[str, t.Any] | bytes], folder: Path) -> list[t.Any]:
    """Run the target over a file of messages, as a process, and return the states that it passes on."""
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in messages]
    file = folder / "messages.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    with file.open("rb") as source:
        ended = subprocess.run(
            [sys.executable, "-m", "target_contactdb", "--config", "ENV"],
            env={**os.environ, "TARGET_CONTACTDB_SQLALCHEMY_URL": url, "TARGET_CONTACTDB_BATCH_SIZE_ROWS": "3"},
            stdin=source,
            stdout=subprocess.PIPE,
            check=True,
        )
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_states_of_an_input_that_never_pauses_come_with_the_end_and_say_the_latest(sqlite_url, tmp_path):
    states = [state("customers", f"2026-10-0{number}T00:00:00Z") for number in range(1, 5)]
    messages = [message for number, one in enumerate(states, start=1) for message in (customer(number), one)]

    emitted = _emitted(sqlite_url, [schema(), *messages], tmp_path)

    assert emitted == [states[-1]["value"]]
    assert query(sqlite_url, "SELECT count(*) FROM contacts") == [(4,)]


def test_a_record_that_is_no_object_is_rejected_and_the_rest_goes_on(sqlite_url):
    run(sqlite_url, [schema(), {"type": "RECORD", "stream": "customers", "record": 5}, customer(1)])

    assert query(sqlite_url, "SELECT key, reason FROM operation_records") == [(None, "the record is not an object")]
    assert query(sqlite_url, "SELECT user_code FROM contacts") == [("1",)]


@pytest.mark.parametrize("place", [b'"email": "\xff', b'"first_name": "\xff'])
def test_text_that_is_not_utf_8_ends_the_run_with_one_line_that_does_not_repeat_it(sqlite_url, tmp_path, place):
    line = json.dumps(customer(1, email="marked")).encode()
    line = line.replace(place.split(b'"')[0] + b'"' + place.split(b'"')[1] + b'": "', place, 1)
    file = tmp_path / "messages.jsonl"
    file.write_bytes(json.dumps(schema()).encode() + b"\n" + line + b"\n")

    with file.open() as source, pytest.raises(StreamError, match=r"^a record is not UTF-8$"):
        TargetContactDB(config={"sqlalchemy_url": sqlite_url}).listen(source)

    assert query(sqlite_url, "SELECT state, error FROM operations") == [("failed", "a record is not UTF-8")]


def test_stream_maps_change_records_before_they_are_imported(sqlite_url):
    maps = {"customers": {"first_name": "record['first_name'].upper()"}}
    run(sqlite_url, [schema(), customer(1), customer(2)], stream_maps=maps)

    assert query(sqlite_url, "SELECT user_code, first_name FROM contacts") == [("1", "NAME1"), ("2", "NAME2")]
