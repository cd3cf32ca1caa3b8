"""Why a contact may or may not be written to, in sentences, from what the database and its log hold."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import sqlalchemy as sa

from target_contactdb.admin.activities import require_operation
from target_contactdb.admin.cards import channel_card, sources_of, status_history
from target_contactdb.admin.permission import CHANNEL_NAMES, current_address
from target_contactdb.admin.words import SOURCES, moment
from target_contactdb.consent import Standing
from target_contactdb.consent_values import Policy, Source, Status
from target_contactdb.ledger import held_of
from target_contactdb.operations import Kind
from target_contactdb.opt_outs import standing_of
from target_contactdb.set_aside import DISCARDED
from target_contactdb.tables import CHANNELS, contact_sources, operation_records, operations

if t.TYPE_CHECKING:
    from target_contactdb.admin.cards import ChannelCard, Contact, SourceCard, StatusChange
    from target_contactdb.admin.connect import Opened
    from target_contactdb.admin.permission import Suppression

_WRITTEN_TO: t.Final = {"email": "e-mailed", "sms": "sent an SMS"}
_BY: t.Final = {
    Source.IMPORT: "an import, from what Shopify said",
    Source.PERSON: "the person",
    Source.PROTECTED: "a protected cause",
}


@dataclass(frozen=True, slots=True)
class ChannelExplanation:
    """One channel, explained.

    Attributes:
        channel: `email` or `sms`.
        may: Whether the contact may be written to now.
        sentences: Why, since when, on what evidence, and what would change it.
    """

    channel: str
    may: bool
    sentences: list[str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A contact's status on all channels, explained."""

    contact_id: int
    user_code: str | None
    channels: list[ChannelExplanation]


def explain(database: Opened, contact: Contact) -> Explanation:
    """Explain a contact's status on all channels."""
    sources = sources_of(database, contact["contact_id"])
    kept_out = _kept_out(database, contact["contact_id"])
    channels = [_explain_channel(database, contact, channel, sources, kept_out) for channel in CHANNELS]
    return Explanation(contact["contact_id"], contact["user_code"], channels)


def _kept_out(database: Opened, contact_id: int) -> str | None:
    """Return what an import waits for where the filters keep all customers of a contact out; None where they do not."""
    sources = contact_sources.c
    statement = sa.select(sources.shop, sources.customer_id, sources.content_hash)
    there = statement.where(sources.contact_id == contact_id, sources.deleted_at.is_(None))
    found = database.connection.execute(there).all()
    if not found or any(one.content_hash != DISCARDED for one in found):
        return None
    rows = operation_records.c
    mine = sa.or_(*(sa.and_(operations.c.shop == one.shop, rows.key == str(one.customer_id)) for one in found))
    newest = (
        sa.select(rows.reason)
        .join(operations, operations.c.operation_id == rows.operation_id)
        .where(mine, rows.outcome == DISCARDED, operations.c.kind == Kind.CUSTOMERS.value)
        .order_by(rows.record_id.desc())
        .limit(1)
    )
    # Of a filter that was asked of what is stored there is no record.
    reason = database.connection.execute(newest).scalar_one_or_none()
    which = f"; the newest one was discarded by {reason}" if reason else ""
    return f"its record passes the import filters again{which}"


def _explain_channel(
    database: Opened, contact: Contact, channel: str, sources: list[SourceCard], kept_out: str | None
) -> ChannelExplanation:
    card = channel_card(database, contact, channel)
    history = status_history(database, contact["contact_id"], channel)
    standing = standing_of(
        held_of(contact, channel),
        current_address(database, contact, channel).opt_out,
        Policy(protected_causes=database.protected_causes),
    )
    sentences = [
        _answer(card),
        _status(card),
        *_elsewhere(card),
        *_logged(database, card, history),
        *_suppressed(card.suppression),
        *(_said(source, channel) for source in sources),
        _what_would_change(card, standing, contact["contact_id"], kept_out),
    ]
    return ChannelExplanation(channel, card.may, sentences)


def _answer(card: ChannelCard) -> str:
    if card.may:
        return f"May be {_WRITTEN_TO[card.channel]}."
    return f"May not be {_WRITTEN_TO[card.channel]}: {'; '.join(card.reasons)}."


