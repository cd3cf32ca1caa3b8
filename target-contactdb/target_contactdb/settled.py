"""When there is nothing to decide: an existing contact and a record that the state table would leave as they are.

`is_settled` is the rule, `settled_sql` the same rule as an SQL expression; a test holds the two together. Both may say
no where the table would change nothing, never yes where it would change something: what is not settled is decided.
"""

from __future__ import annotations

import typing as t

import sqlalchemy as sa

from target_contactdb.causes import OPTED_OUT
from target_contactdb.consent import Resubscribe, State
from target_contactdb.consent_values import Consent, Held, OptOut, Policy, Source, Status

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

_WAITING: t.Final = frozenset({State.PENDING, State.NOT_SUBSCRIBED, State.INVALID})
_CONFIRMED: t.Final = "CONFIRMED_OPT_IN"


def is_settled(consent: Consent, held: Held, opt_out: OptOut | None, policy: Policy) -> bool:
    """Tell whether a record leaves a channel as it is, without a status change or a word for the ledger.

    It may be asked only where the contact holds the address that the record names, nobody else wrote the status, and
    the source row holds the state and the consent time of this record already.

    Args:
        consent: What Shopify says.
        held: What the contact holds.
        opt_out: The latest opt-out known for the address.
        policy: The consent options.
    """
    if held.status is Status.NONE:
        return consent.state is State.NOTHING and held == Held(address_hash=held.address_hash)
    if held.status is Status.SUBSCRIBED:
        agrees = consent.state is State.SUBSCRIBED or (
            consent.state is State.NOT_SUBSCRIBED and policy.no_consent_cause is None
        )
        return agrees and (opt_out is None or opt_out.lifted_at is not None)
    if consent.state is State.NOTHING or consent.state in _WAITING:
        return True
    if consent.state is State.UNSUBSCRIBED:
        return _opt_out_is_known(consent, held, opt_out)
    return consent.state is State.SUBSCRIBED and _stays_out(consent.consent_at, held, opt_out, policy)


def _opt_out_is_known(consent: Consent, held: Held, opt_out: OptOut | None) -> bool:
    if opt_out is None or held.at is None or held.opted_out_at is None or held.source is None:
        return False
    said_at = consent.consent_at or opt_out.at
    known = said_at <= opt_out.at if opt_out.lifted_at is None else said_at < opt_out.at
    own = held.source is not Source.IMPORT or held.cause == OPTED_OUT
    return known and own and said_at <= held.at and said_at <= held.opted_out_at


def _stays_out(consent_at: dt.datetime | None, held: Held, opt_out: OptOut | None, policy: Policy) -> bool:
    is_protected = held.source is Source.PROTECTED or held.cause in policy.protected_causes
    if is_protected or (opt_out is not None and opt_out.lifted_at is None and opt_out.source is Source.PROTECTED):
        return True
    if policy.resubscribe is Resubscribe.ALWAYS:
        return False
    opt_outs = [opt_out.at if opt_out is not None else None, held.opted_out_at]
    if held.source is Source.PERSON or held.cause == OPTED_OUT:
        opt_outs.append(held.at)
    return any(one is not None and (consent_at is None or consent_at <= one) for one in opt_outs)


