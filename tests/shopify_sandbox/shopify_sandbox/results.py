"""The results of bulk operations: files without a name, written row by row and read from any place."""

from __future__ import annotations

import os
import tempfile
import threading
import typing as t
import uuid

from shopify_sandbox.errors import ShopError

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from shopify_sandbox.bulk_lines import Rows

# So many lines are written at once while somebody waits; what is left is written beside the requests that follow.
_AT_ONCE = 5_000
_BUFFER = 1 << 18


class Result:
    """Lines of JSON in a file of their own, with what is known about them."""

    def __init__(self) -> None:
        """Begin empty."""
        self._file = tempfile.TemporaryFile(buffering=_BUFFER)  # noqa: SIM115 - lives as long as the operation
        self.etag = f'"{uuid.uuid4().hex}"'
        self.size = 0
        self.lines = 0
        self.roots = 0

    def write(self, rows: Rows) -> None:
        """Add rows at the end."""
        self._file.write(rows.text)
        self.size += len(rows.text)
        self.lines += rows.lines
        self.roots += rows.roots

    def flush(self) -> None:
        """Make everything readable that was written."""
        self._file.flush()

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def read(self, start: int, size: int) -> bytes:
        """Bytes of the file."""
        return os.pread(self._file.fileno(), size, start)


class Work:
    """The writing of a result, which may go on in a thread of its own; memory does not grow with the rows."""

    def __init__(self, rows: Iterator[Rows]) -> None:
        """Begin to write."""
        self.result = Result()
        self.refused: ShopError | None = None
        self._rows = rows
        self._failure: Exception | None = None
        self._thread: threading.Thread | None = None
        self._over = self._given_up = False
        self._write(_AT_ONCE)
        if not self._over:
            self._thread = threading.Thread(target=self._write, args=(None,), name="bulk", daemon=True)
            self._thread.start()

    def done(self) -> bool:
        """Whether all is written, or refused.

        Raises:
            Exception: The defect of this program that ended the writing.
        """
        if self._failure is not None:
            raise self._failure
        return self._over

    def _write(self, limit: int | None) -> None:
        try:
            for rows in self._rows:
                self.result.write(rows)
                if self._given_up or (limit is not None and self.result.lines >= limit):
                    return
        except ShopError as refused:
            self.refused = refused
        except Exception as failure:
            self._failure = failure
        self.result.flush()
        self._over = True

    def finish(self) -> None:
        """Wait until all is written."""
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """End the writing and give the file back."""
        self._given_up = True
        self.finish()
        self.result.close()
