"""What the settings make of the streams: the imports that take in their records."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from target_contactdb.conditions.filters import compile_filters
from target_contactdb.conditions.times import Clock
from target_contactdb.consents_import import ConsentsImport
from target_contactdb.contact_import import ContactImport
from target_contactdb.contact_lookup import has_shared_contacts
from target_contactdb.dialects import loader_for
from target_contactdb.errors import ConfigError
from target_contactdb.mapping import compile_mappings
from target_contactdb.operations import Kind, utc_now
from target_contactdb.plain_import import PlainRoad, is_straight
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.rehearsal import open_for_import
from target_contactdb.stored_records import find_stored

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    import sqlalchemy as sa

    from target_contactdb.conditions.filters import Filter
    from target_contactdb.consent_values import Policy
    from target_contactdb.database import Database
    from target_contactdb.fields import ContactField
    from target_contactdb.mapping import Filled
    from target_contactdb.settings import Settings
    from target_contactdb.stored_records import StoredFilter


_SHOP_LENGTH: t.Final = 255


@dataclass(frozen=True, slots=True)
class Logged:
    """The operation that an import counts its records in.

    Attributes:
        stream: The stream.
        shop: Whose customers it names.
        operation_id: The operation in the log.
        reads_everyone: It starts where a full refresh does. Records that are played back do so too.
    """

    stream: str
    shop: str
    operation_id: int
    reads_everyone: bool


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the settings make of the customers stream.

    Attributes:
        properties: `properties` of its schema.
        mappings: The mappings whose fields the database has.
        filters: The import filters.
        policy: The consent options.
        checked: The mappings whose values are only checked: a dry run adds no field.
    """

    properties: Mapping[str, t.Any]
    mappings: tuple[Filled, ...]
    filters: Filter
    policy: Policy
    checked: tuple[Filled, ...] = ()

    def for_database(self, database: Database) -> Compiled:
        """Return the same with the fields of a database, and the mappings apart that it has no field for."""
        fields = database.fields
        mappings = tuple(_as_stored(one, fields) for one in self.mappings if one.field.name in fields)
        return replace(
            self, mappings=mappings, checked=tuple(one for one in self.mappings if one.field.name not in fields)
        )

    @property
    def stored(self) -> StoredFilter:
        """The filters as they are asked of what is stored."""
        return find_stored(self.filters, self.mappings, self.properties, self.policy)


def _as_stored(filled: Filled, fields: Mapping[str, ContactField]) -> Filled:
    """Return a mapping that fills its field as the database has it: one may be of a wider type than its source."""
    stored = fields[filled.field.name]
    return filled if stored.type is filled.field.type else replace(filled, field=stored)


def compile_customers(settings: Settings, properties: Mapping[str, t.Any]) -> Compiled:
    """Check mappings and import filters against the customers stream.

    Args:
        settings: The checked settings.
        properties: `properties` of the stream's schema.

    Raises:
        ConfigError: Something is wrong with them: all of it at once.
    """
    problems = shop_problems(properties)
    try:
        mappings = compile_mappings(properties, settings.contact_fields, settings.mappings)
    except ConfigError as error:
        problems += error.problems
    try:
        filters = compile_filters(settings.import_filters, properties, Clock(utc_now(), settings.timezone))
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    return Compiled(properties, mappings, filters, settings.policy)


def shop_of(properties: Mapping[str, t.Any]) -> str:
    """Return the shop that a stream names in its schema.

    Args:
        properties: `properties` of the stream's schema.
    """
    return str(properties.get("shop", {}).get("const") or "")


def shop_problems(properties: Mapping[str, t.Any]) -> list[str]:
    """Return what is wrong with the shop that a stream names.

    Args:
        properties: `properties` of the stream's schema.
    """
    if len(shop_of(properties)) <= _SHOP_LENGTH:
        return []
    return [f"the stream's schema names a shop of more than {_SHOP_LENGTH} characters"]


def ready_database(
    engine: sa.Engine, settings: Settings, kind: Kind, compiled: Compiled | None, logger: logging.Logger
) -> Database:
    """Return the contact database, opened as an import of a kind needs it.

    Args:
        engine: Connects to it.
        settings: The checked settings.
        kind: What is imported.
        compiled: Of customers, what the settings make of their stream.
        logger: The target's logger.

    Raises:
        ConfigError: A setting does not fit the database.
        DatabaseError: The database cannot be used.
    """
    declared = {one.name for one in settings.contact_fields}
    filled = [one.field for one in compiled.mappings if one.field.name not in declared] if compiled is not None else []
    database = open_for_import(
        engine,
        settings.contact_fields,
        filled,
        settings.unsubscription_causes,
        settings.policy.protected_causes,
        # A stream without contact fields knows none to be a key of a new database.
        settings.keys if compiled is not None else None,
        logger,
    )
    if kind is Kind.CHECKOUTS or database.keys.indexed:
        return database
    with engine.connect() as connection:
        return replace(database, shares_contacts=has_shared_contacts(connection))


def customers_import(
    database: Database, settings: Settings, compiled: Compiled, logged: Logged, logger: logging.Logger
) -> ContactImport:
    """Return what takes in customer records.

    Args:
        database: The contact database.
        settings: The checked settings.
        compiled: What they make of the stream, for this database.
        logged: The operation.
        logger: The target's logger.
    """
    mappings, filters, loader = compiled.mappings, compiled.filters, loader_for(database.engine)
    _warn_unmapped(mappings, logger)
    if settings.import_filters and settings.policy.discarded_cause is None:
        logger.warning(
            "option `import_filters` without `unsubscribe_discarded`: contacts who stop matching stay as they are"
        )
    plain = None
    if not compiled.checked and is_straight(mappings, compiled.properties):
        plain = PlainRoad(
            database,
            loader,
            settings.policy,
            mappings,
            compiled.properties,
            settings.mapping_fingerprint,
            logged.shop,
            logged.operation_id,
            filters,
        )
    return ContactImport(
        database,
        loader,
        settings.policy,
        mappings,
        settings.mapping_fingerprint,
        logged.stream,
        logged.shop,
        logged.operation_id,
        logger,
        plain,
        filters,
        settings.limit,
        compiled.checked,
    )


def consents_import(database: Database, settings: Settings, logged: Logged, logger: logging.Logger) -> ConsentsImport:
    """Return what takes in the stream that names every customer with their consent.

    Args:
        database: The contact database.
        settings: The checked settings.
        logged: The operation.
        logger: The target's logger.
    """
    return ConsentsImport(
        database,
        loader_for(database.engine),
        settings.policy,
        (),
        settings.mapping_fingerprint,
        logged.stream,
        logged.shop,
        logged.operation_id,
        logger,
        limit=settings.limit,
    )


def _warn_unmapped(mappings: tuple[Filled, ...], logger: logging.Logger) -> None:
    names = [filled.field.name for filled in mappings]
    for channel, name in ADDRESS_PROPERTY.items():
        if name not in names:
            logger.warning("no mapping fills the contact field `%s`: nobody can be written to by %s", name, channel)
