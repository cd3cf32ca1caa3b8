"""Conditions as objects of a setting: `{field, op, value}`, `{all: [...]}`, `{any: [...]}`, `{not: {...}}`."""

from __future__ import annotations

import math
import typing as t
from decimal import Decimal

from target_contactdb.conditions.tree import (
    MAX_DEPTH,
    WITH_LIST,
    WITHOUT_VALUE,
    Condition,
    FieldTest,
    HasCheckout,
    InSegment,
    Not,
    Op,
    all_of,
    any_of,
)
from target_contactdb.conditions.words import nearest

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TEST_KEYS: t.Final = ("field", "op", "value")


def read_objects(entries: t.Any, setting: str, problems: list[str]) -> tuple[Condition, ...]:
    """Read a list of conditions that must all hold.

    Args:
        entries: The setting's value.
        setting: Its name, for the errors.
        problems: Every problem is added here.
    """
    if not isinstance(entries, list | tuple):
        problems.append(f"setting `{setting}` must be a list of `{{field, op, value}}`")
        return ()
    found = (
        _read(entry, f"setting `{setting}`, entry {number}", problems, 1)
        for number, entry in enumerate(entries, start=1)
    )
    return tuple(one for one in found if one is not None)


def _read(entry: t.Any, where: str, problems: list[str], depth: int) -> Condition | None:
    if not isinstance(entry, dict):
        problems.append(f"{where}: must be an object such as `{{field, op, value}}`")
        return None
    if depth > MAX_DEPTH:
        problems.append(f"{where}: nested more than {MAX_DEPTH} deep")
        return None
    if len(entry) == 1:
        ((key, value),) = entry.items()
        if key in _NESTED:
            return _NESTED[key](value, f"{where}, `{key}`", problems, depth + 1)
    return _test(entry, where, problems)


def _group(join: Callable[[Sequence[Condition]], Condition]) -> _Reader:
    def read(value: t.Any, where: str, problems: list[str], depth: int) -> Condition | None:
        if not isinstance(value, list) or not value:
            problems.append(f"{where} needs a list of conditions that is not empty")
            return None
        parts = [_read(one, f"{where}, entry {number}", problems, depth) for number, one in enumerate(value, start=1)]
        right = [part for part in parts if part is not None]
        return join(right) if len(right) == len(parts) else None

    return read


def _not(value: t.Any, where: str, problems: list[str], depth: int) -> Condition | None:
    part = _read(value, where, problems, depth)
    return None if part is None else Not(part)


def _segment(value: t.Any, where: str, problems: list[str], _depth: int) -> Condition | None:
    if isinstance(value, str) and value:
        return InSegment(value, where)
    problems.append(f"{where} needs the name of a segment")
    return None


def _has(value: t.Any, where: str, problems: list[str], _depth: int) -> Condition | None:
    if value == "checkout":
        return HasCheckout(where)
    problems.append(f"{where}: only `checkout` can be had")
    return None


_Reader: t.TypeAlias = "Callable[[t.Any, str, list[str], int], Condition | None]"
_NESTED: t.Final[dict[str, _Reader]] = {
    "all": _group(all_of),
    "any": _group(any_of),
    "not": _not,
    "in_segment": _segment,
    "has": _has,
}


def _test(entry: dict[str, t.Any], where: str, problems: list[str]) -> FieldTest | None:
    before = len(problems)
    for key in entry:
        if key not in _TEST_KEYS:
            problems.append(f"{where}: unknown key `{key}`{nearest(str(key), (*_TEST_KEYS, *_NESTED))}")
    name = entry.get("field")
    if not isinstance(name, str) or not name.strip():
        problems.append(f"{where}: `field` is missing")
    else:
        where = f"{where}, field `{name}`"
    op = entry.get("op")
    if not isinstance(op, str) or op not in set(Op):
        unknown = f"unknown operator `{op}`{nearest(str(op), Op)}" if op is not None else "`op` is missing"
        problems.append(f"{where}: {unknown}")
        return None
    where = f"{where}, op `{op}`"
    values = _values(Op(op), entry, where, problems)
    return FieldTest(str(name).strip(), Op(op), values, where) if len(problems) == before else None


def _values(op: Op, entry: dict[str, t.Any], where: str, problems: list[str]) -> tuple[str, ...]:
    value = entry.get("value")
    if op in WITHOUT_VALUE:
        if value is not None:
            problems.append(f"{where}: takes no `value`")
        return ()
    if value is None or value == "":
        hint = "" if op in WITH_LIST else f"; `{Op.IS_EMPTY}` and `{Op.IS_SET}` ask for nothing and something"
        problems.append(f"{where}: `value` is missing{hint}")
        return ()
    if op in WITH_LIST:
        several = value if isinstance(value, list) else [value]
        if not several:
            problems.append(f"{where}: `value` needs at least one element")
    elif isinstance(value, list):
        problems.append(f"{where}: `value` is a list; `{Op.IN}` takes one")
        return ()
    else:
        several = [value]
    texts = [_as_text(one) for one in several]
    if None in texts:
        problems.append(f"{where}: `value` must be text, a number, or true or false")
    return tuple(text for text in texts if text is not None)


def _as_text(value: t.Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value or None
    if isinstance(value, float):
        # The digits that a person wrote, not those of the binary fraction.
        return format(Decimal(repr(value)), "f") if math.isfinite(value) else None
    return format(value, "f") if isinstance(value, Decimal) else str(value) if isinstance(value, int) else None
