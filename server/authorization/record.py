"""The authorization on record: request, determinations so far, numbers, dates, history; and what can happen to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from server.authorization.clocks import due
from server.authorization.determination import (
    Authorized,
    Determination,
    LineDetermination,
    Reason,
    Rejection,
    ReviewAction,
)
from server.authorization.request import AuthorizationRequest, Code, Period, Quantity, ServiceLine
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
    """An authorization request on record. A ClaimResponse has its id; `version` grows by one with every change.

    request     the latest request; its lines may be fewer than those on record
    rejections  why it could not be reviewed; such a record has no lines
    """

    id: str
    version: int
    plan: str
    request: AuthorizationRequest
    lines: tuple[LineOnRecord, ...]
    created: datetime
    changed: datetime
    due: datetime
    history: tuple[Event, ...] = ()
    rejections: tuple[Rejection, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """The authorization number of every line."""
        return tuple(line.number for line in self.lines)

    @property
    def statuses(self) -> tuple[str, ...]:
        """The status word of every line, in order."""
        return tuple(line.determination.action.status for line in self.lines)

    @property
    def is_denied(self) -> bool:
        """True when every line was denied or withdrawn, and one was denied: a new request is made, not an update."""
        actions = {line.determination.action for line in self.lines}
        return ReviewAction.NOT_CERTIFIED in actions and actions <= {ReviewAction.NOT_CERTIFIED, ReviewAction.CANCELLED}

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
    """A reviewer's decision in code and words (PF-20).

    units   what is authorized, for a modification
    code    coded reason (X12 886); a denial needs it
    words   the reason in words the member can understand; a denial needs them
    """

    verdict: Verdict
    by: str
    units: Decimal | None = None
    code: Code | None = None
    words: str = ""


_ACTIONS = {
    Verdict.APPROVE: ReviewAction.CERTIFIED,
    Verdict.DENY: ReviewAction.NOT_CERTIFIED,
    Verdict.MODIFY: ReviewAction.MODIFIED,
}


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
    decided = {each.sequence: each for each in determination.lines}
    lines = tuple(
        LineOnRecord(asked, new_number(), decided[asked.sequence], _issued(decided[asked.sequence], at))
        for asked in request.lines
        if asked.sequence in decided
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
        history=events or (Event(at, by, "rejected", note=", ".join(each.code for each in determination.rejections)),),
        rejections=determination.rejections,
    )


def update(
    authorization: Authorization,
    request: AuthorizationRequest,
    determination: Determination,
    *,
    new_number: Callable[[], str],
    by: str,
    at: datetime,
) -> Authorization:
    """The authorization after an update: lines added, changed, withdrawn (PF-34, PAS spec-69 to spec-71).

    `determination` is for the whole new request; it counts for the lines that are new or changed, and for pended ones
    when there is new information. All others keep what was decided. Numbers stay (PF-1); lines that the update does
    not name stay as they are, unless the whole request is withdrawn.
    """
    informed = _information(request) != _information(authorization.request)
    decided = {each.sequence: each for each in determination.lines}
    before = {line.sequence: line for line in authorization.lines}
    lines: list[LineOnRecord] = []
    events: list[Event] = []
    for asked in request.lines:
        known, now = before.pop(asked.sequence, None), decided[asked.sequence]
        if known is not None and not _is_reviewed_again(known, asked, now, informed):
            lines.append(known)
            continue
        lines.append(LineOnRecord(asked, known.number if known else new_number(), now, _issued(now, at)))
        what = "cancelled" if now.action is ReviewAction.CANCELLED else "changed" if known else "added"
        was = known.determination.action if known else None
        events.append(Event(at, by, what, asked.sequence, was, now.action, now.topic))
    for known in before.values():
        withdrawn = LineDetermination(known.sequence, ReviewAction.CANCELLED)
        lines.append(replace(known, determination=withdrawn, issued=None) if request.cancels else known)
        if request.cancels:
            was = known.determination.action
            events.append(Event(at, by, "cancelled", known.sequence, was, ReviewAction.CANCELLED))
    return replace(
        authorization,
        version=authorization.version + 1,
        request=request,
        lines=tuple(sorted(lines, key=lambda line: line.sequence)),
        changed=at,
        history=(*authorization.history, *(events or [Event(at, by, "updated")])),
    )


def decide(authorization: Authorization, decision: Decision, *, line: int | None, at: datetime) -> Authorization:
    """The authorization with a person's decision on the pended line `line`, or on all pended lines (None).

    An approval lasts as long as the rules say that the line was reviewed by. Numbers stay as they are (PF-1).

    Raises:
        NotDecidable: there is no such line, it is not pended, or the decision lacks what it needs.
    """
    chosen = _pended_lines(authorization, line)
    lines, events = [], []
    for each in authorization.lines:
        if each.sequence not in chosen:
            lines.append(each)
            continue
        decided = _decided(each, decision, approved_period(each.asked, each.determination.days, at.date()))
        lines.append(replace(each, determination=decided, issued=at.date() if decided.authorized else None))
        note = decided.reasons[0].words if decided.reasons else decision.words
        before = each.determination.action
        events.append(Event(at, decision.by, "decided", each.sequence, before, decided.action, note))
    return replace(
        authorization,
        version=authorization.version + 1,
        lines=tuple(lines),
        changed=at,
        history=(*authorization.history, *events),
    )


def _issued(decided: LineDetermination, at: datetime) -> date | None:
    return at.date() if decided.authorized else None


def _is_reviewed_again(known: LineOnRecord, asked: ServiceLine, now: LineDetermination, informed: bool) -> bool:
    """Whether an update's line is decided anew: withdrawn, changed in what it asks, or pended with new information."""
    action = known.determination.action
    if action is ReviewAction.CANCELLED and now.action is ReviewAction.CANCELLED:
        return False
    if now.action is ReviewAction.CANCELLED or _asked(asked) != _asked(known.asked):
        return True
    return informed and action is ReviewAction.PENDED


