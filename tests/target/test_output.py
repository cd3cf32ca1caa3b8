"""The target whose standard output cannot be written, so that nobody learns how far it has come."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from tests.target.singer import customer, query, schema, state

TARGET = str(Path(sys.executable).parent / "target-contactdb")


def last_line(url, folder, redirection):
    """Run the target over a customer and a STATE, with its standard output somewhere else."""
    (folder / "target.json").write_text(json.dumps({"sqlalchemy_url": url}))
    lines = [schema(), customer(1), state("customers", "2026-10-01T00:00:00Z")]
    command = ["/bin/sh", "-c", f'"$@" {redirection}', "sh", TARGET, "--config", str(folder / "target.json")]
    done = subprocess.run(
        command,
        input="".join(f"{json.dumps(line)}\n" for line in lines),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done.stderr.splitlines()[-1].rpartition("| ")[2]


def test_a_closed_output_is_found_before_anything_is_written(sqlite_url, tmp_path):
    line = last_line(sqlite_url, tmp_path, ">&-")

    assert line.startswith("standard output is closed, so nothing is done. ")
    assert not Path(str(sa.make_url(sqlite_url).database)).exists()


def test_a_state_that_cannot_be_passed_on_fails_the_run(migrated_sqlite_url, tmp_path):
    line = last_line(migrated_sqlite_url, tmp_path, ">/dev/full")

    problem = "standard output cannot be written: No space left on device"
    assert line.startswith(f"{problem}. ")
    assert query(migrated_sqlite_url, "SELECT state, error FROM operations") == [("failed", problem)]
    assert query(migrated_sqlite_url, "SELECT user_code FROM contacts") == [("1",)]
