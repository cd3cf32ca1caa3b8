"""The limit of status changes in imports: a batch that would change too many waits, and opt-outs never do."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from target_contactdb.admin.cli import main
from target_contactdb.causes import DEFAULT_CAUSES
from target_contactdb.errors import ConfigError, StatusLimitError
from target_contactdb.target import TargetContactDB
from tests.target.singer import SHOP, checkout, customer, query, run, schema, state

STATUSES = "SELECT user_code, first_name, email_status, email_unsubscription_cause FROM contacts ORDER BY user_code"
OPERATION = "SELECT state, records_read, unsubscribed, erased, error FROM operations ORDER BY operation_id DESC LIMIT 1"
COUNTED = "SELECT status_changes_counted, status_changes_held FROM database_state"
NEVER = {"email_marketing_state": "NOT_SUBSCRIBED", "email_marketing_updated_at": None}
NO = {"email_marketing_state": "UNSUBSCRIBED", "email_marketing_updated_at": "2026-10-01T00:00:00Z"}
OPTED_OUT = ("unsubscribed", "Shopify - opted out")
NO_CONSENT = ("unsubscribed", "Shopify - no marketing consent")
SUBSCRIBED = ("subscribed", None)


def changed(number, day=2, **values):
    return customer(number, **{"updated_at": f"2026-10-{day:02}T00:00:00Z", "first_name": "New", **values})


def take_in(url, *messages, limit=1, **config):
    run(url, [schema(), *messages], options={"max_status_changes": limit}, **config)


def command(url, *arguments):
    result = CliRunner(env={"COLUMNS": "400"}).invoke(main, ["--sqlalchemy-url", url, *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def accept(url, *arguments):
    return command(url, "accept", *arguments)


def warnings(url):
    return json.loads(command(url, "status", "--format", "json"))["warnings"]


def statuses(url):
    return {row[0]: row[2:] for row in query(url, STATUSES)}


def test_a_batch_beyond_the_limit_is_rolled_back_and_waits_until_a_person_accepts(database_url):
    take_in(database_url, *map(customer, (1, 2, 3)))
    batch = [changed(1, **NEVER), changed(2, **NEVER), changed(3), changed(4)]

    with pytest.raises(StatusLimitError) as caught:
        take_in(database_url, *batch)

    told = (
        "this batch would change 2 statuses (2 unsubscribed: `Shopify - no marketing consent`), more than the 1 that"
        " the option `max_status_changes` allows: of it only opt-outs and erasures are taken in. Look at"
        " `contactdb status`, then let it go on with `contactdb accept`; raising `max_status_changes` alone does not"
    )
    assert str(caught.value) == told
    assert query(database_url, STATUSES) == [(str(one), f"Name{one}", *SUBSCRIBED) for one in (1, 2, 3)]
    assert query(database_url, OPERATION) == [("stopped", 0, 0, 0, told)]
    assert query(database_url, COUNTED) == [(0, 2)]

    with pytest.raises(StatusLimitError, match=r"it would have changed 2 statuses\. Look .* `contactdb accept`"):
        take_in(database_url, changed(3), limit=500)
    assert query(database_url, "SELECT COUNT(*) FROM operations") == [(2,)]

    accept(database_url)
    take_in(database_url, *batch)
    assert statuses(database_url) == {"1": NO_CONSENT, "2": NO_CONSENT, "3": SUBSCRIBED, "4": SUBSCRIBED}
    assert {row[1] for row in query(database_url, STATUSES)} == {"New"}
    # What was accepted is used up: the limit counts again.
    assert query(database_url, COUNTED) == [(0, None)]


def test_opt_outs_and_erasures_of_a_batch_that_waits_are_written(database_url):
    take_in(database_url, *map(customer, (1, 2, 3, 4, 5)))
    batch = [
        changed(1, **NEVER),
        changed(2, **NEVER),
        changed(3, **NO),
        changed(4, email_marketing_state="REDACTED"),
        # Not a contact yet: it stays none, and the address is closed for everyone.
        changed(6, email="person5@example.com", **NO),
    ]
    with pytest.raises(StatusLimitError):
        take_in(database_url, *batch)

    kept = {"1": SUBSCRIBED, "2": SUBSCRIBED, "3": OPTED_OUT, "5": OPTED_OUT}
    assert statuses(database_url) == kept
    assert {row[1] for row in query(database_url, STATUSES)} == {"Name1", "Name2", "Name3", "Name5"}
    assert query(database_url, OPERATION)[0][:4] == ("stopped", 1, 2, 1)
    assert query(database_url, "SELECT COUNT(*) FROM tombstones WHERE kind = 'source'") == [(1,)]

    accept(database_url)
    take_in(database_url, *batch)
    assert statuses(database_url) == {**kept, "1": NO_CONSENT, "2": NO_CONSENT, "6": OPTED_OUT}
    assert {row[1] for row in query(database_url, STATUSES)} == {"New", "Name5"}


def test_an_opt_out_by_one_channel_takes_nothing_else_of_its_record_along(database_url):
    by_phone = {"phone": "+49301234567", "sms_marketing_state": "SUBSCRIBED"}
    take_in(database_url, *(customer(one, **{**by_phone, "phone": f"+4930{one}"}) for one in (1, 2)))
    never = {"sms_marketing_state": "NOT_SUBSCRIBED"}

    with pytest.raises(StatusLimitError):
        take_in(database_url, *(changed(one, phone=f"+4930{one}", **never, **NO) for one in (1, 2)))

    assert query(database_url, "SELECT email_status, sms_status FROM contacts") == [("unsubscribed", "subscribed")] * 2


def test_a_first_load_explicit_opt_outs_and_new_addresses_count_for_nothing(database_url):
    take_in(database_url, customer(1), customer(2, **NEVER), customer(3, **NO), customer(4, email=None), limit=0)
    take_in(database_url, changed(1, **NO), changed(4, **NEVER), limit=0)

    assert query(database_url, COUNTED) == [(0, None)]


def test_changes_are_counted_over_runs(database_url):
    take_in(database_url, *map(customer, (1, 2, 3)), limit=2)
    take_in(database_url, changed(1, **NEVER), limit=2)
    take_in(database_url, changed(1, 3), changed(2), limit=2)
    assert query(database_url, COUNTED) == [(2, None)]

    with pytest.raises(StatusLimitError):
        take_in(database_url, changed(3, **NEVER), limit=2)


def test_what_is_accepted_beforehand_goes_through(database_url):
    take_in(database_url, *map(customer, (1, 2, 3)))
    accept(database_url, "--changes", "2")
    take_in(database_url, changed(1, **NEVER), changed(2, **NEVER), changed(3, **NEVER))

    assert query(database_url, COUNTED) == [(1, None)]


def test_a_stop_says_what_would_change_and_what_was_counted_or_accepted_before(sqlite_url):
    take_in(sqlite_url, *map(customer, range(1, 6)), limit=2)
    take_in(sqlite_url, changed(1, **NEVER), changed(2, **NEVER), limit=2)
    batch = [changed(1, 3), changed(3, **NEVER), changed(4, **NEVER), changed(5, **NEVER)]
    would = r"change 4 statuses \(3 unsubscribed: `Shopify - no marketing consent`; 1 restored\)"

    with pytest.raises(StatusLimitError, match=rf"{would}, 2 were counted before it, more than the 2 that the option"):
        take_in(sqlite_url, *batch, limit=2)
    accept(sqlite_url, "--changes", "1")

    beforehand = r"more than the 2 that the option `max_status_changes` allows and the 1 accepted beforehand"
    with pytest.raises(StatusLimitError, match=rf"{would}, {beforehand}"):
        take_in(sqlite_url, *batch, limit=2)


def test_accepting_fewer_than_wait_says_how_many_are_missing(sqlite_url):
    take_in(sqlite_url, *map(customer, range(1, 7)))
    batch = [changed(number, **NEVER) for number in range(1, 7)]
    with pytest.raises(StatusLimitError):
        take_in(sqlite_url, *batch)

    told = accept(sqlite_url, "--changes", "2")

    assert "may go on" not in told
    assert told.startswith("That is not enough for the import that was stopped ")
    assert "it would change 6, and 4 are missing. Unless" in told
    assert "`contactdb accept --changes 6`" in told
    with pytest.raises(StatusLimitError):
        take_in(sqlite_url, *batch)
    assert "may go on: run it again" in accept(sqlite_url, "--changes", "6")
    take_in(sqlite_url, *batch)
    assert set(statuses(sqlite_url).values()) == {NO_CONSENT}


def test_the_status_after_a_stop_names_how_to_let_it_go_on(sqlite_url):
    take_in(sqlite_url, *map(customer, (1, 2)))
    with pytest.raises(StatusLimitError):
        take_in(sqlite_url, changed(1, **NEVER), changed(2, **NEVER))
    stopped = f"{SHOP}: the last import of customers (operation 2) was stopped by its limit of status changes"

    what = "`contactdb log --operation 2` says what it would change"
    assert warnings(sqlite_url)[0] == f"{stopped}: {what}, `contactdb accept` lets it go on"
    assert "(2 unsubscribed: `Shopify - no marketing consent`)" in command(sqlite_url, "log", "--operation", "2")
    accept(sqlite_url)
    assert warnings(sqlite_url)[0] == f"{stopped}; nothing holds it back any more: run it again"


def test_changed_options_are_decided_through_the_same_limit(database_url):
    never = [customer(one, **NEVER) for one in (1, 2)]
    run(database_url, [schema(), *never], options={"unsubscribe_no_consent": None, "max_status_changes": 1})

    with pytest.raises(StatusLimitError):
        take_in(database_url, *never)
    assert statuses(database_url) == {"1": SUBSCRIBED, "2": SUBSCRIBED}
    assert query(database_url, OPERATION)[0][:3] == ("stopped", 0, 0)

    accept(database_url)
    take_in(database_url)
    assert statuses(database_url) == {"1": NO_CONSENT, "2": NO_CONSENT}


def test_options_that_are_set_back_let_the_next_import_try_again(database_url):
    no_flag, flag = ({"options": {**one, "max_status_changes": 1}} for one in ({"unsubscribe_no_consent": None}, {}))
    people = [customer(number, **NEVER) for number in (1, 2, 3)]
    run(database_url, [schema(), *people], **no_flag)
    for _attempt in range(2):
        with pytest.raises(StatusLimitError):
            run(database_url, [schema()], **flag)

    run(database_url, [schema(), customer(4)], **no_flag)

    assert set(statuses(database_url).values()) == {SUBSCRIBED}
    assert query(database_url, COUNTED) == [(0, None)]
    with pytest.raises(StatusLimitError):
        run(database_url, [schema()], **flag)
    assert query(database_url, COUNTED) == [(0, 3)]


def test_other_options_that_change_too_many_as_well_are_stopped_as_well(database_url):
    take_in(database_url, *map(customer, (1, 2, 3)))
    with pytest.raises(StatusLimitError):
        take_in(database_url, changed(1, **NEVER), changed(2, **NEVER))

    with pytest.raises(StatusLimitError, match="this batch would change 2 statuses"):
        run(
            database_url,
            [schema(), changed(1, **NEVER), changed(2, **NEVER)],
            options={"max_status_changes": 1, "resubscribe": "never"},
        )

    assert set(statuses(database_url).values()) == {SUBSCRIBED}


def test_a_dry_run_with_other_options_lets_nothing_go_on(database_url):
    take_in(database_url, *map(customer, (1, 2, 3)))
    with pytest.raises(StatusLimitError):
        take_in(database_url, changed(1, **NEVER), changed(2, **NEVER))

    run(database_url, [schema()], options={"max_status_changes": 1, "resubscribe": "never"}, dry_run=True)

    assert query(database_url, COUNTED) == [(0, 2)]


def test_the_settings_of_another_shop_do_not_let_a_batch_go_on(database_url):
    take_in(database_url, *map(customer, (1, 2, 3)))
    with pytest.raises(StatusLimitError):
        take_in(database_url, changed(1, **NEVER), changed(2, **NEVER))

    with pytest.raises(StatusLimitError, match="an import was stopped by its limit"):
        run(database_url, [schema(shop="shop-b.myshopify.com")], options={"resubscribe": "never"})

    assert query(database_url, COUNTED) == [(0, 2)]


def test_what_was_accepted_beforehand_is_not_taken_back_by_accepting_again(sqlite_url):
    take_in(sqlite_url, *map(customer, (1, 2, 3)))
    accept(sqlite_url, "--changes", "5")

    accept(sqlite_url)

    assert query(sqlite_url, COUNTED) == [(-5, None)]


def test_a_failed_filter_counts(database_url):
    take_in(database_url, customer(1), customer(2))
    options = {
        "import_filters": [{"field": "first_name", "op": "ne", "value": "New"}],
        "unsubscribe_discarded": "gone",
        "max_status_changes": 1,
    }
    with pytest.raises(StatusLimitError):
        run(
            database_url,
            [schema(), changed(1), changed(2)],
            options=options,
            unsubscription_causes=[*DEFAULT_CAUSES, "gone"],
        )
    assert statuses(database_url) == {"1": SUBSCRIBED, "2": SUBSCRIBED}


def test_a_run_that_is_stopped_exits_with_an_error_and_passes_on_no_bookmark_behind_the_batch(sqlite_url):
    first, later = (state("customers", f"2026-10-0{day}T00:00:00Z") for day in (1, 2))
    take_in(sqlite_url, customer(1), customer(2))
    messages = [first, schema(), changed(1, **NEVER), changed(2, **NEVER), later]
    messages += [schema("abandoned_checkouts"), checkout(1, 1)]
    environment = {
        **os.environ,
        "TARGET_CONTACTDB_SQLALCHEMY_URL": sqlite_url,
        "TARGET_CONTACTDB_OPTIONS": json.dumps({"max_status_changes": 1}),
    }
    result = subprocess.run(
        [sys.executable, "-m", "target_contactdb", "--config", "ENV"],
        input="".join(f"{json.dumps(one)}\n" for one in messages),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    assert [json.loads(line) for line in result.stdout.splitlines()] == [first["value"]]
    assert "`contactdb accept`" in result.stderr
    assert query(sqlite_url, "SELECT COUNT(*) FROM checkouts") == [(0,)]


@pytest.mark.parametrize("value", ["many", "5 percent", -1])
def test_a_limit_that_is_none_is_refused_before_anything_is_written(sqlite_url, value):
    with pytest.raises(ConfigError, match="option `max_status_changes` is neither a whole number such as 500"):
        take_in(sqlite_url, limit=value)


_WORDS = st.sampled_from(["SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED", "PENDING", "REDACTED"])
_BATCHES = st.lists(st.dictionaries(st.integers(1, 5), _WORDS, min_size=1), min_size=1, max_size=4)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=_BATCHES, limit=st.integers(0, 2))
def test_no_opt_out_waits_and_no_more_than_the_limit_is_changed_without_a_person(
    tmp_path_factory, migrated_file, batches, limit
):
    """Whatever comes: once read, an opt-out holds, an erased person is gone, and the rest stays within the limit."""
    file = tmp_path_factory.mktemp("limit") / "contacts.db"
    file.write_bytes(migrated_file.read_bytes())
    url = f"sqlite:///{file}"
    take_in(url, *(customer(one) for one in range(1, 6)))
    erased: set[int] = set()
    for day, batch in enumerate(batches, start=2):
        before = statuses(url)
        at = f"2026-10-{day:02}T00:00:00Z"
        messages = [
            changed(one, day, email_marketing_state=said, email_marketing_updated_at=at) for one, said in batch.items()
        ]
        target = TargetContactDB(config={"sqlalchemy_url": url, "options": {"max_status_changes": limit}})
        try:
            target.listen(io.StringIO("".join(f"{json.dumps(one)}\n" for one in [schema(), *messages])))
            stopped = False
        except StatusLimitError:
            stopped = True
        after = statuses(url)
        erased |= {one for one, said in batch.items() if said == "REDACTED"}
        assert not erased & {int(code) for code in after}
        said_no = {str(one) for one, said in batch.items() if said == "UNSUBSCRIBED" and one not in erased}
        assert all(after[code][0] == "unsubscribed" for code in said_no)
        others = {code for code in after if after[code] != before[code]} - said_no
        if stopped:
            assert not others
            accept(url, "--changes", "0")
        else:
            assert len(others) <= limit
