"""Changing the keys of a contact database: planned from its data, and done whole or not at all."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from target_contactdb.contact_merge import Merging
from target_contactdb.errors import ConfigError, ContactDbError
from target_contactdb.fields import FieldType
from target_contactdb.key_index import computed_key
from target_contactdb.key_state import finish_change, keys_of, read_state
from target_contactdb.keys import KEY_LENGTH, Keys, Member, Survey, key_problems, plan_change
from target_contactdb.tables import contact_sources, database_state

if t.TYPE_CHECKING:
    import datetime as dt

    from target_contactdb.consent_values import Policy
    from target_contactdb.database import Database
    from target_contactdb.fields import ContactField
    from target_contactdb.keys import KeyPlan


class KeysNotSet(ContactDbError):
    """A change of keys cannot be made; the keys are as they were."""


def plan_keys(connection: sa.Connection, database: Database, after: Keys) -> KeyPlan:
    """Read the data and say what a change of keys would do.

    Raises:
        ConfigError: The keys that are wanted cannot be.
    """
    problems = key_problems(after, database.fields)
    if problems:
        raise ConfigError(problems)
    before = keys_of(read_state(connection)) or Keys()
    contacts = connection.execute(sa.select(sa.func.count()).select_from(database.contacts)).scalar_one()
    surveys = [_survey(connection, database.contacts, database.fields[name]) for name in after.indexed]
    return plan_change(before, after, contacts, surveys)


def change_keys(
    connection: sa.Connection, database: Database, after: Keys, *, merge: bool, policy: Policy, now: dt.datetime
) -> KeyPlan | None:
    """Change the keys.

    Args:
        connection: Of `changing_tables`, and locked for writing.
        database: The contact database.
        after: The keys that are wanted.
        merge: Whether contacts that share the new primary key may become one.
        policy: The consent options; only the protected causes matter.
        now: The time of this write, UTC.

    Returns:
        What was done; None = the keys are these already, and there was nothing to do.

    Raises:
        ConfigError: The keys that are wanted cannot be.
        KeysNotSet: The data stands against it.
    """
    before = keys_of(read_state(connection))
    finish_change(connection, database.fields)
    if before is not None and before.is_same(after):
        return None
    plan = plan_keys(connection, database, after)
    if plan.obstacles:
        msg = f"the keys stay as they are: {'; '.join(plan.obstacles)}; see `contactdb keys plan {after.arguments}`"
        raise KeysNotSet(msg)
    if plan.merges and not merge:
        msg = (
            f"the keys stay as they are: contacts share a value of `{after.primary_key}`; --merge makes one contact"
            f" of each group, see `contactdb keys plan {after.arguments}`"
        )
        raise KeysNotSet(msg)
    Merging(connection, database, policy, now).run(plan.merges)
    pending = {"primary_key": after.primary_key, "unique_fields": list(after.unique_fields)}
    connection.execute(sa.update(database_state).values(pending_keys=pending))
    if finish_change(connection, database.fields) != after:
        msg = "the keys stay as they are: another program wrote contacts meanwhile that share a value; try again"
        raise KeysNotSet(msg)
    return plan


def _survey(connection: sa.Connection, contacts: sa.Table, field: ContactField) -> Survey:
    value = computed_key(contacts, field, connection.dialect)
    measure = sa.func.length if connection.dialect.name == "sqlite" else sa.func.char_length
    length = measure(sa.cast(value, sa.Text) if field.type is FieldType.INTEGER else value)
    long = sa.case((length > KEY_LENGTH, 1))
    counts = sa.select(sa.func.count(), sa.func.count(value), sa.func.count(long)).select_from(contacts)
    total, filled, too_long = connection.execute(counts).one()
    # Each contact is read once. MariaDB and MySQL would answer `value IN (...)` anew for each of them.
    sharing = sa.func.count().over(partition_by=value).label("sharing")
    holders = (
        sa.select(value.label("key"), contacts.c.contact_id, sharing).where(value.is_not(None)).subquery("holders")
    )
    seen_at = (
        sa.select(sa.func.max(contact_sources.c.source_updated_at))
        .where(contact_sources.c.contact_id == holders.c.contact_id)
        # Soon after a large import its statistics are still those of an empty table.
        .with_hint(contact_sources, "FORCE INDEX (ix_contact_sources_contact_id)", "mysql")
        .scalar_subquery()
    )
    members = (
        sa.select(holders.c.key, holders.c.contact_id, seen_at)
        .where(holders.c.sharing > 1)
        .order_by(holders.c.contact_id)
    )
    groups: dict[t.Any, list[Member]] = {}
    for key, contact_id, newest in connection.execute(members):
        groups.setdefault(key, []).append(Member(contact_id, newest))
    return Survey(field.name, total - filled, too_long, tuple(tuple(group) for group in groups.values()))
