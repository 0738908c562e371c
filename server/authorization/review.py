"""Deciding: a request held against the rules in force. Pure: no clock, no I/O, no globals.

Per line, in this order: withdrawn; denied administratively; no topic, so for a person; not covered; something is
missing, so exactly that is asked for; a criterion is not met or a proposal stands, so for a clinician; certified, as
asked or less. The system never denies for lack of medical necessity (PF-19).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from server.authorization.criteria import Evaluation, Result, evaluate
from server.authorization.determination import (
    Authorized,
    Determination,
    Judged,
    LineDetermination,
    Reason,
    ReviewAction,
    WaitsFor,
)
from server.authorization.documentation import DocumentationRequirement
from server.authorization.eligibility import (
    AS_SAID,
    Eligibility,
    as_enrolled,
    denying_uncovered,
    ineligible,
    until_confirmed,
)
from server.authorization.facts import ANSWER, DOCUMENT, Facts
from server.authorization.history import NOTHING_ON_RECORD, History
from server.authorization.known import Shared, document_fact, facts_for, first_day, shared_facts
from server.authorization.limits import rejections
from server.authorization.nudges import Proposals, proposals
from server.authorization.policy import Above, AdministrativeDenial, Criterion, ReviewPath, Rules, Topic
from server.authorization.request import AuthorizationRequest, Code, Period, Quantity, ServiceLine
from server.authorization.scores import sections_to_ask
from server.authorization.units import converted


def review(
    request: AuthorizationRequest,
    rules: Rules,
    on: date,
    history: History = NOTHING_ON_RECORD,
    eligibility: Eligibility = AS_SAID,
) -> Determination:
    """A determination for every line, each reviewed by itself (PF-1), as of the day `on`.

    A request beyond the plan's limits, or for somebody who is no member, is rejected: `rejections` say why, and no line
    is reviewed. A known member's line is reviewed under the coverage of its own first day.
    """
    rejected = (*rejections(request, rules.plan, on), *ineligible(request, eligibility, on))
    if rejected:
        return Determination(rules.plan.id, (), rejected)
    rules = denying_uncovered(rules, eligibility)
    shared = shared_facts(request, history)
    lines = (
        review_line(line, as_enrolled(request, eligibility, first_day(line, on)), rules, on, history, shared=shared)
        for line in request.lines
    )
    return Determination(rules.plan.id, tuple(until_confirmed(line, eligibility, rules.plan) for line in lines))


def review_line(
    line: ServiceLine,
    request: AuthorizationRequest,
    rules: Rules,
    on: date,
    history: History = NOTHING_ON_RECORD,
    *,
    shared: Shared | None = None,
) -> LineDetermination:
    """The determination of one line by the topic of its service, or the plan's default where no topic covers it."""
    if line.cancelled or request.cancels:
        return LineDetermination(line.sequence, ReviewAction.CANCELLED)
    topic = rules.topic_for(line)
    facts = facts_for(line, request, topic, history, on, shared=shared)
    denial, judged = _denied_by(rules, topic, facts)
    if denial is not None:
        reference = topic.reference if topic else rules.plan.id
        return LineDetermination(
            line.sequence, ReviewAction.NOT_CERTIFIED, (denial.reason,), trace=judged, topic=reference
        )
    if topic is None:
        return _uncovered(line, rules)
    evaluations = tuple([evaluate(criterion.condition, facts) for criterion in topic.criteria])
    return _by_topic(_Held(line, topic, facts, on, evaluations, judged + _judged(topic, evaluations)))


def approved_period(line: ServiceLine, days: int, on: date) -> Period:
    """The days a certified line may be provided on: from its first day of service, else from `on`.

    Lasts `days` days, or as long as was asked for when that is longer.
    """
    start = first_day(line, on)
    end = start + timedelta(days=days - 1)
    asked_end = line.serviced.end if line.serviced else None
    return Period(start, max(end, asked_end) if asked_end else end)


@dataclass(frozen=True, slots=True)
class _Held:
    """A line held against its topic: one evaluation for every criterion, and the trace of all that was judged."""

    line: ServiceLine
    topic: Topic
    facts: Facts
    on: date
    evaluations: tuple[Evaluation, ...]
    trace: tuple[Judged, ...]


