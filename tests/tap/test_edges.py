"""The edges of what may arrive: borders of windows, nulls wherever the schema allows them, large ids, every amount."""

import typing as t
from datetime import timedelta
from decimal import Decimal

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest
from graphql import (
    FieldNode,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_enum_type,
    is_list_type,
    parse,
)

from shopify_sandbox.schema import build_schema
from tap_shopify_contacts.compiled import as_dict
from tap_shopify_contacts.documents import page_document
from tap_shopify_contacts.metafields import Metafield, metafield_fields
from tap_shopify_contacts.plans import CHECKOUT_STREAM, CUSTOMER_STREAM, StreamPlan
from tap_shopify_contacts.records import RecordReader
from tap_shopify_contacts.settings import API_VERSIONS
from tap_shopify_contacts.times import format_instant, parse_instant
from tests.tap.helpers import LineWriter, Output, config_of, requests_of, run_tap, truth_of

SHOP = "sandbox.myshopify.com"
SCALARS: dict[str, t.Any] = {
    "Boolean": True,
    "DateTime": "2026-11-01T12:00:00Z",
    "Decimal": "0.1",
    "ID": "gid://shopify/Thing/9007199254740993?key=a",
    "Int": 3,
    "String": "text",
    "URL": "https://example.com/x",
    "UnsignedInt64": "9007199254740993",
}
NEW_VALUE = "A_VALUE_OF_2031"
"""What every enumeration holds here: a value that the schema does not know yet."""


# Borders of windows


def same_second(sandbox, moment: str, count: int) -> set[int]:
    """Change some customers in the one second; return who they are."""
    numbers = [customer["id"] for customer in truth_of(sandbox, "customers")[:count]]
    for number in numbers:
        sandbox.control("POST", "clock", {"set": moment})
        sandbox.control("PATCH", f"customers/{number}", {"note": "changed in this second"})
    return set(numbers)


def test_records_of_the_second_in_which_a_window_ends_come_once(small):
    moment = "2026-11-20T12:00:00Z"
    changed = same_second(small, moment, 7)
    small.control("POST", "clock", {"set": "2026-12-24T12:00:00Z"})
    start = parse_instant(moment) - timedelta(days=30)
    config = config_of(small, extraction="pages", start_date=format_instant(start), page_size=3)
    output = run_tap(config, select="customers")
    borders = [entry.get("replication_key_value") for entry in output.bookmarks("customers")]
    assert moment in borders
    of_second = [record["id"] for record in output.records("customers") if record["updated_at"] == moment]
    assert (len(of_second), set(of_second)) == (7, changed)


@pytest.mark.parametrize(("ends_at", "expected"), [("2026-11-20T12:00:00Z", 0), ("2026-11-20T12:00:01Z", 7)])
def test_the_second_in_which_a_run_ends_belongs_to_the_next_one(small, ends_at, expected):
    first_clock = format_instant(parse_instant(ends_at) + timedelta(seconds=120))
    same_second(small, "2026-11-20T12:00:00Z", 7)
    config = config_of(small, lookback_seconds=0, start_date="2026-11-20T00:00:00Z", order_refresh=False)
    small.control("POST", "clock", {"set": first_clock})
    first = run_tap(config, select="customers")
    assert first.bookmarks("customers")[0]["until"] == ends_at
    small.control("POST", "clock", {"advance_seconds": 3600})
    second = run_tap(config, select="customers", state=first.states[-1])
    assert (len(first.records("customers")), len(second.records("customers"))) == (expected, 7 - expected)


def test_a_kill_costs_the_window_that_was_being_read_and_no_more(quiet):
    class Killed(Exception):
        pass

    def kill(count: int) -> None:
        if count == 30:
            raise Killed

    writer = LineWriter(kill)
    config = config_of(quiet, extraction="pages", lookback_seconds=0, order_refresh=False)
    with pytest.raises(Killed):
        run_tap(config, select="customers", writer=writer)
    killed = Output(writer.lines)
    reached = killed.bookmarks("customers")[-1]["replication_key_value"]
    again = run_tap(config, select="customers", state=killed.states[-1])
    assert min(record["updated_at"] for record in again.records("customers")) >= reached
    both = [*killed.records("customers"), *again.records("customers")]
    assert {record["id"] for record in both} == {customer["id"] for customer in truth_of(quiet, "customers")}
    twice = {record["id"] for record in killed.records("customers")} & again.latest("customers").keys()
    assert {number for number in twice if again.latest("customers")[number]["updated_at"] < reached} == set()


