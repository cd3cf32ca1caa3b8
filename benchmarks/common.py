"""What every benchmark shares: processes measured one by one, rounds that interleave, medians, a table and JSON."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import typing as t
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).parent.parent
LAUNCHER = Path(__file__).parent / "launcher.py"
FOLDER = ROOT / "output" / "bench"
"""Where tables, environments of the peers and passing files lie."""


class BenchmarkError(RuntimeError):
    """A program that was measured failed, or did something else than the others."""


@dataclass(frozen=True)
class Usage:
    """What one process took: seconds from start to end, seconds of the processors, and its largest memory in MiB."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Result:
    """One run: what it took, how many records it carried, and a checksum of those, where there is one."""

    usage: Usage
    records: int
    checksum: str = ""


@dataclass(frozen=True)
class Row:
    """The median of several runs of the same thing."""

    name: str
    runs: int
    records: int
    seconds: float
    records_per_second: float
    cpu_microseconds_per_record: float
    peak_mib: float
    checksum: str


def measure(
    command: Sequence[str | os.PathLike[str]],
    *,
    stdin: Path | None = None,
    stdout: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Usage:
    """Run a program to its end and return what it took. What it writes to stderr is shown when it fails.

    Raises:
        BenchmarkError: If it fails.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    log, taken = FOLDER / "stderr.txt", FOLDER / "usage.json"
    # Compiling its modules again at each start is no part of what a program takes.
    env = {name: value for name, value in (env or os.environ).items() if name != "PYTHONDONTWRITEBYTECODE"}
    launcher: list[t.Any] = [sys.executable, "-I", "-S", LAUNCHER, taken]
    with (
        Path(stdin or os.devnull).open("rb") as source,
        Path(stdout or os.devnull).open("wb") as sink,
        log.open("wb") as errors,
    ):
        done = subprocess.run(
            [*launcher, *command], stdin=source, stdout=sink, stderr=errors, env=env, cwd=ROOT, check=False
        )
    if done.returncode != 0:
        message = f"{Path(command[0]).name} failed ({done.returncode}):\n{log.read_text()[-3000:]}"
        raise BenchmarkError(message)
    return Usage(*json.loads(taken.read_text()))


def interleave(rows: Mapping[str, Callable[[], Result]], rounds: int, *, warm_up: bool = True) -> list[Row]:
    """Run every row once to warm up, and then all of them in turn, several times; return the medians.

    What disturbs the machine for a while then meets all rows alike.
    """
    found: dict[str, list[Result]] = {name: [] for name in rows}
    for number in range(0 if warm_up else 1, rounds + 1):
        for name, run in rows.items():
            result = run()
            say(f"{'warm-up' if number == 0 else f'round {number}'}: {name}: {result.usage.seconds:.2f} s")
            if number > 0:
                found[name].append(result)
    return [median_row(name, results) for name, results in found.items()]


def median_row(name: str, results: Sequence[Result]) -> Row:
    """Return the medians of the runs of one row.

    Raises:
        BenchmarkError: If the runs did not carry the same records.
    """
    if len({(result.records, result.checksum) for result in results}) > 1:
        message = f"{name}: not every run carried the same records."
        raise BenchmarkError(message)
    records = results[0].records
    seconds = median(result.usage.seconds for result in results)
    cpu = median(result.usage.cpu_seconds for result in results)
    return Row(
        name,
        len(results),
        records,
        seconds,
        records / seconds,
        cpu / max(records, 1) * 1e6,
        max(result.usage.peak_mib for result in results),
        results[0].checksum,
    )


def check_alike(rows: Sequence[Row]) -> None:
    """Check that all rows carried the same records.

    Raises:
        BenchmarkError: If one did not.
    """
    if len({(row.records, row.checksum) for row in rows}) > 1:
        told = ", ".join(f"{row.name}: {row.records:,} ({row.checksum})" for row in rows)
        message = f"Not all rows carried the same records: {told}"
        raise BenchmarkError(message)


def report(name: str, title: str, rows: Sequence[Row]) -> str:
    """Write the rows as a table and as JSON below `output/bench`, and return the table."""
    lines = [
        f"## {title}",
        "",
        "| row | s | records/s | CPU µs/record | peak MiB | records | checksum |",
        "|---|---:|---:|---:|---:|---:|---|",
        *(
            f"| {row.name} | {row.seconds:.2f} | {row.records_per_second:,.0f} | {row.cpu_microseconds_per_record:.1f} "
            f"| {row.peak_mib:.0f} | {row.records:,} | {row.checksum} |"
            for row in rows
        ),
        "",
        f"Medians of {rows[0].runs} interleaved runs; {machine()}.",
        "",
    ]
    FOLDER.mkdir(parents=True, exist_ok=True)
    table = "\n".join(lines)
    (FOLDER / f"{name}.md").write_text(table)
    content = {"title": title, "machine": machine(), "rows": [asdict(row) for row in rows]}
    (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=2))
    return table


def machine() -> str:
    """Return what the figures were measured on."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def environment(name: str, requirements: Sequence[str]) -> Path:
    """Return the folder of programs of an environment that holds these packages; it is made when it is not there."""
    folder = FOLDER / "environments" / name
    stamp = folder / "requirements.txt"
    wanted = "\n".join(requirements)
    if not stamp.exists() or stamp.read_text() != wanted:
        say(f"installing {', '.join(requirements)}")
        shutil.rmtree(folder, ignore_errors=True)
        uv = Path(sys.executable).parent / "uv"
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
        subprocess.run(
            [
                uv,
                "pip",
                "install",
                "--quiet",
                "--compile-bytecode",
                "--python",
                folder / "bin" / "python",
                *requirements,
            ],
            check=True,
        )
        stamp.write_text(wanted)
    return folder / "bin"


def say(text: str) -> None:
    """Tell how far the benchmark is."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201
