"""A contact database in which every kind of field has every kind of value, and conditions about it."""

from __future__ import annotations

import datetime as dt
import random
import typing as t
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from hypothesis import strategies as st

from target_contactdb import tables
from target_contactdb.admin.connect import Opened
from target_contactdb.admin.segment_fields import last_checkout, own_fields
from target_contactdb.causes import DEFAULT_CAUSES
from target_contactdb.conditions.fields import OPS, Known
from target_contactdb.conditions.times import Clock
from target_contactdb.conditions.tree import All, AnyOf, FieldTest, HasCheckout, Not, Op
from target_contactdb.database import open_database
from target_contactdb.engines import open_engine
from target_contactdb.fields import ContactField, FieldType

NOW = dt.datetime(2026, 10, 10, 12, tzinfo=dt.UTC)
CLOCK = Clock(NOW, ZoneInfo("Europe/Berlin"))

# A day in Berlin begins at 22:00 UTC the day before.
MOMENTS = [NOW - dt.timedelta(hours=hours) for hours in (0, 1, 14, 38, 62, 24 * 30)]
MOMENTS += [dt.datetime(2026, 10, 7, 22, tzinfo=dt.UTC), dt.datetime(2026, 10, 7, 21, 59, 59, 999999, tzinfo=dt.UTC)]
TEXTS = ["", " ", "Berlin", "berlin", "BERLIN ", "é", "É", "a_b%", "50%", "straße", "123"]
TAGS: list[list[t.Any]] = [[], ["vip"], ["VIP", "x"], ["é"], [1, "1", None, True, {"vip": 1}, ["vip"]], [123], ["vip "]]
VALUES: dict[FieldType, list[t.Any]] = {
    FieldType.TEXT: TEXTS,
    FieldType.EMAIL: ["Ann@Example.com", "ben@sub.example.com", "x@EXAMPLE.COM", "odd@example.com@example.org"],
    FieldType.PHONE: ["+49 30 123", "+4930123", "(030) 123-49", "+1/555.EXT", " ", "-"],
    FieldType.CHOICE: ["gold", "silver"],
    FieldType.INTEGER: [-1, 0, 1, 7],
    FieldType.DECIMAL: [Decimal(0), Decimal("12.5"), Decimal("12.5001"), Decimal("-3")],
    FieldType.DATE: [dt.date(2026, 10, day) for day in (7, 8, 9, 10)],
    FieldType.DATETIME: MOMENTS,
    FieldType.BOOLEAN: [True, False],
    FieldType.LIST: TAGS,
    FieldType.JSON: [{}, [], {"a": 1}, [0]],
}
FIELDS = tuple(
    ContactField(f"a_{kind}", kind, f"Some {kind}", ("gold", "silver") if kind is FieldType.CHOICE else ())
    for kind in FieldType
)
_CHECKOUT_VALUES: dict[str, list[t.Any]] = {
    "updated_at": MOMENTS,
    "total_price": VALUES[FieldType.DECIMAL],
    "line_items_quantity": VALUES[FieldType.INTEGER],
    "name": TEXTS,
}
_LINE_VALUES: dict[str, list[t.Any]] = {
    "title": ["Blue Shirt", "Mug", ""],
    "product_title": ["SHIRT", "Teapot"],
    "vendor": TEXTS,
    "product_id": VALUES[FieldType.INTEGER],
}
SHOP = "shop-a.myshopify.com"


def fill(url: str, contacts: int) -> None:
    """Fill a contact database with people who differ in everything."""
    dice = random.Random(7)
    engine = open_engine(url)
    database = open_database(engine, FIELDS, DEFAULT_CAUSES)
    people = [_contact(dice, number) for number in range(1, contacts + 1)]
    carts, lines = [], []
    for number in range(1, contacts * 2):
        created = dice.choice(MOMENTS)
        cart = {"shop": SHOP, "id": number, "contact_id": dice.randint(1, contacts), "created_at": created}
        cart |= {name: dice.choice(values) for name, values in _CHECKOUT_VALUES.items()}
        carts.append(cart | {"completed_at": dice.choice([None, None, NOW])})
        for position in range(dice.randint(0, 2)):
            line = {name: dice.choice([None, *values]) for name, values in _LINE_VALUES.items()}
            lines.append({"shop": SHOP, "checkout_id": number, "position": position, **line})
    closed = {"channel": "email", "cause": "blocked", "source": "protected", "at": NOW}
    with engine.begin() as connection:
        connection.execute(sa.insert(database.contacts), people)
        connection.execute(sa.insert(tables.checkouts), carts)
        connection.execute(sa.insert(tables.checkout_lines), lines)
        connection.execute(
            sa.insert(tables.suppressions),
            [{**closed, "address_hash": "h1", "lifted_at": None}, {**closed, "address_hash": "h2", "lifted_at": NOW}],
        )
    engine.dispose()


