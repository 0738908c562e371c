"""What a plan's desk does (PF-1 to PF-30), shown through the door.

One message and its answer are data in `plan-functions/submitted.json`; what takes several messages is a test here.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from conformance.answers import answered_lines
from conformance.samples import fresh_sample
from questionnaires.content import DEMO, Content, load_content
from questionnaires.requirements import requirements
from server.operations.catalogue import catalogue
from server.payer import Payer
from server.stores.authorizations import MongoAuthorizations
from server.web.access import access_for
from server.web.fhir import web_application
from tests.databases import fresh_database
from tests.journeys.conftest import SOUTH_TOKEN, Clock, Journey, response_of, settings_with_two_callers
from tests.journeys.test_inquire import an_inquiry, an_item, found, number_of, with_payer
from tests.journeys.test_submit import an_update

Json = dict[str, Any]

SUBMITTED: list[Json] = json.loads((Path(__file__).parent / "plan-functions" / "submitted.json").read_text())
SAYING = {each["says"]: each for each in SUBMITTED}

NOT_SHOWN = {
    "PF-11": "No channel but FHIR: nothing arrives by fax or phone, and staff cannot file a request on the record.",
}
"""Plan functions without a journey, and why."""

PARTLY_SHOWN = {
    "PF-9": "Who handles claims is not said: see the expected failure.",
    "PF-12": "The lookup is an API and a command, not a page.",
    "PF-14": "The recommended number is looked up; no operation hands out a form filled in beforehand.",
    "PF-16": "Responses and reasons are on the trace of every line; nothing counts them per rule.",
    "PF-21": "Nobody can authorize another provider in place of the one asked for.",
    "PF-23": "Member address and phone, provider TIN, fax and specialty: requests without them are decided.",
    "PF-25": "Across the new year more visits are taken sooner: see the expected failure.",
}
"""Parts of plan functions that no journey shows, and why."""

JSON = {"Content-Type": "application/json"}
REFUSED = 400
NURSE_TOKEN = "nurse-token-0123456789"
PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
X12 = "https://codesystem.x12.org/005010/"
SYSTEMS = {
    "cpt": "http://www.ama-assn.org/go/cpt",
    "hcpcs": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "loinc": "http://loinc.org",
    "service-type": X12 + "1365",
}
DRG = (
    "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/"
    "MS-DRG-Classifications-and-Software"
)
UNITS = {"visits": "VS", "units": "UN"}
ADULT = "A complete worksheet of an adult is certified at once"
KNEE = "An inpatient surgery with a risk factor is certified"


def asked_by(case: Json) -> Json:
    """What a case asks for, with what it takes over from the case it is like; an answer of null is taken away."""
    before = asked_by(SAYING[case["like"]]) if "like" in case else {}
    answers = before.get("answers", {}) | case["asks"].get("answers", {})
    return before | case["asks"] | {"answers": {name: each for name, each in answers.items() if each is not None}}


@cache
def form_of(topic: str) -> Json:
    """The form of a topic."""
    form: Json = json.loads((DEMO / topic / "questionnaire.json").read_text())
    return form


def answer(kind: str, value: Any) -> list[Json]:
    """The answers of an item of this type."""
    names = {"boolean": "Boolean", "date": "Date", "integer": "Integer", "decimal": "Decimal", "choice": "Coding"}
    each = value if isinstance(value, list) else [value]
    written = [{"system": "urn:placet:answer", "code": one} if kind == "choice" else one for one in each]
    return [{"value" + names.get(kind, "String"): one} for one in written]


def filled(items: list[Json], answers: Json) -> Iterator[Json]:
    """The answered items, in the sections of the form."""
    for item in items:
        inner = list(filled(item.get("item", []), answers))
        if item["linkId"] in answers:
            given = answer(item["type"], answers[item["linkId"]])
            yield {"linkId": item["linkId"], "answer": [given[0] | ({"item": inner} if inner else {}), *given[1:]]}
        elif inner:
            yield {"linkId": item["linkId"], "item": inner}


def a_form(topic: str, answers: Json) -> Json:
    """The filled form of a topic."""
    form = form_of(topic)
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{form['url']}|{form['version']}",
        "status": "completed",
        "subject": {"reference": "https://ehr.example.org/fhir/Patient/member"},
        "authored": "2026-11-23",
        "item": list(filled(form["item"], answers)),
    }


def a_document(loinc: str, day: str) -> Json:
    """A document of a type and day."""
    category = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
    return {
        "resourceType": "DocumentReference",
        "meta": {"profile": [PAS + "profile-documentreference"]},
        "status": "current",
        "type": coded("loinc", loinc),
        "category": [{"coding": [{"system": category, "code": "clinical-note"}]}],
        "subject": {"reference": "https://ehr.example.org/fhir/Patient/member"},
        "date": f"{day}T10:00:00-06:00",
        "content": [{"attachment": {"contentType": "text/plain", "data": "U2FtcGxl", "creation": day}}],
    }


def coded(system: str, code: str) -> Json:
    return {"coding": [{"system": SYSTEMS.get(system, system), "code": code}]}


def supported(bundle: Json, *information: Json) -> Json:
    """The request with information that supportingInfo points to."""
    claim = bundle["entry"][0]["resource"]
    report = {"url": "reportTypeCode", "valueCodeableConcept": coded(X12 + "755", "77")}
    for each in information:
        pointed = claim.setdefault("supportingInfo", [])
        id = f"information-{len(bundle['entry'])}"
        url = f"https://ehr.example.org/fhir/{each['resourceType']}/{id}"
        pointed.append(
            {
                "extension": [{"url": PAS + "extension-documentInformation", "extension": [report]}],
                "sequence": len(pointed) + 1,
                "category": coded(
                    "http://hl7.org/fhir/us/davinci-pas/CodeSystem/PASTempCodes", "additionalInformation"
                ),
                "valueReference": {"reference": url},
            }
        )
        bundle["entry"].append({"fullUrl": url, "resource": each | {"id": id}})
    return bundle


def diagnosed(*codes: str) -> list[Json]:
    """Diagnoses, the first of them primary."""
    icd = "http://hl7.org/fhir/sid/icd-10-cm"
    return [{"sequence": n, "diagnosisCodeableConcept": coded(icd, code)} for n, code in enumerate(codes, 1)]


def resource(bundle: Json, kind: str) -> Json:
    """The first resource of a type."""
    found: Json = next(each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == kind)
    return found


def a_line(item: Json, asks: Json) -> Json:
    """The item, asking for what a case asks for."""
    line = copy.deepcopy(item)
    if "service" in asks:
        line["productOrService"] = coded(*asks["service"])
        line["category"] = coded("service-type", "1")
    if "quantity" in asks:
        value, unit = asks["quantity"]
        line["quantity"] = {"value": value, "unit": unit, "system": X12 + "673", "code": UNITS[unit]}
    if "from" in asks:
        line.pop("servicedDate")
        line["servicedPeriod"] = {"start": asks["from"], **({"end": asks["to"]} if "to" in asks else {})}
    if "place" in asks:
        line["locationCodeableConcept"]["coding"][0]["code"] = asks["place"]
    return line


def a_request(says: str = ADULT, **changes: Any) -> Json:
    """The request of a case, with changes to what it asks for."""
    asks = asked_by({"like": says, "asks": changes})
    bundle = fresh_sample("approved-consultation")
    claim = bundle["entry"][0]["resource"]
    claim["item"] = [a_line(claim["item"][0], asks)]
    claim["diagnosis"] = diagnosed(*asks.get("diagnoses", ["M54.50"]))
    claim["identifier"][0]["value"] = bundle["identifier"]["value"]
    bundle["entry"][0]["fullUrl"] += "-" + bundle["identifier"]["value"]
    claim["id"] = bundle["entry"][0]["fullUrl"].rpartition("/")[2][:64]
    bundle["entry"][0]["fullUrl"] = f"https://ehr.example.org/fhir/Claim/{claim['id']}"
    coverage = resource(bundle, "Coverage")
    coverage["class"][0]["value"] = asks.get("plan", "commercial")
    if "covered" in asks:
        coverage["period"] = dict(zip(("start", "end"), asks["covered"], strict=True))
    resource(bundle, "Patient")["birthDate"] = asks.get("born", "1961-04-12")
    forms = [a_form(asks["form"], asks["answers"])] if asks["answers"] else []
    return supported(bundle, *forms, *(a_document(*each) for each in asks.get("documents", [])))


def for_member(member: str, bundle: Json) -> Json:
    """The request for somebody else."""
    coverage = resource(bundle, "Coverage")
    coverage["identifier"][0]["value"] = coverage["subscriberId"] = member
    resource(bundle, "Patient")["identifier"][0]["value"] = member
    return bundle


@pytest.fixture(scope="module")
def in_force() -> Content:
    """The plans and topics of the demo."""
    return load_content()


def an_installation(content: Content, database: Database[Json]) -> Journey:
    """A payer on a store, with a nurse at the desk, who can look up what codes require."""
    staff = [{"token": NURSE_TOKEN, "name": "nurse"}]
    settings, clock = settings_with_two_callers(staff_tokens_inline=json.dumps(staff)), Clock()
    payer = Payer(
        authorizations=MongoAuthorizations(database),
        rules_for=content.rules_for,
        forms_kept=lambda _fingerprint: content.forms,
        requirements=lambda name, code, on: (
            requirements(content, found, code, on) if (found := content.plan(name)) else None
        ),
        now=clock,
    )
    app = web_application(settings, catalogue(), payer, access_for(settings), ready=payer.authorizations.ping)
    return Journey(payer, clock, app.test_client())


@pytest.fixture
def plan(in_force: Content, database: Database[Json]) -> Journey:
    """An installation with nothing on record."""
    return an_installation(in_force, database)


@pytest.fixture(scope="module")
def busy_plan(in_force: Content, store_uri: str) -> Iterator[Journey]:
    """An installation for many members."""
    with fresh_database(store_uri) as database:
        yield an_installation(in_force, database)


def record_of(plan: Journey, answered: Json) -> Json:
    """The record behind an answer, as the desk sees it now."""
    status, record = plan.get(f"/api/authorizations/{response_of(answered)['id']}", NURSE_TOKEN)
    assert status == 200, record
    return record


def line_of(plan: Journey, answered: Json) -> Json:
    """The only line of the record behind an answer."""
    [line] = record_of(plan, answered)["lines"]
    found: Json = line
    return found


def traced(plan: Journey, answered: Json) -> Json:
    """The trace of the only line behind an answer."""
    status, trace = plan.get(f"/api/authorizations/{response_of(answered)['id']}/trace", NURSE_TOKEN)
    assert status == 200, trace
    [line] = trace["lines"]
    found: Json = line
    return found


def asked_for(answered: Json) -> list[str]:
    """The codes that the CommunicationRequests of an answer ask for."""
    resources = [each["resource"] for each in answered["entry"]]
    wanted = [each for each in resources if each["resourceType"] == "CommunicationRequest"]
    return sorted(payload["contentString"] for each in wanted for payload in each["payload"])


def authorized(line: Json) -> Json:
    """What was authorized, in the words of the cases."""
    given = line["authorized"]
    quantity, period, place = given["quantity"] or {}, given["period"] or {}, given["place"] or {}
    amount = {"quantity": int(float(quantity["value"])), "unit": quantity["unit"]} if quantity else {}
    return {**amount, **period, **({"place": place["code"]} if place else {})}


def seen(plan: Journey, answered: Json, expects: Json) -> Json:
    """What the answer, the record and the trace say, of what a case expects."""
    line, trace, [told] = line_of(plan, answered), traced(plan, answered), answered_lines(answered)
    met = {each["criterion"]: each["result"] for each in trace["criteria"]}
    denied_by = expects.get("denied_by")
    says = {
        "status": told.status if told.status == line["status"] else f"{told.status}, on record {line['status']}",
        "waitsFor": line["waitsFor"],
        "missing": sorted(each["code"]["code"] for each in line["missing"]),
        "questions": sorted(line["questions"]),
        "form": line["form"],
        "delegate": line["delegate"],
        "authorized": authorized(line) if line["authorized"] else None,
        "reason": line["reasons"][0]["code"]["code"] if line["reasons"] else None,
        "criteria": {name: met.get(name) for name in expects.get("criteria", {})},
        "nudges": {each["nudge"]: [each["response"], each["reason"]] for each in trace["nudges"]},
        "denied_by": denied_by if met.get(denied_by or "") == "met" else None,
        "notes": [words for words in expects.get("notes", []) if words in told.reason],
    }
    if line["authorized"] and "authorized" in expects:
        says["authorized"] = {name: says["authorized"].get(name) for name in expects["authorized"]}
    return {name: says[name] for name in expects}


def expected(case: Json) -> Json:
    """What a case expects; the order of what is asked for does not count."""
    return {
        name: sorted(value) if name in ("missing", "questions") else value for name, value in case["expects"].items()
    }


@pytest.mark.parametrize("case", SUBMITTED, ids=[f"{'+'.join(each['shows'])}: {each['says']}" for each in SUBMITTED])
def test_a_request_is_decided(busy_plan: Journey, case: Json) -> None:
    answered = busy_plan.submit(for_member(f"PLX1{SUBMITTED.index(case):03}", a_request(case["says"])))
    line, [told] = line_of(busy_plan, answered), answered_lines(answered)

    assert seen(busy_plan, answered, case["expects"]) == expected(case)
    assert told.number == line["number"]
    wanted = [each["code"]["code"] for each in line["missing"]] + ["102089-0"] * bool(line["questions"])
    assert asked_for(answered) == sorted(wanted)
    if "not met" in case["expects"].get("criteria", {}).values():
        assert line["status"] == "pended"


def call(plan: Journey, path: str, **body: Any) -> Json:
    """What the desk answers to a body that is posted."""
    status, answered = plan.post(path, body, NURSE_TOKEN, **JSON)
    assert status == 200, answered
    return answered


def decided(plan: Journey, answered: Json, **body: Any) -> Json:
    """The record after the nurse's decision on its only line."""
    record = record_of(plan, answered)
    return call(plan, f"/api/authorizations/{record['id']}/lines/1/determination", version=record["version"], **body)


