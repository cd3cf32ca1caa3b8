from __future__ import annotations

import sqlalchemy as sa

from target_contactdb import tables
from target_contactdb.causes import DEFAULT_CAUSES
from tests.target.admin.conftest import OPTED_OUT, SUBSCRIBED, Contactdb, at, hashed
from tests.target.singer import customer, run, schema

CLOSED = {"channel": "email", "source": "person", "cause": "person unsubscribed", "at": at(9)}


def close(contactdb, address, **other):
    row = {**CLOSED, "address_hash": hashed("email", address), **other}
    contactdb.execute(sa.insert(tables.suppressions).values(**row))


def test_may_is_yes_for_who_is_subscribed_on_an_open_address(contactdb):
    result = contactdb.run("may", "7000000000001", "--channel", "email")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "yes\n", "")
    assert contactdb.json("may", "7000000000001", "--channel", "email") == {
        "contact_id": SUBSCRIBED,
        "channel": "email",
        "checkout_id": None,
        "may": True,
        "reasons": [],
    }


def test_may_is_no_for_who_opted_out_and_says_why(contactdb):
    result = contactdb.run("may", "7000000000002", "--channel", "email")

    reasons = ["unsubscribed (Shopify - opted out)", "the e-mail address is suppressed (Shopify - opted out)"]
    assert (result.exit_code, result.stdout) == (1, f"no: {'; '.join(reasons)}\n")
    assert contactdb.json("may", "7000000000002", "--channel", "email") == {
        "contact_id": OPTED_OUT,
        "channel": "email",
        "checkout_id": None,
        "may": False,
        "reasons": reasons,
    }


def test_may_is_no_without_an_address(on_sqlite):
    result = on_sqlite.run("may", "7000000000002", "--channel", "sms")

    assert (result.exit_code, result.stdout) == (1, "no: no phone number\n")


def test_may_asks_the_address_of_the_row_and_not_its_stored_hash(on_sqlite):
    contacts = on_sqlite.contacts()
    on_sqlite.execute(sa.update(contacts).where(contacts.c.contact_id == SUBSCRIBED).values(email="closed@example.com"))
    assert on_sqlite.run("may", "#1", "--channel", "email").stdout == "yes\n"
    close(on_sqlite, "closed@example.com")

    result = on_sqlite.run("may", "#1", "--channel", "email")
    assert (result.exit_code, result.stdout) == (1, "no: the e-mail address is suppressed (person unsubscribed)\n")


def test_may_is_yes_again_once_a_later_yes_has_lifted_the_opt_out(on_sqlite):
    close(on_sqlite, "ann@example.com", lifted_at=at(10))

    assert on_sqlite.run("may", "#1", "--channel", "email").exit_code == 0


def test_may_with_a_checkout_is_yes_only_for_the_last_one_that_is_open(contactdb):
    answers = {
        41: (0, "yes\n"),
        40: (1, "no: checkout 40 is not the last checkout of this contact\n"),
        42: (1, "no: checkout 42 was recovered\n"),
        43: (1, "no: checkout 43 is not a checkout of this contact\n"),
        44: (1, "no: checkout 44 is not a checkout of this contact\n"),
        45: (1, "no: checkout 45 is unknown\n"),
    }
    for checkout, answer in answers.items():
        result = contactdb.run("may", "7000000000001", "--channel", "email", "--checkout", str(checkout))
        assert (result.exit_code, result.stdout) == answer


def test_may_with_a_checkout_is_no_once_the_customer_has_ordered(on_sqlite):
    on_sqlite.execute(sa.update(tables.contact_sources).values(last_order_at=at(9)))

    result = on_sqlite.run("may", "7000000000001", "--channel", "email", "--checkout", "41")
    assert (result.exit_code, result.stdout) == (1, "no: checkout 41 was recovered\n")


def test_who_asks_can_tell_a_no_from_a_wrong_question_and_from_no_answer(on_sqlite, tmp_path):
    nobody_there = Contactdb(f"postgresql://person@/x?host={tmp_path}")

    codes = {
        "no": on_sqlite.run("may", "#2", "--channel", "email").exit_code,
        "unknown contact": on_sqlite.run("may", "nobody@example.com", "--channel", "email").exit_code,
        "unknown channel": on_sqlite.run("may", "#2", "--channel", "letter").exit_code,
        "no server": nobody_there.run("may", "#2", "--channel", "email").exit_code,
    }

    assert codes == {"no": 1, "unknown contact": 2, "unknown channel": 2, "no server": 3}


def test_may_of_who_was_erased_is_no_yes_and_says_why(on_sqlite):
    on_sqlite.run("erase", "#2", "--yes")

    result = on_sqlite.run("may", "#2", "--channel", "email")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "or it was erased" in result.stderr


def sentences(contactdb, key, channel="email"):
    answer = contactdb.json("why", key)
    return next(one for one in answer["channels"] if one["channel"] == channel)["sentences"]


