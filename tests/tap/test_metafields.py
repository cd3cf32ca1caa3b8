"""Metafields become properties of customers, each asked for by its namespace and key."""

import pytest
from graphql import parse, validate

from shopify_sandbox.schema import build_schema
from tap_shopify_contacts.documents import CUSTOMERS, page_document
from tap_shopify_contacts.errors import ConfigError
from tap_shopify_contacts.fields import is_denied
from tap_shopify_contacts.metafields import Metafield, metafield_fields, read_metafields
from tap_shopify_contacts.settings import API_VERSIONS
from tests.tap.helpers import config_of, requests_of, run_tap, truth_of


def test_the_setting_is_a_list_of_namespace_and_key():
    assert read_metafields(["loyalty.points", " my-app.Level_2 ", "$app.tier", "$app:club.card-no"]) == (
        Metafield("loyalty", "points"),
        Metafield("my-app", "Level_2"),
        Metafield("$app", "tier"),
        Metafield("$app:club", "card-no"),
    )
    assert read_metafields(None) == read_metafields([]) == ()


@pytest.mark.parametrize(
    "entry", ["", "  ", "points", "loyalty.", ".points", "a.b.c", 'a.b"', "a b.c", "é.c", None, 7, []]
)
def test_what_is_no_metafield_is_refused_by_its_place(entry):
    with pytest.raises(ConfigError) as caught:
        read_metafields(["loyalty.points", entry])
    assert caught.value.problem == "The setting metafields has no namespace.key at place 2"


def test_a_setting_that_is_no_list_is_refused():
    with pytest.raises(ConfigError) as caught:
        read_metafields("loyalty.points")
    assert caught.value.problem == "The setting metafields is not a list of namespace.key"


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (["a.b", "a.b"], "The setting metafields has a.b twice"),
        (["my-app.b", "my_app.b"], "The setting metafields has my_app.b and my-app.b, which would have the same name"),
        (["a_b.c", "a.b_c"], "The setting metafields has a.b_c and a_b.c, which would have the same name"),
        (["A.b", "a.b"], "The setting metafields has a.b and A.b, which would have the same name"),
    ],
)
def test_two_entries_with_one_name_are_refused(entries, problem):
    with pytest.raises(ConfigError) as caught:
        read_metafields(entries)
    assert caught.value.problem == problem


def test_a_metafield_is_a_text_with_a_safe_name():
    (field,) = metafield_fields([Metafield("$app:my-Club", "Card-No")])
    assert (field.name, field.label) == ("metafield_app_my_club_card_no", "$app:my-Club.Card-No")
    assert field.to_schema() == {
        "type": ["string", "null"],
        "title": "$app:my-Club.Card-No",
        "description": "Metafield $app:my-Club.Card-No, as the text that Shopify keeps; null without one.",
    }


@pytest.mark.parametrize("version", API_VERSIONS)
def test_the_document_with_metafields_is_valid_in_every_version(version):
    fields = metafield_fields(read_metafields(["loyalty.points", "$app:club.card-no"]))
    document = page_document(
        CUSTOMERS, ["updatedAt", *[path for field in fields for path in field.asked_paths(version)]]
    )
    assert validate(build_schema(version), parse(document)) == []
    assert 'metafield_app_club_card_no: metafield(namespace: "$app:club", key: "card-no") {' in document


def test_a_denial_of_a_metafield_is_known_by_its_name():
    (field,) = metafield_fields([Metafield("loyalty", "points")])
    (path,) = field.asked_paths("2026-10")
    assert is_denied(path, ["metafield_loyalty_points"])
    assert not is_denied(path, ["metafield"])
    assert field.reader("2026-10", ["metafield_loyalty_points"]) is None


def test_metafields_are_read_in_both_editions_after_all_other_fields(quiet):
    truth = {
        customer["id"]: {f"{namespace}.{key}": value for namespace, key, value in customer["metafields"]}
        for customer in truth_of(quiet, "customers")
    }
    wanted = {"metafields": ["loyalty.points", "loyalty.unknown"]}
    for edition in ("basic", "advanced"):
        output = run_tap(config_of(quiet, edition=edition, **wanted), select="customers")
        records = output.latest("customers")
        assert {number: record["metafield_loyalty_points"] for number, record in records.items()} == {
            number: fields.get("loyalty.points") for number, fields in truth.items()
        }
        assert {
            list(record)[-2:] == ["metafield_loyalty_points", "metafield_loyalty_unknown"]
            for record in records.values()
        } == {True}
        assert {record["metafield_loyalty_unknown"] for record in records.values()} == {None}
    assert any("loyalty.points" in fields for fields in truth.values())


def test_a_deselected_metafield_is_not_asked_for(quiet):
    config = config_of(quiet, metafields=["loyalty.points"])
    output = run_tap(config, select="customers")
    whole = requests_of(quiet, "Customers")[0]["requested_cost"]
    quiet.control("DELETE", "requests")
    output = run_tap(config, select="customers", deselect=["metafield_loyalty_points"])
    assert "metafield_loyalty_points" not in output.records("customers")[0]
    assert requests_of(quiet, "Customers")[0]["requested_cost"] < whole


def test_a_denied_metafield_is_left_out(quiet):
    quiet.control("POST", "faults", {"kind": "protected_field", "field": "metafield", "times": None})
    config = config_of(quiet, metafields=["loyalty.points"], protected_data="warn")
    records = run_tap(config, select="customers").records("customers")
    assert len(records) == 40
    assert not any("metafield_loyalty_points" in record for record in records)


def test_the_setting_comes_from_the_environment_too(monkeypatch):
    from tap_shopify_contacts.tap import TapShopifyContacts

    monkeypatch.setenv("TAP_SHOPIFY_CONTACTS_METAFIELDS", '["loyalty.points"]')
    tap = TapShopifyContacts(config={"shop": "my-shop", "access_token": "shpat_x"}, parse_env_config=True)
    (customers,) = [stream for stream in tap.catalog_dict["streams"] if stream["stream"] == "customers"]
    assert list(customers["schema"]["properties"])[-1] == "metafield_loyalty_points"