def errors_of(plan: Journey, bundle: Json) -> list[str]:
    """The words of the business errors that a request is rejected with; none where it is reviewed."""
    return [each["code"]["text"] for each in response_of(plan.submit(bundle)).get("error", [])]


def shown_numbers(answered: Json) -> list[tuple[str | None, str | None]]:
    """For every line the number in its review action, and its administration reference number."""
    shown = []
    for item in response_of(answered)["item"]:
        outer = {each["url"].rpartition("/")[2]: each for each in item["extension"]}
        inner = {each["url"]: each for each in item["adjudication"][0]["extension"][0]["extension"]}
        reference = outer.get("extension-administrationReferenceNumber", {})
        shown.append((inner.get("number", {}).get("valueString"), reference.get("valueString")))
    return shown


def by_another(bundle: Json, npi: str) -> Json:
    """The request by another practice and its clinician, who have this NPI."""
    for kind in ("Organization", "Practitioner"):
        resource(bundle, kind)["identifier"][0]["value"] = npi
    return bundle


def certification(bundle: Json, code: str) -> Json:
    """The request with this certification type on its only line."""
    [item] = bundle["entry"][0]["resource"]["item"]
    for each in item["extension"]:
        if each["url"].endswith("certificationType"):
            each["valueCodeableConcept"] = coded(X12 + "1322", code)
    return bundle


