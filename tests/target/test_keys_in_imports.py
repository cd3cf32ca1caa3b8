"""Imports where contact fields are keys: whose contact a record is, what is rejected, and what moves."""

from __future__ import annotations

import contextlib
import logging
import typing as t

import msgspec
import pytest
import sqlalchemy as sa

from target_contactdb.consent_values import Policy
from target_contactdb.contact_import import ContactImport
from target_contactdb.database import open_database
from target_contactdb.dialects import loader_for
from target_contactdb.engines import open_engine
from target_contactdb.errors import ConfigError, DatabaseError
from target_contactdb.mapping import compile_mappings
from target_contactdb.operations import Kind, start_operation
from tests.target.singer import (
    CUSTOMER_PROPERTIES,
    SHOP,
    checkout,
    customer,
    execute,
    query,
    refuse_writes,
    run,
    schema,
)

OTHER_SHOP = "shop-b.myshopify.com"
LATER, LATEST = "2026-10-02T00:00:00Z", "2026-10-03T00:00:00Z"
NO: dict[str, t.Any] = {"email_marketing_state": "UNSUBSCRIBED", "email_marketing_updated_at": "2026-09-05T00:00:00Z"}
NEVER: dict[str, t.Any] = {"email_marketing_state": "NOT_SUBSCRIBED", "email_marketing_updated_at": None}
CONTACTS = "SELECT user_code, email, first_name, email_status FROM contacts ORDER BY user_code"
LINKS = (
    "SELECT s.customer_id, c.user_code, s.owned FROM contact_sources s"
    " JOIN contacts c ON c.contact_id = s.contact_id ORDER BY 1"
)
COUNTS = (
    "SELECT state, records_read, inserted, updated, unchanged, rejected, superseded, suppressed, erased"
    " FROM operations ORDER BY operation_id"
)
REJECTED = 'SELECT "key", reason FROM operation_records ORDER BY record_id'
TABLES = ("contacts", "contact_sources", "suppressions", "status_changes", "checkouts")


def by_email(url: str, *customers: dict[str, t.Any], shop: str = SHOP, **config: t.Any) -> None:
    """Import customers of a shop into a database whose primary key is the e-mail address."""
    run(url, [schema(shop=shop), *customers], primary_key="email", **config)


def unique_phone(url: str, *customers: dict[str, t.Any]) -> None:
    """Import customers into a database where a phone number belongs to one contact only."""
    run(url, [schema(), *customers], unique_fields=["phone"])


@pytest.mark.parametrize(
    "keys", [{"primary_key": "email"}, {"unique_fields": ["email", "phone", "first_name"]}], ids=str
)
def test_contacts_are_looked_up_by_the_index_of_a_key(sqlite_url, keys):
    read: list[str] = []

    def explain(_connection: t.Any, cursor: t.Any, statement: str, values: t.Any, *_others: t.Any) -> None:
        if statement.startswith("SELECT"):
            read.extend(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall())

    sa.event.listen(sa.Engine, "before_cursor_execute", explain)
    try:
        # The second of each pair of customers has the address of the first, so that both roads are taken.
        run(sqlite_url, [schema(), customer(1), customer(2), customer(3, email="person2@example.com")], **keys)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", explain)

    searched = [one for one in read if "contacts_key_" in one]
    assert any("by_key USING" in one for one in searched)
    assert [one for one in read if one.startswith("SCAN by_key")] == []


@contextlib.contextmanager
def importing(url: str) -> t.Iterator[ContactImport]:
    """Begin an import into a database, batch by batch."""
    engine = open_engine(url)
    mappings = compile_mappings(CUSTOMER_PROPERTIES, (), ())
    operation_id = start_operation(engine, Kind.CUSTOMERS, SHOP, "")
    logger = logging.getLogger(__name__)
    database, loader = open_database(engine), loader_for(engine)
    yield ContactImport(database, loader, Policy(), mappings, "", "customers", SHOP, operation_id, logger)
    engine.dispose()


def phones(url: str) -> list[tuple[t.Any, ...]]:
    """Return who has which phone number."""
    return query(url, "SELECT user_code, phone FROM contacts ORDER BY contact_id")


