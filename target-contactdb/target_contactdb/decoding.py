"""Decoding JSON with exact numbers, and mending beforehand what no decoder takes as it is. Pure."""

from __future__ import annotations

import itertools
import re
import sys
import typing as t
from decimal import Decimal, InvalidOperation

import msgspec

# A text, or what is left of one that does not end. Possessive: each byte is looked at once.
_TEXT: t.Final = rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+"?'
# The next bracket that stands in no text, and what is before it.
_BRACKET: t.Final = re.compile(rb'[^"\[\]{}]*+(?:' + _TEXT + rb'[^"\[\]{}]*+)*+([\[\]{}]?)', re.DOTALL)
_STEPS: t.Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
# Python refuses to read a longer whole number from text, since that takes time by the square of its length.
_LONG_INTEGER: t.Final = re.compile(
    _TEXT + rb"|(?<![0-9.eE+-])(-?[0-9]{%d,}+)(?![.eE])" % sys.int_info.str_digits_check_threshold, re.DOTALL
)
# A whole pair of escapes, the half of one, or any other escape.
_ESCAPE: t.Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_ENDLESS: t.Final = Decimal("Infinity")


def exact(digits: str) -> Decimal:
    """Return a number with a point or an exponent as it is written; infinity for an exponent that no Decimal has."""
    try:
        return Decimal(digits)
    except InvalidOperation:
        return _ENDLESS


_DECODER: t.Final = msgspec.json.Decoder(float_hook=exact)


def decode_json(line: bytes) -> t.Any:
    """Return what JSON says, with exact numbers, however many digits they have.

    Raises:
        msgspec.DecodeError: It is not JSON.
        UnicodeDecodeError: It is not UTF-8.
    """
    try:
        return _DECODER.decode(line)
    except msgspec.DecodeError:
        mended = _LONG_INTEGER.sub(lambda found: found[1] + b"e0" if found[1] else found[0], line)
        if mended == line:
            raise
    return _DECODER.decode(mended)


def whole_characters(line: bytes) -> bytes:
    """Return JSON with U+FFFD for each half of a character, such as text leaves that was cut inside an emoji."""
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape[1] else escape[0], line)


def shallow(line: bytes, levels: int) -> bytes:
    """Return JSON in which each list and object below some levels is text: its own JSON.

    Decoders go down by calling themselves, which Python lets them do some hundred times.

    Args:
        line: JSON. What is wrong with it above those levels stays wrong.
        levels: How many levels of lists and objects may be left, the outermost one among them.
    """
    if line.count(b"[") + line.count(b"{") <= levels:
        return line
    brackets = b"".join(_BRACKET.findall(line))
    if max(itertools.accumulate(map(_STEPS.__getitem__, brackets)), default=0) <= levels:
        return line
    parts: list[bytes] = []
    level = copied = 0
    for found in _BRACKET.finditer(line):
        step = _STEPS[found[1][0]] if found[1] else 0
        if step == 1 and level == levels:
            parts.append(line[copied : found.start(1)])
            copied = found.start(1)
        level += step
        if step == -1 and level == levels:
            parts.append(_as_text(line[copied : found.end(1)]))
            copied = found.end(1)
    if level <= levels:
        parts.append(line[copied:])
    return b"".join(parts)


def _as_text(json: bytes) -> bytes:
    # White space between the parts of it may not stand in a text.
    return b'"%s"' % json.translate(None, b"\t\r\n").replace(b"\\", rb"\\").replace(b'"', rb"\"")