def settled_sql(
    said: Mapping[str, sa.ColumnElement[t.Any]],
    held: Mapping[str, sa.ColumnElement[t.Any]],
    opt_out: Mapping[str, sa.ColumnElement[t.Any]],
    policy: Policy,
) -> sa.ColumnElement[bool]:
    """Return `is_settled` as an SQL expression, which is never null.

    Args:
        said: `state`, `opt_in_level`, `consent_at` and `address_hash` as the source row holds them.
        held: `status`, `status_source`, `unsubscription_cause`, `status_at`, `opted_in_at` and `opted_out_at`.
        opt_out: `source`, `at` and `lifted_at` of the address's opt-out, all null without one.
        policy: The consent options.
    """
    no_address = said["address_hash"].is_(None)
    state = sa.func.coalesce(said["state"], "")
    is_yes, is_pending = state == State.SUBSCRIBED.value, state == State.PENDING.value
    if policy.confirmed_only:
        confirmed = sa.func.coalesce(said["opt_in_level"], "") == _CONFIRMED
        is_yes, is_pending = sa.and_(is_yes, confirmed), sa.or_(is_pending, sa.and_(is_yes, sa.not_(confirmed)))
    is_no = state == State.UNSUBSCRIBED.value
    is_open = sa.and_(opt_out["at"].is_not(None), opt_out["lifted_at"].is_(None))
    agrees = sa.and_(sa.not_(no_address), is_yes)
    if policy.no_consent_cause is None:
        others = sa.or_(is_pending, is_no, state == State.SUBSCRIBED.value, state == State.INVALID.value)
        agrees = sa.or_(agrees, sa.and_(sa.not_(no_address), sa.not_(others)))
    nothing = [held[name].is_(None) for name in ("status_source", "unsubscription_cause", "status_at", "opted_in_at")]
    unsubscribed = sa.case(
        (is_no, sa.and_(sa.not_(no_address), _opt_out_is_known_sql(said, held, opt_out))),
        (no_address, sa.true()),
        (is_yes, _stays_out_sql(said, held, opt_out, is_open, policy)),
        else_=sa.true(),
    )
    settled = sa.case(
        (state == State.REDACTED.value, sa.false()),
        (
            held["status"] == Status.NONE.value,
            sa.and_(no_address, sa.not_(is_no), *nothing, held["opted_out_at"].is_(None)),
        ),
        (held["status"] == Status.SUBSCRIBED.value, sa.and_(agrees, sa.not_(is_open))),
        (held["status"] == Status.UNSUBSCRIBED.value, unsubscribed),
        else_=sa.false(),
    )
    return sa.func.coalesce(settled, sa.false())


def _opt_out_is_known_sql(
    said: Mapping[str, sa.ColumnElement[t.Any]],
    held: Mapping[str, sa.ColumnElement[t.Any]],
    opt_out: Mapping[str, sa.ColumnElement[t.Any]],
) -> sa.ColumnElement[bool]:
    said_at = sa.func.coalesce(said["consent_at"], opt_out["at"])
    return sa.and_(
        said_at <= opt_out["at"],
        sa.or_(opt_out["lifted_at"].is_(None), said_at < opt_out["at"]),
        sa.or_(held["status_source"] != Source.IMPORT.value, held["unsubscription_cause"] == OPTED_OUT),
        held["status_source"].is_not(None),
        said_at <= held["status_at"],
        said_at <= held["opted_out_at"],
    )


def _stays_out_sql(
    said: Mapping[str, sa.ColumnElement[t.Any]],
    held: Mapping[str, sa.ColumnElement[t.Any]],
    opt_out: Mapping[str, sa.ColumnElement[t.Any]],
    is_open: sa.ColumnElement[bool],
    policy: Policy,
) -> sa.ColumnElement[bool]:
    source, cause = held["status_source"], held["unsubscription_cause"]
    ways = [
        source == Source.PROTECTED.value,
        cause.in_(sorted(policy.protected_causes)),
        sa.and_(is_open, opt_out["source"] == Source.PROTECTED.value),
    ]
    if policy.resubscribe is not Resubscribe.ALWAYS:
        is_own_word = sa.or_(source == Source.PERSON.value, cause == OPTED_OUT)
        for moment, counts in (
            (opt_out["at"], sa.true()),
            (held["opted_out_at"], sa.true()),
            (held["status_at"], is_own_word),
        ):
            not_newer = sa.or_(said["consent_at"].is_(None), said["consent_at"] <= moment)
            ways.append(sa.and_(counts, moment.is_not(None), not_newer))
    return sa.or_(*ways)
