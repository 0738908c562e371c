"""What would have changed a judgement: the fewest facts that, had they been otherwise, would have turned it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from server.authorization.criteria import MISSING_SETS, All, AnyOf, Condition, Finding, Not, Result
from server.authorization.determination import Judged


@dataclass(frozen=True, slots=True)
class Change:
    """A fact, and what it would have had to be, in words."""

    fact: str
    needed: str


Way = tuple[Change, ...]


def turned_by(condition: Condition, judged: Judged) -> tuple[Way, ...]:
    """The sets of changes any of which would have met what was not met, or not met what was; fewest first.

    `judged` is how the condition came out: its findings are in the order in which the comparisons are written.
    """
    target = Result.NOT_MET if judged.result is Result.MET else Result.MET
    found = _ways(condition, iter(judged.findings), target)
    return tuple(sorted(dict.fromkeys(found), key=len))


def _ways(condition: Condition, findings: Iterator[Finding], target: Result) -> list[Way]:
    match condition:
        case All(parts) | AnyOf(parts):
            ways = [_ways(part, findings, target) for part in parts]
            every = isinstance(condition, All) == (target is Result.MET)
            return _joined(ways) if every else _fewest([way for part in ways for way in part])
        case Not(part):
            return _ways(part, findings, Result.MET if target is Result.NOT_MET else Result.NOT_MET)
        case _:
            finding = next(findings)
            if finding.result is target:
                return [()]
            needed = finding.wanted if target is Result.MET else f"not {finding.wanted}"
            return [(Change(finding.fact, needed),)]


def _joined(ways: list[list[Way]]) -> list[Way]:
    """One way of every part, together."""
    joined: list[Way] = [()]
    for part in ways:
        joined = _fewest([tuple(dict.fromkeys((*way, *more))) for way in joined for more in part])
    return joined


def _fewest(ways: list[Way]) -> list[Way]:
    return sorted(dict.fromkeys(ways), key=len)[:MISSING_SETS]
