"""Import filters in imports: who is discarded, and what of a discarded record counts all the same."""

from __future__ import annotations

import json
import logging

import pytest

from target_contactdb.causes import DEFAULT_CAUSES
from target_contactdb.errors import ConfigError, StateError
from tests.target.singer import CUSTOMER_PROPERTIES, customer, execute, query, refuse_writes, run, schema, state

VIP = {"field": "tags", "op": "contains", "value": "vip"}
GONE = "no longer wanted"
CAUSES = [*DEFAULT_CAUSES, GONE]
STATUSES = "SELECT user_code, first_name, email_status, email_unsubscription_cause FROM contacts ORDER BY user_code"
COUNTS = """
SELECT records_read, inserted, updated, unchanged, discarded, rejected, superseded, suppressed, erased, unsubscribed,
restored FROM operations ORDER BY operation_id
"""
KEPT = 'SELECT "key", outcome, reason, record FROM operation_records ORDER BY record_id'
NEVER = {"email_marketing_state": "NOT_SUBSCRIBED", "email_marketing_updated_at": None}
NO = {"email_marketing_state": "UNSUBSCRIBED", "email_marketing_updated_at": "2026-10-01T00:00:00Z"}


def vip(number, day=1, **values):
    return customer(number, **{"tags": ["vip"], "updated_at": f"2026-10-{day:02}T00:00:00Z", **values})


def plain(number, day=1, **values):
    return vip(number, day, **{"tags": ["new"], **values})


def take_in(url, *messages, causes=CAUSES, filters=(VIP,), cause=None, mappings=(), **options):
    options = {"import_filters": list(filters), "unsubscribe_discarded": cause, **options}
    run(url, [schema(), *messages], options=options, unsubscription_causes=causes, mappings=list(mappings))


def last_counts(url):
    names = COUNTS.split("SELECT ")[1].split(" FROM")[0].replace("\n", " ").split(", ")
    found = dict(zip(names, query(url, COUNTS)[-1], strict=True))
    return {name: number for name, number in found.items() if number}


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_who_fails_a_filter_is_discarded_and_the_log_keeps_the_reason_and_no_value(database_url):
    take_in(database_url, vip(1), plain(2), vip(3), filters=[{"field": "email", "op": "is_set"}, VIP])

    assert [row[0] for row in query(database_url, STATUSES)] == ["1", "3"]
    assert last_counts(database_url) == {"records_read": 3, "inserted": 2, "discarded": 1}
    assert query(database_url, KEPT) == [("2", "discarded", "import filter 2 (`tags`)", None)]


def test_records_that_pass_are_taken_in_again_without_a_write(database_url):
    take_in(database_url, vip(1), plain(2))
    refuse_writes(database_url, "contacts", "contact_sources", "status_changes", "suppressions")

    take_in(database_url, vip(1), plain(2))

    assert last_counts(database_url) == {"records_read": 2, "unchanged": 1, "discarded": 1}


def test_a_discarded_contact_is_left_as_it_is_and_told_again_costs_no_write(database_url, caplog):
    take_in(database_url, vip(1))
    change = plain(1, 2, first_name="Other")
    caplog.clear()
    take_in(database_url, change, customer(1, tags=["new"], updated_at="2026-10-03T00:00:00Z"))
    assert warnings(caplog) == [
        "option `import_filters` without `unsubscribe_discarded`: contacts who stop matching stay as they are"
    ]
    refuse_writes(database_url, "contacts", "contact_sources", "status_changes", "suppressions")
    take_in(database_url, customer(1, tags=["new"], updated_at="2026-10-03T00:00:00Z"))

    assert query(database_url, STATUSES) == [("1", "Name1", "subscribed", None)]


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        ("UNSUBSCRIBED", "Shopify - opted out"),
        ("PENDING", "Shopify - awaiting confirmation"),
        ("INVALID", "invalid address"),
        ("NOT_SUBSCRIBED", None),
        ("SUBSCRIBED", None),
    ],
)
@pytest.mark.parametrize("bad", [{"tags": ["new"]}, {"orders_count": "many"}], ids=["discarded", "rejected"])
def test_a_contact_that_is_not_taken_in_follows_what_restricts_and_nothing_else(sqlite_url, state, cause, bad):
    take_in(sqlite_url, vip(1))
    take_in(sqlite_url, vip(1, 2, first_name="Other", email_marketing_state=state, **bad))

    status = "subscribed" if cause is None else "unsubscribed"
    assert query(sqlite_url, STATUSES) == [("1", "Name1", status, cause)]


