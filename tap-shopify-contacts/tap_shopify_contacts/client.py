"""Asks the Admin API over HTTP: one connection kept open, retries, and errors that say where they happened."""

from __future__ import annotations

import logging
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
from tap_shopify_contacts.errors import ConnectionFailed, GaveUp, RetryableError, TapError, Throttled, TokenRefused
from tap_shopify_contacts.pacing import Cost, Pace
from tap_shopify_contacts.retry import RetryPolicy

if t.TYPE_CHECKING:
    from tap_shopify_contacts.settings import Settings

USER_AGENT = f"tap-shopify-contacts/{package_version('tap-shopify-contacts')}"

_CONNECT_TIMEOUT = 10.0
_READ_TIMEOUT = 90.0
_READ_AT_ONCE = 1024 * 1024
_LONGEST_NOTICE = 300
_BROKEN_OFF = (
    requests.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    # Compressed bytes that were damaged on the way.
    requests.exceptions.ContentDecodingError,
)
_LATER = "Run it again later: it goes on where its bookmark is."

Ease = t.Callable[[RetryableError, int], "Question | None"]
"""Returns an easier question after the n-th failure of a kind, or None to ask the same again."""


@dataclass(frozen=True)
class Question:
    """A GraphQL operation, asked for a stream.

    `node_type` is what to decode the nodes of a page into; without it they are dictionaries.
    """

    stream: str
    document: str
    variables: t.Mapping[str, t.Any] = field(default_factory=dict)
    node_type: type[msgspec.Struct] | None = None

    @property
    def price_key(self) -> t.Hashable:
        """Return what the cost depends on: the document, and how many records it asks for."""
        sizes = tuple(value for value in self.variables.values() if isinstance(value, int))
        return self.document, sizes


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
        self._clock = clock
        self._pace = Pace()
        self._prices: dict[t.Hashable, float] = {}
        self._told: set[str] = set()
        self._access = access_of(settings.credentials, self._request_grant, clock)
        self._session = _open_session(settings.base_url)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def ask(self, question: Question, *, policy: RetryPolicy | None = None, ease: Ease | None = None) -> Answer:
        """Ask until there is an answer, as long as the policy allows, and once more with a new token after a refusal.

        Each request waits until the bucket should hold what it costs.

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
                    self.wait_after(error, failures[type(error)], question.stream, policy)
                    if ease is not None:
                        question = ease(error, failures[type(error)]) or question
                except TokenRefused:
                    if renewed or not self._access.renew():
                        raise
                    renewed = True
                    self._logger.info("%s: The access token is no longer taken. Asking for a new one.", question.stream)
        except TapError as error:
            self._access.explain(error)
            error.place(shop=self._settings.shop, stream=question.stream)
            raise

    def pause(self, seconds: float) -> None:
        """Wait for something that takes its time: up to as long as given, and not in step with other runs."""
        self._sleep(seconds * (1 - self._chance() / 4))

    def wait_after(self, error: RetryableError, failures: int, stream: str, policy: RetryPolicy | None = None) -> None:
        """Wait after the `failures`-th failure of a kind, whatever it was that failed.

        Raises:
            GaveUp: If that was one too many.
        """
        seconds = (policy or self._policy).wait(error, failures, self._chance())
        if seconds is None:
            final = GaveUp(f"{error.problem} Gave up after {failures} tries.", error.advice or _LATER)
            final.place(request_id=error.request_id)
            raise final from error
        self._logger.info("%s: %s Asking again in %.1f s.", stream, error.problem, seconds)
        self._sleep(seconds)

    def _send(self, question: Question) -> Answer:
        body = msgspec.json.encode({"query": question.document, "variables": question.variables})
        if (price := self._prices.get(question.price_key)) is not None:
            seconds = self._pace.wait(price, self._clock())
            if seconds > 0:
                self._sleep(seconds)
        # Only now: the token could expire while the bucket fills.
        headers = {"Content-Type": "application/json", "X-Shopify-Access-Token": self._access.token()}
        status, received, content = self._post(self._settings.graphql_url, body, headers)
        version = self._settings.api_version
        try:
            answer = read_answer(
                status,
                received,
                content,
                version=version,
                node_type=question.node_type,
            )
        except Throttled as error:
            self._learn(question, error.cost)
            raise
        self._learn(question, answer.cost)
        self._notice(answer)
        return answer

    def _learn(self, question: Question, cost: Cost | None) -> None:
        if cost is not None:
            self._prices[question.price_key] = cost.requested
            self._pace.learn(cost, self._clock())

    def _notice(self, answer: Answer) -> None:
        """Say once what Shopify tells about versions beside its answers."""
        asked = self._settings.api_version
        if answer.served not in {None, asked}:
            self._tell_once(
                logging.WARNING,
                f"Shopify answers with API version {answer.served} in place of {asked}, which it no longer serves. "
                "Set api_version to one that it does.",
            )
        if answer.deprecated:
            self._tell_once(
                logging.INFO,
                f"Shopify will remove something that this tap asks of API version {asked}: "
                f"{' '.join(answer.deprecated.split())[:_LONGEST_NOTICE]}",
            )

    def _tell_once(self, level: int, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._logger.log(level, "%s", text)

    def _request_grant(self, form: t.Mapping[str, str]) -> Grant:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return read_grant(*self._post(self._settings.token_url, urlencode(form).encode(), headers))

    def _post(self, url: str, body: bytes, headers: t.Mapping[str, str]) -> tuple[int, t.Mapping[str, str], bytes]:
        try:
            # A redirect is never followed: the token or the secret would go along, and a POST would turn into a GET.
            with self._session.post(
                url,
                data=body,
                headers=headers,
                timeout=(_CONNECT_TIMEOUT, _READ_TIMEOUT),
                allow_redirects=False,
                stream=True,
            ) as response:
                # The library by itself would read a page in dozens of small pieces.
                content = b"".join(response.iter_content(_READ_AT_ONCE))
                return response.status_code, response.headers, content
        except requests.RequestException as error:
            raise _connection_error(error, self._settings.base_url) from None


def _open_session(base_url: str) -> requests.Session:
    session = requests.Session()
    session.headers.update({"Accept": "application/json", "User-Agent": USER_AGENT})
    # Proxies and certificates that the environment names: the library would look for them before each request anew.
    environment = session.merge_environment_settings(base_url, {}, None, None, None)
    session.proxies, session.verify = environment["proxies"], environment["verify"]
    session.trust_env = False
    return session


def _connection_error(error: requests.RequestException, base_url: str) -> TapError:
    """Return our error for one of the HTTP library, in few words: the library's own text is long."""
    advice = "Check the settings shop and api_url, and the network."
    if isinstance(error, requests.exceptions.SSLError):
        return GaveUp(f"The certificate of {base_url} is not trusted.", advice)
    if isinstance(error, requests.Timeout):
        return ConnectionFailed(f"{base_url} does not answer in time.", advice)
    if not isinstance(error, _BROKEN_OFF):
        return GaveUp(f"The request to {base_url} cannot be made.", advice)
    cause: object = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return ConnectionFailed(f"{base_url} cannot be reached: its name is unknown.", advice)
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return ConnectionFailed(f"{base_url} cannot be reached: no connection.", advice)
    return ConnectionFailed(f"The connection to {base_url} broke.", advice)
