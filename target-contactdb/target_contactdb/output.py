"""Standard output: a program that cannot say what it has to say tells so in one line, and does not half say it."""

from __future__ import annotations

import os
import sys

from target_contactdb.errors import OutputError


def require_output() -> None:
    """Refuse to begin where nothing can be said.

    Raises:
        OutputError: Standard output is closed.
    """
    if sys.stdout is None:
        msg = "standard output is closed, so nothing is done"
        raise OutputError(msg)


def give_up_output() -> None:
    """Let what is held back go nowhere, as it counts as not said: it would be written when the program ends."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        # In memory, as under a test runner: nothing is held back.
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def output_lost(error: OSError) -> OutputError:
    """Give up standard output after it could not be written, and return what to raise."""
    give_up_output()
    return OutputError(f"standard output cannot be written: {error.strerror}")
