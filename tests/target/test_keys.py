"""Keys: what can be one, how two values compare, what a change would do; and that the database itself refuses."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from target_contactdb.database import open_database
from target_contactdb.engines import open_engine
from target_contactdb.errors import ConfigError
from target_contactdb.fields import ContactField, FieldType
from target_contactdb.key_index import computed_key, key_expression
from target_contactdb.keys import FieldPlan, Keys, Member, Merge, Survey, key_problems, normal_key, plan_change
from tests.target.singer import customer, query, run, schema

EMAIL = ContactField("email", FieldType.EMAIL)
PHONE = ContactField("phone", FieldType.PHONE)
CARD = ContactField("loyalty_card", FieldType.TEXT)
NUMBER = ContactField("member_number", FieldType.INTEGER)
TAGS = ContactField("tags", FieldType.LIST)
FIELDS = {field.name: field for field in (EMAIL, PHONE, CARD, NUMBER, TAGS)}
# Names as long as they may be, and alike up to the last letter.
LONG = [ContactField("a" * 62 + letter, FieldType.TEXT) for letter in "bc"]


def test_the_same_keys_may_be_written_in_another_order():
    assert Keys("email", ("phone", "loyalty_card")).is_same(Keys("email", ("loyalty_card", "email", "phone")))
    assert not Keys("email").is_same(Keys("user_code", ("email",)))


def test_every_problem_of_keys_is_told_with_the_nearest_right_name():
    assert key_problems(Keys("emial", ("tags", "phone", "user_code", "x")), FIELDS) == [
        "setting `primary_key`: there is no contact field `emial`; did you mean `email`?",
        "setting `unique_fields`: `tags` is of type list; a key is one of email, integer, phone, text",
        "setting `unique_fields`: there is no contact field `x`; `contactdb fields` lists them",
    ]


VALUES = [
    (EMAIL, "Ann@Example.COM", "ann@example.com"),
    (EMAIL, "Ünn@example.com", "Ünn@example.com"),
    (EMAIL, None, None),
    (PHONE, "+49 (170) 111-11.11/2", "4917011111112"),
    (PHONE, "+-", None),
    (CARD, "AbC ", "AbC "),
    (CARD, "", None),
    (CARD, "50%'s", "50%'s"),
    (NUMBER, 7, 7),
]


@pytest.mark.parametrize(("field", "value", "key"), VALUES)
def test_a_key_is_compared_in_its_normal_form(field, value, key):
    assert normal_key(field.type, value) == key


def test_the_database_computes_the_same_normal_form(database_url):
    engine = open_engine(database_url)
    database = open_database(engine, FIELDS.values(), keys=Keys("email", ("phone", "loyalty_card", "member_number")))
    contacts = database.contacts
    found = []
    with engine.connect() as connection:
        for field, value, _key in VALUES:
            now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
            row = {"created_at": now, "updated_at": now, field.name: value}
            connection.execute(sa.insert(contacts), row)
            for expression in (computed_key, key_expression):
                wanted = sa.select(expression(contacts, field, engine.dialect)).select_from(contacts)
                found.append(connection.execute(wanted).scalar_one())
            connection.rollback()
    engine.dispose()
    assert found == [key for _field, _value, key in VALUES for _expression in range(2)]


def test_the_database_itself_refuses_a_second_contact_with_a_key(database_url):
    run(
        database_url,
        [schema(), customer(1, email="Ann@example.com", phone="+49 1"), customer(2, email=None)],
        primary_key="email",
        unique_fields=["phone"],
    )
    engine = open_engine(database_url)
    contacts = open_database(engine).contacts
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    shared = {"created_at": now, "updated_at": now, "email_status": "none", "sms_status": "none"}
    for values in ({"email": "aNN@EXAMPLE.com"}, {"phone": "+491"}):
        with engine.connect() as connection, pytest.raises(sa.exc.IntegrityError):
            connection.execute(sa.insert(contacts).values(**shared, **values))
    with engine.begin() as connection:
        connection.execute(sa.insert(contacts), [{**shared, "email": None}, {**shared, "email": "änn@example.com"}])
    engine.dispose()


def test_names_of_any_length_can_be_keys(database_url):
    engine = open_engine(database_url)
    keys = Keys(LONG[0].name, (LONG[1].name,))
    assert open_database(engine, LONG, keys=keys).keys == keys
    assert open_database(engine).keys == keys
    engine.dispose()


def test_a_run_with_other_keys_stops_and_names_the_command(database_url):
    run(database_url, [schema(), customer(1)], unique_fields=["email"])
    with pytest.raises(ConfigError) as caught:
        run(database_url, [schema(), customer(2)], primary_key="email", unique_fields=["phone"])

    assert caught.value.problems == [
        "settings `primary_key` and `unique_fields` differ from the contact database, which has"
        " `--primary-key user_code --unique email`;"
        " `contactdb keys plan --primary-key email --unique phone` says what a change would do"
    ]
    assert query(database_url, "SELECT user_code FROM contacts") == [("1",)]


def test_a_key_of_a_new_database_must_be_a_contact_field(sqlite_url):
    with pytest.raises(ConfigError) as caught:
        run(sqlite_url, [schema(), customer(1)], primary_key="e_mail")

    assert caught.value.problems == ["setting `primary_key`: there is no contact field `e_mail`; did you mean `email`?"]


def seen(contact_id, day=None):
    return Member(contact_id, dt.datetime(2026, 1, day, tzinfo=dt.UTC) if day else None)


def test_contacts_that_share_the_new_primary_key_become_the_one_that_changed_last():
    groups = ((seen(1, 3), seen(4, 5), seen(2)), (seen(9), seen(8)))
    plan = plan_change(Keys(), Keys("email"), 10, [Survey("email", 2, 0, groups)])

    assert plan.merges == (Merge(4, (1, 2)), Merge(8, (9,)))
    assert plan.fields == (FieldPlan("email", "primary key", 2, 0, ((1, 2, 4), (8, 9))),)
    assert plan.obstacles == ()


def test_contacts_that_share_a_unique_field_stand_against_it_unless_they_become_one():
    emails = Survey("email", 0, 0, ((seen(1, 1), seen(2, 2)),))
    phones = Survey("phone", 0, 0, ((seen(1), seen(2)), (seen(1), seen(3)), (seen(2), seen(3), seen(4))))
    plan = plan_change(Keys(), Keys("email", ("phone",)), 4, [emails, phones])

    assert plan.fields[1].shared == ((2, 3, 4),)
    assert plan.obstacles == ("contacts share a value of `phone`, so it cannot be unique",)


def test_values_longer_than_a_key_stand_against_it():
    plan = plan_change(Keys(), Keys("loyalty_card"), 1, [Survey("loyalty_card", 0, 1, ())])

    assert plan.obstacles == ("`loyalty_card` holds values of more than 255 characters",)
