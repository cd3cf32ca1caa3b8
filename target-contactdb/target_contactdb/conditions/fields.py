"""The fields that a condition may ask about, and what each type of field can be asked."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass

from target_contactdb.conditions.tree import Op
from target_contactdb.conditions.words import fold
from target_contactdb.fields import FieldType

if t.TYPE_CHECKING:
    from collections.abc import Iterable

_ALWAYS: t.Final = frozenset({Op.IS_SET, Op.IS_EMPTY})
_EQUAL: t.Final = _ALWAYS | {Op.EQ, Op.NE, Op.IN, Op.NOT_IN}
_ORDER: t.Final = _EQUAL | {Op.GT, Op.GTE, Op.LT, Op.LTE}
_TEXT: t.Final = _EQUAL | {Op.CONTAINS}

OPS: t.Final[dict[FieldType, frozenset[Op]]] = {
    FieldType.TEXT: _TEXT,
    FieldType.EMAIL: _TEXT | {Op.DOMAIN_IN},
    FieldType.PHONE: _TEXT,
    FieldType.CHOICE: _TEXT,
    FieldType.INTEGER: _ORDER,
    FieldType.DECIMAL: _ORDER,
    FieldType.DATE: _ORDER | {Op.WITHIN},
    FieldType.DATETIME: _ORDER | {Op.WITHIN},
    FieldType.BOOLEAN: _ALWAYS | {Op.EQ, Op.NE},
    FieldType.LIST: _TEXT,
    FieldType.JSON: _ALWAYS,
}
"""Which operators go with which type. On a list `eq`, `in` and `contains` ask for an element."""


@dataclass(frozen=True, slots=True)
class Known:
    """A field that can be asked about.

    Attributes:
        name: Its one name.
        type: What it holds.
        label: The name that people see.
        choices: All values that there are, where they are known.
        many: It has any number of values, and a test holds if it holds for one of them.
    """

    name: str
    type: FieldType
    label: str = ""
    choices: tuple[str, ...] = ()
    many: bool = False


class Catalogue:
    """All fields, by name or by label."""

    def __init__(
        self, fields: Iterable[Known], *, also: t.Mapping[str, str] | None = None, has_checkout: bool = False
    ) -> None:
        """Make a catalogue.

        Args:
            fields: The fields.
            also: Other names, with the field's own; one whose field there is not, or that is a name itself, is ignored.
            has_checkout: Whether there is a relationship Checkout to ask about.
        """
        self._by_name = {field.name: field for field in fields}
        labelled = [field for field in self._by_name.values() if field.label]
        self._by_label = {fold(field.label): field for field in labelled}
        self._labels = Counter(fold(field.label) for field in labelled)
        self._also = {name: self._by_name[own] for name, own in (also or {}).items() if own in self._by_name}
        for name, field in self._also.items():
            self._by_label.setdefault(fold(name), field)
        self.has_checkout = has_checkout

    def find(self, name: str) -> Known | None:
        """Return a field by its name, else by its label."""
        return self._by_name.get(name) or self._by_label.get(fold(name)) or self._by_name.get(fold(name))

    def is_ambiguous(self, name: str) -> bool:
        """Tell whether a name is no field's name but the label of several."""
        return name not in self._by_name and self._labels[fold(name)] > 1

    def names(self) -> list[str]:
        """Return every name and label, and every other name."""
        labels = (field.label for field in self._by_name.values() if field.label)
        return [*self._by_name, *labels, *self._also]
