"""Finding one contact, and the contact card."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass, field

import sqlalchemy as sa

from target_contactdb.addresses import address_hash
from target_contactdb.admin.activities import Operation, require_operation
from target_contactdb.admin.carts import Checkout, count_of, last_checkout_of
from target_contactdb.admin.permission import Suppression, current_address, obstacles
from target_contactdb.belongings import as_number
from target_contactdb.consent_values import Status
from target_contactdb.errors import ContactDbError
from target_contactdb.ledger import held_of
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.tables import CHANNELS, contact_sources, flow_entries, status_changes

if t.TYPE_CHECKING:
    from target_contactdb.admin.connect import Opened

Contact: t.TypeAlias = "t.Mapping[str, t.Any]"
"""A whole row of `contacts`."""

_SHOWN_CANDIDATES: t.Final = 5


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A contact field and what it holds."""

    name: str
    label: str
    type: str
    value: t.Any


@dataclass(frozen=True, slots=True)
class ChannelCard:
    """One channel of a contact.

    Attributes:
        channel: `email` or `sms`.
        address: The address it holds now.
        status: `subscribed`, `unsubscribed` or `none`; another word in the row's place of it means unsubscribed.
        source: Who the status comes from: `import`, `person`, `protected`, or None.
        changed_elsewhere: The status is not as this program wrote it last: another program changed it since.
        cause: Why it is unsubscribed.
        since: Time of the act behind the status.
        opted_in_at: The latest yes told to the contact database itself.
        opted_out_at: The person's own latest opt-out that no yes has answered.
        suppression: The opt-out on record for the address.
        may: Whether it may be written to now.
        reasons: Why not.
    """

    channel: str
    address: str | None
    status: str
    source: str | None
    changed_elsewhere: bool
    cause: str | None
    since: dt.datetime | None
    opted_in_at: dt.datetime | None
    opted_out_at: dt.datetime | None
    suppression: Suppression | None
    may: bool
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One entry of a contact's status history."""

    channel: str
    change: str
    before: str | None = field(metadata={"json": "from"})
    after: str = field(metadata={"json": "to"})
    cause: str | None
    source: str
    acted_at: dt.datetime | None
    written_at: dt.datetime
    evidence: str
    operation_id: int | None


@dataclass(frozen=True, slots=True)
class SourceChannel:
    """What Shopify said about one channel of a customer when it was seen last."""

    address: str | None
    state: str | None
    opt_in_level: str | None
    consent_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class SourceCard:
    """One Shopify customer behind a contact."""

    shop: str
    customer_id: int
    owned: bool
    first_seen_at: dt.datetime
    source_updated_at: dt.datetime | None
    last_order_at: dt.datetime | None
    deleted_at: dt.datetime | None
    email: SourceChannel
    sms: SourceChannel


@dataclass(frozen=True, slots=True)
class FlowEntry:
    """One entry of a contact into a flow: with a checkout, or by itself."""

    entry_id: int
    flow: str
    node: str
    channel: str
    shop: str | None
    checkout_id: int | None
    entered_at: dt.datetime
    leased_until: dt.datetime | None
    acknowledged_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ContactCard:
    """All that the contact database holds about one contact."""

    contact_id: int
    user_code: str | None
    created_at: dt.datetime
    updated_at: dt.datetime
    last_operation: Operation | None
    channels: list[ChannelCard]
    fields: list[FieldValue]
    sources: list[SourceCard]
    checkout: Checkout | None
    checkouts_on_record: int
    flow_entries: list[FlowEntry]
    status_changes: list[StatusChange]


class NoContactError(ContactDbError):
    """No contact is meant by a key."""


def find_contact(database: Opened, key: str) -> Contact:
    """Return the one contact that a person means.

    Args:
        database: The contact database.
        key: User code, `#` and contact id, e-mail address, phone number, or the number of a customer in Shopify.

    Raises:
        NoContactError: There is none. The text never repeats the key.
        ContactDbError: There is more than one.
    """
    key = key.strip()
    contacts = database.contacts
    if key.startswith("#"):
        found = _contacts(database, contacts.c.contact_id == as_number(key[1:]))
    else:
        found = _contacts(database, contacts.c.user_code == key) or _by_address(database, key)
    shared = "hold this address"
    if not found:
        found, shared = _by_customer(database, as_number(key)), "have a customer of this number"
    if not found:
        raise NoContactError(_not_found(key))
    if len(found) > 1:
        ids = [f"'#{row['contact_id']}'" for row in found[:_SHOWN_CANDIDATES]]
        more = ", ..." if len(found) > _SHOWN_CANDIDATES else ""
        msg = f"{len(found)} contacts {shared}; name one of them: {', '.join(ids)}{more}"
        raise ContactDbError(msg)
    return found[0]


def _not_found(key: str) -> str:
    if not key.startswith("#"):
        return "no contact has this user code, address, customer number, or contact id (written as '#12')"
    if not key[1:].isdecimal():
        return "a contact id is a number, written as '#12'"
    return "no contact has this contact id: none ever had it, or it was erased or merged into another one"


