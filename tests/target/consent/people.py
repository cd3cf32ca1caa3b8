"""People and what they say, for tests that go through the real target into a real database."""

from __future__ import annotations

import typing as t

from tests.target.singer import customer, execute, query, run, schema

SHOP_A, SHOP_B = "shop-a.myshopify.com", "shop-b.myshopify.com"
HOME, WORK = "ann@home.example", "ann@work.example"

# No test depends on the machine's clock: what people said lies long before it or long after it.
LATER = "2100-01-01T00:00:00Z"

PROPERTY = {"email": "email", "sms": "phone"}


def at(minute: int) -> str:
    """Return a moment of the past; tests tell their story in minutes."""
    return f"2020-01-01T10:{minute:02}:00Z"


def person(
    number: t.Any,
    address: str | None,
    state: str | None,
    when: str | None = None,
    *,
    channel: str = "email",
    updated: str | None = None,
    **values: t.Any,
) -> dict[str, t.Any]:
    """Return the RECORD of a customer who said something about one channel and has no address on the other."""
    other = "sms" if channel == "email" else "email"
    said = {
        PROPERTY[channel]: address,
        f"{channel}_marketing_state": state,
        f"{channel}_marketing_updated_at": when,
        PROPERTY[other]: None,
        f"{other}_marketing_state": None,
        f"{other}_marketing_updated_at": None,
        "updated_at": updated or when or at(0),
    }
    return customer(number, **{**said, **values})


def feed(url: str, *records: dict[str, t.Any], shop: str = SHOP_A, **config: t.Any) -> None:
    """Import customers of a shop, in one batch."""
    run(url, [schema(shop=shop), *records], **config)


def statuses(url: str, channel: str = "email") -> dict[str, tuple[t.Any, ...]]:
    """Return status, source and cause of every contact, by user code."""
    rows = query(
        url,
        f"SELECT user_code, {channel}_status, {channel}_status_source, {channel}_unsubscription_cause FROM contacts",
    )
    return {code: tuple(rest) for code, *rest in rows}


def contactable(url: str, channel: str = "email") -> set[str]:
    """Return the user codes of those who may be written to, by the rule of the view `abandoned_checkout_node`."""
    rows = query(
        url,
        f"""
        SELECT user_code FROM contacts p
        WHERE p.{channel}_status = 'subscribed' AND p.{channel}_address_hash IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM suppressions x WHERE x.channel = '{channel}'
            AND x.address_hash = p.{channel}_address_hash AND x.lifted_at IS NULL)
        """,
    )
    return {code for (code,) in rows}


def outcomes(url: str) -> dict[str, int]:
    """Return what came of the records of the last operation: the outcomes that are not zero."""
    names = ["inserted", "updated", "unchanged", "discarded", "rejected", "superseded", "suppressed", "erased"]
    ((*counts,),) = query(url, f"SELECT {', '.join(names)} FROM operations ORDER BY operation_id DESC LIMIT 1")
    return {name: count for name, count in zip(names, counts, strict=True) if count}


def others_write(url: str, number: int, **values: str | None) -> None:
    """Change a contact as another program does."""
    texts = {name: "NULL" if value is None else f"'{value}'" for name, value in values.items()}
    assignments = ", ".join(f"{name} = {text}" for name, text in texts.items())
    execute(url, f"UPDATE contacts SET {assignments} WHERE user_code = '{number}'")
