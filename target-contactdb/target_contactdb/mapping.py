"""Mappings: which field of the stream fills which contact field, and how. No I/O here."""

from __future__ import annotations

import enum
import re
import typing as t
from collections import Counter
from dataclasses import dataclass

from target_contactdb.conditions.words import nearest
from target_contactdb.errors import ConfigError
from target_contactdb.fields import HOLDS, NAME, ContactField, natural_type
from target_contactdb.tables import RESERVED_NAMES

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Update(enum.StrEnum):
    """When an import writes a field of an existing contact."""

    ALWAYS = "always"
    IF_EMPTY = "if_empty"
    NEVER = "never"


class WhenEmpty(enum.StrEnum):
    """What an import does where Shopify has nothing."""

    KEEP = "keep"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """One entry of the setting `mappings`.

    Attributes:
        source: The stream's field, by name or by label.
        field: The contact field.
        update: When an existing contact's field is written.
        when_empty: What an empty source does to the field.
    """

    source: str
    field: str
    update: Update = Update.ALWAYS
    when_empty: WhenEmpty = WhenEmpty.CLEAR


@dataclass(frozen=True, slots=True)
class Filled:
    """A compiled mapping: a property of the stream, the contact field it fills, and the rules."""

    source: str
    field: ContactField
    update: Update
    when_empty: WhenEmpty


_RENAMED: t.Final = {"created_at": "shopify_created_at", "updated_at": "shopify_updated_at"}
_KEY_PROPERTY: t.Final = "id"
# What PostgreSQL leaves of a longer name is that of another field.
_NAME_BYTES: t.Final = 63


def default_fields(properties: Mapping[str, t.Any]) -> dict[str, ContactField]:
    """Return the contact fields of the default mapping, by property of the stream."""
    fields = {}
    for name, schema in properties.items():
        if name != _KEY_PROPERTY:
            column = _RENAMED.get(name) or re.sub(r"\W", "_", name).lower()
            fields[name] = ContactField(column, natural_type(name, schema), schema.get("title") or name)
    return fields


def compile_mappings(
    properties: Mapping[str, t.Any],
    declared: Sequence[ContactField],
    mappings: Sequence[FieldMapping],
) -> tuple[Filled, ...]:
    """Check the mappings against the stream's schema and compile them.

    Args:
        properties: `properties` of the stream's schema.
        declared: The setting `contact_fields`.
        mappings: The setting `mappings`; empty = the default mapping, every field under its own name.

    Raises:
        ConfigError: It lists every problem at once.
    """
    defaults = default_fields(properties)
    own = {field.name: field for field in declared}
    if not mappings:
        problems = _default_problems(defaults)
        if problems:
            raise ConfigError(problems)
        return tuple(
            Filled(source, own.get(field.name, field), Update.ALWAYS, WhenEmpty.CLEAR)
            for source, field in defaults.items()
        )
    fields = {field.name: field for field in defaults.values()} | own
    titles = [(str(schema["title"]), name) for name, schema in properties.items() if schema.get("title")]
    labels, several = dict(titles), Counter(label for label, _name in titles)
    problems = []
    filled: list[Filled] = []
    taken: set[str] = set()
    for number, mapping in enumerate(mappings, start=1):
        where = f"setting `mappings`, entry {number}"
        source = mapping.source if mapping.source in properties else labels.get(mapping.source)
        field = fields.get(mapping.field)
        if source is None:
            hint = nearest(mapping.source, (*properties, *labels))
            problems.append(f"{where}: the stream has no field named or labelled `{mapping.source}`{hint}")
        elif source != mapping.source and several[mapping.source] > 1:
            problems.append(f"{where}: the label `{mapping.source}` is that of several fields; name the one you mean")
        if mapping.field in RESERVED_NAMES:
            problems.append(f"{where}: `{mapping.field}` is a reserved column and cannot be mapped")
        elif field is None:
            hint = nearest(mapping.field, fields) or "; declare it in `contact_fields`"
            problems.append(f"{where}: unknown contact field `{mapping.field}`{hint}")
        elif len(field.name.encode()) > _NAME_BYTES:
            problems.append(f"{where}: `{mapping.field}` has more than {_NAME_BYTES} characters")
        if mapping.field in taken:
            problems.append(f"{where}: the contact field `{mapping.field}` is mapped twice")
        taken.add(mapping.field)
        if source is None or field is None:
            continue
        natural = natural_type(source, properties[source])
        if field.type not in HOLDS[natural]:
            problems.append(f"{where}: a field of type {field.type} cannot hold `{source}`, which is {natural}")
        filled.append(Filled(source, field, mapping.update, mapping.when_empty))
    if problems:
        raise ConfigError(problems)
    return tuple(filled)


def _default_problems(defaults: Mapping[str, ContactField]) -> list[str]:
    """Return why the properties of a stream cannot all fill fields of their own names, one text each."""
    problems = []
    first: dict[str, str] = {}
    for source, field in defaults.items():
        where = f"setting `mappings` is empty, and the stream's field `{source}`"
        if field.name in RESERVED_NAMES:
            problems.append(f"{where} has the name of the reserved column `{field.name}`")
        elif len(field.name.encode()) > _NAME_BYTES:
            problems.append(f"{where} has a name of more than {_NAME_BYTES} characters")
        elif field.name in first:
            problems.append(f"{where} becomes the contact field `{field.name}`, as `{first[field.name]}` does")
        first.setdefault(field.name, source)
    return [f"{problem}: list the mappings that you want, or rename it with `stream_maps`" for problem in problems]


def check_names(fields: Sequence[ContactField]) -> list[str]:
    """Return the problems of the setting `contact_fields`, one text each."""
    problems = []
    seen: set[str] = set()
    for field in fields:
        where = f"setting `contact_fields`: `{field.name}`"
        if field.name in RESERVED_NAMES:
            problems.append(f"{where} is a reserved column")
        elif not NAME.fullmatch(field.name):
            problems.append(f"{where} must be lower-case letters, digits and underscores, at most 63")
        if field.name in seen:
            problems.append(f"{where} is declared twice")
        if (field.type == "choice") != bool(field.choices):
            problems.append(f"{where}: `choices` goes with type choice, and type choice needs it")
        seen.add(field.name)
    return problems
