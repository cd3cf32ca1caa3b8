"""Whether an import may start where the tap starts: refused before anything is written, with what to run instead."""

from __future__ import annotations

import typing as t

from target_contactdb.bookmarks import is_full_refresh, leaves_a_gap
from target_contactdb.errors import StateError
from target_contactdb.operations import Kind, first_start, latest_bookmark
from target_contactdb.redecide import has_other_filters, known_fingerprint
from target_contactdb.stream_memory import new_mappings

if t.TYPE_CHECKING:
    import datetime as dt
    import logging
    from collections.abc import Sequence

    import sqlalchemy as sa

    from target_contactdb.mapping import Filled
    from target_contactdb.settings import Settings
    from target_contactdb.stored_records import StoredFilter

_TIME: t.Final = "%Y-%m-%dT%H:%M:%SZ"


def refuse_gap(engine: sa.Engine, kind: Kind, stream: str, shop: str, start: dt.datetime | None) -> None:
    """Refuse a tap that starts later than this database has come, as after a restored backup.

    Args:
        engine: Of the contact database.
        kind: What is imported.
        stream: Name of the stream.
        shop: The shop.
        start: The starting bookmark; None = from the beginning.

    Raises:
        StateError: There would be a gap.
    """
    committed = latest_bookmark(engine, kind, shop)
    if leaves_a_gap(start, committed):
        msg = (
            f"stream `{stream}` of shop {shop} starts at {start:{_TIME}}, but the contact database has it only up to"
            f" {committed:{_TIME}}, as after a restored backup: run once with --full-refresh, or set the bookmark back"
            " with `meltano state set`"
        )
        raise StateError(msg)


def refuse_unstored(
    engine: sa.Engine,
    settings: Settings,
    stream: str,
    shop: str,
    start: dt.datetime | None,
    mappings: Sequence[Filled],
    stored: StoredFilter,
    logger: logging.Logger,
) -> None:
    """Refuse filters and mappings that need what the database has not stored, unless all of it comes again.

    Args:
        engine: Of the contact database.
        settings: The checked settings.
        stream: Name of the customers stream.
        shop: The shop.
        start: The starting bookmark; None = from the beginning.
        mappings: The compiled mappings.
        stored: The filters as they are asked of what is stored.
        logger: Is told of what comes in later.

    Raises:
        StateError: The run has to be a full refresh.
    """
    other_filters = has_other_filters(known_fingerprint(engine), settings.options_fingerprint)
    new = new_mappings(engine, stream, shop, mappings)
    if is_full_refresh(start, first_start(engine, Kind.CUSTOMERS, shop)):
        if other_filters and stored.missing:
            logger.info("the contacts of other shops meet the new import filters when their records come")
        return
    problems = []
    if other_filters and stored.missing:
        names = ", ".join(f"`{name}`" for name in stored.missing)
        problems.append(f"the new `import_filters` read {names}, which the contact database does not hold unchanged")
    if new and settings.mappings:
        names = ", ".join(f"`{one.source}` to `{one.field.name}`" for one in new)
        problems.append(f"the new `mappings` ({names}) read what the contact database has not stored")
    if problems:
        msg = f"stream `{stream}` of shop {shop}: {'; '.join(problems)}: run once with --full-refresh"
        raise StateError(msg)
    if new:
        names = ", ".join(f"`{one.field.name}`" for one in new)
        logger.warning(
            "stream `%s`: %s is new: existing contacts get it with their next change, or now with --full-refresh",
            stream,
            names,
        )
    if other_filters:
        logger.warning(
            "the import filters have changed: who was discarded before comes in with the next change, or now with"
            " --full-refresh"
        )
