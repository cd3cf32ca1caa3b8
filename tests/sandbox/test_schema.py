"""The schema is a true subset of Shopify's, version by version."""

import json
import re
from pathlib import Path

import pytest
from graphql import (
    GraphQLObjectType,
    is_enum_type,
    is_interface_type,
    is_introspection_type,
    is_object_type,
    is_required_argument,
    print_ast,
    specified_scalar_types,
)

from shopify_sandbox.schema import build_schema
from shopify_sandbox.versions import VERSIONS

OFFICIAL = json.loads((Path(__file__).parent / "official_schema.json").read_text(encoding="utf-8"))["versions"]


def own_types(version):
    types = build_schema(version).type_map.items()
    return {n: t for n, t in types if n not in specified_scalar_types and not is_introspection_type(t)}


def official_arguments(signature):
    found = re.fullmatch(r"\((.*)\)(.+)", signature)
    if found is None:
        return {}, signature
    pairs = dict(part.split(":", 1) for part in re.split(r",(?=\w+:)", found[1]))
    return pairs, found[2]


def own_argument(argument):
    default = f"={print_ast(argument.default.literal)}" if argument.default is not None else ""
    return f"{argument.type}{default}"


@pytest.mark.parametrize("version", OFFICIAL)
def test_every_type_and_interface_exists_in_the_official_schema(version):
    for name, kind in own_types(version).items():
        official = OFFICIAL[version][name]
        word = "OBJECT" if is_object_type(kind) else "INTERFACE" if is_interface_type(kind) else None
        assert official["kind"] == (word or ("ENUM" if is_enum_type(kind) else "SCALAR"))
        if word:
            assert {i.name for i in kind.interfaces} <= set(official["interfaces"])


@pytest.mark.parametrize("version", OFFICIAL)
def test_every_field_has_the_official_type_arguments_and_deprecation(version):
    checked = 0
    for name, kind in own_types(version).items():
        for field_name, field in getattr(kind, "fields", {}).items():
            arguments, returned = official_arguments(OFFICIAL[version][name]["fields"][field_name])
            assert (name, field_name, str(field.type)) == (name, field_name, returned)
            own = {key: own_argument(argument) for key, argument in field.args.items()}
            assert own == {key: arguments[key] for key in own}
            missing = set(arguments) - set(own)
            assert not [key for key in missing if arguments[key].endswith("!")]
            deprecated = field_name in OFFICIAL[version][name]["deprecated"]
            assert (name, field_name, field.deprecation_reason is not None) == (name, field_name, deprecated)
            checked += 1
    assert checked > 200


@pytest.mark.parametrize("version", OFFICIAL)
def test_enumerations_have_all_official_values(version):
    for name, kind in own_types(version).items():
        if is_enum_type(kind):
            assert set(kind.values) == set(OFFICIAL[version][name]["values"].split())


def test_no_field_demands_more_than_the_official_one():
    root = build_schema("2026-10").type_map["QueryRoot"]
    assert isinstance(root, GraphQLObjectType)
    demanded = {n: [k for k, a in f.args.items() if is_required_argument(a)] for n, f in root.fields.items()}
    assert {n: k for n, k in demanded.items() if k} == {"bulkOperation": ["id"], "customer": ["id"], "node": ["id"]}


def test_consent_objects_appear_with_their_versions():
    def fields(version):
        kind = build_schema(version).type_map["CustomerPhoneNumber"]
        assert isinstance(kind, GraphQLObjectType)
        return {"smsMarketingConsent", "whatsAppMarketingConsent"} & set(kind.fields)

    assert {version: fields(version) for version in VERSIONS} == {
        "2026-01": set(),
        "2026-04": set(),
        "2026-07": {"whatsAppMarketingConsent"},
        "2026-10": {"smsMarketingConsent", "whatsAppMarketingConsent"},
    }


@pytest.mark.parametrize("version", ["2026-01", "2026-07"])
def test_a_field_of_a_later_version_is_refused(town, post, version):
    query = "{ customers(first: 1) { nodes { defaultPhoneNumber { smsMarketingConsent { state } } } } }"
    error = post(town, query, version).json()["errors"][0]
    assert error["message"] == "Field 'smsMarketingConsent' doesn't exist on type 'CustomerPhoneNumber'"
    assert "errors" not in post(town, query, "2026-10").json()