def test_two_customers_of_one_address_are_two_sources_of_one_contact(database_url):
    by_email(database_url, customer(1, email="Ann@example.com"), customer(2, email="ann@EXAMPLE.com"), customer(3))

    # Both were changed in the same second: the later in the stream is written, as it writes the address.
    assert query(database_url, CONTACTS) == [
        ("1", "ann@EXAMPLE.com", "Name2", "subscribed"),
        ("3", "person3@example.com", "Name3", "subscribed"),
    ]
    assert query(database_url, LINKS) == [(1, "1", 1), (2, "1", 0), (3, "3", 1)]
    assert query(database_url, COUNTS) == [("completed", 3, 2, 1, 0, 0, 0, 0, 0)]


def test_a_customer_of_another_shop_joins_the_contact_of_its_address(database_url):
    by_email(database_url, customer(1, email="ann@example.com"))
    by_email(database_url, customer(7, email="ANN@example.com", updated_at=LATER), shop=OTHER_SHOP)

    assert query(database_url, CONTACTS) == [("1", "ANN@example.com", "Name7", "subscribed")]
    assert query(database_url, LINKS) == [(1, "1", 1), (7, "1", 0)]


def test_the_source_that_was_changed_last_writes_the_fields(database_url):
    by_email(database_url, customer(1, email="ann@example.com", updated_at=LATER))
    by_email(database_url, customer(2, email="ann@example.com"))
    assert query(database_url, CONTACTS) == [("1", "ann@example.com", "Name1", "subscribed")]

    by_email(database_url, customer(2, email="ann@example.com", first_name="Newest", updated_at=LATEST))
    assert query(database_url, CONTACTS) == [("1", "ann@example.com", "Newest", "subscribed")]


def test_the_same_input_twice_writes_no_row_the_second_time(database_url):
    people = [
        customer(1, email="ann@example.com", phone="+491", sms_marketing_state="SUBSCRIBED"),
        customer(2, email="ann@example.com", phone="+492", sms_marketing_state="SUBSCRIBED"),
        customer(3, email="ann@example.com", **NO),
        customer(4, email="bob@example.com", email_marketing_state="INVALID"),
        customer(5, email="bob@example.com"),
        customer(6, email="cleo@example.com", **NEVER),
        customer(7, email="cleo@example.com"),
        customer(8, email=None, email_marketing_state=None),
    ]
    by_email(database_url, *people)
    before = {table: query(database_url, f"SELECT * FROM {table}") for table in TABLES}
    refuse_writes(database_url, *TABLES)

    by_email(database_url, *people)

    assert {table: query(database_url, f"SELECT * FROM {table}") for table in TABLES} == before
    assert query(database_url, COUNTS)[1] == ("completed with rejections", 8, 0, 0, 7, 1, 0, 0, 0)
    assert query(database_url, "SELECT user_code, email_status FROM contacts ORDER BY contact_id") == [
        ("1", "unsubscribed"),
        ("4", "unsubscribed"),
        ("6", "subscribed"),
    ]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (NEVER, "subscribed"),
        ({"email_marketing_state": "PENDING"}, "subscribed"),
        (NO, "unsubscribed"),
        # It said no before the other customer said yes.
        ({**NO, "email_marketing_updated_at": "2026-08-01T00:00:00Z"}, "subscribed"),
        ({"email_marketing_state": "INVALID"}, "unsubscribed"),
    ],
)
def test_of_two_sources_the_stricter_counts_but_never_agreeing_takes_no_yes_away(migrated_sqlite_url, said, status):
    one, other = customer(1, email="ann@example.com"), customer(2, email="ann@example.com", **said)
    by_email(migrated_sqlite_url, one)
    by_email(migrated_sqlite_url, other)
    assert query(migrated_sqlite_url, CONTACTS)[0][3] == status

    by_email(migrated_sqlite_url, one, other)
    assert query(migrated_sqlite_url, CONTACTS)[0][3] == status


def test_a_record_without_its_key_is_rejected_and_kept(database_url):
    bare = customer(3)
    del bare["record"]["email"]
    by_email(database_url, customer(1, email=None), customer(2, email="x" * 256), bare)

    assert query(database_url, CONTACTS) == []
    assert query(database_url, REJECTED) == [
        ("1", "the primary key `email` is empty"),
        ("2", "field `email` is longer than 255 characters"),
        ("3", "the primary key `email` is empty"),
    ]
    assert query(database_url, "SELECT count(*) FROM operation_records WHERE record IS NULL") == [(0,)]


def test_a_text_that_is_too_long_for_a_key_is_rejected(database_url):
    run(database_url, [schema(), customer(1, first_name="x" * 256)], primary_key="first_name")

    assert query(database_url, REJECTED) == [("1", "the primary key `first_name` is longer than 255 characters")]


