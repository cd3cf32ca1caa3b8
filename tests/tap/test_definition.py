"""plugin.yml and README say what the tap has."""

import re
from pathlib import Path

import pytest
import yaml

from tap_shopify_contacts.checkout_fields import CHECKOUT_FIELDS
from tap_shopify_contacts.customer_fields import CONSENT_FIELDS, CUSTOMER_FIELDS
from tap_shopify_contacts.tap import TapShopifyContacts

FOLDER = Path(__file__).parents[2] / "tap-shopify-contacts"
NESTED = {field.name: field.parts for field in CHECKOUT_FIELDS}
KINDS = {
    "string": {"string", "options", "date_iso8601"},
    "integer": {"integer"},
    "boolean": {"boolean"},
    "array": {"array"},
    "object": {"object"},
}


@pytest.fixture(scope="module")
def schema():
    properties = TapShopifyContacts.config_jsonschema
    TapShopifyContacts.append_builtin_config(properties)
    return properties


@pytest.fixture(scope="module")
def definition():
    return yaml.safe_load((FOLDER / "plugin.yml").read_text())


@pytest.fixture(scope="module")
def readme():
    return (FOLDER / "README.md").read_text()


def json_type(prop: dict[str, object]) -> str:
    """Return the one JSON type of a setting besides null."""
    kinds = prop["type"] if isinstance(prop["type"], list) else [prop["type"]]
    (kind,) = [kind for kind in kinds if kind != "null"]
    return str(kind)


def test_the_definition_has_every_setting_with_its_kind_default_and_secrecy(schema, definition):
    settings = {setting["name"]: setting for setting in definition["settings"]}
    assert list(settings) == list(schema["properties"])
    for name, prop in schema["properties"].items():
        setting = settings[name]
        assert setting["kind"] in KINDS[json_type(prop)], name
        assert setting.get("sensitive", False) is prop.get("secret", False), name
        assert setting.get("value") == prop.get("default"), name
        assert setting["label"] == prop["title"], name
        assert setting["description"], name
        assert [option["value"] for option in setting.get("options", [])] == [
            choice for choice in prop.get("enum", []) if choice is not None
        ], name


def test_the_descriptions_of_our_own_settings_are_the_same(schema, definition):
    own = [
        setting for setting in definition["settings"] if not setting["name"].startswith(("stream_map", "flattening"))
    ]
    assert {setting["name"]: setting["description"] for setting in own} == {
        setting["name"]: schema["properties"][setting["name"]]["description"] for setting in own
    }


def test_the_definition_is_what_meltano_needs(definition):
    assert (definition["name"], definition["namespace"], definition["executable"]) == (
        "tap-shopify-contacts",
        "tap_shopify_contacts",
        "tap-shopify-contacts",
    )
    assert definition["settings_group_validation"] == [["shop", "access_token"], ["shop", "client_id", "client_secret"]]
    assert {name: command["args"] for name, command in definition["commands"].items()} == {
        "test": "--config=ENV --test"
    }
    assert definition["select"] == ["customers.*", "abandoned_checkouts.*"]
    assert set(definition["capabilities"]) == {capability.value for capability in TapShopifyContacts.capabilities}


def table_after(readme: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table after a line of the README."""
    rows = readme.split(f"\n{heading}\n", 1)[1].split("\n|", 1)[1].split("\n\n", 1)[0].split("\n")[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def test_the_readme_lists_every_setting(schema, readme):
    rows = table_after(readme, "## Settings")
    assert [row[0].strip("`") for row in rows] == list(schema["properties"])
    for name, default, _ in rows:
        prop = schema["properties"][name.strip("`")]
        if "default" in prop:
            assert default == f"`{prop['default']}`"
        assert ("secret" in default) is prop.get("secret", False)


@pytest.mark.parametrize(
    ("heading", "fields"),
    [
        ("### `customers`", CUSTOMER_FIELDS),
        ("### `abandoned_checkouts` (advanced)", CHECKOUT_FIELDS),
        ("### `customer_consents`", CONSENT_FIELDS),
        ("Each object of `line_items`:", NESTED["line_items"]),
        ("`billing_address` and `shipping_address` are objects:", NESTED["billing_address"]),
    ],
)
def test_the_readme_lists_every_field(readme, heading, fields):
    rows = table_after(readme, heading)
    assert [(name.strip("`"), label, text) for name, label, _, text in rows] == [
        (field.name, field.label, f"{'*Advanced.* ' if field.advanced else ''}{field.description}") for field in fields
    ]


def test_both_addresses_have_the_same_fields():
    assert NESTED["billing_address"] == NESTED["shipping_address"]
