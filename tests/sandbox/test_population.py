"""The people: pure functions of (seed, index), in a realistic mix, with addresses that belong to nobody."""

import re
from collections import Counter

from shopify_sandbox.carts import Carts
from shopify_sandbox.clock import DAY, MINUTE, SECOND, parse_time
from shopify_sandbox.population import Population
from shopify_sandbox.records import money_text

START = parse_time("2026-11-01T12:00:00Z")
TOWN = Population(7, 1_000, START)
CARTS = Carts(7, 250, START, TOWN)
PEOPLE = [TOWN.record(index) for index in range(1_000)]
CHECKOUTS = [CARTS.record(index) for index in range(250)]


def test_the_same_seed_and_index_give_the_same_person():
    again = Population(7, 1_000, START)
    assert [again.record(index) for index in (0, 17, 999)] == [PEOPLE[index] for index in (0, 17, 999)]
    assert [Carts(7, 250, START, again).record(index) for index in (0, 83, 249)] == [
        CHECKOUTS[index] for index in (0, 83, 249)
    ]
    assert Population(8, 1_000, START).record(17) != PEOPLE[17]


def test_a_million_customers_can_be_walked_from_anywhere():
    city = Population(7, 1_000_000, START)
    position = city.first_position((START - 30 * DAY, 0), after=False)
    keys = [city.key_at(place) for place in range(position, position + 200)]
    assert keys == sorted(keys)
    assert keys[0][0] >= START - 30 * DAY > city.key_at(position - 1)[0]
    for moment, number in keys[:20]:
        index = city.index(number)
        assert index is not None
        assert city.record(index).updated_at == moment


def test_the_order_of_updates_is_complete_and_differs_from_that_of_ids():
    for count in (0, 1, 2, 7, 41, 1_000):
        town = Population(3, count, START)
        keys = [town.key_at(position) for position in range(count)]
        assert keys == sorted(keys)
        assert {number for _, number in keys} == {town.number(index) for index in range(count)}
    assert [number for _, number in keys] != sorted(number for _, number in keys)


def test_all_times_lie_in_order_before_the_quiet_minutes():
    for person in PEOPLE:
        assert person.created_at <= person.updated_at <= START - 10 * MINUTE
        assert person.updated_at % SECOND == person.created_at % SECOND == 0
        consents = (person.email_consent, person.sms_consent)
        assert all(consent.at is None or consent.at <= person.updated_at for consent in consents)
        assert all(moment <= START for moment in person.order_times)
    for cart in CHECKOUTS:
        assert START - 91 * DAY < cart.created_at < cart.updated_at <= START - 10 * MINUTE
        assert cart.completed_at is None or cart.created_at < cart.completed_at <= cart.updated_at


def test_every_consent_state_occurs_on_both_channels():
    email = Counter(person.email_consent.state for person in PEOPLE if person.email or person.redacted)
    sms = Counter(person.sms_consent.state for person in PEOPLE if person.phone or person.redacted)
    assert set(email) == {"SUBSCRIBED", "UNSUBSCRIBED", "NOT_SUBSCRIBED", "PENDING", "INVALID", "REDACTED"}
    assert set(sms) == {"SUBSCRIBED", "UNSUBSCRIBED", "NOT_SUBSCRIBED", "PENDING", "REDACTED"}
    assert 400 < email["SUBSCRIBED"] < 560
    assert email["REDACTED"] == 3


def test_the_mix_has_the_hard_cases():
    assert 20 < sum(person.email is None for person in PEOPLE) < 90
    assert 450 < sum(person.phone is None for person in PEOPLE) < 650
    assert any(person.email is None and person.phone is None and not person.redacted for person in PEOPLE)
    assert any(person.note and "\n" in person.note and '"' in person.note for person in PEOPLE)
    assert any(len(person.tags) > 8 for person in PEOPLE)
    assert any(person.first_name and not person.first_name.isascii() for person in PEOPLE)
    assert any(person.last_name is None and person.first_name is not None for person in PEOPLE)
    assert 350 < sum(person.orders_count > 0 for person in PEOPLE) < 550
    assert len({person.address.country_code for person in PEOPLE if person.address}) > 12
    assert len({person.locale for person in PEOPLE}) > 8


def test_addresses_and_numbers_belong_to_nobody_and_to_one_person_each():
    emails = [person.email for person in PEOPLE if person.email]
    phones = [person.phone for person in PEOPLE if person.phone]
    assert all(re.fullmatch(r"[\w.+-]+@example\.(com|org|net)", email, re.ASCII) for email in emails)
    assert all(re.fullmatch(r"\+1\d{3}55501\d\d|\+447700900\d{3}|\+3363998\d{4}", phone) for phone in phones)
    assert len({email.casefold() for email in emails}) == len(emails)
    assert len(set(phones)) == len(phones)


def test_carts_have_every_length_and_state():
    sizes = Counter(len(cart.lines) for cart in CHECKOUTS)
    assert set(sizes) == {*range(1, 9), 60, 260, 510}
    assert (sizes[60], sizes[260], sizes[510]) == (5, 1, 1)
    assert 10 < sum(cart.completed_at is not None for cart in CHECKOUTS) < 70
    assert 5 < sum(cart.customer_number is None for cart in CHECKOUTS) < 50
    lines = [line for cart in CHECKOUTS for line in cart.lines]
    assert any(line.product_number is None and line.sku for line in lines)
    assert any(line.title == "Custom engraving" for line in lines)
    assert any(line.coded_unit_price < line.discounted_unit_price < line.unit_price for line in lines)
    assert {cart.currency for cart in CHECKOUTS} >= {"EUR", "USD", "GBP", "JPY"}
    assert any(cart.duties for cart in CHECKOUTS)
    assert {cart.taxes_included for cart in CHECKOUTS} == {True, False}
    known = {person.number for person in PEOPLE}
    assert {cart.customer_number for cart in CHECKOUTS if cart.customer_number} <= known


def test_amounts_keep_one_decimal_and_no_trailing_zeros():
    assert [money_text(cents) for cents in (0, 3_000, 1_188_490, 90_245, 5)] == [
        "0.0",
        "30.0",
        "11884.9",
        "902.45",
        "0.05",
    ]