def until(bundle: Json, day: date) -> Json:
    """The request for services until a day."""
    bundle["entry"][0]["resource"]["item"][0]["servicedPeriod"]["end"] = day.isoformat()
    return bundle


def test_a_number_is_issued_once_and_stays(plan: Journey, in_force: Content, database: Database[Json]) -> None:
    """PF-1: the same while pended, approved by an update, on another node; shown where its status says."""
    first = a_request(answers={"score": None})
    pended = plan.submit(first)
    [(number, reference)] = shown_numbers(pended)
    whole = a_form("therapy-adult", asked_by(SAYING[ADULT])["answers"])
    approved = plan.submit(supported(an_update(first, "with-score"), whole))
    another = Journey(plan.payer, plan.clock, an_installation(in_force, database).client)
    denied = shown_numbers(plan.submit(a_request(plan="medicare-advantage", **{"from": "2026-11-16"})))

    assert [line.status for line in answered_lines(pended) + answered_lines(approved)] == ["pended", "approved"]
    assert number == reference is not None
    assert shown_numbers(approved) == [(number, None)]
    assert line_of(another, pended)["number"] == number
    assert denied[0][0] is None
    assert denied[0][1] not in (None, number)


@pytest.mark.parametrize(
    "says",
    [each["says"] for each in SUBMITTED if each["expects"].get("waitsFor") == "missing information"][::6],
)
def test_a_number_on_a_pended_line_is_no_approval(plan: Journey, says: str) -> None:
    """PF-2: its status and words say that it is pending."""
    answered = plan.submit(a_request(says))
    [told], response = answered_lines(answered), response_of(answered)

    assert (told.status, "Pending review, not an approval" in told.reason) == ("pended", True)
    assert told.number
    assert {"preAuthRef", "preAuthPeriod"}.isdisjoint(response)
    tasks = [each["resource"] for each in answered["entry"] if each["resource"]["resourceType"] == "Task"]
    assert tasks
    assert all("not an approval" in task["statusReason"]["text"] for task in tasks)


