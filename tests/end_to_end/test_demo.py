"""`make demo`, as far as a machine can look at it."""

from __future__ import annotations

import datetime as dt
import html
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal
from email import policy
from email.parser import BytesParser
from pathlib import Path

import psutil

from demo.__main__ import NODE, SEGMENT
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
        "$ contactdb segment 'Warm carts'",
        "$ contactdb node abandoned-checkout --flow reminder",
        '"flow": "reminder"',
        "$ contactdb message",
        "Next, with a real store",
    )
    places = [shown.index(heading) for heading in headings]
    assert places == sorted(places)
    assert "1,000" in shown
    check_the_segment(project)
    check_the_message(project, shown)


def contactdb(project: Project, *arguments: str) -> str:
    """Ask the contact database that the demonstration has left."""
    url = f"sqlite:///{project.folder / 'output' / 'demo' / 'contacts.db'}"
    command = [str(Path(sys.executable).parent / "contactdb"), "--sqlalchemy-url", url, *arguments]
    return subprocess.run(command, env=clean_environment(), check=True, capture_output=True, text=True).stdout


def check_the_segment(project: Project) -> None:
    """Check that it is saved, asks for date and price of the checkout, and has members."""
    members = json.loads(contactdb(project, "segment", "Warm carts", "--format", "json"))["contacts"]
    assert members
    for member in members:
        card = json.loads(contactdb(project, "contact", f"#{member['contact_id']}", "--format", "json"))
        assert card["channels"][0]["may"]
        assert Decimal(card["checkout"]["total_price"]) >= 50
        left_at = dt.datetime.fromisoformat(card["checkout"]["updated_at"])
        assert dt.datetime.now(dt.UTC) - left_at < dt.timedelta(days=7)


def check_the_message(project: Project, shown: str) -> None:
    """Check that one of those who entered has got a message with amounts and pictures, and all have entered once."""
    written = project.folder / "output" / "demo"
    entries = [json.loads(line) for line in (written / "entries.jsonl").read_text(encoding="utf-8").splitlines()]
    by_address = {entry["contact"]["email"]: entry for entry in entries}
    assert len(by_address) == len(entries) > 1
    (letter,) = (written / "message").glob("*.eml")
    assert f"\n{letter.relative_to(project.folder)}\n" in shown
    mail = BytesParser(policy=policy.default).parsebytes(letter.read_bytes())
    first = by_address[mail["To"].addresses[0].addr_spec]
    name = " ".join(first["contact"]["first_name"].split())
    assert name in mail["Subject"]
    page = letter.with_suffix(".html").read_text(encoding="utf-8")
    assert len(first["checkout"]["products"]) > 1
    for product in first["checkout"]["products"]:
        assert html.escape(product["product_title"]) in page
        assert html.escape(product["image_url"]) in page
        assert product["discounted_total_price"] in page
    assert first["checkout"]["total_price"] in page
    assert html.escape(first["checkout"]["abandoned_checkout_url"]) in page
    (body,) = (part.get_content() for part in mail.walk() if part.get_content_type() == "text/html")
    assert body.splitlines() == page.splitlines()

    assert {entry["contact"]["contact_id"] for entry in entries} <= {
        member["contact_id"]
        for member in json.loads(contactdb(project, "segment", SEGMENT, "--format", "json"))["contacts"]
    }
    assert contactdb(project, *NODE) == ""


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
