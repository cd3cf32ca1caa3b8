"""The control path: the truth, changes to it, the clock, and the life of the store."""

import pytest

from shopify_sandbox.process import ControlError

CUSTOMER = """query($id: ID!) { customer(id: $id) {
  id legacyResourceId createdAt updatedAt firstName lastName displayName note tags numberOfOrders canDelete
  amountSpent { amount currencyCode }
  lastOrder { name createdAt subtotalLineItemsQuantity totalPriceSet { shopMoney { amount } } }
  defaultEmailAddress { emailAddress validFormat marketingState marketingOptInLevel marketingUpdatedAt }
  defaultPhoneNumber { phoneNumber marketingState marketingOptInLevel marketingUpdatedAt marketingCollectedFrom
    smsMarketingConsent { state optInLevel updatedAt collectedFrom } }
  emailMarketingConsent { marketingState marketingOptInLevel consentUpdatedAt }
  smsMarketingConsent { marketingState consentCollectedFrom }
  defaultAddress { id city } metafield(namespace: "loyalty", key: "points") { value }
} }"""
CHECKOUT = """query($id: ID!) { node(id: $id) { ... on AbandonedCheckout {
  id createdAt updatedAt completedAt customer { id } lineItemsQuantity
  totalPriceSet { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }
  lineItems(first: 50) { nodes { title quantity originalTotalPriceSet { shopMoney { amount } } product { id } } }
} } }"""


def ask(sandbox, number):
    return sandbox.graphql(CUSTOMER, {"id": f"gid://shopify/Customer/{number}"})["data"]["customer"]


def ask_checkout(sandbox, number):
    return sandbox.graphql(CHECKOUT, {"id": f"gid://shopify/AbandonedCheckout/{number}"})["data"]["node"]


def set_clock(sandbox, moment):
    sandbox.control("POST", "clock", {"set": moment})


def test_the_truth_and_the_api_say_the_same(town):
    truth = town.control("GET", "customers?offset=100&limit=40")
    assert (truth["total"], len(truth["customers"])) == (1_000, 40)
    for record in truth["customers"]:
        shown = ask(town, record["id"])
        assert shown["displayName"] == record["display_name"]
        assert (shown["createdAt"], shown["updatedAt"]) == (record["created_at"], record["updated_at"])
        assert (shown["firstName"], shown["note"], shown["tags"]) == (
            record["first_name"],
            record["note"],
            record["tags"],
        )
        email = shown["defaultEmailAddress"]
        assert (email and email["emailAddress"]) == record["email"]
        if email:
            consent = record["email_consent"]
            assert (email["marketingState"], email["marketingUpdatedAt"]) == (consent["state"], consent["at"])
            assert email["validFormat"] == (consent["state"] != "INVALID")
    assert town.control("GET", f"customers/{truth['customers'][0]['id']}") == truth["customers"][0]


def test_a_new_customer_has_given_no_consent(sandbox):
    set_clock(sandbox, "2026-11-02T08:00:00Z")
    made = sandbox.control("POST", "customers", {
        "first_name": None, "last_name": None, "email": " An n@example.com ", "phone": "+12015550199", "note": None,
        "tags": ["b", "A", "c"], "address": {"city": "Ottawa", "country": "Canada", "country_code": "CA"},
    })  # fmt: skip
    sandbox.control(
        "POST", f"customers/{made['id']}/consent", {"channel": "email", "state": "NOT_SUBSCRIBED", "at": None}
    )
    sandbox.control(
        "POST", f"customers/{made['id']}/consent", {"channel": "sms", "state": "NOT_SUBSCRIBED", "at": None}
    )
    shown = ask(sandbox, made["id"])
    assert shown["id"] == f"gid://shopify/Customer/{shown['legacyResourceId']}"
    assert (shown["displayName"], shown["tags"]) == ("Ann@example.com", ["A", "b", "c"])
    assert shown["createdAt"][:16] == shown["updatedAt"][:16] == "2026-11-02T08:00"
    assert shown["defaultEmailAddress"] == {
        "emailAddress": "Ann@example.com",
        "validFormat": True,
        "marketingState": "NOT_SUBSCRIBED",
        "marketingOptInLevel": "SINGLE_OPT_IN",
        "marketingUpdatedAt": None,
    }
    assert shown["defaultPhoneNumber"]["smsMarketingConsent"]["state"] == "NEVER_SUBSCRIBED"
    assert shown["defaultPhoneNumber"]["marketingState"] == "NOT_SUBSCRIBED"
    assert shown["smsMarketingConsent"] == {"marketingState": "NOT_SUBSCRIBED", "consentCollectedFrom": "OTHER"}
    assert (shown["numberOfOrders"], shown["amountSpent"], shown["lastOrder"]) == (
        "0",
        {"amount": "0.0", "currencyCode": "EUR"},
        None,
    )
    assert shown["defaultAddress"]["id"].endswith("?model_name=CustomerAddress")


