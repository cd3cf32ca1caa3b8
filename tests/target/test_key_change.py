"""Changing keys: whole or not at all, on every engine, whenever it is killed."""

from __future__ import annotations

import datetime as dt
import os
import signal

import pytest
import sqlalchemy as sa

from target_contactdb.admin.connect import opened
from target_contactdb.consent_values import Policy
from target_contactdb.database import open_database
from target_contactdb.engines import open_engine
from target_contactdb.fields import ContactField, FieldType
from target_contactdb.key_change import KeysNotSet, change_keys, plan_keys
from target_contactdb.keys import Keys
from target_contactdb.tables import contact_sources
from tests.target.singer import checkout, customer, execute, query, run, schema

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
BY_EMAIL = Keys("email", ("phone",))
CONTACTS = "SELECT user_code, email_status, sms_status FROM contacts ORDER BY user_code"
LINKS = (
    "SELECT s.customer_id, c.user_code FROM contact_sources s JOIN contacts c ON c.contact_id = s.contact_id ORDER BY 1"
)
CARTS = "SELECT k.id, c.user_code FROM checkouts k JOIN contacts c ON c.contact_id = k.contact_id ORDER BY 1"


def change(url: str, keys: Keys, *, merge: bool = False) -> None:
    """Change the keys, as `contactdb keys set` does."""
    with opened(url, tables=True) as database:
        change_keys(database.connection, database.database, keys, merge=merge, policy=Policy(), now=NOW)


def keys_of(url: str) -> Keys:
    """Return the keys that the next run finds."""
    engine = open_engine(url)
    try:
        return open_database(engine).keys
    finally:
        engine.dispose()


def seed(url: str) -> None:
    """Two customers of one address, of whom the older never agreed, and a third without an address."""
    never = {"email_marketing_state": "NOT_SUBSCRIBED", "email_marketing_updated_at": None}
    run(
        url,
        [
            schema(),
            customer(1, email="Ann@example.com", updated_at="2026-09-01T00:00:00Z", **never),
            customer(2, email="ann@example.com", phone="+491"),
            customer(3, email=None, email_marketing_state=None),
            schema("abandoned_checkouts"),
            checkout(7, 1),
            checkout(8, 2),
        ],
    )


BEFORE = [("1", "unsubscribed", "none"), ("2", "subscribed", "unsubscribed"), ("3", "none", "none")]
AFTER = [("2", "unsubscribed", "unsubscribed"), ("3", "none", "none")]


def test_contacts_of_one_address_become_one_with_the_stricter_status(database_url):
    seed(database_url)
    assert query(database_url, CONTACTS) == BEFORE
    ((gone,),) = query(database_url, "SELECT contact_id FROM contacts WHERE user_code = '1'")
    change(database_url, BY_EMAIL, merge=True)

    assert query(database_url, CONTACTS) == AFTER
    assert query(database_url, LINKS) == [(1, "2"), (2, "2"), (3, "3")]
    assert query(database_url, CARTS) == [(7, "2"), (8, "2")]
    assert query(database_url, "SELECT evidence FROM status_changes WHERE operation_id IS NULL") == [
        (f"became one with contact #{gone}, which has the same key",)
    ]
    assert keys_of(database_url) == BY_EMAIL


def test_after_a_change_everyone_is_decided_again(database_url):
    seed(database_url)
    change(database_url, BY_EMAIL, merge=True)
    run(database_url, [schema()], primary_key="email", unique_fields=["phone"])

    # The later customer agreed, and the other one only never did.
    assert query(database_url, CONTACTS) == [("2", "subscribed", "unsubscribed"), ("3", "none", "none")]


AGAINST = {
    Keys("email"): "contacts share a value of `email`; --merge makes one contact of each group",
    Keys("user_code", ("email",)): "contacts share a value of `email`, so it cannot be unique",
    Keys("first_name"): "`first_name` holds values of more than 255 characters",
}


def test_what_stands_against_a_change_is_told_and_nothing_is_changed(database_url):
    seed(database_url)
    run(database_url, [schema(), customer(4, first_name="x" * 256)])
    for keys, problem in AGAINST.items():
        with pytest.raises(KeysNotSet, match=problem):
            change(database_url, keys)
        assert keys_of(database_url) == Keys()

    assert query(database_url, CONTACTS)[:3] == BEFORE


