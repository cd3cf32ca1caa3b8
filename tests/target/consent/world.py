"""A small world for property tests: villages of two shops, three customers and three addresses.

The world keeps the truth of the shops, and of every act that the contact database was told: who said yes or no, about
which address, and when. Its clock is the only thing that is put in the place of the real one. Villages share nothing
but the database: many stories are told at once, so that the imports have batches to take in.
"""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import typing as t
from dataclasses import dataclass, field, replace

import msgspec
import pytest
import sqlalchemy as sa

from target_contactdb import closing, contact_import
from target_contactdb.admin.acts import Act, tell_database
from target_contactdb.admin.connect import opened
from target_contactdb.causes import DEFAULT_CAUSES, DEFAULT_PROTECTED
from target_contactdb.consent_values import Policy, Status
from target_contactdb.contact_import import ContactImport
from target_contactdb.database import Database, open_database
from target_contactdb.dialects import loader_for
from target_contactdb.engines import open_engine
from target_contactdb.mapping import compile_mappings
from target_contactdb.operations import Kind, start_operation
from target_contactdb.tables import suppressions

if t.TYPE_CHECKING:
    from pathlib import Path

    from target_contactdb.admin.connect import Opened

POLICY = Policy(protected_causes=frozenset(DEFAULT_PROTECTED))
SHOPS = ("shop-a.myshopify.com", "shop-b.myshopify.com")
PEOPLE = (1, 2, 3)
ADDRESSES = ("a", "b", "c")
PROPERTIES: dict[str, t.Any] = {
    "id": {"type": "integer"},
    "updated_at": {"type": "string", "format": "date-time"},
    "email": {"type": ["string", "null"]},
    "email_marketing_state": {"type": ["string", "null"]},
    "email_marketing_updated_at": {"type": ["string", "null"], "format": "date-time"},
}
MAPPINGS = compile_mappings(PROPERTIES, (), ())
START = dt.datetime(2026, 11, 1, 10, 0, 0, tzinfo=dt.UTC)


def moment(second: int) -> dt.datetime:
    """Return a second of the world's clock as a time."""
    return START + dt.timedelta(seconds=second)


def inhabitant(village: int, one: int) -> int:
    """Return the customer id of one of the three people of a village."""
    return 10 * village + one


def shop_of(number: int) -> str:
    """Return a customer's shop: the third of a village is a customer of the other one."""
    return SHOPS[number % 10 == PEOPLE[-1]]


def mailbox(number: int, letter: str | None) -> str | None:
    """Return one of the three addresses of a customer's village."""
    return None if letter is None else f"{letter}@village{number // 10}.example"


@dataclass(frozen=True)
class Customer:
    """What a shop holds of a customer."""

    number: int
    address: str | None
    state: str = "NOT_SUBSCRIBED"
    consent_at: int | None = None
    updated_at: int = 0

    def record(self) -> dict[str, t.Any]:
        """Return the customer as the extractor sends it."""
        stamp = None if self.consent_at is None else moment(self.consent_at).isoformat()
        return {
            "id": self.number,
            "updated_at": moment(self.updated_at).isoformat(),
            "email": self.address,
            "email_marketing_state": self.state if self.address else None,
            "email_marketing_updated_at": stamp if self.address else None,
        }


@dataclass(frozen=True)
class Said:
    """An act that the contact database was told.

    Attributes:
        number: The customer whose contact it was told of.
        address: The address that it is about.
        second: When it was said, as early (a no) or as late (a yes) as it may have been.
        known_at: When it counts as said: later than `second` for what another program wrote.
        kind: `yes`, `no` or `bounce`.
        local: It was told to the contact database itself.
    """

    number: int
    address: str | None
    second: int
    known_at: int
    kind: str
    local: bool = False


@dataclass
class Template:
    """A migrated database file, ready to be copied."""

    file: Path
    database: Database

    @classmethod
    def make(cls, folder: Path) -> Template:
        """Migrate a database once."""
        file = folder / "template.db"
        engine = open_engine(f"sqlite:///{file}")
        database = open_database(engine, [filled.field for filled in MAPPINGS], DEFAULT_CAUSES, POLICY.protected_causes)
        # The last connection takes the write-ahead log along: the file is whole.
        engine.dispose()
        return cls(file, database)