@pytest.mark.parametrize("bad", [{"tags": ["new"]}, {"orders_count": "many"}], ids=["discarded", "rejected"])
def test_an_opt_out_and_an_erasure_count_though_the_record_is_not_taken_in(database_url, bad):
    take_in(database_url, vip(1), vip(2), vip(3, email="shared@example.com"))
    take_in(
        database_url,
        vip(1, 2, **NO, **bad),
        vip(2, 2, email_marketing_state="REDACTED", **bad),
        # Nobody knows these two: one closes the address of a contact, the other must never come in.
        vip(4, email="shared@example.com", **NO, **bad),
        vip(5, email_marketing_state="REDACTED", **bad),
    )

    opted_out = "Shopify - opted out"
    assert query(database_url, STATUSES) == [
        ("1", "Name1", "unsubscribed", opted_out),
        ("3", "Name3", "unsubscribed", opted_out),
    ]
    outcome = "discarded" if "tags" in bad else "rejected"
    counted = {"records_read": 4, outcome: 2, "suppressed": 1, "erased": 1, "unsubscribed": 2}
    assert last_counts(database_url) == counted
    assert [row[:2] for row in query(database_url, KEPT)] == [("1", outcome), ("4", outcome)]
    assert query(database_url, "SELECT kind, COUNT(*) FROM tombstones GROUP BY kind ORDER BY kind") == [
        ("email", 2),
        ("source", 2),
    ]
    take_in(database_url, vip(2, 3), vip(5, 3))
    assert last_counts(database_url) == {"records_read": 2, "suppressed": 2}


def test_an_opt_out_without_a_time_counts_from_its_first_sight_also_of_a_customer_who_is_kept_out(database_url):
    no = {"email_marketing_state": "UNSUBSCRIBED", "email_marketing_updated_at": None}
    take_in(database_url, plain(1, **no))
    first = query(database_url, "SELECT at, lifted_at FROM suppressions")
    take_in(database_url, plain(1, **no))

    assert query(database_url, "SELECT at, lifted_at FROM suppressions") == first
    assert first[0][1] is None


def test_an_opt_out_counts_though_its_time_cannot_be_read(database_url):
    take_in(database_url, vip(1))
    take_in(database_url, vip(1, 2, email_marketing_state="UNSUBSCRIBED", email_marketing_updated_at="yesterday"))

    assert query(database_url, STATUSES) == [("1", "Name1", "unsubscribed", "Shopify - opted out")]
    assert query(database_url, "SELECT outcome, reason FROM operation_records") == [
        ("rejected", "field `email_marketing_updated_at` is not an ISO 8601 time")
    ]


def test_an_older_record_does_not_undo_a_discarded_one(database_url):
    take_in(database_url, vip(1))
    take_in(database_url, plain(1, 3, **NO))
    take_in(database_url, vip(1, 2))

    assert query(database_url, STATUSES) == [("1", "Name1", "unsubscribed", "Shopify - opted out")]
    assert last_counts(database_url) == {"records_read": 1, "superseded": 1}


def test_a_contact_that_fails_the_filters_is_unsubscribed_and_restored_once_it_passes_again(database_url):
    take_in(database_url, vip(1), cause=GONE)
    take_in(database_url, plain(1, 2, first_name="Other"), cause=GONE)
    assert query(database_url, STATUSES) == [("1", "Name1", "unsubscribed", GONE)]
    assert query(database_url, "SELECT COUNT(*) FROM suppressions") == [(0,)]
    assert last_counts(database_url) == {"records_read": 1, "discarded": 1, "unsubscribed": 1}

    # The very record of the beginning, but for its age: its fields and its status come back.
    take_in(database_url, vip(1, 3), cause=GONE)
    assert query(database_url, STATUSES) == [("1", "Name1", "subscribed", None)]
    assert last_counts(database_url) == {"records_read": 1, "updated": 1, "restored": 1}
    assert query(database_url, 'SELECT "change", cause, evidence FROM status_changes ORDER BY change_id')[1:] == [
        ("unsubscribed", GONE, "discarded by import filter 1 (`tags`)"),
        (
            "restored",
            None,
            "Shopify said SUBSCRIBED (2026-09-01T00:00:00Z); contact unsubscribed by an import: restore, unless an"
            " opt-out is known for the address that is not older than this consent (under `never`: nor where an"
            " UNSUBSCRIBED of Shopify's was the reason)",
        ),
    ]


