"""The state table, cell by cell: what Shopify says, where the contact stands, every fact that matters, the verdict.

The expectations are the words of the promise, written out by hand. A fact that a line does not name must not matter:
every line is asked under all values of all other facts.
"""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import fields

import pytest

from target_contactdb.causes import Reason
from target_contactdb.consent import Action, Facts, Resubscribe, Standing, State, Verdict, judge, markdown

NEVER, IF_NEWER, ALWAYS = Resubscribe.NEVER, Resubscribe.IF_NEWER, Resubscribe.ALWAYS
OPEN, SUBSCRIBED, OWN, SELF, PROTECTED = Standing

# The verdicts, in words.
KEEP = Verdict(Action.KEEP)
STAY = KEEP
INSERT_SUBSCRIBED = Verdict(Action.SUBSCRIBE)
FOLLOW_THE_ADDRESS = Verdict(Action.FOLLOW)
RESTORE = Verdict(Action.RESTORE)
STAY_AND_MOVE_TIME = Verdict(Action.MOVE_TIME)
STATUS_NONE = Verdict(Action.NO_ADDRESS)
ERASE = Verdict(Action.ERASE)
OPTED_OUT = Verdict(Action.UNSUBSCRIBE, Reason.OPTED_OUT)
AWAITING = Verdict(Action.UNSUBSCRIBE, Reason.AWAITING)
NO_CONSENT = Verdict(Action.UNSUBSCRIBE, Reason.NO_CONSENT)
INVALID_ADDRESS = Verdict(Action.UNSUBSCRIBE, Reason.INVALID_ADDRESS)
ADDRESS_REMOVED = Verdict(Action.UNSUBSCRIBE, Reason.ADDRESS_REMOVED)


class Line(t.NamedTuple):
    """One line of the expectations: under these facts, this verdict."""

    said: State
    standing: Standing
    verdict: Verdict
    facts: dict[str, t.Any]


def line(said: State, standing: Standing, verdict: Verdict, **facts: t.Any) -> Line:
    """Write one line."""
    return Line(said, standing, verdict, facts)


