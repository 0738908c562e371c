"""Deciding: a request held against the rules in force. Pure: no clock, no I/O, no globals."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from server.authorization.determination import (
    Authorized,
    Determination,
    LineDetermination,
    ReviewAction,
    WaitsFor,
)
from server.authorization.policy import Above, Plan, ReviewPath, Rules, Topic
from server.authorization.request import AuthorizationRequest, Document, Period, Quantity, ServiceLine


def review(request: AuthorizationRequest, rules: Rules, on: date) -> Determination:
    """A determination for every line, each reviewed by itself (PF-1), as of the day `on`."""
    return Determination(
        plan=rules.plan.id,
        lines=tuple(review_line(line, request, rules, on) for line in request.lines),
    )


def review_line(line: ServiceLine, request: AuthorizationRequest, rules: Rules, on: date) -> LineDetermination:
    """The determination of one line by the topic of its service, or the plan's default where no topic covers it."""
    if line.cancelled:
        return LineDetermination(line.sequence, ReviewAction.CANCELLED)
    topic = rules.topic_for(line)
    if topic is None:
        return _uncovered(line, rules.plan)
    if topic.path is ReviewPath.NOT_COVERED:
        return _determined(line, topic, ReviewAction.NOT_CERTIFIED)
    if topic.path is ReviewPath.CLINICAL:
        return _for_a_clinician(line, topic)
    if topic.path is ReviewPath.DOCUMENTATION:
        return _documented(line, topic, request.documents)
    return _within_recommended(line, topic, on)


def approved_period(line: ServiceLine, days: int, on: date) -> Period:
    """The days a certified line may be provided on: from its first day of service, else from `on`.

    Lasts `days` days, or as long as was asked for when that is longer.
    """
    start = (line.serviced.start if line.serviced else None) or on
    end = start + timedelta(days=days - 1)
    asked_end = line.serviced.end if line.serviced else None
    return Period(start, max(end, asked_end) if asked_end else end)


def _uncovered(line: ServiceLine, plan: Plan) -> LineDetermination:
    """A line that no topic covers is for a person; never silence."""
    return LineDetermination(
        line.sequence,
        ReviewAction.PENDED,
        (plan.uncovered,),
        waits_for=WaitsFor.CLINICAL_REVIEW,
        days=plan.approved_days,
    )


def _documented(line: ServiceLine, topic: Topic, documents: tuple[Document, ...]) -> LineDetermination:
    """Pended for what is missing, exactly (PF-17); with everything there, for a clinician."""
    missing = tuple(each for each in topic.documentation if not each.is_met_by(documents))
    if not missing:
        return _for_a_clinician(line, topic)
    pended = _determined(line, topic, ReviewAction.PENDED)
    return replace(pended, waits_for=WaitsFor.MISSING_INFORMATION, missing=missing)


def _within_recommended(line: ServiceLine, topic: Topic, on: date) -> LineDetermination:
    """Certified up to the recommended quantity; above it pended or reduced, as the topic says (PF-14, PF-21).

    A line that gives no quantity is certified for the recommended one.
    """
    period = approved_period(line, topic.approved_days, on)
    recommended, asked = topic.recommended, line.quantity
    if recommended is None or asked is None:
        return _determined(line, topic, ReviewAction.CERTIFIED, Authorized(asked or recommended, period))
    if not _same_unit(asked, recommended):
        return _for_a_clinician(line, topic)
    if asked.value <= recommended.value:
        return _determined(line, topic, ReviewAction.CERTIFIED, Authorized(asked, period))
    if topic.above is Above.PEND:
        return _for_a_clinician(line, topic)
    reduced = Quantity(recommended.value, asked.unit or recommended.unit, asked.system)
    return _determined(line, topic, ReviewAction.MODIFIED, Authorized(reduced, period))


def _for_a_clinician(line: ServiceLine, topic: Topic) -> LineDetermination:
    return replace(_determined(line, topic, ReviewAction.PENDED), waits_for=WaitsFor.CLINICAL_REVIEW)


def _determined(
    line: ServiceLine, topic: Topic, action: ReviewAction, authorized: Authorized | None = None
) -> LineDetermination:
    """The determination with what the topic says about it: its reason, unless certified, and its words."""
    reasons = () if action is ReviewAction.CERTIFIED else (topic.reason,)
    notes = (topic.provider_words,) if topic.provider_words else ()
    return LineDetermination(
        line.sequence, action, reasons, authorized, notes=notes, days=topic.approved_days, topic=topic.reference
    )


def _same_unit(asked: Quantity, recommended: Quantity) -> bool:
    """True when the two can be compared: the same unit, or one of them says none."""
    return not asked.unit or not recommended.unit or asked.unit.lower() == recommended.unit.lower()
