"""What a Singer message has to look like: checked once, before anything acts on it. Pure.

What is wrong is told with the stream and the place, never with a value.
"""

from __future__ import annotations

import typing as t

from target_contactdb.errors import StreamError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Message = Mapping[str, t.Any]


def check_message(message: Message) -> None:
    """Check the shape of a message of a known type. What is in a record is for whoever reads it.

    Raises:
        StreamError: It cannot be acted on.
    """
    kind = message["type"]
    check = _CHECKS.get(kind)
    if kind != "STATE" and not _is_name(message.get("stream")):
        msg = f"a {kind} message names no stream"
        raise StreamError(msg)
    problem = check(message) if check is not None else None
    if problem is not None:
        where = f"stream `{message['stream']}`: " if kind != "STATE" else ""
        raise StreamError(f"{where}{problem}")


def _record(message: Message) -> str | None:
    return None if "record" in message else "a RECORD message has no record"


def _schema(message: Message) -> str | None:
    schema = message.get("schema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return "the schema of its SCHEMA message is not an object with `properties`"
    keys = message.get("key_properties")
    if keys is not None and not _are_names(keys):
        return "the `key_properties` of its SCHEMA message are not a list of names"
    return next((told for name, each in properties.items() if (told := _property(name, each)) is not None), None)


def _property(name: str, schema: t.Any) -> str | None:
    where = f"property `{name}` of its schema"
    if not isinstance(schema, dict):
        return f"{where} is not an object"
    kind = schema.get("type", "string")
    if not isinstance(kind, str) and not _are_names(kind):
        return f"{where} has a `type` that is neither a name nor a list of names"
    wrong = [key for key in ("format", "title") if not isinstance(schema.get(key, ""), str | None)]
    return f"{where} has a `{wrong[0]}` that is not text" if wrong else None


def _state(message: Message) -> str | None:
    if isinstance(message.get("value", ""), dict | None):
        return None
    return "a STATE message has a value that is not an object"


def _version(message: Message) -> str | None:
    version = message.get("version")
    if isinstance(version, int) and not isinstance(version, bool):
        return None
    return "an ACTIVATE_VERSION message has no whole number as version"


def _batch(message: Message) -> str | None:
    encoding, files = message.get("encoding"), message.get("manifest")
    if not isinstance(encoding, dict) or not isinstance(encoding.get("format"), str) or not _are_names(files):
        return "a BATCH message names no format, or no list of files"
    return None


def _is_name(value: t.Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_names(value: t.Any) -> bool:
    return isinstance(value, list) and all(_is_name(one) for one in value)


_CHECKS: t.Final[dict[str, Callable[[Message], str | None]]] = {
    "RECORD": _record,
    "SCHEMA": _schema,
    "STATE": _state,
    "ACTIVATE_VERSION": _version,
    "BATCH": _batch,
}
