"""JSON as it is mended before it is decoded, compared with what the standard library says of it."""

from __future__ import annotations

import json
import typing as t
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_contactdb.decoding import decode_json, shallow

# Texts that look like the marks of JSON.
TEXTS = st.text(alphabet='[]{}"\\,:a\n\u2028é', max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


def cut(value: t.Any, levels: int) -> t.Any:
    """Return a value whose lists and objects below some levels are marked."""
    if not isinstance(value, list | dict):
        return value
    if not levels:
        return ("as text", json.dumps(value))
    if isinstance(value, dict):
        return {name: cut(one, levels - 1) for name, one in value.items()}
    return [cut(one, levels - 1) for one in value]


def marked(value: t.Any, like: t.Any) -> t.Any:
    """Return a value with the texts marked that stand where another has marks."""
    if isinstance(like, tuple):
        return ("as text", json.dumps(json.loads(value)))
    if isinstance(like, dict):
        return {name: marked(one, like[name]) for name, one in value.items()}
    if isinstance(like, list):
        return [marked(one, other) for one, other in zip(value, like, strict=True)]
    return value


@given(value=VALUES, levels=st.integers(1, 4), indent=st.sampled_from([None, 1, "\t"]))
def test_what_lies_below_some_levels_becomes_text_and_all_else_stays(value, levels, indent):
    mended = json.loads(shallow(json.dumps(value, indent=indent).encode(), levels))

    expected = cut(value, levels)
    assert marked(mended, expected) == expected


@pytest.mark.parametrize(
    "line",
    [
        "[" * 5000,
        "]" * 9 + "[" * 5000,
        '["' + "[" * 5000,
        '["' + '\\"[' * 5000,
        "[" * 5000 + "]" * 4999,
        '[[[["\\',
        "{" * 5000,
    ],
)
def test_levels_that_do_not_end_are_no_json_and_take_nobody_down(line):
    with pytest.raises(msgspec.DecodeError):
        decode_json(shallow(line.encode(), 3))


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("digits", [1, 19, 700, 4300, 4301, 100_000])
def test_a_whole_number_is_exact_however_long_it_is(sign, digits):
    number = sign + "7" * digits
    text = f'{number}, "{number}'

    found = decode_json(json.dumps({"a": "\\", "b": [1.5, text]}).replace("1.5", f"{number}, {number}.5").encode())

    assert found["b"][2] == text
    assert (found["b"][0], found["b"][1]) == (Decimal(number), Decimal(f"{number}.5"))


@pytest.mark.parametrize(
    "line", [b"[" + b"9" * 5000, b'{"a": 0' + b"9" * 5000 + b"}", b"[" + b"9" * 5000 + b"e]", b'"\xff"']
)
def test_a_long_number_makes_nothing_json_that_is_none(line):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode_json(line)