def test_a_contact_follows_an_opt_out_though_its_record_is_rejected_and_keeps_its_key(database_url):
    by_email(database_url, customer(1, email="ann@example.com", phone="+491", sms_marketing_state="SUBSCRIBED"))
    gone = {"email": None, "email_marketing_state": None, "phone": "+491", "sms_marketing_state": "UNSUBSCRIBED"}
    by_email(database_url, customer(1, first_name="New", updated_at=LATER, **gone))

    columns = "SELECT email, first_name, sms_status FROM contacts"
    assert query(database_url, columns) == [("ann@example.com", "Name1", "unsubscribed")]
    assert query(database_url, REJECTED) == [("1", "the primary key `email` is empty")]


def test_a_record_that_does_not_carry_the_key_keeps_it(database_url):
    by_email(database_url, customer(1, email="ann@example.com"))
    bare = customer(1, first_name="New", updated_at=LATER)
    del bare["record"]["email"]
    by_email(database_url, bare)

    assert query(database_url, CONTACTS) == [("1", "ann@example.com", "New", "subscribed")]


def test_a_changed_key_moves_the_row(database_url):
    by_email(database_url, customer(1, email="ann@example.com"))
    by_email(database_url, customer(1, email="new@example.com", updated_at=LATER))

    assert query(database_url, "SELECT contact_id, user_code, email FROM contacts") == [(1, "1", "new@example.com")]
    assert query(database_url, COUNTS)[1] == ("completed", 1, 0, 1, 0, 0, 0, 0, 0)


def test_a_source_whose_key_changes_leaves_a_contact_that_has_others(database_url):
    by_email(database_url, customer(1, email="ann@example.com"), customer(2, email="ann@example.com"))
    run(database_url, [schema("abandoned_checkouts"), checkout(7, 1), checkout(8, 2)])
    # What is never written again is written for a contact that is new.
    name = {"source": "first_name", "field": "first_name", "update": "never"}
    mappings = [{"source": "email", "field": "email"}, name]
    by_email(database_url, customer(1, email="new@example.com", updated_at=LATER), mappings=mappings)

    assert query(database_url, CONTACTS) == [
        ("1", "new@example.com", "Name1", "subscribed"),
        ("2", "ann@example.com", "Name2", "subscribed"),
    ]
    assert query(database_url, LINKS) == [(1, "1", 1), (2, "2", 1)]
    carts = "SELECT k.id, c.user_code FROM checkouts k JOIN contacts c ON c.contact_id = k.contact_id ORDER BY 1"
    assert query(database_url, carts) == [(7, "1"), (8, "2")]


def test_a_contact_that_an_import_made_stays_one_when_the_source_that_it_was_made_for_leaves(database_url):
    by_email(database_url, customer(1, email="ann@example.com"))
    by_email(database_url, customer(11, email="ann@example.com"), shop=OTHER_SHOP)
    by_email(database_url, customer(1, email="new@example.com", updated_at=LATER))

    by_email(database_url, customer(11, email="ann@example.com", updated_at=LATEST, **NEVER), shop=OTHER_SHOP)

    assert query(database_url, "SELECT email, email_status FROM contacts ORDER BY contact_id") == [
        ("ann@example.com", "unsubscribed"),
        ("new@example.com", "subscribed"),
    ]


def test_a_contact_that_another_program_made_is_not_owned_by_a_source_that_joins_it(database_url):
    run(database_url, [schema()], primary_key="email")
    names = "email, email_status, created_at, updated_at"
    execute(
        database_url,
        f"INSERT INTO contacts ({names}) VALUES ('ann@example.com', 'subscribed', '2026-01-01', '2026-01-01')",
    )
    by_email(database_url, customer(1, email="ann@example.com"), customer(2, email="ann@example.com"))
    by_email(database_url, customer(1, email="new@example.com", updated_at=LATER))

    assert query(database_url, "SELECT customer_id, owned FROM contact_sources ORDER BY customer_id") == [
        (1, 1),
        (2, 0),
    ]