def communicated(answered: Json) -> list[str]:
    """The diagnoses that the only line of an answer lists."""
    [item] = response_of(answered)["item"]
    listed = [each for each in item["extension"] if each["url"].endswith("communicatedDiagnosis")]
    return [each["valueCodeableConcept"]["coding"][0]["code"] for each in listed]


def test_diagnoses_are_listed_back_and_added_by_an_update(plan: Journey) -> None:
    """PF-4: those that were sent are covered; more may come later."""
    first = a_request(diagnoses=["M54.50", "M17.11"])
    first["entry"][0]["resource"]["item"][0].pop("diagnosisSequence")
    answered = plan.submit(first)
    more = an_update(first, "one-more")
    more["entry"][0]["resource"]["diagnosis"] = diagnosed("M54.50", "M17.11", "M51.26")
    updated = plan.submit(more)

    assert communicated(answered) == ["M54.50", "M17.11"]
    assert communicated(updated) == ["M54.50", "M17.11", "M51.26"]
    assert [each["code"] for each in record_of(plan, updated)["diagnoses"]] == communicated(updated)
    assert number_of(answered) == number_of(updated)


def test_status_is_looked_up_by_number_reference_member_and_provider(plan: Journey) -> None:
    """PF-5: by the submitter, by another provider, and by nobody who names the wrong one."""
    open_plan = with_payer(plan, npi_binding=False)
    answered = open_plan.submit(a_request(answers={"score": None}))
    id, number = response_of(answered)["id"], number_of(answered)

    for example in (an_inquiry(), an_inquiry(an_item(number=number)), an_inquiry(an_item(reference=number))):
        assert found(open_plan, example) == [id]
    for npi, seen_by in (("1999999976", [id]), ("1999999992", [id]), ("1999999968", [])):
        assert found(open_plan, an_inquiry(npi=npi), SOUTH_TOKEN) == seen_by


