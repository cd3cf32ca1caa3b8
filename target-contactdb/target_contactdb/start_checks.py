"""Whether an import may start where the tap starts: refused before anything is written, with what to run instead."""

from __future__ import annotations

import typing as t

from target_contactdb.bookmarks import is_full_refresh, leaves_a_gap
from target_contactdb.errors import StateError
from target_contactdb.operations import Kind, first_start, latest_bookmark

if t.TYPE_CHECKING:
    import datetime as dt
    import logging

    import sqlalchemy as sa

    from target_contactdb.preparing import Compiled
    from target_contactdb.settings import Settings
    from target_contactdb.stream_memory import Known

_TIME: t.Final = "%Y-%m-%dT%H:%M:%SZ"


def warn_of_late_start(stream: str, shop: str, start: dt.datetime | None, logger: logging.Logger) -> None:
    """Say that the first import of a stream does not start at the beginning, as with an empty or lost database.

    Args:
        stream: Name of the stream.
        shop: The shop.
        start: The starting bookmark; None = from the beginning.
        logger: Is told.
    """
    if start is not None:
        logger.warning(
            "stream `%s` of shop %s: the contact database has none of it yet, and the tap starts at %s: what has not"
            " changed since is left out. Where that is not the start that you set, run once with --full-refresh",
            stream,
            shop,
            start.strftime(_TIME),
        )


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


def reads_everyone(engine: sa.Engine, kind: Kind, shop: str, start: dt.datetime | None) -> bool:
    """Tell whether a tap reads everything again that it has ever read, as far as its start says.

    Records that are played back have no start either.

    Args:
        engine: Of the contact database.
        kind: What is imported.
        shop: The shop.
        start: The starting bookmark; None = from the beginning.
    """
    return is_full_refresh(start, first_start(engine, kind, shop))


def refuse_unstored(
    settings: Settings, stream: str, shop: str, known: Known, compiled: Compiled, logger: logging.Logger
) -> None:
    """Refuse filters and mappings that need what the database has not stored, in a run that brings only what changed.

    Args:
        settings: The checked settings.
        stream: Name of the customers stream.
        shop: The shop.
        known: What every customer has been through.
        compiled: What the settings make of the stream.
        logger: Is told of what comes in later.

    Raises:
        StateError: The run has to be a full refresh.
    """
    other_filters, missing = known.has_other_filters(settings.filters_fingerprint), compiled.stored.missing
    new = known.lacks(compiled.mappings)
    problems = []
    if other_filters and missing:
        names = ", ".join(f"`{name}`" for name in missing)
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
