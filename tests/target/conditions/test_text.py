"""The text of a condition: it becomes a tree, and mistakes are told with their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_contactdb.conditions.objects import read_objects
from target_contactdb.conditions.text import read_text
from target_contactdb.conditions.tree import All, AnyOf, FieldTest, HasCheckout, InSegment, Not, Op, check_size
from target_contactdb.errors import ConfigError
from tests.target.conditions.writing import write_text

A, B, C = (FieldTest(name, Op.EQ, ("1",)) for name in "abc")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a = 1 and b = 1 or c = 1", AnyOf((All((A, B)), C))),
        ("a = 1 AND (b = 1 OR c = 1)", All((A, AnyOf((B, C))))),
        ("not a = 1 and b = 1", All((Not(A), B))),
        ("not (a = 1 and b = 1)", Not(All((A, B)))),
        ("a is 1", A),
        ("a is not 1", FieldTest("a", Op.NE, ("1",))),
        ("a <> 1", FieldTest("a", Op.NE, ("1",))),
        ("a is set", FieldTest("a", Op.IS_SET)),
        ("a is not set", FieldTest("a", Op.IS_EMPTY)),
        ("a is empty", FieldTest("a", Op.IS_EMPTY)),
        ("a is not empty", FieldTest("a", Op.IS_SET)),
        ("a is null", FieldTest("a", Op.IS_EMPTY)),
        ("a IS NOT NULL", FieldTest("a", Op.IS_SET)),
        ("a = 'null'", FieldTest("a", Op.EQ, ("null",))),
        ("a is nullable", FieldTest("a", Op.EQ, ("nullable",))),
        ("null = 1", FieldTest("null", Op.EQ, ("1",))),
        ("a in (100,200)", FieldTest("a", Op.IN, ("100", "200"))),
        ("a in ('1,000', 5)", FieldTest("a", Op.IN, ("1,000", "5"))),
        ("a>=-1.5", FieldTest("a", Op.GTE, ("-1.5",))),
        ("zip = 01234", FieldTest("zip", Op.EQ, ("01234",))),
        ("a in (x, 'y z', 3)", FieldTest("a", Op.IN, ("x", "y z", "3"))),
        ("a not in (x)", FieldTest("a", Op.NOT_IN, ("x",))),
        ("email domain in (example.com)", FieldTest("email", Op.DOMAIN_IN, ("example.com",))),
        ("a contains b@c.example", FieldTest("a", Op.CONTAINS, ("b@c.example",))),
        ("t within 2 Days", FieldTest("t", Op.WITHIN, ("2 days",))),
        ("t before 30 days ago", FieldTest("t", Op.LT, ("30 days ago",))),
        ("t after 2026-10-01T09:30+02:00", FieldTest("t", Op.GT, ("2026-10-01T09:30+02:00",))),
        (
            "t between 2026-10-01 and 2026-10-31 and a = 1",
            All((All((FieldTest("t", Op.GTE, ("2026-10-01",)), FieldTest("t", Op.LTE, ("2026-10-31",)))), A)),
        ),
        ('"Orders - Count" > 3', FieldTest("Orders - Count", Op.GT, ("3",))),
        (r'a = "say \"hi\" \\"', FieldTest("a", Op.EQ, ('say "hi" \\',))),
        ("has checkout", HasCheckout()),
        ("has no checkout", Not(HasCheckout())),
        ('in segment "Big spenders"', InSegment("Big spenders")),
        ("not in segment big", Not(InSegment("big"))),
        # Words of the grammar are words of the grammar only where it expects them.
        ("notes = and", FieldTest("notes", Op.EQ, ("and",))),
        ("inn = in", FieldTest("inn", Op.EQ, ("in",))),
        ("has_note is setting", FieldTest("has_note", Op.EQ, ("setting",))),
    ],
)
def test_a_text_means_its_tree(text, tree):
    assert read_text(text, "--where") == tree


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (" ", "--where is empty"),
        ("a contian b", "position 3: expected .*, found `contian`; did you mean `contains`?"),
        ("a = 1 adn b = 2", "position 7: expected .*, found `adn`; did you mean `and`?"),
        (
            "a within 2 dys",
            "position 12: expected `minutes`, `hours`, `days` or `weeks`, found `dys`; did you mean `days`?",
        ),
        ("a within 2 fortnights", "position 12: expected `minutes`, `hours`, `days` or `weeks`, found `fortnights`$"),
        ("a before 2 fortnights ago", "position 12: expected `minutes`, `hours`, `days` or `weeks`, found `fort"),
        *(
            (
                text,
                "expected `minutes`, `hours`, `days` or `weeks`, found .*; months and years differ .*: write `30 days`",
            )
            for text in ("a within 1 month", "a within 3 Years and b = 1", "a before 2 months ago", "a after 1 year")
        ),
        ("a within 2", "ends too early; expected `minutes`, `hours`, `days` or `weeks`$"),
        ("a within soon", "position 10: expected a number and a unit, such as `2 days`, found `soon`$"),
        ("a within 2d", "position 10: expected a number and a unit, such as `2 days`, found `2d`$"),
        *(
            (text, f"position {position}: expected .*; a value with a space or a sign in it goes between quotes")
            for text, position in (
                ("a = New York", 9),
                ("a = New York City and b = 1", 9),
                ("a is not New York", 14),
                ("a in (New York, Rome)", 11),
                ("a = 5 Main Street", 7),
                ("a = A&B", 6),
                ("in segment Big spenders", 16),
                ("a = São Paulo", 9),
                ("a = Sa\u0303o Paulo", 7),
            )
        ),
        *(
            (text, f"position {position}: expected .*; a name with a space or a sign in it goes between quotes")
            for text, position in (
                ("first name = Ann", 7),
                ("Orders - Count > 3", 8),
                ("Created at before 2026-10-01", 9),
            )
        ),
        ("company like x", "position 9: expected .*, found `like`$"),
        ("company like x and b = 1", "position 9: expected .*, found `like`$"),
        *(
            (text, f"position {position}: expected .*; a number is written like 1000 or 1000.50")
            for text, position in (
                ("a >= 1,000", 7),
                ("a between 1,000 and 2,000", 12),
                ("a > 1.000,50", 10),
                ("a > 12€", 7),
            )
        ),
        *(
            (f"a {test}", f"position {position}: `{read}` is read as two values; a number is written like 1000 or")
            for test, position, read in (
                ("in (1,000, 5)", 7, "1,000"),
                ("not in (5, 1,500)", 14, "1,500"),
                ("in (1,000)", 7, "1,000"),
                ("in (-12,345.50, 6)", 7, "-12,345.50"),
            )
        ),
        *(
            (f"a {test}", f"position {position}: `null` is no value; `is empty` and `is set` ask for nothing and")
            for test, position in (("= null", 5), ("!= NULL", 6), ("in (b, null)", 10), ("contains null", 12))
        ),
        *(
            (text, f'position {position}: expected .*; quotes are written straight, as in `city = "New York"`')
            for text, position in (
                ("a = \u201cx y\u201d", 5),
                ("\u2018b c\u2019 is set", 1),
                ("a = x\u201d", 6),
                ("a contains \u201ex\u201c", 12),
            )
        ),
        *(
            (text, f"position {position}: expected .*, found `{found}`; did you mean `{meant}`\\?$")
            for text, position, found, meant in (
                ("a => 5", 4, ">", ">="),
                ("a =< 5", 4, "<", "<="),
                ("a = 1 && b = 2", 7, "&&", "and"),
                ("a = Marks && b", 11, "&&", "and"),
                ("a is set & b is set", 10, "&", "and"),
                ("(a = 'x') & not (b = 1)", 11, "&", "and"),
                ("!(a = 1)", 1, "!", "not"),
            )
        ),
        ("a = 1 || b = 2", r"position 7: .*, found `\|\|`; did you mean `or`\?$"),
        ("a = 1 | b > 2", r"position 7: .*, found `\|`; did you mean `or`\?$"),
        ("a = Marks & Spencer", "position 11: .*, found `&`; a value with a space or a sign in it"),
        *(
            (text, f"position {position}: expected .*; two conditions are joined by `and` or `or`$")
            for text, position in (
                ("a = 1 b = 2", 7),
                ("a = vip checkout.price >= 50", 9),
                ("a is set 'First name' is set", 10),
                ("has checkout a not in (1)", 14),
                ("(a = 1 has no checkout)", 8),
                ("a = x in segment vip", 7),
                ("a = x not b = 2", 7),
                ("a within 2 days not (b = 2)", 17),
            )
        ),
        ("a between 1 b = 2", "position 13: expected `and`, found `b`; a value with a space or a sign"),
        *(
            (text, f"position {position}: expected .*; a date and its time are joined by a T, as in `2026-10-01T09:30`")
            for text, position in (
                ("a > 2026-10-01 09:30", 16),
                ("a before 2026-10-01 9:30:00 and b = 1", 21),
                ("a between 2026-10-01 09:30 and 2026-10-02", 22),
                ("a in (2026-10-01 09:30)", 18),
            )
        ),
        *(
            (text, f"; a field alone is no condition: write `{field} = true`, or `{field} is set`$")
            for text, field in (
                ("verified_email", "verified_email"),
                ("not verified_email", "verified_email"),
                ("a = 1 and verified_email", "verified_email"),
                ("(verified_email)", "verified_email"),
                ("verified_email OR a = 1", "verified_email"),
                ('"Verified email" and a = 1', '"Verified email"'),
            )
        ),
        ("checkout", "ends too early; .*; did you mean `has checkout`\\?$"),
        ("a = vip, new", r"position 8: expected .*, found `,`; several values are written `in \(one, other\)`"),
        ("has checkout foo", "position 14: expected `and`, `or` or the end, found `foo`$"),
        ("a in b", r"position 6: expected `\(`, found `b`"),
        ("(a = 1", r"ends too early; expected .*`\)`"),
        ("a = 1)", r"position 6: expected .*, found `\)`"),
        ('a = "b', "position 5: a quote is opened and not closed"),
        ("a", "ends too early; expected `=`"),
        ("has checkouts", "position 5: expected `checkout` or `no`, found `checkouts`; did you mean `checkout`?"),
        ("a = 1; drop table contacts", "position 6: expected `and`, `or` or the end, found `;`; a number"),
        ('a = "x"; drop table contacts', "position 8: expected `and`, `or` or the end, found `;`$"),
        ('(a = "x"; drop table contacts', r"position 9: expected `\)`, `and` or `or`, found `;`$"),
        ("not " * 60 + "a = 1", "nested more than 50 deep"),
        (" and ".join(["a = 1"] * 501), "more than 500 tests"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_the_nearest_word(text, told):
    with pytest.raises(ConfigError, match=told):
        read_text(text, "--where")


def test_a_thousand_brackets_are_no_trouble():
    assert read_text("(" * 1000 + "a = 1" + ")" * 1000, "--where") == A


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
spans = st.builds("{} {}".format, st.integers(0, 999), st.sampled_from(["minutes", "hours", "days", "weeks"]))
tests = st.one_of(
    st.builds(FieldTest, words, st.sampled_from([Op.IS_SET, Op.IS_EMPTY])),
    st.builds(FieldTest, words, st.just(Op.WITHIN), st.tuples(spans)),
    st.builds(
        FieldTest, words, st.sampled_from([Op.IN, Op.NOT_IN, Op.DOMAIN_IN]), st.lists(words, min_size=1).map(tuple)
    ),
    st.builds(
        FieldTest,
        words,
        st.sampled_from([Op.EQ, Op.NE, Op.GT, Op.GTE, Op.LT, Op.LTE, Op.CONTAINS]),
        st.tuples(st.one_of(words, spans.map("{} ago".format))),
    ),
    st.builds(InSegment, words),
    st.just(HasCheckout()),
)
trees = st.recursive(
    tests,
    lambda parts: st.one_of(
        st.lists(parts, min_size=2, max_size=3).map(tuple).map(All),
        st.lists(parts, min_size=2, max_size=3).map(tuple).map(AnyOf),
        parts.map(Not),
    ),
    max_leaves=8,
)


def as_object(tree):
    """The tree as an object of a setting."""
    match tree:
        case FieldTest(field, op, values):
            several = op in {Op.IN, Op.NOT_IN, Op.DOMAIN_IN}
            value = {"value": list(values) if several else values[0]} if values else {}
            return {"field": field, "op": op.value, **value}
        case All(parts):
            return {"all": [as_object(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [as_object(part) for part in parts]}
        case Not(part):
            return {"not": as_object(part)}
        case InSegment(name):
            return {"in_segment": name}
        case _:
            return {"has": "checkout"}


@given(trees)
def test_a_tree_written_as_text_is_read_into_the_same_tree(tree):
    check_size(tree, "tree")
    assert read_text(write_text(tree), "--where") == tree


@given(trees.map(write_text), st.data())
def test_a_text_with_a_slip_in_it_is_read_or_told_and_never_breaks_off(text, data):
    begin, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    slip = data.draw(st.text(st.sampled_from("\"'(),;=<>. \u201caN0\u0303"), max_size=2))
    told = ["--where"]
    try:
        read_text(text[:begin] + slip + text[end:], "--where")
    except ConfigError as error:
        told = error.problems
    assert [problem.split(" ")[0].rstrip(",") for problem in told] == ["--where"]


@given(trees.filter(lambda tree: all(name.strip() == name for name in names(tree))))
def test_text_and_objects_make_one_tree(tree):
    problems: list[str] = []
    assert read_objects([as_object(tree)], "options.import_filters", problems) == (tree,)
    assert problems == []


def names(tree):
    match tree:
        case FieldTest(field, _op, _values):
            return [field]
        case All(parts) | AnyOf(parts):
            return [name for part in parts for name in names(part)]
        case Not(part):
            return names(part)
        case _:
            return []
