"""Running other programs so that none of them outlives the demonstration."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

TAIL_LINES = 30
"""How much of a failed program's output is shown."""

GRACE_SECONDS = 10
"""How long a program that is told to stop may take."""


class CommandFailed(Exception):
    """A program ended with an exit code other than zero."""

    def __init__(self, command: t.Sequence[str], exit_code: int, output: str) -> None:
        super().__init__(f"'{' '.join(command)}' ended with exit code {exit_code}")
        self.tail = "\n".join(output.splitlines()[-TAIL_LINES:])


class Interrupted(BaseException):
    """The demonstration was told to stop. Not an error of any step, so no step may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


@contextlib.contextmanager
def raise_on_signals() -> t.Iterator[None]:
    """Turn the signals that ask a program to end into `Interrupted`, so that all is cleaned up on the way out."""

    def interrupt(number: int, _: FrameType | None) -> t.NoReturn:
        # A second Ctrl-C must not break off the cleaning up.
        for ending in endings:
            signal.signal(ending, signal.SIG_IGN)
        raise Interrupted(number)

    endings = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {ending: signal.signal(ending, interrupt) for ending in endings}
    try:
        yield
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)


def run(command: t.Sequence[str], *, directory: Path, environment: t.Mapping[str, str]) -> str:
    """Run a program to its end and return what it printed.

    It gets a process group of its own, which is stopped whole when this process is told to stop in the meantime.

    Raises:
        CommandFailed: If its exit code is not zero.
    """
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate()
    except BaseException:
        _stop_group(process)
        raise
    if process.returncode != 0:
        raise CommandFailed(command, process.returncode, output)
    return output


def _stop_group(process: subprocess.Popen[str]) -> None:
    """End a program and everything that it started: politely first, for good after a while."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    # The leader may be gone while others of the group are not.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
