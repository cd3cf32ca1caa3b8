"""Stream maps of the SDK, whose errors become one line that names the expression and never a value."""

from __future__ import annotations

import contextlib
import typing as t

from singer_sdk.exceptions import MapExpressionError, StreamMapConfigError
from singer_sdk.mapper import CustomStreamMap

from target_contactdb.errors import ConfigError, StreamError

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.mapper import StreamMap


@contextlib.contextmanager
def checked_maps() -> Iterator[None]:
    """Turn the SDK's complaints about the setting `stream_maps` into ours.

    Raises:
        ConfigError: The setting does not fit a stream.
    """
    try:
        yield
    except (MapExpressionError, StreamMapConfigError) as error:
        raise ConfigError([f"setting `stream_maps`: {str(error).rstrip('.')}"]) from None


def watch(stream: str, maps: Iterable[StreamMap]) -> None:
    """Make the maps of a stream name the expression that fails for a record, as a `StreamError`.

    Args:
        stream: The stream.
        maps: Its maps.
    """
    for one in maps:
        if isinstance(one, CustomStreamMap) and not isinstance(one._eval, _Watched):
            # There is no public place between the expression and the record: an error outside of it names neither.
            one._eval = _Watched(stream, one._eval)  # type: ignore[method-assign]


class _Watched:
    def __init__(self, stream: str, evaluate: t.Callable[..., t.Any]) -> None:
        self._stream, self._evaluate = stream, evaluate

    def __call__(self, expr: str, expr_parsed: t.Any, record: dict[str, t.Any], property_name: str | None) -> t.Any:
        try:
            return self._evaluate(expr=expr, expr_parsed=expr_parsed, record=record, property_name=property_name)
        except Exception as error:
            # Any expression may raise anything, with a value in its text: only the kind of the error is told.
            cause = error.__cause__ or error
            where = f"of `{property_name}`" if property_name else "that leaves records out"
            msg = (
                f"stream `{self._stream}`: the expression {where} in `stream_maps` fails for a record"
                f" ({type(cause).__name__}): {expr}"
            )
        raise StreamError(msg)
