"""GraphQL documents, built from the paths that the selected fields need, and from nothing else."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass
from datetime import datetime

from tap_shopify_contacts.times import format_instant, parse_instant
from tap_shopify_contacts.windows import Window

INDENT = "  "

Tree = dict[str, "Tree"]


@dataclass(frozen=True)
class Connection:
    """A root connection of the Admin API, and how the tap reads it."""

    root: str
    operation: str
    node_type: str
    sort_key: str


CUSTOMERS = Connection("customers", "Customers", "Customer", "UPDATED_AT")
ABANDONED_CHECKOUTS = Connection("abandonedCheckouts", "AbandonedCheckouts", "AbandonedCheckout", "CREATED_AT")

LINES = "lineItems"
LINE_NODE = f"{LINES}.edges.node"
_TIME = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
_BETWEEN = re.compile(rf"updated_at:>='{_TIME}' AND updated_at:<'{_TIME}'")
_LINE_PAGE = (f"{LINES}.pageInfo.hasNextPage", f"{LINES}.pageInfo.endCursor")


def page_document(connection: Connection, paths: t.Iterable[str], *, probe: bool = False) -> str:
    """Return the document for one page of a connection.

    With `probe` the shop's own name is asked for beside it.
    """
    tree = _tree(paths)
    with_lines = LINES in tree
    if with_lines:
        _add(tree, _LINE_PAGE)
    variables = "$first: Int!, $after: String, $query: String" + (", $lines: Int!" if with_lines else "")
    lines = [
        f"query {connection.operation}{'Probe' if probe else ''}({variables}) {{",
        f"{INDENT}{connection.root}(first: $first, after: $after, query: $query, sortKey: {connection.sort_key}) {{",
        f"{INDENT * 2}edges {{",
        f"{INDENT * 3}node {{",
        *_render(tree, 4, {LINES: "(first: $lines)"}),
        f"{INDENT * 3}}}",
        f"{INDENT * 2}}}",
        f"{INDENT * 2}pageInfo {{ hasNextPage endCursor }}",
        f"{INDENT}}}",
        *([f"{INDENT}shop {{ myshopifyDomain }}"] if probe else []),
        "}",
    ]
    return "\n".join(lines)


def more_lines_document(connection: Connection, paths: t.Iterable[str]) -> str:
    """Return the document for a further page of one checkout's lines."""
    tree = {LINES: _tree(paths)[LINES]}
    _add(tree, _LINE_PAGE)
    lines = [
        f"query {connection.operation[:-1]}Lines($id: ID!, $first: Int!, $after: String) {{",
        f"{INDENT}node(id: $id) {{",
        f"{INDENT * 2}... on {connection.node_type} {{",
        *_render(tree, 3, {LINES: "(first: $first, after: $after)"}),
        f"{INDENT * 2}}}",
        f"{INDENT}}}",
        "}",
    ]
    return "\n".join(lines)


def count_document(connection: Connection) -> str:
    """Return the document that asks how many records a filter finds, up to a limit."""
    root = f"{connection.root}Count"
    lines = [
        f"query {connection.operation}Count($query: String, $limit: Int) {{",
        f"{INDENT}{root}(query: $query, limit: $limit) {{ count }}",
        "}",
    ]
    return "\n".join(lines)


def count_of(data: t.Mapping[str, t.Any], connection: Connection) -> int | None:
    """Return the count in an answer; None if it says nothing."""
    counted = data.get(f"{connection.root}Count")
    return None if counted is None else int(counted["count"])


def bulk_document(connection: Connection, paths: t.Iterable[str], search: str | None = None) -> str:
    """Return the document for a bulk operation over a connection, filtered or whole.

    It has no variables, since Shopify takes none there. Without a filter it is in the order of the ids, in which
    nothing moves while it is read.
    """
    tree = _tree(paths)
    arguments = "sortKey: ID"
    if search is not None:
        arguments = f"query: {_quoted(search)}, sortKey: {connection.sort_key}"
    lines = [
        "{",
        f"{INDENT}{connection.root}({arguments}) {{",
        f"{INDENT * 2}edges {{",
        f"{INDENT * 3}node {{",
        *_render(tree, 4, {}),
        f"{INDENT * 3}}}",
        f"{INDENT * 2}}}",
        f"{INDENT}}}",
        "}",
    ]
    return "\n".join(lines)


def window_of_bulk(document: str, connection: Connection, paths: t.Iterable[str]) -> Window | None:
    """Return the window that a bulk document reads; None if it asks for anything else than these paths of it."""
    found = _BETWEEN.search(document)
    if found is None:
        return None
    window = Window(parse_instant(found[1]), parse_instant(found[2]))
    same = bulk_document(connection, paths, updated_between(window.start, window.end))
    return window if same == document else None


def needs_lines(paths: t.Iterable[str]) -> bool:
    """Say whether any path leads into a checkout's lines."""
    return any(path.startswith(f"{LINES}.") for path in paths)


def updated_between(start: datetime, end: datetime | None = None) -> str:
    """Return the search filter for records updated in [start, end).

    `>=` and `<` mean the same in every API version, which `>` does not, and the quotes keep the time of day.
    See https://shopify.dev/changelog/exclusive-timestamp-filters and https://shopify.dev/docs/api/usage/search-syntax.
    """
    lower = f"updated_at:>='{format_instant(start)}'"
    return lower if end is None else f"{lower} AND updated_at:<'{format_instant(end)}'"


def _quoted(text: str) -> str:
    # A JSON text is a GraphQL text: https://spec.graphql.org/October2021/#sec-String-Value.
    return json.dumps(text)


def _tree(paths: t.Iterable[str]) -> Tree:
    tree: Tree = {}
    _add(tree, paths)
    return tree


def _add(tree: Tree, paths: t.Iterable[str]) -> None:
    for path in paths:
        branch = tree
        for name in path.split("."):
            branch = branch.setdefault(name, {})


def _render(tree: Tree, depth: int, arguments: t.Mapping[str, str]) -> t.Iterator[str]:
    for name, branch in tree.items():
        head = f"{INDENT * depth}{name}{arguments.get(name, '')}"
        if branch:
            yield f"{head} {{"
            yield from _render(branch, depth + 1, {})
            yield f"{INDENT * depth}}}"
        else:
            yield head
