"""The search language and its warnings."""

import pytest

from shopify_sandbox.search import And, Not, Or, Term, parse, parsed_form
from shopify_sandbox.versions import VERSIONS
from tests.sandbox.conftest import served


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("bob", Term(None, "bob")),
        ("state:DISABLED", Term("state", "DISABLED")),
        ("updated_at:>='2026-11-01T10:00:00Z'", Term("updated_at", "2026-11-01T10:00:00Z", ">=", quoted=True)),
        ('email:"a b@example.com"', Term("email", "a b@example.com", quoted=True)),
        ("order_date: >='2024-01-01'", Term("order_date", "2024-01-01", ">=", quoted=True)),
        ("updated_at:<2026-11-01T10:00:00Z", Term("updated_at", "2026-11-01T10:00:00Z", "<")),
        ("a:1 b:2", And((Term("a", "1"), Term("b", "2")))),
        ("a:1 AND b:2 OR c:3", Or((And((Term("a", "1"), Term("b", "2"))), Term("c", "3")))),
        ("a:1 (b:2 OR c:3)", And((Term("a", "1"), Or((Term("b", "2"), Term("c", "3")))))),
        ("-tag:X", Not(Term("tag", "X"))),
        ("NOT tag:X y", And((Not(Term("tag", "X")), Term(None, "y")))),
        ("-(a:1 OR b:2)", Not(Or((Term("a", "1"), Term("b", "2"))))),
        ("jean-luc", Term(None, "jean-luc")),
        (r"note:'it\'s'", Term("note", "it's", quoted=True)),
        ("(((", None),
        ("a:1 ) b:2", And((Term("a", "1"), Term("b", "2")))),
    ],
)
def test_text_becomes_a_tree(text, tree):
    assert parse(text) == tree


def test_the_tree_is_told_in_shopifys_form():
    tree = parse("updated_at:>'A' (state:X OR -bob)")
    assert tree is not None
    assert parsed_form(tree) == {
        "and": [
            {"field": "updated_at", "range": {"gt": "A"}},
            {"or": [{"field": "state", "match_all": "X"}, {"not": {"field": "default", "match_all": "bob"}}]},
        ]
    }


def found(sandbox, query, version="2026-10", field="customers"):
    text = f"query($q: String) {{ {field}(first: 250, query: $q) {{ nodes {{ id }} }} }}"
    answer = sandbox.graphql(text, {"q": query}, version)
    return {int(node["id"].rsplit("/", 1)[1]) for node in answer["data"][field]["nodes"]}, answer["extensions"]


@pytest.fixture(scope="module")
def four():
    """Four customers around one second, and their ids; tests only read them."""
    with served(customers=0, checkouts=0) as sandbox:
        yield sandbox, four_customers(sandbox)


