"""Time that passes only where somebody waits, shared by several threads that run one at a time, always in one order."""

from __future__ import annotations

import heapq
import threading
import typing as t


class VirtualTime:
    """A clock for programs that wait on it. Whoever has to wait least goes on next; nothing depends on the machine."""

    def __init__(self) -> None:
        """Begin at zero, with nobody."""
        self.now = 0.0
        self._turns: list[tuple[float, int, threading.Event]] = []
        self._count = 0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the others go on until the time has come."""
        turn = self._queue(seconds)
        self._next()
        turn.wait()

    def run(self, *programs: t.Callable[[], None]) -> None:
        """Run programs side by side until all have ended, and raise the first error of any."""
        errors: list[BaseException] = []
        threads = [threading.Thread(target=self._run(program, self._queue(0.0), errors)) for program in programs]
        for thread in threads:
            thread.start()
        self._next()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def _run(
        self, program: t.Callable[[], None], turn: threading.Event, errors: list[BaseException]
    ) -> t.Callable[[], None]:
        def run() -> None:
            turn.wait()
            try:
                program()
            except BaseException as error:
                errors.append(error)
            finally:
                self._next()

        return run

    def _queue(self, seconds: float) -> threading.Event:
        turn = threading.Event()
        with self._lock:
            self._count += 1
            heapq.heappush(self._turns, (self.now + seconds, self._count, turn))
        return turn

    def _next(self) -> None:
        with self._lock:
            if not self._turns:
                return
            time, _, turn = heapq.heappop(self._turns)
            self.now = max(self.now, time)
        turn.set()
