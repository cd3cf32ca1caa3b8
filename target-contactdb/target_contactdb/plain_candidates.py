"""New customers, each decided as if nothing were known of it nor of its addresses. No I/O here."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from target_contactdb.first_sight import FirstSight, first_sight
from target_contactdb.tables import CHANNELS
from target_contactdb.typed_records import moment_reader, second_reader, short_text

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

    from target_contactdb.address_keys import Values
    from target_contactdb.consent_values import Policy
    from target_contactdb.dialects.base import Loader
    from target_contactdb.typed_records import Core

SEEN_NAMES: t.Final = ("address", "address_hash", "state", "opt_in_level", "consent_at")
"""What a source row holds of a channel, in the order of `Channel.seen`."""

_ANSWERS: t.Final = 256
_LONGEST: t.Final = 255
_NOTHING: t.Final = (None,) * len(SEEN_NAMES)
_NO_STATUS: t.Final = ("none", None, None, None, None, None, "none", None)


class Channel(msgspec.Struct, gc=False):
    """What becomes of one channel of one new customer.

    Attributes:
        seen: What the source row holds.
        held: What the contact's row holds, in the order of `contact_status_columns`, without the time of an opt-in.
        answer: The state table's answer; None for a channel of which nothing is said.
        times: By `When`, as the driver takes them.
        spoken: The consent time in the words of the evidence.
    """

    seen: tuple[t.Any, ...]
    held: tuple[t.Any, ...]
    answer: FirstSight | None
    times: tuple[t.Any, ...]
    spoken: str


_SILENT: t.Final = Channel(_NOTHING, _NO_STATUS, None, (), "")


class Candidate(msgspec.Struct, gc=False):
    """A customer that no source row knows, decided as if nothing else were known of it either."""

    position: int
    customer_id: int
    updated_at: t.Any
    last_order_at: t.Any
    content_hash: str
    channels: tuple[Channel, Channel]
    line: bytes
    keys: Values


@dataclass
class Candidates:
    """Decides new customers.

    Attributes:
        loader: The engine's loader, which knows how the driver takes times.
        policy: The consent options.
        hashers: Per channel, what hashes an address.
    """

    loader: Loader
    policy: Policy
    hashers: Mapping[str, Callable[[str | None], str | None]]
    _answers: dict[tuple[t.Any, ...], FirstSight | None] = field(default_factory=dict)
    # By state and opt-in level: channels without an address, of which no time is told. Many customers have the same.
    _empty: dict[tuple[str | None, str | None], Channel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._moment = moment_reader(self.loader)
        self._second = second_reader(self.loader)

    def decide(
        self, position: int, core: Core, content_hash: str, line: bytes, keys: Values, now: dt.datetime
    ) -> Candidate | None:
        """Decide a record as if nothing were known of it; None if it has to be read carefully.

        Args:
            position: Its place in the batch.
            core: What decides about it.
            content_hash: The hash of its content.
            line: Its bytes.
            keys: What it brings for the keys that are addresses.
            now: The time of this write.
        """
        ready_now = self.loader.moment(now)
        try:
            updated_at = self._moment(core.updated_at)
            ordered_at = core.last_order_created_at
            last_order_at = None if ordered_at is None else self._moment(ordered_at)
            email = self._channel(
                "email",
                core.email,
                core.email_marketing_state,
                core.email_marketing_opt_in_level,
                core.email_marketing_updated_at,
                updated_at,
                ready_now,
            )
            sms = self._channel(
                "sms",
                core.phone,
                core.sms_marketing_state,
                core.sms_marketing_opt_in_level,
                core.sms_marketing_updated_at,
                updated_at,
                ready_now,
            )
        except ValueError:
            return None
        if email is None or sms is None:
            return None
        return Candidate(position, core.id, updated_at, last_order_at, content_hash, (email, sms), line, keys)

    def _channel(
        self, channel: str, address: t.Any, state: t.Any, level: str | None, consent_at: str | None, *times: t.Any
    ) -> Channel | None:
        if address is msgspec.UNSET:
            return _SILENT
        is_empty = not address and consent_at is None
        if is_empty and (state, level) in self._empty:
            return self._empty[state, level]
        text = short_text(address) if address else None
        digest = self.hashers[channel](text)
        asked = (state, level, digest is not None, consent_at is not None)
        answer = self._answers.get(asked)
        if answer is None:
            answer = self._ask(*asked)
            if answer is None:
                return None
        said_at, spoken = None, ""
        if consent_at is not None:
            said_at, spoken = self._second(consent_at)
        when = (None, said_at, *times)
        status, source, cause = answer.status, answer.source, answer.cause
        held = (status, source, cause, when[answer.at], when[answer.opted_out], digest, status, cause)
        found = Channel((text, digest, state, level, said_at), held, answer, when, spoken)
        if is_empty and answer.is_timeless:
            self._empty[state, level] = found
        return found

    def _ask(self, state: str | None, level: str | None, has_address: bool, has_time: bool) -> FirstSight | None:
        if level is not None and (not level or level != level.strip().upper() or len(level) > _LONGEST):
            return None
        if len(self._answers) >= _ANSWERS:
            return None
        answer = first_sight(state, level, has_address=has_address, has_time=has_time, policy=self.policy)
        self._answers[state, level, has_address, has_time] = answer
        return answer


def addresses_of(one: Candidate) -> set[tuple[str, str]]:
    """Return the addresses that a customer has: channel and hash."""
    return {
        (name, channel.seen[1])
        for name, channel in zip(CHANNELS, one.channels, strict=True)
        if channel.seen[1] is not None
    }


def shared_addresses(candidates: Sequence[Candidate]) -> set[tuple[str, str]]:
    """Return the addresses that more than one of some candidates name: who of them counts is for the careful road."""
    shared: set[tuple[str, str]] = set()
    for index, channel in enumerate(CHANNELS):
        digests = [one.channels[index].seen[1] for one in candidates]
        known = [digest for digest in digests if digest is not None]
        if len(known) != len(set(known)):
            shared |= {(channel, digest) for digest, times in Counter(known).items() if times > 1}
    return shared
