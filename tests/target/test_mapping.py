"""A mapping names its source by name or by label, and what it names wrongly is told with the nearest right name."""

from __future__ import annotations

import typing as t

import pytest

from target_contactdb.errors import ConfigError
from target_contactdb.mapping import FieldMapping, compile_mappings
from tests.target.singer import query, run, schema

PROPERTIES = {
    "email": {"type": "string", "title": "Email"},
    "note": {"type": "string", "title": "Note"},
    "other_note": {"type": "string", "title": "Note"},
}


def test_what_is_named_wrongly_is_told_with_the_nearest_right_name():
    mappings = [FieldMapping(*pair) for pair in (("emial", "email"), ("Note", "note"), ("note", "notes"))]
    with pytest.raises(ConfigError) as caught:
        compile_mappings(PROPERTIES, (), mappings)
    assert caught.value.problems == [
        "setting `mappings`, entry 1: the stream has no field named or labelled `emial`; did you mean `email`?",
        "setting `mappings`, entry 2: the label `Note` is that of several fields; name the one you mean",
        "setting `mappings`, entry 3: unknown contact field `notes`; did you mean `note`?",
    ]


def test_a_name_and_a_label_name_the_same_field():
    mappings = [FieldMapping("Email", "email"), FieldMapping("note", "note")]
    assert [filled.source for filled in compile_mappings(PROPERTIES, (), mappings)] == ["email", "note"]


def test_the_default_mapping_is_refused_where_fields_have_names_that_cannot_be():
    text = {"type": "string"}
    names = ("user_code", "email_status", "ctid", "a-b", "a_b", "long" * 16, "created_at", "shopify_created_at", "note")
    with pytest.raises(ConfigError) as caught:
        compile_mappings(dict.fromkeys(names, text), (), ())

    assert caught.value.problems == [
        f"setting `mappings` is empty, and the stream's field {problem}: list the mappings that you want, or rename it"
        " with `stream_maps`"
        for problem in (
            "`user_code` has the name of the reserved column `user_code`",
            "`email_status` has the name of the reserved column `email_status`",
            "`ctid` has the name of the reserved column `ctid`",
            "`a_b` becomes the contact field `a_b`, as `a-b` does",
            f"`{'long' * 16}` has a name of more than 63 characters",
            "`shopify_created_at` becomes the contact field `shopify_created_at`, as `created_at` does",
        )
    ]


def test_a_name_that_is_too_long_is_told_with_every_other_problem(sqlite_url):
    mappings = [{"source": "email", "field": "emial"}, {"source": "l" * 64, "field": "l" * 64}]
    more: dict[str, t.Any] = {"l" * 64: {"type": "string"}}
    with pytest.raises(ConfigError) as caught:
        run(sqlite_url, [schema(shop="s" * 256, **more)], mappings=mappings)

    assert caught.value.problems == [
        "the stream's schema names a shop of more than 255 characters",
        "setting `mappings`, entry 1: unknown contact field `emial`; did you mean `email`?",
        f"setting `mappings`, entry 2: `{'l' * 64}` has more than 63 characters",
    ]
    with pytest.raises(ConfigError, match="names a shop of more than 255 characters"):
        run(sqlite_url, [schema("abandoned_checkouts", shop="s" * 256)])
    assert not query(sqlite_url, "SELECT name FROM sqlite_master")


@pytest.mark.parametrize("name", ["ctid", "xmin", "tableoid"])
def test_a_column_that_postgresql_has_in_every_table_is_reserved_on_every_engine(sqlite_url, name):
    with pytest.raises(ConfigError, match=f"setting `contact_fields`: `{name}` is a reserved column"):
        run(sqlite_url, [schema()], contact_fields=[{"name": name, "type": "text"}])