def _by_topic(held: _Held) -> LineDetermination:
    topic = held.topic
    if topic.path is ReviewPath.NOT_COVERED:
        return _determined(held, ReviewAction.NOT_CERTIFIED)
    results = [each.result for each in held.evaluations]
    missing = _missing_documents(held)
    incomplete = bool(held.facts.open) and topic.path in (ReviewPath.CRITERIA, ReviewPath.DOCUMENTATION)
    if Result.NOT_MET not in results and (Result.UNKNOWN in results or missing or incomplete):
        return _waiting_for_information(held, missing)
    if topic.path in (ReviewPath.CLINICAL, ReviewPath.DOCUMENTATION):
        return _for_a_clinician(held)
    proposed = proposals(topic, held.facts)
    if Result.NOT_MET in results or not proposed.settled:
        notes = (*_advice(topic.criteria, held.evaluations), *proposed.words)
        return replace(_for_a_clinician(held, notes), missing=missing, nudges=proposed.nudges)
    if proposed.as_asked and held.facts.open:  # a reason counts only in a form that is whole
        return replace(_waiting_for_information(held, missing), nudges=proposed.nudges)
    return _certified(held, proposed)


def _denied_by(
    rules: Rules, topic: Topic | None, facts: Facts
) -> tuple[AdministrativeDenial | None, tuple[Judged, ...]]:
    """The first administrative denial that applies, and every one that was looked at up to it."""
    judged: list[Judged] = []
    for source, denials in (
        (rules.plan.id, rules.plan.denials),
        (topic.reference, topic.denials) if topic else ("", ()),
    ):
        for denial in denials:
            found = evaluate(denial.when, facts)
            judged.append(Judged(denial.id, denial.title, source, found.result, found.findings))
            if found.result is Result.MET:
                return denial, tuple(judged)
    return None, tuple(judged)


def _judged(topic: Topic, evaluations: tuple[Evaluation, ...]) -> tuple[Judged, ...]:
    """Every criterion of the topic as it came out."""
    found, reference = zip(topic.criteria, evaluations, strict=True), topic.reference
    return tuple([Judged(each.id, each.title, reference, had.result, had.findings) for each, had in found])


def _advice(criteria: tuple[Criterion, ...], evaluations: tuple[Evaluation, ...]) -> tuple[str, ...]:
    pairs = zip(criteria, evaluations, strict=True)
    return tuple(each.provider for each, found in pairs if found.result is Result.NOT_MET and each.provider)


def _missing_documents(held: _Held) -> tuple[DocumentationRequirement, ...]:
    """The required documents that are not there, or too old (PF-17, PF-23)."""
    missing = (each for each in held.topic.documentation if not _is_there(each, held))
    return tuple(replace(each, fresh_days=held.topic.fresh_days) for each in missing)


def _is_there(wanted: DocumentationRequirement, held: _Held) -> bool:
    """One of the kinds that serve is there; where the topic wants fresh ones, one whose day is known and near."""
    days = held.topic.fresh_days
    for kind in (wanted.code, *wanted.others):
        known = held.facts.get(document_fact(kind))
        if known is None:
            continue
        if days is None or (isinstance(known.value, date) and known.value >= held.on - timedelta(days=days)):
            return True
    return False


def _uncovered(line: ServiceLine, rules: Rules) -> LineDetermination:
    """A line that no topic covers is for a person; never silence."""
    return LineDetermination(
        line.sequence,
        ReviewAction.PENDED,
        (rules.plan.uncovered,),
        waits_for=WaitsFor.CLINICAL_REVIEW,
        days=rules.plan.approved_days,
    )


