"""Asks the Admin API over HTTP: one connection kept open, retries, and errors that say where they happened."""

from __future__ import annotations

import random
import time
import typing as t
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version as package_version
from urllib.parse import urlencode

import msgspec
import requests
import urllib3

from tap_shopify_contacts.answers import Answer, read_answer
from tap_shopify_contacts.auth import Grant, access_of, read_grant
from tap_shopify_contacts.errors import ConnectionFailed, GaveUp, RetryableError, TapError, TokenRefused
from tap_shopify_contacts.retry import RetryPolicy

if t.TYPE_CHECKING:
    import logging

    from tap_shopify_contacts.settings import Settings

_CONNECT_TIMEOUT = 10.0
_READ_TIMEOUT = 90.0


@dataclass(frozen=True)
class Question:
    """A GraphQL operation, asked for a stream."""

    stream: str
    document: str
    variables: t.Mapping[str, t.Any] = field(default_factory=dict)


class ShopClient:
    """The Admin API of one shop.

    `sleep` takes seconds; `chance` gives a random number in [0, 1) for the jitter; `clock` gives seconds and never goes
    back.
    """

    def __init__(
        self,
        settings: Settings,
        logger: logging.Logger,
        *,
        policy: RetryPolicy | None = None,
        sleep: t.Callable[[float], None] = time.sleep,
        chance: t.Callable[[], float] = random.random,
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the connection. Nothing is sent yet."""
        self._settings = settings
        self._logger = logger
        self._policy = policy or RetryPolicy()
        self._sleep = sleep
        self._chance = chance
        self._access = access_of(settings.credentials, self._request_grant, clock)
        self._session = requests.Session()
        self._session.headers.update(
            {
                "Accept": "application/json",
                "User-Agent": f"tap-shopify-contacts/{package_version('tap-shopify-contacts')}",
            }
        )

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def ask(self, question: Question, *, policy: RetryPolicy | None = None) -> Answer:
        """Ask until there is an answer, as long as the policy allows, and once more with a new token after a refusal.

        Raises:
            TapError: The error, with shop and stream. A retryable one that stays becomes GaveUp.
        """
        policy = policy or self._policy
        failures: Counter[type[RetryableError]] = Counter()
        renewed = False
        try:
            while True:
                try:
                    return self._send(question)
                except RetryableError as error:
                    failures[type(error)] += 1
                    self._wait(error, failures[type(error)], policy, question.stream)
                except TokenRefused:
                    if renewed or not self._access.renew():
                        raise
                    renewed = True
                    self._logger.info("%s: The access token is no longer taken. Asking for a new one.", question.stream)
        except TapError as error:
            self._access.explain(error)
            error.place(shop=self._settings.shop, stream=question.stream)
            raise

    def _wait(self, error: RetryableError, failures: int, policy: RetryPolicy, stream: str) -> None:
        seconds = policy.wait(error, failures, self._chance())
        if seconds is None:
            final = GaveUp(f"{error.problem} Gave up after {failures} tries.", error.advice)
            final.place(request_id=error.request_id)
            raise final from error
        self._logger.info("%s: %s Asking again in %.1f s.", stream, error.problem, seconds)
        self._sleep(seconds)

    def _send(self, question: Question) -> Answer:
        body = msgspec.json.encode({"query": question.document, "variables": question.variables})
        headers = {"Content-Type": "application/json", "X-Shopify-Access-Token": self._access.token()}
        response = self._post(self._settings.graphql_url, body, headers)
        return read_answer(response.status_code, response.headers, response.content, version=self._settings.api_version)

    def _request_grant(self, form: t.Mapping[str, str]) -> Grant:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        response = self._post(self._settings.token_url, urlencode(form).encode(), headers)
        return read_grant(response.status_code, response.headers, response.content)

    def _post(self, url: str, body: bytes, headers: t.Mapping[str, str]) -> requests.Response:
        try:
            # A redirect is never followed: the token or the secret would go along, and a POST would turn into a GET.
            return self._session.post(
                url, data=body, headers=headers, timeout=(_CONNECT_TIMEOUT, _READ_TIMEOUT), allow_redirects=False
            )
        except requests.RequestException as error:
            raise _connection_error(error, self._settings.base_url) from None


def _connection_error(error: requests.RequestException, base_url: str) -> TapError:
    """Return our error for one of the HTTP library, in few words: the library's own text is long."""
    advice = "Check the settings shop and api_url, and the network."
    if isinstance(error, requests.exceptions.SSLError):
        return GaveUp(f"The certificate of {base_url} is not trusted.", advice)
    if isinstance(error, requests.Timeout):
        return ConnectionFailed(f"{base_url} does not answer in time.", advice)
    if not isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return GaveUp(f"The request to {base_url} cannot be made.", advice)
    cause: object = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return ConnectionFailed(f"{base_url} cannot be reached: its name is unknown.", advice)
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return ConnectionFailed(f"{base_url} cannot be reached: no connection.", advice)
    return ConnectionFailed(f"The connection to {base_url} broke.", advice)
