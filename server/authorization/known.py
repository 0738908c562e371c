"""The facts of one line: gathered from the request, the filled form, the documents and the history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from server.authorization.facts import ANSWER, DOCUMENT, Facts, Known
from server.authorization.history import History, PriorLine
from server.authorization.policy import Topic
from server.authorization.request import Answers, AuthorizationRequest, Code, Party, Period, Quantity, ServiceLine
from server.authorization.scores import Score, scored


@dataclass(frozen=True, slots=True)
class Shared:
    """What every line of a request has in common, gathered once.

    known      the facts that are the same for every line
    answers    the answers to each form, by its url;  filled  the last response to it
    in_force   the lines on record that are in force;  services  what they are for, as (system, code)
    apart      whether some documents or answers are about some lines only: each line has its own then
    """

    known: Mapping[str, Known]
    answers: Mapping[str, Mapping[str, Known]]
    filled: Mapping[str, Answers]
    in_force: tuple[PriorLine, ...]
    services: frozenset[tuple[str, str]]
    apart: bool = False


def shared_facts(request: AuthorizationRequest, history: History) -> Shared:
    """What every line of the request has in common."""
    known = {
        "request.diagnoses": Known(tuple(each.code for each in request.diagnoses), "Claim.diagnosis"),
        "request.expedited": Known(request.expedited, "Claim.priority"),
        **dict(_of_documents(request)),
    }
    in_force = tuple(prior for prior in history.lines if prior.in_force)
    filled = {each.form.partition("|")[0]: each for each in request.answers}
    services = frozenset((prior.service.system, prior.service.code) for prior in in_force)
    return Shared(known, _answers_by_form(request), filled, in_force, services, _is_about_some_lines(request))


def facts_for(
    line: ServiceLine,
    request: AuthorizationRequest,
    topic: Topic | None,
    history: History,
    on: date,
    *,
    shared: Shared | None = None,
) -> Facts:
    """Everything known about the line on the day `on`; what nobody said is not in it."""
    if shared is None or shared.apart:
        shared = shared_facts(_about(line, request), history)
    known = dict(shared.known)
    filled = None
    if topic is not None and topic.form:
        url = topic.form.partition("|")[0]
        filled = shared.filled.get(url)
        known.update(shared.answers.get(url, {}))
        known.update(_of_scores(topic.scores, known))
    start = first_day(line, on)
    known |= _of_line(line, request, start)
    known |= _of_member(request, line, start, on)
    known |= _of_history(line, request, topic, shared, start)
    if filled is None:
        return Facts(on, known)
    return Facts(on, known, tuple(each for each in filled.open if ANSWER + each not in known), filled.faults)


def _is_about_some_lines(request: AuthorizationRequest) -> bool:
    return any(each.lines for each in request.documents) or any(each.lines for each in request.answers)


def _about(line: ServiceLine, request: AuthorizationRequest) -> AuthorizationRequest:
    """The request without the documents and answers that are about other lines."""
    documents = tuple(each for each in request.documents if not each.lines or line.sequence in each.lines)
    answers = tuple(each for each in request.answers if not each.lines or line.sequence in each.lines)
    return replace(request, documents=documents, answers=answers)


def first_day(line: ServiceLine, on: date) -> date:
    """The first day of service that is asked for; the day of the request where none is."""
    return (line.serviced.start if line.serviced else None) or on


def _of_line(line: ServiceLine, request: AuthorizationRequest, start: date) -> dict[str, Known]:
    where = f"Claim.item[sequence={line.sequence}]"
    known = {
        "line.start": Known(start, f"{where}.serviced"),
        "line.service": Known((*line.services, *line.ordered), where),
        "line.modifiers": Known(line.modifiers, f"{where}.modifier"),
    }
    if line.quantity is not None:
        known["line.quantity"] = Known(line.quantity, f"{where}.quantity")
    end = line.serviced.end if line.serviced else None
    if end is not None:
        known["line.end"] = Known(end, f"{where}.serviced")
        known["line.days"] = Known(Quantity(Decimal((end - start).days + 1), "day"), f"{where}.serviced")
    if line.place is not None:
        known["line.place"] = Known((line.place,), f"{where}.location")
    specialties = tuple([code for party in providers_of(line, request) for code in party.specialties])
    if specialties:
        known["line.specialty"] = Known(specialties, "Claim.careTeam")
    return known


def providers_of(line: ServiceLine, request: AuthorizationRequest) -> tuple[Party, ...]:
    """The care team members who provide the line."""
    if not line.providers:
        return request.care_team
    return tuple(each for each in request.care_team if each.sequence in line.providers)


def _of_member(request: AuthorizationRequest, line: ServiceLine, start: date, on: date) -> dict[str, Known]:
    known = {"request.retrospective": Known(start < on, f"Claim.item[sequence={line.sequence}].serviced")}
    if request.member.birth_date is not None:
        age = Quantity(Decimal(years_between(request.member.birth_date, start)), "year")
        known["member.age"] = Known(age, "Patient.birthDate")
    period = request.coverage.period
    if period is not None:
        known["coverage.in_force"] = Known(_covers(period, start), "Coverage.period")
    return known


def _of_history(
    line: ServiceLine, request: AuthorizationRequest, topic: Topic | None, shared: Shared, start: date
) -> dict[str, Known]:
    end = (line.serviced.end if line.serviced else None) or start
    asked = {(code.system, code.code) for code in (*line.services, *line.ordered)} & shared.services
    duplicate = _first_overlapping(asked, shared.in_force, start, end) if asked else None
    known = {"history.duplicate": Known(duplicate is not None, duplicate.number if duplicate else "record")}
    if topic is None:
        return known
    of_topic = [prior for prior in shared.in_force if prior.topic == topic.name]
    return known | (_of_topic(of_topic, line, request, start, end) if of_topic else _NEVER_BEFORE)


def _first_overlapping(
    asked: set[tuple[str, str]], in_force: tuple[PriorLine, ...], start: date, end: date
) -> PriorLine | None:
    same = (prior for prior in in_force if (prior.service.system, prior.service.code) in asked)
    return next((prior for prior in same if prior.overlaps(start, end)), None)


def _of_topic(
    of_topic: list[PriorLine], line: ServiceLine, request: AuthorizationRequest, start: date, end: date
) -> dict[str, Known]:
    npis = {npi for party in (request.provider, *providers_of(line, request)) for npi in party.npis}
    others = [prior for prior in of_topic if prior.overlaps(start, end) and not npis & set(prior.providers)]
    this_year = [
        prior for prior in of_topic if prior.period and prior.period.start and prior.period.start.year == start.year
    ]
    used = sum((prior.quantity.value for prior in this_year if prior.quantity), Decimal(0))
    return {
        "history.in_force": Known(any(prior.overlaps(start, start) for prior in of_topic), "record"),
        "history.before": Known(True, "record"),
        "history.same_specialty": Known(bool(others), "record"),
        "history.visits_authorized": Known(Quantity(used), "record"),
    }


_NEVER_BEFORE = {
    "history.in_force": Known(False, "record"),
    "history.before": Known(False, "record"),
    "history.same_specialty": Known(False, "record"),
    "history.visits_authorized": Known(Quantity(Decimal(0)), "record"),
}
"""What is on record of a topic that the member was never authorized for."""


def _of_documents(request: AuthorizationRequest) -> Iterator[tuple[str, Known]]:
    """The day of the newest document of every type; "yes" for one that gives no day."""
    newest: dict[str, date] = {}
    for document in request.documents:
        for kind in document.types:
            name = document_fact(kind)
            created = document.created or date.max
            newest[name] = max(newest.get(name, date.min), created)
    for name, created in newest.items():
        yield (
            name,
            Known(created, "Claim.supportingInfo") if created != date.max else Known(True, "Claim.supportingInfo"),
        )


def document_fact(kind: Code) -> str:
    """The name of the fact that says whether a document of a type is there."""
    return f"{DOCUMENT}{kind.system}|{kind.code}"


def _answers_by_form(request: AuthorizationRequest) -> dict[str, dict[str, Known]]:
    """The answers to each form, in any version of it; the last filled form of a request wins."""
    by_form: dict[str, dict[str, Known]] = {}
    for filled in request.answers:
        known = by_form.setdefault(filled.form.partition("|")[0], {})
        for answer in filled.answers:
            value = answer.value
            if value is not None:
                origin = answer.origin or "origin not said"
                known[ANSWER + answer.link_id] = Known(value, f"{answer.link_id} ({origin})")
    return by_form


def _of_scores(scores: tuple[Score, ...], known: Mapping[str, Known]) -> dict[str, Known]:
    """The scores as they are calculated from the sections: what is sent as a score counts only where they are not."""
    found: dict[str, Known] = {}
    for score in scores:
        values = {item: value for item in score.items if (value := _number(known.get(ANSWER + item))) is not None}
        points = scored(score, values)
        if points is not None:
            origin = f"{score.answer} (calculated from its sections)"
            found[ANSWER + score.answer] = Known(Quantity(points), origin)
    return found


def _number(known: Known | None) -> Decimal | None:
    return known.value.value if known is not None and isinstance(known.value, Quantity) else None


def _covers(period: Period, day: date) -> bool:
    return (period.start is None or period.start <= day) and (period.end is None or day <= period.end)


def years_between(birth: date, day: date) -> int:
    """Whole years from a birth date to a day."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