def test_why_tells_what_is_known_of_a_subscription(contactdb):
    assert contactdb.json("why", "7000000000001") == {
        "contact_id": SUBSCRIBED,
        "user_code": "7000000000001",
        "channels": [
            {
                "channel": "email",
                "may": True,
                "sentences": [
                    "May be e-mailed.",
                    "It is subscribed since 2026-11-01 08:00:00 UTC, by an import, from what Shopify said.",
                    "The log: subscribed, at 2026-11-01 10:00:01 UTC by operation 1 (import of customers of"
                    " sandbox.myshopify.com). Shopify said SUBSCRIBED (2026-11-01T08:00:00Z); open: insert"
                    " subscribed.",
                    "Shopify (sandbox.myshopify.com, customer 7000000000001) said SUBSCRIBED last, consent of"
                    " 2026-11-01 08:00:00 UTC, opt-in level SINGLE_OPT_IN.",
                    "That ends when Shopify says UNSUBSCRIBED, PENDING or INVALID, when an opt-out closes its"
                    " address, or with `contactdb unsubscribe '#1' --channel email`.",
                ],
            },
            {
                "channel": "sms",
                "may": False,
                "sentences": [
                    "May not be sent an SMS: unsubscribed (Shopify - no marketing consent).",
                    "It is unsubscribed since 2026-11-01 07:00:00 UTC with the cause"
                    " `Shopify - no marketing consent`, by an import, from what Shopify said.",
                    "The log: unsubscribed, at 2026-11-01 10:00:01 UTC by operation 1 (import of customers of"
                    " sandbox.myshopify.com). Shopify said NOT_SUBSCRIBED (no time); open: flag.",
                    "Shopify (sandbox.myshopify.com, customer 7000000000001) said NOT_SUBSCRIBED last, without a"
                    " consent time.",
                    "An import restores it when Shopify says SUBSCRIBED. Told by the person here:"
                    " `contactdb subscribe '#1' --channel sms`.",
                ],
            },
        ],
    }


def test_why_tells_which_opt_out_closed_the_address_and_what_opens_it(on_sqlite):
    told = sentences(on_sqlite, "7000000000002")

    assert told[0] == (
        "May not be e-mailed: unsubscribed (Shopify - opted out);"
        " the e-mail address is suppressed (Shopify - opted out)."
    )
    assert told[3] == (
        "Its address is suppressed since 2026-11-01 09:00:00 UTC, cause `Shopify - opted out`,"
        " by an import, from what Shopify said."
    )
    assert told[-1] == (
        "A yes later than 2026-11-01 09:00:00 UTC opens the address: SUBSCRIBED in Shopify,"
        " or `contactdb subscribe '#2' --channel email`."
    )


def test_why_tells_that_a_yes_lifted_an_opt_out(on_sqlite):
    close(on_sqlite, "ann@example.com", at=at(7), lifted_at=at(8))

    assert (
        "An opt-out of 2026-11-01 07:00:00 UTC is on record for its address (cause `person unsubscribed`,"
        " by the person); a yes of 2026-11-01 08:00:00 UTC lifted it."
    ) in sentences(on_sqlite, "7000000000001")


def test_why_tells_that_no_import_restores_a_protected_cause(on_sqlite):
    close(on_sqlite, "ann@example.com", source="protected", cause="complaint")

    assert sentences(on_sqlite, "7000000000001")[-1] == (
        "No import restores it. Once the person has said yes again, `contactdb subscribe '#1' --channel email` does."
    )


def test_why_tells_of_a_status_that_another_program_wrote(on_sqlite):
    assert sentences(on_sqlite, "#4")[:4] == [
        "May be e-mailed.",
        "It is subscribed, since when is not known.",
        "Another program wrote this status; the next import takes it as the person's own word.",
        "The log holds no change to this status.",
    ]


def test_why_tells_that_there_is_nothing_to_write_to(on_sqlite):
    assert sentences(on_sqlite, "#4", "sms") == [
        "May not be sent an SMS: no phone number.",
        "It has no SMS status: no address has come in.",
        "Once it has an address, the next import decides from what Shopify says about that.",
    ]


def test_why_as_text_has_a_paragraph_per_channel(on_sqlite):
    text = on_sqlite.run("why", "7000000000001").stdout

    assert text.startswith("Contact #1, user code 7000000000001\n\nE-mail\n  May be e-mailed.\n")
    assert "\nSMS\n  May not be sent an SMS: unsubscribed (Shopify - no marketing consent)." in text
    assert max(len(line) for line in text.splitlines()) <= 80


def import_filtered(url, *customers, **options):
    filters = [{"field": "first_name", "op": "ne", "value": "New"}]
    options = {"import_filters": filters, "unsubscribe_discarded": "gone", **options}
    run(url, [schema(), *customers], options=options, unsubscription_causes=[*DEFAULT_CAUSES, "gone"])


def test_why_tells_that_a_record_has_to_pass_the_import_filters_again(database_url):
    import_filtered(database_url, customer(1))
    import_filtered(database_url, customer(1, first_name="New", updated_at="2026-10-02T00:00:00Z"))

    assert sentences(Contactdb(database_url), "1")[-1] == (
        "An import restores it once Shopify says SUBSCRIBED and its record passes the import filters again; the newest"
        " one was discarded by import filter 1 (`first_name`). Told by the person here:"
        " `contactdb subscribe '#1' --channel email`."
    )
    import_filtered(database_url, customer(1, updated_at="2026-10-03T00:00:00Z"))
    assert sentences(Contactdb(database_url), "1")[0] == "May be e-mailed."


def test_why_knows_no_reason_where_changed_filters_were_asked_of_what_is_stored(sqlite_url):
    import_filtered(sqlite_url, customer(1, first_name="New"), import_filters=[])
    import_filtered(sqlite_url)

    assert sentences(Contactdb(sqlite_url), "1")[-1].startswith(
        "An import restores it once Shopify says SUBSCRIBED and its record passes the import filters again. Told"
    )