def _contacts(database: Opened, condition: sa.ColumnElement[bool]) -> list[Contact]:
    statement = sa.select(database.contacts).where(condition).order_by(database.contacts.c.contact_id)
    return [dict(row) for row in database.connection.execute(statement).mappings()]


def _by_address(database: Opened, key: str) -> list[Contact]:
    channel = "email" if "@" in key else "sms"
    digest = address_hash(database.salt, channel, key)
    if digest is None:
        return []
    contacts = database.contacts
    condition = contacts.c[f"{channel}_address_hash"] == digest
    name = ADDRESS_PROPERTY[channel]
    if name in contacts.c:
        # The hash in the row may be missing or old where another program wrote the address.
        as_written = sa.func.lower(contacts.c[name]) == key.lower()
        condition = sa.or_(condition, as_written)
    holders = _contacts(database, condition)
    return [row for row in holders if address_hash(database.salt, channel, row.get(name)) == digest]


def _by_customer(database: Opened, number: int | None) -> list[Contact]:
    sources = contact_sources.c
    linked = sa.select(sources.contact_id).where(sources.customer_id == number)
    return _contacts(database, database.contacts.c.contact_id.in_(linked))


def contact_card(database: Opened, contact: Contact) -> ContactCard:
    """Return the card of a contact."""
    contact_id = contact["contact_id"]
    last = contact["last_operation_id"]
    return ContactCard(
        contact_id=contact_id,
        user_code=contact["user_code"],
        created_at=contact["created_at"],
        updated_at=contact["updated_at"],
        last_operation=require_operation(database, last) if last is not None else None,
        channels=[channel_card(database, contact, channel) for channel in CHANNELS],
        fields=[FieldValue(one.name, one.label, one.type.value, contact[one.name]) for one in database.fields.values()],
        sources=sources_of(database, contact_id),
        checkout=last_checkout_of(database, contact_id),
        checkouts_on_record=count_of(database, contact_id),
        flow_entries=_entries_of(database, contact_id),
        status_changes=status_history(database, contact_id),
    )


def channel_card(database: Opened, contact: Contact, channel: str) -> ChannelCard:
    """Return one channel of a contact, with whether it may be written to now."""
    address = current_address(database, contact, channel)
    reasons = obstacles(contact, channel, address)
    held = held_of(contact, channel)
    stands = (contact[f"{channel}_status"], contact[f"{channel}_unsubscription_cause"])
    written = (contact[f"{channel}_written_status"], contact[f"{channel}_written_cause"])
    return ChannelCard(
        channel=channel,
        address=address.value,
        status=held.status.value,
        source=contact[f"{channel}_status_source"],
        changed_elsewhere=held.status is not Status.NONE and stands != written,
        cause=held.cause,
        since=held.at,
        opted_in_at=held.opted_in_at,
        opted_out_at=held.opted_out_at,
        suppression=address.suppression,
        may=not reasons,
        reasons=reasons,
    )


def sources_of(database: Opened, contact_id: int) -> list[SourceCard]:
    """Return the Shopify customers behind a contact."""
    table = contact_sources
    statement = sa.select(table).where(table.c.contact_id == contact_id).order_by(table.c.shop, table.c.customer_id)
    plain = [name for name in SourceCard.__annotations__ if name not in CHANNELS]
    return [
        SourceCard(**{name: row[name] for name in plain}, email=_said(row, "email"), sms=_said(row, "sms"))
        for row in database.connection.execute(statement).mappings()
    ]


def _said(row: sa.RowMapping, channel: str) -> SourceChannel:
    return SourceChannel(**{name: row[f"{channel}_{name}"] for name in SourceChannel.__annotations__})


def _entries_of(database: Opened, contact_id: int) -> list[FlowEntry]:
    """Return the entries of a contact into flows, newest first."""
    table = flow_entries
    names = FlowEntry.__annotations__
    statement = sa.select(*(table.c[name] for name in names)).where(table.c.contact_id == contact_id)
    newest_first = statement.order_by(table.c.entry_id.desc())
    return [FlowEntry(**row) for row in database.connection.execute(newest_first).mappings()]


def status_history(database: Opened, contact_id: int, channel: str | None = None) -> list[StatusChange]:
    """Return the status changes of a contact, newest first.

    Args:
        database: The contact database.
        contact_id: The contact.
        channel: Of this channel only.
    """
    table = status_changes
    statement = sa.select(table).where(table.c.contact_id == contact_id).order_by(table.c.change_id.desc())
    if channel is not None:
        statement = statement.where(table.c.channel == channel)
    shared = [name for name in StatusChange.__annotations__ if name not in {"before", "after"}]
    return [
        StatusChange(**{name: row[name] for name in shared}, before=row["from"], after=row["to"])
        for row in database.connection.execute(statement).mappings()
    ]
