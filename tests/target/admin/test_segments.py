"""`contactdb segment`: who is in a condition, and who entered or left a saved segment."""

from __future__ import annotations

import csv
import io

import pytest
import sqlalchemy as sa

from target_contactdb import tables
from tests.target.admin.conftest import LOCAL, OPTED_OUT, SUBSCRIBED, TWIN, Contactdb, seed


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def everywhere(request):
    """The command on a database with people, once for each engine there is."""
    if request.param != "mariadb":
        return request.getfixturevalue(f"on_{request.param}")
    url = request.getfixturevalue("mariadb_url")
    seed(url)
    return Contactdb(url)


def found(contactdb, where, *arguments):
    answer = contactdb.json("segment", "--where", where, *arguments)
    assert answer["count"] == len(answer["contacts"])
    return [contact["contact_id"] for contact in answer["contacts"]]


def refused(contactdb, *arguments):
    result = contactdb.run("segment", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr


NAMED: tuple[tuple[str, list[int]], ...] = (
    ("email_status = subscribed", [SUBSCRIBED, TWIN, LOCAL]),
    ("email_unsubscription_cause contains 'opted out'", [OPTED_OUT]),
    ("may_email = true and may_sms = false", [SUBSCRIBED, TWIN]),
    ("tag = VIP", [SUBSCRIBED]),
    ('"Orders - Total spent" > 1234.4999', [SUBSCRIBED]),
    ("user_code = 7000000000003", [TWIN]),
    ("email = ANN@EXAMPLE.COM and not phone is set", [TWIN]),
    ("phone is not null and email is not null", [SUBSCRIBED]),
    ("company is null", [SUBSCRIBED, OPTED_OUT, TWIN, LOCAL]),
    ('phone = "+49 (170) 111-1111"', [SUBSCRIBED]),
    ("phone != 491701111111", [OPTED_OUT, TWIN, LOCAL]),
    ("phone in (+491701111111, +491701111112)", [SUBSCRIBED]),
    ("phone contains +49170", [SUBSCRIBED]),
    ("phone contains +70", []),
    ("email_status_at <= 9999-12-31", [SUBSCRIBED, OPTED_OUT, TWIN]),
    ("email_status_at before 2026-11-01T08:30", [SUBSCRIBED, TWIN]),
    ("has checkout", [SUBSCRIBED, OPTED_OUT]),
    ("contact_id between 2 and 2 or contact_id >= 3 and contact_id <= 1", [OPTED_OUT]),
    ("email_status_at between 2026-11-01 and 2026-11-01", [SUBSCRIBED, OPTED_OUT, TWIN]),
    ("has no checkout and user_code is set", [TWIN]),
    ("checkout.product contains MUG and checkout.price >= 50", [SUBSCRIBED]),
    ("checkout.title = mug", [SUBSCRIBED]),
    ("checkout.product != mug", [OPTED_OUT, TWIN, LOCAL]),
    ("checkout.sku in (MUG-1, MUG-2)", [SUBSCRIBED]),
    ("checkout.updated_at within 5 minutes", []),
)


def test_a_condition_names_contacts(everywhere):
    assert [(where, found(everywhere, where)) for where, _expected in NAMED] == list(NAMED)


def test_a_date_begins_at_midnight_in_the_time_zone_of_the_shop(on_sqlite):
    # The statuses are of 08:00 and 09:00 UTC on 1 November: the day before in Honolulu.
    for zone, expected in (("UTC", []), ("Pacific/Honolulu", [SUBSCRIBED, OPTED_OUT, TWIN])):
        assert found(on_sqlite, "email_status_at = 2026-10-31", "--timezone", zone) == expected


def test_the_zone_of_the_environment_goes_with_every_command(on_sqlite, monkeypatch):
    monkeypatch.setenv("TARGET_CONTACTDB_TIMEZONE", "Pacific/Honolulu")
    assert found(on_sqlite, "email_status_at = 2026-10-31") == [SUBSCRIBED, OPTED_OUT, TWIN]
    assert on_sqlite.json("segment") == {"segments": []}
    monkeypatch.setenv("TARGET_CONTACTDB_TIMEZONE", "Mars")
    assert "setting `timezone`: unknown time zone `Mars`" in refused(on_sqlite)


def test_the_answer_is_a_count_a_table_json_or_csv(contactdb):
    where = "email contains example.com"
    assert contactdb.run("segment", "--where", where, "--count").stdout == "4\n"
    assert contactdb.json("segment", "--where", where, "--count") == {"count": 4}
    table = contactdb.run("segment", "--where", where, "--limit", "1", columns=120).stdout
    assert "4 contacts" in table
    assert "#1" in table
    assert "#2" not in table
    assert "3 more" in table
    told = csv.DictReader(io.StringIO(contactdb.run("segment", "--where", where, "--format", "csv").stdout))
    rows = {row["contact_id"]: row for row in told}
    assert list(rows) == ["1", "2", "3", "4"]
    names = ("user_code", "email_status", "may_email", "may_sms", "first_name", "orders_total_spent", "tags", "company")
    assert [rows["1"][name] for name in names] == [
        *("7000000000001", "subscribed", "true", "false", "Ann [red]", "1234.50", '["vip", "berlin"]', "")
    ]
    contact = contactdb.json("segment", "--where", "contact_id = 1")["contacts"][0]
    assert contact == {
        "contact_id": 1,
        "user_code": "7000000000001",
        "email_status": "subscribed",
        "sms_status": "unsubscribed",
        "may_email": True,
        "may_sms": False,
        "first_name": "Ann [red]",
        "email": "Ann@example.com",
        "phone": "+49 170 1111111",
        "orders_total_spent": "1234.50",
        "tags": ["vip", "berlin"],
        "company": None,
    }


def test_a_cell_of_csv_is_no_formula_to_a_spreadsheet(on_sqlite):
    contacts = on_sqlite.contacts()

    def told(name, value):
        on_sqlite.execute(sa.update(contacts).where(contacts.c.contact_id == SUBSCRIBED).values({name: value}))
        answer = on_sqlite.run("segment", "--where", "contact_id = 1", "--format", "csv").stdout
        assert on_sqlite.json("segment", "--where", "contact_id = 1")["contacts"][0][name] == str(value)
        (row,) = csv.DictReader(io.StringIO(answer, newline=""))
        return row[name]

    formulas = ['=HYPERLINK("http://x.example","y")', "+1|cmd", "-1+a", "@SUM(1)", "\t=1", "\r=1", " =1", "\uff1d1"]
    assert [told("first_name", one) for one in formulas] == [f"'{one}" for one in formulas]
    plain = ["Ann", "a=1", "'=1", "", "-", "+12", "-5.00", "a\rb", "a\nb", 'a "b", c;']
    assert [told("first_name", one) for one in plain] == plain
    phones = ["+491701111111", "+49 (170) 111-1111", "+1-209.555/0136"]
    assert [told("phone", one) for one in phones] == phones
    assert told("orders_total_spent", "-12.50") == "-12.50"


def test_a_saved_segment_knows_who_entered_and_who_left(everywhere):
    saved = everywhere.json("segment", "--where", "email_status = subscribed", "--save", "Yes")
    new = {"was": None, "was_timezone": None, "same": False}
    assert saved == {"segments": [{"name": "Yes", "members": 3, "entered": 3, "left": 0, **new}]}
    contacts = everywhere.contacts()

    def set_status(contact_id, status):
        where = contacts.c.contact_id == contact_id
        everywhere.execute(sa.update(contacts).where(where).values(email_status=status))

    def asked(*arguments):
        return [contact["contact_id"] for contact in everywhere.json("segment", "Yes", *arguments)["contacts"]]

    set_status(TWIN, "unsubscribed")
    set_status(OPTED_OUT, "subscribed")
    assert asked() == [SUBSCRIBED, OPTED_OUT, LOCAL]
    for _again in range(2):
        # Asking moves nothing.
        assert (asked("--entered"), asked("--left")) == ([OPTED_OUT], [TWIN])

    assert everywhere.json("segment", "--evaluate") == {
        "segments": [{"name": "Yes", "members": 3, "entered": 1, "left": 1}]
    }
    assert (asked("--entered"), asked("--left")) == ([], [])
    set_status(TWIN, "subscribed")
    assert asked("--entered") == [TWIN]
    assert everywhere.run("segment", "Yes", "--evaluate").stdout == "Segment Yes: 4 contacts; 1 entered, 0 left.\n"
    set_status(TWIN, "unsubscribed")
    # Told, and then kept.
    assert [asked("--left", "--evaluate"), asked("--left")] == [[TWIN], []]
    set_status(TWIN, "subscribed")
    assert [asked("--entered", "--evaluate"), asked("--entered")] == [[TWIN], []]
    members = everywhere.rows(tables.segment_members)
    assert [(row["contact_id"], row["left_at"]) for row in members] == [(one, None) for one in (1, 2, 3, 4)]


def test_saved_segments_are_listed_changed_and_deleted(contactdb):
    assert contactdb.json("segment") == {"segments": []}
    contactdb.json("segment", "--where", "tag = vip", "--save", "VIP")
    contactdb.json("segment", "--where", "in segment VIP and has checkout", "--save", "Carts")
    assert found(contactdb, "not in segment Carts") == [OPTED_OUT, TWIN, LOCAL]
    listed = contactdb.json("segment")["segments"]
    assert [(one["name"], one["definition"], one["timezone"], one["members"]) for one in listed] == [
        ("Carts", "in segment VIP and has checkout", "UTC", 1),
        ("VIP", "tag = vip", "UTC", 1),
    ]
    # The other segment follows at once.
    contactdb.json("segment", "--where", "tag = nobody", "--save", "VIP")
    assert found(contactdb, "in segment Carts") == []

    assert "segment `VIP` is part of `Carts`" in refused(contactdb, "VIP", "--delete")
    for name in ("Carts", "VIP"):
        contactdb.json("segment", name, "--delete")
    assert contactdb.json("segment") == {"segments": []}
    assert contactdb.rows(tables.segment_members) == []


def test_who_saves_over_a_segment_is_told_what_it_was(contactdb):
    def save(where, *arguments):
        return contactdb.run("segment", "--where", where, "--save", "VIP", *arguments).stdout

    counts = "Segment VIP: 1 contact; {} entered, 0 left.\n"
    assert save("tag = vip") == counts.format(1)
    assert save("tag = vip") == counts.format(0) + "It was saved before, with the same condition.\n"
    assert save("tag = berlin") == counts.format(0) + (
        "It replaces a segment of this name, which was: tag = vip [UTC]\n"
    )
    zone = ("--timezone", "Europe/Berlin")
    assert save("tag = berlin", *zone).endswith("which was: tag = berlin [UTC]\n")
    assert save("tag = vip", "--format", "csv") == (
        "name,members,entered,left,was,was_timezone,same\nVIP,1,0,0,tag = berlin,Europe/Berlin,false\n"
    )
    told = contactdb.json("segment", "--where", "tag = vip", "--save", " VIP ")
    again = {"was": "tag = vip", "was_timezone": "UTC", "same": True}
    assert told == {"segments": [{"name": "VIP", "members": 1, "entered": 0, "left": 0, **again}]}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--where", "emial is set or tags > 1"], "position 1: unknown field `emial`; did you mean `email`?"),
        (["--where", "checkout.prise > 50"], "unknown field `checkout.prise`; did you mean `checkout.price`?"),
        (["--where", "emial is set or tags > 1"], "position 17: `>` does not go with `tags`, a list field"),
        (
            ["--where", "company after 3"],
            "`after` does not go with `company`, a text field, which takes `=`, ",
        ),
        (["--where", "created_at > 2026-13-01"], "position 14: the value for `created_at` is not an ISO 8601 date"),
        (["--where", 'orders_total_spent > "1,000"'], "has a comma in it; a number is written like 1000 or 1000.50"),
        (
            ["--where", "orders_total_spent in (1, x)"],
            "position 27: the value for `orders_total_spent` is not",
        ),
        (["--where", "email_status = subcribed"], "not one of its choices; did you mean `subscribed`?"),
        (["--where", "tag ="], "--where ends too early"),
        (["--where", "checkout is set"], "position 1: unknown field `checkout`; did you mean `has checkout`?"),
        (
            ["--where", "tag = a or not Checkout is not set"],
            "position 16: unknown field `Checkout`; did you mean `has no ",
        ),
        (["--where", "checkout > 5"], "position 1: unknown field `checkout`; did you mean `checkout.sku`?"),
        (
            ["--where", "tag = a and orders_total_spent between 9 and 3.5"],
            "position 40: the lower bound is above the upper one; `between` takes the lower one first",
        ),
        (
            ["--where", "created_at between 2026-10-02 and 2026-10-01"],
            "position 20: the lower bound is above the upper one",
        ),
        (["--where", "created_at between 2 days ago and 3 weeks ago"], "position 20: the lower bound is above the"),
        (["--where", "in segment Big"], "position 1: unknown segment `Big`"),
        (["--where", "tag = a", "--timezone", "Europe/Berln"], "did you mean `Europe/Berlin`?"),
        (["Big", "--timezone", "Europe/Berln"], "setting `timezone`: unknown time zone `Europe/Berln`; did you mean"),
        (["Big", "--timezone", "Europe/Berlin"], "--timezone goes with --where; a saved segment keeps the zone"),
        (["--timezone", "UTC"], "--timezone goes with --where"),
        (["--where", "created_at = 20261101"], "the value for `created_at` is a date in another form"),
        (["--where", "phone = '+ '"], "position 9: the value for `phone` has nothing in it but marks"),
        (["--where", "in segment A", "--save", "A"], "in a circle: `A` -> `A`"),
        (["--where", "tag = a", "--save", " "], "the name of a segment has 1 to 255 characters"),
        (["Big"], "unknown segment `Big`"),
        (["Big", "--where", "tag = a"], "--where and NAME do not go together"),
        (["Big", "--evaluate", "--delete"], "--evaluate and --delete do not go together"),
        (["--save", "Big"], "--save needs --where"),
        (["--count"], "--count needs NAME or --where"),
        (["--left"], "--left needs NAME"),
        (["--where", "tag = a", "--evaluate"], "--evaluate needs a saved segment"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(on_sqlite, arguments, told):
    line = refused(on_sqlite, *arguments)
    assert told in line
    assert line.count("\n") == 1
    assert on_sqlite.rows(tables.segments) == []


def test_segments_that_double_at_every_step_are_refused_in_time(on_sqlite):
    on_sqlite.json("segment", "--where", "tag = a or tag = b", "--save", "s0")
    for number in range(1, 8):
        on_sqlite.json(
            "segment", "--where", f"in segment s{number - 1} or in segment s{number - 1}", "--save", f"s{number}"
        )
    told = refused(on_sqlite, "--where", "in segment s7 or in segment s7 or in segment s7", "--count")
    assert "more than 500 tests, with those of the segments" in told