def _contact(dice: random.Random, number: int) -> dict[str, t.Any]:
    row = {
        "contact_id": number,
        "user_code": str(1000 + number),
        "email_status": dice.choice(["subscribed", "subscribed", "unsubscribed", "none"]),
        "email_address_hash": dice.choice([None, "h1", "h2", "h3"]),
        "email_status_at": dice.choice([None, *MOMENTS]),
        "email_unsubscription_cause": dice.choice([None, *DEFAULT_CAUSES[:3]]),
        "email_written_cause": dice.choice([None, *DEFAULT_CAUSES[:3]]),
        "created_at": dice.choice(MOMENTS),
        "updated_at": dice.choice(MOMENTS),
    }
    return row | {field.name: dice.choice([None, *VALUES[field.type]]) for field in FIELDS}


def records(database: Opened) -> list[dict[str, t.Any]]:
    """Return every contact as the record that a predicate is asked about: the fields of a segment by name."""
    connection = database.connection
    closed = {"h1"}
    carts = {row["contact_id"]: dict(row) for row in connection.execute(sa.select(last_checkout)).mappings()}
    lines: dict[int, list[t.Any]] = {}
    for line in connection.execute(sa.select(tables.checkout_lines)).mappings():
        lines.setdefault(line["checkout_id"], []).append(line)
    found = []
    for contact in connection.execute(sa.select(database.contacts)).mappings():
        record = dict(contact)
        record["may_email"] = (
            contact["email_status"] == "subscribed"
            and contact["email_unsubscription_cause"] in {None, contact["email_written_cause"]}
            and contact.get("email", "") is not None
            and contact["email_address_hash"] is not None
            and contact["email_address_hash"] not in closed
        )
        record["may_sms"] = False
        cart = carts.get(contact["contact_id"])
        record["has checkout"] = cart is not None
        if cart is not None:
            own = lines.get(cart["checkout_id"], [])
            record |= {f"checkout.{name}": value for name, value in cart.items()}
            record |= {f"checkout.{name}": [line[name] for line in own] for name in tables.checkout_lines.c.keys()}  # noqa: SIM118
            record["checkout.name"] = cart["name"]
            record["checkout.shop"] = cart["shop"]
            record["checkout.currency"] = cart["currency"]
            record["checkout.total_price"] = cart["total_price"]
            record["checkout.product"] = [line[name] for line in own for name in ("title", "product_title")]
        found.append(record)
    return found


_ASKED: dict[FieldType, list[str]] = {
    FieldType.TEXT: ["berlin", "BER", "é", "É", "_", "%", "123", "berlin ", "shirt", "mug", "ß"],
    FieldType.EMAIL: ["ann@example.com", "EXAMPLE", "@", "odd"],
    FieldType.PHONE: ["+49 30 123", "4930123", "+49", "49", "(030)", "ext", "555 Ext"],
    FieldType.INTEGER: ["0", "1", "2.5", "-1"],
    FieldType.DECIMAL: ["0", "12.5", "12.5001", "-3", "100"],
    FieldType.DATE: ["2026-10-08", "2026-10-09", "2 days ago"],
    FieldType.DATETIME: ["2026-10-08", "2026-10-08T00:00", "2026-10-10T12:00Z", "1 hours ago", "2 days ago"],
    FieldType.BOOLEAN: ["true", "no"],
    FieldType.LIST: ["vip", "VIP", "É", "1", "123", "true", "vip "],
}


_DOMAINS = ("example.com", "@Sub.example.com", "example.org", "ample.com")
_SPANS = ("1 days", "3 days", "1 weeks")


def fields() -> list[Known]:
    """Return every field that there is."""
    return [*own_fields(DEFAULT_CAUSES), *(Known(one.name, one.type, one.label, one.choices) for one in FIELDS)]


def single_tests(field: Known) -> t.Iterator[FieldTest]:
    """Yield the tests of a field: every operator, with every value that is worth asking for."""
    values = [(value,) for value in _ASKED.get(field.type) or field.choices]
    by_op: dict[Op, list[tuple[str, ...]]] = {
        Op.IS_SET: [()],
        Op.IS_EMPTY: [()],
        Op.DOMAIN_IN: [(domain,) for domain in _DOMAINS],
        Op.WITHIN: [(span,) for span in _SPANS],
    }
    for op in sorted(OPS[field.type]):
        for asked in by_op.get(op, values):
            yield FieldTest(field.name, op, asked)


def conditions() -> st.SearchStrategy[t.Any]:
    """Return conditions over every field, every operator and every way to join them."""
    tests = [test for field in fields() for test in single_tests(field)]
    several = st.builds(
        FieldTest,
        st.sampled_from(["a_text", "a_list", "a_integer", "a_decimal", "checkout.vendor"]),
        st.sampled_from([Op.IN, Op.NOT_IN]),
        st.lists(st.sampled_from(["1", "123"]), min_size=1).map(tuple),
    )
    leaves = st.one_of(st.sampled_from(tests), several, st.just(HasCheckout()))
    return st.recursive(
        leaves,
        lambda parts: st.one_of(
            st.lists(parts, min_size=2, max_size=3).map(tuple).map(All),
            st.lists(parts, min_size=2, max_size=3).map(tuple).map(AnyOf),
            parts.map(Not),
        ),
        max_leaves=5,
    )
