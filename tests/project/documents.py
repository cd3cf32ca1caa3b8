"""Where settings are written down, read as data."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tap_shopify_contacts.settings import CONFIG_SCHEMA
from target_contactdb.settings_schema import CONFIG_JSONSCHEMA

REPOSITORY = Path(__file__).resolve().parents[2]
KINDS = {"string": "string", "integer": "integer", "boolean": "boolean", "array": "array", "object": "object"}


@dataclass(frozen=True)
class Plugin:
    """One of the two plugins, with its own settings as its code declares them."""

    name: str
    kind: str
    schema: t.Mapping[str, t.Any] = field(hash=False)

    @property
    def prefix(self) -> str:
        """What the environment variables of its settings begin with."""
        return self.name.upper().replace("-", "_") + "_"

    def own_settings(self) -> list[dict[str, t.Any]]:
        """The settings that its code declares, in the form of `meltano.yml`."""
        return [_as_meltano_writes_it(name, schema) for name, schema in self.schema["properties"].items()]

    def definition(self) -> dict[str, t.Any]:
        """Its plugin definition file."""
        text = (REPOSITORY / self.name / "plugin.yml").read_text(encoding="utf-8")
        return t.cast("dict[str, t.Any]", yaml.safe_load(text))

    def in_project(self) -> dict[str, t.Any]:
        """Its entry in `meltano.yml`."""
        return next(entry for entry in project_file()["plugins"][self.kind] if entry["name"] == self.name)

    @functools.cache  # noqa: B019 - there are two plugins, and each takes a second to answer.
    def about(self) -> dict[str, t.Any]:
        """What it says about itself, with the settings that the SDK adds."""
        command = [str(Path(sys.executable).parent / self.name), "--about", "--format", "json"]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return t.cast("dict[str, t.Any]", json.loads(told))


PLUGINS = (
    Plugin("tap-shopify-contacts", "extractors", CONFIG_SCHEMA),
    Plugin("target-contactdb", "loaders", CONFIG_JSONSCHEMA),
)


def project_file() -> dict[str, t.Any]:
    """`meltano.yml`."""
    return t.cast("dict[str, t.Any]", yaml.safe_load((REPOSITORY / "meltano.yml").read_text(encoding="utf-8")))


def example_settings() -> dict[str, tuple[str, bool]]:
    """The variables of `.env.example`: value, and whether it is commented out."""
    text = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    found = re.findall(r"^(#?)([A-Z_0-9]+)=(.*)$", text, re.MULTILINE)
    return {name: (value, comment == "#") for comment, name, value in found}


def repository_files() -> list[Path]:
    """Every file that belongs to the repository, or will once it is added."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    files = (REPOSITORY / name for name in listed.split("\0") if name)
    return [path for path in files if path.is_file()]


def _as_meltano_writes_it(name: str, schema: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = KINDS[next(kind for kind in types if kind != "null")]
    if "enum" in schema:
        kind = "options"
    elif schema.get("format") == "date-time":
        kind = "date_iso8601"
    setting = {"name": name, "label": schema["title"], "kind": kind, "description": schema["description"]}
    if schema.get("secret"):
        setting["sensitive"] = True
    if "default" in schema:
        setting["value"] = schema["default"]
    return setting
