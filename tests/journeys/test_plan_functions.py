"""What a plan's desk does (PF-1 to PF-30), shown through the door.

One message and its answer are data in `plan-functions/submitted.json`; what takes several messages is a test here.
"""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conformance.answers import answered_lines
from conformance.samples import fresh_sample
from questionnaires.content import DEMO, load_content
from questionnaires.requirements import requirements
from server.operations.catalogue import catalogue
from server.stores.authorizations import MongoAuthorizations
from server.web.access import access_for
from server.web.fhir import web_application
from tests.journeys.conftest import Journey, response_of, settings_with_two_callers

Json = dict[str, Any]

SUBMITTED: list[Json] = json.loads((Path(__file__).parent / "plan-functions" / "submitted.json").read_text())
SAYING = {each["says"]: each for each in SUBMITTED}

NOT_SHOWN = {
    "PF-11": "No channel but FHIR: nothing arrives by fax or phone, and staff cannot file a request on the record.",
}
"""Plan functions without a journey, and why."""

NURSE_TOKEN = "nurse-token-0123456789"
PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
NPI = "http://hl7.org/fhir/sid/us-npi"
X12 = "https://codesystem.x12.org/005010/"
SYSTEMS = {"cpt": "http://www.ama-assn.org/go/cpt", "service-type": X12 + "1365", "loinc": "http://loinc.org"}
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
def item_types(topic: str) -> dict[str, str]:
    """The type of every item of a topic's form."""
    form = json.loads((DEMO / topic / "questionnaire.json").read_text())
    return {item["linkId"]: item["type"] for item in form["item"]}


def answer(kind: str, value: Any) -> list[Json]:
    """The answers of an item of this type."""
    names = {"boolean": "Boolean", "date": "Date", "integer": "Integer", "decimal": "Decimal", "choice": "Coding"}
    each = value if isinstance(value, list) else [value]
    written = [{"system": "urn:placet:answer", "code": one} if kind == "choice" else one for one in each]
    return [{"value" + names.get(kind, "String"): one} for one in written]


def a_form(topic: str, answers: Json) -> Json:
    """The filled form of a topic."""
    canonical = json.loads((DEMO / topic / "questionnaire.json").read_text())
    types = item_types(topic)
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{canonical['url']}|{canonical['version']}",
        "status": "completed",
        "subject": {"reference": "https://ehr.example.org/fhir/Patient/member"},
        "authored": "2026-11-23",
        "item": [{"linkId": name, "answer": answer(types[name], value)} for name, value in answers.items()],
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
                "category": coded("http://hl7.org/fhir/us/davinci-pas/CodeSystem/PASTempCodes", "additionalInformation"),
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
