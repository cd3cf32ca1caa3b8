"""How the contact fields of a database change: new ones are added, and a type is widened, never narrowed. No I/O."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from target_contactdb.errors import ConfigError
from target_contactdb.fields import HOLDS, ContactField, FieldType

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

WIDER: t.Final[Mapping[FieldType, tuple[FieldType, ...]]] = {
    FieldType.EMAIL: (FieldType.TEXT,),
    FieldType.PHONE: (FieldType.TEXT,),
    FieldType.CHOICE: (FieldType.TEXT,),
    FieldType.INTEGER: (FieldType.DECIMAL, FieldType.TEXT),
    FieldType.DATE: (FieldType.DATETIME,),
    FieldType.LIST: (FieldType.JSON,),
}
"""The types that a type may become: each holds every value of it. A date becomes its midnight, UTC."""


@dataclass(frozen=True, slots=True)
class FieldChanges:
    """What must happen to the contact fields of a database.

    Attributes:
        added: Fields that it lacks.
        widened: Fields of a wider type than it has, with the field as it is.
        renewed: Fields as they shall be: another label, or more choices.
    """

    added: tuple[ContactField, ...]
    widened: tuple[tuple[ContactField, ContactField], ...]
    renewed: tuple[ContactField, ...]

    def applied_to(self, existing: Mapping[str, ContactField]) -> dict[str, ContactField]:
        """Return the contact fields as they are after the changes, in their order."""
        changed = {field.name: field for field in (*(new for _old, new in self.widened), *self.renewed, *self.added)}
        return {**existing, **changed}


def field_changes(
    existing: Mapping[str, ContactField],
    wanted: Iterable[ContactField],
    keys: Collection[str] = (),
    filled: Iterable[ContactField] = (),
) -> FieldChanges:
    """Compare the contact fields that a database has with those that it must have.

    Args:
        existing: Those that it has, by name.
        wanted: Those that it must have. A field that is not among them stays as it is.
        keys: Names of the fields that are keys: these keep their type.
        filled: Fields that it must have as well, and that nobody has declared: of the type that their source has. One
            that was declared once keeps the type that it has, where that holds what the source brings.

    Raises:
        ConfigError: A field would have to become of a type that does not hold its values; every one is listed.
    """
    added: dict[str, ContactField] = {}
    widened: dict[str, tuple[ContactField, ContactField]] = {}
    renewed: dict[str, ContactField] = {}
    problems: dict[str, str] = {}
    for field in (*wanted, *_unlike(filled, existing)):
        known = added.get(field.name) or existing.get(field.name)
        if known is None:
            added[field.name] = field
        elif known.type is field.type:
            # A choice that is no longer declared stays: contacts may have it.
            choices = tuple(dict.fromkeys((*known.choices, *field.choices)))
            after = replace(field, choices=choices, label=field.label or known.label)
            if field.name not in added and after != known:
                renewed[field.name] = after
        elif field.name in added or field.type not in WIDER.get(known.type, ()):
            problems[field.name] = _refused(known, field.type)
        elif field.name in keys:
            problems[field.name] = (
                f"contact field `{field.name}` is a key of the database, and so keeps its type {known.type}; "
                "take it out of the keys first, with `contactdb keys`"
            )
        else:
            widened[field.name] = (known, field)
    if problems:
        raise ConfigError(list(problems.values()))
    return FieldChanges(tuple(added.values()), tuple(widened.values()), tuple(renewed.values()))


def _unlike(filled: Iterable[ContactField], existing: Mapping[str, ContactField]) -> Iterator[ContactField]:
    """Leave out the fields whose column is of another type that does as well and that does not become theirs."""
    for field in filled:
        known = existing.get(field.name)
        does = known is not None and known.type is not field.type and known.type in HOLDS[field.type]
        if known is None or not does or field.type in WIDER.get(known.type, ()):
            yield field


def _refused(known: ContactField, wanted: FieldType) -> str:
    wider = WIDER.get(known.type, ())
    may = f"it may become {' or '.join(wider)}" if wider else "no other type holds all its values"
    return f"contact field `{known.name}` is of type {known.type} in the database and cannot become {wanted}: {may}"
