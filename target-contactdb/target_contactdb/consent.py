"""The state table: what an import makes of a contact's status, per channel.

`TABLE` below *is* the table of the README (`markdown()` prints it from here and a test compares the two).
A row is what Shopify says, a column is where the contact stands, a cell is a `Cell`: its words and its rule.
A rule sees only `Facts`, which are booleans and options; turning times and addresses into facts is the
business of `consent_rules.py`.
"""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

from target_contactdb.causes import Reason

if t.TYPE_CHECKING:
    from collections.abc import Callable


class State(enum.StrEnum):
    """What Shopify says about one channel of one customer.

    Source: Shopify Admin API, `CustomerEmailAddressMarketingState` and `CustomerMarketingConsentState`;
    NOTHING is ours, for a customer without an address on that channel.
    """

    SUBSCRIBED = "SUBSCRIBED"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    PENDING = "PENDING"
    NOT_SUBSCRIBED = "NOT_SUBSCRIBED"
    INVALID = "INVALID"
    NOTHING = "NOTHING"
    REDACTED = "REDACTED"


class Standing(enum.IntEnum):
    """Where a contact stands on one channel. Among the unsubscribed, the greater beats the lesser."""

    OPEN = 0
    SUBSCRIBED = 1
    OWN = 2
    SELF = 3
    PROTECTED = 4


