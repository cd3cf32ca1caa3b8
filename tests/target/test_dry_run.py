"""A dry run does everything but commit: the log says what would have happened."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import sqlalchemy as sa

from target_contactdb.engines import open_engine
from target_contactdb.errors import ConfigError, DatabaseError, StatusLimitError
from target_contactdb.tables import metadata
from tests.target.consent.test_reconcile import announced, complete, consent
from tests.target.singer import checkout, customer, execute, query, run, schema, state

LATER = "2026-10-05T00:00:00Z"
BEGINNING = "dry run: nothing is written, and other imports wait meanwhile"
IN_MEMORY = "dry run: no import has made this contact database yet, so an empty one in memory stands in for it"


def dry_run(caplog, url: str, *messages: dict[str, t.Any], **config: t.Any) -> list[str]:
    """Run dry, and return what the target says."""
    caplog.clear()
    with caplog.at_level("INFO", "target-contactdb"):
        run(url, messages, dry_run=True, **config)
    told = [record.getMessage() for record in caplog.records if record.name == "target-contactdb"]
    return [line for line in told if line.startswith(("dry run", "consents: "))]


def contents(url: str) -> dict[str, list[tuple[t.Any, ...]]]:
    """All rows of all tables, and the columns of each."""
    engine = open_engine(url)
    found = {}
    for name in sorted(metadata.tables):
        found[name] = [tuple(column["name"] for column in sa.inspect(engine).get_columns(name))]
        found[name] += sorted(query(url, f"SELECT * FROM {name}"), key=repr)
    engine.dispose()
    return found


def test_everything_happens_and_nothing_is_written(database_url, caplog, capsys):
    run(database_url, [schema(), customer(1), customer(2), customer(3)])
    before = contents(database_url)
    capsys.readouterr()
    messages = (
        state("customers", None, LATER),
        schema(),
        customer(1),
        customer(2, updated_at=LATER, first_name="New"),
        customer(3, updated_at=LATER, email_marketing_state="UNSUBSCRIBED", email_marketing_updated_at=LATER),
        customer(4),
        customer(5, orders_count="many"),
        state("customers", LATER),
        schema("abandoned_checkouts"),
        checkout(1, 4),
        announced(),
        *(consent(number) for number in (1, 3, 4)),
        complete(),
    )
    told = dry_run(caplog, database_url, *messages)

    assert told == [
        BEGINNING,
        "consents: 1 customers that were known do not exist any more",
        "dry run, nothing was written: customers completed with rejections: 5 read; 1 inserted, 2 updated, 1 unchanged,"
        " 1 rejected; statuses: 1 subscribed, 1 unsubscribed",
        "dry run, nothing was written: checkouts completed: 1 read; 1 inserted",
        "dry run, nothing was written: consents completed: 3 read; 2 unchanged, 1 superseded; statuses: 1 unsubscribed",
    ]
    assert contents(database_url) == before
    assert capsys.readouterr().out == ""


def test_a_database_without_tables_gets_none_and_one_in_memory_stands_in(empty_database_url, caplog):
    told = dry_run(
        caplog, empty_database_url, schema(), customer(1), customer(2, email_marketing_state="NOT_SUBSCRIBED")
    )

    assert told == [
        IN_MEMORY,
        "dry run, nothing was written: customers completed: 2 read; 2 inserted; statuses: 1 subscribed, 1 unsubscribed",
    ]
    file = sa.make_url(empty_database_url).database
    if empty_database_url.startswith("sqlite"):
        assert not Path(str(file)).exists()
    else:
        engine = open_engine(empty_database_url)
        assert sa.inspect(engine).get_table_names() == []
        engine.dispose()


def test_a_schema_is_not_made(postgres_url, caplog):
    told = dry_run(caplog, postgres_url, schema(), customer(1), default_target_schema="marketing")

    assert told[0] == IN_MEMORY
    assert query(postgres_url, "SELECT count(*) FROM pg_namespace WHERE nspname = 'marketing'") == [(0,)]


def test_a_field_that_is_missing_is_told_and_its_values_are_checked(database_url, caplog):
    run(database_url, [schema(), customer(1)])
    before = contents(database_url)
    fields = [{"name": "size", "type": "integer"}, {"name": "orders_count", "type": "decimal"}]
    told = dry_run(
        caplog,
        database_url,
        schema(shoe={"type": ["integer", "null"]}),
        customer(1, updated_at=LATER, shoe=42),
        customer(2, shoe="wide"),
        contact_fields=fields,
        mappings=[
            {"source": "shoe", "field": "size"},
            *({"source": name, "field": name} for name in ("email", "phone", "orders_count")),
        ],
    )

    assert told[:3] == [
        BEGINNING,
        "dry run: would add the contact field `size` of type integer",
        "dry run: would change the contact field `orders_count` from type integer to decimal",
    ]
    assert told[-1] == (
        "dry run, nothing was written: customers completed with rejections: 2 read; 1 updated, 1 rejected"
    )
    assert contents(database_url) == before


def test_a_batch_beyond_the_limit_is_told_and_not_even_its_opt_outs_are_written(database_url, caplog):
    run(database_url, [schema(), customer(1), customer(2)])
    before = contents(database_url)
    later = {"updated_at": LATER, "email_marketing_updated_at": LATER}
    batch = [
        customer(1, email_marketing_state="NOT_SUBSCRIBED", **later),
        customer(2, email_marketing_state="UNSUBSCRIBED", **later),
    ]
    with pytest.raises(StatusLimitError) as caught:
        dry_run(caplog, database_url, schema(), *batch, options={"max_status_changes": 0})

    assert str(caught.value) == (
        "dry run, nothing was written: this batch would change 1 status (1 unsubscribed: `Shopify - no marketing"
        " consent`), more than the 0 that the option `max_status_changes` allows: of it only opt-outs and erasures are"
        " taken in. Look at `contactdb status`, then let it go on with `contactdb accept`; raising `max_status_changes`"
        " alone does not"
    )
    assert contents(database_url) == before


def test_an_error_of_the_settings_is_the_same_as_in_earnest(migrated_sqlite_url, caplog):
    run(migrated_sqlite_url, [schema(), customer(1)])
    with pytest.raises(ConfigError, match="settings `primary_key` and `unique_fields` differ"):
        dry_run(caplog, migrated_sqlite_url, schema(), primary_key="email")


def test_tables_of_another_version_are_left_as_they_are(migrated_sqlite_url, caplog):
    run(migrated_sqlite_url, [schema(), customer(1)])
    execute(migrated_sqlite_url, "UPDATE contactdb_version SET version_num = '0001'")
    with pytest.raises(DatabaseError, match="has tables of another version, and a dry run changes no table"):
        dry_run(caplog, migrated_sqlite_url, schema())

    assert query(migrated_sqlite_url, "SELECT version_num FROM contactdb_version") == [("0001",)]
