"""What a segment can ask about: the contact, its consent, and its last abandoned checkout."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa
from typing_extensions import override

from target_contactdb.admin.permission import contactable
from target_contactdb.conditions.checked import asks_for_checkout, fields_of
from target_contactdb.conditions.fields import Catalogue, Known
from target_contactdb.conditions.sql import Columns
from target_contactdb.consent_values import Source, Status
from target_contactdb.fields import FieldType
from target_contactdb.tables import BIG_ID, CHANNELS, checkout_lines, checkouts, unsubscription_causes

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from target_contactdb.admin.connect import Opened
    from target_contactdb.conditions.checked import Checked

_CHECKOUT_FIELDS: t.Final = {
    "shop": FieldType.TEXT,
    "name": FieldType.TEXT,
    "created_at": FieldType.DATETIME,
    "updated_at": FieldType.DATETIME,
    "abandoned_checkout_url": FieldType.TEXT,
    "currency": FieldType.TEXT,
    "subtotal_price": FieldType.DECIMAL,
    "total_line_items_price": FieldType.DECIMAL,
    "total_discounts": FieldType.DECIMAL,
    "total_tax": FieldType.DECIMAL,
    "total_price": FieldType.DECIMAL,
    "presentment_currency": FieldType.TEXT,
    "presentment_total_price": FieldType.DECIMAL,
    "line_items_quantity": FieldType.INTEGER,
}
"""Columns of the view `last_checkout`."""

_LINE_FIELDS: t.Final = {
    "product": (FieldType.TEXT, ("title", "product_title")),
    "variant_title": (FieldType.TEXT, ("variant_title",)),
    "sku": (FieldType.TEXT, ("sku",)),
    "vendor": (FieldType.TEXT, ("vendor",)),
    "product_type": (FieldType.TEXT, ("product_type",)),
    "product_handle": (FieldType.TEXT, ("product_handle",)),
    "product_id": (FieldType.INTEGER, ("product_id",)),
    "variant_id": (FieldType.INTEGER, ("variant_id",)),
}
"""Fields of many values, one for each line of the last checkout and each of the columns."""

_ALSO: t.Final = {
    "tag": "tags",
    "checkout.price": "checkout.total_price",
    # What the columns are called that it looks at.
    "checkout.title": "checkout.product",
    "checkout.product_title": "checkout.product",
}
_PREFIX: t.Final = "checkout."

last_checkout: t.Final = sa.table(
    "last_checkout",
    sa.column("contact_id", BIG_ID),
    sa.column("checkout_id", sa.BigInteger),
    *(sa.column(name, checkouts.c[name].type) for name in _CHECKOUT_FIELDS),
)


def own_fields(causes: Sequence[str]) -> list[Known]:
    """Return the fields that every contact has, whatever its contact fields are.

    Args:
        causes: The declared unsubscription causes.
    """
    fields = [
        Known("contact_id", FieldType.INTEGER),
        Known("user_code", FieldType.TEXT, "User Code"),
        Known("created_at", FieldType.DATETIME),
        Known("updated_at", FieldType.DATETIME),
        Known("last_operation_id", FieldType.INTEGER),
    ]
    for channel in CHANNELS:
        fields += [
            Known(f"{channel}_status", FieldType.CHOICE, choices=tuple(Status)),
            Known(f"{channel}_status_source", FieldType.CHOICE, choices=tuple(Source)),
            Known(f"{channel}_unsubscription_cause", FieldType.CHOICE, choices=tuple(causes)),
            Known(f"{channel}_status_at", FieldType.DATETIME),
            Known(f"{channel}_opted_in_at", FieldType.DATETIME),
            Known(f"{channel}_opted_out_at", FieldType.DATETIME),
            Known(f"may_{channel}", FieldType.BOOLEAN),
        ]
    fields += [Known(f"{_PREFIX}{name}", kind) for name, kind in _CHECKOUT_FIELDS.items()]
    fields += [Known(f"{_PREFIX}{name}", kind, many=True) for name, (kind, _columns) in _LINE_FIELDS.items()]
    return fields


def catalogue(database: Opened) -> Catalogue:
    """Return every field that a segment of this database can ask about."""
    statement = sa.select(unsubscription_causes.c.cause).order_by(unsubscription_causes.c.position)
    causes = database.connection.execute(statement).scalars().all()
    fields = (Known(field.name, field.type, field.label, field.choices) for field in database.fields.values())
    return Catalogue([*own_fields(causes), *fields], also=_ALSO, has_checkout=True)


class ContactColumns(Columns):
    """The fields of a contact, and of its last checkout, in one statement."""

    def __init__(self, contacts: sa.Table, checkout: sa.FromClause = last_checkout) -> None:
        """Make it.

        Args:
            contacts: `contacts` with all its contact fields.
            checkout: The contact's last checkout: the view, or rows with `checkout_columns`.
        """
        self._contacts, self._checkout = contacts, checkout

    @override
    def test(
        self, field: Known, build: Callable[[sa.ColumnElement[t.Any]], sa.ColumnElement[bool]]
    ) -> sa.ColumnElement[bool]:
        if field.name.startswith(_PREFIX):
            name = field.name.removeprefix(_PREFIX)
            return build(self._checkout.c[name]) if not field.many else self._of_a_line(name, build)
        if field.name.startswith("may_") and field.name not in self._contacts.c:
            return build(contactable(self._contacts, field.name.removeprefix("may_")))
        return build(self._contacts.c[field.name])

    def _of_a_line(
        self, name: str, build: Callable[[sa.ColumnElement[t.Any]], sa.ColumnElement[bool]]
    ) -> sa.ColumnElement[bool]:
        lines = checkout_lines
        _kind, columns = _LINE_FIELDS[name]
        return sa.exists().where(
            lines.c.shop == self._checkout.c.shop,
            lines.c.checkout_id == self._checkout.c.checkout_id,
            sa.or_(*(build(lines.c[column]) for column in columns)),
        )

    @override
    def has_checkout(self) -> sa.ColumnElement[bool]:
        return self._checkout.c.checkout_id.is_not(None)


def checkout_columns() -> list[sa.ColumnElement[t.Any]]:
    """Return what a condition can ask of a row of `checkouts`, named as in the view `last_checkout`."""
    return [checkouts.c.id.label("checkout_id"), *(checkouts.c[name] for name in _CHECKOUT_FIELDS)]


def rows_of(contacts: sa.Table, tree: Checked) -> sa.FromClause:
    """Return what a condition is asked of: `contacts`, with the last checkout where the condition asks about it."""
    if asks_for_checkout(tree) or any(field.name.startswith(_PREFIX) for field in fields_of(tree)):
        return contacts.outerjoin(last_checkout, last_checkout.c.contact_id == contacts.c.contact_id)
    return contacts