def test_an_opt_out_that_another_customers_later_yes_has_answered_is_not_written_again(database_url):
    no = customer(1, email="ann@example.com", **NO)
    by_email(database_url, no)
    yes = {"email_marketing_state": "SUBSCRIBED", "email_marketing_updated_at": "2026-09-20T00:00:00Z"}
    by_email(database_url, customer(2, email="ann@example.com", updated_at=LATER, **yes))
    before = query(database_url, "SELECT * FROM contacts")

    by_email(database_url, no)

    assert query(database_url, "SELECT * FROM contacts") == before
    assert query(database_url, COUNTS)[-1] == ("completed", 1, 0, 0, 1, 0, 0, 0, 0)


def test_the_persons_own_no_goes_along_with_a_source_that_leaves(database_url):
    by_email(database_url, customer(1, email="ann@example.com"), customer(2, email="ann@example.com"))
    execute(database_url, "UPDATE contacts SET email_status = 'unsubscribed', email_unsubscription_cause = 'person'")
    by_email(database_url, customer(1, email="new@example.com", updated_at=LATER))

    assert query(database_url, "SELECT email, email_status FROM contacts ORDER BY contact_id") == [
        ("ann@example.com", "unsubscribed"),
        ("new@example.com", "unsubscribed"),
    ]


def test_a_source_whose_new_key_another_contact_holds_moves_there_and_its_old_contact_becomes_one_with_it(database_url):
    by_email(database_url, customer(1, email="ann@example.com"), customer(2, email="bob@example.com", **NO))
    run(database_url, [schema("abandoned_checkouts"), checkout(7, 1)])
    by_email(database_url, customer(1, email="Bob@example.com", updated_at=LATER))

    # Bob's no is later than the yes that came along.
    assert query(database_url, CONTACTS) == [("2", "Bob@example.com", "Name1", "unsubscribed")]
    assert query(database_url, LINKS) == [(1, "2", 0), (2, "2", 1)]
    cart = "SELECT user_code FROM checkouts k JOIN contacts c ON c.contact_id = k.contact_id"
    assert query(database_url, cart) == [("2",)]


def test_a_source_moves_to_the_holder_of_its_new_key_and_leaves_the_others_behind(database_url):
    by_email(
        database_url,
        customer(1, email="ann@example.com"),
        customer(2, email="ann@example.com"),
        customer(3, email="bob@example.com"),
    )
    by_email(database_url, customer(1, email="bob@example.com", updated_at=LATER))

    assert query(database_url, CONTACTS) == [
        ("2", "ann@example.com", "Name2", "subscribed"),
        ("3", "bob@example.com", "Name1", "subscribed"),
    ]
    assert query(database_url, LINKS) == [(1, "3", 0), (2, "2", 1), (3, "3", 1)]


def test_two_customers_who_swap_addresses_within_a_batch_end_as_one_by_one(database_url):
    by_email(database_url, customer(1, email="ann@example.com"), customer(2, email="bob@example.com"))
    by_email(
        database_url,
        customer(1, email="bob@example.com", updated_at=LATER),
        customer(2, email="ann@example.com", updated_at=LATER),
    )

    assert query(database_url, CONTACTS) == [
        ("1", "bob@example.com", "Name1", "subscribed"),
        ("2", "ann@example.com", "Name2", "subscribed"),
    ]
    assert query(database_url, LINKS) == [(1, "1", 1), (2, "2", 1)]


def test_a_value_of_a_unique_field_that_another_contact_holds_is_rejected(database_url):
    unique_phone(database_url, customer(1, phone="+49 1"))
    unique_phone(database_url, customer(2, phone="+49-1"), customer(3, phone="+49 3"), customer(4, phone="+493"))

    assert phones(database_url) == [("1", "+49 1"), ("3", "+49 3")]
    ((third,),) = query(database_url, "SELECT contact_id FROM contacts WHERE user_code = '3'")
    assert sorted(query(database_url, REJECTED)) == [
        ("2", "the unique field `phone` is held by contact #1"),
        ("4", f"the unique field `phone` is held by contact #{third}"),
    ]


def test_a_value_that_was_given_up_earlier_in_the_batch_is_free(database_url):
    unique_phone(database_url, customer(1, phone="+491"), customer(2, phone="+492"), customer(3, phone="+493"))
    unique_phone(
        database_url,
        customer(2, phone=None, updated_at=LATER),
        customer(1, phone="+492", updated_at=LATER),
        customer(3, phone="+491", updated_at=LATER),
    )

    assert phones(database_url) == [("1", "+492"), ("2", None), ("3", "+491")]