def test_an_opt_out_meanwhile_is_not_undone_by_passing_again(database_url):
    take_in(database_url, vip(1), cause=GONE)
    take_in(database_url, plain(1, 2), cause=GONE)
    take_in(database_url, plain(1, 3, **NO), cause=GONE)
    take_in(database_url, vip(1, 4), cause=GONE)

    assert query(database_url, STATUSES) == [("1", "Name1", "unsubscribed", "Shopify - opted out")]


def test_a_local_opt_in_outlives_a_failed_filter(database_url):
    take_in(database_url, vip(1, **NO), cause=GONE)
    execute(database_url, "UPDATE contacts SET email_status = 'subscribed', email_unsubscription_cause = NULL")
    take_in(database_url, plain(1, 2, **NO), cause=GONE)

    assert query(database_url, STATUSES) == [("1", "Name1", "subscribed", None)]


def test_a_contact_that_no_import_made_is_not_unsubscribed_by_a_filter(database_url):
    run(database_url, [schema()])
    execute(
        database_url,
        "INSERT INTO contacts (user_code, email, email_status, email_status_source, sms_status, created_at, updated_at)"
        " VALUES ('1', 'person1@example.com', 'subscribed', 'import', 'none', '2026-01-01', '2026-01-01')",
    )
    take_in(database_url, plain(1), cause=GONE)

    assert query(database_url, STATUSES) == [("1", None, "subscribed", None)]


def test_a_record_that_lacks_what_a_filter_reads_is_rejected_and_its_opt_out_counts(database_url):
    take_in(database_url, vip(1))
    partial = vip(1, 2, **NO)
    del partial["record"]["tags"]
    take_in(database_url, partial)

    assert query(database_url, STATUSES) == [("1", "Name1", "unsubscribed", "Shopify - opted out")]
    assert [row[1:3] for row in query(database_url, KEPT)] == [
        ("rejected", "import filter 1 (`tags`) cannot be judged: the record does not carry field `tags`")
    ]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"unsubscribe_discarded": "never heard of"},
            "setting `unsubscription_causes` lacks `never heard of`, which options.unsubscribe_discarded names",
        ),
        (
            {"unsubscribe_discarded": "hard bounce"},
            "setting `options.unsubscribe_discarded` names `hard bounce`, which stands for an opt-out or a protected"
            " cause: name a cause of its own",
        ),
        (
            {"import_filters": [{"field": "tagz", "op": "is_set"}]},
            "setting `options.import_filters`, entry 1, field `tagz`, op `is_set`: unknown field `tagz`; did you mean"
            " `tag`?",
        ),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_written(sqlite_url, options, problem):
    with pytest.raises(ConfigError) as caught:
        run(sqlite_url, [schema(), vip(1)], options=options)

    assert caught.value.problems == [problem]
    assert query(sqlite_url, "SELECT name FROM sqlite_master") == []


# A changed filter


def since(value="2026-10-01T00:00:00Z"):
    return state("customers", value)


def test_a_changed_filter_is_asked_of_every_contact_from_what_is_stored(database_url):
    take_in(database_url, vip(1), vip(2, tags=["vip", "big"]), filters=[], cause=GONE)
    big = {"field": "tags", "op": "contains", "value": "big"}

    run(
        database_url,
        [since(), schema()],
        options={"import_filters": [big], "unsubscribe_discarded": GONE},
        unsubscription_causes=CAUSES,
    )
    assert query(database_url, STATUSES) == [
        ("1", "Name1", "unsubscribed", GONE),
        ("2", "Name2", "subscribed", None),
    ]
    assert last_counts(database_url) == {"unsubscribed": 1}

    take_in(database_url, filters=[], cause=GONE)
    assert [row[2] for row in query(database_url, STATUSES)] == ["subscribed", "subscribed"]
    # Its record comes again as it was: what it brings is written, and the status stays.
    take_in(database_url, vip(1), filters=[], cause=GONE)
    assert [row[2] for row in query(database_url, STATUSES)] == ["subscribed", "subscribed"]


def test_another_option_does_not_let_in_who_fails_the_same_filter(database_url):
    take_in(database_url, vip(1), cause=GONE)
    take_in(database_url, plain(1, 2), cause=GONE)

    take_in(database_url, cause=GONE, resubscribe="always")

    assert query(database_url, STATUSES) == [("1", "Name1", "unsubscribed", GONE)]


