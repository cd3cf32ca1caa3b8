"""The result of a bulk operation, from bytes to whole nodes: in any order, cut anywhere, in bounded memory."""

import json
import sqlite3
import typing as t

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_shopify_contacts import bulk_lines
from tap_shopify_contacts.bulk_lines import Tally, decode_lines, joined_lines, joined_nodes, plain_nodes, whole_lines
from tap_shopify_contacts.errors import BulkFailed, FatalError

Node = dict[str, object]


class Named(msgspec.Struct):
    """A node with a name."""

    name: str | None = None


class Cart(Named):
    """A checkout with its lines."""

    lineItems: dict[str, t.Any] = {}  # noqa: N815 - Shopify's name.


def line(node: Node) -> bytes:
    """Return a line as Shopify writes it: compact, slashes escaped."""
    return json.dumps(node, separators=(",", ":"), ensure_ascii=False).replace("/", "\\/").encode() + b"\n"


def checkout(number: int) -> Node:
    return {"id": f"gid://shopify/AbandonedCheckout/{number}", "name": name_of(number)}


def name_of(number: int) -> str:
    return f"#{number} \u2028 }}\\"


def cart_line(number: int, place: int) -> Node:
    parent = f"gid://shopify/AbandonedCheckout/{number}"
    return {"id": f"gid://shopify/AbandonedCheckoutLineItem/{place}", "title": "{", "__parentId": parent}


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return the bytes in pieces that end at these places."""
    borders = sorted({min(place, len(data)) for place in places})
    return [data[a:b] for a, b in zip([0, *borders], [*borders, len(data)], strict=True)]


def joined(chunks: list[bytes]) -> tuple[list[Node], Tally]:
    tally = Tally()
    text = b"".join(joined_lines(whole_lines(chunks), tally))
    return [json.loads(each) for each in text.splitlines()], tally


@st.composite
def results(draw: st.DrawFn) -> tuple[list[int], list[Node]]:
    """Carts, and a result in which every line of a cart comes after its checkout, in the cart's order."""
    sizes = draw(st.lists(st.integers(0, 4), max_size=6))
    waiting = [[checkout(cart), *(cart_line(cart, place) for place in range(size))] for cart, size in enumerate(sizes)]
    nodes = []
    # Shopify writes checkouts in their order; their lines may come any time later.
    for cart in range(len(waiting)):
        nodes.append(waiting[cart].pop(0))
        for earlier in waiting[: cart + 1]:
            for _ in range(draw(st.integers(0, len(earlier)))):
                nodes.append(earlier.pop(0))
    while any(waiting):
        cart = draw(st.sampled_from([cart for cart, lines in enumerate(waiting) if lines]))
        nodes.append(waiting[cart].pop(0))
    return sizes, nodes


@given(results(), st.lists(st.integers(0, 3000), max_size=20))
def test_each_line_finds_its_checkout_however_they_are_mixed_and_cut(result, places):
    sizes, nodes = result
    found, tally = joined(cut(b"".join(map(line, nodes)), places))
    assert found == [
        {**checkout(cart), "lineItems": {"edges": [{"node": cart_line(cart, place)} for place in range(size)]}}
        for cart, size in enumerate(sizes)
    ]
    assert tally == Tally(len(nodes), len(sizes))


@given(st.lists(st.integers(0, 9), max_size=9), st.lists(st.integers(0, 500), max_size=9), st.booleans())
def test_lines_are_whole_wherever_the_connection_cuts_them(numbers, places, ends_in_a_line):
    data = b"".join(line(checkout(number)) for number in numbers)
    data = data if ends_in_a_line else data.rstrip(b"\n")
    assert b"".join(whole_lines(cut(data, places))) == data
    tally = Tally()
    nodes: list[object] = []
    for piece in plain_nodes(whole_lines(cut(data, places)), Named, tally):
        nodes += piece
    assert nodes == [Named(name_of(number)) for number in numbers]
    assert tally == Tally(len(numbers), len(numbers))


def test_a_checkout_comes_with_the_lines_of_its_cart_as_a_page_holds_them():
    data = b"".join(map(line, [checkout(1), checkout(2), cart_line(2, 0)]))
    assert [*joined_nodes(whole_lines([data]), Cart, Tally())] == [
        [Cart(name_of(1), {"edges": []}), Cart(name_of(2), {"edges": [{"node": cart_line(2, 0)}]})]
    ]


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [
        ([cart_line(1, 0)], "1 lines in the result of the bulk operation belong to no checkout in it."),
        (
            [checkout(1), cart_line(2, 0), cart_line(1, 0), cart_line(2, 1)],
            "2 lines in the result of the bulk operation belong to no checkout in it.",
        ),
        ([checkout(1), checkout(1)], "A checkout comes twice in the result of the bulk operation."),
        ([{"name": "#1"}], "A line in the result of the bulk operation has no id."),
    ],
)
def test_what_belongs_to_nothing_is_an_error_and_not_left_out(nodes, problem):
    with pytest.raises(BulkFailed) as caught:
        joined([b"".join(map(line, nodes))])
    assert caught.value.problem == problem


def test_nodes_come_typed_or_where_a_value_is_of_another_type_as_they_are():
    assert decode_lines(b'{"name":"a","more":1}\n{}\n', Named) == [Named("a"), Named()]
    assert decode_lines(b'{"name":"a"}\n{"name":1}\n', Named) == [{"name": "a"}, {"name": 1}]


@pytest.mark.parametrize("text", [b'{"id":"secret@example.com', b'{"id":"secret@example.com"\xff}\n', b"[1]\n"])
def test_a_broken_line_is_an_error_that_quotes_nothing(text):
    for read in (lambda: decode_lines(text, Named), lambda: joined([text])):
        with pytest.raises(BulkFailed) as caught:
            read()
        assert str(caught.value) == "A line in the result of the bulk operation is no JSON object."
        assert caught.value.__cause__ is None


def test_no_room_for_carts_is_told_in_one_line(monkeypatch):
    open_store = bulk_lines._open_store

    def open_small() -> sqlite3.Connection:
        store = open_store()
        store.execute("PRAGMA max_page_count = 6")
        return store

    monkeypatch.setattr(bulk_lines, "_open_store", open_small)
    data = b"".join(line({**checkout(number), "note": "secret" * 500}) for number in range(9))
    with pytest.raises(FatalError) as caught:
        list(joined_nodes(whole_lines([data]), Cart, Tally()))
    assert caught.value.problem.endswith("to put carts together: database or disk is full.")
