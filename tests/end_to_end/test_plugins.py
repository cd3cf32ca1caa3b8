"""The two packages in a project of somebody else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.project import REPOSITORY, clean_environment

PLUGINS = [
    pytest.param("tap-shopify-contacts", "extractors", id="the tap"),
    pytest.param("target-contactdb", "loaders", id="the target"),
]


@pytest.mark.parametrize(("name", "kind"), PLUGINS)
def test_meltano_adds_a_plugin_from_its_definition_file(name: str, kind: str, tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / name, tmp_path / name)
    project = tmp_path / "meltano.yml"
    project.write_text("project_id: somebody-elses\nsend_anonymous_usage_stats: false\n", encoding="utf-8")
    meltano = REPOSITORY / ".venv-meltano" / "bin" / "meltano"

    ended = subprocess.run(
        [meltano, "add", name, "--from-ref", f"{name}/plugin.yml", "--no-install"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    definition = yaml.safe_load((tmp_path / name / "plugin.yml").read_text(encoding="utf-8"))
    (added,) = yaml.safe_load(project.read_text(encoding="utf-8"))["plugins"][kind]
    # Meltano takes everything but the selection, which it leaves to the project.
    taken = {part: value for part, value in definition.items() if part != "select"}
    assert {part: added.get(part) for part in taken} == taken
