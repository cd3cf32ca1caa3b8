"""The access tokens that the shop takes, and the client credentials that it issues them for."""

from __future__ import annotations

import typing as t
import uuid

from shopify_sandbox.clock import SECOND

if t.TYPE_CHECKING:
    from shopify_sandbox.clock import StoreClock

GRANT = "client_credentials"


class GrantError(Exception):
    """A token request that is refused; `code` is the OAuth error."""

    def __init__(self, code: str, description: str) -> None:
        """Keep the code and its description."""
        super().__init__(code, description)
        self.code = code
        self.description = description


class Tokens:
    """One permanent token, and those issued for client credentials, valid by the store's clock."""

    def __init__(self, permanent: str, client_id: str, client_secret: str, lifetime: int, clock: StoreClock) -> None:
        """Begin with no token issued; `lifetime` is in seconds."""
        self.lifetime = lifetime
        self._permanent = permanent
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock
        self._issued: dict[str, int] = {}

    def issue(self, asked: t.Mapping[str, t.Any]) -> str:
        """A new token for a token request.

        Raises:
            GrantError: It is another kind of grant, or not this app.
        """
        if asked.get("grant_type") != GRANT:
            raise GrantError("unsupported_grant_type", "The grant type is not supported.")
        if asked.get("client_id") != self._client_id:
            raise GrantError("application_cannot_be_found", "Could not find Shopify API application with this api_key.")
        if asked.get("client_secret") != self._client_secret:
            raise GrantError("invalid_client", "The client secret is not the app's.")
        token = f"shpat_{uuid.uuid4().hex}"
        self._issued[token] = self._clock.now() + self.lifetime * SECOND
        return token

    def accepts(self, token: str | None) -> bool:
        """Whether a request may come with this token now."""
        if token is None:
            return False
        return token == self._permanent or self._clock.now() < self._issued.get(token, 0)

    def revoke(self) -> int:
        """Take back all tokens that were issued; how many there were."""
        count = len(self._issued)
        self._issued.clear()
        return count
