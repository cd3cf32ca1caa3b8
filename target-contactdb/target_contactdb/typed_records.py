"""Reading records by types: the usual record in a few microseconds, straight from its bytes.

A type that does not fit rejects nothing here: such a record is read again by `records.py`, which knows the reason.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import typing as t
from dataclasses import dataclass

import msgspec

from target_contactdb.consent import State
from target_contactdb.decoding import decode_json, exact
from target_contactdb.errors import StreamError
from target_contactdb.fields import CONVERTERS, FieldType, natural_type, to_datetime
from target_contactdb.json_values import MOST_DIGITS, MOST_LEVELS, cleaned
from target_contactdb.records import RecordError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_contactdb.conditions.filters import Filter
    from target_contactdb.dialects.base import Loader
    from target_contactdb.mapping import Filled
    from target_contactdb.records import Record

_EXACT: t.Final = msgspec.json.Encoder(decimal_format="number")
_Int64: t.TypeAlias = t.Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
# As many digits as `fields.to_decimal` takes; what is written otherwise is read the slow way.
_AMOUNT: t.Final = re.compile(rb'"?(-?\d{1,15}(?:\.\d{1,4})?)"?')
_NULL: t.Final = b"null"
# PostgreSQL has no null character: the slow way leaves it out.
NULL_CHARACTER: t.Final = b"\\u0000"
_TOO_LONG: t.Final = 255


def decode_record(line: bytes) -> t.Any:
    """Return what a record's bytes say, with exact numbers.

    Raises:
        StreamError: They are not JSON after all: an envelope is read without looking into its record.
    """
    try:
        return decode_json(line)
    except msgspec.DecodeError as error:
        msg = f"a record is not JSON: {error}"
    except UnicodeDecodeError:
        msg = "a record is not UTF-8"
    raise StreamError(msg)


_Text: t.TypeAlias = str | msgspec.UnsetType | None


class Core(msgspec.Struct, gc=False):
    """What decides about a customer record: its key, its age, and what it says of each channel."""

    id: _Int64
    updated_at: str
    email: _Text = msgspec.UNSET
    email_marketing_state: _Text = msgspec.UNSET
    email_marketing_opt_in_level: str | None = None
    email_marketing_updated_at: str | None = None
    phone: _Text = msgspec.UNSET
    sms_marketing_state: _Text = msgspec.UNSET
    sms_marketing_opt_in_level: str | None = None
    sms_marketing_updated_at: str | None = None
    last_order_created_at: str | None = None


read_core: t.Final = msgspec.json.Decoder(Core).decode


def erases(core: Core) -> bool:
    """Tell whether a record asks to erase the person, in whatever case it writes the word."""
    for state in (core.email_marketing_state, core.sms_marketing_state):
        if state and state.upper() == State.REDACTED:
            return True
    return False


def hasher_of(fingerprint: str) -> t.Any:
    """Return a hash that has taken in how records are mapped; a copy of it takes in a record's bytes."""
    return hashlib.blake2b(fingerprint.encode(), digest_size=16)


@dataclass(frozen=True, slots=True)
class ValueReader:
    """Reads the values of one shape of record.

    Attributes:
        carried: Which mappings' sources the record carries.
        read: From a record's bytes to the values of the carried mappings, as the driver takes them.
    """

    carried: tuple[bool, ...]
    read: Callable[[t.Any], tuple[t.Any, ...]]


