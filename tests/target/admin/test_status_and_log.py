from __future__ import annotations

import sqlalchemy as sa

from target_contactdb import tables
from tests.target.admin.conftest import SHOP, at

NOTHING = dict.fromkeys(tables.OUTCOMES, 0)
NO_CHANGE = dict.fromkeys(tables.STATUS_CHANGES, 0)

FIRST = {
    "operation_id": 1,
    "kind": "customers",
    "shop": SHOP,
    "state": "completed with rejections",
    "started_at": "2026-11-01T10:00:00Z",
    "ended_at": "2026-11-01T10:00:02Z",
    "seconds": 2.0,
    "window": {"begin": None, "end": "2026-11-01T09:58:00Z"},
    "bookmark": "2026-11-01T09:58:00Z",
    "records_read": 1000,
    "outcomes": NOTHING | {"inserted": 998, "discarded": 1, "rejected": 1},
    "changes": {"subscribed": 398, "unsubscribed": 600, "restored": 0},
    "unlinked": 0,
    "error": None,
}
SECOND = FIRST | {
    "operation_id": 2,
    "kind": "checkouts",
    "state": "completed",
    "started_at": "2026-11-01T10:00:03Z",
    "ended_at": "2026-11-01T10:00:04Z",
    "seconds": 1.0,
    "records_read": 250,
    "outcomes": NOTHING | {"inserted": 250},
    "changes": NO_CHANGE,
    "unlinked": 12,
}
THIRD = FIRST | {
    "operation_id": 3,
    "state": "completed",
    "started_at": "2026-11-01T11:00:00Z",
    "ended_at": "2026-11-01T12:02:03Z",
    "seconds": 3723.0,
    "window": {"begin": "2026-11-01T09:58:00Z", "end": "2026-11-01T10:58:00Z"},
    "bookmark": "2026-11-01T10:58:00Z",
    "records_read": 12,
    "outcomes": NOTHING | {"inserted": 2, "updated": 4, "unchanged": 6},
    "changes": {"subscribed": 0, "unsubscribed": 2, "restored": 1},
}
FOURTH = SECOND | {
    "operation_id": 4,
    "started_at": "2026-11-01T12:02:04Z",
    "ended_at": "2026-11-01T12:02:05Z",
    "window": THIRD["window"],
    "bookmark": THIRD["bookmark"],
    "records_read": 0,
    "outcomes": NOTHING,
    "unlinked": 0,
}


def test_status_is_the_newest_operation_per_kind_with_the_totals_of_the_database(contactdb):
    assert contactdb.json("status") == {
        "operations": [THIRD, FOURTH],
        "warnings": [],
        "totals": {
            "contacts": 4,
            "may_email": 2,
            "may_sms": 0,
            "checkouts": 5,
            "open": 4,
            "linked": 4,
            "unlinked": 1,
        },
    }


def test_status_as_a_table_has_a_column_per_import(on_sqlite):
    lines = on_sqlite.run("status").stdout.splitlines()

    assert lines[:2] == ["Synchronization Status", f"Shop {SHOP}"]
    assert lines[2].split() == ["Customers", "Checkouts"]
    words = [line.split() for line in lines]
    assert ["State", "completed", "completed"] in words
    assert ["Took", "1", "h", "2", "min", "1.0", "s"] in words
    assert ["updated", "4", "0"] in words
    assert ["may", "be", "written", "to", "by", "e-mail", "2"] in words
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_status_keeps_shops_apart(on_sqlite):
    other = {"kind": "customers", "shop": "other.myshopify.com", "state": "running", "started_at": at(13)}
    on_sqlite.execute(sa.insert(tables.operations).values(**other))

    answer = on_sqlite.json("status")
    assert [(one["shop"], one["operation_id"], one["state"]) for one in answer["operations"]] == [
        ("other.myshopify.com", 5, "running"),
        (SHOP, 3, "completed"),
        (SHOP, 4, "completed"),
    ]
    table = on_sqlite.run("status").stdout
    assert table.index("Shop other.myshopify.com") < table.index(f"Shop {SHOP}")