LINES = [
    # SUBSCRIBED, no contact yet: subscribed; unsubscribed if the address is suppressed and this is not newer.
    line(State.SUBSCRIBED, OPEN, INSERT_SUBSCRIBED, suppressed=False),
    line(State.SUBSCRIBED, OPEN, INSERT_SUBSCRIBED, suppressed=True, suppressed_for_good=False, newer=True),
    line(State.SUBSCRIBED, OPEN, FOLLOW_THE_ADDRESS, suppressed=True, suppressed_for_good=False, newer=False),
    # A suppression by a protected cause is one that no import ever lifts.
    line(State.SUBSCRIBED, OPEN, FOLLOW_THE_ADDRESS, suppressed=True, suppressed_for_good=True),
    line(State.SUBSCRIBED, SUBSCRIBED, KEEP),
    # Own: restore, unless an opt-out is known that is not older; under `never` nor where UNSUBSCRIBED was the reason.
    line(State.SUBSCRIBED, OWN, RESTORE, opt_out_known=False, resubscribe=IF_NEWER),
    line(State.SUBSCRIBED, OWN, RESTORE, opt_out_known=False, resubscribe=ALWAYS),
    line(State.SUBSCRIBED, OWN, RESTORE, opt_out_known=False, resubscribe=NEVER, opted_out_in_shopify=False),
    line(State.SUBSCRIBED, OWN, STAY, opt_out_known=False, resubscribe=NEVER, opted_out_in_shopify=True),
    line(State.SUBSCRIBED, OWN, RESTORE, opt_out_known=True, newer=True, resubscribe=IF_NEWER),
    line(State.SUBSCRIBED, OWN, RESTORE, opt_out_known=True, newer=True, resubscribe=ALWAYS),
    line(State.SUBSCRIBED, OWN, RESTORE, opt_out_known=True, newer=True, resubscribe=NEVER, opted_out_in_shopify=False),
    line(State.SUBSCRIBED, OWN, STAY, opt_out_known=True, newer=True, resubscribe=NEVER, opted_out_in_shopify=True),
    line(State.SUBSCRIBED, OWN, STAY, opt_out_known=True, newer=False),
    # Self: `never` stay; `if_newer` restore if newer; `always` restore.
    line(State.SUBSCRIBED, SELF, STAY, resubscribe=NEVER),
    line(State.SUBSCRIBED, SELF, RESTORE, resubscribe=IF_NEWER, newer=True),
    line(State.SUBSCRIBED, SELF, STAY, resubscribe=IF_NEWER, newer=False),
    line(State.SUBSCRIBED, SELF, RESTORE, resubscribe=ALWAYS),
    line(State.SUBSCRIBED, PROTECTED, STAY),
    # UNSUBSCRIBED
    line(State.UNSUBSCRIBED, OPEN, OPTED_OUT),
    line(State.UNSUBSCRIBED, SUBSCRIBED, OPTED_OUT, local_opt_in_newer=False),
    line(State.UNSUBSCRIBED, SUBSCRIBED, KEEP, local_opt_in_newer=True),
    line(State.UNSUBSCRIBED, OWN, STAY_AND_MOVE_TIME),
    line(State.UNSUBSCRIBED, SELF, STAY_AND_MOVE_TIME),
    line(State.UNSUBSCRIBED, PROTECTED, STAY),
    # PENDING
    line(State.PENDING, OPEN, AWAITING),
    line(State.PENDING, SUBSCRIBED, AWAITING, local_opt_in_newer=False),
    line(State.PENDING, SUBSCRIBED, KEEP, local_opt_in_newer=True),
    line(State.PENDING, OWN, STAY),
    line(State.PENDING, SELF, STAY),
    line(State.PENDING, PROTECTED, STAY),
    # NOT_SUBSCRIBED: with the flag, unsubscribed with its cause. Without it subscribed, but never past a suppression.
    line(State.NOT_SUBSCRIBED, OPEN, NO_CONSENT, flag=True),
    line(State.NOT_SUBSCRIBED, OPEN, INSERT_SUBSCRIBED, flag=False, suppressed=False),
    line(State.NOT_SUBSCRIBED, OPEN, FOLLOW_THE_ADDRESS, flag=False, suppressed=True),
    line(State.NOT_SUBSCRIBED, SUBSCRIBED, NO_CONSENT, flag=True, owned=True, local_opt_in=False),
    line(State.NOT_SUBSCRIBED, SUBSCRIBED, KEEP, flag=True, owned=True, local_opt_in=True),
    line(State.NOT_SUBSCRIBED, SUBSCRIBED, KEEP, flag=True, owned=False),
    line(State.NOT_SUBSCRIBED, SUBSCRIBED, KEEP, flag=False),
    line(State.NOT_SUBSCRIBED, OWN, STAY),
    line(State.NOT_SUBSCRIBED, SELF, STAY),
    line(State.NOT_SUBSCRIBED, PROTECTED, STAY),
    # INVALID
    line(State.INVALID, OPEN, INVALID_ADDRESS),
    line(State.INVALID, SUBSCRIBED, INVALID_ADDRESS),
    line(State.INVALID, OWN, STAY),
    line(State.INVALID, SELF, STAY),
    line(State.INVALID, PROTECTED, STAY),
    # Nothing: no address.
    line(State.NOTHING, OPEN, STATUS_NONE),
    line(State.NOTHING, SUBSCRIBED, ADDRESS_REMOVED, had_address=True),
    line(State.NOTHING, SUBSCRIBED, KEEP, had_address=False),
    line(State.NOTHING, OWN, STAY),
    line(State.NOTHING, SELF, STAY),
    line(State.NOTHING, PROTECTED, STAY),
    # REDACTED on either channel.
    line(State.REDACTED, OPEN, ERASE),
    line(State.REDACTED, SUBSCRIBED, ERASE),
    line(State.REDACTED, OWN, ERASE),
    line(State.REDACTED, SELF, ERASE),
    line(State.REDACTED, PROTECTED, ERASE),
]