def _asked(line: ServiceLine) -> ServiceLine:
    """What a line asks for, without how it is labelled."""
    return replace(line, change="", certification="", references=(), trace_numbers=())


def _information(request: AuthorizationRequest) -> tuple[object, ...]:
    return request.documents, request.answers, request.diagnoses


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
    decided = LineDetermination(
        line.sequence,
        _ACTIONS[decision.verdict],
        days=line.determination.days,
        topic=line.determination.topic,
        human=True,
    )
    if decision.verdict is Verdict.APPROVE:
        return replace(decided, authorized=Authorized(line.asked.quantity, period))
    if decision.verdict is Verdict.DENY:
        return replace(decided, reasons=(_denial_reason(decision),))
    units = _reduced(line, decision)
    return replace(decided, reasons=(_reduction_reason(line, decision),), authorized=Authorized(units, period))


def _denial_reason(decision: Decision) -> Reason:
    if decision.code is None or not decision.words.strip():
        raise NotDecidable("A denial needs both a coded reason and a note in words that the member can understand.")
    return Reason(decision.code, decision.words)


def _reduction_reason(line: LineOnRecord, decision: Decision) -> Reason:
    """The reviewer's reason; what they leave out is what the line was pended for."""
    pended_for = line.determination.reasons[0]
    words = decision.words.strip() or f"After review {decision.units} of the units asked for are authorized."
    return Reason(decision.code or pended_for.code, words)


def _reduced(line: LineOnRecord, decision: Decision) -> Quantity:
    asked = line.asked.quantity
    if decision.units is None:
        raise NotDecidable("A modification needs the number of units that are authorized.")
    if decision.units <= 0 or (asked is not None and decision.units >= asked.value):
        limit = f"more than 0 and less than the {asked.value} asked for" if asked is not None else "more than 0"
        raise NotDecidable(f"The units of a modification are {limit}; to give all that was asked for, approve.")
    return Quantity(decision.units, asked.unit if asked else "", asked.system if asked else "")