@pytest.mark.parametrize(("lines", "words"), [(10, []), (11, ["at most 10 service lines", "in another request"])])
def test_a_request_has_at_most_ten_lines(plan: Journey, lines: int, words: list[str]) -> None:
    """PF-6."""
    bundle = a_request()
    [item] = bundle["entry"][0]["resource"]["item"]
    bundle["entry"][0]["resource"]["item"] = [item | {"sequence": number} for number in range(1, lines + 1)]
    said = errors_of(plan, bundle)
    assert len(said) == (1 if words else 0)
    assert all(each in said[0] for each in words)


@pytest.mark.parametrize(("diagnoses", "rejected"), [(10, False), (11, True)])
def test_a_request_has_one_primary_and_nine_other_diagnoses(plan: Journey, diagnoses: int, rejected: bool) -> None:
    """PF-7."""
    said = errors_of(plan, a_request(diagnoses=[f"M54.{number}" for number in range(diagnoses)]))
    assert ["at most 9 further diagnoses" in each for each in said] == [True] * rejected


def test_a_grouper_is_not_authorized(plan: Journey) -> None:
    """PF-8: the reason says what to ask for in its place."""
    [said] = errors_of(plan, a_request(service=[DRG, "470"]))
    assert "470 groups many services" in said
    assert "Ask for the specific services" in said