def test_consent_has_its_own_time_and_may_leave_updated_at(sandbox):
    number = sandbox.control("GET", "customers?limit=1")["customers"][0]["id"]
    sandbox.control("PATCH", f"customers/{number}", {"email": "x@example.com", "phone": "+12015550100"})
    before = ask(sandbox, number)["updatedAt"]
    set_clock(sandbox, "2026-11-05T00:00:00Z")
    consent = {
        "channel": "email",
        "state": "SUBSCRIBED",
        "opt_in_level": "CONFIRMED_OPT_IN",
        "at": "2020-02-03T04:05:06Z",
    }
    sandbox.control("POST", f"customers/{number}/consent", consent | {"touch_updated_at": False})
    shown = ask(sandbox, number)
    assert shown["updatedAt"] == before
    assert shown["emailMarketingConsent"] == {
        "marketingState": "SUBSCRIBED",
        "marketingOptInLevel": "CONFIRMED_OPT_IN",
        "consentUpdatedAt": "2020-02-03T04:05:06Z",
    }
    sandbox.control("POST", f"customers/{number}/consent", {"channel": "sms", "state": "UNSUBSCRIBED"})
    shown = ask(sandbox, number)
    assert shown["updatedAt"][:16] == "2026-11-05T00:00"
    sms = shown["defaultPhoneNumber"]["smsMarketingConsent"]
    assert (sms["state"], sms["updatedAt"][:16], sms["collectedFrom"]) == ("UNSUBSCRIBED", "2026-11-05T00:00", "OTHER")


def test_an_order_does_not_move_updated_at(sandbox):
    number = sandbox.control("POST", "customers", {})["id"]
    before = ask(sandbox, number)["updatedAt"]
    set_clock(sandbox, "2026-11-09T10:00:00Z")
    sandbox.control("POST", f"customers/{number}/orders", {"quantity": 3, "total": "12.30"})
    shown = ask(sandbox, number)
    assert (shown["updatedAt"], shown["numberOfOrders"], shown["amountSpent"]["amount"]) == (before, "1", "12.3")
    order = shown["lastOrder"]
    assert (order["createdAt"][:16], order["subtotalLineItemsQuantity"]) == ("2026-11-09T10:00", 3)
    assert order["totalPriceSet"] == {"shopMoney": {"amount": "12.3"}}
    with pytest.raises(ControlError, match="associated orders"):
        sandbox.control("DELETE", f"customers/{number}")


def test_a_deleted_customer_is_gone_without_a_trace(sandbox):
    number = sandbox.control("POST", "customers", {})["id"]
    cart = sandbox.control("POST", "checkouts", {"customer_id": number})["id"]
    sandbox.control("DELETE", f"customers/{number}")
    assert ask(sandbox, number) is None
    assert ask_checkout(sandbox, cart)["customer"] is None
    assert sandbox.graphql("{ customersCount { count } }")["data"]["customersCount"]["count"] == 60


def test_an_erased_customer_is_redacted_on_both_channels(sandbox):
    number = sandbox.control("POST", "customers", {"email": "y@example.com", "note": "n"})["id"]
    sandbox.control("POST", f"customers/{number}/redact")
    shown = ask(sandbox, number)
    assert [shown[name] for name in ("firstName", "lastName", "note", "defaultEmailAddress", "defaultPhoneNumber")] == [
        None
    ] * 5
    assert shown["defaultAddress"] is None
    assert (
        shown["emailMarketingConsent"]["marketingState"] == shown["smsMarketingConsent"]["marketingState"] == "REDACTED"
    )


