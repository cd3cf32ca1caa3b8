"""Statuses by name, and what other programs do to people, for the tests of imports."""

from __future__ import annotations

from tests.target.consent.people import others_write

SUBSCRIBED = ("subscribed", "import", None)
OPTED_OUT = ("unsubscribed", "import", "Shopify - opted out")
NEVER_AGREED = ("unsubscribed", "import", "Shopify - no marketing consent")
BY_FOOTER = ("unsubscribed", "person", "newsletter footer")
BOUNCED = ("unsubscribed", "protected", "hard bounce")

ADDRESSES = {"email": ("Ann@Home.Example", "ann@home.example "), "sms": ("+49 170 111111", "+49170111111")}


def opt_out_by_footer(url: str, number: int, channel: str = "email") -> None:
    """Unsubscribe a contact as another program does."""
    others_write(
        url, number, **{f"{channel}_status": "unsubscribed", f"{channel}_unsubscription_cause": "newsletter footer"}
    )


def bounce(url: str, number: int) -> None:
    """Mark a hard bounce as another program does."""
    others_write(url, number, email_status="unsubscribed", email_unsubscription_cause="hard bounce")
