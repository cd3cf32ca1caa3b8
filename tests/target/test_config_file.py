"""The file of `--config`: what is wrong with it is told in one line, without what is in it."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from target_contactdb.config_file import read_config_file
from target_contactdb.errors import ConfigError

LINE = "option --config: the file {path} {problem}"
BROKEN: dict[str, tuple[bytes, str]] = {
    "cut short": (
        b'{\n"sqlalchemy_url": "marked",\n',
        "is not JSON: Expecting property name enclosed in double quotes",
    ),
    "blank": (b"", "is not JSON: Expecting value, line 1, column 1"),
    "list": (b'["marked"]', 'is no JSON object, such as {"sqlalchemy_url": "sqlite:///contacts.db"}'),
    "pairs": (
        b'[["sqlalchemy_url", "marked"]]',
        'is no JSON object, such as {"sqlalchemy_url": "sqlite:///contacts.db"}',
    ),
    "endless": (b'{"marked": ' + b"9" * 5000 + b"}", "is JSON that cannot be read: a number has too many digits"),
    "deep": (b"[" * 100_000, "is JSON that cannot be read"),
    "other bytes": (b'{"marked": "\xe9"}', "is not JSON: it is not text in UTF-8"),
}


def run_target(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    """Run the target with settings and without messages."""
    options = [word for file in files for word in ("--config", file)]
    command = [sys.executable, "-m", "target_contactdb", *options]
    return subprocess.run(command, input="", capture_output=True, text=True, check=False, cwd=folder)


def test_a_setting_of_the_environment_is_not_passed_over_in_silence(tmp_path, monkeypatch):
    (tmp_path / "target.json").write_text('{"sqlalchemy_url": "sqlite:///contacts.db"}')
    monkeypatch.setenv("TARGET_CONTACTDB_SQLALCHEMY_URL", "sqlite:///other.db")
    assert run_target(tmp_path, "target.json").returncode == 0
    monkeypatch.setenv("TARGET_CONTACTDB_DRY_RUN", "true")

    refused, read = run_target(tmp_path, "target.json"), run_target(tmp_path, "ENV")

    line = "the environment sets `TARGET_CONTACTDB_DRY_RUN`, and is not read: add `--config ENV`, or unset it"
    assert (refused.returncode, read.returncode) == (1, 0)
    assert line in refused.stderr
    assert not (tmp_path / "contacts.db").exists()


@pytest.mark.parametrize(("content", "problem"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_told_by_its_name(tmp_path, content, problem):
    path = tmp_path / "target.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_config_file(str(path))

    assert str(caught.value).startswith(LINE.format(path=path, problem=problem))
    assert "marked" not in str(caught.value)


def test_a_file_is_read_as_it_is_also_with_the_mark_of_windows_before_it(tmp_path):
    path = tmp_path / "target.json"
    path.write_bytes(b'\xef\xbb\xbf{"batch_size_rows": 5, "x": 0.1, "options": {"max_status_changes": "5 %"}}')

    expected = {"batch_size_rows": 5, "x": Decimal("0.1"), "options": {"max_status_changes": "5 %"}}
    assert read_config_file(str(path)) == expected


def test_a_missing_file_ends_the_program_with_one_line(tmp_path):
    done = run_target(tmp_path, "ENV", "none.json")

    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert line.split(" | ", 3)[3] == (
        LINE.format(path="none.json", problem="cannot be read: No such file or directory.")
        + " Stopped; the imports that follow in this run are not started."
    )


def test_the_files_of_one_call_go_together_and_the_later_one_wins(tmp_path, sqlite_url):
    (tmp_path / "one.json").write_text('{"sqlalchemy_url": "nonsense", "timezone": "Mars"}')
    (tmp_path / "two.json").write_text(f'{{"sqlalchemy_url": "{sqlite_url}"}}')
    done = run_target(tmp_path, "one.json", "two.json")

    assert done.returncode == 1
    assert "unknown time zone `Mars`" in done.stderr
    assert "sqlalchemy_url" not in done.stderr
