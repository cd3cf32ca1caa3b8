"""Conversion is strict: a value fits its field's type or the record is rejected, and the value is never repeated."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from target_contactdb.addresses import address_hash
from target_contactdb.fields import ContactField, FieldType, natural_type

UTC = dt.UTC


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("text", "é\n", "é\n"),
        ("text", 12, "12"),
        ("text", True, "true"),
        ("text", None, None),
        ("email", "  A@Example.com ", "A@Example.com"),
        ("email", " ", None),
        ("phone", "+44 7700 900123", "+44 7700 900123"),
        ("integer", 2**63 - 1, 2**63 - 1),
        ("integer", "42", 42),
        ("integer", Decimal("7.0"), 7),
        ("decimal", Decimal("902.4500"), Decimal("902.45")),
        ("decimal", "0.0001", Decimal("0.0001")),
        ("decimal", 3, Decimal(3)),
        ("date", "2026-10-01", dt.date(2026, 10, 1)),
        ("date", "2026-10-01T23:30:00-02:00", dt.date(2026, 10, 2)),
        ("datetime", "2026-10-01T23:30:00-02:00", dt.datetime(2026, 10, 2, 1, 30, tzinfo=UTC)),
        ("datetime", "2026-10-01T00:00:00", dt.datetime(2026, 10, 1, tzinfo=UTC)),
        ("boolean", False, False),
        ("list", ["a"], ["a"]),
        ("json", {"a": 1}, {"a": 1}),
        ("choice", "red", "red"),
        ("integer", "-42", -42),
        ("integer", Decimal("1e3"), 1000),
        ("decimal", "1e3", Decimal(1000)),
        ("text", Decimal("1e3"), "1000"),
        ("list", ["a\0b", {"c\0": "d\0"}, Decimal("1e3")], ["ab", {"c": "d"}, Decimal("1e3")]),
        ("json", {"a\0": ["b\0"]}, {"a": ["b"]}),
    ],
)
def test_a_value_that_fits_is_converted(kind, value, expected):
    assert ContactField("field", FieldType(kind), choices=("red", "blue")).convert(value) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", {"a": 1}),
        ("email", "secret" * 50),
        ("integer", "secret"),
        ("integer", True),
        ("integer", Decimal("1.5")),
        ("integer", 2**63),
        ("decimal", "secret"),
        ("decimal", 1.5),
        ("decimal", Decimal("1.00001")),
        ("decimal", Decimal("NaN")),
        ("decimal", Decimal(10) ** 15),
        ("date", "2026-13-01"),
        ("datetime", "secret"),
        ("datetime", 5),
        ("boolean", "true"),
        ("list", "secret"),
        ("json", "secret"),
        ("choice", "secret"),
        ("integer", "1_000"),
        ("integer", "١٢"),
        ("integer", " 12"),
        ("integer", ""),
        ("integer", Decimal("1e9999999")),
        ("decimal", "1_000.5"),
        ("decimal", "١٢"),
        ("decimal", "NaN"),
        ("decimal", ""),
        ("decimal", Decimal("1e9999999")),
        ("decimal", Decimal("1e-9999999")),
        ("text", Decimal("1e9999999")),
        ("date", "2026-W10-1"),
        ("date", "20261001"),
        ("date", ""),
        ("datetime", "2026-W10-1T10:00:00Z"),
        ("datetime", "0001-01-01T00:00:00+10:00"),
        ("datetime", "9999-12-31T23:59:59-10:00"),
        ("date", "9999-12-31T23:59:59-10:00"),
        ("list", [Decimal("1e9999999")]),
        ("json", {"a": [Decimal("1e-9999999")]}),
    ],
)
def test_a_value_that_does_not_fit_is_refused_without_being_repeated(kind, value):
    with pytest.raises(ValueError, match=r"^(is|has|does) ") as caught:
        ContactField("field", FieldType(kind), choices=("red", "blue")).convert(value)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "schema", "expected"),
    [
        ("email", {"type": ["string", "null"]}, "email"),
        ("phone", {"type": "string"}, "phone"),
        ("note", {"type": "string"}, "text"),
        ("at", {"type": ["null", "string"], "format": "date-time"}, "datetime"),
        ("day", {"type": "string", "format": "date"}, "date"),
        ("count", {"type": ["integer", "null"]}, "integer"),
        ("total", {"type": ["number", "null"]}, "decimal"),
        ("flag", {"type": "boolean"}, "boolean"),
        ("tags", {"type": "array"}, "list"),
        ("address", {"type": ["object", "null"]}, "json"),
        ("anything", {}, "text"),
    ],
)
def test_a_property_of_a_stream_has_a_natural_type(name, schema, expected):
    assert natural_type(name, schema) == expected


def test_two_spellings_of_one_address_have_one_hash_and_other_databases_have_others():
    email = address_hash("salt", "email", "Person@Example.com")
    assert email == address_hash("salt", "email", " person@EXAMPLE.com ")
    assert address_hash("salt", "sms", "+44 7700 900123") == address_hash("salt", "sms", "+44(7700)900-123")
    assert email != address_hash("other", "email", "person@example.com")
    assert address_hash("salt", "email", " ") is None
    assert address_hash("salt", "sms", None) is None
    assert len(email or "") == 32


@pytest.mark.parametrize("kind", ["date", "datetime"])
def test_an_empty_text_is_told_apart_from_a_wrong_time(kind):
    with pytest.raises(ValueError, match=r"^is empty text"):
        ContactField("field", FieldType(kind)).convert("")
