"""The contact card, and the answers about one contact, for people."""

from __future__ import annotations

import typing as t

from rich.text import Text

from target_contactdb.admin.render import WIDE, heading, new_table, show_sentences, show_table
from target_contactdb.admin.words import CHANNEL_TITLES, NOTHING, moment, price, safe, shown, source_words

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from target_contactdb.admin.activities import Operation
    from target_contactdb.admin.acts import Told
    from target_contactdb.admin.cards import (
        ChannelCard,
        ContactCard,
        FieldValue,
        FlowEntry,
        SourceCard,
        SourceChannel,
        StatusChange,
    )
    from target_contactdb.admin.carts import Checkout, Line
    from target_contactdb.admin.explain import Explanation
    from target_contactdb.admin.permission import Answer, Suppression

_LINES_SHOWN: t.Final = 12

# What Shopify calls the one variant of a product that has none.
_NO_VARIANT: t.Final = "Default Title"


def title_of(contact_id: int, user_code: str | None) -> str:
    """Return how a contact is named without naming the person."""
    return f"Contact #{contact_id}, user code {user_code or NOTHING}"


def show_card(console: Console, card: ContactCard) -> None:
    """Print the contact card."""
    console.print(heading(title_of(card.contact_id, card.user_code)))
    _show_channels(console, card.channels)
    _show_fields(console, card.fields)
    _show_checkout(console, card)
    _show_sources(console, card.sources)
    _show_entries(console, card.flow_entries)
    _show_history(console, card.status_changes)
    dates = f"Made {moment(card.created_at)}, last written {moment(card.updated_at)}. "
    console.print(Text(f"{dates}{_last_import(card.last_operation)}Times are UTC.", style="dim"))


def _last_import(operation: Operation | None) -> str:
    if operation is None:
        return ""
    which = f"operation {operation.operation_id}, {operation.kind} of {safe(operation.shop)}"
    return f"Last import that wrote it: {which}, {moment(operation.started_at)}, {operation.state}. "


def _show_channels(console: Console, channels: Sequence[ChannelCard]) -> None:
    table = new_table("")
    for one in channels:
        table.add_column(CHANNEL_TITLES[one.channel], ratio=1)
    rows: list[tuple[str, list[str | Text]]] = [
        ("May be written to", [_may(one) for one in channels]),
        ("Address", [safe(one.address or NOTHING) for one in channels]),
        ("Status", [one.status for one in channels]),
        ("Cause", [safe(one.cause or NOTHING) for one in channels]),
        ("Since", [moment(one.since) for one in channels]),
        ("Told by", [source_words(one.source, changed_elsewhere=one.changed_elsewhere) for one in channels]),
    ]
    seldom: list[tuple[str, list[str | Text]]] = [
        ("Own opt-in here", [moment(one.opted_in_at) for one in channels]),
        ("Own opt-out", [moment(one.opted_out_at) for one in channels]),
        ("Opt-out of address", [_suppressed(one.suppression) for one in channels]),
    ]
    rows += [(label, values) for label, values in seldom if any(value != NOTHING for value in values)]
    for label, values in rows:
        table.add_row(label, *values)
    show_table(console, table)


def _suppressed(found: Suppression | None) -> str:
    if found is None:
        return NOTHING
    lifted = f"\nlifted {moment(found.lifted_at)}" if found.lifted_at else ""
    return f"{moment(found.at)}, {safe(found.cause)}{lifted}"


def _may(one: ChannelCard) -> Text:
    if one.may:
        return Text("yes", style="bold green")
    return Text("no: ", style="bold red").append(safe("; ".join(one.reasons)), style="not bold")


def _show_fields(console: Console, fields: Sequence[FieldValue]) -> None:
    filled = [(safe(one.label), text) for one in fields if (text := shown(one.value))]
    if not filled:
        return
    console.print(heading("Fields"))
    wide = console.width >= WIDE
    table = new_table(header=False)
    for _ in range(2 if wide else 1):
        table.add_column(style="cyan")
        table.add_column(ratio=1, overflow="fold")
    if wide:
        half = (len(filled) + 1) // 2
        right = [*filled[half:], ("", "")]
        for left, beside in zip(filled[:half], right, strict=False):
            table.add_row(*left, *beside)
    else:
        for label, text in filled:
            table.add_row(label, text)
    show_table(console, table)
    empty = len(fields) - len(filled)
    if empty:
        console.print(Text(f"  Empty fields, not shown: {empty}", style="dim"))
        console.print()


def _show_checkout(console: Console, card: ContactCard) -> None:
    checkout = card.checkout
    console.print(heading("Last abandoned checkout"))
    if checkout is None:
        more = f"; {card.checkouts_on_record} recovered" if card.checkouts_on_record else ""
        console.print(f"  None is open{more}.")
        console.print()
        return
    number = str(checkout.checkout_id)
    if checkout.name and checkout.name.removeprefix("#") != number:
        number = f"{number} ({safe(checkout.name)})"
    console.print(f"  Number {number}, shop {safe(checkout.shop)}")
    console.print(f"  Begun {moment(checkout.created_at)}, last changed {moment(checkout.updated_at)}")
    if checkout.last_operation_id:
        console.print(f"  Written by operation {checkout.last_operation_id}")
    if checkout.abandoned_checkout_url:
        console.print(f"  {safe(checkout.abandoned_checkout_url)}", soft_wrap=True)
    console.print()
    table = new_table()
    table.add_column("Item", ratio=1)
    table.add_column("SKU", overflow="fold")
    for name in ("Quantity", "Price", "Total"):
        table.add_column(name, justify="right")
    for line in checkout.lines[:_LINES_SHOWN]:
        table.add_row(*_line(line, checkout.currency))
    table.add_section()
    codes = checkout.discount_codes
    for label, value in (
        ("Subtotal", checkout.subtotal_price),
        (f"Discounts ({shown(codes)})" if codes else "Discounts", checkout.total_discounts),
        ("Tax", checkout.total_tax),
    ):
        if value:
            table.add_row(label, "", "", "", price(value, checkout.currency))
    table.add_row("Total", "", str(checkout.line_items_quantity or ""), "", _total(checkout), style="bold")
    show_table(console, table)
    hidden = len(checkout.lines) - _LINES_SHOWN
    if hidden > 0:
        console.print(Text(f"  Lines, not shown: {hidden}; --format json has them all", style="dim"))
        console.print()
    if card.checkouts_on_record > 1:
        console.print(Text(f"  Checkouts on record, with this one: {card.checkouts_on_record}", style="dim"))
        console.print()


