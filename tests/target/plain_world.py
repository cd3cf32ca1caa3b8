"""One story told to two contact databases: one takes the plain road where it can, the other decides everything.

The first is asked which records it took by the plain road. The second gets the same batch in two: those, then the
others. What both hold in the end must be the same, row by row, but for the numbers that rows get.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import typing as t
from dataclasses import dataclass, field, replace

import msgspec
import pytest
import sqlalchemy as sa
from typing_extensions import override

from target_contactdb import closing, contact_import
from target_contactdb.admin.acts import Act, tell_database
from target_contactdb.admin.connect import opened
from target_contactdb.causes import DEFAULT_CAUSES
from target_contactdb.consent_values import Status
from target_contactdb.contact_import import ContactImport
from target_contactdb.database import open_database
from target_contactdb.dialects import loader_for
from target_contactdb.engines import open_engine
from target_contactdb.mapping import FieldMapping, Update, WhenEmpty, compile_mappings
from target_contactdb.operations import Kind, start_operation
from target_contactdb.plain_import import PlainRoad, is_straight
from target_contactdb.tables import (
    checkouts,
    contact_sources,
    database_state,
    operation_records,
    operations,
    status_changes,
    suppressions,
    tombstones,
)
from tests.target.singer import CUSTOMER_PROPERTIES

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from random import Random

    from target_contactdb.admin.connect import Opened
    from target_contactdb.conditions.filters import Filter
    from target_contactdb.consent_values import Policy
    from target_contactdb.database import Database
    from target_contactdb.keys import Keys
    from target_contactdb.ledger import Key
    from target_contactdb.mapping import Filled
    from target_contactdb.operations import Tally
    from target_contactdb.plain_import import Sorted

    Record = dict[str, t.Any]

SHOPS = ("shop-a.myshopify.com", "shop-b.myshopify.com")
PROPERTIES = {
    "shop": {"type": "string"},
    **CUSTOMER_PROPERTIES,
    "birthday": {"type": ["string", "null"], "format": "date"},
}
RULES = (
    ("first_name", Update.NEVER, WhenEmpty.CLEAR),
    ("verified_email", Update.IF_EMPTY, WhenEmpty.CLEAR),
    ("orders_count", Update.ALWAYS, WhenEmpty.KEEP),
)
START = dt.datetime(2026, 11, 1, 10, 0, 0, 250_000, tzinfo=dt.UTC)
STATES = (
    "SUBSCRIBED",
    "SUBSCRIBED",
    "SUBSCRIBED",
    "UNSUBSCRIBED",
    "UNSUBSCRIBED",
    "PENDING",
    "NOT_SUBSCRIBED",
    "INVALID",
)
ODD_STATES = ("REDACTED", "PUZZLED", None, "")
LEVELS = (*("SINGLE_OPT_IN", "CONFIRMED_OPT_IN", None) * 8, " odd ")
_NUMBERED = re.compile(r"contact #(\d+)")
HELD = ("status", "status_source", "unsubscription_cause", "status_at", "opted_in_at", "opted_out_at", "address_hash")


def mappings_of(rules: Sequence[tuple[str, Update, WhenEmpty]]) -> tuple[Filled, ...]:
    """Return the default mapping with other rules for some fields."""
    other = {name: (update, empty) for name, update, empty in rules}
    default = compile_mappings(PROPERTIES, (), ())
    declared = [
        FieldMapping(one.source, one.field.name, *other.get(one.field.name, (one.update, one.when_empty)))
        for one in default
    ]
    return compile_mappings(PROPERTIES, (), declared)


@dataclass
class WatchedRoad(PlainRoad):
    """The plain road, which remembers what it left to the careful one."""

    left: list[int] = field(default_factory=list)

    @override
    def take_in(
        self, connection: sa.Connection, batch: Sorted, erased: Collection[Key], tally: Tally, now: dt.datetime
    ) -> list[int]:
        self.left = super().take_in(connection, batch, erased, tally, now)
        return self.left


@dataclass
class Side:
    """One of the two databases, with an import for each shop."""

    database: Database
    telling: Opened
    imports: dict[str, ContactImport]

    @classmethod
    def make(
        cls,
        url: str,
        policy: Policy,
        mappings: Sequence[Filled],
        salt: str,
        *,
        plain: bool,
        filters: Filter | None = None,
        keys: Keys | None = None,
    ) -> Side:
        """Return an empty database; both sides get the same salt, so that addresses have the same hashes."""
        engine = open_engine(url)
        open_database(engine)
        with engine.begin() as connection:
            connection.execute(sa.update(database_state).values(salt=salt))
        fields = [one.field for one in mappings]
        database = open_database(engine, fields, DEFAULT_CAUSES, policy.protected_causes, keys)
        assert is_straight(mappings, PROPERTIES)
        imports = {}
        for shop in SHOPS:
            number = start_operation(engine, Kind.CUSTOMERS, shop, "")
            loader, logger = loader_for(engine), logging.getLogger(__name__)
            road = None
            if plain:
                road = WatchedRoad(database, loader, policy, mappings, PROPERTIES, "", shop, number, filters)
            imports[shop] = ContactImport(
                database, loader, policy, mappings, "", "customers", shop, number, logger, road, filters
            )
        with opened(url, None) as telling:
            return cls(database, telling, imports)

    def close(self) -> None:
        """Let the database go."""
        self.database.engine.dispose()

    def execute(self, statement: sa.Executable) -> None:
        """Write something as another program would."""
        with self.database.engine.begin() as connection:
            connection.execute(statement)

    def make_contact(self, number: int, now: dt.datetime) -> None:
        """Write a contact as another program would, before its customer is ever imported."""
        contacts = self.database.contacts
        mine = {"user_code": str(number), "email": f"person{number}@example.com", "created_at": now, "updated_at": now}
        with self.database.engine.begin() as connection:
            # Where the address is a key, nobody else may hold it.
            taken = sa.or_(contacts.c.user_code == str(number), sa.func.lower(contacts.c.email) == mine["email"])
            if connection.execute(sa.select(contacts).where(taken)).first() is None:
                connection.execute(sa.insert(contacts).values(mine))

    def tell(self, number: int, act: Act, now: dt.datetime) -> None:
        """Tell the database what a person said, if it knows the person."""
        contacts = self.database.contacts
        with self.database.engine.connect() as connection:
            known = (
                connection.execute(sa.select(contacts).where(contacts.c.user_code == str(number))).mappings().first()
            )
        if known is None or known["email"] is None:
            return
        with self.database.engine.begin() as connection:
            tell_database(replace(self.telling, connection=connection), str(number), act, now)

    def rows(self) -> dict[str, list[t.Any]]:
        """Return everything the database holds, without the numbers that rows get, in an order of its own."""
        contacts = self.database.contacts
        with self.database.engine.connect() as connection:

            def read(table: sa.Table) -> list[dict[str, t.Any]]:
                return [dict(row) for row in connection.execute(sa.select(table)).mappings()]

            codes = {row["contact_id"]: row["user_code"] for row in read(contacts)}
            found = {
                table.name: read(table)
                for table in (contacts, contact_sources, suppressions, tombstones, checkouts, status_changes)
            }
            found["operations"] = read(operations)
            found["operation_records"] = read(operation_records)
        for rows in found.values():
            for row in rows:
                row["contact_id"] = codes.get(row.get("contact_id"))
                for name in ("change_id", "record_id", "started_at", "last_notice"):
                    row.pop(name, None)
                if row.get("reason"):
                    row["reason"] = _NUMBERED.sub(lambda one: f"contact of {codes.get(int(one[1]))}", row["reason"])
        return {name: sorted((sorted(row.items(), key=str) for row in rows), key=str) for name, rows in found.items()}


@dataclass
class Story:
    """A story in the making: the shops' customers, and what happens to all databases at once."""

    chance: Random
    sides: Sequence[Side]
    people: int
    now: int = 0
    versions: dict[int, list[Record]] = field(default_factory=dict)
    plain: int = 0
    careful: int = 0

    def moment(self) -> dt.datetime:
        """Return the story's clock."""
        return START + dt.timedelta(seconds=self.now)

    def stamp(self, *back: int) -> str:
        """Return a time of the past, some seconds ago, as the extractor sends it."""
        ago = self.chance.choice(back or (0,))
        return (self.moment() - dt.timedelta(seconds=ago)).replace(microsecond=0).isoformat().replace("+00:00", "Z")

    def happen(self) -> None:
        """Let a while pass: people change, others write, and both databases take in what the shops send."""
        self.now += self.chance.choice((1, 1, 7))
        numbers = range(1, self.people + 1)
        for number in numbers:
            if self.chance.random() < 0.4:
                self.versions.setdefault(number, []).append(self.changed(number))
        for number in numbers:
            if self.chance.random() < 0.12:
                self.someone_acts(number)
        for shop in SHOPS:
            mine = [number for number in self.versions if SHOPS[number % 7 == 0] == shop]
            sent = [number for number in mine if self.chance.random() < 0.7]
            records = [self.sent(number) for number in sent]
            records += [self.sent(number) for number in sent if self.chance.random() < 0.03]
            self.chance.shuffle(records)
            if records:
                self.take_in(shop, records)

    def changed(self, number: int) -> Record:
        """Return a customer after something was done to it, or as it came to be."""
        chance, known = self.chance, self.versions.get(number)
        if not known:
            # Some share an address from the beginning; spellings differ.
            near = number if chance.random() < 0.5 else number - number % 3
            record: Record = {"id": number, "created_at": self.stamp(0), "first_name": f"Name{number}", "tags": ["a"]}
            record |= self.said("email", self.mailbox(near)) | self.said("sms", self.telephone(near))
            record |= {"orders_count": 0, "orders_total_spent": 12.5, "verified_email": None, "birthday": "1990-02-03"}
            return {**record, "last_order_created_at": None, "updated_at": self.stamp(0)}
        record = dict(known[-1])
        match chance.randrange(12):
            case 0 | 1:
                record |= self.said("email", record["email"])
            case 2:
                record |= self.said("sms", record["phone"])
            case 3:
                record |= self.said(
                    "email", self.mailbox(chance.randint(1, self.people)) if chance.random() < 0.7 else None
                )
            case 4:
                record["email"] = record["email"] and chance.choice((record["email"].upper(), f" {record['email']} "))
            case 5:
                record |= {"email_marketing_state": chance.choice(ODD_STATES)}
            case _:
                record |= {
                    "first_name": chance.choice((None, "Else", "é☃\\N\t\n")),
                    "orders_count": chance.choice((None, number, 2**40)),
                    "orders_total_spent": chance.choice((None, 0, 902.45, "12.50", 0.0001)),
                    "tags": chance.choice((None, [], ["b", 'c"d'], [{"x": 1}])),
                    "verified_email": chance.choice((None, True, False)),
                    "birthday": chance.choice((None, "1991-01-01")),
                    "last_order_created_at": chance.choice((None, self.stamp(0, 5))),
                }
        return {**record, "updated_at": self.stamp(0, 0, 0, 2)}

    def said(self, channel: str, address: str | None) -> Record:
        """Return what a shop says of a channel."""
        name = "email" if channel == "email" else "phone"
        state = self.chance.choice(STATES) if address else self.chance.choice((None, None, None, "UNSUBSCRIBED"))
        prefix = f"{channel}_marketing_"
        return {
            name: address,
            f"{prefix}state": state,
            f"{prefix}opt_in_level": self.chance.choice(LEVELS),
            f"{prefix}updated_at": self.chance.choice((None, self.stamp(0, 1, 5, 30), self.stamp(0, 1, 5, 30))),
        }

    def mailbox(self, number: int) -> str:
        """Return one of the addresses."""
        return f"person{number}@example.com"

    def telephone(self, number: int) -> str | None:
        """Return one of the numbers; some are none."""
        return self.chance.choice((None, None, f"+39 {number:05}", f"+39{number:05}", "n/a"))

    def sent(self, number: int) -> Record:
        """Return a customer as it is sent: mostly as it is, now and then late, in part, or with a mistake."""
        chance, versions = self.chance, self.versions[number]
        record = dict(versions[-1] if chance.random() < 0.93 else chance.choice(versions))
        match chance.randrange(40):
            case 0:
                del record[chance.choice(("email", "phone", "tags", "first_name", "email_marketing_state"))]
            case 1:
                for name in ("phone", "sms_marketing_state", "sms_marketing_opt_in_level", "sms_marketing_updated_at"):
                    del record[name]
            case 2:
                record |= chance.choice(
                    (
                        {"orders_total_spent": "plenty"},
                        {"id": str(number)},
                        {"updated_at": "soon"},
                        {"first_name": "a\x00b"},
                        {"email_marketing_updated_at": "never"},
                        {"orders_count": 1.5},
                    )
                )
        return record

    def someone_acts(self, number: int) -> None:
        """Let a person, or another program, change what both databases hold."""
        chance = self.chance
        contacts = self.sides[0].database.contacts
        mine = contacts.c.user_code == str(number)
        match chance.randrange(6):
            case 0 | 1 | 2:
                wish = chance.choice((Status.SUBSCRIBED, Status.UNSUBSCRIBED))
                bounce = wish is Status.UNSUBSCRIBED and chance.random() < 0.4
                at = self.moment() - dt.timedelta(seconds=chance.choice((0, 3, 40)))
                act = Act(wish, "email", chance.choice((None, at)), "hard bounce" if bounce else None)
                for side in self.sides:
                    side.tell(number, act, self.moment())
                return
            case 3:
                status = chance.choice(("subscribed", "unsubscribed"))
                change = sa.update(contacts).values(email_status=status, email_unsubscription_cause=None)
            case 4:
                change = sa.update(contacts).values(email=f"elsewhere{number}@example.com")
            case _:
                change = sa.update(contacts).values(sms_status="unsubscribed", sms_unsubscription_cause="complaint")
        for side in self.sides:
            if number in self.versions:
                side.execute(change.where(mine))
            else:
                side.make_contact(number, self.moment())

    def take_in(self, shop: str, records: Sequence[Record]) -> None:
        """Import a batch: into the second database in two, as the first took it, into others as it came."""
        lines = [msgspec.json.encode({**record, "shop": shop}) for record in records]
        first, second, *others = (side.imports[shop] for side in self.sides)
        with pytest.MonkeyPatch.context() as patch:
            for module in (contact_import, closing):
                patch.setattr(module, "utc_now", self.moment)
            first.write(lines)
            left = set(t.cast("WatchedRoad", first.plain).left)
            second.write([line for place, line in enumerate(lines) if place not in left])
            second.write([line for place, line in enumerate(lines) if place in left])
            for one in others:
                one.write(lines)
        self.plain += len(lines) - len(left)
        self.careful += len(left)


def belongings(rows: Mapping[str, list[t.Any]]) -> dict[t.Any, t.Any]:
    """Return for each customer the contact that it belongs to, by user code, with what that holds in its addresses."""
    contacts = {one["user_code"]: (one["email"], one["phone"]) for one in map(dict, rows["contacts"])}
    sources = map(dict, rows["contact_sources"])
    return {(one["shop"], one["customer_id"]): (one["contact_id"], contacts.get(one["contact_id"])) for one in sources}


def different(found: Sequence[t.Any], expected: Sequence[t.Any]) -> list[t.Any]:
    """Return what differs between the rows of a table in both databases, column by column."""
    if len(found) != len(expected):
        return [(len(found), len(expected))]
    pairs = zip(found, expected, strict=True)
    return [[pair for pair in zip(*rows, strict=True) if pair[0] != pair[1]] for rows in pairs if rows[0] != rows[1]]