ALL_FACTS = [field.name for field in fields(Facts)]
VALUES: dict[str, list[t.Any]] = {
    name: list(Resubscribe) if name == "resubscribe" else [False, True] for name in ALL_FACTS
}


def is_possible(standing: Standing, facts: Facts) -> bool:
    """Tell whether the world can be so: an address closed for good makes an unsubscribed contact protected."""
    if facts.suppressed_for_good:
        return facts.suppressed and standing not in {OWN, SELF}
    return True


def every_case(standing: Standing, known: dict[str, t.Any]) -> list[Facts]:
    """Return every possible set of facts with some of them given."""
    free = [name for name in ALL_FACTS if name not in known]
    combinations = itertools.product(*(VALUES[name] for name in free))
    cases = (Facts(**known, **dict(zip(free, values, strict=True))) for values in combinations)
    return [facts for facts in cases if is_possible(standing, facts)]


def name_of(case: Line) -> str:
    """Return a readable name of a line."""
    facts = ", ".join(f"{name}={value}" for name, value in case.facts.items())
    return f"{case.said} x {case.standing.name.lower()} ({facts})"


@pytest.mark.parametrize("case", LINES, ids=name_of)
def test_a_cell_gives_its_verdict_whatever_the_facts_it_does_not_name(case):
    cases = every_case(case.standing, case.facts)

    assert {judge(case.said, case.standing, facts) for facts in cases} == {case.verdict}


def test_every_cell_is_expected_once_under_all_facts():
    expected = {(said, standing): len(every_case(standing, {})) for said in State for standing in Standing}
    written = dict.fromkeys(expected, 0)
    for case in LINES:
        written[case.said, case.standing] += len(every_case(case.standing, case.facts))

    assert written == expected


def test_the_table_has_seven_rows_and_five_columns():
    assert (len(State), len(Standing)) == (7, 5)


PROMISED = """\
| Shopify says | no contact yet, or `none` | subscribed | unsubscribed, own | unsubscribed, self \
| unsubscribed, protected |
|---|---|---|---|---|---|
| SUBSCRIBED \
| insert subscribed; unsubscribed if the address is suppressed and this is not newer \
| keep \
| restore, unless an opt-out is known for the address that is not older than this consent \
(under `never`: nor where an UNSUBSCRIBED of Shopify's was the reason) \
| `never` stay; `if_newer` restore if newer; `always` restore \
| stay |
| UNSUBSCRIBED \
| insert unsubscribed, cause `Shopify - opted out` \
| unsubscribe, same cause, unless a local opt-in is newer \
| stay; a later opt-out moves the time \
| same \
| stay |
| PENDING \
| insert unsubscribed, cause `Shopify - awaiting confirmation` \
| unsubscribe, same cause, unless a local opt-in is newer \
| stay \
| stay \
| stay |
| NOT_SUBSCRIBED, or a state never heard of (warned once) \
| flag: insert unsubscribed + its cause; else subscribed \
| flag: unsubscribe + its cause if owned and without a local opt-in; else keep \
| stay \
| stay \
| stay |
| INVALID \
| insert unsubscribed, cause `invalid address` \
| unsubscribe, same cause \
| stay \
| stay \
| stay |
| nothing (no address) \
| insert, status `none` \
| an address came from this source before: unsubscribe, cause `address removed`; else keep \
| stay \
| stay \
| stay |
| REDACTED on either channel \
| do not insert; tombstone \
| erase, tombstone \
| erase, tombstone \
| erase, tombstone \
| erase, tombstone |
"""


def test_the_table_is_printed_in_the_words_of_the_promise():
    assert markdown() == PROMISED
