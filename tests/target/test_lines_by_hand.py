"""The README's lines by hand: what it shows is what happens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[2] / "target-contactdb" / "README.md").read_text(encoding="utf-8")


def commands_and_output() -> tuple[str, str]:
    """Return the commands of the README as a script, and what they print."""
    (block,) = re.findall(r"<!-- lines by hand -->\n```console\n(.*?)```", README, re.DOTALL)
    script, printed, here = [], [], False
    for line in block.splitlines():
        if here or line.startswith("$ "):
            script.append(line.removeprefix("$ "))
            here = "<<'END'" in line or (here and line != "END")
        else:
            printed.append(line)
    return "\n".join(script), "".join(f"{line}\n" for line in printed)


def test_the_lines_by_hand_are_taken_in_and_their_state_comes_out(tmp_path):
    script, printed = commands_and_output()
    settings = re.findall(r"`(\{\"sqlalchemy_url\": .*?\})`", README)[0]
    (tmp_path / "target.json").write_text(settings)
    url = json.loads(settings)["sqlalchemy_url"]
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "TARGET_CONTACTDB_SQLALCHEMY_URL": url}

    done = subprocess.run(
        ["/bin/sh", "-e", "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )

    assert (done.returncode, done.stdout) == (0, printed), done.stderr
    messages = [json.loads(line) for line in (tmp_path / "people.jsonl").read_text().splitlines()]
    assert [message["type"] for message in messages] == ["SCHEMA", "RECORD", "RECORD", "STATE"]
    assert json.loads((tmp_path / "state.json").read_text()) == messages[-1]["value"]
