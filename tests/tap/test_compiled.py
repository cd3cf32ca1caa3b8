"""A compiled reader says the same of every node as the fields' own readers: values, their order, and errors."""

import typing as t
from copy import deepcopy
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_shopify_contacts.checkout_fields import CHECKOUT_FIELDS
from tap_shopify_contacts.compiled import as_dict, compile_reader, node_type
from tap_shopify_contacts.customer_fields import CUSTOMER_FIELDS
from tap_shopify_contacts.errors import UnexpectedAnswer
from tap_shopify_contacts.fields import TEXT, Field
from tap_shopify_contacts.records import RecordReader

SHOP = "my-shop.myshopify.com"
VERSIONS = ("2026-01", "2026-10")
KINDS = (CUSTOMER_FIELDS, CHECKOUT_FIELDS)

USUAL: dict[str, t.Any] = {
    "attributes": [{"key": "Gift", "value": None}],
    "average_amount": "10.0",
    "global_id": "gid://shopify/Thing/9007199254740993?a=b",
    "instant": "2026-11-01T12:00:00Z",
    "money": "0.30",
    "total_quantity": 3,
    "whole_number": "9007199254740993",
    "array": ["a"],
    "boolean": True,
    "integer": 3,
    "string": "Ä",
}

ANYTHING = st.one_of(
    st.none(),
    st.sampled_from(["", "REDACTED", "NEVER_SUBSCRIBED", "A_STATE_OF_2027", "2026-01-01T02:00:00+02:00", "0", "1.50"]),
    st.sampled_from([0, 3, 2**70, True, 1.5, [], {}, ["a"], {"key": "k"}, {"node": None}, [None]]),
    st.text(max_size=5),
)


def usual_node(fields: t.Iterable[Field], version: str) -> dict[str, t.Any]:
    """Return a node in which every field has a value."""
    node: dict[str, t.Any] = {}
    for field in fields:
        if field.parts:
            below = usual_node(field.parts, version)
            put(node, field.paths[0], [{"node": below}] if field.part_prefix.endswith(".node.") else below)
            continue
        for path in field.read_paths(version):
            edges, through_edges, _ = path.partition(".node.")
            value = USUAL.get(field.make.__name__, USUAL.get(field.kind.schema["type"]))
            put(node, edges if through_edges else path, [{"node": {"quantity": 3}}] if through_edges else value)
    return node


def put(node: dict[str, t.Any], path: str, value: t.Any) -> None:
    """Put a value where a path leads."""
    *way, name = path.split(".")
    for part in way:
        node = node.setdefault(part, {})
    node.setdefault(name, value)


def places(value: t.Any) -> t.Iterator[tuple[t.Any, t.Any]]:
    """Yield every place in a node: what holds it, and its name or position there."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def outcome(read: t.Callable[[], t.Any]) -> t.Any:
    """Return the record with its properties in their order, or the words of the error."""
    try:
        return list(as_dict(read()).items())
    except UnexpectedAnswer as error:
        return str(error)


def both(reader: RecordReader, node: dict[str, t.Any]) -> tuple[t.Any, t.Any]:
    """Return what the compiled reader makes of a node, and what the fields' own readers do."""
    line = msgspec.json.encode(node)
    plain = msgspec.json.decode(line)
    try:
        typed = msgspec.json.decode(line, type=reader.node_type)
    except msgspec.ValidationError:
        # Such a page is decoded without types.
        typed = plain
    return outcome(lambda: reader.read_all([typed])[0]), outcome(lambda: reader.read(plain))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("fields", KINDS, ids=["customers", "checkouts"])
def test_a_whole_node_reads_alike_and_by_compiled_code(fields, version):
    node = usual_node(fields, version)
    typed = msgspec.json.decode(msgspec.json.encode(node), type=node_type(fields, version))
    record = compile_reader(fields, version=version, shop=SHOP)(typed)
    assert as_dict(record) == RecordReader(fields, version=version, shop=SHOP).read(node)
    assert record["updated_at"] == "2026-11-01T12:00:00Z"
    assert None not in as_dict(record).values()


@given(
    fields=st.sampled_from(KINDS),
    version=st.sampled_from(VERSIONS),
    changes=st.lists(st.tuples(st.integers(0, 500), ANYTHING), max_size=5),
)
def test_a_node_of_any_form_reads_alike(fields, version, changes):
    node = usual_node(fields, version)
    for number, value in changes:
        found = list(places(node))
        holder, key = found[number % len(found)]
        holder[key] = deepcopy(value)
    fast, slow = both(RecordReader(fields, version=version, shop=SHOP), node)
    assert fast == slow


@given(fields=st.sampled_from(KINDS), absent=st.lists(st.integers(0, 500), max_size=5), data=st.data())
def test_whatever_is_denied_or_absent_reads_alike(fields, absent, data):
    node = usual_node(fields, "2026-10")
    for number in absent:
        found = [place for place in places(node) if isinstance(place[0], dict) and place[1] != "node"]
        holder, key = found[number % len(found)]
        del holder[key]
    paths = {path for field in fields for path in field.asked_paths("2026-10")}
    paths |= {path.rpartition(".")[0] for path in paths} - {""}
    denied = data.draw(st.sets(st.sampled_from(sorted(paths)), max_size=4))
    fast, slow = both(RecordReader(fields, version="2026-10", shop=SHOP, denied=denied), node)
    assert fast == slow


def test_money_is_the_same_digits_and_large_numbers_are_exact():
    node = usual_node(CUSTOMER_FIELDS, "2026-10")
    node["amountSpent"]["amount"] = "90071992547409.930"
    fast, _ = both(RecordReader(CUSTOMER_FIELDS, version="2026-10", shop=SHOP), node)
    record = dict(fast)
    assert (record["id"], record["last_order_id"]) == (9007199254740993, 9007199254740993)
    assert str(record["orders_total_spent"]) == "90071992547409.930"
    assert isinstance(record["orders_total_spent"], Decimal)


@pytest.mark.parametrize("name", ["a b", "class", "x(1)", "__import__('os')", ""])
def test_nothing_but_names_becomes_code(name):
    with pytest.raises(ValueError, match="cannot be the name of a property"):
        compile_reader([Field(name, "Label", TEXT, "A text.", ("note",))], version="2026-10", shop=SHOP)
    with pytest.raises(ValueError, match="cannot be the name of a property"):
        compile_reader([Field("note", "Label", TEXT, "A text.", (f"inner.{name}",))], version="2026-10", shop=SHOP)
