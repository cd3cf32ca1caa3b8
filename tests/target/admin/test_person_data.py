"""`contactdb export` and `erase`: everything held on a person, and nothing of it."""

from __future__ import annotations

import sqlalchemy as sa
from click.testing import CliRunner

from target_contactdb import tables
from target_contactdb.admin.cli import main

ANN = "7000000000001"


def kept_record(email):
    return {"operation_id": 1, "stream": "customers", "outcome": "rejected", "reason": "r", "record": {"email": email}}


def test_an_export_holds_every_row_about_a_person_and_none_about_others(contactdb):
    contactdb.execute(sa.insert(tables.operation_records).values(kept_record("ANN@example.com")))
    guest = {"shop": "s", "id": 99, "customer_email": "ann@EXAMPLE.com"}
    dates = dict.fromkeys(("created_at", "updated_at"), contactdb.rows(tables.operations)[0]["started_at"])
    contactdb.execute(sa.insert(tables.checkouts).values(**guest, **dates))
    held = contactdb.json("export", ANN)

    assert {name: len(rows) for name, rows in held.items() if rows} == {
        "contacts": 1,
        "status_changes": len([row for row in contactdb.rows(tables.status_changes) if row["contact_id"] == 1]),
        "contact_sources": 1,
        "checkouts": 4,
        "checkout_lines": 2,
        "operation_records": 1,
    }
    assert [row["id"] for row in held["checkouts"]] == [99, 40, 41, 42]
    assert (held["contacts"][0]["first_name"], held["contacts"][0]["tags"]) == ("Ann [red]", ["vip", "berlin"])
    assert held["operation_records"][0]["record"] == {"email": "ANN@example.com"}


def test_an_export_tells_of_the_suppression_of_an_address(on_sqlite):
    assert [row["cause"] for row in on_sqlite.json("export", "ben@example.com")["suppressions"]] == [
        "Shopify - opted out"
    ]


def test_an_export_is_json_unless_a_table_is_asked_for(on_sqlite):
    assert on_sqlite.run("export", ANN).output.startswith("{")
    counted = on_sqlite.run("export", ANN, "--format", "table").output
    assert "checkout_lines" in counted
    assert "example.com" not in counted


def test_an_erasure_removes_exactly_what_an_export_holds(contactdb):
    held = contactdb.json("export", ANN)
    done = contactdb.json("erase", ANN, "--yes")

    del held["suppressions"]  # They outlive the contact, as hashes.
    assert done == {"contact_id": 1, "removed": {name: len(rows) for name, rows in held.items()}}
    assert contactdb.run("contact", ANN).exit_code == 2
    assert [row["contact_id"] for row in contactdb.rows(contactdb.contacts())] == [2, 3, 4]
    assert sorted(row["kind"] for row in contactdb.rows(tables.tombstones)) == ["email", "sms", "source"]


def test_an_erasure_asks_first(on_sqlite):
    runner = CliRunner(env={"TARGET_CONTACTDB_SQLALCHEMY_URL": on_sqlite.url})
    for answer, code, left in (("n\n", 2, 4), ("", 2, 4), ("y\n", 0, 3)):
        result = runner.invoke(main, ["erase", ANN], input=answer)
        assert result.exit_code == code
        assert "Erase contact #1 for good?" in result.stderr
        assert len(on_sqlite.rows(on_sqlite.contacts())) == left


def test_nobody_is_erased_for_a_key_that_nobody_has(on_sqlite):
    result = on_sqlite.run("erase", "nobody@example.com", "--yes")

    assert (result.exit_code, "nobody" in result.output) == (2, False)
    assert len(on_sqlite.rows(on_sqlite.contacts())) == 4