@dataclass
class World:
    """The world and its contact database."""

    database: Database
    telling: Opened
    now: int = 0
    customers: dict[int, Customer] = field(default_factory=dict)
    history: dict[int, list[Customer]] = field(default_factory=dict)
    seen: dict[int, Customer] = field(default_factory=dict)
    held: dict[int, set[str]] = field(default_factory=dict)
    said: dict[int, set[Said]] = field(default_factory=dict)
    unnoticed: dict[int, Said] = field(default_factory=dict)
    arriving: list[Customer] = field(default_factory=list)
    imports: dict[str, ContactImport] = field(default_factory=dict)

    @classmethod
    def make(cls, template: Template, file: Path, villages: int) -> World:
        """Return a world at second 0: nobody has said anything, nothing is imported yet."""
        shutil.copyfile(template.file, file)
        url = f"sqlite:///{file}"
        with opened(url, None) as telling:
            world = cls(replace(template.database, engine=open_engine(url)), telling)
        for village in range(villages):
            for one, letter in zip(PEOPLE, ("a", "b", "a"), strict=True):
                number = inhabitant(village, one)
                world.change(Customer(number, mailbox(number, letter)))
        engine = world.database.engine
        for shop in SHOPS:
            operation_id = start_operation(engine, Kind.CUSTOMERS, shop, "")
            world.imports[shop] = ContactImport(
                world.database,
                loader_for(engine),
                POLICY,
                MAPPINGS,
                "",
                "customers",
                shop,
                operation_id,
                logging.getLogger(__name__),
            )
        return world

    def close(self) -> None:
        """Let the file go."""
        self.database.engine.dispose()

    # What happens in a shop.

    def change(self, customer: Customer) -> None:
        """Let a shop hold something else of a customer."""
        changed = replace(customer, updated_at=self.now)
        self.customers[customer.number] = changed
        self.history.setdefault(customer.number, []).append(changed)

    def speak(self, number: int, state: str, second: int) -> None:
        """Let a customer say yes or no to the shop."""
        self.change(replace(self.customers[number], state=state, consent_at=second))

    def reset(self, number: int, state: str) -> None:
        """Let the shop set a state that nobody said."""
        self.change(replace(self.customers[number], state=state, consent_at=None))

    def move(self, number: int, letter: str | None) -> None:
        """Change a customer's address."""
        self.change(replace(self.customers[number], address=mailbox(number, letter)))

    # What comes to the contact database.

    def send(self, number: int, lag: int = 0) -> None:
        """Let a customer be read from the shop, as it was some changes ago."""
        versions = self.history[number]
        self.arriving.append(versions[max(0, len(versions) - 1 - lag)])

    def take_in(self) -> None:
        """Import what was read: one batch for each shop."""
        for version in self.arriving:
            self._hear(version)
        with pytest.MonkeyPatch.context() as patch:
            for module in (contact_import, closing):
                patch.setattr(module, "utc_now", lambda: moment(self.now))
            for shop in SHOPS:
                batch = [
                    msgspec.json.encode(version.record())
                    for version in self.arriving
                    if shop_of(version.number) == shop
                ]
                if batch:
                    self.imports[shop].write(batch)
        self.arriving.clear()

    def _hear(self, version: Customer) -> None:
        number = version.number
        self._notice(number)
        known = self.seen.get(number)
        if known is not None and known.updated_at > version.updated_at:
            return
        self.seen[number] = version
        if version.address is not None:
            self.held.setdefault(number, set()).add(version.address)
        kind = {"SUBSCRIBED": "yes", "UNSUBSCRIBED": "no"}.get(version.state)
        if kind and version.consent_at is not None and version.address is not None:
            self._keep(Said(number, version.address, version.consent_at, version.consent_at, kind))

    def _notice(self, number: int) -> None:
        """Let the contact database see what another program wrote: it looks at a contact when it hears of it."""
        if number in self.unnoticed:
            self._keep(replace(self.unnoticed.pop(number), known_at=self.now))

    def _keep(self, said: Said) -> None:
        self.said.setdefault(said.number // 10, set()).add(said)

    def tell(self, number: int, wish: Status, *, cause: str | None = None, at: int | None = None) -> None:
        """Tell the contact database itself what a person said, by its own command."""
        address = self.address_of(number)
        if number not in self.seen or (wish is Status.SUBSCRIBED and address is None):
            return
        second = self.now if at is None else min(at, self.now)
        act = Act(wish, "email", None if at is None else moment(second), cause)
        with self.database.engine.begin() as connection:
            tell_database(replace(self.telling, connection=connection), f"{number}", act, moment(self.now))
        self._notice(number)
        kind = "yes" if wish is Status.SUBSCRIBED else "bounce" if cause in POLICY.protected_causes else "no"
        self._keep(Said(number, address, second, second, kind, local=True))

    def others_write(self, number: int, kind: str) -> None:
        """Let another program write a status, which knows nothing of our rules."""
        address = self.address_of(number)
        if address is None:
            return
        contacts = self.database.contacts
        cause = {"yes": None, "no": "newsletter footer", "bounce": "hard bounce"}[kind]
        status = Status.SUBSCRIBED if kind == "yes" else Status.UNSUBSCRIBED
        different = sa.or_(
            contacts.c.email_status != status.value, contacts.c.email_unsubscription_cause.is_distinct_from(cause)
        )
        with self.database.engine.begin() as connection:
            changed = connection.execute(
                sa.update(contacts)
                .where(contacts.c.user_code == str(number), different)
                .values(email_status=status.value, email_unsubscription_cause=cause)
            )
        # What is written as it was can be noticed by nobody.
        if changed.rowcount:
            self.unnoticed[number] = Said(number, address, self.now, self.now, kind, local=True)

    # What the contact database says.

    def address_of(self, number: int) -> str | None:
        """Return the address that a contact holds."""
        contacts = self.database.contacts
        with self.database.engine.connect() as connection:
            statement = sa.select(contacts.c.email).where(contacts.c.user_code == str(number))
            return connection.execute(statement).scalar_one_or_none()

    def contactable(self) -> dict[int, str]:
        """Return who may be written to by the rule of the view `abandoned_checkout_node`, with the address."""
        contacts = self.database.contacts
        closed = sa.exists().where(
            suppressions.c.channel == "email",
            suppressions.c.address_hash == contacts.c.email_address_hash,
            suppressions.c.lifted_at.is_(None),
        )
        statement = sa.select(contacts.c.user_code, contacts.c.email).where(
            contacts.c.email_status == "subscribed", contacts.c.email_address_hash.is_not(None), ~closed
        )
        with self.database.engine.connect() as connection:
            return {int(code): email for code, email in connection.execute(statement)}