def test_of_merged_customers_one_stays_and_takes_all(sandbox):
    keep, drop = (
        sandbox.control("POST", "customers", {"note": note, "tags": [note], "email": f"{note}@example.com"})["id"]
        for note in ("one", "two")
    )
    cart = sandbox.control("POST", "checkouts", {"customer_id": drop})["id"]
    sandbox.control("POST", f"customers/{drop}/orders", {"total": "5"})
    sandbox.control("POST", "customers/merge", {"keep": keep, "drop": drop})
    assert ask(sandbox, drop) is None
    kept = ask(sandbox, keep)
    assert (kept["note"], kept["tags"], kept["numberOfOrders"]) == ("one\ntwo", ["one", "two"], "1")
    assert kept["defaultEmailAddress"]["emailAddress"] == "one@example.com"
    assert ask_checkout(sandbox, cart)["customer"] == {"id": f"gid://shopify/Customer/{keep}"}
    with pytest.raises(ControlError, match="should not match"):
        sandbox.control("POST", "customers/merge", {"keep": keep, "drop": keep})


def test_a_checkout_is_abandoned_changed_and_recovered(sandbox):
    customer = sandbox.control("POST", "customers", {})["id"]
    set_clock(sandbox, "2026-11-10T10:00:00Z")
    lines = [{"title": "Cup", "quantity": 3, "unit_price": 1_050}, {"title": "Pot", "unit_price": 99}]
    given = {"customer_id": customer, "lines": lines, "currency": "JPY", "taxes_included": True, "duties": None}
    cart = sandbox.control("POST", "checkouts", given)["id"]
    shown = ask_checkout(sandbox, cart)
    assert shown["totalPriceSet"] == {
        "shopMoney": {"amount": "32.49", "currencyCode": "EUR"},
        "presentmentMoney": {"amount": "5263.0", "currencyCode": "JPY"},
    }
    assert [line["title"] for line in shown["lineItems"]["nodes"]] == ["Cup", "Pot"]
    assert (shown["completedAt"], shown["lineItemsQuantity"]) == (None, 4)
    set_clock(sandbox, "2026-11-10T11:00:00Z")
    sandbox.control("PATCH", f"checkouts/{cart}", {"lines": 7})
    assert len(ask_checkout(sandbox, cart)["lineItems"]["nodes"]) == 7
    sandbox.control("PATCH", f"checkouts/{cart}", {"lines": lines})
    sandbox.control("POST", f"checkouts/{cart}/recover")
    shown = ask_checkout(sandbox, cart)
    assert shown["completedAt"] == shown["updatedAt"]
    assert shown["updatedAt"][:16] == "2026-11-10T11:00"
    assert ask(sandbox, customer)["lastOrder"]["totalPriceSet"]["shopMoney"]["amount"] == "32.49"


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("PATCH", "customers/1", {}, "404"),
        ("POST", "customers", {"nonsense": 1}, "unknown fields: nonsense"),
        ("POST", "checkouts", {"customer_id": 5}, "no customer 5"),
        ("POST", "clock", {}, "missing in the body"),
        ("POST", "clock", {"set": "soon"}, "400"),
        ("POST", "customers/7000000000000/consent", {"channel": "fax", "state": "SUBSCRIBED"}, "no such consent"),
        ("POST", "customers/7000000000000/consent", {"channel": "sms", "state": "INVALID"}, "no such consent"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(town, method, path, body, message):
    with pytest.raises(ControlError, match=message):
        town.control(method, path, body)


def everything(sandbox):
    """All records, without what depends on the time that the test took."""
    moving = {"created_at", "updated_at", "completed_at", "at", "order_times"}

    def still(value):
        if isinstance(value, dict):
            return {k: still(v) for k, v in value.items() if k not in moving}
        return [still(part) for part in value] if isinstance(value, list) else value

    return still([sandbox.control("GET", f"{kind}?limit=5000")[kind] for kind in ("customers", "checkouts")])


def test_a_tick_lets_the_store_live_the_same_way_each_time(start):
    towns = [start(customers=1_000, checkouts=250, seed=7) for _ in range(2)]
    counts = [[town.control("POST", "tick", {"seconds": 3_600}) for _ in range(2)] for town in towns]
    names = [name for name in counts[0][0] if name not in ("now", "exact")]
    assert [[tick[name] for name in names] for tick in counts[0]] == [
        [tick[name] for name in names] for tick in counts[1]
    ]
    assert everything(towns[0]) == everything(towns[1])
    assert {name: counts[0][0][name] for name in names} == {
        "tick": 1,
        "customers_created": 8,
        "customers_renamed": 12,
        "consents_given": 6,
        "consents_withdrawn": 6,
        "orders_placed": 4,
        "checkouts_abandoned": 10,
        "checkouts_recovered": 5,
        "carts_changed": 2,
    }


def test_what_a_tick_changes_is_found_in_its_span(start):
    town = start(customers=1_000, checkouts=250)
    before = town.control("GET", "clock")["now"]
    counts = town.control("POST", "tick", {"seconds": 3_600})
    query = f"updated_at:>='{before}' AND updated_at:<'{counts['now']}'"
    text = (
        "query($q: String) { customers(first: 250, query: $q, sortKey: UPDATED_AT) { nodes { createdAt updatedAt } } \
    abandonedCheckouts(first: 250, query: $q) { nodes { completedAt } } }"
    )
    data = town.graphql(text, {"q": query})["data"]
    customers, carts = data["customers"]["nodes"], data["abandonedCheckouts"]["nodes"]
    assert len(customers) == 8 + 12 + 6 + 6
    assert sum(customer["createdAt"] == customer["updatedAt"] for customer in customers) >= 8
    assert len(carts) == 10 + 5 + 2
    assert sum(cart["completedAt"] is not None for cart in carts) == 5
    assert town.graphql("{ customersCount { count } }")["data"]["customersCount"]["count"] == 1_008


def test_a_tick_of_an_empty_store_is_quiet(start):
    counts = start(customers=0, checkouts=0).control("POST", "tick", {"seconds": 60})
    assert {counts[name] for name in counts if name not in ("tick", "now", "exact")} <= {0, 1}


def test_the_clock_runs_and_can_be_moved_back(sandbox):
    set_clock(sandbox, "2026-12-24T18:00:00Z")
    assert sandbox.control("POST", "clock", {"advance_seconds": -3_600})["now"].startswith("2026-12-24T17:00:")


def test_metafields_and_addresses_of_a_customer_can_be_read_each_way(sandbox):
    fields = [["loyalty", "points", "12"], ["loyalty", "tier", "gold"], ["crm", "owner", "A/B"]]
    given = {"metafields": fields, "address": {"city": "Ottawa", "country": "Canada", "country_code": "CA"}}
    number = sandbox.control("POST", "customers", given)["id"]
    text = """query($id: ID!) { customer(id: $id) {
      one: metafield(namespace: "crm", key: "owner") { type value }
      none: metafield(key: "owner") { value }
      all: metafields(first: 5) { nodes { namespace key value } pageInfo { hasNextPage } }
      some: metafields(first: 1, namespace: "loyalty") { edges { cursor node { key } } pageInfo { hasNextPage } }
      named: metafields(first: 5, keys: ["loyalty.tier"]) { nodes { value } }
      addresses(first: 5) { city } addressesV2(first: 5) { nodes { city } }
    } }"""
    shown = sandbox.graphql(text, {"id": f"gid://shopify/Customer/{number}"})["data"]["customer"]
    cursor = shown["some"]["edges"][0].pop("cursor")
    assert isinstance(cursor, str)
    assert shown == {
        "one": {"type": "single_line_text_field", "value": "A/B"},
        "none": None,
        "all": {
            "nodes": [dict(zip(("namespace", "key", "value"), field, strict=True)) for field in fields],
            "pageInfo": {"hasNextPage": False},
        },
        "some": {"edges": [{"node": {"key": "points"}}], "pageInfo": {"hasNextPage": True}},
        "named": {"nodes": [{"value": "gold"}]},
        "addresses": [{"city": "Ottawa"}],
        "addressesV2": {"nodes": [{"city": "Ottawa"}]},
    }