def test_a_swap_of_unique_values_is_rejected_on_both_sides(database_url):
    unique_phone(database_url, customer(1, phone="+491"), customer(2, phone="+492"))
    swapped = [
        customer(1, phone="+492", first_name="Swapped", updated_at=LATER),
        customer(2, phone="+491", first_name="Swapped", updated_at=LATER, **NO),
    ]
    unique_phone(database_url, *swapped)

    assert phones(database_url) == [("1", "+491"), ("2", "+492")]
    assert query(database_url, "SELECT first_name, email_status FROM contacts ORDER BY contact_id") == [
        ("Name1", "subscribed"),
        ("Name2", "unsubscribed"),
    ]
    assert query(database_url, REJECTED) == [
        ("1", "the unique field `phone` is held by contact #2"),
        ("2", "the unique field `phone` is held by contact #1"),
    ]


def test_a_contact_that_is_erased_in_a_batch_gives_its_key_up_and_its_address_stays_closed(database_url):
    by_email(database_url, customer(1, email="ann@example.com"), customer(2, email="bob@example.com"))
    by_email(
        database_url,
        customer(1, email="ann@example.com", email_marketing_state="REDACTED", updated_at=LATER),
        customer(2, email="ann@example.com", updated_at=LATER),
    )

    assert query(database_url, CONTACTS) == [("2", "bob@example.com", "Name2", "subscribed")]
    assert query(database_url, REJECTED) == [("2", "the primary key `email` is an address that was erased")]


def test_two_sources_of_a_contact_go_on_by_user_code(database_url):
    one, other = customer(1, email="ann@example.com"), customer(2, email="ann@example.com")
    by_email(database_url, one, other)
    execute(database_url, "UPDATE database_state SET primary_key = 'user_code'")
    changed = customer(2, email="ann@example.com", first_name="New", updated_at=LATER)
    run(database_url, [schema(email_valid={"type": "boolean"}), one, changed])

    assert query(database_url, CONTACTS) == [("1", "ann@example.com", "New", "subscribed")]


@pytest.mark.parametrize(
    ("record", "row"),
    [
        # What one source lacks takes nothing from what the other one said.
        (
            customer(1, email="ann@example.com", updated_at=LATEST, **NEVER),
            ("1", "ann@example.com", "Name1", "subscribed"),
        ),
        # The other source was changed later in Shopify: its fields stay.
        (customer(1, email="ann@example.com", first_name="Old"), ("1", "ann@example.com", "Name2", "subscribed")),
    ],
)
def test_a_contact_that_an_earlier_key_left_with_two_sources_is_decided_by_both(database_url, record, row):
    by_email(database_url, customer(1, email="ann@example.com"), customer(2, email="ann@example.com", updated_at=LATER))
    execute(database_url, "UPDATE database_state SET primary_key = 'user_code'")

    run(database_url, [schema(), record])

    assert query(database_url, CONTACTS) == [row]


def test_an_import_stops_if_the_keys_are_changed_between_two_batches(database_url):
    by_email(database_url, customer(1))
    with importing(database_url) as batches:
        batches.write([msgspec.json.encode(customer(2)["record"])])
        execute(database_url, "UPDATE database_state SET primary_key = 'phone'")
        with pytest.raises(DatabaseError, match="the keys of the contact database were changed meanwhile: run again"):
            batches.write([msgspec.json.encode(customer(3)["record"])])

    assert query(database_url, "SELECT user_code FROM contacts ORDER BY contact_id") == [("1",), ("2",)]


def test_a_key_field_keeps_its_type(migrated_sqlite_url):
    by_email(migrated_sqlite_url, customer(1))
    with pytest.raises(ConfigError, match="`email` is a key of the database, and so keeps its type email"):
        by_email(migrated_sqlite_url, customer(1), contact_fields=[{"name": "email", "type": "text"}])


@pytest.mark.parametrize("config", [{}, {"primary_key": "email"}])
def test_a_record_that_erases_a_contact_erases_it_though_it_names_a_new_address(migrated_sqlite_url, config):
    run(migrated_sqlite_url, [schema(), customer(1, email="ann@example.com")], **config)
    erasing = customer(1, email="new@example.com", email_marketing_state="REDACTED", updated_at=LATER)
    run(migrated_sqlite_url, [schema(), erasing], **config)

    assert query(migrated_sqlite_url, "SELECT count(*) FROM contacts") == [(0,)]
    assert query(migrated_sqlite_url, "SELECT erased FROM operations ORDER BY operation_id") == [(0,), (1,)]
