"""The consents import: the state table for everyone, and what a complete listing says of those who are missing."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import typing as t

import pytest

from target_contactdb.causes import DEFAULT_CAUSES
from target_contactdb.errors import StatusLimitError, StreamCutShort, StreamError
from tests.target.singer import CUSTOMER_PROPERTIES, SHOP, checkout, customer, execute, query, run, schema

STREAM = "customer_consents"
LATER = "2026-10-05T00:00:00Z"
FIELDS = (
    "id",
    "updated_at",
    *(
        f"{channel}_marketing_{name}"
        for channel in ("email", "sms")
        for name in ("state", "opt_in_level", "updated_at")
    ),
    "email",
    "phone",
)

STATUSES = "SELECT user_code, email_status, email_unsubscription_cause FROM contacts ORDER BY contact_id"
LOG = (
    "SELECT kind, state, records_read, unchanged, updated, discarded, unsubscribed, restored"
    " FROM operations ORDER BY operation_id"
)
GONE = "SELECT customer_id FROM contact_sources WHERE deleted_at IS NOT NULL ORDER BY customer_id"
DELETED = "Shopify - customer deleted"


def announced(shop: str = SHOP) -> dict[str, t.Any]:
    properties = {
        "shop": {"type": "string", "const": shop},
        **{name: CUSTOMER_PROPERTIES.get(name, {}) for name in FIELDS},
    }
    return {
        "type": "SCHEMA",
        "stream": STREAM,
        "key_properties": ["id"],
        "schema": {"type": "object", "properties": properties},
    }


def consent(number: int, **values: t.Any) -> dict[str, t.Any]:
    """A consents record that says what `customer` says."""
    record = customer(number, **values)["record"]
    return {
        "type": "RECORD",
        "stream": STREAM,
        "record": {name: record.get(name) for name in ("shop", *FIELDS)},
        "version": 1,
    }


def complete(began: dt.datetime | None = None) -> dict[str, t.Any]:
    """The end of a listing that began now, or then."""
    moment = began or dt.datetime.now(dt.UTC)
    return {"type": "ACTIVATE_VERSION", "stream": STREAM, "version": int(moment.timestamp() * 1000) + 1000}


def reconcile(url: str, *records: dict[str, t.Any], shop: str = SHOP, **options: t.Any) -> None:
    """A whole listing."""
    run(url, [announced(shop), *records, complete()], options=options)


def test_everyone_goes_through_the_state_table_and_no_field_is_touched(database_url):
    run(database_url, [schema(), customer(1), customer(2), customer(3, email_marketing_state="NOT_SUBSCRIBED")])
    reconcile(
        database_url,
        consent(1),
        consent(2, email_marketing_state="UNSUBSCRIBED", email_marketing_updated_at=LATER),
        consent(3, email_marketing_updated_at=LATER),
    )

    assert query(database_url, STATUSES) == [
        ("1", "subscribed", None),
        ("2", "unsubscribed", "Shopify - opted out"),
        ("3", "subscribed", None),
    ]
    assert query(database_url, LOG)[1:] == [("consents", "completed", 3, 1, 2, 0, 1, 1)]
    assert query(database_url, "SELECT first_name, email FROM contacts ORDER BY contact_id") == [
        (f"Name{number}", f"person{number}@example.com") for number in (1, 2, 3)
    ]


def test_the_customers_import_still_brings_the_fields_of_whom_the_listing_was_told_of_first(migrated_sqlite_url):
    run(migrated_sqlite_url, [schema(), customer(1)])
    changed = {"updated_at": LATER, "email_marketing_state": "UNSUBSCRIBED", "email_marketing_updated_at": LATER}
    reconcile(migrated_sqlite_url, consent(1, email="new@example.com", **changed))
    held = query(migrated_sqlite_url, "SELECT email, email_status FROM contacts")
    assert held == [("person1@example.com", "unsubscribed")]

    run(migrated_sqlite_url, [schema(), customer(1, email="new@example.com", first_name="New", **changed)])
    assert query(migrated_sqlite_url, "SELECT email, first_name, email_status FROM contacts") == [
        ("new@example.com", "New", "unsubscribed")
    ]


def test_the_record_before_the_listing_said_otherwise_is_asked_again_when_it_comes_back(migrated_sqlite_url):
    first = {"email_marketing_state": "UNSUBSCRIBED", "email_marketing_updated_at": None}
    run(migrated_sqlite_url, [schema(), customer(1, **first)])
    reconcile(migrated_sqlite_url, consent(1, email_marketing_updated_at="2030-01-01T00:00:00Z"))
    assert query(migrated_sqlite_url, STATUSES) == [("1", "subscribed", None)]

    run(migrated_sqlite_url, [schema(), customer(1, **first)])
    # The very same bytes: what Shopify says now is what counts, and an opt-out without a time counts from first sight.
    ((_code, status, _cause),) = query(migrated_sqlite_url, STATUSES)
    assert status == "unsubscribed"


def test_an_older_consents_record_changes_nothing(migrated_sqlite_url):
    run(migrated_sqlite_url, [schema(), customer(1, updated_at=LATER)])
    reconcile(
        migrated_sqlite_url,
        consent(1, email_marketing_state="UNSUBSCRIBED", email_marketing_updated_at="2026-09-02T00:00:00Z"),
    )

    assert query(migrated_sqlite_url, STATUSES) == [("1", "subscribed", None)]
    assert query(migrated_sqlite_url, "SELECT superseded FROM operations WHERE kind = 'consents'") == [(1,)]


def test_a_customer_that_is_no_contact_stays_none_but_its_opt_out_and_its_erasure_count(database_url):
    run(database_url, [schema(), customer(1, email="shared@example.com")])
    reconcile(
        database_url,
        consent(1, email="shared@example.com"),
        consent(7),
        consent(8, email="shared@example.com", email_marketing_state="UNSUBSCRIBED", email_marketing_updated_at=LATER),
        consent(9, email_marketing_state="REDACTED"),
    )

    assert query(database_url, STATUSES) == [("1", "unsubscribed", "Shopify - opted out")]
    assert query(database_url, 'SELECT "key", outcome, reason FROM operation_records ORDER BY "key"') == [
        (number, "discarded", "not a contact: the customers import brings it") for number in ("7", "8")
    ]
    run(database_url, [schema(), customer(7), customer(9)])
    assert [code for code, *_ in query(database_url, STATUSES)] == ["1", "7"]


def test_whom_the_filters_keep_out_is_not_restored_by_the_listing(migrated_sqlite_url):
    options = {
        "import_filters": [{"field": "first_name", "op": "ne", "value": "Out"}],
        "unsubscribe_discarded": "filtered",
    }
    causes = {"unsubscription_causes": [*DEFAULT_CAUSES, "filtered"]}
    run(migrated_sqlite_url, [schema(), customer(1)], options=options, **causes)
    run(migrated_sqlite_url, [schema(), customer(1, updated_at=LATER, first_name="Out")], options=options, **causes)
    assert query(migrated_sqlite_url, STATUSES) == [("1", "unsubscribed", "filtered")]

    run(migrated_sqlite_url, [announced(), consent(1, updated_at=LATER), complete()], options=options, **causes)
    assert query(migrated_sqlite_url, STATUSES) == [("1", "unsubscribed", "filtered")]
    assert query(migrated_sqlite_url, LOG)[-1] == ("consents", "completed", 1, 1, 0, 0, 0, 0)


def test_who_is_gone_is_unsubscribed_once_and_the_evidence_says_why(database_url):
    run(database_url, [schema(), *(customer(number) for number in (1, 2, 3))])
    reconcile(database_url, consent(1), consent(3))

    assert query(database_url, STATUSES) == [
        ("1", "subscribed", None),
        ("2", "unsubscribed", DELETED),
        ("3", "subscribed", None),
    ]
    assert query(database_url, GONE) == [(2,)]
    ((kind, source, evidence),) = query(
        database_url, 'SELECT "change", source, evidence FROM status_changes WHERE operation_id = 2'
    )
    assert (kind, source) == ("unsubscribed", "import")
    assert evidence.startswith("no customer behind this contact exists: not among those that the shop listed at 20")
    assert query(database_url, "SELECT count(*) FROM listed_sources") == [(0,)]

    reconcile(database_url, consent(1), consent(3))
    assert query(database_url, LOG)[1:] == [
        ("consents", "completed", 2, 2, 0, 0, 1, 0),
        ("consents", "completed", 2, 2, 0, 0, 0, 0),
    ]


@pytest.mark.parametrize("stream", ["customers", STREAM])
def test_who_comes_back_is_there_again_and_the_state_table_restores_it(migrated_sqlite_url, stream):
    run(migrated_sqlite_url, [schema(), customer(1), customer(2)])
    reconcile(migrated_sqlite_url, consent(1))
    assert query(migrated_sqlite_url, GONE) == [(2,)]

    if stream == "customers":
        run(migrated_sqlite_url, [schema(), customer(2)])
    else:
        reconcile(migrated_sqlite_url, consent(1), consent(2))
    assert query(migrated_sqlite_url, GONE) == []
    assert query(migrated_sqlite_url, STATUSES) == [("1", "subscribed", None), ("2", "subscribed", None)]


def test_changed_options_do_not_restore_who_is_gone(migrated_sqlite_url):
    run(migrated_sqlite_url, [schema(), customer(1)])
    reconcile(migrated_sqlite_url)
    run(migrated_sqlite_url, [schema()], options={"resubscribe": "always"})

    assert query(migrated_sqlite_url, STATUSES) == [("1", "unsubscribed", DELETED)]


def test_only_contacts_that_an_import_made_and_nobody_subscribed_by_hand_are_let_go(database_url):
    run(database_url, [schema(), *(customer(number) for number in (1, 2, 3, 4))])
    execute(database_url, "UPDATE contact_sources SET owned = (1 = 0) WHERE customer_id = 1")
    execute(
        database_url,
        "UPDATE contacts SET email_status_source = 'person', email_opted_in_at = created_at WHERE user_code = '2'",
    )
    execute(
        database_url,
        "UPDATE contacts SET email_status = 'unsubscribed', email_unsubscription_cause = 'hard bounce'"
        " WHERE user_code = '3'",
    )
    reconcile(database_url)

    assert query(database_url, STATUSES) == [
        ("1", "subscribed", None),
        ("2", "subscribed", None),
        ("3", "unsubscribed", "hard bounce"),
        ("4", "unsubscribed", DELETED),
    ]


def test_a_contact_stays_as_long_as_one_of_its_customers_exists_in_any_shop(database_url):
    run(database_url, [schema(), customer(1), customer(2)])
    run(database_url, [schema(shop="shop-b.myshopify.com"), customer(11, email="b@example.com")])
    execute(
        database_url,
        "UPDATE contact_sources SET contact_id = (SELECT contact_id FROM contacts WHERE user_code = '1')"
        " WHERE customer_id = 11",
    )
    reconcile(database_url)
    assert query(database_url, STATUSES)[:2] == [("1", "subscribed", None), ("2", "unsubscribed", DELETED)]

    reconcile(database_url, shop="shop-b.myshopify.com")
    assert query(database_url, STATUSES)[:1] == [("1", "unsubscribed", DELETED)]


def test_with_the_address_as_key_a_listing_moves_no_source_and_links_none(database_url):
    keys = {"primary_key": "email"}
    run(database_url, [schema(), customer(1, email="a@example.com"), customer(2, email="a@example.com")], **keys)
    changed = {"email_marketing_state": "UNSUBSCRIBED", "email_marketing_updated_at": LATER}
    listed = (
        consent(1, email="b@example.com"),
        consent(2, email="a@example.com", **changed),
        consent(3, email="a@example.com"),
    )
    run(database_url, [announced(), *listed, complete()], **keys)

    assert query(database_url, "SELECT email, email_status FROM contacts") == [("a@example.com", "unsubscribed")]
    assert query(database_url, "SELECT customer_id FROM contact_sources ORDER BY customer_id") == [(1,), (2,)]
    run(database_url, [announced(), listed[0], complete()], **keys)
    assert query(database_url, GONE) == [(2,)]


def test_who_was_first_seen_after_the_listing_began_is_left_for_the_next(migrated_sqlite_url):
    began = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    run(migrated_sqlite_url, [schema(), customer(1)])
    run(migrated_sqlite_url, [announced(), complete(began)])

    assert query(migrated_sqlite_url, GONE) == []
    assert query(migrated_sqlite_url, STATUSES) == [("1", "subscribed", None)]


def test_a_version_that_is_a_counter_is_no_time_and_is_warned_about(migrated_sqlite_url, caplog):
    run(migrated_sqlite_url, [schema(), customer(1)])
    counted = {"type": "ACTIVATE_VERSION", "stream": STREAM, "version": 1}

    run(migrated_sqlite_url, [announced(), counted])

    assert query(migrated_sqlite_url, "SELECT email_status FROM contacts") == [("subscribed",)]
    line = "stream `customer_consents`: by the version of its ACTIVATE_VERSION message the listing began in 1970"
    assert line in caplog.text


def test_a_listing_that_is_not_complete_concludes_nothing_and_says_so(migrated_sqlite_url):
    run(migrated_sqlite_url, [schema(), customer(1), customer(2)])
    with pytest.raises(StreamCutShort):
        run(migrated_sqlite_url, [announced(), consent(1)])

    assert query(migrated_sqlite_url, GONE) == []
    assert query(migrated_sqlite_url, "SELECT state, error FROM operations WHERE kind = 'consents'") == [
        (
            "failed",
            "the extractor stopped before it had read stream `customer_consents` to the end: nothing is concluded about"
            " customers that are missing",
        )
    ]


def test_what_a_killed_listing_named_does_not_count_for_the_next(database_url):
    run(database_url, [schema(), customer(1), customer(2)])
    with subprocess.Popen(
        [sys.executable, "-m", "target_contactdb", "--config", "ENV"],
        env={**os.environ, "TARGET_CONTACTDB_SQLALCHEMY_URL": database_url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        state = {"type": "STATE", "value": {"bookmarks": {STREAM: {}}}}
        process.stdin.write(
            "".join(f"{json.dumps(message)}\n" for message in (announced(), consent(1), consent(2), state))
        )
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert query(database_url, "SELECT count(*) FROM listed_sources") == [(2,)]
    reconcile(database_url, consent(1))

    assert query(database_url, GONE) == [(2,)]
    assert query(database_url, LOG)[1:] == [
        ("consents", "interrupted", 2, 2, 0, 0, 0, 0),
        ("consents", "completed", 1, 1, 0, 0, 1, 0),
    ]


def test_an_import_that_is_switched_off_concludes_nothing(migrated_sqlite_url):
    run(migrated_sqlite_url, [schema(), customer(1)])
    run(migrated_sqlite_url, [announced(), complete()], enable_import=False)

    assert query(migrated_sqlite_url, GONE) == []
    assert query(migrated_sqlite_url, LOG)[1:] == [("consents", "paused", 0, 0, 0, 0, 0, 0)]


@pytest.mark.parametrize("stream", ["customers", "abandoned_checkouts"])
def test_a_complete_listing_of_another_stream_concludes_nothing(migrated_sqlite_url, stream):
    run(migrated_sqlite_url, [schema(), customer(1), schema("abandoned_checkouts"), checkout(1, 1)])
    run(migrated_sqlite_url, [schema(stream), {**complete(), "stream": stream}])

    assert query(migrated_sqlite_url, GONE) == []
    assert query(migrated_sqlite_url, "SELECT count(*) FROM checkouts") == [(1,)]


def test_without_the_option_the_gone_are_marked_and_stay_subscribed_until_it_is_set(migrated_sqlite_url):
    run(migrated_sqlite_url, [schema(), customer(1)])
    reconcile(migrated_sqlite_url, unsubscribe_deleted=None)
    assert query(migrated_sqlite_url, GONE) == [(1,)]
    assert query(migrated_sqlite_url, STATUSES) == [("1", "subscribed", None)]

    reconcile(migrated_sqlite_url)
    assert query(migrated_sqlite_url, STATUSES) == [("1", "unsubscribed", DELETED)]


def test_an_emptied_shop_unsubscribes_nobody_before_a_person_has_looked(migrated_sqlite_url):
    run(migrated_sqlite_url, [schema(), *(customer(number) for number in (1, 2, 3))])
    with pytest.raises(StatusLimitError):
        reconcile(migrated_sqlite_url, max_status_changes=2)

    assert query(migrated_sqlite_url, GONE) == []
    assert [status for _code, status, _cause in query(migrated_sqlite_url, STATUSES)] == ["subscribed"] * 3
    assert query(migrated_sqlite_url, LOG)[-1] == ("consents", "stopped", 0, 0, 0, 0, 0, 0)
    with pytest.raises(StatusLimitError):
        reconcile(migrated_sqlite_url, consent(1), consent(2), consent(3), max_status_changes=2)


def test_a_rejected_record_is_no_proof_of_absence_and_one_without_an_id_none_at_all(migrated_sqlite_url):
    run(migrated_sqlite_url, [schema(), customer(1), customer(2)])
    reconcile(migrated_sqlite_url, consent(1), consent(2, updated_at="soon"))
    assert query(migrated_sqlite_url, GONE) == []

    nameless = consent(2)
    del nameless["record"]["id"]
    with pytest.raises(StreamError, match="a record has no `id`, so nothing is concluded"):
        reconcile(migrated_sqlite_url, consent(1), nameless)
    assert query(migrated_sqlite_url, GONE) == []
