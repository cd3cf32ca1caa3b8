"""The README says what the code says: settings, options, the state table, outcomes, tables and commands."""

from __future__ import annotations

import json
import re

import pytest

from target_contactdb.causes import DEFAULT_CAUSES
from target_contactdb.conditions.text import read_text
from target_contactdb.consent import markdown
from target_contactdb.fields import FieldType
from target_contactdb.settings_schema import CONFIG_JSONSCHEMA
from target_contactdb.tables import OUTCOMES, metadata
from tests.project.documents import PLUGINS, REPOSITORY, Plugin, project_file

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def _between(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", README, re.DOTALL)
    assert found, f"README.md has no part marked {name}"
    return found.group(1)


def _settings_table(plugin: Plugin) -> str:
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for setting in plugin.own_settings():
        default = f"`{json.dumps(setting['value']).strip(chr(34))}`" if "value" in setting else "none"
        secret = " Secret." if setting.get("sensitive") else ""
        lines.append(f"| `{setting['name']}` | {default} | {setting['description']}{secret} |")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("plugin", "part"), list(zip(PLUGINS, ["tap settings", "target settings"], strict=True)))
def test_the_settings_are_those_of_the_code(plugin: Plugin, part: str) -> None:
    assert _between(part) == _settings_table(plugin)


def test_the_consent_table_is_the_one_that_decides() -> None:
    assert _between("consent table") == markdown()


def test_every_option_is_explained() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", README.split("### `options`")[1].split("###")[0], re.MULTILINE)
    assert explained == list(CONFIG_JSONSCHEMA["properties"]["options"]["properties"])


def test_every_outcome_is_explained() -> None:
    part = README.split("| outcome |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| (\w+) \|", part, re.MULTILINE)) | {"discarded"} == set(OUTCOMES)


def test_every_table_is_named() -> None:
    part = README.split("## The tables")[1].split("\n## ")[0]
    assert set(metadata.tables) - set(re.findall(r"`(\w+)`", part)) == set()


def test_every_field_type_and_default_cause_is_named() -> None:
    assert f"Types: {', '.join(kind.value for kind in FieldType)}." in README
    assert [cause for cause in DEFAULT_CAUSES if f"`{cause}`" not in README] == []


def test_every_meltano_command_exists() -> None:
    plugins = {entry["name"]: entry for entries in project_file()["plugins"].values() for entry in entries}
    for plugin, command in re.findall(r"meltano invoke ([\w-]+):(\w+)", README):
        assert command in plugins[plugin]["commands"], f"{plugin}:{command}"
    jobs = {job["name"] for job in project_file()["jobs"]}
    assert (
        set(re.findall(r"meltano (?:--\S+ (?:prod|\.env\.prod) )*run (?:--full-refresh |--force )?([\w-]+)", README))
        <= jobs
    )
    schedules = {schedule["name"] for schedule in project_file()["schedules"]}
    assert set(re.findall(r"schedule run ([\w-]+)", README)) <= schedules


def test_every_condition_can_be_read() -> None:
    texts = re.findall(r"--where '(.*?)'", README)
    assert len(texts) == 3
    for text in texts:
        read_text(text, "--where")


@pytest.mark.parametrize("document", ["README.md", "transform/README.md"])
def test_a_report_to_look_at_exists(document: str) -> None:
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    named = re.findall(r"(?:select \* from|show --select) (\w+)", text)
    assert len(named) == 2
    assert {path.stem for path in (REPOSITORY / "transform" / "models" / "reports").glob("*.sql")} >= set(named)


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\$ make (\w+)", README)) <= targets


def test_every_link_into_the_project_leads_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert [link for link in links if not (REPOSITORY / link).exists()] == []


def test_every_picture_is_there_and_has_words_for_those_who_do_not_see_it() -> None:
    pictures = re.findall(r'<img src="([^"]+)" width="\d+%" alt="([^"]+)">', README)
    assert len(pictures) == README.count("<img")
    assert {path for path, _ in pictures} == {
        str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "docs").glob("*.png")
    }
