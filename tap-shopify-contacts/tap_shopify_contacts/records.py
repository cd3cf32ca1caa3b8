"""Turns nodes of Shopify's answers into records of a stream."""

from __future__ import annotations

import typing as t
from functools import cached_property

import msgspec

from tap_shopify_contacts.compiled import Node, Record, TypedReader, as_dict, compile_reader, node_type
from tap_shopify_contacts.errors import UnexpectedAnswer

if t.TYPE_CHECKING:
    from tap_shopify_contacts.fields import Field

_WRONG_FORM = (ValueError, ArithmeticError, TypeError, AttributeError, KeyError)


class RecordReader:
    """Reads the selected fields, without those that Shopify denies."""

    def __init__(self, fields: t.Sequence[Field], *, version: str, shop: str, denied: t.Collection[str] = ()) -> None:
        """Prepare to read the selected fields; those that need a denied path are left out."""
        self._fields = tuple(fields)
        self._version = version
        self._shop = shop
        self._denied = frozenset(denied)
        reads = [(field.name, field.reader(version, denied) if field.paths else lambda node: shop) for field in fields]
        self._reads = [(name, read) for name, read in reads if read is not None]
        self.left_out = tuple(name for name, read in reads if read is None)

    @cached_property
    def node_type(self) -> type[msgspec.Struct]:
        """The type to decode nodes into, for `read_all` to read them fast."""
        return node_type(self._fields, self._version)

    @cached_property
    def _read_typed(self) -> TypedReader:
        return compile_reader(self._fields, version=self._version, shop=self._shop, denied=self._denied)

    def read_all(self, nodes: t.Sequence[Node]) -> list[Record]:
        """Return the records of nodes, decoded into `node_type` or as dictionaries.

        Raises:
            UnexpectedAnswer: If a value has another form than Shopify documents. The message names the field only.
        """
        read_typed = self._read_typed
        try:
            return [read_typed(node) for node in nodes]
        except _WRONG_FORM:
            # Some are dictionaries, or a value has another form.
            return [self._read_either(node) for node in nodes]

    def _read_either(self, node: Node) -> Record:
        try:
            return self._read_typed(node)
        except _WRONG_FORM:
            # The compiled code does not know which field failed.
            return self.read(as_dict(node))

    def read(self, node: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Return the record of a node.

        Raises:
            UnexpectedAnswer: If a value has another form than Shopify documents. The message names the field only.
        """
        record: dict[str, t.Any] = {}
        name = ""
        try:
            for name, read in self._reads:
                record[name] = read(node)
        except _WRONG_FORM:
            # Not chained: the cause's text may quote the value.
            raise UnexpectedAnswer(
                f"Shopify's value for the field {name} has a form that this API version does not document.",
                "Deselect the field, and report it with the API version.",
            ) from None
        return record
