"""What a submitter changes: lines added, changed, withdrawn, new information (PF-34)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from server.authorization.clocks import Terms
from server.authorization.determination import Determination, LineDetermination, ReviewAction
from server.authorization.extension import EXTENDED, asks_for_extension, extended
from server.authorization.record import Authorization, Event, LineOnRecord, Reviewed, issued_on, timed
from server.authorization.request import AuthorizationRequest, ServiceLine


def update(
    authorization: Authorization,
    request: AuthorizationRequest,
    determination: Determination,
    *,
    new_number: Callable[[], str],
    by: str,
    at: datetime,
    reviewed: Reviewed | None = None,
    terms: Terms | None = None,
    informed: bool = False,
) -> Authorization:
    """The authorization after an update: lines added, changed, withdrawn (PF-34, PAS spec-69 to spec-71).

    `determination` is for the whole new request; it counts for the lines that are new or changed, and for pended ones
    when there is new information. All others keep what was decided. Numbers stay (PF-1); lines that the update does
    not name stay as they are, unless the whole request is withdrawn. `terms` hold for the clock that starts with it; a
    clock that runs keeps its own. `informed` says that there is new information besides that in the request.
    """
    informed = informed or _information(request) != _information(authorization.request)
    decided = {each.sequence: each for each in determination.lines}
    before = {line.sequence: line for line in authorization.lines}
    lines: list[LineOnRecord] = []
    events: list[Event] = []
    for asked in request.lines:
        known, now = before.pop(asked.sequence, None), decided[asked.sequence]
        if known is not None and asks_for_extension(known, asked):
            line, event = _extended(known, asked, authorization.history, by, at)
            lines.append(line)
            events.append(event)
            continue
        if known is not None and not _is_reviewed_again(known, asked, now, informed):
            lines.append(known)
            continue
        number = known.number if known else new_number()
        assigned = known.assigned if known else ""
        lines.append(LineOnRecord(asked, number, now, issued_on(now, at), authorization.version + 1, assigned))
        what = "cancelled" if now.action is ReviewAction.CANCELLED else "changed" if known else "added"
        was = known.determination.action if known else None
        events.append(Event(at, by, what, asked.sequence, was, now.action, now.topic, now.waits_for))
    for known in before.values():
        withdrawn = LineDetermination(known.sequence, ReviewAction.CANCELLED)
        lines.append(replace(known, determination=withdrawn, issued=None) if request.cancels else known)
        if request.cancels:
            was = known.determination.action
            events.append(Event(at, by, "cancelled", known.sequence, was, ReviewAction.CANCELLED))
    updated = replace(
        authorization,
        version=authorization.version + 1,
        request=request,
        lines=tuple(sorted(lines, key=lambda line: line.sequence)),
        changed=at,
        history=(*authorization.history, *(events or [Event(at, by, "updated")])),
        reviews=(*authorization.reviews, *((reviewed,) if reviewed else ())),
        terms=authorization.terms if authorization.is_pended or terms is None else terms,
    )
    return timed(updated)


def _extended(
    known: LineOnRecord, asked: ServiceLine, history: tuple[Event, ...], by: str, at: datetime
) -> tuple[LineOnRecord, Event]:
    """The line with the longer period, or as it was with a note why not; and what the history says of it (PF-26)."""
    determination, refusal = extended(known, asked, history, at.date())
    action = determination.action
    if refusal:
        noted = replace(determination, notes=(*determination.notes, refusal))
        return replace(known, determination=noted), Event(
            at, by, "not extended", known.sequence, action, action, refusal
        )
    line = replace(known, asked=asked, determination=determination, issued=issued_on(determination, at))
    return line, Event(at, by, EXTENDED, known.sequence, action, action)


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
