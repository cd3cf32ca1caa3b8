"""A mapping names its source by name or by label, and what it names wrongly is told with the nearest right name."""

from __future__ import annotations

import pytest

from target_contactdb.errors import ConfigError
from target_contactdb.mapping import FieldMapping, compile_mappings

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