def test_a_cause_that_is_set_later_unsubscribes_who_failed_the_filter_before(database_url):
    take_in(database_url, vip(1), vip(2))
    take_in(database_url, plain(1, 2))
    take_in(database_url, cause=GONE)

    assert [row[2:] for row in query(database_url, STATUSES)] == [("unsubscribed", GONE), ("subscribed", None)]


def test_a_new_filter_on_what_is_not_stored_stops_and_asks_for_a_full_refresh(database_url):
    mappings = [{"source": "email", "field": "email"}, {"source": "first_name", "field": "first_name"}]
    take_in(database_url, vip(1), plain(2), filters=[], mappings=mappings)
    options = {"import_filters": [VIP], "unsubscribe_discarded": GONE}
    config = {"options": options, "unsubscription_causes": CAUSES, "mappings": mappings}
    before = query(database_url, COUNTS)

    with pytest.raises(StateError) as caught:
        run(database_url, [since(), schema(), plain(1, 2)], **config)

    assert str(caught.value) == (
        "stream `customers` of shop shop-a.myshopify.com: the new `import_filters` read `tags`, which the contact"
        " database does not hold unchanged: run once with --full-refresh"
    )
    assert query(database_url, COUNTS) == before
    run(database_url, [state("customers", None), schema(), vip(1), plain(2)], **config)
    assert [row[2:] for row in query(database_url, STATUSES)] == [("subscribed", None), ("unsubscribed", GONE)]
    # It is known now: the next increment goes on.
    run(database_url, [since(), schema(), vip(2, 2)], **config)
    assert [row[2] for row in query(database_url, STATUSES)] == ["subscribed", "subscribed"]


def test_a_new_mapping_of_what_is_not_stored_stops_and_asks_for_a_full_refresh(database_url):
    mapped = [{"source": name, "field": name} for name in ("email", "phone")]
    run(database_url, [schema(), customer(1)], mappings=mapped)
    more = [*mapped, {"source": "first_name", "field": "first_name"}]

    with pytest.raises(
        StateError, match=r"the new `mappings` \(`first_name` to `first_name`\) read what .* not stored"
    ):
        run(database_url, [since(), schema(), customer(1)], mappings=more)
    assert query(database_url, "SELECT COUNT(*) FROM operations") == [(1,)]

    run(database_url, [state("customers", None), schema(), customer(1)], mappings=more)
    assert query(database_url, "SELECT first_name FROM contacts") == [("Name1",)]
    run(database_url, [since(), schema(), customer(1)], mappings=more)


def test_a_full_refresh_that_begins_at_a_start_date_is_one(sqlite_url):
    begin = since("2026-01-01T00:00:00Z")
    mapped = [{"source": name, "field": name} for name in ("email", "phone")]
    run(sqlite_url, [begin, schema(), customer(1), since()], mappings=mapped)
    more = [*mapped, {"source": "first_name", "field": "first_name"}]

    with pytest.raises(StateError):
        run(sqlite_url, [since(), schema()], mappings=more)
    run(sqlite_url, [begin, schema(), customer(1)], mappings=more)

    assert query(sqlite_url, "SELECT first_name FROM contacts") == [("Name1",)]


def test_a_field_that_the_stream_has_got_since_is_told_and_stops_nobody(sqlite_url, caplog):
    run(sqlite_url, [schema(orders_count=None)])
    run(sqlite_url, [since(), schema(), customer(1)])

    assert warnings(caplog) == [
        "stream `customers`: `orders_count` is new: existing contacts get it with their next change, or now with"
        " --full-refresh"
    ]


def test_no_record_that_is_discarded_is_ever_a_value_in_the_log(sqlite_url, caplog):
    with caplog.at_level(logging.DEBUG):
        take_in(sqlite_url, plain(1, first_name="Secretia"))

    told = json.dumps([caplog.messages, query(sqlite_url, KEPT)])
    assert "Secretia" not in told
    assert "person1@" not in told


def test_every_property_can_be_filtered_on(sqlite_url):
    filters = [{"field": name, "op": "is_set"} for name in CUSTOMER_PROPERTIES]
    take_in(sqlite_url, customer(1), filters=[{"any": filters}])

    assert last_counts(sqlite_url) == {"records_read": 1, "inserted": 1}
