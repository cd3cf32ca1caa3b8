"""The benchmarks work: what they measure carries the same records, and there is a table in the end."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import common, segments, tap


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for tables and passing files."""
    monkeypatch.setattr(common, "FOLDER", tmp_path)
    monkeypatch.setattr(tap, "WORK", tmp_path / "work")
    monkeypatch.setattr(segments, "FOLDER", tmp_path)
    monkeypatch.setattr(segments, "WORK", tmp_path / "work")
    return tmp_path


def test_every_tap_carries_the_same_customers(folder):
    rows = ["floor, pages", "floor, bulk", "ours, pages", "ours, bulk", "stock singer-sdk tap"]
    table = tap.main(["--customers", "300", "--rounds", "1", "--no-warm-up", "--rows", *rows])
    found = json.loads((folder / "tap.json").read_text())["rows"]
    assert [(row["name"], row["records"]) for row in found] == [(name, 300) for name in rows]
    assert len({row["checksum"] for row in found}) == 1
    assert [line.split(" | ")[0] for line in table.splitlines()[4:9]] == [f"| {name}" for name in rows]


def test_a_tap_that_carries_something_else_is_no_result():
    usage = common.Usage(1.0, 1.0, 10.0)
    one, other = (common.median_row(name, [common.Result(usage, 5, name)]) for name in ("one", "other"))
    common.check_alike([one, one])
    with pytest.raises(common.BenchmarkError, match="Not all rows carried the same records"):
        common.check_alike([one, other])


def test_a_program_that_fails_is_told_with_its_words(folder):
    program = [sys.executable, "-S", "-c", "import sys; sys.exit('no such thing')"]
    with pytest.raises(common.BenchmarkError) as caught:
        common.measure(program)
    assert str(caught.value) == f"{Path(sys.executable).name} failed (1):\nno such thing\n"


def test_what_a_process_takes_is_its_own(folder):
    # The memory of the one that measures, far more, is left out.
    usage = common.measure([sys.executable, "-S", "-c", "print(1)"], stdout=folder / "out")
    assert 0 < usage.peak_mib < 30
    assert usage.cpu_seconds > 0
    assert (folder / "out").read_text() == "1\n"


def test_segments_have_the_same_contacts_on_both_engines(folder):
    segments.main(["--contacts", "2000", "--checkouts", "400", "--plans"])
    counted = [
        [line.split(" | ")[:2] for line in (folder / f"segments-{engine}.md").read_text().splitlines() if "| `" in line]
        for engine in ("sqlite", "postgresql")
    ]
    assert counted[0] == counted[1]
    assert [text for text, _count in counted[0]] == [f"| `{text}`" for text in segments.CONDITIONS]
    assert all(int(count.replace(",", "")) for _text, count in counted[0])