def _waiting_for_information(held: _Held, missing: tuple[DocumentationRequirement, ...]) -> LineDetermination:
    """Pended for exactly what is missing (PF-17): answers of the form, documents."""
    documents = tuple(document_fact(each.code) for each in missing)
    ways: list[tuple[str, ...]] = [(*documents, *(ANSWER + each for each in held.facts.open))]
    for found in held.evaluations:
        if found.result is Result.UNKNOWN:
            longer = dict.fromkeys(tuple(dict.fromkeys((*way, *more))) for way in ways for more in found.missing)
            ways = sorted(longer, key=len)[:5]
    unanswered = _to_ask(held, (name.removeprefix(ANSWER) for name in ways[0] if name.startswith(ANSWER)))
    missing = (*missing, *_documents_of_criteria(held, ways[0], set(documents)))
    return replace(
        _determined(held, ReviewAction.PENDED),
        waits_for=WaitsFor.MISSING_INFORMATION,
        missing=missing,
        unanswered=unanswered,
        ways=tuple(ways) if held.topic.path in (ReviewPath.CERTIFY, ReviewPath.CRITERIA) else (),
    )


def _to_ask(held: _Held, link_ids: Iterable[str]) -> tuple[str, ...]:
    """The linkIds, with the open sections of a measure for its score."""
    given = (name.removeprefix(ANSWER) for name in held.facts.known if name.startswith(ANSWER))
    return sections_to_ask(held.topic.scores, link_ids, given)


def _documents_of_criteria(held: _Held, way: tuple[str, ...], asked: set[str]) -> Iterator[DocumentationRequirement]:
    """The documents that only a criterion asks for: each once, with the title of the first such criterion."""
    for criterion, found in zip(held.topic.criteria, held.evaluations, strict=True):
        named = {name for names in found.missing for name in names} & set(way) - asked
        for name in sorted(name for name in named if name.startswith(DOCUMENT)):
            asked.add(name)
            system, _, code = name.removeprefix(DOCUMENT).rpartition("|")
            yield DocumentationRequirement(Code(system, code), criterion.title)


def _for_a_clinician(held: _Held, notes: tuple[str, ...] = ()) -> LineDetermination:
    """Pended for a clinician of the payer, or of the company that reviews the topic for it (PF-3, PF-18)."""
    pended = _determined(held, ReviewAction.PENDED)
    waits_for = WaitsFor.DELEGATE if held.topic.delegate else WaitsFor.CLINICAL_REVIEW
    return replace(pended, waits_for=waits_for, delegate=held.topic.delegate, notes=(*pended.notes, *notes))


def _certified(held: _Held, proposed: Proposals) -> LineDetermination:
    """Certified up to the recommended quantity; above it pended or reduced, as the topic says (PF-14, PF-21).

    A line that gives no quantity is certified for the recommended one. An accepted proposal is what is authorized.
    """
    line, topic = held.line, held.topic
    recommended, asked = topic.recommended, line.quantity
    authorized = Authorized(asked or recommended, approved_period(line, topic.approved_days, held.on))
    if proposed.place is not None:
        authorized = replace(authorized, place=proposed.place)
    if recommended is not None and asked is not None and not proposed.as_asked:
        limit = converted(asked, recommended.unit)
        if limit is None:
            return replace(_for_a_clinician(held), nudges=proposed.nudges)
        if limit > recommended.value:
            if topic.above is Above.PEND and not proposed.fewer:
                return replace(_for_a_clinician(held), nudges=proposed.nudges)
            authorized = replace(authorized, quantity=_reduced(asked, recommended))
    action = ReviewAction.MODIFIED if _less(authorized, line) else ReviewAction.CERTIFIED
    return _determined(held, action, authorized=authorized, nudges=proposed.nudges)


def _reduced(asked: Quantity, recommended: Quantity) -> Quantity:
    return Quantity(recommended.value, asked.unit or recommended.unit, asked.system)


def _less(authorized: Authorized, line: ServiceLine) -> bool:
    return authorized.place is not None or (line.quantity is not None and authorized.quantity != line.quantity)


def _determined(held: _Held, action: ReviewAction, **more: Any) -> LineDetermination:
    """The determination with what the topic says about it: its reason, unless certified, and its words."""
    topic = held.topic
    reasons: tuple[Reason, ...] = () if action is ReviewAction.CERTIFIED else (topic.reason_for(action),)
    notes = (topic.provider_words, *held.facts.faults) if topic.provider_words else held.facts.faults
    return LineDetermination(
        held.line.sequence,
        action,
        reasons,
        notes=notes,
        form=topic.form,
        trace=held.trace,
        days=topic.approved_days,
        topic=topic.reference,
        **more,
    )
