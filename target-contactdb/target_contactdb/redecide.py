"""Changed options decide again: every linked contact goes through the state table from stored consent."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import sqlalchemy as sa

from target_contactdb.records import Customer, SaidOf, said_hashes
from target_contactdb.tables import CHANNELS, contact_sources, database_state

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from target_contactdb.contact_import import ContactImport

_BATCH: t.Final = 5000


def redecide_if_changed(importing: ContactImport, fingerprint: str) -> None:
    """Take everyone through the table again if the consent options are not those of the last import.

    The new fingerprint is kept only once everyone is through: a run that is killed starts over.

    Args:
        importing: The customer import that is about to begin.
        fingerprint: Of the consent options now.
    """
    engine = importing.database.engine
    with engine.begin() as connection:
        known = connection.execute(sa.select(database_state.c.options_fingerprint)).scalar_one()
    if known == fingerprint:
        return
    if known is not None:
        importing.logger.info("the consent options have changed: every contact is decided again")
        for shop, customers in _stored(engine, len(importing.mappings), importing.database.salt):
            replace(importing, shop=shop).write_again(customers)
    with engine.begin() as connection:
        connection.execute(sa.update(database_state).values(options_fingerprint=fingerprint))


def _stored(engine: sa.Engine, mappings: int, salt: str) -> Iterator[tuple[str, list[Customer]]]:
    with engine.connect() as connection:
        shops = list(connection.execute(sa.select(contact_sources.c.shop).distinct()).scalars())
    for shop in shops:
        last = -1
        while True:
            statement = (
                sa.select(contact_sources)
                .where(contact_sources.c.shop == shop, contact_sources.c.customer_id > last)
                .order_by(contact_sources.c.customer_id)
                .limit(_BATCH)
            )
            with engine.connect() as connection:
                rows = connection.execute(statement).mappings().all()
            if not rows:
                break
            yield shop, [_customer(row, position, mappings, salt) for position, row in enumerate(rows)]
            last = rows[-1]["customer_id"]


def _customer(row: sa.RowMapping, position: int, mappings: int, salt: str) -> Customer:
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
        row["content_hash"],
    )
