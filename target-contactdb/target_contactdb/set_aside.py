"""Records that are not taken in, and what of them counts all the same. No I/O here.

A failed filter, a rejection and a batch that waits concern fields, inserts and restores. What such a record says
against writing to somebody is followed.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from target_contactdb.consent import State
from target_contactdb.consent_values import Decision, OptOut, Policy, Seen
from target_contactdb.letting_go import let_go
from target_contactdb.operations import SetAside
from target_contactdb.tables import CHANNELS

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from target_contactdb.consent_values import Held
    from target_contactdb.contact_lookup import Row
    from target_contactdb.records import Customer

DISCARDED: t.Final = "discarded"
REJECTED: t.Final = "rejected"

HELD: t.Final = SetAside(None, "held", "", None)
"""Of a batch that waits for a person: only an opt-out or an erasure of the shop's is not held back."""

RESTRICTING: t.Final = frozenset({State.UNSUBSCRIBED, State.PENDING, State.INVALID, State.REDACTED})
EXPLICIT: t.Final = frozenset({State.UNSUBSCRIBED, State.REDACTED})


def is_followed(aside: SetAside | None, state: State) -> bool:
    """Tell whether a contact follows what Shopify says, given why the record is not taken in."""
    return aside is None or state in (EXPLICIT if aside is HELD else RESTRICTING)


def discard(
    held: Held, aside: SetAside, opt_out: OptOut | None, *, owned: bool, at: dt.datetime, policy: Policy
) -> Decision | None:
    """Decide one channel of a contact that fails the import filters now.

    The filters are a reason to write no more, not an opt-out: they close no address, and their time decides nothing.

    Args:
        held: What the contact holds, once it has followed what restricts.
        aside: Why the record is discarded.
        opt_out: The latest opt-out known for the contact's address.
        owned: An import created the contact.
        at: The customer's `updated_at`.
        policy: The consent options.

    Returns:
        The decision, or None if the contact stays as it is.
    """
    evidence = f"discarded by {aside.reason}"
    return let_go(held, policy.discarded_cause, opt_out, owned=owned, at=at, evidence=evidence, policy=policy)


def seen_without_source(known: OptOut | None, updated_at: dt.datetime) -> Seen | None:
    """Return what to take as seen of a customer who is kept out, and of whom no source row remembers anything.

    An opt-out without a time counts from its first sight. Where one is known for the address already, and no later yes
    has answered it, this was not the first.

    Args:
        known: The latest opt-out known for the address.
        updated_at: The customer's `updated_at`.
    """
    if known is None or (known.lifted_at is not None and known.lifted_at < updated_at):
        return None
    return Seen(owned=False, state=State.UNSUBSCRIBED.value)


def held_back(customers: Iterable[Customer]) -> list[Customer]:
    """Return those of a batch that waits who opted out or are to be erased: that alone counts of them."""
    explicit = {state.value for state in EXPLICIT}
    return [
        replace(customer, content_hash=None, aside=HELD)
        for customer in customers
        if any(said is not None and said.state in explicit for said in customer.said.values())
    ]


def source_differs(customer: Customer, row: Row) -> bool:
    """Tell whether a record that is not taken in says anything of its source that is not stored yet."""
    if row["source_customer_id"] is None or row["source_deleted_at"] is not None:
        return True
    mark, last_order_at = customer.content_hash, customer.last_order_at
    told: list[tuple[t.Any, t.Any]] = [(row["source_source_updated_at"], customer.updated_at)]
    if mark is not None:
        told.append((row["source_content_hash"], mark))
    if last_order_at is not None:
        told.append((row["source_last_order_at"], last_order_at))
    return consent_differs(customer, row) or any(known != now for known, now in told)


def consent_differs(customer: Customer, row: Row) -> bool:
    """Tell whether a record says anything of a channel that its source row does not hold."""
    told: list[tuple[t.Any, t.Any]] = []
    for channel in CHANNELS:
        said, prefix = customer.said[channel], f"source_{channel}"
        if said is not None and said.address_carried:
            told.append((row[f"{prefix}_address"], said.address))
        if said is not None and said.state_carried:
            names = ("state", "opt_in_level", "consent_at")
            told += [(row[f"{prefix}_{name}"], getattr(said, name)) for name in names]
    return any(known != now for known, now in told)