def of_use(plan: Journey, use: str) -> tuple[int, Json]:
    """The answer to a Claim of another use."""
    bundle = a_request()
    bundle["entry"][0]["resource"]["use"] = use
    return plan.post("/fhir/Claim/$submit", bundle)


@pytest.mark.parametrize("use", ["claim", "predetermination"])
def test_claims_are_not_paid_here(plan: Journey, use: str) -> None:
    """PF-9: another use is refused, at the place of the use, and nothing is filed."""
    status, refused = of_use(plan, use)
    assert (status, refused["resourceType"]) == (REFUSED, "OperationOutcome")
    assert [each["expression"] for each in refused["issue"]] == [["Bundle.entry[0].resource.use"]]
    assert plan.payer.authorizations.counts().authorizations == 0


def test_a_refused_claim_says_who_handles_it(plan: Journey) -> None:
    """PF-9: the words lead to claims payment, not to asking for authorization of what is to be paid."""
    [issue] = of_use(plan, "claim")[1]["issue"]
    assert "payment" in issue["diagnostics"]
    assert 'Write "preauthorization"' not in issue["diagnostics"]


@pytest.mark.parametrize(
    ("name", "code", "authorization", "recommended", "guideline"),
    [
        ("commercial", "97110", "needed", "12 visits", "Therapy 2, adults"),
        ("medicaid", "97110", "needed", "48 units", "Therapy 2, adults"),
        ("commercial", "98940", "needed", "12 visits", "Therapy 5, chiropractic"),
        ("medicare-advantage", "98940", "needed", "12 visits", "chapter 15, section 240"),
        ("commercial", "72148", "needed", "1 unit", "Imaging 1, lumbar spine"),
    ],
)
def test_what_needs_authorization_is_looked_up_before_asking(
    plan: Journey, name: str, code: str, authorization: str, recommended: str, guideline: str
) -> None:
    """PF-12, PF-14: for a plan, with the guideline and the recommended number."""
    status, looked_up = plan.get(f"/api/requirements?plan={name}&code={code}", NURSE_TOKEN)
    assert status == 200
    [found] = [each for each in looked_up["requirements"] if "pediatric" not in each.get("topic", "")]
    assert (found["authorization"], found["recommended"]) == (authorization, recommended)
    assert found["guideline"]["page"] == guideline


def test_an_asked_for_document_comes_afterwards_by_an_update(plan: Journey) -> None:
    """PF-17: exactly it is asked for; with it the line is decided."""
    first = a_request(KNEE, documents=[])
    answered = plan.submit(first)
    updated = plan.submit(supported(an_update(first, "with-films"), a_document("18748-4", "2026-11-01")))

    assert asked_for(answered) == ["18748-4"]
    assert [line.status for line in answered_lines(updated)] == ["approved"]
    assert asked_for(updated) == []


def test_the_clock_of_a_delegated_line_is_watched(plan: Journey) -> None:
    """PF-18: it is due like any other, and late when nobody decides."""
    answered = plan.submit(a_request("An inpatient surgery without a risk factor is reviewed, outpatient is proposed"))
    status, listed = plan.get("/api/worklist?waits-for=review%20by%20a%20delegate", NURSE_TOKEN)
    assert status == 200
    assert [each["lines"][0]["delegate"] for each in listed["waiting"]] == ["Surgery Review Company (demo)"]
    assert record_of(plan, answered)["clock"]["state"] == "running"
    plan.clock.move(days=7, seconds=1)
    assert record_of(plan, answered)["clock"]["state"] == "breached"


def test_the_same_service_is_not_authorized_twice(plan: Journey) -> None:
    """PF-19, PF-20: a duplicate is denied with its reason; other days are not."""
    says = "A warning sign is a reason for imaging"
    plan.submit(a_request(says))
    duplicate, later = plan.submit(a_request(says)), plan.submit(a_request(says, **{"from": "2027-03-01"}))

    assert [line.status for line in answered_lines(duplicate) + answered_lines(later)] == ["denied", "approved"]
    assert line_of(plan, duplicate)["reasons"][0]["code"]["code"] == "05"
    assert "already have an approval for this imaging" in answered_lines(duplicate)[0].reason


