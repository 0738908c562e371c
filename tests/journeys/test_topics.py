"""Every topic with a form, from the order to the decision: package, record, form, request."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from conformance.samples import fresh_sample
from mappers.wire import to_bytes
from questionnaires.case_request import request_of
from questionnaires.cases import Case, cases_in, run_case
from questionnaires.content import DEMO, content_of
from questionnaires.files import ContentFiles, read_files
from server.authorization.determination import LineDetermination, ReviewAction, WaitsFor
from server.authorization.request import Answer, AuthorizationRequest, Code, ServiceLine
from server.payer import Caller
from tests.dtr_client import DTR, contained_items, fill
from tests.journeys.conftest import Journey, response_of
from tests.journeys.plan_functions.asking import a_document, diagnosed, resource, supported
from tests.journeys.test_questionnaire_package import an_order, asking, draft_in, handed_out, packages
from tests.prepopulation.engine import prefill, unavailable
from tests.prepopulation.expectations import EMPTY, expectations, patients

Json = dict[str, Any]

NORTH = Caller("north-portal", "north-clinic")
TODAY = date(2026, 7, 1)
"""When the records of the invented patients are looked at."""

X12 = "https://codesystem.x12.org/005010/"
UNITS = {"visit": "VS", "unit": "UN", "month": "MO", "day": "DA", "hour": "HS"}
CERTIFIED, PENDED = (ReviewAction.CERTIFIED, ReviewAction.MODIFIED), ReviewAction.PENDED


@cache
def content_files() -> ContentFiles:
    """The plans and topics that come with the server, with their cases."""
    return read_files(DEMO)[0]


def is_outcome(kind: str, line: LineDetermination) -> bool:
    """Whether a line came out certified, asked for more, or for review by people."""
    if kind == "certified":
        return line.action in CERTIFIED
    asked = line.waits_for is WaitsFor.MISSING_INFORMATION
    return line.action is PENDED and asked is (kind == "asked for more")


def can_be_sent(case: Case) -> bool:
    """Cases of which everything can be written in a request."""
    values = case.values
    if values["history"] or values["rejected"] or case.form is None:
        return False
    others = ("order", "category", "provider", "specialty", "end")
    return all(
        line["service"]
        and not any(line[name] for name in others)
        and (not line["quantity"] or line["quantity"].unit in UNITS)
        for line in values["lines"]
    )


KINDS = ("certified", "asked for more", "reviewed")


@cache
def chosen() -> dict[tuple[str, str], Case]:
    """Topic and outcome -> the first case that shows it."""
    files = content_files()
    content, found = content_of(files), dict[tuple[str, str], Case]()
    for case in filter(can_be_sent, cases_in(files)):
        lines = run_case(case, content, files).determination.lines
        for kind in KINDS:
            alike = all(is_outcome(kind, line) for line in lines)
            if alike and (kind == "asked for more" or case.values["answers"]):
                found.setdefault((case.topic, kind), case)
    return found


TOPICS = sorted({topic.topic for topic in content_files().topics if topic.form})


def moved(request: AuthorizationRequest, days: timedelta) -> AuthorizationRequest:
    """The same request, so many days later."""

    def later(day: date | None) -> date | None:
        return day and day + days

    def answer(each: Answer) -> Answer:
        return replace(each, day=later(each.day))

    return replace(
        request,
        lines=tuple(
            replace(
                line,
                serviced=line.serviced
                and replace(line.serviced, start=later(line.serviced.start), end=later(line.serviced.end)),
            )
            for line in request.lines
        ),
        documents=tuple(replace(each, created=later(each.created)) for each in request.documents),
        answers=tuple(
            replace(each, answers=tuple(map(answer, each.answers)), authored=later(each.authored))
            for each in request.answers
        ),
    )


def written(request: AuthorizationRequest) -> Json:
    """The request as a PAS Bundle, without filled forms."""
    bundle = fresh_sample("approved-consultation")
    claim = bundle["entry"][0]["resource"]
    claim["item"] = [an_item(claim["item"][0], line) for line in request.lines]
    claim["diagnosis"] = diagnosed(*[each.code.code for each in request.diagnoses] or ["R69"])
    coverage = resource(bundle, "Coverage")
    coverage["class"][0]["value"] = dict(request.coverage.classes).get("plan", "commercial")
    if request.member.birth_date:
        resource(bundle, "Patient")["birthDate"] = str(request.member.birth_date)
    if request.expedited:
        claim["priority"]["coding"][0]["code"] = "stat"
    documents = [a_document(each.types[0].code, str(each.created or TODAY)) for each in request.documents]
    return supported(bundle, *documents)


def an_item(sample: Json, line: ServiceLine) -> Json:
    """The line as an item of the Claim."""
    item = copy.deepcopy(sample) | {"sequence": line.sequence, "productOrService": coding(line.services[0])}
    item["category"] = coding(Code(X12 + "1365", "1"))
    for name in ("quantity", "servicedDate"):
        item.pop(name, None)
    for extension in item.get("extension", []):
        if "valueIdentifier" in extension:
            extension["valueIdentifier"]["value"] += f"-{line.sequence}"
    if line.quantity is not None:
        value, unit = line.quantity.value, line.quantity.unit
        item["quantity"] = {"value": value, "unit": unit, "system": X12 + "673", "code": UNITS[unit]}
    start = line.serviced.start if line.serviced else None
    item["servicedPeriod"] = {"start": str(start or TODAY)}
    if line.serviced and line.serviced.end:
        item["servicedPeriod"]["end"] = str(line.serviced.end)
    if line.place is not None:
        item["locationCodeableConcept"]["coding"][0]["code"] = line.place.code
    if line.modifiers:
        item["modifier"] = [coding(each) for each in line.modifiers]
    return item


def coding(code: Code) -> Json:
    return {"coding": [{"system": code.system, "code": code.code}]}


def said(answer: Answer, item: Json) -> list[Json]:
    """The answer of a case as FHIR values for the item."""
    if answer.codes:
        return [{"valueCoding": {"system": each.system, "code": each.code}} for each in answer.codes]
    if answer.truth is not None:
        return [{"valueBoolean": answer.truth}]
    if answer.day is not None:
        return [{"valueDate": str(answer.day)}]
    if answer.amount is not None:
        if item["type"] == "quantity":
            units = [each["valueCoding"] for each in item.get("extension", []) if each["url"].endswith("unitOption")]
            fits = {name: value for name, value in (units or [{}])[0].items() if name in ("system", "code")}
            return [{"valueQuantity": {"value": answer.amount.value, **fits}}]
        whole = item["type"] == "integer"
        return [{"valueInteger": int(answer.amount.value)} if whole else {"valueDecimal": answer.amount.value}]
    return [{"valueString": answer.text}]


@dataclass(frozen=True)
class Filler:
    """Who fills in a form: the record first, a person what the case says."""

    by_person: dict[str, Answer]
    by_record: Json

    def __call__(self, item: Json) -> list[Json]:
        name = item["linkId"]
        if name in self.by_person:
            return said(self.by_person[name], item)
        return list(self.by_record.get(name, []))

    def with_origins(self, response: Json) -> Json:
        """The response, where what came from the record says so."""
        origin = {"url": DTR + "information-origin", "extension": [{"url": "source", "valueCode": "auto-client"}]}

        def marked(items: list[Json]) -> list[Json]:
            for item in items:
                if item["linkId"] in self.by_record and item["linkId"] not in self.by_person:
                    item["answer"] = [each | {"extension": [origin]} for each in item["answer"]]
                marked(item.get("item", []))
            return items

        marked(response.get("item", []))
        return response


Recorded = Callable[[Json | None], Json]
"""What the record answers of a form, or of what an adaptive one asks by now."""


def filled_in(journey: Journey, package: Json, by_person: dict[str, Answer], recorded: Recorded) -> Json:
    """The form of the package, filled in: at once, or step by step where the server asks so."""
    draft = draft_in(package)
    if "contained" not in draft:
        filler = Filler(by_person, recorded(None))
        items = package["entry"][0]["resource"]["item"]
        return filler.with_origins(fill(items, draft, filler) | {"status": "completed"})
    response = draft
    while True:
        before = response.get("item")
        status, response = journey.post("/fhir/Questionnaire/$next-question", to_bytes(response))
        assert status == 200, response
        if response["status"] == "completed":
            return response
        filler = Filler(by_person, recorded(response["contained"][0]))
        response = filler.with_origins(fill(contained_items(response), response, filler))
        if response.get("item") == before:
            return response  # nobody knows what is asked now: it is sent as far as it goes


def test_every_topic_with_a_form_shows_each_outcome_that_it_has() -> None:
    """Topics without criteria ask for nothing: what is beyond their limit goes to people at once."""
    with_criteria = {topic.topic for topic in content_files().topics if topic.form and topic.values.get("criteria")}
    wanted = {(name, kind) for name in TOPICS for kind in KINDS if kind != "asked for more" or name in with_criteria}
    assert wanted <= set(chosen())


@pytest.mark.parametrize(("name", "kind"), chosen())
def test_from_the_order_to_the_decision(journey: Journey, name: str, kind: str) -> None:
    if reason := unavailable():
        pytest.skip(reason)
    case = chosen()[name, kind]
    assert case.form is not None
    journey.clock.now = datetime(2026, 7, 1, 15, tzinfo=UTC)
    plan = next(plan for plan in content_of(content_files()).plans if plan.id == case.plan)
    request = moved(request_of(case.values, plan, case.form, case.on), TODAY - case.on)
    service = request.lines[0].services[0]
    order = an_order("DeviceRequest" if service.code[:1].isalpha() else "ServiceRequest", service.system, service.code)

    [package] = packages(handed_out(journey, asking(order, questionnaire=case.form.canonical)))
    by_person = {each.link_id: each for filled in request.answers for each in filled.answers}
    patient = patients()[next(each for each in expectations()[name] if each not in EMPTY)]

    def recorded(questions: Json | None) -> Json:
        return prefill(package, patient, questions) if kind == "certified" else {}

    response = filled_in(journey, package, by_person, recorded)
    subject = {"reference": "https://ehr.example.org/fhir/Patient/member"}
    about = {each: response[each] for each in response if each not in ("id", "meta", "extension", "subject")}
    answer = journey.submit(to_bytes(supported(written(request), about | {"subject": subject})))

    filed = journey.payer.authorizations.get(NORTH, response_of(answer)["id"])
    assert filed is not None
    for line in filed.lines:
        decided = line.determination
        assert is_outcome(kind, decided), why(decided)
        if kind == "asked for more":
            assert decided.missing or decided.unanswered


def why(decided: LineDetermination) -> str:
    """What a determination rests on, for who reads a failing test."""
    not_met = [f"{each.criterion} {each.result}: {each.findings}" for each in decided.trace if each.result != "met"]
    waits = f"{decided.action}, waits for {decided.waits_for}: {decided.missing} {decided.unanswered}"
    return "\n".join([waits, *not_met])