def test_keys_can_be_changed_back_and_the_old_index_goes(database_url):
    seed(database_url)
    change(database_url, BY_EMAIL, merge=True)
    change(database_url, Keys())
    execute(database_url, "UPDATE contacts SET email = 'same@example.com', phone = '1'")

    assert keys_of(database_url) == Keys()


def die_at(moment: int) -> None:
    """Kill this process right before the statement of this number, of those that write."""
    left = [moment]

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def on_execute(_connection, _cursor, statement, *_rest):
        if not statement.lstrip().upper().startswith("SELECT"):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)


def killed(url: str, moment: int) -> bool:
    """Change the keys in another process that dies at a moment; false if it came to its end before."""
    process = os.fork()
    if process == 0:
        try:
            die_at(moment)
            change(url, BY_EMAIL, merge=True)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


def test_a_change_that_is_killed_at_any_step_is_whole_or_not_there(database_url):
    seed(database_url)
    found = []
    moment = 0
    while killed(database_url, moment):
        # The next run finishes what was begun, or finds nothing of it.
        found.append((keys_of(database_url), query(database_url, CONTACTS)))
        if found[-1][0] == BY_EMAIL:
            break
        moment += 1

    assert {(keys, tuple(rows)) for keys, rows in found} <= {(Keys(), tuple(BEFORE)), (BY_EMAIL, tuple(AFTER))}
    assert found[0] == (Keys(), BEFORE)
    change(database_url, BY_EMAIL, merge=True)
    assert (keys_of(database_url), query(database_url, CONTACTS)) == (BY_EMAIL, AFTER)
    assert query(database_url, "SELECT count(*) FROM database_state WHERE pending_keys IS NOT NULL") == [(0,)]


def test_planning_reads_each_contact_a_few_times_however_many_there_are(migrated_mariadb_url):
    count = 300
    engine = open_engine(migrated_mariadb_url)
    database = open_database(engine, [ContactField("email", FieldType.EMAIL)])
    row = {"created_at": NOW, "updated_at": NOW}
    with engine.begin() as connection:
        rows = [{**row, "email": f"person{number // 2}@example.com"} for number in range(count)]
        connection.execute(sa.insert(database.contacts), rows)
        ids = connection.execute(sa.select(database.contacts.c.contact_id)).scalars()
        source = {"shop": "shop", "owned": True, "first_seen_at": NOW}
        rows = [{**source, "customer_id": number, "contact_id": number} for number in ids]
        connection.execute(sa.insert(contact_sources), rows)
        before = _rows_read(connection)
        plan = plan_keys(connection, database, Keys("email"))
        read = _rows_read(connection) - before
    engine.dispose()

    assert len(plan.merges) == count / 2
    assert read < 20 * count


def _rows_read(connection):
    return sum(int(value) for _name, value in connection.execute(sa.text("SHOW SESSION STATUS LIKE 'Handler_read%'")))


def test_a_change_that_was_killed_between_its_steps_is_finished_from_every_one_of_them(mariadb_url):
    seed(mariadb_url)
    change(mariadb_url, BY_EMAIL, merge=True)
    pending = "UPDATE database_state SET primary_key = 'user_code', unique_fields = '[]', pending_keys = "
    wanted = """'{"primary_key": "email", "unique_fields": ["phone"]}'"""
    # Written down; with one index made; with both made. At last an index of another change is left over.
    for left in (["email", "phone"], ["phone"], []):
        for name in left:
            execute(mariadb_url, f"ALTER TABLE contacts DROP INDEX contacts_key_{name}")
            execute(mariadb_url, f"ALTER TABLE contacts DROP COLUMN _key_{name}")
        execute(mariadb_url, pending + wanted)
        assert keys_of(mariadb_url) == BY_EMAIL
    execute(mariadb_url, pending + "NULL")
    assert keys_of(mariadb_url) == Keys()
    execute(mariadb_url, "UPDATE contacts SET email = 'same@example.com', phone = '1'")


def test_a_begun_change_that_the_data_stands_against_is_taken_back(mariadb_url):
    seed(mariadb_url)
    execute(mariadb_url, """UPDATE database_state SET pending_keys = '{"primary_key": "email", "unique_fields": []}'""")

    assert keys_of(mariadb_url) == Keys()
    assert query(mariadb_url, CONTACTS) == BEFORE
    assert query(mariadb_url, "SELECT count(*) FROM database_state WHERE pending_keys IS NOT NULL") == [(0,)]