def test_a_clinician_denies_with_code_criterion_and_words(plan: Journey) -> None:
    """PF-19, PF-20: what is not met is denied by a person only."""
    answered = plan.submit(a_request(answers={"skilled": False}))
    why = {"reason": "0F", "criterion": "medically-necessary", "words": "You can do these exercises at home."}
    record = decided(plan, answered, decision="deny", **why)

    [line] = record["lines"]
    assert (line["status"], line["decidedByAPerson"]) == ("denied", True)
    [reason] = line["reasons"]
    assert (reason["code"]["code"], reason["criterion"], reason["words"]) == tuple(why.values())
    assert why["words"] in json.dumps(plan.get(f"/fhir/ClaimResponse/{record['id']}")[1])


def test_a_clinician_authorizes_less_in_another_place(plan: Journey) -> None:
    """PF-21: fewer units, other dates, another place, with what was authorized instead."""
    answered = plan.submit(a_request(answers={"skilled": False}))
    why = {"reason": "0F", "criterion": "medically-necessary", "words": "Six visits teach you the exercises."}
    given = {"units": 6, "start": "2026-12-01", "end": "2026-12-31", "place": "12"}
    [line] = decided(plan, answered, decision="modify", **given, **why)["lines"]
    [added] = plan.get(f"/fhir/ClaimResponse/{response_of(answered)['id']}")[1]["addItem"]

    assert authorized(line) == {
        "quantity": 6,
        "unit": "visit",
        "start": "2026-12-01",
        "end": "2026-12-31",
        "place": "12",
    }
    assert added["quantity"]["value"] == 6
    assert added["servicedPeriod"] == {"start": "2026-12-01", "end": "2026-12-31"}
    assert added["locationCodeableConcept"]["coding"][0]["code"] == "12"


@pytest.mark.parametrize(
    ("name", "priority", "hours"),
    [("commercial", "normal", 168), ("commercial", "stat", 72), ("medicaid", "normal", 120), ("medicaid", "stat", 48)],
)
def test_a_request_is_due_by_its_plan_and_priority(plan: Journey, name: str, priority: str, hours: int) -> None:
    """PF-22: 7 days or 72 hours, where the plan says nothing else; one extension to 14 days in all."""
    bundle = a_request(plan=name, answers={"skilled": False})
    bundle["entry"][0]["resource"]["priority"]["coding"][0]["code"] = priority
    record = record_of(plan, plan.submit(bundle))
    plan.clock.move(hours=24)
    extended = call(plan, f"/api/authorizations/{record['id']}/extension", version=1, reason="A report comes later.")

    assert record["clock"]["remaining"] == timedelta(hours=hours).total_seconds()
    assert extended["clock"]["remaining"] == timedelta(days=13).total_seconds()
    again = {"version": 2, "reason": "Still later."}
    assert plan.post(f"/api/authorizations/{record['id']}/extension", again, NURSE_TOKEN, **JSON)[0] == 409


@pytest.mark.parametrize(("name", "state"), [("commercial", "running"), ("medicaid", "paused")])
def test_the_clock_pauses_for_information_only_where_the_plan_says_so(plan: Journey, name: str, state: str) -> None:
    """PF-22."""
    answered = plan.submit(a_request(plan=name, answers={"score": None}))
    plan.clock.move(hours=24)
    clock = record_of(plan, answered)["clock"]
    assert (clock["state"], clock["paused"]) == (state, 86_400 if state == "paused" else 0)


@pytest.mark.parametrize(
    ("days", "status"),
    [
        (7, "approved"),
        (8, "pended"),
        (42, "pended"),
    ],
)
def test_more_visits_are_asked_for_from_seven_days_before(plan: Journey, days: int, status: str) -> None:
    """PF-25: not sooner, also across the new year."""
    first = plan.submit(a_request())
    more = plan.submit(a_request(**{"from": (date(2026, 11, 23) + timedelta(days=days)).isoformat()}))
    results = {each["criterion"]: each["result"] for each in traced(plan, more)["criteria"]}

    assert [line.status for line in answered_lines(first) + answered_lines(more)] == ["approved", status]
    assert results["not-too-early"] == ("met" if status == "approved" else "not met")


