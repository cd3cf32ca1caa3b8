"""What a stream's record says, read strictly. Pure: a record in, values or a reason out."""

from __future__ import annotations

import datetime as dt
import hashlib
import typing as t
from dataclasses import dataclass, replace

import msgspec

from target_contactdb.addresses import address_hash
from target_contactdb.fields import to_datetime, to_integer, to_short_text
from target_contactdb.json_values import storable
from target_contactdb.tables import CHANNELS

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_contactdb.mapping import Filled
    from target_contactdb.operations import SetAside

ADDRESS_PROPERTY: t.Final = {"email": "email", "sms": "phone"}
"""Per channel: the property of the stream, and the contact field, that hold its address."""

_LONG_AGO: t.Final = dt.datetime.min.replace(tzinfo=dt.UTC)

Record: t.TypeAlias = "dict[str, t.Any]"


class RecordError(Exception):
    """A record cannot be taken in. The text names the field, never its value."""


@dataclass(frozen=True, slots=True)
class SaidOf:
    """What a customer record says about one channel.

    Attributes:
        address: The address; None where Shopify has none.
        state: Shopify's word; None where it has none.
        opt_in_level: Shopify's opt-in level.
        consent_at: When the person said so, UTC, whole seconds.
        state_carried: The record carries the state at all.
        address_carried: The record carries the address at all.
    """

    address: str | None
    state: str | None
    opt_in_level: str | None
    consent_at: dt.datetime | None
    state_carried: bool
    address_carried: bool = True


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer record, read.

    Attributes:
        position: Its place in the batch.
        customer_id: Shopify's numeric id.
        updated_at: Of the customer, UTC; of a record whose own cannot be read, the least that it may be.
        last_order_at: Creation of the last order, where the record carries it.
        said: Per channel; None where the record carries neither address nor state.
        hashes: Per channel, the hash of the address; None without one.
        values: Per mapping, in its order; only those that `carried` names are meant.
        carried: Which mappings' sources the record carries, in the mappings' order.
        content_hash: Hash of the record as it came and of how it is mapped; of a record that is not taken in, its
            outcome, so that its fields count as unwritten; None = what is stored stays.
        aside: Why the record is not taken in; None = it is.
        only_consent: The record is about consent alone: it counts as what it changes, and brings no field.
        is_dated: The record says how old it is.
    """

    position: int
    customer_id: int
    updated_at: dt.datetime
    last_order_at: dt.datetime | None
    said: Mapping[str, SaidOf | None]
    hashes: Mapping[str, str | None]
    values: tuple[t.Any, ...]
    carried: tuple[bool, ...]
    content_hash: str | None
    aside: SetAside | None = None
    only_consent: bool = False
    is_dated: bool = True

    def dated(self, known: dt.datetime | None, now: dt.datetime) -> Customer:
        """Return the record with a time of its own, where it does not say how old it is.

        It is taken for no older than what is known of the customer, so that what it says against writing counts; and
        for no newer, so that the same record, mended, still counts as well.

        Args:
            known: The `updated_at` of the newest record of the customer that was taken in.
            now: The time of this write, for a customer of whom nothing is known.
        """
        if self.is_dated:
            return self
        consents = [said.consent_at for said in self.said.values() if said is not None and said.consent_at is not None]
        return replace(self, updated_at=known or max(consents, default=now), is_dated=True)


def field_value(name: str, convert: t.Callable[[t.Any], t.Any], value: t.Any) -> t.Any:
    """Convert one value of a record.

    Raises:
        RecordError: It does not fit; the text names the field.
    """
    if value is None:
        return None
    try:
        return convert(value)
    except ValueError as error:
        msg = f"field `{name}` {error}"
        raise RecordError(msg) from None


def required(record: Record, name: str, convert: t.Callable[[t.Any], t.Any]) -> t.Any:
    """Convert a value that every record must have.

    Raises:
        RecordError: It is missing, null or does not fit.
    """
    value = field_value(name, convert, record.get(name))
    if value is None:
        msg = f"field `{name}` is missing"
        raise RecordError(msg)
    return value


def key_of(record: Record) -> str | None:
    """Return a record's key as text, as far as the log has room for it; None without one."""
    key = record.get("id")
    return None if key is None else str(storable(key))[:_LONGEST_KEY]