def _status(card: ChannelCard) -> str:
    if card.status == Status.NONE:
        return f"It has no {CHANNEL_NAMES[card.channel]} status: no address has come in."
    since = f" since {moment(card.since)} UTC" if card.since else ", since when is not known"
    cause = f" with the cause `{card.cause}`" if card.cause else ""
    by = f", by {_BY[Source(card.source)]}" if card.source in SOURCES else ""
    return f"It is {card.status}{since}{cause}{by}."


def _elsewhere(card: ChannelCard) -> list[str]:
    if not card.changed_elsewhere:
        return []
    return ["Another program wrote this status; the next import takes it as the person's own word."]


def _logged(database: Opened, card: ChannelCard, history: list[StatusChange]) -> list[str]:
    latest = next((change for change in history if change.after == card.status), None)
    if latest is None or card.status == Status.NONE:
        return [] if card.status == Status.NONE else ["The log holds no change to this status."]
    if latest.operation_id is None:
        writer = "by hand, with contactdb"
    else:
        operation = require_operation(database, latest.operation_id)
        writer = f"by operation {operation.operation_id} (import of {operation.kind} of {operation.shop})"
    before = f", from {latest.before}" if latest.before not in {None, latest.after} else ""
    evidence = latest.evidence[:1].upper() + latest.evidence[1:]
    return [f"The log: {latest.change}{before}, at {moment(latest.written_at)} UTC {writer}. {evidence}."]


def _suppressed(told: Suppression | None) -> list[str]:
    if told is None:
        return []
    by = _BY[Source(told.source)]
    if told.lifted_at is None:
        return [f"Its address is suppressed since {moment(told.at)} UTC, cause `{told.cause}`, by {by}."]
    return [
        f"An opt-out of {moment(told.at)} UTC is on record for its address (cause `{told.cause}`, by {by});"
        f" a yes of {moment(told.lifted_at)} UTC lifted it."
    ]


def _said(source: SourceCard, channel: str) -> str:
    said = source.email if channel == "email" else source.sms
    where = f"Shopify ({source.shop}, customer {source.customer_id})"
    if source.deleted_at is not None:
        return f"{where} has deleted this customer; that was noticed at {moment(source.deleted_at)} UTC."
    if said.state is None:
        return f"{where} has nothing on this channel."
    level = f", opt-in level {said.opt_in_level}" if said.opt_in_level else ""
    when = f"consent of {moment(said.consent_at)} UTC" if said.consent_at else "without a consent time"
    return f"{where} said {said.state} last, {when}{level}."


def _what_would_change(card: ChannelCard, standing: Standing, contact_id: int, kept_out: str | None) -> str:
    subscribe = f"`contactdb subscribe '#{contact_id}' --channel {card.channel}`"
    if card.may:
        return (
            "That ends when Shopify says UNSUBSCRIBED, PENDING or INVALID, when an opt-out closes its address, or with"
            f" `contactdb unsubscribe '#{contact_id}' --channel {card.channel}`."
        )
    if card.address is None:
        return "Once it has an address, the next import decides from what Shopify says about that."
    closed = card.suppression if card.suppression and card.suppression.lifted_at is None else None
    if standing is Standing.PROTECTED or (closed and closed.source == Source.PROTECTED):
        return f"No import restores it. Once the person has said yes again, {subscribe} does."
    if kept_out is not None:
        newer = " with a newer consent" if closed or standing is Standing.SELF else ""
        return (
            f"An import restores it once Shopify says SUBSCRIBED{newer} and {kept_out}."
            f" Told by the person here: {subscribe}."
        )
    latest = [card.since] if card.since and card.status == Status.UNSUBSCRIBED else []
    latest += [closed.at] if closed else []
    if standing is Standing.SELF:
        return (
            f"An import restores it when Shopify says SUBSCRIBED with a consent later than {moment(max(latest))} UTC"
            f" (option `resubscribe` = `if_newer`; `never` leaves it, `always` takes any). Told by the person here:"
            f" {subscribe}."
            if latest
            else f"An import restores it when Shopify says SUBSCRIBED with a newer consent. Here: {subscribe}."
        )
    if closed:
        return f"A yes later than {moment(closed.at)} UTC opens the address: SUBSCRIBED in Shopify, or {subscribe}."
    return f"An import restores it when Shopify says SUBSCRIBED. Told by the person here: {subscribe}."
