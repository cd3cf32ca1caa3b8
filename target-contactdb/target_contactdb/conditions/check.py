"""Checking a condition: do its fields exist, do its operators go with their types, are its values of these types."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from target_contactdb.conditions import times
from target_contactdb.conditions.checked import (
    ORDERS,
    CheckoutExists,
    Compare,
    Contains,
    DomainIn,
    Equal,
    Every,
    IsSet,
    Opposite,
    Some,
)
from target_contactdb.conditions.fields import OPS
from target_contactdb.conditions.phones import part_of_number, whole_number
from target_contactdb.conditions.tree import (
    MAX_TESTS,
    NUMBERS,
    SIGNS,
    All,
    AnyOf,
    FieldTest,
    HasCheckout,
    InSegment,
    Not,
    Op,
    check_size,
)
from target_contactdb.conditions.words import fold, nearest
from target_contactdb.errors import ConfigError
from target_contactdb.fields import CONVERTERS, FieldType, to_decimal

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

    from target_contactdb.conditions.checked import Checked, Order, Ordered
    from target_contactdb.conditions.fields import Catalogue, Known
    from target_contactdb.conditions.tree import Condition

_ORDERS: t.Final[dict[Op, Order]] = {Op.GT: "gt", Op.GTE: "gte", Op.LT: "lt", Op.LTE: "lte"}
_TRUTHS: t.Final = {"true": True, "yes": True, "false": False, "no": False}
_EXISTENCE: t.Final = {Op.IS_SET: "has checkout", Op.IS_EMPTY: "has no checkout"}
_NEGATIONS: t.Final = {Op.NE: Op.EQ, Op.NOT_IN: Op.IN, Op.IS_EMPTY: Op.IS_SET}


@dataclass(slots=True)
class _Run:
    """What has come of one check so far."""

    problems: list[str] = field(default_factory=list)
    tests: int = 0


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks trees against what there is.

    Attributes:
        catalogue: The fields.
        clock: What "now" and "a day" mean.
        relative: Whether times that are told from now are allowed.
        segments: The saved segments, each with the clock of its own dates; None = there are none to ask about.
        opened: The segments that are being read just now, from the outermost in.
    """

    catalogue: Catalogue
    clock: times.Clock
    relative: bool = True
    segments: Mapping[str, tuple[Condition, times.Clock]] | None = None
    opened: tuple[str, ...] = ()

    def check(self, tree: Condition, where: str) -> Checked:
        """Check a tree.

        Args:
            tree: As it was written.
            where: Where it was written, for an error about the whole.

        Raises:
            ConfigError: It lists every problem at once, each with the place of its test.
        """
        check_size(tree, where)
        run = _Run()
        checked = self._node(tree, run)
        if run.tests > MAX_TESTS:
            raise ConfigError([f"{where}: more than {MAX_TESTS} tests, with those of the segments that it asks about"])
        if checked is None or run.problems:
            raise ConfigError(list(dict.fromkeys(run.problems)))
        return checked

    def _node(self, tree: Condition, run: _Run) -> Checked | None:
        if run.tests > MAX_TESTS:
            return None
        match tree:
            case All(parts) | AnyOf(parts):
                several = [self._node(part, run) for part in parts]
                right = tuple(part for part in several if part is not None)
                if len(right) < len(several):
                    return None
                run.problems += _turned_round(parts, right)
                return Every(right) if isinstance(tree, All) else Some(right)
            case Not(part):
                checked = self._node(part, run)
                return None if checked is None else Opposite(checked)
            case InSegment():
                return self._segment(tree, run)
            case HasCheckout():
                if self.catalogue.has_checkout:
                    return CheckoutExists()
                run.problems.append(f"{tree.where}: there is no checkout to ask about here")
                return None
            case FieldTest():
                return self._test(tree, run)

    def _segment(self, tree: InSegment, run: _Run) -> Checked | None:
        if self.segments is None:
            run.problems.append(f"{tree.where}: segments cannot be asked about here")
            return None
        if tree.name not in self.segments:
            run.problems.append(f"{tree.where}: unknown segment `{tree.name}`{nearest(tree.name, self.segments)}")
            return None
        if tree.name in self.opened:
            circle = " -> ".join(f"`{name}`" for name in (*self.opened, tree.name))
            run.problems.append(f"{tree.where}: the segments ask about one another in a circle: {circle}")
            return None
        inner, clock = self.segments[tree.name]
        found = _Run(tests=run.tests)
        checked = replace(self, clock=clock, opened=(*self.opened, tree.name))._node(inner, found)
        run.problems += [f"{tree.where}: {problem}" for problem in found.problems]
        run.tests = found.tests
        return checked

    def _test(self, test: FieldTest, run: _Run) -> Checked | None:
        run.tests += 1
        if run.tests > MAX_TESTS:
            # Segments that ask for one another twice over double at every step: no more is read.
            return None
        known = self.catalogue.find(test.field)
        if known is None:
            run.problems.append(f"{test.where}: unknown field `{test.field}`{self._meant(test)}")
            return None
        if self.catalogue.is_ambiguous(test.field):
            run.problems.append(
                f"{test.where}: the label `{test.field}` is that of several fields; name the one you mean"
            )
            return None
        if test.op not in OPS[known.type]:
            fitting = ", ".join(f"`{SIGNS[op] if test.written else op}`" for op in Op if op in OPS[known.type])
            kind = "an" if known.type[0] in "aei" else "a"
            told = f"`{test.written or test.op}` does not go with `{known.name}`, {kind} {known.type} field"
            run.problems.append(f"{test.where}: {told}, which takes {fitting}")
            return None
        op = _NEGATIONS.get(test.op, test.op)
        try:
            leaf = self._leaf(known, op, test.values)
        except ValueError:
            run.problems += self._wrong_values(test, known, op)
            return None
        return Opposite(leaf) if test.op in _NEGATIONS else leaf

    def _meant(self, test: FieldTest) -> str:
        """Return a hint for a test of a field that there is not."""
        if self.catalogue.has_checkout and fold(test.field) == "checkout" and test.op in _EXISTENCE:
            return f"; did you mean `{_EXISTENCE[test.op]}`?"
        return nearest(test.field, self.catalogue.names())

    def _wrong_values(self, test: FieldTest, known: Known, op: Op) -> Iterator[str]:
        """Yield what is wrong with each value that does not fit, with its place."""
        for value, place in zip(test.values, test.places or (test.where,) * len(test.values), strict=True):
            try:
                self._leaf(known, op, (value,))
            except ValueError as error:
                yield f"{place}: the value for `{known.name}` {error}"

    def _leaf(self, known: Known, op: Op, values: tuple[str, ...]) -> Checked:
        if op is Op.IS_SET:
            return IsSet(known)
        if op is Op.DOMAIN_IN:
            return DomainIn(known, tuple(_domain(value) for value in values))
        if op is Op.CONTAINS and known.type is not FieldType.LIST:
            text = _folded(values[0])
            return Contains(known, _unmarked(part_of_number(text)) if known.type is FieldType.PHONE else text)
        if not self.relative and known.type in {FieldType.DATE, FieldType.DATETIME}:
            _require_absolute(op, values)
        if known.type is FieldType.DATE:
            return self._dates(known, op, values)
        if known.type is FieldType.DATETIME:
            return self._moments(known, op, values)
        if op in _ORDERS:
            return Compare(known, _ORDERS[op], _number(values[0]))
        return Equal(known, tuple(_value(known, value) for value in values))

    def _dates(self, known: Known, op: Op, values: tuple[str, ...]) -> Checked:
        if op is Op.WITHIN:
            span = times.read_span(values[0])
            if span.seconds:
                msg = "must be whole days: the field holds dates"
                raise ValueError(msg)
            first = times.ago(span, self.clock).astimezone(self.clock.zone).date()
            return _between(known, first, self.clock.today, "lte")
        days = tuple(times.read_day(value, self.clock) for value in values)
        return Compare(known, _ORDERS[op], days[0]) if op in _ORDERS else Equal(known, days)

    def _moments(self, known: Known, op: Op, values: tuple[str, ...]) -> Checked:
        if op is Op.WITHIN:
            return _between(known, times.ago(times.read_span(values[0]), self.clock), self.clock.now, "lte")
        periods = [times.read_period(value, self.clock) for value in values]
        if op not in _ORDERS:
            several = tuple(_during(known, period) for period in periods)
            return several[0] if len(several) == 1 else Some(several)
        period = periods[0]
        if period.end is not None and op in {Op.GT, Op.LTE}:
            return Compare(known, "gte" if op is Op.GT else "lt", period.end)
        return Compare(known, _ORDERS[op], period.begin)


