"""What could be: for a condition the few values of every fact that matter, and what the review makes of each.

A condition is tried with the real `evaluate` on every combination of these values, so that what is said about it here
is what happens in a review.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import product
from math import prod

from questionnaires.forms import Form, Item
from server.authorization.criteria import (
    All,
    AmountIs,
    AnyOf,
    CodeIn,
    Comparison,
    Condition,
    DayWithin,
    Not,
    Result,
    TruthIs,
    comparisons_in,
    evaluate,
)
from server.authorization.facts import ANSWER, DOCUMENT, Facts, FactValue, Known
from server.authorization.request import Code, Quantity
from server.authorization.units import converted

ON = date(2026, 7, 1)
MOST_WORLDS = 3_000


ALWAYS_KNOWN = frozenset(
    {
        "line.start",
        "line.service",
        "line.modifiers",
        "request.diagnoses",
        "request.expedited",
        "request.retrospective",
        "history.duplicate",
        "history.visits_authorized",
        "history.before",
        "history.same_specialty",
        "history.in_force",
    }
)
"""Facts that are known of every line of a topic: what is not said there counts as none."""


def worlds(conditions: Iterable[Condition], form: Form | None) -> Iterator[Facts] | None:
    """Every combination of the values that matter to the conditions, unknown included; None when there are too many."""
    by_fact: defaultdict[str, list[Comparison]] = defaultdict(list)
    for condition in conditions:
        for comparison in comparisons_in(condition):
            by_fact[comparison.fact].append(comparison)
    values = {fact: _values(fact, compared, form) for fact, compared in by_fact.items()}
    if prod(len(each) for each in values.values()) > MOST_WORLDS:
        return None
    return (
        Facts(ON, {fact: Known(value) for fact, value in zip(values, world, strict=True) if value is not None})
        for world in product(*values.values())
    )


@lru_cache(maxsize=4096)
def outcomes(condition: Condition, form: Form | None) -> frozenset[Result]:
    """The results that a condition can have. Where its facts are too many to try, its parts count as independent."""
    tried = worlds([condition], form)
    if tried is not None:
        return frozenset(evaluate(condition, facts).result for facts in tried)
    match condition:
        case Not(part):
            return frozenset(_OPPOSITE[each] for each in outcomes(part, form))
        case All(parts):
            return _joined([outcomes(part, form) for part in parts], Result.NOT_MET, Result.MET)
        case AnyOf(parts):
            return _joined([outcomes(part, form) for part in parts], Result.MET, Result.NOT_MET)
        case _:
            raise ValueError("one comparison has few values")


_OPPOSITE = {Result.MET: Result.NOT_MET, Result.NOT_MET: Result.MET, Result.UNKNOWN: Result.UNKNOWN}


def _joined(parts: list[frozenset[Result]], one_is_enough: Result, every: Result) -> frozenset[Result]:
    found = {one_is_enough} if any(one_is_enough in part for part in parts) else set()
    if all(every in part for part in parts):
        found.add(every)
    if any(Result.UNKNOWN in part for part in parts) and all(part != {one_is_enough} for part in parts):
        found.add(Result.UNKNOWN)
    return frozenset(found)


@lru_cache(maxsize=4096)
def results(conditions: tuple[Condition, ...], form: Form | None) -> list[tuple[Result, ...]] | None:
    """What each of the conditions gives in every world of all of them; None when there are too many."""
    tried = worlds(conditions, form)
    if tried is None:
        return None
    return [tuple(evaluate(condition, facts).result for condition in conditions) for facts in tried]


def facts_of(condition: Condition) -> set[str]:
    """The names of the facts of a condition."""
    return {comparison.fact for comparison in comparisons_in(condition)}


def _values(fact: str, compared: list[Comparison], form: Form | None) -> list[FactValue | None]:
    item = form.items.get(fact.removeprefix(ANSWER)) if form and fact.startswith(ANSWER) else None
    values: list[FactValue | None] = [value for each in compared for value in _mattering(each, item)]
    if any(isinstance(each, CodeIn) for each in compared) and (item is None or item.repeats):
        values.append(_all_codes(compared, item))
    if not fact.startswith(DOCUMENT) and not any(isinstance(each, TruthIs) for each in compared):
        values = [value for value in values if value is not True] or values
    unique = list(dict.fromkeys(values))
    return unique if fact in ALWAYS_KNOWN else [*unique, None]


def _mattering(comparison: Comparison, item: Item | None) -> Iterator[FactValue]:
    match comparison:
        case AmountIs():
            yield from _amounts(comparison, item)
        case TruthIs():
            yield from (True, False)
        case CodeIn(_, codes, _):
            yield from _some_codes(codes, item)
        case DayWithin(fact, before, after):
            yield from _days(fact, before, after)


def _amounts(comparison: AmountIs, item: Item | None) -> Iterator[Quantity]:
    """On every bound and on both sides of it, as far as the form allows the answer; in the unit of the bound."""
    for bound in filter(None, (comparison.low, comparison.high)):
        for value in (bound.value - Decimal("0.001"), bound.value, bound.value + Decimal("0.001")):
            amount = Quantity(value, bound.unit)
            if value >= 0 and _allowed(amount, item):
                yield amount


def _allowed(amount: Quantity, item: Item | None) -> bool:
    if item is None:
        return True
    value = converted(amount, item.unit) if item.unit else amount.value
    if value is None:
        return True
    return (item.low is None or item.low <= value) and (item.high is None or value <= item.high)


def _some_codes(codes: tuple[Code, ...], item: Item | None) -> Iterator[tuple[Code, ...]]:
    """Every code alone, and one that is none of them, from the options of the form where it has any."""
    if item and item.options:
        yield from ((option,) for option in item.options)
        return
    yield from ((_example(code),) for code in codes)
    yield (Code("urn:other", "other"),)
    if item is None:
        yield ()


def _all_codes(compared: list[Comparison], item: Item | None) -> tuple[Code, ...]:
    if item and item.options:
        return item.options
    codes = (code for each in compared if isinstance(each, CodeIn) for code in each.codes)
    return tuple(dict.fromkeys(_example(code) for code in codes))


def _example(code: Code) -> Code:
    return Code(code.system, code.code.removesuffix("*"))


def _days(fact: str, before: int | None, after: int | None) -> Iterator[FactValue]:
    """A day at every end of the period and one beyond it; of a document also one that gives no day."""
    if before is None and after is None:
        yield True
    else:
        yield ON
    for days, side in ((before, -1), (after, 1)):
        if days is not None:
            yield ON + side * timedelta(days=days)
            yield ON + side * timedelta(days=days + 1)
    if fact.startswith(DOCUMENT):
        yield True