def value_reader(
    mappings: Sequence[Filled], properties: Mapping[str, t.Any], carried: tuple[bool, ...], loader: Loader
) -> ValueReader:
    """Return what reads the values of records of a shape.

    `read` raises `msgspec.ValidationError` or `ValueError` for a record of another shape, and for one that has to be
    read the slow way.

    Args:
        mappings: The compiled mappings.
        properties: `properties` of the stream's schema.
        carried: Which mappings' sources such a record carries: all of these and none of the others.
        loader: Knows the driver.
    """
    filled = [one for one, is_carried in zip(mappings, carried, strict=True) if is_carried]
    sources = list(dict.fromkeys(one.source for one in filled))
    plans = [_Plan.of(one, properties[one.source], loader, shared=_count(filled, one.source) > 1) for one in filled]
    types = {one.source: plan.kind for one, plan in zip(filled, plans, strict=True)}
    absent = [one for one in dict.fromkeys(one.source for one in mappings) if one not in types]
    names = {source: f"field_{number}" for number, source in enumerate((*sources, *absent))}
    struct = msgspec.defstruct(
        "Values",
        [
            *((names[source], types[source]) for source in sources),
            *((names[source], t.Any, msgspec.UNSET) for source in absent),
        ],
        rename={name: source for source, name in names.items()},
        gc=False,
    )
    decode = msgspec.json.Decoder(struct, float_hook=exact).decode
    places = [sources.index(one.source) for one in filled]
    straight = places == list(range(len(places))) and not absent
    working = [(index, plan.ready) for index, plan in enumerate(plans) if plan.ready is not None]

    def read(record: t.Any) -> tuple[t.Any, ...]:
        found = msgspec.structs.astuple(decode(record))
        if absent and any(one is not msgspec.UNSET for one in found[len(sources) :]):
            msg = "has another shape"
            raise ValueError(msg)
        values = list(found) if straight else [found[place] for place in places]
        for index, ready in working:
            value = values[index]
            if value is not None:
                values[index] = ready(value)
        return tuple(values)

    return ValueReader(carried, read)