def test_the_first_visits_may_be_asked_for_at_any_time(plan: Journey) -> None:
    """PF-25: the seven days are for more visits."""
    assert [line.status for line in answered_lines(plan.submit(a_request(**{"from": "2026-12-24"})))] == ["approved"]


def test_dates_are_extended_once_for_up_to_thirty_days(plan: Journey) -> None:
    """PF-26: 30 days from the last authorized one, and never again."""
    first = a_request()
    answered = plan.submit(first)
    last = date.fromisoformat(line_of(plan, answered)["authorized"]["period"]["end"])
    for name, day, end, words in (
        ("too-long", last + timedelta(days=31), last, "at most 30 days"),
        ("once", last + timedelta(days=30), last + timedelta(days=30), ""),
        ("twice", last + timedelta(days=31), last + timedelta(days=30), "extended once"),
    ):
        extension = plan.submit(until(certification(an_update(first, name), "4"), day))
        line, [told] = line_of(plan, extension), answered_lines(extension)
        assert (line["status"], line["authorized"]["period"]["end"]) == ("approved", end.isoformat()), name
        assert words in told.reason
        assert told.number == number_of(answered)


def test_an_authorization_that_has_expired_is_not_extended(plan: Journey) -> None:
    """PF-26: it is asked for on the last day, not after it."""
    first = a_request()
    answered = plan.submit(first)
    last = date.fromisoformat(line_of(plan, answered)["authorized"]["period"]["end"])
    plan.clock.now = datetime(last.year, last.month, last.day, 15, tzinfo=UTC) + timedelta(days=1)
    late = plan.submit(until(certification(an_update(first, "late"), "4"), last + timedelta(days=10)))

    assert line_of(plan, late)["authorized"]["period"]["end"] == last.isoformat()
    assert "before the authorization ends" in answered_lines(late)[0].reason


@pytest.mark.parametrize(
    ("reason", "status", "waits_for"),
    [
        (None, "pended", "missing information"),
        ("specialized", "approved", None),
        ("concurrent", "approved", None),
        ("changed", "approved", None),
        ("convenience", "pended", "clinical review"),
    ],
)
def test_a_second_provider_of_the_specialty_needs_a_reason(
    plan: Journey, reason: str | None, status: str, waits_for: str | None
) -> None:
    """PF-27: specialized or concurrent care; the member may also change provider, without a discharge."""
    plan.submit(a_request())
    second = plan.submit(by_another(a_request(answers={"second-provider": reason}), "1999999968"))
    line = line_of(plan, second)

    assert (line["status"], line["waitsFor"]) == (status, waits_for)
    assert line["questions"] == ([] if reason else ["second-provider"])


def test_the_same_provider_needs_no_reason(plan: Journey) -> None:
    """PF-27: other conditions of the period are treated under the same specialty."""
    plan.submit(a_request())
    second = plan.submit(a_request(diagnoses=["M17.11"]))
    assert [line.status for line in answered_lines(second)] == ["approved"]


def shown() -> dict[str, int]:
    """How many journeys show each plan function: cases by `shows`, tests by the ids that begin their docstrings."""
    named = [name for case in SUBMITTED for name in case["shows"]]
    for name, test in globals().items():
        if name.startswith("test_") and test.__doc__:
            named += re.findall(r"PF-\d+", test.__doc__.partition(":")[0])
    return {name: named.count(name) for name in named}


def test_every_plan_function_has_a_journey_or_a_reason() -> None:
    wanted = {f"PF-{number}" for number in range(1, 31)}
    assert shown().keys() | NOT_SHOWN.keys() == wanted
    assert shown().keys().isdisjoint(NOT_SHOWN)
    assert shown().keys() >= PARTLY_SHOWN.keys()
    assert all((NOT_SHOWN | PARTLY_SHOWN).values())