class Resubscribe(enum.StrEnum):
    """Whether SUBSCRIBED in Shopify restores a contact that unsubscribed itself."""

    NEVER = "never"
    IF_NEWER = "if_newer"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a cell of the table may ask.

    Attributes:
        flag: The option `unsubscribe_no_consent` names a cause.
        resubscribe: The option of that name.
        owned: The contact was created by an import.
        local_opt_in: The contact is subscribed by anything but an import, later than its last opt-out.
        local_opt_in_newer: That opt-in is later than what Shopify says now.
        suppressed: The address is closed by an opt-out that no later yes has lifted.
        suppressed_for_good: The suppression comes from a protected cause.
        opt_out_known: Any opt-out is known for the address or the person, lifted or not.
        newer: Shopify's consent is a new one and later than every opt-out known.
        opted_out_in_shopify: An UNSUBSCRIBED of Shopify's is why the contact is unsubscribed.
        had_address: An address came from this source before.
    """

    flag: bool = True
    resubscribe: Resubscribe = Resubscribe.IF_NEWER
    owned: bool = False
    local_opt_in: bool = False
    local_opt_in_newer: bool = False
    suppressed: bool = False
    suppressed_for_good: bool = False
    opt_out_known: bool = False
    newer: bool = False
    opted_out_in_shopify: bool = False
    had_address: bool = False


class Action(enum.Enum):
    """What is done to the status."""

    KEEP = "keep"
    SUBSCRIBE = "subscribe"
    RESTORE = "restore"
    UNSUBSCRIBE = "unsubscribe"
    FOLLOW = "follow the suppression"
    MOVE_TIME = "move the time of a later opt-out"
    NO_ADDRESS = "status none"
    ERASE = "erase"


class Verdict(t.NamedTuple):
    """The answer of a cell: an action, and the reason where it unsubscribes."""

    action: Action
    reason: Reason | None = None


KEEP: t.Final = Verdict(Action.KEEP)
SUBSCRIBE: t.Final = Verdict(Action.SUBSCRIBE)
RESTORE: t.Final = Verdict(Action.RESTORE)
FOLLOW: t.Final = Verdict(Action.FOLLOW)
MOVE_TIME: t.Final = Verdict(Action.MOVE_TIME)
NO_ADDRESS: t.Final = Verdict(Action.NO_ADDRESS)
ERASE: t.Final = Verdict(Action.ERASE)


def _unsubscribe(reason: Reason) -> Verdict:
    return Verdict(Action.UNSUBSCRIBE, reason)


class Cell(t.NamedTuple):
    """One cell of the state table: the words of the README and the rule they stand for."""

    words: str
    rule: Callable[[Facts], Verdict]


def _insert_subscribed(facts: Facts) -> Verdict:
    closed = facts.suppressed and (facts.suppressed_for_good or not facts.newer)
    return FOLLOW if closed else SUBSCRIBE


def _restore_own(facts: Facts) -> Verdict:
    if facts.suppressed_for_good or (facts.opt_out_known and not facts.newer):
        return KEEP
    if facts.resubscribe is Resubscribe.NEVER and facts.opted_out_in_shopify:
        return KEEP
    return RESTORE


def _restore_self(facts: Facts) -> Verdict:
    if facts.resubscribe is Resubscribe.ALWAYS:
        return RESTORE
    return RESTORE if facts.resubscribe is Resubscribe.IF_NEWER and facts.newer else KEEP


def _unless_local_opt_in_is_newer(reason: Reason) -> Callable[[Facts], Verdict]:
    return lambda facts: KEEP if facts.local_opt_in_newer else _unsubscribe(reason)


def _insert_without_consent(facts: Facts) -> Verdict:
    if facts.flag:
        return _unsubscribe(Reason.NO_CONSENT)
    return FOLLOW if facts.suppressed else SUBSCRIBE


def _consent_missing(facts: Facts) -> Verdict:
    if facts.flag and facts.owned and not facts.local_opt_in:
        return _unsubscribe(Reason.NO_CONSENT)
    return KEEP


def _always(verdict: Verdict) -> Callable[[Facts], Verdict]:
    return lambda _facts: verdict


def _address_gone(facts: Facts) -> Verdict:
    return _unsubscribe(Reason.ADDRESS_REMOVED) if facts.had_address else KEEP


_STAY = Cell("stay", _always(KEEP))
_ERASE = Cell("erase, tombstone", _always(ERASE))

# Columns in the order of `Standing`: no contact yet or `none`; subscribed; own; self; protected.
TABLE: t.Final[dict[State, tuple[Cell, Cell, Cell, Cell, Cell]]] = {
    State.SUBSCRIBED: (
        Cell("insert subscribed; unsubscribed if the address is suppressed and this is not newer", _insert_subscribed),
        Cell("keep", _always(KEEP)),
        Cell(
            "restore, unless an opt-out is known for the address that is not older than this consent "
            "(under `never`: nor where an UNSUBSCRIBED of Shopify's was the reason)",
            _restore_own,
        ),
        Cell("`never` stay; `if_newer` restore if newer; `always` restore", _restore_self),
        _STAY,
    ),
    State.UNSUBSCRIBED: (
        Cell("insert unsubscribed, cause `Shopify - opted out`", _always(_unsubscribe(Reason.OPTED_OUT))),
        Cell(
            "unsubscribe, same cause, unless a local opt-in is newer", _unless_local_opt_in_is_newer(Reason.OPTED_OUT)
        ),
        Cell("stay; a later opt-out moves the time", _always(MOVE_TIME)),
        Cell("same", _always(MOVE_TIME)),
        _STAY,
    ),
    State.PENDING: (
        Cell("insert unsubscribed, cause `Shopify - awaiting confirmation`", _always(_unsubscribe(Reason.AWAITING))),
        Cell("unsubscribe, same cause, unless a local opt-in is newer", _unless_local_opt_in_is_newer(Reason.AWAITING)),
        _STAY,
        _STAY,
        _STAY,
    ),
    State.NOT_SUBSCRIBED: (
        Cell("flag: insert unsubscribed + its cause; else subscribed", _insert_without_consent),
        Cell("flag: unsubscribe + its cause if owned and without a local opt-in; else keep", _consent_missing),
        _STAY,
        _STAY,
        _STAY,
    ),
    State.INVALID: (
        Cell("insert unsubscribed, cause `invalid address`", _always(_unsubscribe(Reason.INVALID_ADDRESS))),
        Cell("unsubscribe, same cause", _always(_unsubscribe(Reason.INVALID_ADDRESS))),
        _STAY,
        _STAY,
        _STAY,
    ),
    State.NOTHING: (
        Cell("insert, status `none`", _always(NO_ADDRESS)),
        Cell("an address came from this source before: unsubscribe, cause `address removed`; else keep", _address_gone),
        _STAY,
        _STAY,
        _STAY,
    ),
    State.REDACTED: (Cell("do not insert; tombstone", _always(ERASE)), _ERASE, _ERASE, _ERASE, _ERASE),
}

_ROW_NAMES: t.Final = {
    State.NOT_SUBSCRIBED: "NOT_SUBSCRIBED, or a state never heard of (warned once)",
    State.NOTHING: "nothing (no address)",
    State.REDACTED: "REDACTED on either channel",
}
_COLUMN_NAMES: t.Final = (
    "Shopify says",
    "no contact yet, or `none`",
    "subscribed",
    "unsubscribed, own",
    "unsubscribed, self",
    "unsubscribed, protected",
)


def judge(state: State, standing: Standing, facts: Facts) -> Verdict:
    """Return the verdict of the one cell that applies."""
    return TABLE[state][standing].rule(facts)


def markdown() -> str:
    """Return the state table as the Markdown that the README shows."""
    lines = ["| " + " | ".join(_COLUMN_NAMES) + " |", "|" + "---|" * len(_COLUMN_NAMES)]
    for state, cells in TABLE.items():
        words = [_ROW_NAMES.get(state, state.value), *(cell.words for cell in cells)]
        lines.append("| " + " | ".join(words) + " |")
    return "\n".join(lines) + "\n"