def four_customers(sandbox):
    times = ("2026-10-01T09:59:59Z", "2026-10-01T10:00:00Z", "2026-10-01T10:00:01Z", "2026-10-02T00:00:00Z")
    return [
        sandbox.control("POST", "customers", {
            "first_name": name, "last_name": "Doe", "email": f"{name.lower()}@example.com", "tags": [name, "all"],
            "phone": None, "address": {"country": "Canada", "country_code": "CA"}, "orders_count": place,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": when, "state": "ENABLED", "amount_spent": place * 1_050,
        })["id"]
        for place, (name, when) in enumerate(zip(("Ann", "Bob", "Cy", "Dee"), times, strict=True))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("updated_at:>='2026-10-01T10:00:00Z'", [1, 2, 3]),
        ("updated_at:>'2026-10-01T10:00:00Z'", [2, 3]),
        ("updated_at:<'2026-10-01T10:00:00Z'", [0]),
        ("updated_at:<='2026-10-01T10:00:00Z'", [0, 1]),
        ("updated_at:'2026-10-01T10:00:00Z'", [1]),
        ("updated_at:>='2026-10-01T10:00:00Z' AND updated_at:<'2026-10-02T00:00:00Z'", [1, 2]),
        ("updated_at:>=2026-10-01T10:00:00Z", [0, 1, 2, 3]),
        ("updated_at:2026-10-01", [0, 1, 2]),
        ("updated_at:'2026-10-01..2026-10-01'", [0, 1, 2]),
        ("updated_at:>='2026-10-01T12:00:00+02:00'", [1, 2, 3]),
        ("updated_at:<now", [0, 1, 2, 3]),
        ("customer_date:>2026", []),
        ("customer_date:>=2026", [0, 1, 2, 3]),
        ("email:ann@example.com OR email:bob@example.com", [0, 1]),
        ('email:"DEE@example.com"', [3]),
        ("first_name:B*", [1]),
        ("tag:ann,BOB", [0, 1]),
        ("tag_not:ann", [1, 2, 3]),
        ("-tag:Ann tag:all", [1, 2, 3]),
        ("country:ca", [0, 1, 2, 3]),
        ("orders_count:>=2", [2, 3]),
        ("total_spent:>10.50", [2, 3]),
        ("state:enabled", [0, 1, 2, 3]),
        ("phone:*", []),
        ("ann doe", [0]),
        ("doe", [0, 1, 2, 3]),
    ],
)
def test_conditions_on_customers(four, query, places):
    sandbox, ids = four
    assert found(sandbox, query)[0] == {ids[place] for place in places}


def test_ids_can_be_compared(four):
    sandbox, ids = four
    assert found(sandbox, f"id:>={ids[2]}")[0] == set(ids[2:])


def test_greater_than_skips_the_whole_second_from_2026_10_on(start):
    sandbox = start(customers=0, checkouts=0)
    checkout = sandbox.control("POST", "checkouts", {"customer_id": None, "updated_at": "2026-10-01T10:00:00.250000Z"})
    for version in VERSIONS:
        expected = set() if version == "2026-10" else {checkout["id"]}
        query = "updated_at:>'2026-10-01T10:00:00Z'"
        assert found(sandbox, query, version, "abandonedCheckouts")[0] == expected
        assert found(sandbox, query.replace(">", ">="), version, "abandonedCheckouts")[0] == {checkout["id"]}


def test_an_unknown_field_is_dropped_with_a_warning(four):
    sandbox, ids = four
    everyone, extensions = found(sandbox, "update_at:>='2026-10-01T10:00:00Z'")
    assert everyone == set(ids)
    assert extensions["search"] == [
        {
            "path": ["customers"],
            "query": "update_at:>='2026-10-01T10:00:00Z'",
            "parsed": {"field": "update_at", "range": {"gte": "2026-10-01T10:00:00Z"}},
            "warnings": [
                {"field": "update_at", "message": "Invalid search field for this query.", "code": "invalid_field"}
            ],
        }
    ]


def test_an_unknown_field_leaves_the_other_conditions(four):
    sandbox, ids = four
    assert found(sandbox, "nonsense:1 AND first_name:Cy")[0] == {ids[2]}


def test_a_value_that_is_not_accepted_finds_nothing_and_warns(four):
    sandbox, _ = four
    nobody, extensions = found(sandbox, "state:EXPIRED")
    assert nobody == set()
    assert extensions["search"][0]["warnings"] == [
        {"field": "state", "message": "Input `EXPIRED` is not an accepted value.", "code": "invalid_value"}
    ]


def test_no_warning_without_a_reason(four):
    sandbox, _ = four
    assert "search" not in found(sandbox, "updated_at:>='2026-10-01T10:00:00Z'")[1]


def test_an_unreadable_time_is_an_error(four):
    sandbox, _ = four
    answer = sandbox.graphql("{ customers(first: 1, query: \"updated_at:>'soon'\") { nodes { id } } }")
    assert (answer["data"], answer["errors"][0]["message"], answer["errors"][0]["extensions"]) == (
        None,
        "Invalid timestamp for query filter `updated_at`.",
        {"code": "BAD_REQUEST"},
    )


