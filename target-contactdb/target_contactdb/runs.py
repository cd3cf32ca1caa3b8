"""One run of the target: the database it opens, the operations it logs, and how they end."""

from __future__ import annotations

import contextlib
import datetime as dt
import typing as t
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from target_contactdb.bookmarks import Place, stands_still
from target_contactdb.checkout_import import CheckoutImport
from target_contactdb.consents_import import ConsentsImport
from target_contactdb.deletions import conclude, forget_listings
from target_contactdb.dialects import loader_for
from target_contactdb.engines import brief, open_engine
from target_contactdb.errors import (
    ConfigError,
    ContactDbError,
    DatabaseError,
    Interrupted,
    StatusLimitError,
    StreamCutShort,
    StreamError,
)
from target_contactdb.notice import notice_others
from target_contactdb.operations import (
    Kind,
    OperationState,
    end_operation,
    note_bookmark,
    pause_operation,
    start_operation,
    told,
)
from target_contactdb.preparing import (
    Logged,
    compile_customers,
    consents_import,
    customers_import,
    ready_database,
    shop_of,
    shop_problems,
)
from target_contactdb.redecide import redecide_if_changed
from target_contactdb.rehearsal import open_rehearsal
from target_contactdb.start_checks import reads_everyone, refuse_gap, refuse_unstored, warn_of_late_start
from target_contactdb.status_gate import refuse_if_stopped
from target_contactdb.stream_memory import recall_stream, remember_start, remember_stream

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import sqlalchemy as sa

    from target_contactdb.preparing import Compiled
    from target_contactdb.settings import Settings

    Write = Callable[[Sequence[bytes]], None]
    """Takes in a batch of records, as JSON."""

NOT_STARTED: t.Final = "Stopped; the imports that follow in this run are not started."

_REHEARSED: t.Final = "dry run, nothing was written: "


