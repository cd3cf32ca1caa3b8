"""Signs in to the Admin API: with a permanent token, or with tokens that Shopify issues for client credentials.

Tokens are kept in memory only. The grant that issues them, and what it answers:
https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant.
"""

from __future__ import annotations

import math
import re
import typing as t
from dataclasses import dataclass, field

import msgspec
from typing_extensions import override

from tap_shopify_contacts.answers import decode_object
from tap_shopify_contacts.errors import AccessDenied, CredentialsRefused, TapError, TokenRefused, UnexpectedAnswer
from tap_shopify_contacts.settings import AppCredentials, PermanentToken
from tap_shopify_contacts.statuses import status_error

_MARGIN = 60.0
_REFUSALS = frozenset({400, 401, 403})
_ERROR_CODE = re.compile(r"[a-z_]{1,60}", re.IGNORECASE)
_ERROR_PAGE = re.compile(rb"Oauth error ([a-z_]{1,60})", re.IGNORECASE)
_REFUSAL_ADVICE = {
    "app_not_installed": "Install the app in the shop.",
    "application_cannot_be_found": "There is no app with this client_id: copy it from the app's settings again.",
    "shop_not_permitted": "App and shop must belong to the same organization in the Dev Dashboard.",
}
_SCOPES_ADVICE = "Give a version of the app the scope it lacks, release it, and approve it in the shop."
_NO_SCOPES_ADVICE = (
    "The app's token has no scopes at all: give a version of the app scopes, release it, and approve it."
)


class Grant(msgspec.Struct, frozen=True):
    """A token that Shopify has issued. It is valid for `expires_in` seconds; without that, until it is refused."""

    access_token: t.Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]+\Z")]
    expires_in: t.Annotated[int, msgspec.Meta(ge=0)] | None = None
    scope: str | None = None

    @override
    def __repr__(self) -> str:
        """Leave the token out of any log."""
        return f"Grant(expires_in={self.expires_in!r}, scope={self.scope!r})"


class Access(t.Protocol):
    """A way to sign in."""

    def token(self) -> str:
        """Return the token for the next request.

        Raises:
            TapError: If one has to be asked for, and Shopify issues none.
        """

    def renew(self) -> bool:
        """Drop the token that Shopify has refused. Returns whether there can be another one."""

    def explain(self, error: TapError) -> None:
        """Change the advice of an error to what helps with this way to sign in."""


@dataclass(frozen=True)
class StaticToken:
    """A token that stays."""

    value: str = field(repr=False)

    def token(self) -> str:
        """Return the token."""
        return self.value

    def renew(self) -> bool:
        """Say that there is no other token."""
        return False

    def explain(self, error: TapError) -> None:
        """Leave the advice as it is: it speaks of a token that stays."""


class ClientCredentials:
    """Tokens that are asked for, renewed a minute before they expire, and once more when Shopify refuses one.

    `request` sends the form to Shopify. `clock` gives seconds and never goes back.
    """

    def __init__(
        self,
        credentials: AppCredentials,
        request: t.Callable[[t.Mapping[str, str]], Grant],
        clock: t.Callable[[], float],
    ) -> None:
        """Begin without a token; the first request asks for one."""
        self._form = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
        }
        self._request = request
        self._clock = clock
        self._grant: Grant | None = None
        self._renew_at = math.inf

    def token(self) -> str:
        """Return a token that is valid for a while yet.

        Raises:
            TapError: If a new one is needed and Shopify issues none.
        """
        asked_at = self._clock()
        if self._grant is None or asked_at >= self._renew_at:
            self._grant = self._request(self._form)
            lifetime = self._grant.expires_in
            # Half of a lifetime that is no longer than the margin: not each request shall ask for a token.
            self._renew_at = math.inf if lifetime is None else asked_at + max(lifetime - _MARGIN, lifetime / 2)
        return self._grant.access_token

    def renew(self) -> bool:
        """Drop the token, so that the next request asks for another one."""
        self._grant = None
        return True

    def explain(self, error: TapError) -> None:
        """Speak of the app and its version, and say so when its tokens come without any scope."""
        if isinstance(error, TokenRefused):
            error.advice = "It was issued for client_id just before: check that the app is still installed."
        elif isinstance(error, AccessDenied):
            no_scopes = self._grant is not None and self._grant.scope == ""
            error.advice = _NO_SCOPES_ADVICE if no_scopes else _SCOPES_ADVICE


def access_of(
    credentials: PermanentToken | AppCredentials,
    request: t.Callable[[t.Mapping[str, str]], Grant],
    clock: t.Callable[[], float],
) -> Access:
    """Return the way to sign in that the settings ask for."""
    if isinstance(credentials, PermanentToken):
        return StaticToken(credentials.value)
    return ClientCredentials(credentials, request, clock)


def read_grant(status: int, headers: t.Mapping[str, str], body: bytes) -> Grant:
    """Return the token in an answer to a token request. Pure.

    Raises:
        TapError: The one error that the answer means, with the request id where Shopify gave one.
    """
    try:
        return _read_grant(status, headers, body)
    except TapError as error:
        error.place(request_id=headers.get("X-Request-Id"))
        raise


def _read_grant(status: int, headers: t.Mapping[str, str], body: bytes) -> Grant:
    if status in _REFUSALS:
        raise _refusal(status, body)
    if status != 200:
        raise status_error(status, headers)
    content = decode_object(headers, body)
    try:
        return msgspec.convert(content, Grant)
    except msgspec.ValidationError:
        # Not quoted: its text may name what it found.
        raise UnexpectedAnswer("Shopify's answer to the token request holds no token that can be used.") from None


def _refusal(status: int, body: bytes) -> CredentialsRefused:
    code = _error_code(body)
    said = f"HTTP {status}, {code}" if code else f"HTTP {status}"
    return CredentialsRefused(
        f"Shopify refused client_id and client_secret ({said}).",
        _REFUSAL_ADVICE.get(
            code or "", "Check both against the app's settings, and that the app is installed in the shop."
        ),
    )


def _error_code(body: bytes) -> str | None:
    """Return the error code of a refusal: in a JSON object, or in the title of a page. Nothing else is ever quoted."""
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = _ERROR_PAGE.search(body)
        return found[1].decode() if found else None
    code = content.get("error") if isinstance(content, dict) else None
    return code if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else None
