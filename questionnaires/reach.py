"""Conditions and parts of them that can never make a difference. Found by trying, with the real `evaluate`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from questionnaires.conditions import Compared, Said, comparisons, groups
from questionnaires.files import ContentFiles, PlanFile, PlanRule
from questionnaires.forms import Form
from questionnaires.meaning import Scope, fact_name, meant
from questionnaires.problem import Problem
from questionnaires.rule_checks import conditions_in, sources
from questionnaires.worlds import facts_of, outcomes, results
from questionnaires.written import Place
from server.authorization.criteria import AmountIs, CodeIn, Condition, Result

Placed = tuple[Condition, Place]
Told = tuple[Place, str, str]


def problems_of_reach(files: ContentFiles) -> Iterator[Problem]:
    """Every rule, and every part of one, that decides nothing; each once, though it may hold for several plans."""
    tried: set[tuple[str, Place, Condition]] = set()
    for source in sources(files):
        scope = source.scope
        placed = [(meant(said, scope), place) for _rule, said, place in conditions_in(source)]
        for (_rule, said, _where), (condition, place) in zip(conditions_in(source), placed, strict=True):
            if (source.written.file, place, condition) in tried:
                continue
            tried.add((source.written.file, place, condition))
            for where, what, mend in _in_condition(said, place, scope):
                yield source.written.error(where, what, mend)
        yield from _between_rules(source, placed)


def _in_condition(said: Said, place: Place, scope: Scope) -> Iterator[Told]:
    for compared, where in comparisons(said, place):
        yield from _useless_comparison(compared, where, scope)
    for group, where in groups(said, place):
        parts = [(meant(part, scope), at) for part, at in group.placed(where)]
        yield from _useless_parts(group.word, parts, scope.form)


def _useless_comparison(said: Compared, place: Place, scope: Scope) -> Iterator[Told]:
    """A comparison with an amount or codes that the form never lets be answered."""
    comparison = meant(said, scope)
    possible = outcomes(comparison, scope.form)
    name = said.name if isinstance(said.name, str) else fact_name(said)
    if Result.MET not in possible:
        yield place, f"nothing that can be said of {name} meets this", "correct the bound, or delete it"
    elif Result.NOT_MET not in possible and isinstance(comparison, (AmountIs, CodeIn)):
        mend = f"correct the bound, or write {said.subject}: {name}, is: given"
        yield place, f"everything that can be said of {name} meets this", mend


def _useless_parts(word: str, parts: list[Placed], form: Form | None) -> Iterator[Told]:
    for (one, one_place), (two, two_place) in combinations(parts, 2):
        told = _pair(word, one, two, form)
        if told is not None:
            what, mend, first = told
            yield (one_place if first else two_place), what, mend


def _pair(word: str, one: Condition, two: Condition, form: Form | None) -> tuple[str, str, bool] | None:
    """What is wrong with two parts of one group: words, how to mend it, and whether it is the first that is idle."""
    if not facts_of(one) & facts_of(two):
        return None
    tried = results((one, two), form)
    if tried is None:
        return None
    met = [(first is Result.MET, second is Result.MET) for first, second in tried]
    if (True, True) not in met and word == "all":
        return "this and a part above it contradict each other: both are never met", "correct one of them", False
    if word == "any" and all(Result.NOT_MET not in pair or Result.MET in pair for pair in tried):
        return "one of this and a part above it is always met", "correct one of them", False
    return _idle(word, met)


def _idle(word: str, met: list[tuple[bool, bool]]) -> tuple[str, str, bool] | None:
    first_implies, second_implies = (True, False) not in met, (False, True) not in met
    if first_implies and second_implies:
        return "this says the same as a part above it", "keep one of them", False
    if word == "any" and (first_implies or second_implies):
        return "whenever this is met, another part of 'any' is met too: it adds nothing", "delete it", first_implies
    if word == "all" and (first_implies or second_implies):
        return "another part of 'all' already asks for this: it adds nothing", "delete it", second_implies
    return None


def _between_rules(source: PlanFile | PlanRule, placed: Iterable[Placed]) -> Iterator[Problem]:
    """All criteria have to be met, and any denial is enough: what holds for parts of a group holds for these too."""
    for name, word in (("criteria", "all"), ("denials", "any")):
        start = source.place(name)
        parts = [(condition, place) for condition, place in placed if place[: len(start)] == start]
        for where, what, mend in _useless_parts(word, parts, source.scope.form):
            yield source.written.error(where, what.replace("part", _ONE[name]), mend)


_ONE = {"criteria": "criterion", "denials": "denial"}