@dataclass
class Run:
    """One run of the target.

    Attributes:
        settings: The checked settings.
        logger: The target's logger.
    """

    settings: Settings
    logger: logging.Logger
    _engine: sa.Engine | None = None
    _operations: dict[tuple[Kind, str], Logged] = field(default_factory=dict)
    _place: Place = field(default_factory=Place)
    # The streams that name everyone, and have not said yet that it was all.
    _listings: dict[str, ConsentsImport] = field(default_factory=dict)
    _paused: set[tuple[Kind, str]] = field(default_factory=set)
    # Per operation that may read everyone, what notes it once it has.
    _settles: dict[int, Callable[[], None]] = field(default_factory=dict)

    def kind_of(self, stream: str) -> Kind | None:
        """Return what a stream is imported as; None if it has no place here."""
        settings = self.settings
        kinds = {
            settings.contact_stream: Kind.CUSTOMERS,
            settings.checkout_stream: Kind.CHECKOUTS,
            settings.consent_stream: Kind.CONSENTS,
        }
        return kinds.get(stream)

    def start_import(self, stream: str, schema: Mapping[str, t.Any]) -> Write | None:
        """Open the database, log the operation, and return what writes a batch; None if the import is off.

        A schema that comes again, changed, goes on with the same operation.

        Raises:
            ConfigError: A setting does not fit the stream or the database.
            DatabaseError: The database cannot be used.
            StateError: The tap does not start where this import has to.
            StatusLimitError: Too many statuses would change.
        """
        self._place.begin()
        properties = schema["properties"]
        shop, kind = shop_of(properties), t.cast("Kind", self.kind_of(stream))
        compiled = compile_customers(self.settings, properties) if kind is Kind.CUSTOMERS else None
        problems = shop_problems(properties)
        if problems:
            raise ConfigError(problems)
        if self._engine is None:
            self._engine = self._open()
        database = ready_database(self._engine, self.settings, kind, compiled, self.logger)
        if compiled is not None:
            compiled = compiled.for_database(database)
        off = self._switched_off(kind)
        if off:
            if (kind, shop) not in self._paused:
                self._paused.add((kind, shop))
                self.logger.warning("%s: nothing is imported and the bookmark stays, because %s", kind, off)
                pause_operation(self._engine, kind, shop, self.settings.fingerprint, off)
            return None
        operation = self._operation(kind, stream, shop, compiled)
        self._remember(stream, shop, schema, compiled, operation)
        if kind is Kind.CHECKOUTS:
            return CheckoutImport(database, loader_for(self._engine), stream, shop, operation.operation_id).write
        if compiled is not None:
            importing = customers_import(database, self.settings, compiled, operation, self.logger)
            notice_others(importing)
            redecide_if_changed(importing, self.settings, compiled.stored)
            return importing.write
        listing = self._listings[stream] = consents_import(database, self.settings, operation, self.logger)
        forget_listings(self._engine)
        notice_others(listing)
        return listing.write

    def _operation(self, kind: Kind, stream: str, shop: str, compiled: Compiled | None) -> Logged:
        """Return the operation of a kind and shop; it is started once the stream has shown to fit the database."""
        engine = t.cast("sa.Engine", self._engine)
        known = self._operations.get((kind, shop))
        if known is not None:
            return known
        bookmark = self._place.bookmark_of(stream)
        start = bookmark.value if bookmark is not None else None
        refuse_gap(engine, kind, stream, shop, start)
        is_whole, seen = reads_everyone(engine, kind, shop, start), recall_stream(engine, stream, shop)
        if seen is None:
            warn_of_late_start(stream, shop, start, self.logger)
        elif compiled is not None and not is_whole:
            refuse_unstored(self.settings, stream, shop, seen, compiled, self.logger)
        refuse_if_stopped(engine, shop, self.settings.fingerprint)
        started = start_operation(engine, kind, shop, self.settings.fingerprint)
        operation = self._operations[kind, shop] = Logged(stream, shop, started, is_whole)
        self._note(operation, starting=True)
        return operation

    def _remember(
        self, stream: str, shop: str, schema: Mapping[str, t.Any], compiled: Compiled | None, operation: Logged
    ) -> None:
        engine = t.cast("sa.Engine", self._engine)
        if compiled is None:
            remember_stream(engine, stream, shop, schema, (), None)
            return
        filters, is_whole = self.settings.filters_fingerprint, operation.reads_everyone
        settle = remember_start(engine, stream, shop, schema, compiled.mappings, filters, reads_everyone=is_whole)
        if settle is not None:
            self._settles[operation.operation_id] = settle

    def _open(self) -> sa.Engine:
        url, schema = self.settings.sqlalchemy_url, self.settings.default_target_schema
        return open_rehearsal(url, schema, self.logger) if self.settings.dry_run else open_engine(url, schema)

    def conclude(self, stream: str, version: int) -> None:
        """Take it that a stream has named everyone that exists.

        Of any stream but that of consents nothing is concluded: it names who has changed, and no more.

        Args:
            stream: A stream that has been announced, whose records so far are all written.
            version: When the listing began, in milliseconds since 1970, UTC.

        Raises:
            StreamError: The version is no such time.
            ContactDbError: As `deletions.conclude` does.
        """
        importing = self._listings.pop(stream, None)
        if importing is None:
            return
        began = _began(stream, version)
        if began.year < _FIRST_YEAR:
            self.logger.warning(
                "stream `%s`: by the version of its ACTIVATE_VERSION message the listing began in %s; customers first "
                "seen since then do not count as missing",
                stream,
                began.year,
            )
        gone = conclude(importing, began)
        self.logger.info("%s: %s customers that were known do not exist any more", Kind.CONSENTS, f"{gone:,}")

    def _switched_off(self, kind: Kind) -> str | None:
        if not self.settings.enable_import:
            return "the setting `enable_import` is false"
        if kind is Kind.CHECKOUTS and not self.settings.import_checkouts:
            return "the setting `import_checkouts` is false"
        return None

    def passes_on(self, state: Mapping[str, t.Any]) -> bool:
        """Tell whether a state may go out: none may that would skip what a setting has switched off."""
        if not self.settings.enable_import or self.settings.dry_run:
            return False
        return self.settings.import_checkouts or stands_still(state, self._place.start, self.settings.checkout_stream)

    def note_committed(self, state: Mapping[str, t.Any]) -> None:
        """Log how far the operations have come: everything before this state is committed."""
        self._place.move(state)
        for operation in self._operations.values():
            self._note(operation, starting=False)

    def _note(self, operation: Logged, *, starting: bool) -> None:
        bookmark = self._place.bookmark_of(operation.stream)
        if bookmark is None or self._engine is None:
            return
        window = {"window_from": bookmark.value, "window_to": bookmark.until} if starting else {}
        note_bookmark(self._engine, operation.operation_id, {**window, "bookmark": bookmark.value})

    def complete(self) -> None:
        """Close the operations at the end of the input.

        Raises:
            StreamCutShort: The input ended before a stream did; every state that it brought has gone out.
        """
        cut_short = []
        for (kind, _shop), operation in self._operations.items():
            error = self._missing(operation)
            if error is not None:
                self._end(operation, OperationState.FAILED, error)
                cut_short.append(f"{kind} import failed: {error}")
            else:
                self._settle(operation)
                self._end(operation, OperationState.COMPLETED, None)
                dry = _REHEARSED if self.settings.dry_run else ""
                self.logger.info("%s%s", dry, told(t.cast("sa.Engine", self._engine), operation.operation_id))
        self._leave()
        if cut_short:
            raise StreamCutShort("; ".join(cut_short))

    def _settle(self, operation: Logged) -> None:
        """Note that everyone has been through the settings. Records that are played back have no STATE."""
        settle = self._settles.pop(operation.operation_id, None)
        if settle is not None and self._place.bookmark_of(operation.stream) is not None:
            settle()

    def _missing(self, operation: Logged) -> str | None:
        """Return what an operation lacks to be complete, at the end of the input."""
        bookmark = self._place.bookmark_of(operation.stream)
        if bookmark is not None and bookmark.until is not None:
            return f"the extractor stopped before it had read stream `{operation.stream}` to the end of its window"
        if operation.stream in self._listings:
            return (
                f"the extractor stopped before it had read stream `{operation.stream}` to the end: nothing is concluded"
                " about customers that are missing"
            )
        return None

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Close the operations of a run that ends early, and turn what happened into one line without values.

        Raises:
            ContactDbError: For every error of the input or the database; other errors pass unchanged.
        """
        try:
            yield
        except Interrupted as error:
            self._close(OperationState.INTERRUPTED, str(error))
            raise
        except StatusLimitError as error:
            self._close(OperationState.STOPPED, str(error))
            if self.settings.dry_run:
                raise StatusLimitError(f"{_REHEARSED}{error}") from None
            raise
        except SQLAlchemyError as error:
            refused = DatabaseError(f"the contact database refused a write: {brief(error)}")
            self._close(OperationState.FAILED, str(refused))
            raise refused from None
        except Exception as error:
            self._close(
                OperationState.FAILED, str(error) if isinstance(error, ContactDbError) else type(error).__name__
            )
            raise

    def _close(self, state: OperationState, error: str) -> None:
        for operation in self._operations.values():
            try:
                self._end(operation, state, error)
            except SQLAlchemyError as problem:
                # The database itself may be what failed; the next run closes the operation.
                self.logger.error("operation %d is left open: %s", operation.operation_id, brief(problem))  # noqa: TRY400
        self._leave()

    def _leave(self) -> None:
        self._operations.clear()
        self._listings.clear()
        self._settles.clear()
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _end(self, operation: Logged, state: OperationState, error: str | None) -> None:
        end_operation(t.cast("sa.Engine", self._engine), operation.operation_id, state, error)


# A version from before is a counter, and no time.
_FIRST_YEAR: t.Final = 2000


def _began(stream: str, version: int) -> dt.datetime:
    try:
        return dt.datetime.fromtimestamp(version / 1000, dt.UTC)
    except (OverflowError, ValueError, OSError):
        msg = f"stream `{stream}`: the version of its ACTIVATE_VERSION message is no time in milliseconds"
    raise StreamError(msg)
