"""One opt-out per address, and who follows it, on values."""

from __future__ import annotations

import pytest

from target_contactdb.causes import PERSON
from target_contactdb.consent_values import Held, OptOut, Source, Status
from target_contactdb.ledger import Ledger
from target_contactdb.opt_outs import follow, merge
from tests.target.consent.rules import HOME, NEVER_AGREED, agreed_locally, at, closed_by, subscribed

# merge: one opt-out per address.


@pytest.mark.parametrize(
    ("known", "told", "yes", "kept"),
    [
        (None, closed_by(Source.IMPORT, 10), None, closed_by(Source.IMPORT, 10)),
        (None, closed_by(Source.IMPORT, 10), at(9), closed_by(Source.IMPORT, 10)),
        (None, closed_by(Source.IMPORT, 10), at(10), closed_by(Source.IMPORT, 10)),
        (None, closed_by(Source.IMPORT, 10), at(11), closed_by(Source.IMPORT, 10, lifted=11)),
        (closed_by(Source.IMPORT, 5), closed_by(Source.IMPORT, 10), None, closed_by(Source.IMPORT, 10)),
        (closed_by(Source.IMPORT, 10), closed_by(Source.IMPORT, 5), None, closed_by(Source.IMPORT, 10)),
        (closed_by(Source.PERSON, 5), closed_by(Source.IMPORT, 10), None, closed_by(Source.PERSON, 10)),
        (closed_by(Source.IMPORT, 10), closed_by(Source.PERSON, 5), None, closed_by(Source.PERSON, 10)),
        (closed_by(Source.PERSON, 10), closed_by(Source.PROTECTED, 5), None, closed_by(Source.PROTECTED, 10)),
        (closed_by(Source.PROTECTED, 5), closed_by(Source.PERSON, 10), None, closed_by(Source.PROTECTED, 10)),
        (closed_by(Source.PROTECTED, 5), closed_by(Source.IMPORT, 10), at(20), closed_by(Source.PROTECTED, 10)),
        (closed_by(Source.IMPORT, 5, lifted=8), closed_by(Source.PERSON, 10), None, closed_by(Source.PERSON, 10)),
        (
            closed_by(Source.IMPORT, 5, lifted=8),
            closed_by(Source.PERSON, 7),
            None,
            closed_by(Source.IMPORT, 7, lifted=8),
        ),
        (
            closed_by(Source.IMPORT, 5, lifted=8),
            closed_by(Source.IMPORT, 10),
            at(12),
            closed_by(Source.IMPORT, 10, lifted=12),
        ),
    ],
)
def test_of_two_opt_outs_of_an_address_the_later_time_and_the_stronger_source_stay(known, told, yes, kept):
    assert merge(known, told, yes) == kept


def test_a_yes_within_the_second_of_shopifys_opt_out_does_not_open_the_address():
    """Shopify's second 10 may be any moment until 11: a tie, and ties go to the more restrictive status."""
    assert merge(None, closed_by(Source.IMPORT, 10), at(10, 500_000)) == closed_by(Source.IMPORT, 10)


def test_an_address_opened_by_a_yes_is_closed_by_an_opt_out_told_late_only_if_that_is_later():
    opened = closed_by(Source.PERSON, 5, lifted=8)

    assert merge(opened, closed_by(Source.IMPORT, 7), None).lifted_at == at(8)
    assert merge(opened, closed_by(Source.IMPORT, 8), None).lifted_at is None
    assert merge(opened, closed_by(Source.IMPORT, 9), None).lifted_at is None


@pytest.mark.parametrize("source", [Source.IMPORT, Source.PERSON])
def test_an_old_opt_out_told_late_with_the_yes_that_answered_it_opens_nothing_that_was_closed_since(source):
    """Closed at 7. Now an opt-out of second 5 is told, which a yes of second 6 had answered."""
    closed = closed_by(source, 7)

    assert merge(closed, OptOut(PERSON, Source.PERSON, at(5), at(6)), None) == closed_by(Source.PERSON, 7)


def test_an_old_opt_out_told_late_opens_no_address_that_a_protected_cause_closed():
    closed = closed_by(Source.PROTECTED, 7)

    assert merge(closed, OptOut(PERSON, Source.PERSON, at(5), at(8)), None) == closed


def test_an_opt_out_in_the_second_of_the_yes_that_opened_the_address_is_news():
    key = ("email", HOME)
    ledger = Ledger({key: closed_by(Source.PROTECTED, 10, lifted=10)})

    assert ledger.is_news(key, closed_by(Source.IMPORT, 10))
    ledger.tell(key, closed_by(Source.IMPORT, 10), at(10))
    assert ledger.known[key] == closed_by(Source.IMPORT, 10)


# follow: the others who hold an address that was just closed.


@pytest.mark.parametrize(
    ("held", "opt_out", "yes", "follows"),
    [
        (subscribed(), closed_by(Source.PERSON), None, True),
        (subscribed(), closed_by(Source.PERSON), at(9), True),
        (subscribed(), closed_by(Source.PERSON), at(10), True),
        (subscribed(), closed_by(Source.PERSON), at(11), False),
        (agreed_locally(at(11)), closed_by(Source.IMPORT), at(11), False),
        (agreed_locally(at(11)), closed_by(Source.PROTECTED), at(11), True),
        (subscribed(), closed_by(Source.PERSON, lifted=12), None, False),
        (NEVER_AGREED, closed_by(Source.PERSON), None, False),
        (Held(), closed_by(Source.PERSON), None, False),
    ],
)
def test_who_is_subscribed_follows_a_closed_address_unless_the_own_yes_is_newer(held, opt_out, yes, follows):
    after = follow(held, opt_out, opted_in_at=yes)

    if follows:
        own = None if opt_out.source is Source.PROTECTED else opt_out.at
        closed = Held(Status.UNSUBSCRIBED, opt_out.source, opt_out.cause, opt_out.at, held.opted_in_at, HOME, own)
        assert after == closed
    else:
        assert after is None


def test_a_yes_within_the_second_of_shopifys_opt_out_follows_it():
    yes = at(10, 500_000)

    assert follow(agreed_locally(yes), closed_by(Source.IMPORT, 10), opted_in_at=yes) is not None
