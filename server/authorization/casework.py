"""What a person does with a request besides deciding: ask, take on, note, take more time (PF-17, PF-22)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from server.authorization.clocks import EXTENDED
from server.authorization.decision import NotDecidable, NotPended, changed_by_staff, line_of, pended_lines
from server.authorization.determination import LineDetermination, ReviewAction, WaitsFor
from server.authorization.documentation import DocumentationRequirement
from server.authorization.record import Authorization, Event, LineOnRecord


@dataclass(frozen=True, slots=True)
class InformationRequest:
    """What a reviewer still needs: documents, answers of the line's form (linkIds), and why, for the submitter."""

    by: str
    documents: tuple[DocumentationRequirement, ...] = ()
    unanswered: tuple[str, ...] = ()
    words: str = ""


def ask(authorization: Authorization, wanted: InformationRequest, *, line: int | None, at: datetime) -> Authorization:
    """The authorization whose pended line (None = all) waits for what the reviewer asks for, besides what it lacked.

    Raises:
        NotDecidable: no such pended line, nothing is asked for, or the line has no form to answer.
    """
    chosen = pended_lines(authorization, line)
    if not wanted.documents and not wanted.unanswered:
        raise NotDecidable("Name the documents or the questions of the form that are missing.")
    lines = tuple(
        replace(each, determination=_waiting(each, wanted)) if each.sequence in chosen else each
        for each in authorization.lines
    )
    pended = ReviewAction.PENDED
    note = wanted.words or "; ".join(each.words for each in wanted.documents) or ", ".join(wanted.unanswered)
    events = [
        Event(at, wanted.by, "asked", sequence, pended, pended, note, WaitsFor.MISSING_INFORMATION)
        for sequence in sorted(chosen)
    ]
    return changed_by_staff(authorization, lines, *events)


def assign(authorization: Authorization, to: str, *, line: int | None, by: str, at: datetime) -> Authorization:
    """The authorization whose line (None = all) is worked on by `to`; "" gives it back to nobody in particular.

    Raises:
        NoSuchLine: there is no such line.
    """
    chosen = _lines(authorization, line)
    lines = tuple(replace(each, assigned=to) if each.sequence in chosen else each for each in authorization.lines)
    return changed_by_staff(authorization, lines, Event(at, by, "assigned", line, note=to or "nobody"))


def note(authorization: Authorization, words: str, *, line: int | None, by: str, at: datetime) -> Authorization:
    """The authorization with a remark of staff in its history.

    Raises:
        NotDecidable: there is no such line, or nothing is said.
    """
    _lines(authorization, line)
    if not words.strip():
        raise NotDecidable("A note needs words.")
    return changed_by_staff(authorization, authorization.lines, Event(at, by, "noted", line, note=words.strip()))


def extend(authorization: Authorization, reason: str, *, by: str, at: datetime) -> Authorization:
    """The authorization with the one extension of its clock (PF-22).

    Raises:
        NotDecidable: no line is pended, there is no reason, it was extended before, or it is too late.
    """
    if not authorization.is_pended:
        raise NotPended("No line of this authorization is pended; there is nothing to extend.")
    if not reason.strip():
        raise NotDecidable("An extension needs a reason.")
    now = authorization.clock_at(at)
    if now.extended:
        raise NotPended("The clock of this request was extended before; it is extended once.")
    if now.breached:
        raise NotPended("The clock of this request has run out; it is extended only before that.")
    return changed_by_staff(authorization, authorization.lines, Event(at, by, EXTENDED, note=reason.strip()))


def _lines(authorization: Authorization, line: int | None) -> set[int]:
    return {each.sequence for each in authorization.lines} if line is None else {line_of(authorization, line).sequence}


def _waiting(line: LineOnRecord, wanted: InformationRequest) -> LineDetermination:
    had = line.determination
    if wanted.unanswered and not had.form:
        raise NotDecidable(f"Line {line.sequence} has no form to answer; name documents instead.")
    asked = {each.code for each in wanted.documents}
    lacking = tuple(each for each in had.missing if each.code not in asked)
    return replace(
        had,
        waits_for=WaitsFor.MISSING_INFORMATION,
        missing=(*lacking, *wanted.documents),
        unanswered=tuple(dict.fromkeys((*had.unanswered, *wanted.unanswered))),
        ways=(),
        notes=(*had.notes, wanted.words) if wanted.words else had.notes,
        human=True,
    )