def _turned_round(parts: tuple[Condition, ...], checked: tuple[Checked, ...]) -> Iterator[str]:
    """Yield that the bounds of a `between` are in the wrong order, which nothing lies between."""
    match parts, checked:
        case (FieldTest(written="between") as low, FieldTest(written="between")), (
            Compare() as least,
            Compare() as most,
        ):
            if not ORDERS[most.order](least.value, most.value):
                yield f"{low.places[0]}: the lower bound is above the upper one; `between` takes the lower one first"


def _require_absolute(op: Op, values: tuple[str, ...]) -> None:
    if op is Op.WITHIN or any(times.is_relative(value) for value in values):
        msg = "is told from now; here it must be a date or a time, since a record is judged only when it changes"
        raise ValueError(msg)


def _between(known: Known, low: Ordered, high: Ordered, order: Order) -> Checked:
    return Every((Compare(known, "gte", low), Compare(known, order, high)))


def _during(known: Known, period: times.Period) -> Checked:
    if period.end is None:
        return Equal(known, (period.begin,))
    return _between(known, period.begin, period.end, "lt")


def _number(text: str) -> Decimal:
    try:
        return to_decimal(text)
    except ValueError:
        if "," not in text:
            raise
        msg = f"has a comma in it; {NUMBERS}"
        raise ValueError(msg) from None


def _folded(text: str) -> str:
    plain: str = CONVERTERS[FieldType.TEXT](text)
    if not plain.strip(" "):
        msg = "is empty"
        raise ValueError(msg)
    return fold(plain)


def _domain(text: str) -> str:
    domain = _folded(text).strip().removeprefix("@")
    if not domain or "@" in domain:
        msg = "is not a domain such as `example.com`"
        raise ValueError(msg)
    return domain


def _value(known: Known, text: str) -> t.Any:
    if known.type in {FieldType.INTEGER, FieldType.DECIMAL}:
        return _number(text)
    if known.type is FieldType.BOOLEAN:
        if fold(text) not in _TRUTHS:
            msg = "must be true or false"
            raise ValueError(msg)
        return _TRUTHS[fold(text)]
    if known.type is FieldType.CHOICE and known.choices:
        by_fold = {fold(choice): choice for choice in known.choices}
        if fold(text) not in by_fold:
            msg = f"is not one of its choices{nearest(text, known.choices)}"
            raise ValueError(msg)
        return by_fold[fold(text)]
    if known.type is FieldType.PHONE:
        return _unmarked(whole_number(_folded(text)))
    return _folded(text.strip() if known.type is FieldType.EMAIL else text)


def _unmarked(number: str) -> str:
    if not number:
        msg = "has nothing in it but marks; a phone number is written like +4930123456"
        raise ValueError(msg)
    return number
