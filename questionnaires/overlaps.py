"""Codes that belong to more than one topic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from questionnaires.files import PlanRule
from server.authorization.policy import CodeSpan
from server.authorization.request import Period
from server.authorization.systems import short_name

Ages = tuple[int | None, int | None]


class Overlap(NamedTuple):
    """`shared` is in `former` and, at `position` of its list of codes, in `other`."""

    former: PlanRule
    shared: str
    other: PlanRule
    position: int


class _Entry(NamedTuple):
    span: CodeSpan
    rule: PlanRule
    position: int


def overlapping_spans(rules: Iterable[PlanRule]) -> Iterator[Overlap]:
    """Every pair of spans, of one plan, one day and one age, that share a code.

    Versions of one topic are not compared: that their periods overlap is a problem by itself.
    """
    alike: defaultdict[tuple[str, str, int], list[_Entry]] = defaultdict(list)
    for rule in rules:
        for position, span in rule.spans:
            alike[rule.plan, span.system, len(span.first)].append(_Entry(span, rule, position))
    for entries in alike.values():
        entries.sort(key=lambda entry: (entry.span.first, entry.rule.topic, entry.position))
        for number, entry in enumerate(entries):
            for later in entries[number + 1 :]:
                if later.span.first > entry.span.last:
                    break
                if _compete(entry, later):
                    yield _overlap(entry, later)


def _compete(one: _Entry, two: _Entry) -> bool:
    if one.rule is two.rule:
        return True
    mine, yours = one.rule.values, two.rule.values
    return (
        one.rule.topic != two.rule.topic
        and _share_a_day(mine["in_force"], yours["in_force"])
        and _share_an_age(mine["ages"], yours["ages"])
    )


def _share_an_age(one: Ages, two: Ages) -> bool:
    youngest = max(one[0] or 0, two[0] or 0)
    return all(oldest is None or youngest <= oldest for oldest in (one[1], two[1]))


def _share_a_day(one: Period, two: Period) -> bool:
    start = max(one.start or date.min, two.start or date.min)
    return start <= min(one.end or date.max, two.end or date.max)


def _overlap(one: _Entry, two: _Entry) -> Overlap:
    first, last = two.span.first, min(one.span.last, two.span.last)
    codes = first if first == last else f"{first} to {last}"
    return Overlap(one.rule, f"{short_name(one.span.system)} {codes}", two.rule, two.position)
