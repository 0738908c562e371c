"""A decision made again from what was kept: the same request, the same rules, the same history, the same day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from server.authorization.attachment import informed
from server.authorization.determination import Determination, LineDetermination
from server.authorization.eligibility import as_enrolled, first_day_of
from server.authorization.limits import rejected_update
from server.authorization.record import Authorization, LineOnRecord, Reviewed
from server.authorization.request import AuthorizationRequest
from server.authorization.review import review
from server.operations.authorization_trace import request_at
from server.payer import Payer, Staff


@dataclass(frozen=True, slots=True)
class Replayed:
    """One line of one review, made again.

    line         sequence; None for the request as a whole
    recorded     status on record;  again  status by the rules now made again, "" where they were not
    differences  what is not the same, one line each
    note         why it is not compared, "" where it is
    """

    version: int
    content: str
    line: int | None
    recorded: str
    again: str
    differences: tuple[str, ...] = ()
    note: str = ""


def replay(payer: Payer, staff: Staff, authorization: Authorization) -> list[Replayed]:
    """Every review of the authorization made again, held against what it decided.

    A line that a later review or a person decided since is made again too, but there is nothing left to compare.
    """
    return [replayed for made in authorization.reviews for replayed in _replayed(payer, staff, authorization, made)]


def _replayed(payer: Payer, staff: Staff, authorization: Authorization, made: Reviewed) -> Iterator[Replayed]:
    rules_for = payer.rules_kept(made.content)
    request = request_at(payer, staff, authorization, made.version, made.content)
    if rules_for is None or request is None:
        what = "request" if request is None else f"content {made.content[:12] or '(none noted)'}"
        yield Replayed(made.version, made.content, None, "", "", (f"the {what} of this review is not kept",))
        return
    request = _as_it_was(request, authorization, made)
    request = as_enrolled(request, made.eligibility, first_day_of(request, made.on))
    again = review(request, rules_for(request, made.on), made.on, made.history, made.eligibility)
    yield from _rejections(authorization, made, again)
    on_record = {line.sequence: line for line in authorization.lines}
    for decided in again.lines:
        yield _line(made, on_record.get(decided.sequence), decided)


def _as_it_was(request: AuthorizationRequest, authorization: Authorization, made: Reviewed) -> AuthorizationRequest:
    """The request with what had arrived apart from it, and with earlier lines that were reviewed with it."""
    sent = {line.sequence for line in request.lines}
    lines = [line for line in authorization.lines if line.reviewed == made.version and line.sequence not in sent]
    whole = replace(request, lines=(*request.lines, *(line.asked for line in lines))) if lines else request
    return informed(whole, authorization.received, made.version)


def _rejections(authorization: Authorization, made: Reviewed, again: Determination) -> Iterator[Replayed]:
    recorded = authorization.rejections
    if recorded == rejected_update():
        yield Replayed(made.version, made.content, None, "rejected", "", note="an update of a denied request")
    elif recorded or again.rejections:
        same = recorded == again.rejections
        differences = () if same else (f"rejections: {_codes(recorded)} on record, {_codes(again.rejections)} again",)
        words = ("rejected" if recorded else "reviewed", "rejected" if again.rejections else "reviewed")
        yield Replayed(made.version, made.content, None, *words, differences)


def _line(made: Reviewed, line: LineOnRecord | None, again: LineDetermination) -> Replayed:
    status = again.action.status
    if line is None:
        return Replayed(
            made.version, made.content, again.sequence, "", status, note="not on record: it was not reviewed"
        )
    recorded = line.determination
    if line.reviewed != made.version:
        since = f"decided by version {line.reviewed}"
        return Replayed(made.version, made.content, line.sequence, recorded.action.status, status, note=since)
    if recorded.human:
        since = "a person has decided since"
        return Replayed(made.version, made.content, line.sequence, recorded.action.status, status, note=since)
    differences = tuple(_differences(recorded, again))
    return Replayed(made.version, made.content, line.sequence, recorded.action.status, status, differences)


def _differences(recorded: LineDetermination, again: LineDetermination) -> Iterator[str]:
    """Every part that is not the same. Filing may have added notes at the end; those are no part of the review."""
    for each in fields(LineDetermination):
        had, has = getattr(recorded, each.name), getattr(again, each.name)
        if each.name == "notes":
            had = had[: len(has)]
        if had != has:
            yield f"{each.name}: {_words(had)} on record, {_words(has)} again"


def _words(value: object) -> str:
    words = repr(value)
    return words if len(words) <= 300 else f"{words[:300]}..."


def _codes(rejections: tuple[object, ...]) -> str:
    return ", ".join(getattr(each, "code", "") for each in rejections) or "none"
