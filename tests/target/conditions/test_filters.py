"""Import filters: what a record is asked, what is wrong with a filter, and why a record was discarded."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from target_contactdb.conditions.filters import compile_filters
from target_contactdb.conditions.times import Clock
from target_contactdb.errors import ConfigError
from target_contactdb.records import RecordError
from target_contactdb.settings import read_settings
from tests.target.singer import CUSTOMER_PROPERTIES, customer

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def read(filters, **settings):
    streams = {"contact_stream": "customers", "checkout_stream": "checkouts", "consent_stream": "consents"}
    config = {"sqlalchemy_url": "sqlite://", **streams, **settings}
    return read_settings({**config, "options": {"import_filters": filters}})


def compiled(*filters, **settings):
    found = read(list(filters), **settings)
    return compile_filters(found.import_filters, CUSTOMER_PROPERTIES, Clock(NOW, found.timezone))


def problems(make, *arguments):
    with pytest.raises(ConfigError) as caught:
        make(*arguments)
    return caught.value.problems


def passes(condition, **values):
    return compiled(condition).reason(customer(1, **values)["record"]) is None


@pytest.mark.parametrize(
    ("field", "op", "value", "values"),
    [
        ("email", "eq", "ANN@example.com", {"email": "ann@Example.com"}),
        ("Email", "domain_in", ["other.org", "EXAMPLE.com"], {"email": "ann@Example.com"}),
        ("phone", "eq", "+49 30 555-0136", {"phone": "+49305550136"}),
        ("phone", "not_in", ["+49 30 555-0137"], {"phone": "+49305550136"}),
        ("phone", "contains", "+49 (30)", {"phone": "+49305550136"}),
        ("first_name", "contains", "nN", {"first_name": "Anna"}),
        ("first_name", "ne", "Ben", {"first_name": None}),
        ("first_name", "is_empty", None, {"first_name": " "}),
        ("first_name", "not_in", ["Ben", "Cleo"], {"first_name": "Ann"}),
        ("email_marketing_state", "in", ["subscribed", "pending"], {"email_marketing_state": "SUBSCRIBED"}),
        ("Email - Marketing state", "ne", "REDACTED", {"email_marketing_state": "SUBSCRIBED"}),
        ("tags", "contains", "VIP", {"tags": ["new", "vip"]}),
        ("tags", "in", ["a", "vip"], {"tags": ["vip"]}),
        ("tags", "is_empty", None, {"tags": []}),
        ("orders_count", "gte", 3, {"orders_count": 3}),
        ("orders_count", "lt", 2.5, {"orders_count": 2}),
        ("orders_total_spent", "eq", 12.1, {"orders_total_spent": Decimal("12.10")}),
        ("verified_email", "eq", True, {"verified_email": True}),
        ("updated_at", "lt", "2026-10-01T00:00:00Z", {"updated_at": "2026-09-30T23:59:59Z"}),
    ],
)
def test_a_filter_passes_what_it_names_and_its_opposite_does_not(field, op, value, values):
    condition = {"field": field, "op": op} | ({} if value is None else {"value": value})
    assert passes(condition, **values)
    assert not passes({"not": condition}, **values)


@pytest.mark.parametrize("op", ["eq", "in", "contains", "domain_in"])
def test_nothing_is_nothing_that_is_asked_for(op):
    assert not passes({"field": "email", "op": op, "value": "example.com"}, email=None)


@pytest.mark.parametrize("op", ["gt", "gte", "lt", "lte"])
def test_nothing_is_neither_more_nor_less(op):
    assert not passes({"field": "orders_count", "op": op, "value": 0}, orders_count=None)


@pytest.mark.parametrize(
    ("op", "moments"),
    [
        ("eq", ["2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z"]),
        ("ne", ["2026-10-24T21:59:59Z", "2026-10-25T23:00:00Z"]),
        ("lt", ["2026-10-24T21:59:59Z"]),
        ("lte", ["2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z"]),
        ("gt", ["2026-10-25T23:00:00Z"]),
        ("gte", ["2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"]),
    ],
)
def test_a_date_is_the_whole_day_in_the_time_zone_of_the_shop(op, moments):
    # The clocks of Berlin are set back on this day: it has 25 hours.
    found = compiled({"field": "updated_at", "op": op, "value": "2026-10-25"}, timezone="Europe/Berlin")
    asked = ["2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"]
    assert [moment for moment in asked if found.reason(customer(1, updated_at=moment)["record"]) is None] == moments


@pytest.mark.parametrize("text", ["20261025", "2026-W43-7", "2026W437", "2026-W43"])
def test_a_date_in_another_form_is_no_moment_either(text):
    (told,) = problems(compiled, {"field": "updated_at", "op": "lte", "value": text})
    assert told.endswith("the value for `updated_at` is a date in another form; a date is written as YYYY-MM-DD")


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "UTC", "Pacific/Auckland"])
def test_the_last_day_that_there_is_ends_with_the_last_moment(zone):
    condition = {"field": "updated_at", "op": "lte", "value": "9999-12-31"}
    assert compiled(condition, timezone=zone).reason(customer(1)["record"]) is None


def test_a_day_before_all_time_is_too_far_away():
    condition = {"field": "updated_at", "op": "gt", "value": "0001-01-01"}
    (told,) = problems(lambda: compiled(condition, timezone="Pacific/Auckland"))
    assert told.endswith("the value for `updated_at` is too far away")


def test_a_phone_number_of_nothing_but_marks_is_none():
    told = problems(compiled, *({"field": "phone", "op": op, "value": " - "} for op in ("eq", "contains")))
    end = "the value for `phone` has nothing in it but marks; a phone number is written like +4930123456"
    assert [problem.endswith(end) for problem in told] == [True, True]


def test_the_first_filter_that_a_record_fails_is_named_without_its_value():
    found = compiled(
        {"field": "verified_email", "op": "eq", "value": True},
        {
            "any": [
                {"field": "tags", "op": "eq", "value": "vip"},
                {"field": "Email", "op": "eq", "value": "a@b.example"},
            ]
        },
    )
    assert found.reason(customer(1, verified_email=False)["record"]) == "import filter 1 (`verified_email`)"
    assert found.reason(customer(1)["record"]) == "import filter 2 (`tags`, `email`)"
    assert found.reason(customer(1, tags=["VIP"])["record"]) is None
    assert found.reads == {"verified_email", "tags", "email"}


def test_no_filter_passes_everyone():
    assert compiled().reason({}) is None


def test_a_record_that_lacks_what_is_asked_cannot_be_judged():
    found = compiled({"field": "tags", "op": "not_in", "value": ["vip"]})
    record = customer(1)["record"]
    del record["tags"]
    with pytest.raises(RecordError, match=r"import filter 1 \(`tags`\) cannot be judged: the record does not carry"):
        found.reason(record)
    with pytest.raises(RecordError, match="field `tags` is not a list"):
        found.reason(record | {"tags": "vip"})


def test_every_mistake_in_the_form_of_the_filters_is_told_at_once():
    entries = [
        {"op": "eq", "value": 1},
        {"field": "x", "op": "equals", "value": 1},
        {"field": "x", "opp": "eq"},
        "x = 1",
        {"any": []},
        {"not": {"field": "x", "op": "is_set", "value": 1}},
        {"field": "x", "op": "eq"},
        {"field": "x", "op": "eq", "value": [1]},
        {"field": "x", "op": "in", "value": [None]},
        {"field": "x", "op": "not_in", "value": []},
    ]
    where = "setting `options.import_filters`, entry "
    told = problems(read, entries)
    assert [problem.removeprefix(where).split(";")[0] for problem in told] == [
        "1: `field` is missing",
        "2, field `x`: unknown operator `equals`",
        "3: unknown key `opp`",
        "3, field `x`: `op` is missing",
        "4: must be an object such as `{field, op, value}`",
        "5, `any` needs a list of conditions that is not empty",
        "6, `not`, field `x`, op `is_set`: takes no `value`",
        "7, field `x`, op `eq`: `value` is missing",
        "8, field `x`, op `eq`: `value` is a list",
        "9, field `x`, op `in`: `value` must be text, a number, or true or false",
        "10, field `x`, op `not_in`: `value` needs at least one element",
    ]


def test_every_filter_that_does_not_go_with_the_stream_is_told_at_once():
    entries = [
        {"field": "emial", "op": "is_set"},
        {"field": "tags", "op": "gt", "value": 1},
        {"field": "orders_count", "op": "eq", "value": "many"},
        {"field": "orders_total_spent", "op": "eq", "value": 1.00001},
        {"field": "verified_email", "op": "eq", "value": "maybe"},
        {"field": "updated_at", "op": "lt", "value": "yesterday"},
        {"field": "updated_at", "op": "within", "value": "2 days"},
        {"field": "email", "op": "domain_in", "value": ["a@b"]},
        {"all": [{"has": "checkout"}, {"in_segment": "Big"}]},
    ]
    told = problems(compiled, *entries)
    assert [problem.removeprefix("setting `options.import_filters`, entry ") for problem in told] == [
        "1, field `emial`, op `is_set`: unknown field `emial`; did you mean `email`?",
        "2, field `tags`, op `gt`: `gt` does not go with `tags`, a list field, which takes `eq`, `ne`, `in`, `not_in`, "
        "`is_set`, `is_empty`, `contains`",
        "3, field `orders_count`, op `eq`: the value for `orders_count` is not a number",
        "4, field `orders_total_spent`, op `eq`: the value for `orders_total_spent` does not fit into NUMERIC(19,4)",
        "5, field `verified_email`, op `eq`: the value for `verified_email` must be true or false",
        "6, field `updated_at`, op `lt`: the value for `updated_at` is not an ISO 8601 date or time such as "
        "`2026-10-01` or `2026-10-01T09:30`, nor `30 days ago`",
        "7, field `updated_at`, op `within`: the value for `updated_at` is told from now; here it must be a date or a "
        "time, since a record is judged only when it changes",
        "8, field `email`, op `domain_in`: the value for `email` is not a domain such as `example.com`",
        "9, `all`, entry 1, `has`: there is no checkout to ask about here",
        "9, `all`, entry 2, `in_segment`: segments cannot be asked about here",
    ]


def test_a_label_of_several_fields_names_none_of_them():
    properties = {name: {"type": "string", "title": "Note"} for name in ("note", "other_note")}

    def asked(name):
        conditions = read([{"field": name, "op": "is_set"}]).import_filters
        return compile_filters(conditions, properties, Clock(NOW, ZoneInfo("UTC")))

    (told,) = problems(asked, "Note")
    assert told.endswith(": the label `Note` is that of several fields; name the one you mean")
    assert asked("note").reads == {"note"}


def test_a_time_zone_is_known_or_the_nearest_one_is_told():
    assert read([], timezone="America/New_York").timezone == ZoneInfo("America/New_York")
    (told,) = problems(lambda: read([], timezone="America/Newyork"))
    assert told == "setting `timezone`: unknown time zone `America/Newyork`; did you mean `America/New_York`?"
