"""What arrived apart from its request is put on the record; what waits for it is reviewed again (PF-17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from server.authorization.attachment import Attachment, Received
from server.authorization.determination import Determination, LineDetermination, ReviewAction, WaitsFor
from server.authorization.documentation import DocumentationRequirement
from server.authorization.record import Authorization, Event, LineOnRecord, Reviewed, issued_on, timed
from server.authorization.request import Answers, Document, ServiceLine

DOCUMENT_RECEIVED = "document received"
"""What happened, in the history, when documentation arrived apart from the request."""

REVIEWED_AGAIN = "reviewed again"
"""What happened, in the history, to a line that waited for it."""

FOR_PEOPLE = "for people to look at: no line waits for it"


def waiting(authorization: Authorization) -> tuple[ServiceLine, ...]:
    """The pended lines that documentation is missing for and that rules alone decide."""
    return tuple(
        line.asked for line in authorization.lines if _waits(line.determination) and not line.determination.human
    )


def counting(authorization: Authorization, attachments: Sequence[Attachment], version: int) -> tuple[Received, ...]:
    """What has arrived apart from the request once these attachments count, from this version of the record on."""
    known = {each.attachment for each in authorization.received}
    new = [each for each in attachments if each.id not in known]
    return (*authorization.received, *as_received(new, version))


def as_received(attachments: Sequence[Attachment], version: int) -> tuple[Received, ...]:
    """What rules look at, of those that count."""
    return tuple(Received(each.id, version, each.document, each.answers) for each in attachments if each.counts)


def with_received(
    authorization: Authorization, attachments: Sequence[Attachment], by: str, at: datetime
) -> Authorization:
    """The authorization, as of its present version, with what arrived apart; each attachment counts once."""
    known = {each.attachment for each in authorization.received}
    new = [each for each in attachments if each.counts and each.id not in known]
    if not new:
        return authorization
    awaited = any(_waits(line.determination) for line in authorization.lines)
    return replace(
        authorization,
        received=counting(authorization, new, authorization.version),
        history=(*authorization.history, *(_arrival(each, by, at, awaited=awaited) for each in new)),
    )


def receive(
    authorization: Authorization,
    attachments: Sequence[Attachment],
    determination: Determination,
    *,
    reviewed: Reviewed,
    by: str,
    at: datetime,
) -> Authorization:
    """The next version of the authorization, with what arrived apart from its request.

    `determination` is for the lines of `waiting`, made with it. A line for which a person asked for more than the rules
    do goes back to people once all of it is there. Every other line, and every number, stays as it is.
    """
    version = authorization.version + 1
    informed = with_received(replace(authorization, version=version), attachments, by, at)
    decided = {each.sequence: each for each in determination.lines}
    lines: list[LineOnRecord] = []
    events: list[Event] = []
    for line in authorization.lines:
        had = line.determination
        now = _by_hand(line, informed, reviewed.on) if had.human and _waits(had) else decided.get(line.sequence, had)
        if now == had:
            lines.append(line)
            continue
        by_rules = version if line.sequence in decided else line.reviewed
        lines.append(LineOnRecord(line.asked, line.number, now, issued_on(now, at), by_rules, line.assigned))
        events.append(Event(at, by, REVIEWED_AGAIN, line.sequence, had.action, now.action, now.topic, now.waits_for))
    changed = replace(
        informed,
        lines=tuple(lines),
        changed=at,
        history=(*informed.history, *events),
        reviews=(*informed.reviews, reviewed) if determination.lines else informed.reviews,
    )
    return timed(changed)


def _waits(determination: LineDetermination) -> bool:
    """Whether documentation is missing for a pended line."""
    missing = bool(determination.missing or determination.unanswered)
    awaits = missing or determination.waits_for is WaitsFor.MISSING_INFORMATION
    return determination.action is ReviewAction.PENDED and awaits


def _arrival(attachment: Attachment, by: str, at: datetime, *, awaited: bool) -> Event:
    """What the history says: codes, kind and size, nothing that a document says."""
    types = " ".join(code.code for code in attachment.document.types) if attachment.document else ""
    what = types or ("a form" if attachment.answers else "of no type")
    note = f"{what}, {attachment.media_type}, {attachment.size} bytes, {attachment.id}"
    lines = attachment.meant.lines if attachment.meant else ()
    line = lines[0] if len(lines) == 1 else None
    return Event(at, by, DOCUMENT_RECEIVED, line, note=note if awaited else f"{note}; {FOR_PEOPLE}")


def _by_hand(line: LineOnRecord, authorization: Authorization, on: date) -> LineDetermination:
    """A line for which a person asked, without what has arrived; complete, it waits for a person again."""
    had = line.determination
    there = [each for each in authorization.received if _is_about(each, line)]
    documents = [each.document for each in there if each.document]
    answered = {link_id for each in there if each.answers for link_id in _answered(each.answers, had.form)}
    missing = tuple(each for each in had.missing if not any(serves(document, each, on) for document in documents))
    unanswered = tuple(each for each in had.unanswered if each not in answered)
    if (missing, unanswered) == (had.missing, had.unanswered):
        return had
    waits_for = WaitsFor.MISSING_INFORMATION if missing or unanswered else _reviewer(had)
    return replace(had, missing=missing, unanswered=unanswered, waits_for=waits_for)


def serves(document: Document, wanted: DocumentationRequirement, on: date) -> bool:
    """Whether a document is one that is wanted: of one of its kinds, and new enough on the day `on`."""
    kinds = {(code.system, code.code) for code in (wanted.code, *wanted.others)}
    if not any((code.system, code.code) in kinds for code in document.types):
        return False
    if wanted.fresh_days is None:
        return True
    return document.created is not None and document.created >= on - timedelta(days=wanted.fresh_days)


def _is_about(received: Received, line: LineOnRecord) -> bool:
    part = received.document or received.answers
    return part is not None and (not part.lines or line.sequence in part.lines)


def _answered(answers: Answers, form: str) -> list[str]:
    same = answers.form.partition("|")[0] == form.partition("|")[0]
    return [each.link_id for each in answers.answers if each.value is not None] if same else []


def _reviewer(determination: LineDetermination) -> WaitsFor:
    return WaitsFor.DELEGATE if determination.delegate else WaitsFor.CLINICAL_REVIEW
