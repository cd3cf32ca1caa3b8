"""The example of two shops in one contact database: what a person says to one of them holds for both."""

from __future__ import annotations

import contextlib
import shutil
import typing as t

import pytest

from shopify_sandbox.process import Sandbox, running_sandbox
from tests.end_to_end.project import REPOSITORY, Installation, Project
from tests.end_to_end.truth import operations, rows

NOW = "2026-11-01T12:00:00Z"
PERSON = {"email": "ann@example.com", "phone": None}
STATUSES = "SELECT shop, email_status, email_unsubscription_cause AS cause FROM contacts ORDER BY shop"


@contextlib.contextmanager
def _shop(name: str, *, before: int) -> t.Iterator[tuple[Sandbox, int]]:
    """Run a shop with one customer, whose id follows those of customers who are gone; give that id as well."""
    with running_sandbox(customers=0, checkouts=0, now=NOW, shop=f"{name}-shop.myshopify.com") as store:
        for _ in range(before):
            gone = store.control("POST", "customers", {})["id"]
            store.control("DELETE", f"customers/{gone}")
        number = store.control("POST", "customers", PERSON)["id"]
        store.control("POST", f"customers/{number}/consent", {"channel": "email", "state": "SUBSCRIBED"})
        store.control("POST", "checkouts", {"customer_id": number, "lines": 1})
        store.control("POST", "clock", {"advance_seconds": 3600})
        yield store, number


@pytest.fixture
def with_example(project: Project) -> t.Iterator[Project]:
    """The project with the example copied to where the example says."""
    shops = project.folder / "shops"
    shops.mkdir()
    shutil.copy(REPOSITORY / "examples" / "two-shops.yml", shops)
    yield project
    shutil.rmtree(shops)


def test_who_opts_out_in_one_shop_is_not_written_to_for_the_other(
    with_example: Project, mariadb_url: str, system_url: str
) -> None:
    with _shop("north", before=0) as (north, _), _shop("south", before=1) as (south, number):
        settings = {"TARGET_CONTACTDB_SQLALCHEMY_URL": mariadb_url, "MELTANO_DATABASE_URI": system_url}
        for name, store in (("NORTH", north), ("SOUTH", south)):
            settings |= {f"TAP_{name}_ACCESS_TOKEN": store.token, f"TAP_{name}_API_URL": store.url}
        installation = Installation(with_example, settings)

        installation.meltano("run", "sync-north", "sync-south").check()

        shops = [store.shop for store in (north, south)]
        assert rows(mariadb_url, STATUSES) == [
            {"shop": shop, "email_status": "subscribed", "cause": None} for shop in shops
        ]
        assert rows(mariadb_url, "SELECT shop, may_email FROM abandoned_checkout_node ORDER BY shop") == [
            {"shop": shop, "may_email": 1} for shop in shops
        ]

        south.control("POST", f"customers/{number}/consent", {"channel": "email", "state": "UNSUBSCRIBED"})
        south.control("POST", "clock", {"advance_seconds": 3600})
        installation.meltano("run", "sync-south").check()

    assert rows(mariadb_url, STATUSES) == [
        {"shop": shop, "email_status": "unsubscribed", "cause": "Shopify - opted out"} for shop in shops
    ]
    assert rows(mariadb_url, "SELECT shop, may_email FROM abandoned_checkout_node ORDER BY shop") == [
        {"shop": shop, "may_email": 0} for shop in shops
    ]
    assert sorted(one["kind"] for one in operations(mariadb_url)) == ["checkouts"] * 3 + ["customers"] * 3
