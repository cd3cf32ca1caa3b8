"""One run of the target: the database it opens, the operations it logs, and how they end."""

from __future__ import annotations

import contextlib
import datetime as dt
import typing as t
from dataclasses import dataclass, field

from singer_sdk.singerlib.exceptions import InvalidInputLine
from sqlalchemy.exc import SQLAlchemyError

from target_contactdb.bookmarks import bookmark_of
from target_contactdb.checkout_import import CheckoutImport
from target_contactdb.consents_import import ConsentsImport
from target_contactdb.deletions import conclude, forget_listings
from target_contactdb.dialects import loader_for
from target_contactdb.engines import brief, open_engine
from target_contactdb.errors import (
    ContactDbError,
    DatabaseError,
    Interrupted,
    StatusLimitError,
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
from target_contactdb.preparing import Logged, compile_customers, consents_import, customers_import, ready_database
from target_contactdb.redecide import redecide_if_changed
from target_contactdb.rehearsal import open_rehearsal
from target_contactdb.start_checks import refuse_gap, refuse_unstored
from target_contactdb.status_gate import refuse_if_stopped
from target_contactdb.stream_memory import remember_stream

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import sqlalchemy as sa

    from target_contactdb.preparing import Compiled
    from target_contactdb.settings import Settings

    Write = Callable[[Sequence[bytes]], None]
    """Takes in a batch of records, as JSON."""

NOT_STARTED: t.Final = "Stopped; the imports that follow in this run are not started."


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
    _state: Mapping[str, t.Any] | None = None
    # The streams that name everyone, and have not said yet that it was all.
    _listings: dict[str, ConsentsImport] = field(default_factory=dict)

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
        properties = schema["properties"]
        shop = str(properties.get("shop", {}).get("const") or "")
        kind = t.cast("Kind", self.kind_of(stream))
        compiled = compile_customers(self.settings, properties) if kind is Kind.CUSTOMERS else None
        if self._engine is None:
            self._engine = self._open()
        database = ready_database(self._engine, self.settings, kind, compiled, self.logger)
        if compiled is not None:
            compiled = compiled.for_database(database)
        off = self._switched_off(kind)
        if off:
            self.logger.warning("%s: nothing is imported and no bookmark moves, because %s", kind, off)
            pause_operation(self._engine, kind, shop, self.settings.fingerprint, off)
            return None
        operation = self._operation(kind, stream, shop, compiled)
        remember_stream(self._engine, stream, shop, schema, compiled.mappings if compiled is not None else ())
        if kind is Kind.CHECKOUTS:
            return CheckoutImport(database, loader_for(self._engine), stream, shop, operation.operation_id).write
        if compiled is not None:
            importing = customers_import(database, self.settings, compiled, operation, self.logger)
            notice_others(importing)
            redecide_if_changed(importing, self.settings.options_fingerprint, compiled.stored)
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
        bookmark = bookmark_of(self._state, stream)
        start = bookmark.value if bookmark is not None else None
        refuse_gap(engine, kind, stream, shop, start)
        refuse_if_stopped(engine)
        if compiled is not None:
            refuse_unstored(engine, self.settings, stream, shop, start, compiled.mappings, compiled.stored, self.logger)
        started = start_operation(engine, kind, shop, self.settings.fingerprint)
        operation = self._operations[kind, shop] = Logged(stream, shop, started)
        self._note(operation, starting=True)
        return operation

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
            ContactDbError: As `deletions.conclude` does.
        """
        importing = self._listings.pop(stream, None)
        if importing is None:
            return
        gone = conclude(importing, dt.datetime.fromtimestamp(version / 1000, dt.UTC))
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
        return self.settings.import_checkouts or bookmark_of(state, self.settings.checkout_stream) is None

    def note_committed(self, state: Mapping[str, t.Any]) -> None:
        """Log how far the operations have come: everything before this state is committed."""
        self._state = state
        for operation in self._operations.values():
            self._note(operation, starting=False)

    def _note(self, operation: Logged, *, starting: bool) -> None:
        bookmark = bookmark_of(self._state, operation.stream)
        if bookmark is None or self._engine is None:
            return
        window = {"window_from": bookmark.value, "window_to": bookmark.until} if starting else {}
        note_bookmark(self._engine, operation.operation_id, {**window, "bookmark": bookmark.value})

    def complete(self) -> None:
        """Close the operations at the end of the input."""
        for (kind, _shop), operation in self._operations.items():
            error = self._missing(operation)
            if error is not None:
                self._end(operation, OperationState.FAILED, error)
                self.logger.error("%s import failed: %s. %s", kind, error, NOT_STARTED)
            else:
                self._end(operation, OperationState.COMPLETED, None)
                dry = "dry run, nothing was written: " if self.settings.dry_run else ""
                self.logger.info("%s%s", dry, told(t.cast("sa.Engine", self._engine), operation.operation_id))
        self._leave()

    def _missing(self, operation: Logged) -> str | None:
        """Return what an operation lacks to be complete, at the end of the input."""
        bookmark = bookmark_of(self._state, operation.stream)
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
        except InvalidInputLine:
            problem = StreamError("a line of the input is not a Singer message")
            self._close(OperationState.FAILED, str(problem))
            raise problem from None
        except StatusLimitError as error:
            self._close(OperationState.STOPPED, str(error))
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
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _end(self, operation: Logged, state: OperationState, error: str | None) -> None:
        end_operation(t.cast("sa.Engine", self._engine), operation.operation_id, state, error)