def _total(checkout: Checkout) -> str:
    total = price(checkout.total_price, checkout.currency)
    if checkout.presentment_currency in {None, checkout.currency}:
        return total
    return f"{total}\n({price(checkout.presentment_total_price, checkout.presentment_currency)})"


def _line(line: Line, currency: str | None) -> tuple[str, ...]:
    variant = f" ({line.variant_title})" if line.variant_title not in {None, "", _NO_VARIANT} else ""
    quantity = str(line.quantity) if line.quantity is not None else NOTHING
    return (
        safe(f"{line.title or line.product_title or NOTHING}{variant}"),
        safe(line.sku or NOTHING),
        quantity,
        _reduced(line.unit_price, line.discounted_unit_price, line.currency or currency),
        _reduced(line.total_price, line.discounted_total_price, line.currency or currency),
    )


def _reduced(full: t.Any, reduced: t.Any, currency: str | None) -> str:
    if reduced is None or reduced == full:
        return price(full, currency)
    return f"{price(reduced, currency)}\nwas {price(full, currency)}"


def _show_sources(console: Console, sources: Sequence[SourceCard]) -> None:
    if not sources:
        return
    console.print(heading("Sources in Shopify"))
    table = new_table()
    table.add_column("Customer", overflow="fold", ratio=1)
    for name in ("E-mail", "SMS", "Last changed there"):
        table.add_column(name, no_wrap=True)
    for one in sources:
        facts = [moment(one.source_updated_at, seconds=False)]
        facts += [f"last order\n{moment(one.last_order_at, seconds=False)}"] if one.last_order_at else []
        facts += ["contact was there\nalready when it came"] if not one.owned else []
        facts += [f"deleted {moment(one.deleted_at, seconds=False)}"] if one.deleted_at else []
        table.add_row(f"{one.customer_id}\n{safe(one.shop)}", _said(one.email), _said(one.sms), "\n".join(facts))
    show_table(console, table)


def _said(said: SourceChannel) -> str:
    return f"{safe(said.state or NOTHING)}\n{moment(said.consent_at, seconds=False) if said.consent_at else ''}"


def _show_history(console: Console, history: Sequence[StatusChange]) -> None:
    if not history:
        return
    console.print(heading("Status history"))
    wide = console.width >= WIDE
    table = new_table("When", "Channel", "Status", "Cause", "By", *(["Evidence"] if wide else []))
    table.columns[3].ratio = 1
    if wide:
        table.columns[5].ratio = 2
    for one in history:
        table.add_row(
            moment(one.acted_at or one.written_at, seconds=False),
            CHANNEL_TITLES.get(one.channel, one.channel),
            f"{one.before} > {one.after}" if one.before not in {None, one.after} else one.after,
            safe(one.cause or NOTHING),
            f"operation {one.operation_id}" if one.operation_id else "hand",
            *([safe(one.evidence)] if wide else []),
        )
    show_table(console, table)


def _show_entries(console: Console, entries: Sequence[FlowEntry]) -> None:
    if not entries:
        return
    console.print(heading("Flows"))
    table = new_table("Entered", "Flow", "With", "Standing")
    table.columns[1].ratio = 1
    for one in entries:
        subject = f"checkout {one.checkout_id}" if one.checkout_id else NOTHING
        table.add_row(moment(one.entered_at, seconds=False), safe(one.flow), subject, _standing(one))
    show_table(console, table)


def _standing(entry: FlowEntry) -> str:
    if entry.acknowledged_at:
        return "final"
    if entry.leased_until:
        return f"handed out until {moment(entry.leased_until, seconds=False)}"
    return "given back"


def show_explanation(console: Console, explanation: Explanation) -> None:
    """Print why a contact may or may not be written to."""
    console.print(heading(title_of(explanation.contact_id, explanation.user_code)))
    for one in explanation.channels:
        console.print()
        console.print(heading(CHANNEL_TITLES[one.channel]))
        show_sentences(console, one.sentences)


def show_answer(console: Console, answer: Answer) -> None:
    """Print yes, or no and why not."""
    console.print("yes" if answer.may else safe(f"no: {'; '.join(answer.reasons)}"), soft_wrap=True)


def show_told(console: Console, told: Told) -> None:
    """Print what came of an act."""
    since = f", since {moment(told.since)} UTC" if told.since else ""
    cause = f" ({safe(told.cause)})" if told.cause else ""
    console.print(
        f"Contact #{told.contact_id}, {CHANNEL_TITLES[told.channel]}: {told.note}. It is {told.status}{cause}{since}.",
        soft_wrap=True,
    )
    if told.lifted_cause is not None:
        warning = (
            f"It was closed by `{safe(told.lifted_cause)}`, a protected cause, which no import lifts. This yes did."
        )
        console.print(Text(f"! {warning}", style="yellow"), soft_wrap=True)
    if told.followed:
        console.print(f"Other contacts with this address that were unsubscribed as well: {told.followed}.")
