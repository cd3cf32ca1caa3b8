"""Several writers at once: no opt-out is lost between an import's reading and its writing."""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from target_contactdb.admin.acts import Act, tell_database
from target_contactdb.admin.connect import opened
from target_contactdb.consent_values import Status
from target_contactdb.engines import open_engine
from target_contactdb.operations import utc_now
from tests.target.singer import customer, query, run, schema

STATUSES = "SELECT user_code, email_status, email_status_source, first_name FROM contacts ORDER BY contact_id"
CHANGED = {"first_name": "Changed", "updated_at": "2026-10-02T00:00:00Z"}


WAITING = {
    "postgresql": "SELECT count(*) FROM pg_locks WHERE NOT granted",
    "mysql": "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'",
}


@pytest.fixture(params=["postgres", "mariadb"])
def server_url(request: pytest.FixtureRequest) -> str:
    """The URL of a contact database, once for each engine whose writers lock less than all of it."""
    url: str = request.getfixturevalue(f"migrated_{request.param}_url")
    return url


def _until_blocked(connection: sa.Connection, working: threading.Event) -> None:
    """Return once some other session waits for a lock that this connection's transaction holds."""
    waiting = sa.text(WAITING[connection.dialect.name])
    while not int(connection.execute(waiting).one()[-1]):
        assert not working.is_set(), "the import ended without waiting"


def test_an_opt_out_that_another_program_is_just_writing_is_not_overwritten(server_url):
    run(server_url, [schema(), customer(1), customer(2)])
    engine = open_engine(server_url)
    ended = threading.Event()

    def import_again() -> None:
        try:
            run(server_url, [schema(), customer(1, **CHANGED), customer(2, **CHANGED)])
        finally:
            ended.set()

    with ThreadPoolExecutor() as pool:
        with engine.begin() as other:
            other.execute(sa.text("UPDATE contacts SET email_status = 'unsubscribed' WHERE user_code = '1'"))
            importing = pool.submit(import_again)
            _until_blocked(other, ended)
        importing.result()
    engine.dispose()

    assert query(server_url, STATUSES) == [
        ("1", "unsubscribed", "person", "Changed"),
        ("2", "subscribed", "import", "Changed"),
    ]


def test_an_import_waits_for_a_local_act_and_sees_it(server_url):
    run(server_url, [schema(), customer(1)])
    ended = threading.Event()

    def import_again() -> None:
        try:
            run(server_url, [schema(), customer(1, **CHANGED)])
        finally:
            ended.set()

    with ThreadPoolExecutor() as pool:
        with opened(server_url, write=True) as database:
            tell_database(database, "1", Act(Status.UNSUBSCRIBED, "email"), utc_now())
            importing = pool.submit(import_again)
            _until_blocked(database.connection, ended)
        importing.result()

    assert query(server_url, STATUSES) == [("1", "unsubscribed", "person", "Changed")]


@pytest.mark.parametrize("shops", [("shop-a.myshopify.com", "shop-b.myshopify.com")])
def test_two_shops_at_once_agree_about_an_address_that_they_share(database_url, shops):
    run(database_url, [schema()])

    def feed(shop: str) -> None:
        number = 1 + shops.index(shop)
        said: dict[str, t.Any] = {"email": "shared@example.com"}
        if number == 2:
            said |= {"email_marketing_state": "UNSUBSCRIBED", "email_marketing_updated_at": "2026-09-02T00:00:00Z"}
        run(database_url, [schema(shop=shop), customer(number, **said)])

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(feed, shop) for shop in shops]:
            done.result()

    assert query(database_url, "SELECT DISTINCT email_status FROM contacts") == [("unsubscribed",)]
