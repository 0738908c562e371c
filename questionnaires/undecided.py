"""What criteria still need to know, by the answers that are given so far. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from questionnaires.answer_values import Moment, Value
from questionnaires.filled import FilledForm
from questionnaires.forms import Form
from server.authorization.criteria import (
    All,
    AnyOf,
    Comparison,
    Condition,
    Not,
    Result,
    comparisons_in,
    evaluate,
)
from server.authorization.facts import ANSWER, Facts, FactValue, Known
from server.authorization.policy import Topic
from server.authorization.request import Code, Quantity
from server.authorization.scores import scored
from server.authorization.units import unit_word


def undecided(form: Form, filled: FilledForm, topics: tuple[Topic, ...], on: date) -> tuple[set[str], set[str]]:
    """The linkIds that only criteria of the topics look at, and among them those that may still change a criterion.

    The sections of a measure stand for its score. What is not answered yet, or not known from a form, is unknown.
    """
    facts = Facts(on, _known(form, filled))
    elsewhere = {name for topic in topics for name in _elsewhere(topic)}
    looked_at: set[str] = set()
    open_: set[str] = set()
    for condition in _conditions(topics):
        looked_at |= _answers(comparisons_in(condition))
        open_ |= _answers(_open(condition, facts)[1])
    return _with_sections(form, looked_at) - elsewhere, _with_sections(form, open_)


def _conditions(topics: tuple[Topic, ...]) -> list[Condition]:
    """The conditions of the criteria; those that several plans have alike once."""
    found: dict[str, list[Condition]] = {}
    for topic in topics:
        for criterion in topic.criteria:
            known = found.setdefault(criterion.id, [])
            if criterion.condition not in known:
                known.append(criterion.condition)
    return [condition for known in found.values() for condition in known]


def _elsewhere(topic: Topic) -> Iterator[str]:
    """The answers that proposals and denials look at."""
    conditions = [*(each.when for each in topic.nudges), *(each.when for each in topic.denials)]
    for condition in conditions:
        yield from _answers(comparisons_in(condition))
    for nudge in topic.nudges:
        yield from filter(None, (nudge.answer, nudge.decline))


def _answers(comparisons: Iterable[Comparison]) -> set[str]:
    return {each.fact.removeprefix(ANSWER) for each in comparisons if each.fact.startswith(ANSWER)}


def _with_sections(form: Form, names: set[str]) -> set[str]:
    return names | {section for score in form.scores if score.answer in names for section in score.items}


def _open(condition: Condition, facts: Facts) -> tuple[Result, list[Comparison]]:
    """The result, and the comparisons that may still decide it: none in a part that is decided."""
    match condition:
        case All(parts):
            return _joined([_open(part, facts) for part in parts], Result.NOT_MET, Result.MET)
        case AnyOf(parts):
            return _joined([_open(part, facts) for part in parts], Result.MET, Result.NOT_MET)
        case Not(part):
            result, open_ = _open(part, facts)
            return _OPPOSITE[result], open_
        case _:
            result = evaluate(condition, facts).result
            return result, [condition] if result is Result.UNKNOWN else []


_OPPOSITE = {Result.MET: Result.NOT_MET, Result.NOT_MET: Result.MET, Result.UNKNOWN: Result.UNKNOWN}


def _joined(
    parts: list[tuple[Result, list[Comparison]]], one_is_enough: Result, every: Result
) -> tuple[Result, list[Comparison]]:
    results = [result for result, _open in parts]
    if one_is_enough in results:
        return one_is_enough, []
    if Result.UNKNOWN not in results:
        return every, []
    return Result.UNKNOWN, [comparison for _result, open_ in parts for comparison in open_]


def _known(form: Form, filled: FilledForm) -> dict[str, Known]:
    known = {}
    for item in form.questions():
        fact = _fact(filled.values(item.link_id))
        if fact is not None:
            known[ANSWER + item.link_id] = Known(fact)
    for score in form.scores:
        values = {name: _number(known.get(ANSWER + name)) for name in score.items}
        points = scored(score, {name: value for name, value in values.items() if value is not None})
        if points is not None:
            known[ANSWER + score.answer] = Known(Quantity(points))
    return known


def _number(known: Known | None) -> Decimal | None:
    return known.value.value if known is not None and isinstance(known.value, Quantity) else None


def _fact(values: list[Value]) -> FactValue | None:
    """The answers to a question as a fact; None where rules could not look at them."""
    first = values[0] if values else None
    match first:
        case Decimal():
            return Quantity(first)
        case Quantity():
            return Quantity(first.value, unit_word(first.unit))
        case Moment():
            return _day(first)
        case Code():
            return tuple(each for each in values if isinstance(each, Code))
        case bool() | str():
            return first
        case _:
            return None


def _day(moment: Moment) -> date | None:
    parts = (*moment.day.split("-"), "01", "01")
    try:
        return date.fromisoformat("-".join(parts[:3]))
    except ValueError:
        return None