def test_counting_knows_fewer_fields(four):
    sandbox, _ = four
    answer = sandbox.graphql(
        '{ a: customersCount(query: "email:ann@example.com") { count precision } '
        'b: customersCount(query: "ann") { count } c: customersCount(query: "created_at:>2026") { count } }'
    )
    assert answer["data"] == {"a": {"count": 4, "precision": "EXACT"}, "b": {"count": 4}, "c": {"count": 0}}
    assert [told["warnings"][0]["code"] for told in answer["extensions"]["search"]] == [
        "invalid_field",
        "missing_named_field",
    ]


def test_customers_are_found_by_their_last_cart(sandbox):
    number = sandbox.control("POST", "customers", {})["id"]
    sandbox.control("POST", "checkouts", {"customer_id": number, "created_at": "2027-01-01T00:00:00Z"})
    assert found(sandbox, "last_abandoned_order_date:>='2027-01-01T00:00:00Z'")[0] == {number}
    assert found(sandbox, "last_abandoned_order_date:>'2027-01-01T00:00:00Z'")[0] == set()


def test_conditions_on_checkouts(start):
    sandbox = start(customers=0, checkouts=0)
    open_, closed = (
        sandbox.control("POST", "checkouts", {"customer_id": None, "closed": closed})["id"] for closed in (False, True)
    )
    sandbox.control("POST", f"checkouts/{closed}/recover")
    for query, expected in (
        ("status:open", {open_}),
        ("recovery_state:recovered", {closed}),
        ("recovery_state:not_recovered", {open_}),
        ("email_state:not_sent", {open_, closed}),
        (f"id:{open_}", {open_}),
    ):
        assert found(sandbox, query, field="abandonedCheckouts")[0] == expected


def test_a_lagging_index_hides_fresh_changes_from_filtered_reads_only(sandbox):
    ids = [record["id"] for record in sandbox.control("GET", "customers")["customers"]]
    sandbox.control("PATCH", f"customers/{ids[0]}", {"first_name": "Ann"})
    sandbox.control("POST", "clock", {"advance_seconds": 3_600})
    sandbox.control("PATCH", f"customers/{ids[0]}", {"first_name": "Zoe"})
    late = sandbox.control("POST", "customers", {})["id"]
    sandbox.control("POST", "faults", {"kind": "search_lag", "seconds": 60})
    assert found(sandbox, "first_name:Zoe")[0] == set()
    assert ids[0] in found(sandbox, "first_name:Ann")[0]
    assert found(sandbox, f"id:{late}")[0] == set()
    assert found(sandbox, "")[0] == {*ids, late}
    sandbox.control("POST", "clock", {"advance_seconds": 61})
    assert found(sandbox, "first_name:Zoe")[0] == {ids[0]}
    assert found(sandbox, f"id:{late}")[0] == {late}


def test_an_order_is_found_by_its_date_though_the_customer_has_not_changed(sandbox):
    number = sandbox.control("POST", "customers", {"updated_at": "2026-01-05T00:00:00Z"})["id"]
    ask = """query($q: String) { customers(first: 9, query: $q) {
      nodes { legacyResourceId updatedAt numberOfOrders amountSpent { amount } lastOrder { createdAt } }
    } }"""
    search = {"q": "order_date:>='2026-11-01T12:00:00Z'"}
    assert sandbox.graphql(ask, search)["data"]["customers"]["nodes"] == []
    sandbox.control("POST", f"customers/{number}/orders", {"total": "7.5", "at": "2026-11-01T12:00:00Z"})
    assert sandbox.graphql(ask, search)["data"]["customers"]["nodes"] == [
        {
            "legacyResourceId": str(number),
            "updatedAt": "2026-01-05T00:00:00Z",
            "numberOfOrders": "1",
            "amountSpent": {"amount": "7.5"},
            "lastOrder": {"createdAt": "2026-11-01T12:00:00Z"},
        }
    ]
    later = {"q": "order_date:>='2026-11-01T12:00:01Z'"}
    assert sandbox.graphql(ask, later)["data"]["customers"]["nodes"] == []
