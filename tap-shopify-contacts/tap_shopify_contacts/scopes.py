"""Which access scopes the selected fields need, and what works without those that the app lacks. Pure.

What each scope opens is in the descriptions of the Admin API's types:
https://shopify.dev/docs/api/usage/access-scopes.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tap_shopify_contacts.documents import ABANDONED_CHECKOUTS, CUSTOMERS, LINE_NODE, Connection
from tap_shopify_contacts.fields import Field, is_denied

SCOPES_DOCUMENT = "query Scopes { currentAppInstallation { accessScopes { handle } } }"


@dataclass(frozen=True)
class Need:
    """What one place of a stream needs: any one of some scopes. The empty path is the stream itself."""

    path: str
    scopes: tuple[str, ...]


_ORDERS = ("read_orders", "read_marketplace_orders", "read_quick_sale")
_NEEDS: t.Mapping[str, tuple[Need, ...]] = {
    CUSTOMERS.root: (Need("", ("read_customers",)), Need("lastOrder", _ORDERS)),
    ABANDONED_CHECKOUTS.root: (
        Need("", ("read_orders",)),
        Need("customer", ("read_customers",)),
        Need(f"{LINE_NODE}.product", ("read_products",)),
        Need(f"{LINE_NODE}.variant", ("read_products",)),
    ),
}


@dataclass(frozen=True)
class Lack:
    """What one stream lacks: a scope, and the fields that need it. Without fields it is the stream itself."""

    stream: str
    scope: str
    fields: tuple[str, ...]


def scopes_in(data: t.Mapping[str, t.Any]) -> frozenset[str]:
    """Return the scopes in the answer to `SCOPES_DOCUMENT`; to write something includes to read it."""
    installation = data.get("currentAppInstallation") or {}
    handles = {str(scope["handle"]) for scope in installation.get("accessScopes") or ()}
    return frozenset(
        handles | {handle.replace("write_", "read_", 1) for handle in handles if handle.startswith("write_")}
    )


def lacks_of(
    stream: str, connection: Connection, fields: t.Sequence[Field], version: str, granted: t.Collection[str]
) -> tuple[Lack, ...]:
    """Return what a stream lacks, each scope once, the stream's own first. Where there are several, the usual one."""
    missing: dict[str, list[str]] = {}
    for need in _NEEDS.get(connection.root, ()):
        if any(scope in granted for scope in need.scopes):
            continue
        if not need.path:
            return (Lack(stream, need.scopes[0], ()),)
        names = _fields_at(need.path, fields, version)
        if names:
            missing.setdefault(need.scopes[0], []).extend(names)
    return tuple(Lack(stream, scope, tuple(dict.fromkeys(names))) for scope, names in missing.items())


def _fields_at(path: str, fields: t.Sequence[Field], version: str, prefix: str = "", within: str = "") -> list[str]:
    """Return the names of the fields that need a path, those inside of others as `outer.inner`."""
    names: list[str] = []
    for field in fields:
        if field.parts:
            names += _fields_at(path, field.parts, version, f"{prefix}{field.part_prefix}", f"{within}{field.name}.")
        elif any(is_denied(asked, (path,)) for asked in field.asked_paths(version, prefix)):
            names.append(f"{within}{field.name}")
    return names


def tell(lacks: t.Sequence[Lack], streams: t.Iterable[str]) -> str:
    """Return what the app lacks and what can be read all the same, in two sentences."""
    uses: dict[str, list[str]] = {}
    for lack in lacks:
        use = f"{', '.join(lack.fields)} of {lack.stream}" if lack.fields else f"all of {lack.stream}"
        uses.setdefault(lack.scope, []).append(use)
    missing = " and ".join(f"{scope} (for {' and for '.join(of_scope)})" for scope, of_scope in uses.items())
    closed = {lack.stream for lack in lacks if not lack.fields}
    partly = {lack.stream for lack in lacks if lack.fields}
    works = [
        f"{stream} without these fields" if stream in partly else stream for stream in streams if stream not in closed
    ]
    rest = f"{' and '.join(works)} can" if works else "nothing can"
    return f"The app lacks {missing}. Without {'it' if len(uses) == 1 else 'them'} {rest} be read."
