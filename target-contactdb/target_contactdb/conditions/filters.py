"""Import filters: which records of the customer stream are taken in. Compiled once per schema, asked per record."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from target_contactdb.conditions.check import Checker
from target_contactdb.conditions.checked import fields_of
from target_contactdb.conditions.fields import Catalogue, Known
from target_contactdb.conditions.predicate import to_predicate
from target_contactdb.errors import ConfigError
from target_contactdb.fields import ContactField, FieldType, natural_type
from target_contactdb.records import RecordError, field_value

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_contactdb.conditions.predicate import Predicate
    from target_contactdb.conditions.times import Clock
    from target_contactdb.conditions.tree import Condition
    from target_contactdb.records import Record

SETTING: t.Final = "options.import_filters"


@dataclass(frozen=True, slots=True)
class Filter:
    """The compiled import filters of one stream.

    Attributes:
        entries: Per entry of the setting, what to call it in the log, and its predicate.
        reads: The properties of the stream that they read.
    """

    entries: tuple[tuple[str, Predicate], ...]
    reads: frozenset[str]

    def reason(self, record: Record) -> str | None:
        """Return why a record is discarded: the first entry that it fails, without values; None if it passes.

        Raises:
            RecordError: It cannot be judged: it does not carry a property that a filter reads, or holds a value there
                that is not of the property's type.
        """
        for name, holds in self.entries:
            if not holds(record):
                return name
        return None


def compile_filters(conditions: Sequence[Condition], properties: Mapping[str, t.Any], clock: Clock) -> Filter:
    """Check the import filters against the stream's schema and compile them.

    Args:
        conditions: The option `import_filters`, read.
        properties: `properties` of the stream's schema.
        clock: For the shop's time zone.

    Raises:
        ConfigError: It lists every problem of every entry at once.
    """
    known = (Known(name, natural_type(name, one), str(one.get("title") or "")) for name, one in properties.items())
    checker = Checker(Catalogue(known, also={"tag": "tags"}), clock, relative=False)
    problems: list[str] = []
    entries: list[tuple[str, Predicate]] = []
    reads: set[str] = set()
    for number, condition in enumerate(conditions, start=1):
        try:
            checked = checker.check(condition, f"setting `{SETTING}`, entry {number}")
        except ConfigError as error:
            problems += error.problems
            continue
        names = list(dict.fromkeys(field.name for field in fields_of(checked)))
        reads.update(names)
        told = f"import filter {number} ({', '.join(f'`{name}`' for name in names)})"
        entries.append((told, to_predicate(checked, _reader(told))))
    if problems:
        raise ConfigError(problems)
    return Filter(tuple(entries), frozenset(reads))


def _reader(told: str) -> Callable[[Known], Callable[[t.Any], t.Any]]:
    def reader(known: Known) -> Callable[[t.Any], t.Any]:
        name = known.name
        convert = ContactField(name, known.type).convert
        is_text = known.type is FieldType.TEXT

        def read(record: Record) -> t.Any:
            try:
                value = record[name]
            except KeyError:
                msg = f"{told} cannot be judged: the record does not carry field `{name}`"
                raise RecordError(msg) from None
            return value if value is None or (is_text and type(value) is str) else field_value(name, convert, value)

        return read

    return reader