def test_status_says_that_checkouts_did_not_run_after_a_customer_import_that_failed(on_sqlite):
    failed = {"kind": "customers", "shop": SHOP, "started_at": at(13), "ended_at": at(14)}
    on_sqlite.execute(sa.insert(tables.operations).values(**failed, state="failed", error="the stream broke off"))

    expected = [
        f"{SHOP}: the last import of customers (operation 5) failed",
        f"{SHOP}: the import of checkouts did not run after it, because the import of customers (operation 5)"
        " did not complete",
    ]
    assert on_sqlite.json("status")["warnings"] == expected
    table = " ".join(on_sqlite.run("status").stdout.split())
    assert all(line in table for line in expected)


def test_status_does_not_blame_a_customer_import_for_checkouts_that_ran_after_it(on_sqlite):
    shared = {"shop": SHOP, "started_at": at(13), "ended_at": at(14)}
    on_sqlite.execute(sa.insert(tables.operations).values(**shared, kind="customers", state="interrupted"))
    on_sqlite.execute(sa.insert(tables.operations).values(**shared, kind="checkouts", state="completed"))

    assert on_sqlite.json("status")["warnings"] == [
        f"{SHOP}: the last import of customers (operation 5) was interrupted"
    ]


def test_log_lists_operations_newest_first(contactdb):
    assert contactdb.json("log") == {"operations": [FOURTH, THIRD, SECOND, FIRST]}


def test_log_shows_no_more_than_its_limit(on_sqlite):
    assert on_sqlite.json("log", "--limit", "1") == {"operations": [FOURTH]}


def test_log_as_a_table_has_the_counts_of_every_operation(on_sqlite):
    text = on_sqlite.run("log", columns=120).stdout
    lines = [" ".join(line.split()) for line in text.splitlines()]

    assert lines[0] == "Log Activities"
    assert "3 customers completed 2026-11-01 11:00 1 h 2 min 12 read: 2 inserted, 4 2 unsubscribed, 1 restored" in lines
    assert any(
        line.startswith("1 customers completed 2026-11-01 10:00 2.0 s 1,000 read: 998 inserted") for line in lines
    )
    assert max(len(line) for line in text.splitlines()) <= 120
    assert max(len(line) for line in on_sqlite.run("log").stdout.splitlines()) <= 80


def test_log_of_one_operation_has_status_changes_by_cause_and_the_records_set_aside(contactdb):
    rejected = {
        "operation_id": 1,
        "stream": "customers",
        "key": "7000000000008",
        "outcome": "rejected",
        "reason": "field `updated_at` is missing",
    }
    discarded = rejected | {"key": "7000000000007", "outcome": "discarded", "reason": "import filter 1"}
    expected = {
        "operation": FIRST,
        "status_changes": [
            {"channel": "email", "change": "subscribed", "cause": None, "count": 1},
            {"channel": "sms", "change": "unsubscribed", "cause": "Shopify - no marketing consent", "count": 1},
        ],
        "records": [discarded, rejected],
        "records_not_shown": 0,
    }
    assert contactdb.json("log", "--operation", "1") == expected
    assert contactdb.json("log", "--operation", "1", "--limit", "1") == expected | {
        "records": [discarded],
        "records_not_shown": 1,
    }


def test_log_of_one_operation_as_a_table_shows_its_error(on_sqlite):
    on_sqlite.execute(
        sa.update(tables.operations).where(tables.operations.c.operation_id == 1).values(error="broke off")
    )

    text = on_sqlite.run("log", "--operation", "1").stdout
    assert "Error: broke off" in text
    assert "Status changes by cause" in text
    assert "7000000000008  field `updated_at` is missing" in text


def test_rejected_records_are_listed_without_what_they_hold(contactdb):
    expected = {
        "records": [
            {
                "operation_id": 1,
                "stream": "customers",
                "key": "7000000000008",
                "outcome": "rejected",
                "reason": "field `updated_at` is missing",
            }
        ]
    }
    assert contactdb.json("log", "--rejected") == expected
    assert contactdb.json("log", "--rejected", "--operation", "1") == expected
    assert contactdb.json("log", "--rejected", "--operation", "2") == {"records": []}
    assert "secret@example.com" not in contactdb.run("log", "--rejected").output


def test_an_unknown_operation_is_one_clear_line(on_sqlite):
    for arguments in (("log", "--operation", "9"), ("log", "--rejected", "--operation", "9")):
        result = on_sqlite.run(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == "Error: there is no operation 9; `contactdb log` lists them\n"
