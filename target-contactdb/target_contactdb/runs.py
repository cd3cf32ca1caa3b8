"""One run of the target: the database it opens, the operations it logs, and how they end."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from singer_sdk.singerlib.exceptions import InvalidInputLine
from sqlalchemy.exc import SQLAlchemyError

from target_contactdb.bookmarks import bookmark_of
from target_contactdb.checkout_import import CheckoutImport
from target_contactdb.contact_import import ContactImport
from target_contactdb.database import brief, open_database, open_engine
from target_contactdb.dialects import loader_for
from target_contactdb.errors import ContactDbError, DatabaseError, Interrupted, StreamError
from target_contactdb.mapping import compile_mappings
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
from target_contactdb.records import ADDRESS_PROPERTY
from target_contactdb.redecide import redecide_if_changed

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import sqlalchemy as sa

    from target_contactdb.records import Record
    from target_contactdb.settings import Settings

    Write = Callable[[Sequence[Record]], None]

NOT_STARTED: t.Final = "Stopped; the imports that follow in this run are not started."


@dataclass(frozen=True, slots=True)
class _Operation:
    stream: str
    shop: str
    operation_id: int


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
    _operations: dict[Kind, _Operation] = field(default_factory=dict)
    _state: Mapping[str, t.Any] | None = None

    def kind_of(self, stream: str) -> Kind | None:
        """Return what a stream is imported as; None if it has no place here."""
        kinds = {self.settings.contact_stream: Kind.CUSTOMERS, self.settings.checkout_stream: Kind.CHECKOUTS}
        return kinds.get(stream)

    def start_import(self, stream: str, schema: Mapping[str, t.Any]) -> Write | None:
        """Open the database, log the operation, and return what writes a batch; None if the import is off.

        A schema that comes again, changed, goes on with the same operation.

        Raises:
            ConfigError: A setting does not fit the stream or the database.
            DatabaseError: The database cannot be used.
        """
        properties = schema["properties"]
        shop = str(properties.get("shop", {}).get("const") or "")
        kind = t.cast("Kind", self.kind_of(stream))
        is_customers = kind is Kind.CUSTOMERS
        mappings = (
            compile_mappings(properties, self.settings.contact_fields, self.settings.mappings) if is_customers else ()
        )
        if self._engine is None:
            self._engine = open_engine(self.settings.sqlalchemy_url, self.settings.default_target_schema)
        wanted = (*self.settings.contact_fields, *(filled.field for filled in mappings))
        database = open_database(
            self._engine, wanted, self.settings.unsubscription_causes, self.settings.policy.protected_causes
        )
        off = self._switched_off(kind)
        if off:
            self.logger.warning("%s: nothing is imported and no bookmark moves, because %s", kind, off)
            pause_operation(self._engine, kind, shop, self.settings.fingerprint, off)
            return None
        if kind not in self._operations:
            started = start_operation(self._engine, kind, shop, self.settings.fingerprint)
            self._operations[kind] = _Operation(stream, shop, started)
            self._note(self._operations[kind], starting=True)
        operation_id = self._operations[kind].operation_id
        loader = loader_for(self._engine)
        if not is_customers:
            return CheckoutImport(database, loader, stream, shop, operation_id).write
        self._warn_unmapped([filled.field.name for filled in mappings])
        importing = ContactImport(
            database,
            loader,
            self.settings.policy,
            mappings,
            self.settings.mapping_fingerprint,
            stream,
            shop,
            operation_id,
            self.logger,
        )
        notice_others(importing)
        redecide_if_changed(importing, self.settings.options_fingerprint)
        return importing.write

    def _switched_off(self, kind: Kind) -> str | None:
        if not self.settings.enable_import:
            return "the setting `enable_import` is false"
        if kind is Kind.CHECKOUTS and not self.settings.import_checkouts:
            return "the setting `import_checkouts` is false"
        return None

    def _warn_unmapped(self, names: Sequence[str]) -> None:
        for channel, name in ADDRESS_PROPERTY.items():
            if name not in names:
                self.logger.warning(
                    "no mapping fills the contact field `%s`: nobody can be written to by %s", name, channel
                )

    def passes_on(self, state: Mapping[str, t.Any]) -> bool:
        """Tell whether a state may go out: none may that would skip what a setting has switched off."""
        if not self.settings.enable_import:
            return False
        return self.settings.import_checkouts or bookmark_of(state, self.settings.checkout_stream) is None

    def note_committed(self, state: Mapping[str, t.Any]) -> None:
        """Log how far the operations have come: everything before this state is committed."""
        self._state = state
        for operation in self._operations.values():
            self._note(operation, starting=False)

    def _note(self, operation: _Operation, *, starting: bool) -> None:
        bookmark = bookmark_of(self._state, operation.stream)
        if bookmark is None or self._engine is None:
            return
        window = {"window_from": bookmark.value, "window_to": bookmark.until} if starting else {}
        note_bookmark(self._engine, operation.operation_id, {**window, "bookmark": bookmark.value})

    def complete(self) -> None:
        """Close the operations at the end of the input."""
        for kind, operation in self._operations.items():
            bookmark = bookmark_of(self._state, operation.stream)
            if bookmark is not None and bookmark.until is not None:
                error = f"the extractor stopped before it had read stream `{operation.stream}` to the end of its window"
                self._end(operation, OperationState.FAILED, error)
                self.logger.error("%s import failed: %s. %s", kind, error, NOT_STARTED)
            else:
                self._end(operation, OperationState.COMPLETED, None)
                self.logger.info(told(t.cast("sa.Engine", self._engine), operation.operation_id))
        self._leave()

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
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _end(self, operation: _Operation, state: OperationState, error: str | None) -> None:
        end_operation(t.cast("sa.Engine", self._engine), operation.operation_id, state, error)
