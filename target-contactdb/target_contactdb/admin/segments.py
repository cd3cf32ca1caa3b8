"""Segments: the contacts that a condition names, and the saved ones with who entered and who left."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from target_contactdb.admin.segment_fields import ContactColumns, catalogue, rows_of
from target_contactdb.conditions.check import Checker
from target_contactdb.conditions.sql import to_sql
from target_contactdb.conditions.times import Clock
from target_contactdb.conditions.tree import InSegment, walk
from target_contactdb.conditions.words import nearest
from target_contactdb.dialects.base import staging_table
from target_contactdb.errors import ConfigError
from target_contactdb.tables import BIG_ID, segment_members, segments

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from target_contactdb.admin.connect import Opened
    from target_contactdb.conditions.tree import Condition

_LONGEST_NAME: t.Final = 255


@dataclass(frozen=True, slots=True)
class Segment:
    """A saved segment.

    Attributes:
        segment_id: Its id.
        name: Its name.
        definition: Its condition, as it was written.
        timezone: Where its dates begin.
        created_at: When it was saved.
        evaluated_at: When its members were written last.
        members: How many there were then.
    """

    segment_id: int
    name: str
    definition: str
    timezone: str
    created_at: dt.datetime
    evaluated_at: dt.datetime | None
    members: int | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation of a saved segment found."""

    name: str
    members: int
    entered: int
    left: int


@dataclass(frozen=True, slots=True)
class Saving(Evaluation):
    """What came of saving a segment: its first evaluation, and what it replaced.

    Attributes:
        was: The condition that the name had before; None = the name is new.
        was_timezone: Where the dates of that condition began.
        same: The condition and its time zone are what they were before.
    """

    was: str | None
    was_timezone: str | None
    same: bool


def saved(database: Opened) -> dict[str, Segment]:
    """Return all saved segments, by name."""
    rows = database.connection.execute(sa.select(segments).order_by(segments.c.name)).mappings()
    return {row["name"]: Segment(**row) for row in rows}


def find(database: Opened, name: str) -> Segment:
    """Return a saved segment.

    Raises:
        ConfigError: There is none of that name; the text names the nearest one.
    """
    known = saved(database)
    if name not in known:
        raise ConfigError([f"unknown segment `{name}`{nearest(name, known)}"])
    return known[name]


@dataclass(frozen=True, slots=True)
class Question:
    """A condition, as a part of a statement about contacts.

    Attributes:
        rows: `contacts`, with the last checkout where the condition asks about it.
        holds: Whether the condition holds; NULL = it does not.
    """

    rows: sa.FromClause
    holds: sa.ColumnElement[bool]


def question(
    database: Opened,
    where: Condition,
    origin: str,
    clock: Clock,
    *,
    name: str | None = None,
    checkout: sa.FromClause | None = None,
) -> Question:
    """Compile a condition.

    Args:
        database: The contact database.
        where: The condition.
        origin: Where it was written, for an error.
        clock: What "now" and "a day" mean.
        name: Of the saved segment whose condition it is.
        checkout: The last checkout of each contact, where the statement has it already; None = `rows` brings it.

    Raises:
        ConfigError: A field, an operator, a value or a segment is wrong; every problem is listed.
    """
    checker = Checker(
        catalogue(database), clock, segments=_conditions(database, clock), opened=() if name is None else (name,)
    )
    checked = checker.check(where, origin)
    contacts = database.contacts
    if checkout is not None:
        return Question(contacts, to_sql(checked, ContactColumns(contacts, checkout)))
    return Question(rows_of(contacts, checked), to_sql(checked, ContactColumns(contacts)))


def members(
    database: Opened, where: Condition, origin: str, clock: Clock, name: str | None = None
) -> sa.Select[tuple[int]]:
    """Return the one statement that names a condition's contacts: it selects their `contact_id`.

    Raises:
        ConfigError: As `question` does, of the same arguments.
    """
    asked = question(database, where, origin, clock, name=name)
    return sa.select(database.contacts.c.contact_id).select_from(asked.rows).where(asked.holds)


def _conditions(database: Opened, clock: Clock) -> Mapping[str, tuple[Condition, Clock]]:
    return {
        name: (_read(segment), Clock(clock.now, ZoneInfo(segment.timezone)))
        for name, segment in saved(database).items()
    }


def read(text: str, origin: str) -> Condition:
    """Read a condition, as `read_text` does.

    Raises:
        ConfigError: It cannot be read.
    """
    # Loading the parser takes longer than most commands do.
    from target_contactdb.conditions.text import read_text

    return read_text(text, origin)


def _read(segment: Segment) -> Condition:
    return read(segment.definition, f"segment `{segment.name}`")


def members_of(database: Opened, segment: Segment, now: dt.datetime) -> sa.Select[tuple[int]]:
    """Return the statement that names a saved segment's contacts as they are now.

    Raises:
        ConfigError: As `members` does: a contact field or another segment may be gone since it was saved.
    """
    clock = Clock(now, ZoneInfo(segment.timezone))
    return members(database, _read(segment), f"segment `{segment.name}`", clock, segment.name)


