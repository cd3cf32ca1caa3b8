"""`make demo`, as far as a machine can look at it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from email import policy
from email.parser import BytesParser
from pathlib import Path

import psutil

from tests.end_to_end.project import REPOSITORY, Project, clean_environment


def start_demo(project: Project, folder: Path) -> subprocess.Popen[str]:
    # Its children inherit this variable, and are found by it.
    marked = {**clean_environment(), "DEMO_OF_TEST": str(folder), "COLUMNS": "160"}
    return subprocess.Popen(
        [sys.executable, "-m", "demo"],
        cwd=project.folder,
        env=marked,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def left_behind(folder: Path) -> list[list[str]]:
    """The programs of a demonstration that still run."""

    def marked(process: psutil.Process) -> bool:
        try:
            return process.environ().get("DEMO_OF_TEST") == str(folder)
        except psutil.Error:  # It has ended meanwhile, or is not ours.
            return False

    return [process.cmdline() for process in psutil.process_iter() if marked(process)]


def wait_for_program(folder: Path, name: str) -> None:
    """Look until the demonstration has a program of that name running."""
    deadline = time.monotonic() + 60
    while not any(Path(part).name == name for command in left_behind(folder) for part in command[:2]):
        assert time.monotonic() < deadline, left_behind(folder)


def test_the_demonstration_stops_what_it_started_and_runs_again_at_once(project: Project, tmp_path: Path) -> None:
    with start_demo(project, tmp_path) as interrupted:
        wait_for_program(tmp_path, "target-contactdb")
        os.kill(interrupted.pid, signal.SIGTERM)
        shown, _ = interrupted.communicate(timeout=30)
    assert interrupted.returncode == 143
    assert shown.endswith("\nStopped.\n")
    assert left_behind(tmp_path) == []

    with start_demo(project, tmp_path) as undisturbed:
        shown, _ = undisturbed.communicate(timeout=120)
    assert undisturbed.returncode == 0, shown
    assert left_behind(tmp_path) == []
    headings = (
        "Synchronization Status",
        "Log Activities",
        "Last abandoned checkout",
        "contactdb segment 'Warm carts'",
        '"flow": "reminder"',
        "contactdb message",
        "Next, with a real store",
    )
    places = [shown.index(heading) for heading in headings]
    assert places == sorted(places)
    assert "1,000" in shown
    written = project.folder / "output" / "demo"
    (letter,) = (written / "message").glob("*.eml")
    subject = BytesParser(policy=policy.default).parsebytes(letter.read_bytes())["Subject"]
    assert subject
    with contextlib.closing(sqlite3.connect(written / "contacts.db")) as connection:
        (entered,) = connection.execute("SELECT contact_id FROM flow_entries WHERE flow = 'reminder'")
        (members,) = connection.execute("SELECT count(*) FROM segment_members WHERE left_at IS NULL")
    assert f'"contact_id": {entered[0]},' in shown
    assert f"contactdb message '#{entered[0]}'" in shown
    assert members[0] > 0


def test_the_demonstration_says_what_failed_and_stops_the_store(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "demo", tmp_path / "demo")
    meltano = tmp_path / "meltano"
    meltano.write_text("#!/bin/sh\necho 'the reason'\nexit 3\n", encoding="utf-8")
    meltano.chmod(0o755)
    with start_demo(Project(tmp_path), tmp_path) as failing:
        shown, _ = failing.communicate(timeout=30)
    assert failing.returncode == 1
    assert "\nthe reason\nThe demonstration failed: " in shown
    assert "ended with exit code 3" in shown
    assert left_behind(tmp_path) == []
