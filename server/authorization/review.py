"""Deciding: a request held against the rules in force. Pure: no clock, no I/O, no globals."""

from __future__ import annotations

from datetime import date, timedelta

from server.authorization.determination import (
    Authorized,
    Determination,
    LineDetermination,
    Reason,
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
    topic = rules.topic_for(line)
    if topic is None:
        return _pended(line, "", (rules.plan.uncovered,), WaitsFor.CLINICAL_REVIEW)
    if topic.path is ReviewPath.NOT_COVERED:
        return LineDetermination(line.sequence, ReviewAction.NOT_CERTIFIED, (topic.reason,), topic=topic.reference)
    if topic.path is ReviewPath.CLINICAL:
        return _pended(line, topic.reference, (topic.reason,), WaitsFor.CLINICAL_REVIEW)
    if topic.path is ReviewPath.DOCUMENTATION:
        return _documented(line, topic, request.documents)
    return _within_recommended(line, topic, rules.plan, on)


def approved_period(line: ServiceLine, days: int, on: date) -> Period:
    """The days a certified line may be provided on: from its first day of service, else from `on`.

    Lasts `days` days, or as long as was asked for when that is longer.
    """
    start = (line.serviced.start if line.serviced else None) or on
    end = start + timedelta(days=days - 1)
    asked_end = line.serviced.end if line.serviced else None
    return Period(start, max(end, asked_end) if asked_end else end)


def _documented(line: ServiceLine, topic: Topic, documents: tuple[Document, ...]) -> LineDetermination:
    """Pended for what is missing, exactly (PF-17); with everything there, for a clinician."""
    missing = tuple(each for each in topic.documentation if not each.is_met_by(documents))
    waits_for = WaitsFor.MISSING_INFORMATION if missing else WaitsFor.CLINICAL_REVIEW
    return LineDetermination(
        line.sequence, ReviewAction.PENDED, (topic.reason,), waits_for=waits_for, missing=missing, topic=topic.reference
    )


def _within_recommended(line: ServiceLine, topic: Topic, plan: Plan, on: date) -> LineDetermination:
    """Certified up to the recommended quantity; above it pended or reduced, as the topic says (PF-14, PF-21)."""
    period = approved_period(line, topic.approved_days or plan.approved_days, on)
    recommended, asked = topic.recommended, line.quantity
    if recommended is None or asked is None:
        return _certified(line, topic, Authorized(asked or recommended, period))
    if not _same_unit(asked, recommended):
        return _pended(line, topic.reference, (topic.reason,), WaitsFor.CLINICAL_REVIEW)
    if asked.value <= recommended.value:
        return _certified(line, topic, Authorized(asked, period))
    if topic.above is Above.PEND:
        return _pended(line, topic.reference, (topic.reason,), WaitsFor.CLINICAL_REVIEW)
    authorized = Authorized(Quantity(recommended.value, asked.unit or recommended.unit, asked.system), period)
    return LineDetermination(line.sequence, ReviewAction.MODIFIED, (topic.reason,), authorized, topic=topic.reference)


def _certified(line: ServiceLine, topic: Topic, authorized: Authorized) -> LineDetermination:
    return LineDetermination(line.sequence, ReviewAction.CERTIFIED, (), authorized, topic=topic.reference)


def _pended(line: ServiceLine, topic: str, reasons: tuple[Reason, ...], waits_for: WaitsFor) -> LineDetermination:
    return LineDetermination(line.sequence, ReviewAction.PENDED, reasons, waits_for=waits_for, topic=topic)


def _same_unit(asked: Quantity, recommended: Quantity) -> bool:
    """True when the two can be compared: the same unit, or one of them says none."""
    return not asked.unit or not recommended.unit or asked.unit.lower() == recommended.unit.lower()
