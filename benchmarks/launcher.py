"""Runs one program and writes what it took: `launcher.py REPORT PROGRAM [ARGUMENT...]`.

A process of its own, and a small one: to the kernel a program's largest memory is never less than that of the process
which started it, and a benchmark has imported much.
"""

from __future__ import annotations

import json
import os
import sys
import time

if __name__ == "__main__":
    report, *command = sys.argv[1:]
    begin = time.perf_counter()
    number = os.posix_spawnp(command[0], command, os.environ)
    # Not `os.wait()`: only this call tells what this very process used.
    _, status, usage = os.wait4(number, 0)
    seconds = time.perf_counter() - begin
    with open(report, "w", encoding="utf-8") as file:  # noqa: PTH123 - `pathlib` would make this process larger.
        json.dump([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024], file)
    sys.exit(os.waitstatus_to_exitcode(status))
