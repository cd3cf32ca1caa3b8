from __future__ import annotations

import sqlalchemy as sa

from target_contactdb import tables
from tests.target.admin.conftest import LOCAL, OPTED_OUT, SHOP, SUBSCRIBED, TWIN, at

LAST_OPERATION = {
    "operation_id": 3,
    "kind": "customers",
    "shop": SHOP,
    "state": "completed",
    "started_at": "2026-11-01T11:00:00Z",
    "ended_at": "2026-11-01T12:02:03Z",
    "seconds": 3723.0,
    "window": {"begin": "2026-11-01T09:58:00Z", "end": "2026-11-01T10:58:00Z"},
    "bookmark": "2026-11-01T10:58:00Z",
    "records_read": 12,
    "outcomes": dict.fromkeys(tables.OUTCOMES, 0) | {"inserted": 2, "updated": 4, "unchanged": 6},
    "changes": {"subscribed": 0, "unsubscribed": 2, "restored": 1},
    "unlinked": 0,
    "error": None,
}
EMAIL = {
    "channel": "email",
    "address": "Ann@example.com",
    "status": "subscribed",
    "source": "import",
    "changed_elsewhere": False,
    "cause": None,
    "since": "2026-11-01T08:00:00Z",
    "opted_in_at": None,
    "opted_out_at": None,
    "suppression": None,
    "may": True,
    "reasons": [],
}
SMS = EMAIL | {
    "channel": "sms",
    "address": "+49 170 1111111",
    "status": "unsubscribed",
    "cause": "Shopify - no marketing consent",
    "since": "2026-11-01T07:00:00Z",
    "may": False,
    "reasons": ["unsubscribed (Shopify - no marketing consent)"],
}
FIELDS = [
    {"name": "first_name", "label": "First name", "type": "text", "value": "Ann [red]"},
    {"name": "email", "label": "Email", "type": "email", "value": "Ann@example.com"},
    {"name": "phone", "label": "Phone", "type": "phone", "value": "+49 170 1111111"},
    {"name": "orders_total_spent", "label": "Orders - Total spent", "type": "decimal", "value": "1234.50"},
    {"name": "tags", "label": "Tags", "type": "list", "value": ["vip", "berlin"]},
    {"name": "company", "label": "Company", "type": "text", "value": None},
]
SOURCE = {
    "shop": SHOP,
    "customer_id": 7000000000001,
    "owned": True,
    "first_seen_at": "2026-11-01T10:00:01Z",
    "source_updated_at": "2026-11-01T08:30:00Z",
    "last_order_at": "2026-11-01T07:00:00Z",
    "deleted_at": None,
    "email": {
        "address": "Ann@example.com",
        "state": "SUBSCRIBED",
        "opt_in_level": "SINGLE_OPT_IN",
        "consent_at": "2026-11-01T08:00:00Z",
    },
    "sms": {"address": "+49 170 1111111", "state": "NOT_SUBSCRIBED", "opt_in_level": None, "consent_at": None},
}
NO_PRODUCT = {
    "product_id": None,
    "product_title": None,
    "product_handle": None,
    "vendor": None,
    "product_type": None,
    "variant_id": None,
    "image_url": None,
    "custom_attributes": None,
}
CHECKOUT = {
    "shop": SHOP,
    "checkout_id": 41,
    "name": "#C41",
    "created_at": "2026-11-01T09:00:00Z",
    "updated_at": "2026-11-01T09:30:00Z",
    "abandoned_checkout_url": "https://sandbox.example/checkouts/41/recover",
    "currency": "EUR",
    "subtotal_price": "50.00",
    "total_line_items_price": "55.00",
    "total_discounts": "5.00",
    "total_tax": "7.9832",
    "total_duties": None,
    "total_price": "50.00",
    "presentment_currency": "USD",
    "presentment_total_price": "54.10",
    "taxes_included": None,
    "discount_codes": ["TAKE5"],
    "note": None,
    "custom_attributes": None,
    "billing_address": None,
    "shipping_address": None,
    "line_items_quantity": 3,
    "last_operation_id": 2,
    "lines": [
        {
            "position": 0,
            "title": "Mug",
            "variant_title": "Blue",
            "sku": "MUG-1",
            "quantity": 2,
            "unit_price": "15.00",
            "discounted_unit_price": "12.50",
            "total_price": "30.00",
            "discounted_total_price": "25.00",
            "currency": "EUR",
            **NO_PRODUCT,
        },
        {
            "position": 1,
            "title": "Teapot",
            "variant_title": "Default Title",
            "sku": None,
            "quantity": 1,
            "unit_price": "25.00",
            "discounted_unit_price": "25.00",
            "total_price": "25.00",
            "discounted_total_price": "25.00",
            "currency": "EUR",
            **NO_PRODUCT,
        },
    ],
}
HISTORY = [
    {
        "channel": "sms",
        "change": "unsubscribed",
        "from": None,
        "to": "unsubscribed",
        "cause": "Shopify - no marketing consent",
        "source": "import",
        "acted_at": "2026-11-01T07:00:00Z",
        "written_at": "2026-11-01T10:00:01Z",
        "evidence": "Shopify said NOT_SUBSCRIBED (no time); open: flag",
        "operation_id": 1,
    },
    {
        "channel": "email",
        "change": "subscribed",
        "from": None,
        "to": "subscribed",
        "cause": None,
        "source": "import",
        "acted_at": "2026-11-01T08:00:00Z",
        "written_at": "2026-11-01T10:00:01Z",
        "evidence": "Shopify said SUBSCRIBED (2026-11-01T08:00:00Z); open: insert subscribed",
        "operation_id": 1,
    },
]