def save(database: Opened, name: str, text: str, clock: Clock) -> tuple[Segment, Segment | None]:
    """Save a segment under a name, in place of one that has it already. It still has to be evaluated.

    Returns:
        The segment, and the one that had the name before, if one had.

    Raises:
        ConfigError: The condition is wrong, or the name is.
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise ConfigError([f"the name of a segment has 1 to {_LONGEST_NAME} characters"])
    before = saved(database).get(name)
    values = {"definition": text, "timezone": clock.zone.key}
    connection = database.connection
    if not connection.execute(sa.update(segments).where(segments.c.name == name).values(**values)).rowcount:
        connection.execute(sa.insert(segments).values(name=name, created_at=clock.now, **values))
    # Only once it is saved can it be seen to ask about itself.
    segment = find(database, name)
    members_of(database, segment, clock.now)
    return segment, before


def delete(database: Opened, name: str) -> None:
    """Delete a saved segment, unless another one asks about it.

    Raises:
        ConfigError: There is none of that name, or another segment asks about it.
    """
    segment = find(database, name)
    users = [other for other, one in saved(database).items() if other != name and name in _named(_read(one))]
    if users:
        raise ConfigError([f"segment `{name}` is part of {', '.join(f'`{one}`' for one in users)}"])
    for table in (segment_members, segments):
        database.connection.execute(sa.delete(table).where(table.c.segment_id == segment.segment_id))


def _named(tree: Condition) -> set[str]:
    return {node.name for node, _depth in walk(tree) if isinstance(node, InSegment)}


def entered_since(database: Opened, segment: Segment, now_in: sa.Select[tuple[int]]) -> sa.Select[tuple[int]]:
    """Return the statement for those who are in a segment now and were not when it was evaluated last."""
    known = sa.exists().where(segment_members.c.contact_id == database.contacts.c.contact_id, *_is_member(segment))
    return now_in.where(~known)


def left_since(database: Opened, segment: Segment, now_in: sa.Select[tuple[int]]) -> sa.Select[tuple[int]]:
    """Return the statement for those who were in a segment when it was evaluated last and are not now."""
    contacts, now = database.contacts, now_in.subquery("now_in")
    rows = contacts.join(segment_members, segment_members.c.contact_id == contacts.c.contact_id).outerjoin(
        now, now.c.contact_id == contacts.c.contact_id
    )
    return sa.select(contacts.c.contact_id).select_from(rows).where(*_is_member(segment), now.c.contact_id.is_(None))


def _is_member(segment: Segment) -> tuple[sa.ColumnElement[bool], ...]:
    return (segment_members.c.segment_id == segment.segment_id, segment_members.c.left_at.is_(None))


def evaluate(database: Opened, segment: Segment, now: dt.datetime) -> Evaluation:
    """Write who is in a saved segment now, who has entered and who has left.

    Args:
        database: The contact database, opened for writing.
        segment: The segment.
        now: The present moment.
    """
    connection, table = database.connection, segment_members
    found = staging_table("segment_now", [sa.Column("contact_id", BIG_ID, primary_key=True, autoincrement=False)])
    found.create(connection)
    connection.execute(sa.insert(found).from_select(["contact_id"], members_of(database, segment, now)))
    if connection.dialect.name == "postgresql":
        # Without statistics its planner takes a temporary table for a small one.
        connection.exec_driver_sql("ANALYZE segment_now")
    in_segment = table.c.segment_id == segment.segment_id
    inside = sa.exists().where(found.c.contact_id == table.c.contact_id)
    left = connection.execute(
        sa.update(table).where(in_segment, table.c.left_at.is_(None), ~inside).values(left_at=now)
    ).rowcount
    back = connection.execute(
        sa.update(table).where(in_segment, table.c.left_at.is_not(None), inside).values(entered_at=now, left_at=None)
    ).rowcount
    known = sa.exists().where(in_segment, table.c.contact_id == found.c.contact_id)
    new = sa.select(
        sa.literal(segment.segment_id, BIG_ID), found.c.contact_id, sa.literal(now, table.c.entered_at.type)
    ).where(~known)
    insert = sa.insert(table).from_select(["segment_id", "contact_id", "entered_at"], new)
    entered = connection.execute(insert, execution_options={"preserve_rowcount": True}).rowcount
    total = connection.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()
    found.drop(connection)
    connection.execute(
        sa.update(segments).where(segments.c.segment_id == segment.segment_id).values(evaluated_at=now, members=total)
    )
    return Evaluation(segment.name, total, entered + back, left)


def evaluate_saved(database: Opened, segment: Segment, before: Segment | None, now: dt.datetime) -> Saving:
    """Evaluate a segment that was just saved, as `evaluate` does.

    Args:
        database: The contact database, opened for writing.
        segment: The segment.
        before: The one that had its name before.
        now: The present moment.
    """
    found = evaluate(database, segment, now)
    was, zone = (before.definition, before.timezone) if before is not None else (None, None)
    same = (was, zone) == (segment.definition, segment.timezone)
    return Saving(found.name, found.members, found.entered, found.left, was, zone, same)
