"""A setting means the same wherever it is written down: in the code, both definition files and the examples."""

from __future__ import annotations

import json

import pytest

from tests.project.documents import PLUGINS, Plugin, example_settings, project_file

each_plugin = pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)


@each_plugin
def test_the_plugin_definition_has_every_setting_of_the_code(plugin: Plugin) -> None:
    own = plugin.own_settings()
    names = [setting["name"] for setting in own]
    defined = [setting for setting in plugin.definition()["settings"] if setting["name"] in names]
    without_choices = [{name: value for name, value in each.items() if name != "options"} for each in defined]
    assert without_choices == own


@each_plugin
def test_the_choices_of_a_setting_are_those_of_the_code(plugin: Plugin) -> None:
    offered = {
        setting["name"]: [option["value"] for option in setting["options"]]
        for setting in plugin.definition()["settings"]
        if "options" in setting
    }
    schemas = plugin.schema["properties"]
    assert offered == {name: schema["enum"] for name, schema in schemas.items() if "enum" in schema}


@each_plugin
def test_a_defined_setting_exists(plugin: Plugin) -> None:
    defined = {setting["name"] for setting in plugin.definition()["settings"]}
    assert defined - set(plugin.about()["settings"]["properties"]) == set()


@each_plugin
def test_meltano_yml_and_the_plugin_definition_agree(plugin: Plugin) -> None:
    entry, definition = plugin.in_project(), plugin.definition()
    assert entry["settings"] == definition["settings"]
    names = ("name", "namespace", "label", "description", "executable", "capabilities", "commands")
    assert {name: entry.get(name) for name in names} == {name: definition.get(name) for name in names}
    assert entry.get("settings_group_validation") == definition.get("settings_group_validation")


@each_plugin
def test_the_definitions_claim_what_the_plugin_can_do(plugin: Plugin) -> None:
    claimed = set(plugin.definition()["capabilities"])
    assert "structured-logging" in claimed
    assert claimed - set(plugin.about()["capabilities"]) == set()


@each_plugin
def test_the_example_has_every_setting_once_and_shows_its_default(plugin: Plugin) -> None:
    shown = {
        name.removeprefix(plugin.prefix).lower(): value
        for name, value in example_settings().items()
        if name.startswith(plugin.prefix)
    }
    own = {setting["name"]: setting for setting in plugin.own_settings()}
    assert list(shown) == list(own)
    for name, (value, commented) in shown.items():
        setting = own[name]
        assert commented == (name not in plugin.schema.get("required", ()))
        if setting.get("sensitive"):
            assert value == "" or "user:password@" in value
        elif setting["kind"] in {"array", "object"}:
            assert value[0] == value[-1] == "'"
            assert json.loads(value[1:-1])
        elif "value" in setting:
            assert value == json.dumps(setting["value"]).strip('"')


def test_the_example_names_no_other_plugin() -> None:
    known = ("MELTANO_DATABASE_URI", *(plugin.prefix for plugin in PLUGINS))
    assert [name for name in example_settings() if not name.startswith(known)] == []


def test_the_project_asks_no_hub_and_tells_nobody() -> None:
    project = project_file()
    assert project["send_anonymous_usage_stats"] is False
    assert project["cli"] == {"disable_version_check": True}
    entries = [entry for entries in project["plugins"].values() for entry in entries]
    assert [entry["name"] for entry in entries if "namespace" not in entry and "inherit_from" not in entry] == []


def test_prod_gets_its_database_from_the_environment_only() -> None:
    (prod,) = (each for each in project_file()["environments"] if each["name"] == "prod")
    assert prod["config"]["plugins"] == {"loaders": [{"name": "target-contactdb", "config": {"sqlalchemy_url": ""}}]}
