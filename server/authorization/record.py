"""The authorization on record: request, determinations so far, numbers, dates, history; and what can happen to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from server.authorization.clocks import due
from server.authorization.determination import (
    Authorized,
    Determination,
    LineDetermination,
    Reason,
    ReviewAction,
)
from server.authorization.request import AuthorizationRequest, Period, Quantity, ServiceLine
from server.authorization.review import approved_period


@dataclass(frozen=True, slots=True)
class LineOnRecord:
    """One service line: what was asked, the number it has for ever (PF-1), and its determination now.

    issued  the day the present certification was given, None while there is none
    """

    asked: ServiceLine
    number: str
    determination: LineDetermination
    issued: date | None = None

    @property
    def sequence(self) -> int:
        """The line's identity: its sequence in the request."""
        return self.asked.sequence


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the record: when, by whom, to which line (None = all), from and to which action."""

    at: datetime
    by: str
    what: str
    line: int | None = None
    before: ReviewAction | None = None
    after: ReviewAction | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Authorization:
    """An authorization request on record. A ClaimResponse has its id; `version` grows by one with every change."""

    id: str
    version: int
    plan: str
    request: AuthorizationRequest
    lines: tuple[LineOnRecord, ...]
    created: datetime
    changed: datetime
    due: datetime
    history: tuple[Event, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """The authorization number of every line."""
        return tuple(line.number for line in self.lines)

    @property
    def statuses(self) -> tuple[str, ...]:
        """The status word of every line, in order."""
        return tuple(line.determination.action.status for line in self.lines)

    @property
    def is_pended(self) -> bool:
        """True while a line waits for a decision."""
        return any(line.determination.action is ReviewAction.PENDED for line in self.lines)

    @property
    def period(self) -> Period | None:
        """From the first to the last day that anything certified may be provided on; None while nothing is."""
        periods = [line.determination.authorized.period for line in self.lines if line.determination.authorized]
        starts = [period.start for period in periods if period and period.start]
        ends = [period.end for period in periods if period and period.end]
        return Period(min(starts), max(ends)) if starts and ends else None


class Verdict(StrEnum):
    """What a reviewer can decide for a pended line."""

    APPROVE = "approve"
    DENY = "deny"
    MODIFY = "modify"


@dataclass(frozen=True, slots=True)
class Decision:
    """A reviewer's decision: modify needs `units`, deny and modify need a `reason` (PF-20)."""

    verdict: Verdict
    by: str
    reason: Reason | None = None
    units: Quantity | None = None


class NotDecidable(Exception):
    """The decision can't be made; the message says why and what would do."""


def open_authorization(
    request: AuthorizationRequest,
    determination: Determination,
    *,
    authorization_id: str,
    new_number: Callable[[], str],
    by: str,
    at: datetime,
) -> Authorization:
    """A new authorization: every line gets its number now, also a pended or denied one (PF-1)."""
    lines = tuple(
        LineOnRecord(asked, new_number(), decided, at.date() if decided.authorized else None)
        for asked, decided in zip(request.lines, determination.lines, strict=True)
    )
    events = tuple(
        Event(at, by, "filed", line.sequence, None, line.determination.action, line.determination.topic)
        for line in lines
    )
    return Authorization(
        id=authorization_id,
        version=1,
        plan=determination.plan,
        request=request,
        lines=lines,
        created=at,
        changed=at,
        due=due(at, expedited=request.expedited),
        history=events,
    )


def decide(
    authorization: Authorization, decision: Decision, *, line: int | None, at: datetime, days: int
) -> Authorization:
    """The authorization with a person's decision on the pended line `line`, or on all pended lines (None).

    `days` is the length of the approved period. Numbers stay as they are (PF-1).

    Raises:
        NotDecidable: there is no such line, it is not pended, or the decision lacks what it needs.
    """
    chosen = _pended_lines(authorization, line)
    lines, events = [], []
    for each in authorization.lines:
        if each.sequence not in chosen:
            lines.append(each)
            continue
        decided = _decided(each, decision, approved_period(each.asked, days, at.date()))
        lines.append(replace(each, determination=decided, issued=at.date() if decided.authorized else None))
        words = decision.reason.words if decision.reason else ""
        before = each.determination.action
        events.append(Event(at, decision.by, "decided", each.sequence, before, decided.action, words))
    return replace(
        authorization,
        version=authorization.version + 1,
        lines=tuple(lines),
        changed=at,
        history=(*authorization.history, *events),
    )


def _pended_lines(authorization: Authorization, line: int | None) -> set[int]:
    pended = {each.sequence for each in authorization.lines if each.determination.action is ReviewAction.PENDED}
    if line is None:
        if not pended:
            raise NotDecidable("No line of this authorization is pended; every line has its decision.")
        return pended
    if line not in {each.sequence for each in authorization.lines}:
        sequences = ", ".join(str(each.sequence) for each in authorization.lines)
        raise NotDecidable(f"There is no line {line}; the lines are {sequences}.")
    if line not in pended:
        status = next(each.determination.action.status for each in authorization.lines if each.sequence == line)
        raise NotDecidable(f"Line {line} is {status}, not pended; only pended lines can be decided.")
    return {line}


def _decided(line: LineOnRecord, decision: Decision, period: Period) -> LineDetermination:
    reasons = (decision.reason,) if decision.reason else ()
    topic = line.determination.topic
    if decision.verdict is Verdict.DENY:
        if not reasons:
            raise NotDecidable("A denial needs a coded reason and words for the member.")
        return LineDetermination(line.sequence, ReviewAction.NOT_CERTIFIED, reasons, topic=topic, human=True)
    if decision.verdict is Verdict.APPROVE:
        authorized = Authorized(line.asked.quantity, period)
        return LineDetermination(line.sequence, ReviewAction.CERTIFIED, (), authorized, topic=topic, human=True)
    if decision.units is None or not reasons:
        raise NotDecidable("A modification needs the units that are authorized, and a reason in code and words.")
    asked = line.asked.quantity
    if decision.units.value <= 0 or (asked is not None and decision.units.value >= asked.value):
        limit = f"less than the {asked.value} asked for" if asked is not None else "more than 0"
        raise NotDecidable(f"The units of a modification are {limit}; to give all that was asked for, approve.")
    units = Quantity(decision.units.value, asked.unit if asked else "", asked.system if asked else "")
    authorized = Authorized(units, period)
    return LineDetermination(line.sequence, ReviewAction.MODIFIED, reasons, authorized, topic=topic, human=True)
