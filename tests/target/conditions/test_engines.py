"""A condition means the same as a Python predicate and as SQL, on every engine."""

from __future__ import annotations

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from target_contactdb.admin.connect import opened
from target_contactdb.admin.segment_fields import ContactColumns, catalogue, rows_of
from target_contactdb.conditions.check import Checker
from target_contactdb.conditions.predicate import to_predicate
from target_contactdb.conditions.sql import to_sql
from target_contactdb.conditions.tree import AnyOf, FieldTest, Op
from tests.target.conditions.people import CLOCK, conditions, fields, fill, records, single_tests


def by_predicate(people, checked):
    holds = to_predicate(checked, lambda field: lambda record: record.get(field.name), lambda one: one["has checkout"])
    return [record["contact_id"] for record in people if holds(record)]


def by_sql(database, checked):
    contacts = database.contacts
    statement = sa.select(contacts.c.contact_id).select_from(rows_of(contacts, checked))
    found = database.connection.execute(statement.where(to_sql(checked, ContactColumns(contacts))))
    return sorted(found.scalars())


def test_the_predicate_and_the_sql_of_a_condition_agree(database_url):
    fill(database_url, 40)
    with opened(database_url) as database:
        checker = Checker(catalogue(database), CLOCK)
        people = sorted(records(database), key=lambda record: record["contact_id"])
        for tree in (test for field in fields() for test in single_tests(field)):
            checked = checker.check(tree, "condition")
            assert by_sql(database, checked) == by_predicate(people, checked), tree

        @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(conditions())
        def agree(tree):
            checked = checker.check(tree, "condition")
            assert by_sql(database, checked) == by_predicate(people, checked)

        agree()


def test_a_condition_of_the_greatest_size_is_run(database_url):
    fill(database_url, 2)
    tree = AnyOf(tuple(FieldTest("a_text", Op.NE, (f"word {number}",)) for number in range(500)))
    with opened(database_url) as database:
        checked = Checker(catalogue(database), CLOCK).check(tree, "condition")
        assert by_sql(database, checked) == [1, 2]


def test_a_value_is_never_part_of_the_statement(sqlite_url):
    fill(sqlite_url, 1)
    with opened(sqlite_url) as database:
        checker, columns = Checker(catalogue(database), CLOCK), ContactColumns(database.contacts)
        for hostile in ("'; DROP TABLE contacts; --", '"', "\\", "%s", ":x", "a\x00b", "\U0001d4b3"):
            for name, op in (("a_text", Op.EQ), ("a_text", Op.CONTAINS), ("a_list", Op.EQ), ("a_email", Op.DOMAIN_IN)):
                checked = checker.check(FieldTest(name, op, (hostile,)), "condition")
                assert hostile not in str(to_sql(checked, columns).compile(database.connection))
                assert by_sql(database, checked) == []
