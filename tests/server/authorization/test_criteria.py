"""Conditions are three-valued: what they give, what they miss, and the laws that hold whatever is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import count, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.authorization.criteria import (
    All,
    AmountIs,
    AnyOf,
    CodeIn,
    Condition,
    DayWithin,
    Not,
    Result,
    TruthIs,
    comparisons_in,
    evaluate,
    in_words,
)
from server.authorization.facts import Facts, FactValue, Known
from server.authorization.request import Code, Quantity

ON = date(2026, 3, 2)
MET, NOT_MET, UNKNOWN = Result.MET, Result.NOT_MET, Result.UNKNOWN
M54, M17 = Code("icd", "M54.5"), Code("icd", "M17.1")


def weeks(value: str, unit: str = "week") -> Quantity:
    return Quantity(Decimal(value), unit)


def facts(**known: FactValue) -> Facts:
    return Facts(ON, {name.replace("__", ":"): Known(value, "here") for name, value in known.items()})


COMPARISONS = {
    "the bound of at least is in": (AmountIs("x", low=weeks("6")), weeks("6"), MET),
    "below the bound is not": (AmountIs("x", low=weeks("6")), weeks("5.99"), NOT_MET),
    "the bound of more than is out": (AmountIs("x", low=weeks("6"), inclusive=False), weeks("6"), NOT_MET),
    "the bound of at most is in": (AmountIs("x", high=weeks("6")), weeks("6"), MET),
    "the bound of less than is out": (AmountIs("x", high=weeks("6"), inclusive=False), weeks("6"), NOT_MET),
    "both bounds of between are in": (AmountIs("x", weeks("1"), weeks("6")), weeks("1"), MET),
    "above between": (AmountIs("x", weeks("1"), weeks("6")), weeks("7"), NOT_MET),
    "days are held against weeks": (AmountIs("x", low=weeks("6")), weeks("42", "days"), MET),
    "a number alone is in the unit asked for": (AmountIs("x", low=weeks("6")), weeks("6", ""), MET),
    "months are no weeks": (AmountIs("x", low=weeks("6")), weeks("6", "month"), UNKNOWN),
    "a text is no amount": (AmountIs("x", low=weeks("6")), "six", UNKNOWN),
    "yes is yes": (TruthIs("x", True), True, MET),
    "no is not yes": (TruthIs("x", True), False, NOT_MET),
    "no is no": (TruthIs("x", False), False, MET),
    "a code is no yes": (TruthIs("x", True), (M54,), UNKNOWN),
    "one of two codes": (CodeIn("x", (M54,)), (M17, M54), MET),
    "a star stands for all that begin alike": (CodeIn("x", (Code("icd", "M54*"),)), (M54,), MET),
    "a star does not leave its system": (CodeIn("x", (Code("other", "M54*"),)), (M54,), NOT_MET),
    "none of them": (CodeIn("x", (M54,), wanted=False), (M17,), MET),
    "none of them, but one": (CodeIn("x", (M54,), wanted=False), (M17, M54), NOT_MET),
    "no code at all is none of them": (CodeIn("x", (M54,), wanted=False), (), MET),
    "the last day before": (DayWithin("x", before=20), ON - timedelta(20), MET),
    "a day too early": (DayWithin("x", before=20), ON - timedelta(21), NOT_MET),
    "the last day after": (DayWithin("x", after=7), ON + timedelta(7), MET),
    "a day too late": (DayWithin("x", after=7), ON + timedelta(8), NOT_MET),
    "given, whatever it is": (DayWithin("x"), "words", MET),
    "an old document is a missing one": (DayWithin("document:x", before=20), ON - timedelta(21), UNKNOWN),
    "a document without day is none of these days": (DayWithin("document:x", before=20), True, UNKNOWN),
}


@pytest.mark.parametrize("name", COMPARISONS)
def test_a_comparison(name: str) -> None:
    condition, value, result = COMPARISONS[name]
    found = evaluate(condition, Facts(ON, {condition.fact: Known(value, "here")}))

    assert found.result is result
    assert found.missing == (((condition.fact,),) if result is UNKNOWN else ())
    assert found.findings[0].wanted == in_words(condition) == condition.words
    assert found.findings[0].origin == "here"


def test_a_fact_that_nobody_said_is_unknown_and_named() -> None:
    found = evaluate(TruthIs("answer:pain", True), facts())

    assert (found.result, found.missing) == (UNKNOWN, (("answer:pain",),))
    assert (found.findings[0].value, found.findings[0].origin) == ("", "")


@pytest.mark.parametrize(
    ("one", "two", "both", "either"),
    [
        (MET, MET, MET, MET),
        (MET, NOT_MET, NOT_MET, MET),
        (MET, UNKNOWN, UNKNOWN, MET),
        (NOT_MET, NOT_MET, NOT_MET, NOT_MET),
        (NOT_MET, UNKNOWN, NOT_MET, UNKNOWN),
        (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)
def test_all_and_any_are_those_of_kleene(one: Result, two: Result, both: Result, either: Result) -> None:
    known = facts(**{name: result is MET for name, result in (("a", one), ("b", two)) if result is not UNKNOWN})
    parts = (TruthIs("a", True), TruthIs("b", True))

    for ordered in (parts, parts[::-1]):
        assert evaluate(All(ordered), known).result is both
        assert evaluate(AnyOf(ordered), known).result is either


def test_the_shortest_way_to_meet_a_condition_comes_first() -> None:
    condition = All((TruthIs("a", True), AnyOf((All((TruthIs("b", True), TruthIs("c", True))), TruthIs("d", True)))))

    assert evaluate(condition, facts()).missing == (("a", "d"), ("a", "b", "c"))


def test_words_say_what_a_comparison_wants() -> None:
    assert in_words(AmountIs("x", weeks("1"), weeks("6"))) == "at least 1 week and at most 6 week"
    assert (
        in_words(DayWithin("x", before=20, after=0))
        == "at most 20 days before the request and at most 0 days after the request"
    )
    assert in_words(DayWithin("x")) == "given"


NAMES = st.sampled_from(["a", "b", "c", "d"])
AMOUNTS = st.integers(0, 4).map(lambda value: weeks(str(value)))
LEAVES = st.one_of(
    st.builds(TruthIs, NAMES.map(lambda name: f"truth.{name}"), st.booleans()),
    st.builds(lambda name, low: AmountIs(f"amount.{name}", low=low), NAMES, AMOUNTS),
    st.builds(
        lambda name, codes, wanted: CodeIn(f"codes.{name}", tuple(codes), wanted),
        NAMES,
        st.lists(st.sampled_from([M54, M17]), min_size=1, max_size=2),
        st.booleans(),
    ),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=8,
)
EVERYTHING = {
    "truth": st.booleans(),
    "amount": AMOUNTS,
    "codes": st.sampled_from([(M54,), (M17,), (M54, M17), ()]),
}
WORLDS = st.fixed_dictionaries(
    {f"{kind}.{name}": values for kind, values in EVERYTHING.items() for name in ("a", "b", "c", "d")}
)


def some(world: dict[str, FactValue], names: set[str]) -> Facts:
    return Facts(ON, {name: Known(value) for name, value in world.items() if name in names})


SUBSETS = st.sets(st.sampled_from([f"{kind}.{name}" for kind in EVERYTHING for name in ("a", "b", "c", "d")]))


@given(CONDITIONS, CONDITIONS, WORLDS, SUBSETS)
def test_the_laws_of_de_morgan_hold(
    one: Condition, two: Condition, world: dict[str, FactValue], known: set[str]
) -> None:
    given_facts = some(world, known)

    assert (
        evaluate(Not(All((one, two))), given_facts).result is evaluate(AnyOf((Not(one), Not(two))), given_facts).result
    )
    assert evaluate(Not(Not(one)), given_facts).result is evaluate(one, given_facts).result


@given(CONDITIONS, CONDITIONS, CONDITIONS, WORLDS, SUBSETS)
def test_order_and_grouping_do_not_matter(
    one: Condition, two: Condition, three: Condition, world: dict[str, FactValue], known: set[str]
) -> None:
    given_facts = some(world, known)
    for group in (All, AnyOf):
        flat = evaluate(group((one, two, three)), given_facts).result
        assert flat is evaluate(group((three, one, two)), given_facts).result
        assert flat is evaluate(group((one, group((two, three)))), given_facts).result


@given(CONDITIONS, WORLDS, SUBSETS, SUBSETS)
def test_another_answer_never_takes_back_a_result(
    condition: Condition, world: dict[str, FactValue], known: set[str], more: set[str]
) -> None:
    before = evaluate(condition, some(world, known)).result
    after = evaluate(condition, some(world, known | more)).result

    assert before in (UNKNOWN, after)


@given(CONDITIONS, WORLDS)
def test_with_everything_known_nothing_is_unknown(condition: Condition, world: dict[str, FactValue]) -> None:
    found = evaluate(condition, some(world, set(world)))

    assert found.result is not UNKNOWN
    assert found.missing == ()


@given(CONDITIONS, WORLDS, SUBSETS)
def test_what_is_missing_is_unknown_and_only_of_an_unknown_condition(
    condition: Condition, world: dict[str, FactValue], known: set[str]
) -> None:
    found = evaluate(condition, some(world, known))

    assert bool(found.missing) is (found.result is UNKNOWN)
    assert all(name not in known for names in found.missing for name in names)
    assert all(names for names in found.missing)


@given(CONDITIONS, WORLDS, SUBSETS)
def test_every_comparison_leaves_a_finding(condition: Condition, world: dict[str, FactValue], known: set[str]) -> None:
    found = evaluate(condition, some(world, known))

    assert [each.fact for each in found.findings] == [each.fact for each in comparisons_in(condition)]


def numbered(shape: object, numbers: Iterator[int]) -> Condition:
    """A condition of the shape in which every fact is asked for once."""
    if not isinstance(shape, tuple):
        return TruthIs(f"truth.{next(numbers)}", bool(shape))
    word, parts = shape
    if word == "not":
        return Not(numbered(parts[0], numbers))
    return (All if word == "all" else AnyOf)(tuple(numbered(part, numbers) for part in parts))


SHAPES = st.recursive(
    st.booleans(),
    lambda inner: st.tuples(st.sampled_from(["all", "any", "not"]), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=7,
).map(lambda shape: numbered(shape, count()))


@given(SHAPES, st.dictionaries(st.integers(0, 6).map(lambda number: f"truth.{number}"), st.booleans()))
def test_every_missing_set_can_meet_the_condition_and_nothing_in_it_is_idle(
    condition: Condition, known: dict[str, bool]
) -> None:
    found = evaluate(condition, Facts(ON, {name: Known(value) for name, value in known.items()}))

    for names in found.missing:
        assert MET in outcomes_with(condition, known, names)
        for name in names:
            assert MET not in outcomes_with(condition, known, tuple(other for other in names if other != name))


def outcomes_with(condition: Condition, known: dict[str, bool], names: tuple[str, ...]) -> set[Result]:
    """What the condition gives for every way to say the named facts besides the known ones."""
    worlds = (dict(zip(names, values, strict=True)) for values in product([True, False], repeat=len(names)))
    return {
        evaluate(condition, Facts(ON, {name: Known(value) for name, value in {**known, **world}.items()})).result
        for world in worlds
    }
