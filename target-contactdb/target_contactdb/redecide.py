"""Changed options decide again: every linked contact goes through the state table from stored consent."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import sqlalchemy as sa

from target_contactdb.records import Customer, SaidOf, said_hashes
from target_contactdb.set_aside import DISCARDED
from target_contactdb.stored_records import FIELD_PREFIX, marked
from target_contactdb.stream_memory import UNSETTLED, recall_stream, remember_filters
from target_contactdb.tables import CHANNELS, contact_sources, database_state

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from target_contactdb.contact_import import ContactImport
    from target_contactdb.operations import SetAside
    from target_contactdb.settings import Settings
    from target_contactdb.stored_records import StoredFilter

_BATCH: t.Final = 5000


def redecide_if_changed(importing: ContactImport, settings: Settings, stored: StoredFilter) -> None:
    """Take everyone through the table again if the options are not those of the last import.

    What was asked is noted only once everyone is through: a run that is killed starts over.

    Args:
        importing: The customer import that is about to begin; its stream is remembered.
        settings: The checked settings.
        stored: The import filters, to be asked of what is stored.

    Raises:
        StatusLimitError: Too many statuses would change.
    """
    engine, filters = importing.database.engine, settings.filters_fingerprint
    known = _known_fingerprint(engine)
    of_stream = recall_stream(engine, importing.stream, importing.shop)
    is_unasked = of_stream is not None and of_stream.has_other_filters(filters) and not stored.missing
    if known == settings.options_fingerprint and not is_unasked:
        return
    # As long as the filters are the same, the last record of each customer has answered them; other keys bring other
    # records to a contact.
    is_asking = is_unasked or (known == "" and not stored.missing)
    if known is not None:
        importing.logger.info("the options have changed: every contact is decided again")
        is_begun = False
        for shop, customers in _stored(importing, stored, stored.aside if is_asking else marked):
            replace(importing, shop=shop).write_again(customers)
            if is_asking and not is_begun:
                is_begun = True
                with engine.begin() as connection:
                    remember_filters(connection, UNSETTLED)
    with engine.begin() as connection:
        connection.execute(sa.update(database_state).values(options_fingerprint=settings.options_fingerprint))
        if is_asking:
            remember_filters(connection, filters)


def _known_fingerprint(engine: sa.Engine) -> str | None:
    """Return the fingerprint of the options of the last import; None before the first, "" if the keys have changed."""
    with engine.connect() as connection:
        known: str | None = connection.execute(sa.select(database_state.c.options_fingerprint)).scalar_one()
    return known


def _stored(
    importing: ContactImport, stored: StoredFilter, why: Callable[[sa.RowMapping], SetAside | None]
) -> Iterator[tuple[str, list[Customer]]]:
    engine, contacts = importing.database.engine, importing.database.contacts
    mappings, salt = len(importing.mappings), importing.database.salt
    sources = contact_sources
    fields = [contacts.c[name].label(f"{FIELD_PREFIX}{name}") for name in dict.fromkeys(stored.fields.values())]
    with engine.connect() as connection:
        shops = list(connection.execute(sa.select(sources.c.shop).distinct()).scalars())
    for shop in shops:
        last = -1
        while True:
            statement = (
                sa.select(sources, *fields)
                .join(contacts, contacts.c.contact_id == sources.c.contact_id)
                .where(sources.c.shop == shop, sources.c.customer_id > last)
                # Of a customer that is deleted nothing is said any more.
                .where(sources.c.deleted_at.is_(None))
                .order_by(sources.c.customer_id)
                .limit(_BATCH)
            )
            with engine.connect() as connection:
                rows = connection.execute(statement).mappings().all()
            if not rows:
                break
            yield shop, [_customer(row, position, mappings, salt, why(row)) for position, row in enumerate(rows)]
            last = rows[-1]["customer_id"]


def _customer(row: sa.RowMapping, position: int, mappings: int, salt: str, aside: SetAside | None) -> Customer:
    said = {
        channel: SaidOf(
            address=row[f"{channel}_address"],
            state=row[f"{channel}_state"],
            opt_in_level=row[f"{channel}_opt_in_level"],
            consent_at=row[f"{channel}_consent_at"],
            state_carried=row[f"{channel}_state"] is not None,
        )
        for channel in CHANNELS
    }
    content_hash = row["content_hash"]
    if aside is not None:
        content_hash = aside.outcome
    elif content_hash == DISCARDED:
        # It passes now, but what its fields came to is known only when its record comes again.
        content_hash = ""
    nothing = (None,) * mappings
    return Customer(
        position,
        row["customer_id"],
        row["source_updated_at"],
        row["last_order_at"],
        said,
        said_hashes(said, salt),
        nothing,
        (False,) * mappings,
        content_hash,
        aside,
    )