_LONGEST_KEY: t.Final = 255


def content_hash(*parts: t.Any) -> str:
    """Return a hash under which equal content is equal."""
    return hashlib.blake2b(msgspec.json.encode(parts, order="deterministic"), digest_size=16).hexdigest()


def read_customer(record: Record, position: int, mappings: Sequence[Filled], *, digest: str, salt: str) -> Customer:
    """Read a record of the contact stream.

    Args:
        record: As the tap sent it.
        position: Its place in the batch.
        mappings: The compiled mappings.
        digest: Hash of the record as it came and of how it is mapped: content counts as new under new mappings.
        salt: The database's secret, for the hashes of addresses.

    Raises:
        RecordError: It cannot be taken in.
    """
    customer_id = required(record, "id", to_integer)
    updated_at = required(record, "updated_at", to_datetime)
    last_order_at = field_value("last_order_created_at", to_datetime, record.get("last_order_created_at"))
    said = {channel: _said(record, channel) for channel in CHANNELS}
    carried = tuple(filled.source in record for filled in mappings)
    values = tuple(field_value(filled.source, filled.field.convert, record.get(filled.source)) for filled in mappings)
    hashes = said_hashes(said, salt)
    return Customer(position, customer_id, updated_at, last_order_at, said, hashes, values, carried, digest)


def read_aside(record: Record, position: int, aside: SetAside, *, mappings: int, salt: str) -> Customer:
    """Read what counts of a record that is not taken in: whose it is, its age, and its consent.

    What cannot be read of the consent takes no opt-out away: the bare state counts, without a time, for the address
    that the contact holds. Nor does an age that cannot be read (`Customer.dated`).

    Args:
        record: As the tap sent it.
        position: Its place in the batch.
        aside: Why it is not taken in.
        mappings: How many there are.
        salt: The database's secret, for the hashes of addresses.

    Raises:
        RecordError: It does not say whose it is.
    """
    customer_id = required(record, "id", to_integer)
    try:
        updated_at = required(record, "updated_at", to_datetime)
    except RecordError:
        updated_at = None
    try:
        last_order_at = field_value("last_order_created_at", to_datetime, record.get("last_order_created_at"))
    except RecordError:
        last_order_at = None
    said = {channel: _said_at_least(record, channel) for channel in CHANNELS}
    values, carried = (None,) * mappings, (False,) * mappings
    hashes = said_hashes(said, salt)
    return Customer(
        position,
        customer_id,
        updated_at or _LONG_AGO,
        last_order_at,
        said,
        hashes,
        values,
        carried,
        aside.outcome,
        aside,
        is_dated=updated_at is not None,
    )


def said_hashes(said: Mapping[str, SaidOf | None], salt: str) -> dict[str, str | None]:
    """Return, per channel, the hash of the address that a record speaks of."""
    return {
        channel: address_hash(salt, channel, one.address) if one is not None else None for channel, one in said.items()
    }


def _said(record: Record, channel: str) -> SaidOf | None:
    address_property, prefix = ADDRESS_PROPERTY[channel], f"{channel}_marketing_"
    if address_property not in record and f"{prefix}state" not in record:
        return None
    consent_at = field_value(f"{prefix}updated_at", to_datetime, record.get(f"{prefix}updated_at"))
    return SaidOf(
        address=_text_of(record, address_property),
        state=_word_of(record, f"{prefix}state"),
        opt_in_level=_word_of(record, f"{prefix}opt_in_level"),
        consent_at=consent_at.replace(microsecond=0) if consent_at else None,
        state_carried=f"{prefix}state" in record,
        address_carried=address_property in record,
    )


def _said_at_least(record: Record, channel: str) -> SaidOf | None:
    try:
        return _said(record, channel)
    except RecordError:
        state = f"{channel}_marketing_state"
    try:
        return _said({name: value for name, value in record.items() if name == state}, channel)
    except RecordError:
        return None


def _word_of(record: Record, name: str) -> str | None:
    # Shopify's REST API, which other taps read, writes the same words in lower case.
    text = _text_of(record, name)
    return None if text is None else text.upper()


def _text_of(record: Record, name: str) -> str | None:
    text: str | None = field_value(name, to_short_text, record.get(name))
    return text
