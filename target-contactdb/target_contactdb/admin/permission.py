"""Whether a contact may be written to now, and if not, why not."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.addresses import address_hash
from target_contactdb.admin.carts import why_not
from target_contactdb.consent_values import OptOut, Status
from target_contactdb.ledger import load
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.tables import suppressions

if t.TYPE_CHECKING:
    from target_contactdb.admin.connect import Opened

CHANNEL_NAMES: t.Final = {"email": "e-mail", "sms": "SMS"}
_ADDRESS_NAMES: t.Final = {"email": "e-mail address", "sms": "phone number"}


def contactable(contacts: sa.Table, channel: str) -> sa.ColumnElement[bool]:
    """Return the condition of the view `abandoned_checkout_node`: subscribed, has an address, which is not closed.

    Of an address that another program has taken away the view does not know: not every database has the field.
    """
    digest, address = contacts.c[f"{channel}_address_hash"], contacts.c.get(ADDRESS_PROPERTY[channel])
    closed = sa.exists().where(
        suppressions.c.channel == channel, suppressions.c.address_hash == digest, suppressions.c.lifted_at.is_(None)
    )
    cause, written = contacts.c[f"{channel}_unsubscription_cause"], contacts.c[f"{channel}_written_cause"]
    # As `adopt` reads it: a cause that another program has written beside `subscribed` is an unsubscription.
    is_denied = sa.and_(cause.is_not(None), cause != "", cause.is_distinct_from(written))
    has_address = digest.is_not(None) if address is None else sa.and_(digest.is_not(None), address.is_not(None))
    return sa.and_(contacts.c[f"{channel}_status"] == Status.SUBSCRIBED.value, ~is_denied, has_address, ~closed)


@dataclass(frozen=True, slots=True)
class Suppression:
    """The opt-out on record for an address.

    Attributes:
        cause: Why.
        source: Who it comes from: `import`, `person` or `protected`.
        at: Time of the act.
        lifted_at: Time of the later yes that opened the address again; None = it is closed.
    """

    cause: str
    source: str
    at: dt.datetime
    lifted_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Address:
    """The address that a contact holds on one channel now.

    Attributes:
        value: As it is written; None without one.
        digest: Its hash, made from the value and not read from the row: another program may have changed the value.
        opt_out: The opt-out on record for it, or None.
    """

    value: str | None
    digest: str | None
    opt_out: OptOut | None

    @property
    def suppression(self) -> Suppression | None:
        """The opt-out on record, as it is shown."""
        told = self.opt_out
        return Suppression(told.cause, told.source.value, told.at, told.lifted_at) if told else None


def current_address(database: Opened, contact: t.Mapping[str, t.Any], channel: str) -> Address:
    """Return the address that a row of `contacts` holds now."""
    value: str | None = contact.get(ADDRESS_PROPERTY[channel])
    digest = address_hash(database.salt, channel, value)
    if digest is None:
        return Address(None, None, None)
    key = (channel, digest)
    return Address(value, digest, load(database.connection, [key]).get(key))


def obstacles(contact: t.Mapping[str, t.Any], channel: str, address: Address) -> list[str]:
    """Return why a contact may not be written to, a phrase each; none if it may.

    Args:
        contact: A row of `contacts`.
        channel: `email` or `sms`.
        address: The address that it holds now.
    """
    status, cause = contact[f"{channel}_status"], (contact[f"{channel}_unsubscription_cause"] or "").strip()
    is_denied = bool(cause) and cause != contact[f"{channel}_written_cause"]
    reasons = []
    if status == Status.UNSUBSCRIBED.value or is_denied:
        reasons.append(f"unsubscribed ({cause})" if cause else "unsubscribed")
    elif status != Status.SUBSCRIBED.value and address.digest is not None:
        reasons.append("not subscribed")
    if address.digest is None:
        reasons.append(f"no {_ADDRESS_NAMES[channel]}")
    elif address.opt_out is not None and address.opt_out.lifted_at is None:
        reasons.append(f"the {_ADDRESS_NAMES[channel]} is suppressed ({address.opt_out.cause})")
    return reasons


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to "may this contact be written to now?".

    Attributes:
        contact_id: The contact.
        channel: `email` or `sms`.
        checkout_id: The checkout that is the reason to write, or None.
        may: The answer.
        reasons: Why not, a phrase each.
    """

    contact_id: int
    channel: str
    checkout_id: int | None
    may: bool
    reasons: list[str]


def may(database: Opened, contact: t.Mapping[str, t.Any], channel: str, checkout_id: int | None = None) -> Answer:
    """Answer whether a contact may be written to now.

    Args:
        database: The contact database.
        contact: A row of `contacts`.
        channel: `email` or `sms`.
        checkout_id: Shopify's id of the checkout that is the reason to write; None = another reason.
    """
    contact_id = contact["contact_id"]
    reasons = obstacles(contact, channel, current_address(database, contact, channel))
    if checkout_id is not None:
        reasons = [*reasons, *why_not(database, contact_id, checkout_id)]
    return Answer(contact_id, channel, checkout_id, not reasons, reasons)
