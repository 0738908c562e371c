"""What a person decides: pended lines approved, denied, modified, always with a reason (PF-20, PF-21)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from server.authorization.determination import Authorized, LineDetermination, Reason, ReviewAction
from server.authorization.record import Authorization, Event, LineOnRecord, issued_on
from server.authorization.request import Code, Period, Quantity
from server.authorization.review import approved_period


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
        lines.append(replace(each, determination=decided, issued=issued_on(decided, at)))
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
