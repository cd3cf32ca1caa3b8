"""What the other sources of a contact say beside the one that speaks. No I/O here.

A contact with a key of its own may have several customers as sources. What one of them lacks is no reason against what
another one agreed to; what one of them refuses is.
"""

from __future__ import annotations

import typing as t

from target_contactdb.consent import State
from target_contactdb.consent_rules import normal_state
from target_contactdb.set_aside import DISCARDED, REJECTED

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    import sqlalchemy as sa

    from target_contactdb.consent_values import Consent, Policy

    Sources = Sequence[Mapping[str, t.Any] | sa.RowMapping]
    """Rows of `contact_sources`."""

_LACKING: t.Final = frozenset({State.NOT_SUBSCRIBED, State.PENDING, State.NOTHING})
_KEPT_OUT: t.Final = frozenset({DISCARDED, REJECTED})


def is_outvoted(consent: Consent, address_hash: str | None, others: Sources, channel: str, policy: Policy) -> bool:
    """Tell whether what one source says of a channel counts for nothing beside what the others say.

    A source that never agreed, waits for a confirmation or has no address takes nothing from another one that agreed;
    and an address that Shopify calls invalid for one of them is not restored by the other.

    Args:
        consent: What the source says.
        address_hash: The address that the contact holds.
        others: The other sources of the contact.
        channel: `email` or `sms`.
        policy: The consent options.
    """
    if consent.state is State.NOTHING and address_hash is None:
        return bool(others)
    if consent.state in _LACKING:
        return says(State.SUBSCRIBED, address_hash, others, channel, policy)
    return consent.state is State.SUBSCRIBED and says(State.INVALID, address_hash, others, channel, policy)


def says(
    state: State,
    address_hash: str | None,
    others: Sources,
    channel: str,
    policy: Policy,
    *,
    taken_in: bool = False,
) -> bool:
    """Tell whether a source that still exists says a state of an address.

    Args:
        state: The state.
        address_hash: The address; None = none says anything.
        others: The sources.
        channel: `email` or `sms`.
        policy: The consent options.
        taken_in: Ask only those that the filters, and everything else, let in.
    """
    return any(
        not taken_in or one["content_hash"] not in _KEPT_OUT
        for one in _saying(state, address_hash, others, channel, policy)
    )


def latest_yes(address_hash: str | None, others: Sources, channel: str, policy: Policy) -> dt.datetime | None:
    """Return when a source that still exists agreed last, of those that say SUBSCRIBED of an address."""
    times = [one[f"{channel}_consent_at"] for one in _saying(State.SUBSCRIBED, address_hash, others, channel, policy)]
    return max((moment for moment in times if moment is not None), default=None)


def is_outdated(updated_at: dt.datetime, others: Sources) -> bool:
    """Tell whether another source of the contact was changed in Shopify later."""
    return any(one["source_updated_at"] is not None and one["source_updated_at"] > updated_at for one in others)


def _saying(
    state: State, address_hash: str | None, others: Sources, channel: str, policy: Policy
) -> Iterator[Mapping[str, t.Any] | sa.RowMapping]:
    for one in others:
        if address_hash is None or one["deleted_at"] is not None or one[f"{channel}_address_hash"] != address_hash:
            continue
        said = normal_state(
            one[f"{channel}_state"],
            has_address=True,
            opt_in_level=one[f"{channel}_opt_in_level"],
            policy=policy,
        )
        # Without any word of its own a source says nothing.
        if one[f"{channel}_state"] is not None and said is state:
            yield one
