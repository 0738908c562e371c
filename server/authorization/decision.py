"""What a person decides: pended lines approved, denied, modified, always with a reason (PF-20, PF-21)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from server.authorization.determination import Authorized, LineDetermination, Reason, ReviewAction
from server.authorization.npi import is_npi
from server.authorization.record import Authorization, Event, LineOnRecord, issued_on, timed
from server.authorization.request import Code, Identifier, Party, Period, Quantity
from server.authorization.review import approved_period
from server.authorization.systems import NPI


class Verdict(StrEnum):
    """What a reviewer can decide for a pended line; `cancel` where nobody asks for it any more (said by phone, filed
    twice), which is no denial."""

    APPROVE = "approve"
    DENY = "deny"
    MODIFY = "modify"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Decision:
    """A reviewer's decision in code and words (PF-20).

    units      what is authorized instead, for a modification; so are
    period     first and last day, an open side as it would be approved, and
    place      the place of service, and
    provider   who provides it, by NPI and name
    code       coded reason (X12 886); a denial needs it
    criterion  what was not met
    words      the reason in words the member can understand; a denial and a cancellation need them
    """

    verdict: Verdict
    by: str
    units: Decimal | None = None
    code: Code | None = None
    words: str = ""
    criterion: str = ""
    period: Period | None = None
    place: Code | None = None
    provider: Party | None = None


def provider_by_npi(npi: str, name: str) -> Party:
    """A provider by NPI and name."""
    return Party((Identifier(NPI, npi),), name.strip())


class NotDecidable(Exception):
    """The decision can't be made; the message says why and what would do."""


class NoSuchLine(NotDecidable):
    """The authorization has no such line."""


class NotPended(NotDecidable):
    """The line, or the whole request, waits for no decision."""


def decide(authorization: Authorization, decision: Decision, *, line: int | None, at: datetime) -> Authorization:
    """The authorization with a person's decision on the pended line `line`, or on all pended lines (None).

    An approval lasts as long as the rules say that the line was reviewed by. Numbers stay as they are (PF-1), and so
    does the trace of what the rules found.

    Raises:
        NotDecidable: there is no such line, it is not pended, or the decision lacks what it needs.
    """
    chosen = pended_lines(authorization, line)
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
    return changed_by_staff(authorization, tuple(lines), *events)


def changed_by_staff(authorization: Authorization, lines: tuple[LineOnRecord, ...], *events: Event) -> Authorization:
    """The next version of the authorization, with these lines, after these events of one moment."""
    changed = replace(
        authorization,
        version=authorization.version + 1,
        lines=lines,
        changed=events[0].at,
        history=(*authorization.history, *events),
    )
    return timed(changed)


def pended_lines(authorization: Authorization, line: int | None) -> set[int]:
    """The sequence of the line, which is pended; of all pended ones for None.

    Raises:
        NoSuchLine, NotPended: there is none.
    """
    pended = {each.sequence for each in authorization.lines if each.determination.action is ReviewAction.PENDED}
    if line is None:
        if not pended:
            raise NotPended("No line of this authorization is pended; every line has its decision.")
        return pended
    found = line_of(authorization, line)
    if line not in pended:
        status = found.determination.action.status
        raise NotPended(f"Line {line} is {status}, not pended; only pended lines can be decided.")
    return {line}


def line_of(authorization: Authorization, line: int) -> LineOnRecord:
    """The line with this sequence.

    Raises:
        NoSuchLine: there is none.
    """
    found = next((each for each in authorization.lines if each.sequence == line), None)
    if found is None:
        sequences = ", ".join(str(each.sequence) for each in authorization.lines) or "none"
        raise NoSuchLine(f"There is no line {line}; the lines are {sequences}.")
    return found


def _decided(line: LineOnRecord, decision: Decision, period: Period) -> LineDetermination:
    had = line.determination
    decided = LineDetermination(
        line.sequence,
        _ACTIONS[decision.verdict],
        form=had.form,
        delegate=had.delegate,
        trace=had.trace,
        nudges=had.nudges,
        days=had.days,
        topic=had.topic,
        human=True,
    )
    if decision.verdict is Verdict.CANCEL:
        return replace(decided, notes=(_why_cancelled(decision),))
    if decision.verdict is Verdict.APPROVE:
        return replace(decided, authorized=Authorized(line.asked.quantity, period))
    if decision.verdict is Verdict.DENY:
        return replace(decided, reasons=(_denial_reason(decision),))
    authorized = _modified(line, decision, period)
    return replace(decided, reasons=(_modification_reason(line, decision),), authorized=authorized)


_ACTIONS = {
    Verdict.APPROVE: ReviewAction.CERTIFIED,
    Verdict.DENY: ReviewAction.NOT_CERTIFIED,
    Verdict.MODIFY: ReviewAction.MODIFIED,
    Verdict.CANCEL: ReviewAction.CANCELLED,
}


def _why_cancelled(decision: Decision) -> str:
    if not decision.words.strip():
        raise NotDecidable("A cancellation needs a note: who withdrew the request, or why it is not needed any more.")
    return decision.words.strip()


def _denial_reason(decision: Decision) -> Reason:
    if decision.code is None or not decision.words.strip():
        raise NotDecidable("A denial needs both a coded reason and a note in words that the member can understand.")
    return Reason(decision.code, decision.words, decision.criterion)


def _modification_reason(line: LineOnRecord, decision: Decision) -> Reason:
    """The reviewer's reason; what they leave out is what the line was pended for."""
    pended_for = line.determination.reasons[0]
    words = decision.words.strip() or f"After review {_instead(decision)} authorized."
    return Reason(decision.code or pended_for.code, words, decision.criterion)


def _instead(decision: Decision) -> str:
    if decision.units is not None:
        return f"{decision.units} of the units asked for are"
    return "another provider is" if decision.provider else "another time or place is"


def _modified(line: LineOnRecord, decision: Decision, period: Period) -> Authorized:
    """What is authorized instead of what was asked (PF-21)."""
    wanted = decision.period or Period()
    if decision.units is None and wanted == Period() and decision.place is None and decision.provider is None:
        raise NotDecidable(
            "A modification needs the number of units, the dates, the place or the provider that are authorized."
        )
    if decision.provider is not None and not (decision.provider.name and _are_npis(decision.provider.npis)):
        raise NotDecidable("Another provider needs an NPI (10 digits, the last one a check digit) and a name.")
    start, end = wanted.start or period.start, wanted.end or period.end
    if start and end and end < start:
        raise NotDecidable(f"The authorized period ends on {end}, before it starts on {start}.")
    quantity = line.asked.quantity if decision.units is None else _reduced(line, decision.units)
    return Authorized(quantity, Period(start, end), place=decision.place, provider=decision.provider)


def _are_npis(npis: tuple[str, ...]) -> bool:
    return bool(npis) and all(is_npi(npi) for npi in npis)


def _reduced(line: LineOnRecord, units: Decimal) -> Quantity:
    asked = line.asked.quantity
    if not units.is_finite() or units <= 0 or (asked is not None and units >= asked.value):
        limit = f"more than 0 and less than the {asked.value} asked for" if asked is not None else "more than 0"
        raise NotDecidable(f"The units of a modification are {limit}; to give all that was asked for, approve.")
    return Quantity(units, asked.unit if asked else "", asked.system if asked else "")
