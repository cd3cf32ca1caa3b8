"""What counts as settled is what the state table would leave as it is, in Python and in SQL alike."""

from __future__ import annotations

import datetime as dt
import typing as t
from random import Random

import pytest
import sqlalchemy as sa

from target_contactdb.causes import DEFAULT_PROTECTED, FIXED_CAUSES, NO_CONSENT, PERSON
from target_contactdb.consent import Resubscribe, State
from target_contactdb.consent_rules import decide, normal_state, opt_out_of
from target_contactdb.consent_values import Consent, Held, OptOut, Policy, Seen, Source, Status
from target_contactdb.dialects import loader_for
from target_contactdb.dialects.base import staging_table
from target_contactdb.engines import open_engine
from target_contactdb.ledger import Ledger
from target_contactdb.settled import is_settled, settled_sql
from target_contactdb.types import UtcDateTime

NOW = dt.datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=dt.UTC)
# Few moments, so that ties and every order of two of them come up; some of them between two seconds.
MOMENTS = [
    dt.datetime(2026, 11, 1, 10, 0, second, micro, tzinfo=dt.UTC) for second in range(4) for micro in (0, 500_000)
]
SECONDS = [moment for moment in MOMENTS if not moment.microsecond]
CAUSES = (None, *FIXED_CAUSES.values(), NO_CONSENT, PERSON, *DEFAULT_PROTECTED[:1])
STATES = (*(state.value for state in State), "PUZZLED", None)
LEVELS = (None, "SINGLE_OPT_IN", "CONFIRMED_OPT_IN")


class Case(t.NamedTuple):
    """What is said, held and known of one channel."""

    state: str | None
    level: str | None
    consent_at: dt.datetime | None
    address_hash: str | None
    held: Held
    opt_out: OptOut | None


def _policies() -> list[Policy]:
    return [
        Policy(flag, resubscribe, frozenset(DEFAULT_PROTECTED), confirmed)
        for flag in (NO_CONSENT, None)
        for resubscribe in Resubscribe
        for confirmed in (False, True)
    ]


def _case(chance: Random) -> Case:
    def some(values: t.Sequence[t.Any]) -> t.Any:
        return chance.choice((None, *values))

    address_hash = chance.choice(("a", "a", "a", None))
    status = chance.choice(list(Status))
    held = Held(address_hash=address_hash)
    if status is not Status.NONE or chance.random() < 0.3:
        times = (some(MOMENTS), some(MOMENTS), some(MOMENTS))
        cause = chance.choice(CAUSES) if status is Status.UNSUBSCRIBED else None
        held = Held(status, some(list(Source)), cause, times[0], times[1], address_hash, times[2])
    opt_out = None
    if address_hash and chance.random() < 0.7:
        opt_out = OptOut(PERSON, chance.choice(list(Source)), chance.choice(MOMENTS), some(MOMENTS))
    return Case(chance.choice(STATES), chance.choice(LEVELS), some(SECONDS), address_hash, held, opt_out)


def _consent(case: Case, policy: Policy) -> Consent:
    state = normal_state(case.state, has_address=case.address_hash is not None, opt_in_level=case.level, policy=policy)
    return Consent(state, str(case.state), case.consent_at, MOMENTS[-1], case.address_hash)


def _changes(case: Case, policy: Policy, *, owned: bool) -> bool:
    """Tell whether the rules would change anything about a case."""
    consent = _consent(case, policy)
    # The source row holds just what is said now; what it held when an opt-out was written may be the same or not.
    seen = Seen(owned, case.state, case.consent_at, had_address=case.address_hash is not None)
    ledger = Ledger({("email", "a"): case.opt_out} if case.opt_out is not None else {})
    told = opt_out_of(consent, seen, case.opt_out, now=NOW)
    if told is not None and ledger.is_news(("email", "a"), told):
        return True
    decision = decide(
        consent, case.held, seen, case.opt_out, kept_address_hash=case.address_hash, now=NOW, policy=policy
    )
    return (decision.held, decision.change, decision.lifted_at, decision.erase) != (case.held, None, None, False)


@pytest.mark.parametrize(
    "policy",
    _policies(),
    ids=lambda policy: f"{policy.resubscribe}-{policy.confirmed_only}-{policy.no_consent_cause is not None}",
)
def test_what_is_settled_is_left_as_it_is(policy):
    chance, settled = Random(7), 0
    for _number in range(4000):
        case = _case(chance)
        if is_settled(_consent(case, policy), case.held, case.opt_out, policy):
            settled += 1
            assert not any(_changes(case, policy, owned=owned) for owned in (True, False)), case

    assert settled > 800


def test_sql_says_the_same(database_url):
    chance = Random(8)
    cases = [_case(chance) for _number in range(1500)]
    engine = open_engine(database_url)
    loader = loader_for(engine)
    stage = _stage()
    said = {name: stage.c[name] for name in ("state", "opt_in_level", "consent_at", "address_hash")}
    names = ("status", "status_source", "unsubscription_cause", "status_at", "opted_in_at", "opted_out_at")
    held = {name: stage.c[name] for name in names}
    opt_out = {name: stage.c[f"opt_out_{name}"] for name in ("source", "at", "lifted_at")}
    with engine.begin() as connection, loader.staged(connection, stage, [_row(*pair) for pair in enumerate(cases)]):
        for policy in _policies():
            expected = {
                number
                for number, case in enumerate(cases)
                if is_settled(_consent(case, policy), case.held, case.opt_out, policy)
            }
            question = sa.select(stage.c.number).where(settled_sql(said, held, opt_out, policy))
            assert set(connection.execute(question).scalars()) == expected
    engine.dispose()


def _stage() -> sa.Table:
    texts = (
        "state",
        "opt_in_level",
        "address_hash",
        "status",
        "status_source",
        "unsubscription_cause",
        "opt_out_source",
    )
    times = ("consent_at", "status_at", "opted_in_at", "opted_out_at", "opt_out_at", "opt_out_lifted_at")
    return staging_table(
        "stage_cases",
        [
            sa.Column("number", sa.Integer),
            *(sa.Column(name, sa.String(64)) for name in texts),
            *(sa.Column(name, UtcDateTime) for name in times),
        ],
    )


def _row(number: int, case: Case) -> tuple[t.Any, ...]:
    held, out = case.held, case.opt_out
    source = held.source.value if held.source else None
    return (
        *(number, case.state, case.level, case.address_hash, held.status.value, source, held.cause),
        *(out.source.value if out else None, case.consent_at, held.at, held.opted_in_at, held.opted_out_at),
        *(out.at if out else None, out.lifted_at if out else None),
    )
