"""Fields that Shopify denies to the app: the run stops, or they are left out and told once."""

from __future__ import annotations

import typing as t

from tap_shopify_contacts.errors import FieldDenied
from tap_shopify_contacts.settings import ProtectedData

if t.TYPE_CHECKING:
    import logging

    from tap_shopify_contacts.answers import Denial
    from tap_shopify_contacts.records import RecordReader

_ADVICE = "Give the app this access in Shopify, deselect the fields, or set protected_data to warn to leave them out."


class Denials:
    """What has been denied to one stream so far."""

    def __init__(
        self,
        build_reader: t.Callable[[t.Collection[str]], RecordReader],
        indispensable: t.Collection[str],
        policy: ProtectedData,
        logger: logging.Logger,
    ) -> None:
        """Start with nothing denied.

        `build_reader` makes the reader that leaves out what needs the given paths. Without the `indispensable` fields
        no record can be written.
        """
        self._build_reader = build_reader
        self._indispensable = frozenset(indispensable)
        self._policy = policy
        self._logger = logger
        self._paths: set[str] = set()
        self.reader = build_reader(())

    @property
    def paths(self) -> t.Collection[str]:
        """Return the paths that are denied."""
        return self._paths

    def learn(self, denials: t.Iterable[Denial]) -> None:
        """Take note of what an answer denied.

        Raises:
            FieldDenied: If the setting says so, or a record cannot do without the field.
        """
        for denial in denials:
            if denial.path in self._paths:
                continue
            self._paths.add(denial.path)
            before = set(self.reader.left_out)
            self.reader = self._build_reader(self._paths)
            lost = [name for name in self.reader.left_out if name not in before]
            told = f"Shopify denies {denial.path} to the app, which {_names(lost)}: {denial.reason}"
            if self._policy is ProtectedData.FAIL or self._indispensable.intersection(lost):
                error = FieldDenied(told, _ADVICE)
                error.place(request_id=denial.request_id)
                raise error
            self._logger.warning("%s Left out of the records, since protected_data is warn.", told)


def _names(fields: t.Sequence[str]) -> str:
    if not fields:
        return "a part of a record needs"
    return f"{', '.join(fields)} need" if len(fields) > 1 else f"{fields[0]} needs"
