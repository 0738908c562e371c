"""What would have changed a judgement: making the changes turns it, and nothing less does."""

from __future__ import annotations

from datetime import date
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as some

from server.authorization.criteria import All, AnyOf, Condition, Finding, Not, Result, TruthIs, comparisons_in, evaluate
from server.authorization.determination import Judged
from server.authorization.facts import Facts, Known
from server.authorization.otherwise import Change, turned_by

NAMES = ("a", "b", "c", "d")
CONDITIONS: some.SearchStrategy[Condition] = some.recursive(
    some.builds(TruthIs, some.sampled_from(NAMES), some.booleans()),
    lambda parts: some.one_of(
        some.builds(All, some.lists(parts, min_size=1, max_size=3).map(tuple)),
        some.builds(AnyOf, some.lists(parts, min_size=1, max_size=3).map(tuple)),
        some.builds(Not, parts),
    ),
    max_leaves=4,
)
VALUES = some.dictionaries(some.sampled_from(NAMES), some.booleans())


def judged(condition: Condition, values: dict[str, bool]) -> Judged:
    found = evaluate(condition, Facts(date(2026, 3, 2), {name: Known(value) for name, value in values.items()}))
    return Judged("c", "C", "t@1", found.result, found.findings)


def with_changes(values: dict[str, bool], changes: tuple[Change, ...]) -> dict[str, bool]:
    wanted = {"yes": True, "no": False, "not yes": False, "not no": True}
    return {**values, **{change.fact: wanted[change.needed] for change in changes}}


@given(CONDITIONS, VALUES)
def test_every_way_without_contradiction_turns_the_judgement(condition: Condition, values: dict[str, bool]) -> None:
    before = judged(condition, values)
    target = Result.NOT_MET if before.result is Result.MET else Result.MET
    for way in turned_by(condition, before):
        facts = [change.fact for change in way]
        touched = {comparison.fact for comparison in comparisons_in(condition)}
        if len(set(facts)) == len(facts) and _is_independent(condition, touched):
            assert judged(condition, with_changes(values, way)).result is target


@given(CONDITIONS, VALUES)
def test_the_first_way_is_the_fewest_changes(condition: Condition, values: dict[str, bool]) -> None:
    before = judged(condition, values)
    target = Result.NOT_MET if before.result is Result.MET else Result.MET
    names = [comparison.fact for comparison in comparisons_in(condition)]
    ways = turned_by(condition, before)
    if len(set(names)) < len(names) or not ways:
        return
    for fewer in range(len(ways[0])):
        for chosen in combinations(names, fewer):
            for told in range(2**fewer):
                tried = {**values, **{name: bool(told >> place & 1) for place, name in enumerate(chosen)}}
                assert judged(condition, tried).result is not target


def _is_independent(condition: Condition, touched: set[str]) -> bool:
    """Every fact is compared once: then one change does not undo another."""
    return len(list(comparisons_in(condition))) == len(touched)


def test_the_words_are_those_of_the_comparison() -> None:
    condition = All((TruthIs("a", True), Not(TruthIs("b", True)), AnyOf((TruthIs("c", True), TruthIs("d", True)))))
    before = judged(condition, {"a": True, "b": True, "c": False})

    assert turned_by(condition, before) == (
        (Change("b", "not yes"), Change("c", "yes")),
        (Change("b", "not yes"), Change("d", "yes")),
    )
    assert before.findings[0] == Finding("a", "yes", Result.MET, "yes", "")
