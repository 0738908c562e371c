"""Requests that show plan functions: the messages of `submitted.json`, made from what they ask for."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from conformance.samples import fresh_sample
from questionnaires.content import DEMO

Json = dict[str, Any]
SUBMITTED: list[Json] = json.loads(Path(__file__).with_name("submitted.json").read_text())
"""One message each, and what its answer is."""
SAYING = {each["says"]: each for each in SUBMITTED}
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
