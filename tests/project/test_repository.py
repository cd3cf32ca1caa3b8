"""What holds for the repository as a whole."""

from __future__ import annotations

import re
import subprocess
import tomllib

from tests.project.documents import PLUGINS, REPOSITORY, repository_files

PACKAGES = (*(plugin.name for plugin in PLUGINS), "tests/shopify_sandbox")
# The names are put together here, so that this file does not hold what it looks for.
HOSTS = re.compile(
    "|".join(("pypi" + r"\.org", "python" + r"hosted\.org", "index" + r"[-_]url\b", r"\." + r"whl\b")), re.I
)


def packages() -> list[dict[str, str]]:
    read = [tomllib.loads((REPOSITORY / name / "pyproject.toml").read_text(encoding="utf-8")) for name in PACKAGES]
    return [package["project"] for package in read]


def test_all_packages_have_the_version_that_the_changelog_tells_of() -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    (newest, *_) = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert [package["version"] for package in packages()] == [newest] * len(PACKAGES)


def test_all_packages_have_the_licence_of_the_repository() -> None:
    licence = (REPOSITORY / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert [package["license"] for package in packages()] == ["Apache-2.0"] * len(PACKAGES)
    for plugin in PLUGINS:
        assert (REPOSITORY / plugin.name / "LICENSE").read_text(encoding="utf-8") == licence


def test_every_version_is_pinned_exactly_and_says_nothing_else() -> None:
    for name in ("project.txt", "meltano.txt", "dbt-sqlite.txt", "dbt-postgres.txt"):
        lines = (REPOSITORY / "constraints" / name).read_text(encoding="utf-8").splitlines()
        assert len(lines) > 20
        assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", line)] == []


def test_no_file_names_a_path_of_this_machine_or_the_host_of_a_registry() -> None:
    # The folder that the checkout lies in is found also where a copy is tested.
    here = f"{REPOSITORY}/"
    found = []
    for path in repository_files():
        # A picture is searched as well: for what programs write into it.
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if here in line or HOSTS.search(line):
                found.append(f"{path.relative_to(REPOSITORY)}:{number}")
    assert found == []


def test_a_file_of_settings_that_is_not_there_is_not_passed_over() -> None:
    # The check comes first; what is done with a file that is there, the end-to-end tests show.
    command = [str(REPOSITORY / "meltano"), "--env-file", "no/such/.env", "config", "list"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == f"option --env-file: there is no file no/such/.env in {REPOSITORY}\n"
