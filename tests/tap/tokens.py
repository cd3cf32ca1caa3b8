"""Clocks, token desks and advice, for the tests of access."""

import typing as t

import pytest

from shopify_sandbox.process import Sandbox
from tap_shopify_contacts.auth import ClientCredentials, Grant
from tap_shopify_contacts.errors import TapError
from tap_shopify_contacts.settings import AppCredentials
from tests.tap.helpers import LineWriter, Output, requests_of, run_tap

PLACE = "shop sandbox.myshopify.com, stream customers: "
DAY = 86_399
NO_SCOPES = "The app's token has no scopes at all: give a version of the app scopes, release it, and approve it."
SCOPE = "Give a version of the app the scope it lacks, release it, and approve it in the shop."
BOTH = "Check both against the app's settings, and that the app is installed in the shop."


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 5_000.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.seconds


class TokenDesk:
    """Issues the tokens t1, t2 and so on, and keeps the forms that it was asked with."""

    def __init__(self, **grant: t.Any) -> None:
        self.forms: list[dict[str, str]] = []
        self._grant = grant

    def __call__(self, form: t.Mapping[str, str]) -> Grant:
        """Issue the next token."""
        self.forms.append(dict(form))
        return Grant(access_token=f"t{len(self.forms)}", **self._grant)


def access_at(desk: TokenDesk, clock: Clock) -> ClientCredentials:
    """Return access by the app's credentials to a shop whose tokens a desk issues."""
    return ClientCredentials(AppCredentials("id", "secret"), desk, clock)


def failure_of(config: dict[str, object], **options: t.Any) -> tuple[TapError, Output]:
    """Run the tap, and return what it failed with and what it had written."""
    writer = LineWriter()
    with pytest.raises(TapError) as caught:
        run_tap(config, select="customers", writer=writer, **options)
    return caught.value, Output(writer.lines)


def operations(sandbox: Sandbox) -> list[tuple[str | None, int]]:
    """Return the requests that the store has had, each with its answer's status."""
    return [(entry["operation"], entry["status"]) for entry in requests_of(sandbox)]
