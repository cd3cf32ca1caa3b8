"""plugin.yml and README say what the target and its admin command have."""

from __future__ import annotations

import json
import re
import tomllib
import typing as t
from pathlib import Path

import click
import pytest
import sqlalchemy as sa
import yaml

from target_contactdb import tables
from target_contactdb.admin.cli import main
from target_contactdb.causes import DEFAULT_CAUSES, DEFAULT_PROTECTED, NO_CONSENT
from target_contactdb.conditions.text import read_text
from target_contactdb.consent import markdown
from target_contactdb.field_table import operators_markdown, types_markdown
from target_contactdb.fields import FieldType
from target_contactdb.message.folders import BUILT_IN, WORDS
from target_contactdb.settings_schema import CONFIG_JSONSCHEMA
from target_contactdb.target import TargetContactDB

FOLDER = Path(__file__).parents[3] / "target-contactdb"
FROM_THE_SDK = ["batch_size_rows", "stream_maps", "stream_map_config"]
OWN = CONFIG_JSONSCHEMA["properties"]


@pytest.fixture(scope="module")
def definition():
    return yaml.safe_load((FOLDER / "plugin.yml").read_text())


@pytest.fixture(scope="module")
def readme():
    return (FOLDER / "README.md").read_text()


def table_after(readme, line):
    """Return the cells of the first table after a line of the README."""
    rows = readme.split(f"\n{line}\n", 1)[1].split("\n|", 1)[1].split("\n\n", 1)[0].split("\n")[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def code(words):
    return ", ".join(f"`{word}`" for word in words)


def test_the_definition_has_every_setting_with_its_kind_default_secrecy_and_words(definition):
    settings = {setting["name"]: setting for setting in definition["settings"]}
    assert list(settings) == [*OWN, *FROM_THE_SDK]
    assert {name: settings[name] for name in OWN} == {
        name: {
            "name": name,
            "label": prop["title"],
            "kind": prop["type"][0],
            "description": prop["description"],
            **({"value": prop["default"]} if "default" in prop else {}),
            **({"sensitive": True} if prop.get("secret") else {}),
        }
        for name, prop in OWN.items()
    }


def test_the_sdk_knows_the_settings_that_the_definition_takes_from_it(definition):
    schema: dict[str, dict[str, dict[str, t.Any]]] = {"properties": {}}
    TargetContactDB.append_builtin_config(schema)
    settings = {setting["name"]: setting for setting in definition["settings"]}

    for name in FROM_THE_SDK:
        prop = schema["properties"][name]
        assert (settings[name]["label"], settings[name]["kind"]) == (prop["title"], prop["type"][0])


def test_the_definition_is_what_meltano_needs(definition):
    assert (definition["name"], definition["namespace"], definition["executable"]) == (
        "target-contactdb",
        "target_contactdb",
        "target-contactdb",
    )
    assert set(definition["capabilities"]) == {capability.value for capability in TargetContactDB.capabilities}


def test_every_command_can_be_invoked_through_meltano(definition):
    assert sorted(definition["commands"]) == sorted(main.commands)
    for name, command in definition["commands"].items():
        assert (command["executable"], command["args"]) == ("contactdb", name)
        assert command["description"]


def test_the_readme_lists_every_setting(readme):
    rows = table_after(readme, "## Settings")
    assert [row[0].strip("`") for row in rows] == [*OWN, *FROM_THE_SDK]
    for name, default, meaning in rows[: len(OWN)]:
        prop = OWN[name.strip("`")]
        if "default" in prop:
            assert default.startswith(f"`{json.dumps(prop['default']).strip(chr(34))}`")
        assert ("secret" in default) is prop.get("secret", False)
        assert meaning == prop["description"]


def test_the_readme_lists_every_option_and_the_causes(readme):
    rows = {row[0].strip("`"): row[1] for row in table_after(readme, "### `options`")}
    assert list(rows) == list(OWN["options"]["properties"])
    assert rows["unsubscribe_no_consent"] == f"`{NO_CONSENT}`"
    assert rows["protected_causes"] == code(DEFAULT_PROTECTED)
    words = " ".join(readme.split())
    assert f"The causes declared out of the box are {code(DEFAULT_CAUSES)}." in words
    assert f"A field's type is one of {code(FieldType)}." in words


def test_the_readme_has_the_state_table_of_the_code(readme):
    assert readme.split("<!-- consent table -->\n")[1].split("<!-- /consent table -->")[0] == markdown()


def test_the_readme_lists_every_table_and_view(readme, on_sqlite):
    listed = [row[0].strip("`") for row in table_after(readme, "## Tables")]
    assert sorted(listed) == sorted(tables.metadata.tables)
    engine = on_sqlite.engine()
    views = sa.inspect(engine).get_view_names()
    engine.dispose()
    section = readme.split("\n## Tables\n")[1].split("| view |")[1]
    assert sorted(re.findall(r"^\| `(\w+)` \|", section.split("\n\n")[0], re.MULTILINE)) == sorted(views)


def commands():
    """Return every command by its words, those of a group too."""
    found: dict[str, click.Command] = {}
    for name, command in main.commands.items():
        parts = command.commands if isinstance(command, click.Group) else {None: command}
        found |= {f"{name} {part}" if part else name: one for part, one in parts.items()}
    return found


def test_the_readme_lists_every_command_with_its_options(readme):
    rows = [row[0].strip("`").split() for row in table_after(readme, "## The admin command")]
    listed = {row[1] if row[1] in commands() else f"{row[1]} {row[2]}": row for row in rows}
    assert sorted(listed) == sorted(commands())
    for name, row in listed.items():
        own = {option for parameter in commands()[name].params for option in parameter.opts if option.startswith("--")}
        assert {word.strip("[]") for word in row if "--" in word} - {"--format"} == own - {"--format"}


def test_the_readme_has_the_tables_of_types_and_operators_of_the_code(readme):
    assert readme.split("<!-- field types -->\n")[1].split("<!-- /field types -->")[0] == types_markdown()
    assert readme.split("<!-- operators -->\n")[1].split("<!-- /operators -->")[0] == operators_markdown()


def test_every_condition_of_the_readme_can_be_read(readme):
    texts = re.findall(r"--where '(.*?)'", readme)
    assert len(texts) == 5
    for text in texts:
        read_text(text, "--where")


def test_the_readme_has_the_words_of_messages(readme):
    words = tomllib.loads((BUILT_IN / WORDS).read_text(encoding="utf-8"))
    rows = "".join(f"| `{name}` | `{sentence}` |\n" for name, sentence in words.items())
    assert (
        readme.split("<!-- words -->\n")[1].split("<!-- /words -->")[0] == f"| word | in English |\n|---|---|\n{rows}"
    )
