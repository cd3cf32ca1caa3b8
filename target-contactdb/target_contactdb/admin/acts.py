"""What a person said, told to the contact database itself: one act, one transaction."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass, replace

import sqlalchemy as sa

from target_contactdb import ledger as ledgers
from target_contactdb.admin.cards import find_contact
from target_contactdb.admin.permission import current_address
from target_contactdb.causes import PERSON
from target_contactdb.closing import follow_closed, tell
from target_contactdb.conditions.words import near
from target_contactdb.consent_values import Change, Decision, Held, Policy, Source, Status
from target_contactdb.contact_apply import write_changes
from target_contactdb.dialects import loader_for
from target_contactdb.errors import ContactDbError
from target_contactdb.ledger import Ledger, adopt_row, answer_sources, held_of, held_values
from target_contactdb.local_acts import act_locally
from target_contactdb.status_change import StatusChange, adopted_change
from target_contactdb.tables import contact_sources, unsubscription_causes

if t.TYPE_CHECKING:
    from target_contactdb.admin.cards import Contact
    from target_contactdb.admin.connect import Opened
    from target_contactdb.consent_values import OptOut
    from target_contactdb.ledger import Key


@dataclass(frozen=True, slots=True)
class Told:
    """What came of an act.

    Attributes:
        contact_id: The contact.
        channel: `email` or `sms`.
        changed: Whether anything was written.
        status: The contact's status now.
        cause: Its unsubscription cause now.
        since: Time of the act behind the status.
        followed: How many other contacts with the same address were unsubscribed as well.
        note: What happened, in words.
        lifted_cause: The protected cause that had closed the address, or the contact, until this yes; None = none had.
    """

    contact_id: int
    channel: str
    changed: bool
    status: str
    cause: str | None
    since: dt.datetime | None
    followed: int
    note: str
    lifted_cause: str | None


@dataclass(frozen=True, slots=True)
class Act:
    """What the person said.

    Attributes:
        wish: SUBSCRIBED or UNSUBSCRIBED.
        channel: `email` or `sms`.
        told_at: When it was said, where that is not now.
        cause: The unsubscription cause; None = the person's own wish.
    """

    wish: Status
    channel: str
    told_at: dt.datetime | None = None
    cause: str | None = None


def tell_database(opened: Opened, key: str, act: Act, now: dt.datetime) -> Told:
    """Write what a person said about one channel.

    Args:
        opened: The contact database, to be written.
        key: The contact, as `find_contact` takes it.
        act: What was said.
        now: The time of this write, UTC.

    Raises:
        ContactDbError: There is no such contact, the cause is not declared, the time has not come yet, or there is no
            address to subscribe. Nothing was written.
    """
    if act.told_at is not None and act.told_at > now:
        msg = "--at lies in the future"
        raise ContactDbError(msg)
    cause = _declared(opened, act.cause or PERSON) if act.wish is Status.UNSUBSCRIBED else PERSON
    contact = _locked(opened, find_contact(opened, key))
    return _Writing(opened, contact, act, cause, now).run()


def _declared(opened: Opened, cause: str) -> str:
    declared = list(opened.connection.execute(sa.select(unsubscription_causes.c.cause)).scalars())
    if cause in declared:
        return cause
    meant = near(cause, declared)
    hint = f"did you mean `{meant}`?" if meant is not None else "the setting `unsubscription_causes` lists them"
    msg = f"--cause is not a declared unsubscription cause; {hint}"
    raise ContactDbError(msg)


def _locked(opened: Opened, contact: Contact) -> Contact:
    """Return the contact as it is once no import writes it any more."""
    table = opened.contacts
    statement = sa.select(table).where(table.c.contact_id == contact["contact_id"]).with_for_update()
    return dict(opened.connection.execute(statement).mappings().one())


@dataclass(frozen=True, slots=True)
class _Writing:
    opened: Opened
    contact: Contact
    act: Act
    cause: str
    now: dt.datetime

    @property
    def policy(self) -> Policy:
        return Policy(protected_causes=self.opened.protected_causes)

    def run(self) -> Told:
        channel, contact_id = self.act.channel, self.contact["contact_id"]
        address = current_address(self.opened, self.contact, channel)
        if self.act.wish is Status.SUBSCRIBED and address.digest is None:
            msg = f"contact #{contact_id} has no address to subscribe on channel {channel}"
            raise ContactDbError(msg)
        before = replace(held_of(self.contact, channel), address_hash=address.digest)
        held, found = adopt_row(self.contact, channel, before, now=self.now, policy=self.policy)
        decision = self._decide(held, address.opt_out)
        key = (channel, address.digest) if address.digest else None
        opt_outs = [one for one in (found, decision.opt_out) if one is not None]
        adopted = [] if held == before else [adopted_change(channel, self.contact, held)]
        changes = [*adopted, *_acted(channel, held, decision)]
        followed, told_ledger = self._write_address(key, address.opt_out, opt_outs, decision)
        changed = self._write_contact(decision.held) or told_ledger
        if changed and opt_outs:
            answer_sources(self.opened.connection, self.opened.contacts, channel, [contact_id])
        self._log([*((contact_id, change) for change in changes), *followed])
        after = decision.held
        note = _note(held, decision, self.act, changed=changed)
        lifted = _protected_cause(held, address.opt_out) if decision.lifted_at is not None else None
        return Told(
            contact_id, channel, changed, after.status.value, after.cause, after.at, len(followed), note, lifted
        )

    def _decide(self, held: Held, opt_out: OptOut | None) -> Decision:
        return act_locally(
            self.act.wish,
            held,
            opt_out,
            yes_at=self._yes_at(held),
            told_at=self.act.told_at,
            now=self.now,
            cause=self.cause,
            policy=self.policy,
        )

    def _yes_at(self, held: Held) -> dt.datetime | None:
        channel, sources = self.act.channel, contact_sources.c
        statement = sa.select(sa.func.max(sources[f"{channel}_consent_at"])).where(
            sources.contact_id == self.contact["contact_id"],
            # A yes is about the address that it named.
            sources[f"{channel}_address_hash"] == held.address_hash,
            sources[f"{channel}_state"] == "SUBSCRIBED",
        )
        known = [held.opted_in_at, self.opened.connection.execute(statement).scalar_one()]
        return max((moment for moment in known if moment is not None), default=None)

    def _write_address(
        self, key: Key | None, known: OptOut | None, opt_outs: list[OptOut], decision: Decision
    ) -> tuple[list[tuple[int, StatusChange]], bool]:
        """Write the opt-out or the yes of the address, and unsubscribe whoever else holds it."""
        if key is None:
            return [], False
        opened = self.opened
        database = opened.database
        ledger = Ledger({key: known} if known else {})
        holders = tell(opened.connection, database, ledger, [(key, one) for one in opt_outs], self.policy)
        told = ledger.get(*key)
        if decision.lifted_at is not None and told is not None:
            ledger.lift(key, max(decision.lifted_at, told.lifted_at or decision.lifted_at))
        others = [one for one in holders if one.contact_id != self.contact["contact_id"]]
        followed = follow_closed(opened.connection, database, ledger, others, updated_at=self.now)
        ledgers.save(opened.connection, ledger)
        return followed, bool(ledger.dirty)

    def _write_contact(self, held: Held) -> bool:
        values = held_values(held, self.act.channel)
        if all(self.contact[name] == value for name, value in values.items()):
            return False
        table = self.opened.contacts
        mine = table.c.contact_id == self.contact["contact_id"]
        self.opened.connection.execute(sa.update(table).where(mine).values({**values, "updated_at": self.now}))
        return True

    def _log(self, changes: list[tuple[int, StatusChange]]) -> None:
        loader = loader_for(self.opened.connection.engine)
        write_changes(self.opened.connection, loader, changes, operation_id=None, now=self.now)


def _acted(channel: str, held: Held, decision: Decision) -> list[StatusChange]:
    """Return what to log: a new status, and also the same status for a new reason."""
    after = decision.held
    if (after.status, after.source, after.cause) == (held.status, held.source, held.cause):
        return []
    same = Change.SUBSCRIBED if after.status is Status.SUBSCRIBED else Change.UNSUBSCRIBED
    return [StatusChange(channel, decision.change or same, held.status, after, decision.acted_at, decision.evidence)]


def _protected_cause(held: Held, opt_out: OptOut | None) -> str | None:
    """Return the protected cause by which a contact or its address was closed; None = it was not."""
    if opt_out is not None and opt_out.lifted_at is None and opt_out.source is Source.PROTECTED:
        return opt_out.cause
    return held.cause if held.status is Status.UNSUBSCRIBED and held.source is Source.PROTECTED else None


def _note(held: Held, decision: Decision, act: Act, *, changed: bool) -> str:
    after = decision.held
    if after.status is not act.wish:
        other = "opt-in" if act.wish is Status.UNSUBSCRIBED else "opt-out"
        return f"{'recorded' if changed else 'nothing changed'}: a later {other} stands"
    if after.status is not held.status:
        return f"{after.status.value} now"
    if not changed:
        return f"nothing changed: {after.status.value} already"
    return f"{after.status.value} already; the newer word was recorded"