def test_the_card_is_the_whole_contact(contactdb):
    assert contactdb.json("contact", "7000000000001") == {
        "contact_id": SUBSCRIBED,
        "user_code": "7000000000001",
        "created_at": "2026-11-01T10:00:01Z",
        "updated_at": "2026-11-01T11:00:01Z",
        "last_operation": LAST_OPERATION,
        "channels": [EMAIL, SMS],
        "fields": FIELDS,
        "sources": [SOURCE],
        "checkout": CHECKOUT,
        "checkouts_on_record": 3,
        "flow_entries": [],
        "status_changes": HISTORY,
    }


def test_the_card_as_a_table_has_labels_channels_checkout_and_history(on_sqlite):
    text = on_sqlite.run("contact", "7000000000001").stdout
    lines = [" ".join(line.split()) for line in text.splitlines()]

    assert lines[0] == "Contact #1, user code 7000000000001"
    for expected in (
        "Status subscribed unsubscribed",
        "First name Ann [red]",
        "Orders - Total spent 1234.50",
        "Tags vip, berlin",
        "Empty fields, not shown: 1",
        "Number 41 (#C41), shop sandbox.myshopify.com",
        "Begun 2026-11-01 09:00:00, last changed 2026-11-01 09:30:00",
        "Written by operation 2",
        "https://sandbox.example/checkouts/41/recover",
        "Mug (Blue) MUG-1 2 12.50 EUR 25.00 EUR",
        "was 15.00 EUR was 30.00 EUR",
        "Teapot - 1 25.00 EUR 25.00 EUR",
        "Discounts (TAKE5) 5.00 EUR",
        "Total 3 50.00 EUR",
        "(54.10 USD)",
        "Checkouts on record, with this one: 3",
        "7000000000001 SUBSCRIBED NOT_SUBSCRIBED 2026-11-01 08:30",
        "sandbox.myshopify.com 2026-11-01 08:00 last order",
        "2026-11-01 08:00 E-mail subscribed - operation 1",
    ):
        assert expected in lines
    footer = " ".join(text.split())[-170:]
    assert "operation 3, customers of sandbox.myshopify.com, 2026-11-01 11:00:00, completed. Times are UTC." in footer
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_wide_card_has_the_evidence_of_each_change(on_sqlite):
    evidence = "Shopify said UNSUBSCRIBED (2026-11-01T09:00:00Z); subscribed: unsubscribe, same cause"

    lines = [
        " ".join(line.split()) for line in on_sqlite.run("contact", f"#{OPTED_OUT}", columns=200).stdout.splitlines()
    ]

    change = "2026-11-01 09:00 E-mail subscribed > unsubscribed Shopify - opted out operation 3"
    assert f"{change} {evidence}" in lines


