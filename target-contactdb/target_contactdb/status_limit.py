"""The option `max_status_changes`: how many statuses may change before a person has looked. No I/O here."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from decimal import Decimal

if t.TYPE_CHECKING:
    from target_contactdb.consent_values import Change

DEFAULT_LIMIT: t.Final = "5 %"

LEAST: t.Final = 100
"""What a percentage always allows: a small database would stop at every turn."""

_PERCENTAGE: t.Final = re.compile(r"(\d+(?:\.\d+)?) ?%")


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of status changes: a number, or a share of all contacts.

    Attributes:
        number: The number, where it is one.
        percent: The percentage, where it is one.
    """

    number: int | None = None
    percent: Decimal | None = None

    def allowed(self, contacts: int) -> int:
        """Return how many statuses may change.

        Args:
            contacts: How many contacts there are.
        """
        if self.percent is None:
            return self.number or 0
        return max(LEAST, int(self.percent * contacts / 100))


def read_limit(value: t.Any) -> Limit:
    """Read the option: a whole number such as 500, or a percentage such as "5 %".

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Limit(number=value)
    text = value.strip() if isinstance(value, str) else ""
    if text.isascii() and text.isdecimal():
        return Limit(number=int(text))
    found = _PERCENTAGE.fullmatch(text)
    if found is None:
        msg = 'is neither a whole number such as 500 nor a percentage such as "5 %"'
        raise ValueError(msg)
    return Limit(percent=Decimal(found[1]))


def counts(change: Change | None, *, existed: bool, explicit: bool) -> bool:
    """Tell whether a status change counts towards the limit.

    Args:
        change: The change; None = the status stays as it is.
        existed: The contact existed before this record.
        explicit: An UNSUBSCRIBED or REDACTED of the shop's says so: it is never held back.
    """
    return change is not None and existed and not explicit


def is_too_many(limit: Limit, *, contacts: int, counted: int, wanted: int) -> bool:
    """Tell whether a batch must wait until a person accepts it.

    Args:
        limit: The option.
        contacts: How many contacts existed before the batch.
        counted: How many changes were counted, over all runs, since a person accepted; below zero, so many more were
            accepted beforehand.
        wanted: How many changes that count the batch brings.
    """
    return wanted > 0 and counted + wanted > limit.allowed(contacts)
