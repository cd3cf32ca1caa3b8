"""Metafields of a customer: which are wanted, and the field of the stream that each becomes. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from tap_shopify_contacts.errors import ConfigError
from tap_shopify_contacts.fields import TEXT, Field

# The letters that Shopify takes; the namespace of an app begins with `$app`:
# https://shopify.dev/docs/apps/build/metafields/manage-metafields.
_IDENTIFIER = re.compile(r"((?:\$app(?::[\w-]+)?)|[\w-]+)\.([\w-]+)", re.ASCII)
_UNSAFE = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True)
class Metafield:
    """A metafield of customers."""

    namespace: str
    key: str

    @property
    def identifier(self) -> str:
        """Return what people call it: `namespace.key`."""
        return f"{self.namespace}.{self.key}"

    @property
    def name(self) -> str:
        """Return the name of the property, which is also the name of the value in Shopify's answer."""
        return f"metafield_{_safe(self.namespace)}_{_safe(self.key)}"

    def to_field(self) -> Field:
        """Return the field of the stream."""
        return Field(
            self.name,
            self.identifier,
            TEXT,
            f"Metafield {self.identifier}, as the text that Shopify keeps; null without one.",
            (f"{self.name}.value",),
            asks=(f'{self.name}: metafield(namespace: "{self.namespace}", key: "{self.key}").value',),
        )


def read_metafields(value: object) -> tuple[Metafield, ...]:
    """Return the metafields that the setting names.

    Raises:
        ConfigError: If it is no list, an entry is no `namespace.key`, or two entries would have one name.
    """
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise ConfigError("The setting metafields is not a list of namespace.key")
    wanted: dict[str, Metafield] = {}
    for place, entry in enumerate(value, 1):
        found = _IDENTIFIER.fullmatch(entry.strip()) if isinstance(entry, str) else None
        if found is None:
            raise ConfigError(f"The setting metafields has no namespace.key at place {place}")
        metafield = Metafield(*found.groups())
        other = wanted.setdefault(metafield.name, metafield)
        if other is not metafield:
            same = "twice" if other == metafield else f"and {other.identifier}, which would have the same name"
            raise ConfigError(f"The setting metafields has {metafield.identifier} {same}")
    return tuple(wanted.values())


def _safe(text: str) -> str:
    return _UNSAFE.sub("_", text.lower()).strip("_")


def metafield_fields(metafields: t.Iterable[Metafield]) -> tuple[Field, ...]:
    """Return the fields of the stream, in the order of the setting."""
    return tuple(metafield.to_field() for metafield in metafields)