def test_the_card_says_what_the_person_and_the_address_have_against_it(on_sqlite):
    assert "pt-out" not in on_sqlite.run("contact", f"#{TWIN}").stdout
    on_sqlite.run("subscribe", f"#{TWIN}", "--channel", "email", "--at", "2026-11-02T10:00:00Z")
    on_sqlite.run("unsubscribe", f"#{TWIN}", "--channel", "email", "--at", "2026-11-02T11:00:00Z")

    text = on_sqlite.run("contact", f"#{TWIN}", columns=120).stdout
    lines = [" ".join(line.split()) for line in text.splitlines()]

    assert "Own opt-in here 2026-11-02 10:00:00 -" in lines
    assert "Own opt-out 2026-11-02 11:00:00 -" in lines
    assert "Opt-out of address 2026-11-02 11:00:00, person unsubscribed -" in lines
    by_hand = [line for line in lines if " E-mail " in line and " hand " in line]
    assert [line.split()[:2] for line in by_hand] == [["2026-11-02", "11:00"], ["2026-11-02", "10:00"]]


def test_the_card_tells_which_flows_the_contact_has_entered(contactdb):
    entry = {"node": "abandoned-checkout", "contact_id": SUBSCRIBED, "channel": "email", "entered_at": at(13)}
    of_cart = {"subject": "checkout 41", "shop": SHOP, "checkout_id": 41}
    for row in (
        {**entry, **of_cart, "flow": "reminder", "acknowledged_at": at(13)},
        {**entry, **of_cart, "flow": "second", "leased_until": at(14)},
        {**entry, "node": "new-customer", "subject": "contact 1", "flow": "welcome"},
        {**entry, "contact_id": OPTED_OUT, "subject": "checkout 43", "flow": "reminder"},
    ):
        contactdb.execute(sa.insert(tables.flow_entries).values(row))

    told = contactdb.json("contact", f"#{SUBSCRIBED}")["flow_entries"]
    lines = [" ".join(line.split()) for line in contactdb.run("contact", f"#{SUBSCRIBED}").stdout.splitlines()]

    assert told == [
        {
            "entry_id": number,
            "flow": flow,
            "node": node,
            "channel": "email",
            "shop": shop,
            "checkout_id": checkout,
            "entered_at": "2026-11-01T13:00:00Z",
            "leased_until": leased,
            "acknowledged_at": final,
        }
        for number, flow, node, shop, checkout, leased, final in (
            (3, "welcome", "new-customer", None, None, None, None),
            (2, "second", "abandoned-checkout", SHOP, 41, "2026-11-01T14:00:00Z", None),
            (1, "reminder", "abandoned-checkout", SHOP, 41, None, "2026-11-01T13:00:00Z"),
        )
    ]
    place = lines.index("Flows")
    assert lines[place + 3 : place + 6] == [
        "2026-11-01 13:00 welcome - given back",
        "2026-11-01 13:00 second checkout 41 handed out until 2026-11-01 14:00",
        "2026-11-01 13:00 reminder checkout 41 final",
    ]


def test_the_card_uses_a_wide_terminal(on_sqlite):
    text = on_sqlite.run("contact", "7000000000001", columns=120).stdout
    lines = [" ".join(line.split()) for line in text.splitlines()]

    assert "First name Ann [red] Orders - Total spent 1234.50" in lines
    assert max(len(line) for line in text.splitlines()) <= 120


def test_the_card_shows_the_beginning_of_a_long_cart_and_the_json_all_of_it(on_sqlite):
    more = [{"shop": SHOP, "checkout_id": 41, "position": number, "title": f"Cup {number}"} for number in range(2, 40)]
    on_sqlite.execute(sa.insert(tables.checkout_lines).values(more))

    text = on_sqlite.run("contact", "7000000000001").stdout
    assert "Cup 11 " in text
    assert "Cup 12 " not in text
    assert "Lines, not shown: 28; --format json has them all" in text
    assert len(on_sqlite.json("contact", "7000000000001")["checkout"]["lines"]) == 40


def test_the_card_of_a_contact_without_an_open_checkout_says_so(on_sqlite):
    ordered = sa.update(tables.contact_sources).values(last_order_at=tables.contact_sources.c.first_seen_at)
    on_sqlite.execute(ordered)

    assert on_sqlite.json("contact", "7000000000001")["checkout"] is None
    assert "None is open; 3 recovered." in on_sqlite.run("contact", "7000000000001").stdout
    assert "None is open.\n" in on_sqlite.run("contact", f"#{LOCAL}").stdout


def test_a_contact_is_found_by_code_id_and_address(contactdb):
    found = {
        "7000000000002": OPTED_OUT,
        f"#{TWIN}": TWIN,
        "BEN@Example.com ": OPTED_OUT,
        "+49 (170) 111-1111": SUBSCRIBED,
        "cleo@example.com": LOCAL,
    }
    assert {key: contactdb.json("contact", key)["contact_id"] for key in found} == found