def _count(filled: Sequence[Filled], source: str) -> int:
    return sum(one.source == source for one in filled)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one value is read: the type that it is decoded as, and what makes it ready for the driver."""

    kind: t.Any
    ready: Callable[[t.Any], t.Any] | None

    @classmethod
    def of(cls, filled: Filled, schema: Mapping[str, t.Any], loader: Loader, *, shared: bool) -> _Plan:
        kind = filled.field.type
        for_driver = _for_driver(kind, loader)
        natural = natural_type(filled.source, schema)
        by_type = _TYPES.get((kind, natural)) if not shared else None
        if by_type is None:
            convert = filled.field.convert
            return cls(t.Any, lambda value: for_driver(convert(value)) if for_driver else convert(value))
        if kind is FieldType.CHOICE:
            return cls(by_type, filled.field.convert)
        if kind is FieldType.DATETIME:
            return cls(by_type, moment_reader(loader))
        ready = _READY.get(kind)
        if kind is FieldType.DECIMAL or ready is None or for_driver is None:
            return cls(by_type, ready or for_driver)
        return cls(by_type, lambda value: for_driver(ready(value)))


def _for_driver(kind: FieldType, loader: Loader) -> Callable[[t.Any], t.Any] | None:
    """Return what makes a converted value one that the driver takes; None if it does as it is."""
    if kind is FieldType.DATETIME:
        return loader.moment
    if kind is FieldType.DATE:
        return loader.day
    if kind is FieldType.DECIMAL:
        return str
    return _json_text if kind in {FieldType.LIST, FieldType.JSON} else None


def _amount(digits: t.Any) -> str | None:
    match = _AMOUNT.fullmatch(digits)
    if match is not None:
        return match[1].decode()
    if bytes(digits) == _NULL:
        return None
    msg = "is not a plain amount"
    raise ValueError(msg)


def short_text(text: str) -> str | None:
    """Return a text as `fields.to_short_text` does, given that it has no null character.

    Raises:
        ValueError: It is too long.
    """
    stripped = text.strip()
    if len(stripped) > _TOO_LONG:
        msg = "is longer than 255 characters"
        raise ValueError(msg)
    return stripped or None


def _json_text(value: t.Any) -> str:
    text = _EXACT.encode(value).decode()
    brackets = text.count("[") + text.count("{")
    if len(text) > MOST_DIGITS or "E+" in text or "E-" in text or "Infinity" in text or brackets > MOST_LEVELS:
        # Maybe a number or a depth that no engine holds.
        cleaned(value)
    return text


def is_utc_second(text: str) -> bool:
    """Tell whether an ISO 8601 time is written as `2026-11-24T10:00:00Z`."""
    # The punctuation of such a text stands in every third place from the fifth on.
    return len(text) == _LENGTH and text[4::3] == _PUNCTUATION


_LENGTH: t.Final = len("2026-11-24T10:00:00Z")
_PUNCTUATION: t.Final = "--T::Z"


def moment_reader(loader: Loader) -> Callable[[str], t.Any]:
    """Return what reads an ISO 8601 time for the driver, and raises ValueError if it is none."""
    parse, moment, of_text = dt.datetime.fromisoformat, loader.moment, loader.moment_of

    def read(text: str) -> t.Any:
        if not is_utc_second(text):
            return moment(to_datetime(text))
        parse(text)
        return of_text(text)

    return read


def second_reader(loader: Loader) -> Callable[[str], tuple[t.Any, str]]:
    """Return what reads a time of consent, cut to the second: for the driver, and as the evidence words it.

    It raises ValueError if the text is no ISO 8601 time.
    """
    parse, moment, of_text = dt.datetime.fromisoformat, loader.moment, loader.moment_of

    def read(text: str) -> tuple[t.Any, str]:
        if is_utc_second(text):
            parse(text)
            return of_text(text), text
        second = to_datetime(text).replace(microsecond=0)
        return moment(second), second.strftime("%Y-%m-%dT%H:%M:%SZ")

    return read


def passing(filters: Filter | None) -> Callable[[bytes], bool] | None:
    """Return what tells of a record's bytes that it passes the import filters; None if there are none.

    It says no as well of a record that cannot be judged: the slow way finds out why.
    """
    if filters is None or not filters.entries:
        return None
    # A typed dict reads what the filters ask for, and skips the rest of the record.
    read = t.TypedDict("Read", dict.fromkeys(sorted(filters.reads), t.Any), total=False)  # type: ignore[misc]
    decode: Callable[[bytes], Record] = msgspec.json.Decoder[t.Any](read, float_hook=exact).decode
    reason = filters.reason

    def passes(line: bytes) -> bool:
        try:
            return reason(decode(line)) is None
        except (msgspec.MsgspecError, RecordError):
            return False

    return passes


_TEXTS: t.Final = (FieldType.TEXT, FieldType.EMAIL, FieldType.PHONE)
_MOMENTS: t.Final = (FieldType.DATETIME, FieldType.DATE, *_TEXTS)
# By field type and natural type of the source: the type that vouches for the value, up to what `_READY` does.
_TYPES: t.Final[dict[tuple[FieldType, FieldType], t.Any]] = {
    **{(kind, text): str | None for kind in (*_TEXTS, FieldType.CHOICE) for text in _TEXTS},
    **{(kind, text): str | None for kind in (FieldType.DATETIME, FieldType.DATE) for text in _MOMENTS},
    (FieldType.INTEGER, FieldType.INTEGER): _Int64 | None,
    (FieldType.DECIMAL, FieldType.DECIMAL): msgspec.Raw,
    (FieldType.DECIMAL, FieldType.INTEGER): msgspec.Raw,
    (FieldType.BOOLEAN, FieldType.BOOLEAN): bool | None,
    (FieldType.LIST, FieldType.LIST): list[t.Any] | None,
    (FieldType.JSON, FieldType.JSON): list[t.Any] | dict[str, t.Any] | None,
    (FieldType.JSON, FieldType.LIST): list[t.Any] | dict[str, t.Any] | None,
}
_READY: t.Final[dict[FieldType, Callable[[t.Any], t.Any]]] = {
    FieldType.EMAIL: short_text,
    FieldType.PHONE: short_text,
    FieldType.DECIMAL: _amount,
    FieldType.DATE: CONVERTERS[FieldType.DATE],
}