# Amounts and ids


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1500.0", "JPY"),
        ("0.125", "KWD"),
        ("0.30000000000000004", "EUR"),
        ("0.1", "EUR"),
        ("90071992547409.93", "USD"),
        ("12345678901234567890.1234", "IRR"),
        ("-0.01", "EUR"),
        ("0.0", "EUR"),
    ],
)
def test_an_amount_of_any_currency_keeps_its_digits_on_the_way_to_the_line(quiet, amount, currency):
    node = {
        "legacyResourceId": "18446744073709551615",
        "updatedAt": "2026-11-01T11:00:00Z",
        "amountSpent": {"amount": amount, "currencyCode": currency},
        "lastOrder": {"id": "gid://shopify/Order/9007199254740993"},
    }
    page = {"edges": [{"node": node}], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    body = {"data": {"customers": page}}
    quiet.control("POST", "faults", {"kind": "http_status", "status": 200, "body": body, "operation": "Customers"})
    wanted = {"orders_total_spent", "currency", "last_order_id"}
    deselect = [field.name for field in CUSTOMER_STREAM.fields if field.name not in wanted]
    state = {"bookmarks": {"customers": {"replication_key": "updated_at", "replication_key_value": "2026-11-01"}}}
    config = config_of(quiet, extraction="pages", order_refresh=False)
    output = run_tap(config, select="customers", deselect=deselect, state=state)
    (line,) = [line for line in output.lines if b'"RECORD"' in line]
    assert f'"orders_total_spent":{amount},"currency":"{currency}"'.encode() in line
    assert b'"id":18446744073709551615,' in line
    assert b'"last_order_id":9007199254740993' in line
    assert len(requests_of(quiet, "Customers")) == 1


# Nulls and unknown values, from the schema itself

Path = tuple[str, ...]


class Nodes:
    """Nodes as the schema of a version allows them, for the whole document of a stream."""

    def __init__(self, plan: StreamPlan, version: str) -> None:
        self.fields = (*plan.fields, *metafield_fields([Metafield("loyalty", "points")]))
        if plan is CHECKOUT_STREAM:
            self.fields = plan.fields
        paths = [path for field in self.fields for path in field.asked_paths(version)]
        (operation,) = parse(page_document(plan.connection, paths)).definitions
        assert isinstance(operation, OperationDefinitionNode)
        selection = operation.selection_set
        for name in (plan.connection.root, "edges", "node"):
            selection = next(
                field.selection_set
                for field in selection.selections
                if isinstance(field, FieldNode) and field.name.value == name and field.selection_set
            )
        self._selection = selection
        self._type = t.cast("GraphQLObjectType", build_schema(version).type_map[plan.connection.node_type])
        self.nullable: list[Path] = []
        self.full = self._object(self._type, selection, (), None)

    def without(self, path: Path) -> dict[str, t.Any]:
        """Return the full node with a null at one place."""
        return self._object(self._type, self._selection, (), path)

    def _object(
        self, kind: GraphQLObjectType, selection: SelectionSetNode, at: Path, missing: Path | None
    ) -> dict[str, t.Any]:
        node: dict[str, t.Any] = {}
        for field in selection.selections:
            assert isinstance(field, FieldNode)
            name = field.alias.value if field.alias else field.name.value
            below = (*at, name)
            returned = kind.fields[field.name.value].type
            if not isinstance(returned, GraphQLNonNull) and missing is None:
                self.nullable.append(below)
            node[name] = None if below == missing else self._value(returned, field, below, missing)
        return node

    def _value(self, returned: GraphQLOutputType, field: FieldNode, at: Path, missing: Path | None) -> t.Any:
        inner = returned.of_type if isinstance(returned, GraphQLNonNull) else returned
        named = get_named_type(returned)
        value: t.Any
        if isinstance(named, GraphQLObjectType):
            assert field.selection_set is not None
            value = self._object(named, field.selection_set, at, missing)
        else:
            value = NEW_VALUE if is_enum_type(named) else SCALARS[named.name]
        return [value] if is_list_type(inner) else value


@pytest.mark.parametrize("version", API_VERSIONS)
@pytest.mark.parametrize("plan", [CUSTOMER_STREAM, CHECKOUT_STREAM], ids=lambda plan: plan.name)
def test_a_null_is_read_wherever_the_schema_allows_one(plan, version):
    nodes = Nodes(plan, version)
    reader = RecordReader(nodes.fields, version=version, shop=SHOP)
    decoder = msgspec.json.Decoder(reader.node_type, float_hook=Decimal)
    encoder = msgspec.json.Encoder(decimal_format="number")
    properties = {field.name: field.to_schema() for field in nodes.fields}
    validator = jsonschema.Draft202012Validator({"type": "object", "properties": properties, "required": [*properties]})
    assert len(nodes.nullable) > 20
    for path in [None, *nodes.nullable]:
        node = nodes.full if path is None else nodes.without(path)
        record = reader.read(node)
        typed, untyped = (as_dict(read) for read in reader.read_all([decoder.decode(msgspec.json.encode(node)), node]))
        assert record == typed == untyped, path
        # To a validator a decimal is a number only as a float; its digits do not matter here.
        validator.validate(msgspec.json.decode(encoder.encode(record)))


@pytest.mark.parametrize("version", API_VERSIONS)
def test_a_value_that_no_list_knows_yet_is_passed_on(version):
    nodes = Nodes(CUSTOMER_STREAM, version)
    record = RecordReader(nodes.fields, version=version, shop=SHOP).read(nodes.full)
    states = {
        "email_marketing_state",
        "email_marketing_opt_in_level",
        "sms_marketing_state",
        "sms_marketing_opt_in_level",
        "account_state",
        "country_code",
        "currency",
        "last_order_currency",
        "predicted_spend_tier",
        "rfm_group",
    }
    assert {name for name, value in record.items() if value == NEW_VALUE} == states
