"""From the result of a bulk operation to records, in bounded memory whatever its size.

Each line is a node. The lines of a cart are nodes of their own, which name their checkout as `__parentId`. They come
after it, but not always next to it: https://shopify.dev/docs/api/usage/bulk-operations/queries.
"""

from __future__ import annotations

import contextlib
import sqlite3
import typing as t
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from tap_shopify_contacts.compiled import node_decoder
from tap_shopify_contacts.documents import LINES
from tap_shopify_contacts.errors import BulkFailed, FatalError

if t.TYPE_CHECKING:
    from tap_shopify_contacts.compiled import Node

_CACHE_KIB = 16 * 1024
_PIECE = 64 * 1024


class _Place(msgspec.Struct):
    """The part of a line that says what it belongs to."""

    id: str | None = None
    parent: str | None = msgspec.field(default=None, name="__parentId")


_place_decoder = msgspec.json.Decoder(_Place)
_node_decoder = msgspec.json.Decoder(dict[str, t.Any], float_hook=Decimal)


@dataclass
class Tally:
    """How many lines have been read, and how many of them are no children."""

    objects: int = 0
    roots: int = 0


def decode_lines(lines: bytes, node_type: type[msgspec.Struct]) -> list[Node]:
    """Return the nodes of whole lines: of the given type, or as dictionaries where a value is of another type.

    Raises:
        BulkFailed: If a line is no JSON object.
    """
    try:
        try:
            return list(node_decoder(node_type).decode_lines(lines))
        except msgspec.ValidationError:
            return list(_node_decoder.decode_lines(lines))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _broken_line() from None


def _broken_line() -> BulkFailed:
    # Not chained: the cause's text may quote the line.
    return BulkFailed("A line in the result of the bulk operation is no JSON object.")


def whole_lines(chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """Yield the same bytes in pieces that end where a line ends."""
    rest: list[bytes] = []
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if end:
            yield b"".join((*rest, chunk[:end]))
            rest = [chunk[end:]] if end < len(chunk) else []
        elif chunk:
            rest.append(chunk)
    if rest:
        yield b"".join(rest)


def plain_nodes(pieces: t.Iterable[bytes], node_type: type[msgspec.Struct], tally: Tally) -> t.Iterator[list[Node]]:
    """Yield the nodes of a result without children, a piece at a time.

    Raises:
        BulkFailed: If a line is no JSON object.
    """
    for piece in pieces:
        nodes = decode_lines(piece, node_type)
        tally.objects += len(nodes)
        tally.roots += len(nodes)
        yield nodes


def joined_nodes(pieces: t.Iterable[bytes], node_type: type[msgspec.Struct], tally: Tally) -> t.Iterator[list[Node]]:
    """Yield the checkouts of a result, each with the lines of its cart as a page would hold them.

    Raises:
        BulkFailed: If a line is no JSON object, a checkout comes twice, or a line belongs to no checkout.
        FatalError: If there is no room to keep the result aside.
    """
    try:
        for piece in joined_lines(pieces, tally):
            yield decode_lines(piece, node_type)
    except sqlite3.OperationalError as error:
        # SQLite's text names what it could not do, and no value.
        raise FatalError(
            f"The result of the bulk operation cannot be kept aside to put carts together: {error}.",
            "Make room where temporary files lie (the variable TMPDIR), or set extraction to pages.",
        ) from error


def joined_lines(pieces: t.Iterable[bytes], tally: Tally) -> t.Iterator[bytes]:
    """Yield one line for each checkout, which holds the lines of its cart as a page would, in the order of the result.

    The whole result is kept aside before the first one, since a line of the first cart may come last. What does not fit
    into a few megabytes lies in a file that SQLite deletes as soon as it has opened it.

    Raises:
        BulkFailed: If a line is no JSON object, a checkout comes twice, or a line belongs to no checkout.
    """
    with contextlib.closing(_open_store()) as store:
        for piece in pieces:
            _keep(store, piece, tally)
        _check_orphans(store)
        joined: list[bytes] = []
        size = 0
        for identity, root in store.execute("SELECT id, line FROM roots ORDER BY place"):
            children = store.execute("SELECT line FROM children WHERE parent = ? ORDER BY place", (identity,))
            joined.append(_join(root, [child for (child,) in children]))
            size += len(joined[-1])
            if size >= _PIECE:
                yield b"".join(joined)
                joined, size = [], 0
        yield b"".join(joined)


def _open_store() -> sqlite3.Connection:
    # An empty name is a private database of its own, in memory while it is small:
    # https://sqlite.org/inmemorydb.html#temp_db.
    store = sqlite3.connect("", isolation_level=None)
    store.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    store.execute("PRAGMA journal_mode = OFF")
    store.execute("BEGIN")
    store.execute("CREATE TABLE roots (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, line BLOB NOT NULL)")
    store.execute(
        "CREATE TABLE children (parent TEXT, place INTEGER, line BLOB NOT NULL, PRIMARY KEY (parent, place)) "
        "WITHOUT ROWID"
    )
    return store


def _keep(store: sqlite3.Connection, piece: bytes, tally: Tally) -> None:
    roots: list[tuple[int, str, bytes]] = []
    children: list[tuple[str, int, bytes]] = []
    for line in piece.splitlines():
        try:
            place = _place_decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _broken_line() from None
        if place.parent is not None:
            children.append((place.parent, tally.objects, line))
        elif place.id is not None:
            roots.append((tally.objects, place.id, line))
            tally.roots += 1
        else:
            raise BulkFailed("A line in the result of the bulk operation has no id.")
        tally.objects += 1
    try:
        store.executemany("INSERT INTO roots VALUES (?, ?, ?)", roots)
    except sqlite3.IntegrityError:
        # Whose lines are whose could not be told.
        raise BulkFailed("A checkout comes twice in the result of the bulk operation.") from None
    store.executemany("INSERT INTO children VALUES (?, ?, ?)", children)


def _check_orphans(store: sqlite3.Connection) -> None:
    ((orphans,),) = store.execute("SELECT count(*) FROM children WHERE parent NOT IN (SELECT id FROM roots)")
    if orphans:
        raise BulkFailed(f"{orphans:,} lines in the result of the bulk operation belong to no checkout in it.")


def _join(root: bytes, children: list[bytes]) -> bytes:
    """Return a root's line with its children as the edges of a connection. All are JSON objects, and none is empty."""
    edges = b",".join(b'{"node":' + child + b"}" for child in children)
    return b'%s,"%s":{"edges":[%s]}}\n' % (root.rstrip()[:-1], LINES.encode(), edges)
