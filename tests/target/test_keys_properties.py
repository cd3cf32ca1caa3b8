"""Whatever a shop sends with the e-mail address as key: one contact for each address, and no no is forgotten."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import tempfile
import typing as t
from functools import partial
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from target_contactdb.causes import DEFAULT_CAUSES, DEFAULT_PROTECTED
from target_contactdb.consent_values import Policy
from target_contactdb.contact_import import ContactImport
from target_contactdb.database import open_database
from target_contactdb.dialects import loader_for
from target_contactdb.engines import open_engine
from target_contactdb.keys import Keys
from target_contactdb.mapping import compile_mappings
from target_contactdb.operations import Kind, start_operation
from tests.target.singer import CUSTOMER_PROPERTIES, SHOP, customer, query

START = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
POLICY = Policy(protected_causes=frozenset(DEFAULT_PROTECTED), discarded_cause="discarded")
STATES = ("SUBSCRIBED", "SUBSCRIBED", "UNSUBSCRIBED", "PENDING", "NOT_SUBSCRIBED", "INVALID", "REDACTED")
TABLES = ("contacts", "contact_sources", "suppressions", "status_changes", "tombstones")

moments = st.integers(0, 9).map(lambda day: (START + dt.timedelta(days=day)).isoformat())
people = st.fixed_dictionaries(
    {
        "updated_at": moments,
        "email": st.sampled_from(["ann@x.example", "ANN@x.example", "bob@x.example", "cleo@x.example", None]),
        "email_marketing_state": st.sampled_from(STATES),
        "email_marketing_updated_at": st.none() | moments,
        "phone": st.sampled_from([None, "+491", "+492"]),
        "sms_marketing_state": st.sampled_from(STATES[:-1]),
        "sms_marketing_updated_at": st.none() | moments,
    }
)
batches = st.lists(st.tuples(st.integers(1, 5), people), min_size=1, max_size=6, unique_by=lambda one: one[0])


def with_sense(said: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return what a record says: nothing of a channel without an address on it, but that everything is erased."""
    silent = {} if said["phone"] else {"sms_marketing_state": None, "sms_marketing_updated_at": None}
    if not said["email"] and said["email_marketing_state"] != "REDACTED":
        silent |= {"email_marketing_state": None, "email_marketing_updated_at": None}
    return {**said, **silent}


def dump(url: str) -> dict[str, list[tuple[t.Any, ...]]]:
    """Return all rows that an import may write, but for the log of the import itself."""
    return {table: sorted(query(url, f"SELECT * FROM {table}"), key=repr) for table in TABLES}


def changed(before: dict[str, list[tuple[t.Any, ...]]], after: dict[str, list[tuple[t.Any, ...]]]) -> list[t.Any]:
    """Return the rows that differ."""
    return [(table, set(before[table]) ^ set(after[table])) for table in TABLES if before[table] != after[table]]


def comes_to_rest(url: str, write: t.Callable[[], None]) -> bool:
    """Tell whether writing a batch again soon changes nothing.

    A word that a later record of the batch took back, or erased, is missed the second time; and what one customer of a
    contact said is told to the others the time after.
    """
    for _ in range(3):
        before = dump(url)
        write()
        if not changed(before, dump(url)):
            return True
    return False


def broken_promises(url: str) -> dict[str, list[tuple[t.Any, ...]]]:
    """Return what must never be, by what it would break; empty lists where all is well."""
    questions = {
        "one contact for each key": "SELECT lower(email) FROM contacts GROUP BY 1 HAVING count(*) > 1 OR email IS NULL",
        "a source has its contact": (
            "SELECT customer_id FROM contact_sources WHERE contact_id NOT IN (SELECT contact_id FROM contacts)"
        ),
        "a contact has the code of a source": (
            "SELECT contact_id FROM contacts c WHERE NOT EXISTS (SELECT 1 FROM contact_sources s"
            " WHERE s.contact_id = c.contact_id AND CAST(s.customer_id AS TEXT) = c.user_code)"
        ),
        "nobody is contactable on a closed address": (
            "SELECT contact_id FROM contacts JOIN suppressions ON lifted_at IS NULL AND"
            " (channel = 'email' AND address_hash = email_address_hash AND email_status = 'subscribed'"
            " OR channel = 'sms' AND address_hash = sms_address_hash AND sms_status = 'subscribed')"
        ),
    }
    return {promise: query(url, question) for promise, question in questions.items()}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(batches, min_size=1, max_size=4))
def test_any_stream_leaves_one_contact_for_each_address_and_no_closed_address_contactable(migrated_file, stream):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(migrated_file, folder)
        url = f"sqlite:///{Path(folder) / migrated_file.name}"
        engine = open_engine(url)
        mappings = compile_mappings(CUSTOMER_PROPERTIES, (), ())
        fields = [filled.field for filled in mappings]
        database = open_database(engine, fields, DEFAULT_CAUSES, POLICY.protected_causes, Keys("email"))
        started = start_operation(engine, Kind.CUSTOMERS, SHOP, "")
        logger = logging.getLogger(__name__)
        load = ContactImport(database, loader_for(engine), POLICY, mappings, "", "customers", SHOP, started, logger)
        written = 0

        def write(lines: list[bytes]) -> None:
            nonlocal written
            written += len(lines)
            load.write(lines)

        for batch in stream:
            lines = [msgspec.json.encode(customer(number, **with_sense(said))["record"]) for number, said in batch]
            write(lines)
            assert not any(broken_promises(url).values()), broken_promises(url)
            assert comes_to_rest(url, partial(write, lines))
            assert not any(broken_promises(url).values()), broken_promises(url)
        engine.dispose()
        counted = (
            "SELECT records_read - inserted - updated - unchanged - discarded - rejected - superseded - suppressed"
        )
        assert query(url, f"{counted} - erased, records_read FROM operations") == [(0, written)]