def test_an_unknown_contact_is_one_clear_line_that_does_not_repeat_the_key(on_sqlite):
    told = {
        "no contact has this user code, address, customer number, or contact id (written as '#12')": (
            "nobody@example.com",
            "+49 30 555",
            "7000000000099",
            "",
        ),
        "no contact has this contact id: none ever had it, or it was erased or merged into another one": (
            "#99",
            "#99999999999999999999",
        ),
        "a contact id is a number, written as '#12'": ("#ann", "#"),
    }
    for line, keys in told.items():
        for key in keys:
            result = on_sqlite.run("contact", key)
            assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {line}\n")
    assert on_sqlite.run("why", "#").stderr == result.stderr


def test_an_address_of_several_contacts_asks_which_one_is_meant(on_sqlite):
    result = on_sqlite.run("contact", "ann@example.com")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: 2 contacts hold this address; name one of them: '#1', '#3'\n"


def join(contactdb, customer_id, contact_id, shop):
    source = {"customer_id": customer_id, "contact_id": contact_id, "shop": shop}
    contactdb.execute(sa.insert(tables.contact_sources).values(**source, owned=False, first_seen_at=at(12)))


def test_a_contact_is_found_by_the_number_of_any_of_its_customers(contactdb):
    join(contactdb, 2, OPTED_OUT, SHOP)
    join(contactdb, 2, OPTED_OUT, "b")
    # The number of a customer of one contact and the user code of another.
    join(contactdb, 7000000000001, OPTED_OUT, "b")

    found = {"2": OPTED_OUT, "7000000000001": SUBSCRIBED}
    assert {key: contactdb.json("contact", key)["contact_id"] for key in found} == found
    assert contactdb.run("contact", "#2").exit_code == 0


def test_a_number_of_customers_of_several_contacts_asks_which_one_is_meant(on_sqlite):
    join(on_sqlite, 9, SUBSCRIBED, SHOP)
    join(on_sqlite, 9, OPTED_OUT, "b")

    told = "Error: 2 contacts have a customer of this number; name one of them: '#1', '#2'\n"
    for command in (("contact", "9"), ("export", "9"), ("erase", "9", "--yes")):
        result = on_sqlite.run(*command)
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", told)
    assert len(on_sqlite.rows(on_sqlite.contacts())) == 4


def test_the_card_says_of_a_customer_that_joined_that_the_contact_was_there_already(on_sqlite):
    join(on_sqlite, 9, SUBSCRIBED, SHOP)

    card = on_sqlite.run("contact", "9").stdout
    assert (card.count("contact was there"), card.count("already when it came")) == (1, 1)
    assert "not made by an import" not in card


def test_an_address_that_another_program_changed_finds_its_contact_and_the_old_one_nobody(on_sqlite):
    contacts = on_sqlite.contacts()
    on_sqlite.execute(
        sa.update(contacts).where(contacts.c.contact_id == OPTED_OUT).values(email="benjamin@example.com")
    )

    assert on_sqlite.json("contact", "benjamin@example.com")["contact_id"] == OPTED_OUT
    assert on_sqlite.run("contact", "ben@example.com").exit_code == 2


def test_a_status_that_another_program_wrote_is_marked(on_sqlite):
    contacts = on_sqlite.contacts()
    on_sqlite.execute(
        sa.update(contacts).where(contacts.c.contact_id == SUBSCRIBED).values(email_status="unsubscribed")
    )

    card = on_sqlite.json("contact", "#1")
    assert card["channels"][0] == EMAIL | {
        "status": "unsubscribed",
        "changed_elsewhere": True,
        "may": False,
        "reasons": ["unsubscribed"],
    }
    table = " ".join(on_sqlite.run("contact", "#1", columns=120).stdout.split())
    assert "Told by another program, not yet seen by an import Shopify, by an import" in table


def test_what_a_person_wrote_cannot_colour_or_move_the_terminal(on_sqlite):
    contacts = on_sqlite.contacts()
    hostile = "\x1b[2J\x07Ann\r\x9b31m [bold]:smile:[/bold]"
    on_sqlite.execute(sa.update(contacts).where(contacts.c.contact_id == SUBSCRIBED).values(first_name=hostile))

    text = on_sqlite.run("contact", "#1").stdout
    assert "[2J Ann  31m [bold]:smile:[/bold]" in text
    assert not set(text) & {"\x1b", "\x07", "\r", "\x9b"}
