"""What the search fields of customers and abandoned checkouts mean: a search tree becomes a test of records. Pure.

Source: the tables in the official schema's text of the `query` arguments, and recorded answers.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shopify_sandbox.clock import DAY, SECOND, from_micros, parse_time, to_micros
from shopify_sandbox.collection import Key
from shopify_sandbox.errors import bad_request
from shopify_sandbox.records import SUBSCRIBED, Checkout, Customer
from shopify_sandbox.search import And, Node, Not, Term

Test: t.TypeAlias = Callable[[t.Any], bool]
Interval: t.TypeAlias = tuple[float, float]

ALWAYS: Interval = (float("-inf"), float("inf"))
# From this version on, `>` skips the whole second that it names.
_EXCLUSIVE_FROM = "2026-10"
_DAY_TEXT = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_CUSTOMER_STATES = ("DECLINED", "DISABLED", "ENABLED", "INVITED")

INVALID_FIELD = ("invalid_field", "Invalid search field for this query.")
MISSING_NAMED_FIELD = ("missing_named_field", "Input must use named search fields in this query.")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a condition depends on beside itself: the API version, the store's time, who abandoned a cart when."""

    version: str
    now: int
    last_abandoned: Callable[[], dict[int, int]]


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled search; `test` null = all records match, `updated` bounds updated_at, `warnings` are to be told.

    `only_updated`: those bounds are all that is asked for.
    """

    test: Test | None = None
    updated: Interval = ALWAYS
    only_updated: bool = True
    warnings: tuple[dict[str, str], ...] = ()

    @property
    def window(self) -> tuple[Key | None, Key | None]:
        """The bounds of updated_at as exclusive sort keys (updated_at, id)."""
        low, high = self.updated
        return None if low == ALWAYS[0] else (low, ALWAYS[0]), None if high == ALWAYS[1] else (high, ALWAYS[0])


class InvalidValueError(Exception):
    """A value that the field does not accept: a warning is told and nothing matches."""


Matcher: t.TypeAlias = Callable[[Term, Reading], Test]


@dataclass
class _Compiler:
    """Walks a tree once; conditions on unknown fields vanish, as if they had not been written."""

    fields: dict[str, Matcher]
    default: Matcher | None
    reading: Reading
    warnings: list[dict[str, str]] = field(default_factory=list)

    def compile(self, node: Node) -> Test | None:
        if isinstance(node, Term):
            return self._term(node)
        if isinstance(node, Not):
            inner = self.compile(node.part)
            return None if inner is None else lambda record: not inner(record)
        tests = [test for test in map(self.compile, node.parts) if test is not None]
        if len(tests) < 2:
            return tests[0] if tests else None
        combine = all if isinstance(node, And) else any
        return lambda record: combine(test(record) for test in tests)

    def _warn(self, name: str, code: str, message: str) -> None:
        self.warnings.append({"field": name, "message": message, "code": code})

    def _term(self, term: Term) -> Test | None:
        matcher = self.default if term.field in (None, "default") else self.fields.get(term.field or "")
        if matcher is None:
            self._warn(term.field or "default", *(INVALID_FIELD if term.field else MISSING_NAMED_FIELD))
            return None
        try:
            return matcher(term, self.reading)
        except InvalidValueError:
            self._warn(term.field or "default", "invalid_value", f"Input `{term.value}` is not an accepted value.")
            return lambda record: False


def compile_filter(node: Node | None, kind: str, reading: Reading) -> Filter:
    """The test for a search on `kind`, a name in the table of searches below.

    Raises:
        ShopError: A time cannot be read.
    """
    if node is None:
        return Filter()
    fields, default = _TABLES[kind]
    compiler = _Compiler(fields, default, reading)
    test = compiler.compile(node)
    only_updated = all(isinstance(part, Term) and part.field == "updated_at" for part in _conjuncts(node))
    return Filter(test, _updated_interval(node, reading), only_updated, tuple(compiler.warnings))


def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, And):
        for part in node.parts:
            yield from _conjuncts(part)
    else:
        yield node


def _updated_interval(node: Node, reading: Reading) -> Interval:
    low, high = ALWAYS
    for part in _conjuncts(node):
        if isinstance(part, Term) and part.field == "updated_at":
            bound_low, bound_high = _interval(part, reading)
            low, high = max(low, bound_low), min(high, bound_high)
    return low, high


def _interval(term: Term, reading: Reading) -> Interval:
    """The stored times that a condition on a time accepts, as [low, high) in microseconds.

    A quoted time is exact. A bare one is read as its day only, which starts at midnight.
    """
    if ".." in term.value:
        begin, _, end = term.value.partition("..")
        return _moment(begin, term, reading)[0], sum(_moment(end, term, reading))
    moment, length = _moment(term.value, term, reading)
    if term.comparator == ">=":
        return moment, ALWAYS[1]
    if term.comparator == "<":
        return ALWAYS[0], moment
    if term.comparator == "<=":
        return ALWAYS[0], moment + 1
    if term.comparator == ">":
        skips = reading.version >= _EXCLUSIVE_FROM
        return (moment // SECOND * SECOND + SECOND if skips else moment + 1), ALWAYS[1]
    return moment - moment % SECOND, moment - moment % SECOND + length


def _moment(text: str, term: Term, reading: Reading) -> tuple[int, int]:
    """A time in microseconds and how long the text lets it last."""
    if text == "now":
        return reading.now, SECOND
    try:
        if _DAY_TEXT.fullmatch(text):
            return to_micros(datetime.strptime(f"{text}-01-01"[:10], "%Y-%m-%d").replace(tzinfo=UTC)), DAY
        moment = parse_time(text)
    except ValueError as error:
        raise bad_request(f"Invalid timestamp for query filter `{term.field}`.") from error
    if term.quoted:
        return moment, SECOND
    day = from_micros(moment).replace(hour=0, minute=0, second=0, microsecond=0)
    return to_micros(day), DAY


def _times(read: Callable[[t.Any], t.Iterable[int]]) -> Matcher:
    def matcher(term: Term, reading: Reading) -> Test:
        low, high = _interval(term, reading)
        return lambda record: any(low <= moment < high for moment in read(record))

    return matcher


def _number(read: Callable[[t.Any], float]) -> Matcher:
    def matcher(term: Term, reading: Reading) -> Test:
        try:
            wanted = float(term.value) if "." in term.value else int(term.value)
        except ValueError as error:
            raise InvalidValueError from error
        compare = _COMPARE[term.comparator]
        return lambda record: compare(read(record), wanted)

    return matcher


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^\w+]+", text.casefold()) if word]


def _text(read: Callable[[t.Any], t.Iterable[str | None]]) -> Matcher:
    """Words anywhere, a beginning with `*`, anything at all with `*`, the whole text when quoted."""

    def matcher(term: Term, reading: Reading) -> Test:
        wanted = term.value.casefold()
        if wanted == "*":
            return lambda record: any(read(record))
        if term.quoted:
            return lambda record: any(value is not None and value.casefold() == wanted for value in read(record))
        if wanted.endswith("*"):
            begin = wanted[:-1]
            return lambda record: any(
                word.startswith(begin) for value in read(record) if value for word in (*_words(value), value.casefold())
            )
        words = set(_words(wanted))
        return lambda record: any(words <= set(_words(value)) for value in read(record) if value)

    return matcher


def _choice(read: Callable[[t.Any], str], accepted: tuple[str, ...]) -> Matcher:
    def matcher(term: Term, reading: Reading) -> Test:
        by_folded = {value.casefold(): value for value in accepted}
        wanted = by_folded.get(term.value.casefold())
        if wanted is None:
            raise InvalidValueError
        return lambda record: read(record) == wanted

    return matcher


def _tag(term: Term, reading: Reading) -> Test:
    wanted = {tag.strip().casefold() for tag in term.value.split(",")}
    return lambda customer: any(tag.casefold() in wanted for tag in customer.tags)


def _tag_not(term: Term, reading: Reading) -> Test:
    tagged = _tag(term, reading)
    return lambda customer: not tagged(customer)


def _abandoned(term: Term, reading: Reading) -> Test:
    low, high = _interval(term, reading)
    latest = reading.last_abandoned()
    return lambda customer: low <= latest.get(customer.number, float("-inf")) < high


def _country(customer: Customer) -> tuple[str | None, ...]:
    return (customer.address.country, customer.address.country_code) if customer.address else ()


def _everything(customer: Customer) -> tuple[str | None, ...]:
    full = " ".join(part for part in (customer.first_name, customer.last_name) if part)
    return full, customer.email, customer.phone


def _checkout_text(checkout: Checkout) -> tuple[str | None, ...]:
    address = checkout.shipping_address or checkout.billing_address
    return (address.first_name, address.last_name, f"#{checkout.number}") if address else (f"#{checkout.number}",)


_CUSTOMER_FIELDS: dict[str, Matcher] = {
    "accepts_marketing": _choice(
        lambda c: "true" if c.email_consent.state == SUBSCRIBED else "false", ("true", "false")
    ),
    "country": _text(_country),
    "customer_date": _times(lambda c: (c.created_at,)),
    "email": _text(lambda c: (c.email,)),
    "first_name": _text(lambda c: (c.first_name,)),
    "id": _number(lambda c: t.cast(int, c.number)),
    "last_abandoned_order_date": _abandoned,
    "last_name": _text(lambda c: (c.last_name,)),
    "order_date": _times(lambda c: t.cast("tuple[int, ...]", c.order_times)),
    "orders_count": _number(lambda c: t.cast(int, c.orders_count)),
    "phone": _text(lambda c: (c.phone,)),
    "state": _choice(lambda c: t.cast(str, c.state), _CUSTOMER_STATES),
    "tag": _tag,
    "tag_not": _tag_not,
    "total_spent": _number(lambda c: c.amount_spent / 100),
    "updated_at": _times(lambda c: (c.updated_at,)),
}
_COUNT_FIELDS: dict[str, Matcher] = {
    "created_at": _times(lambda c: (c.created_at,)),
    "id": _CUSTOMER_FIELDS["id"],
    "updated_at": _CUSTOMER_FIELDS["updated_at"],
}
_CHECKOUT_FIELDS: dict[str, Matcher] = {
    "created_at": _times(lambda c: (c.created_at,)),
    "email_state": _choice(lambda c: "not_sent", ("sent", "not_sent", "scheduled", "suppressed")),
    "id": _number(lambda c: t.cast(int, c.number)),
    "recovery_state": _choice(
        lambda c: "not_recovered" if c.completed_at is None else "recovered", ("recovered", "not_recovered")
    ),
    "status": _choice(lambda c: "closed" if c.closed else "open", ("open", "closed")),
    "updated_at": _times(lambda c: (c.updated_at,)),
}
_BULK_FIELDS: dict[str, Matcher] = {
    "created_at": _times(lambda o: (o.created_at,)),
    "id": _number(lambda o: t.cast(int, o.number)),
    "operation_type": _choice(lambda o: "query", ("query", "mutation")),
    "status": _choice(
        lambda o: o.status.lower(), ("canceled", "canceling", "completed", "created", "failed", "running")
    ),
}
_TABLES: dict[str, tuple[dict[str, Matcher], Matcher | None]] = {
    "customers": (_CUSTOMER_FIELDS, _text(_everything)),
    "customers_count": (_COUNT_FIELDS, None),
    "abandoned_checkouts": (_CHECKOUT_FIELDS, _text(_checkout_text)),
    "bulk_operations": (_BULK_FIELDS, None),
}
