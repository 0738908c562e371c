"""Forms are handed out with all they need: by name, by order, and by the context of a request that waits."""

from __future__ import annotations

import copy
import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pytest

from conformance.samples import fresh_sample
from profiles import issues_in
from questionnaires.artifacts import CQF_LIBRARY
from questionnaires.content import Content, load_content
from server.authorization.decision import Decision, Verdict
from server.authorization.policy import Topic
from server.authorization.systems import CPT, HCPCS, RXNORM, SNOMED
from server.operations.line_decision import decide_lines
from server.payer import Caller, Staff
from tests.journeys.conftest import SOUTH_TOKEN, Journey, response_of

Json = dict[str, Any]

NORTH = Caller("north-portal", "north-clinic")
BASES = {"2.2.0": "/fhir", "2.0.1": "/r201/fhir"}
NAMES = {"2.2.0": ("packagebundle", "outcome"), "2.0.1": ("PackageBundle", "operationOutcome")}
DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/"
TRACES = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-itemTraceNumber"
TODAY = date(2026, 11, 23)
ASKED_FOR_BY_ANSWERS = {"chiropractic", "lumbar-mri", "pap-device", "therapy-adult", "therapy-pediatric"}
"""Topics whose forms a request without answers is pended for; others certify some, or wait for documents first."""


@cache
def content() -> Content:
    """The plans, topics and forms that come with the server."""
    return load_content()


def topics_with_forms() -> list[Topic]:
    """One topic of the default plan for each form that holds."""
    plan = next(plan for plan in content().plans if plan.default)
    forms: dict[str, Topic] = {}
    for topic in content().topics_of(plan, TODAY):
        if topic.form:
            forms.setdefault(topic.form, topic)
    return list(forms.values())


def a_coverage(plan: str = "commercial", **more: Any) -> Json:
    """A coverage as an EHR has it."""
    return {
        "resourceType": "Coverage",
        "id": "coverage-1",
        "status": "active",
        "subscriberId": "SUB-0001",
        "beneficiary": {"reference": "Patient/member-1"},
        "relationship": {"coding": [{"code": "self"}]},
        "payor": [{"display": "Placet demo payer"}],
        "class": [
            {
                "type": {
                    "coding": [{"code": "plan", "system": "http://terminology.hl7.org/CodeSystem/coverage-class"}]
                },
                "value": plan,
            }
        ],
        **more,
    }


def coded(system: str, code: str) -> Json:
    """A concept with one code."""
    return {"coding": [{"system": system, "code": code}]}


PATIENT = {"reference": "Patient/member-1"}
ORDERS: dict[str, Callable[[Json], Json]] = {
    "ServiceRequest": lambda code: {"status": "draft", "intent": "order", "subject": PATIENT, "code": code},
    "DeviceRequest": lambda code: {"intent": "order", "subject": PATIENT, "codeCodeableConcept": code},
    "MedicationRequest": lambda code: {
        "status": "draft",
        "intent": "order",
        "subject": PATIENT,
        "medicationCodeableConcept": code,
    },
    "NutritionOrder": lambda code: {
        "status": "draft",
        "intent": "order",
        "patient": PATIENT,
        "dateTime": "2026-11-20",
        "enteralFormula": {"baseFormulaType": code},
    },
    "Encounter": lambda code: {"status": "planned", "class": {"code": "AMB"}, "subject": PATIENT, "type": [code]},
    "Appointment": lambda code: {
        "status": "proposed",
        "serviceType": [code],
        "participant": [{"actor": PATIENT, "status": "needs-action"}],
    },
    "CommunicationRequest": lambda code: {"status": "draft", "subject": PATIENT, "category": [code]},
    "SupplyRequest": lambda code: {"itemCodeableConcept": code, "quantity": {"value": 1}},
    "VisionPrescription": lambda code: {
        "status": "active",
        "created": "2026-11-20",
        "patient": PATIENT,
        "dateWritten": "2026-11-20",
        "prescriber": {"display": "Dr. Example"},
        "lensSpecification": [{"product": code, "eye": "right"}],
    },
}


def an_order(kind: str, system: str, code: str) -> Json:
    """An order of a type for a code."""
    return {"resourceType": kind, "id": "order-1", **ORDERS[kind](coded(system, code))}


def an_order_of(topic: Topic) -> Json:
    """An order that only this topic is about."""
    span = topic.codes[0]
    return an_order("DeviceRequest" if span.system == HCPCS else "ServiceRequest", span.system, span.first)


def asking(*orders: Json, coverages: tuple[Json, ...] | None = None, **more: str) -> Json:
    """The Parameters of a request for packages."""
    named = {"questionnaire": "valueCanonical", "context": "valueString", "changedsince": "valueInstant"}
    given = (a_coverage(),) if coverages is None else coverages
    resources = [("coverage", each) for each in given] + [("order", each) for each in orders]
    return {
        "resourceType": "Parameters",
        "parameter": [
            *({"name": name, "resource": each} for name, each in resources),
            *({"name": name, named[name]: value} for name, value in more.items()),
        ],
    }


def handed_out(journey: Journey, body: Json, dialect: str = "2.2.0") -> Json:
    """The Parameters that a request for packages is answered with."""
    status, answer = journey.post(f"{BASES[dialect]}/Questionnaire/$questionnaire-package", body)
    assert (status, answer["resourceType"]) == (200, "Parameters"), answer
    return answer


def packages(answer: Json) -> list[Json]:
    """The package Bundles of an answer."""
    return [each["resource"] for each in answer["parameter"] if each["resource"]["resourceType"] == "Bundle"]


def said(answer: Json) -> list[tuple[str, str]]:
    """Severity and code of everything that is said besides."""
    outcomes = [each["resource"] for each in answer["parameter"] if "issue" in each["resource"]]
    return [(issue["severity"], issue["code"]) for outcome in outcomes for issue in outcome["issue"]]


def forms_in(answer: Json) -> list[str]:
    """The canonicals of the forms that were handed out."""
    firsts = [each["entry"][0]["resource"] for each in packages(answer)]
    return [f"{each['url']}|{each['version']}" for each in firsts]


def draft_in(package: Json) -> Json:
    """The draft answers of a package."""
    draft: Json = package["entry"][1]["resource"]
    assert draft["resourceType"] == "QuestionnaireResponse"
    return draft


def born_for(topic: Topic) -> str:
    """The birth date of a member that the topic is for."""
    _youngest, oldest = topic.ages
    return "1961-04-12" if oldest is None else "2020-04-12"


def with_patient(body: Json, topic: Topic) -> Json:
    """The request with a member that the topic is for."""
    patient = {"resourceType": "Patient", "id": "member-1", "birthDate": born_for(topic)}
    body["parameter"].append({"name": "referenced", "resource": patient})
    return body


def a_pended_request(journey: Journey, topic: Topic) -> tuple[str, str]:
    """A request for the topic, filed without answers; id and trace number of the line that waits for them."""
    bundle = fresh_sample("approved-consultation")
    claim = bundle["entry"][0]["resource"]
    span = topic.codes[0]
    item = copy.deepcopy(claim["item"][0])
    item["productOrService"] = coded(span.system, span.first)
    item["category"] = coded("https://codesystem.x12.org/005010/1365", "1")
    claim["item"] = [item]
    patient = next(each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == "Patient")
    patient["birthDate"] = born_for(topic)
    answer = journey.submit(bundle)
    [line] = response_of(answer)["item"]
    [trace] = [each["valueIdentifier"]["value"] for each in line["extension"] if each["url"] == TRACES]
    return response_of(answer)["id"], trace


@pytest.mark.parametrize("dialect", list(BASES))
@pytest.mark.parametrize("topic", topics_with_forms(), ids=lambda topic: topic.name)
def test_every_form_is_handed_out_by_name_by_order_and_by_context(journey: Journey, topic: Topic, dialect: str) -> None:
    """Each package keeps the profiles of its guide; first the form, then its draft, then what it depends on."""
    by_name = asking(an_order_of(topic), questionnaire=topic.form)
    by_order = with_patient(asking(an_order_of(topic)), topic)
    id, trace = a_pended_request(journey, topic)
    authorization = journey.payer.authorizations.get(NORTH, id)
    assert authorization is not None
    waits = bool(authorization.lines[0].determination.unanswered)
    assert waits or topic.name not in ASKED_FOR_BY_ANSWERS
    by_context = [asking(coverages=(), context=trace)] if waits else []
    for body in (by_name, by_order, *by_context):
        answer = handed_out(journey, body, dialect)
        assert [issue for issue in issues_in(answer, version=dialect) if issue.refuses] == []
        assert forms_in(answer) == [topic.form]
        assert {each["name"] for each in answer["parameter"]} <= set(NAMES[dialect])
        [package] = packages(answer)
        assert package["meta"]["profile"] == [f"{DTR}DTR-QPackageBundle|{dialect}"]
        kinds = [entry["resource"]["resourceType"] for entry in package["entry"]]
        rank = {"Questionnaire": 0, "QuestionnaireResponse": 1, "Library": 2, "ValueSet": 3}
        assert kinds == sorted(kinds, key=rank.__getitem__)
        assert kinds.count("Questionnaire") == kinds.count("QuestionnaireResponse") == 1
        assert all(entry["fullUrl"].startswith(("http://localhost", "urn:uuid:")) for entry in package["entry"])


def objects_in(node: Any) -> Iterator[Json]:
    """Every object, at any depth."""
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from objects_in(each)


def canonicals_in(resources: list[Json]) -> Iterator[str]:
    """Everything that forms and libraries name."""
    for node in objects_in(resources):
        if node.get("url") == CQF_LIBRARY:
            yield node["valueCanonical"]
        if node.get("type") == "depends-on":
            yield node["resource"]
        if "answerValueSet" in node:
            yield node["answerValueSet"]


@pytest.mark.parametrize("dialect", list(BASES))
@pytest.mark.parametrize("topic", topics_with_forms(), ids=lambda topic: topic.name)
def test_a_package_has_all_it_names_once_and_by_version(journey: Journey, topic: Topic, dialect: str) -> None:
    """Libraries bring CQL and ELM; only 2.0.1 names the libraries of a form without version (see the README)."""
    [package] = packages(handed_out(journey, asking(questionnaire=topic.form), dialect))
    resources = [entry["resource"] for entry in package["entry"]]
    libraries = [each for each in resources if each["resourceType"] == "Library"]
    there = [
        f"{each['url']}|{each['version']}" for each in resources if each["resourceType"] in ("Library", "ValueSet")
    ]
    assert len(there) == len(set(there))
    named = set(canonicals_in(resources))
    plain = {each.partition("|")[0] for each in there}
    assert {each for each in named if "|" in each} <= set(there)
    assert {each for each in named if "|" not in each} <= (plain if dialect == "2.0.1" else set())
    for library in libraries:
        texts = {each["contentType"]: b64decode(each["data"]).decode() for each in library["content"]}
        assert list(texts) == ["text/cql", "application/elm+json"]
        assert json.loads(texts["application/elm+json"])["library"]["identifier"]["id"] == library["name"]


@pytest.mark.parametrize("dialect", list(BASES))
def test_every_cql_expression_brings_its_elm(journey: Journey, dialect: str) -> None:
    """ELM stands beside CQL in the extension of the dialect (DTR spec-96)."""
    [package] = packages(handed_out(journey, asking(questionnaire="urn:placet:form:home-oxygen"), dialect))
    found = [each for each in objects_in(package["entry"][0]["resource"]) if each.get("language") == "text/cql"]
    assert len(found) > 3
    url = (
        DTR + "alternativeExpression"
        if dialect == "2.2.0"
        else "http://hl7.org/fhir/us/ecr/StructureDefinition/us-ph-alternative-expression-extension"
    )
    for each in found:
        [elm] = [extension["valueExpression"] for extension in each["extension"] if extension["url"] == url]
        assert elm["language"] == "application/elm+json"
        said_by_elm = json.loads(elm["expression"])
        assert each["expression"] == f'"{said_by_elm["libraryName"]}"."{said_by_elm["name"]}"'


@pytest.mark.parametrize("dialect", list(BASES))
def test_small_value_sets_are_expanded_and_large_ones_only_under_2_0_1(journey: Journey, dialect: str) -> None:
    """From 40 codes on a client of 2.2.0 asks for what it needs by $expand (DTR oper-15, spec-163)."""
    [package] = packages(handed_out(journey, asking(questionnaire="urn:placet:form:home-oxygen"), dialect))
    sets = [entry["resource"] for entry in package["entry"] if entry["resource"]["resourceType"] == "ValueSet"]
    sizes = {each.canonical: len(each.codes or ()) for form in content().forms for each in form.sets}
    large = {name for name, size in sizes.items() if size >= 45}
    assert {f"{each['url']}|{each['version']}" for each in sets} & large
    for each in sets:
        is_large = f"{each['url']}|{each['version']}" in large
        assert ("expansion" in each) is (dialect == "2.0.1" or not is_large)
        assert ("compose" in each) is ("expansion" not in each)
        if "expansion" in each:
            assert each["expansion"]["timestamp"] == "2026-11-23T15:00:00.000Z"
            assert each["expansion"]["total"] == len(each["expansion"]["contains"])


@pytest.mark.parametrize("dialect", list(BASES))
@pytest.mark.parametrize("kind", list(ORDERS))
def test_every_type_of_order_is_understood(journey: Journey, kind: str, dialect: str) -> None:
    """Its code decides, whichever type it has; some types cannot be named as context of answers."""
    answer = handed_out(journey, asking(an_order(kind, CPT, "98940")), dialect)
    assert forms_in(answer) == [content().forms.get("urn:placet:form:chiropractic").canonical]
    named = kind not in ("CommunicationRequest", "SupplyRequest", "VisionPrescription")
    contexts = [each["valueReference"]["reference"] for each in extensions(draft_in(packages(answer)[0]), "qr-context")]
    assert (f"{kind}/order-1" in contexts) is named
    assert (("information", "informational") in said(answer)) is not named
    assert [issue for issue in issues_in(answer, version=dialect) if issue.refuses] == []


def extensions(resource: Json, name: str) -> list[Json]:
    """The DTR extensions of a resource with this name."""
    return [each for each in resource["extension"] if each["url"] == DTR + name]


def test_codes_of_other_systems_count_where_a_topic_lists_them(journey: Journey) -> None:
    """SNOMED CT and RxNorm like any other; a code that no topic lists asks for nothing."""
    plan = next(plan for plan in content().plans if plan.default)
    named = [t for t in content().topics_of(plan, TODAY) if any(s.system in (SNOMED, RXNORM) for s in t.codes)]
    for topic in named:
        span = next(span for span in topic.codes if span.system in (SNOMED, RXNORM))
        answer = handed_out(journey, asking(an_order("ServiceRequest", span.system, span.first)))
        assert forms_in(answer) == ([topic.form] if topic.form else [])
    answer = handed_out(journey, asking(an_order("MedicationRequest", RXNORM, "0")))
    assert said(answer) == [("information", "not-found"), ("information", "informational")]


@pytest.mark.parametrize("dialect", list(BASES))
def test_the_draft_refers_to_what_the_client_has(journey: Journey, dialect: str) -> None:
    """Coverage, member and order are the client's own references, and it says that it is for an authorization."""
    [package] = packages(handed_out(journey, asking(an_order("ServiceRequest", CPT, "98940")), dialect))
    draft = draft_in(package)
    form = package["entry"][0]["resource"]
    assert draft["status"] == "in-progress"
    assert draft["subject"] == {"reference": "Patient/member-1"}
    assert draft["questionnaire"] == f"{form['url']}|{form['version']}"
    assert draft["authored"] == "2026-11-23T15:00:00.000Z"
    references = {
        name: [each["valueReference"]["reference"] for each in extensions(draft, name)]
        for name in ("qr-coverage", "qr-context")
    }
    if dialect == "2.2.0":
        assert references == {"qr-coverage": ["Coverage/coverage-1"], "qr-context": ["ServiceRequest/order-1"]}
    else:
        assert references == {"qr-coverage": [], "qr-context": ["Coverage/coverage-1", "ServiceRequest/order-1"]}
    [use] = extensions(draft, "intendedUse")
    assert use["valueCodeableConcept"]["coding"][0]["code"] == "withpa"
    assert package["entry"][1]["fullUrl"] == f"urn:uuid:{draft['id']}"


@pytest.mark.parametrize("dialect", list(BASES))
def test_a_coverage_without_any_name_still_gives_a_right_draft(journey: Journey, dialect: str) -> None:
    """Elements that R4 does not demand may be missing (DTR conf-12); the draft says whose it is in words."""
    coverage = a_coverage(beneficiary={"reference": "#member"}, contained=[{"resourceType": "Patient", "id": "member"}])
    del coverage["id"]
    order = an_order("ServiceRequest", CPT, "98940")
    for each in (order, {name: value for name, value in order.items() if name != "id"}):
        answer = handed_out(journey, asking(each, coverages=(coverage,)), dialect)
        draft = draft_in(packages(answer)[0])
        assert draft["subject"] == {"type": "Patient", "display": "The member of the coverage"}
        assert [issue for issue in issues_in(answer, version=dialect) if issue.refuses] == []


def test_an_adaptive_form_comes_without_items_and_says_where_to_ask(journey: Journey) -> None:
    """Its draft contains the form that the server will fill with questions (DTR spec-23 to 25)."""
    for dialect, base in BASES.items():
        answer = handed_out(journey, asking(questionnaire="urn:placet:form:pap-device"), dialect)
        [package] = packages(answer)
        form, draft = package["entry"][0]["resource"], draft_in(package)
        assert "item" not in form
        assert "item" not in draft
        assert form["meta"]["profile"] == [f"{DTR}dtr-questionnaire-adapt-search|{dialect}"]
        [contained] = draft["contained"]
        assert draft["questionnaire"] == f"#{contained['id']}"
        assert contained["derivedFrom"] == [f"{form['url']}|{form['version']}"]
        assert contained["meta"]["profile"] == [f"{DTR}dtr-questionnaire-adapt|{dialect}"]
        assert ("url" in contained) is (dialect == "2.2.0")
        for each in (form, contained):
            [url] = [one["valueUrl"] for one in each["extension"] if one["url"].endswith("-questionnaireAdaptive")]
            assert url == f"http://localhost{base}"


def test_the_age_of_the_member_decides_where_it_is_known(journey: Journey) -> None:
    """Children have another form than adults; without an age a warning says so."""
    order = an_order("ServiceRequest", CPT, "97110")
    born = {"name": "referenced", "resource": {"resourceType": "Patient", "id": "member-1", "birthDate": "2020-05-05"}}
    child = asking(order)
    child["parameter"].append(born)
    [form] = forms_in(handed_out(journey, child))
    assert form.startswith("urn:placet:form:therapy-pediatric|")
    born["resource"]["birthDate"] = "1970-05-05"
    answer = handed_out(journey, child)
    assert forms_in(answer)[0].startswith("urn:placet:form:therapy-adult|")
    assert said(answer) == []
    assert said(handed_out(journey, asking(order))) == [("warning", "incomplete")]


def test_several_coverages_are_taken_by_2_0_1_only(journey: Journey) -> None:
    """2.2.0 has one coverage; 2.0.1 names them all in the draft."""
    two = (a_coverage(), a_coverage("medicaid", id="coverage-2"))
    body = asking(an_order("ServiceRequest", CPT, "98940"), coverages=two)
    [package] = packages(handed_out(journey, body, "2.0.1"))
    contexts = [each["valueReference"]["reference"] for each in extensions(draft_in(package), "qr-context")]
    assert contexts == ["Coverage/coverage-1", "Coverage/coverage-2", "ServiceRequest/order-1"]
    status, outcome = journey.post("/fhir/Questionnaire/$questionnaire-package", body)
    assert status == 400
    assert "More than one coverage" in outcome["issue"][0]["diagnostics"]


def test_unknown_parameters_and_other_names_are_ignored(journey: Journey) -> None:
    """Clients of other versions send what this one does not know."""
    body = asking(an_order("ServiceRequest", CPT, "98940"))
    practitioner = {"resourceType": "Practitioner", "id": "p1"}
    body["parameter"] += [
        {"name": "referenced", "resource": practitioner},
        {"name": "something-else", "valueString": "anything"},
    ]
    assert len(packages(handed_out(journey, body))) == 1


def test_the_operation_is_also_at_the_system_level(journey: Journey) -> None:
    """The text of the guide names it so once."""
    status, answer = journey.post("/fhir/$questionnaire-package", asking(questionnaire="urn:placet:form:chiropractic"))
    assert (status, len(packages(answer))) == (200, 1)


@pytest.mark.parametrize("dialect", list(BASES))
def test_what_is_not_there_is_a_warning_and_what_is_not_needed_an_information(journey: Journey, dialect: str) -> None:
    """HTTP 200, whether anything is left to hand out or not (DTR oper-8, oper-9)."""
    gone = handed_out(journey, asking(questionnaire="urn:placet:form:nothing|1.0.0"), dialect)
    assert (packages(gone), said(gone)) == ([], [("warning", "not-found"), ("information", "informational")])
    unknown = handed_out(journey, asking(an_order("ServiceRequest", CPT, "00000")), dialect)
    assert (packages(unknown), said(unknown)) == ([], [("information", "not-found"), ("information", "informational")])
    no_code = an_order("ServiceRequest", CPT, "98940")
    no_code["code"] = {"text": "something"}
    assert said(handed_out(journey, asking(no_code), dialect))[0] == ("warning", "code-invalid")
    [name] = {each["name"] for each in gone["parameter"]}
    assert name == NAMES[dialect][1]


BAD: dict[str, tuple[Json, list[str]]] = {
    "nothing says which forms": (asking(), ["Parameters"]),
    "no coverage": (asking(coverages=(), questionnaire="urn:placet:form:chiropractic"), ["Parameters.parameter"]),
    "a coverage that is none": (
        asking(an_order("ServiceRequest", CPT, "98940"), coverages=({"resourceType": "Patient"},)),
        ["Parameters.parameter[0]"],
    ),
    "an order that is none": (
        asking({"resourceType": "Patient"}),
        ["Parameters.parameter[1]"],
    ),
    "several problems at once": (
        {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "questionnaire"},
                {"name": "context", "valueBoolean": True},
                {"name": "changedsince", "valueString": "yesterday"},
            ],
        },
        [
            "Parameters.parameter[0]",
            "Parameters.parameter[1]",
            "Parameters.parameter[2]",
        ],
    ),
}


@pytest.mark.parametrize("dialect", list(BASES))
@pytest.mark.parametrize("case", list(BAD))
def test_what_cannot_be_read_is_refused_with_every_problem(journey: Journey, case: str, dialect: str) -> None:
    """400 with an OperationOutcome that names the places."""
    body, places = BAD[case]
    status, outcome = journey.post(f"{BASES[dialect]}/Questionnaire/$questionnaire-package", body)
    assert (status, outcome["resourceType"]) == (400, "OperationOutcome")
    named = [place for issue in outcome["issue"] for place in issue.get("expression", [])]
    assert all(any(each.startswith(place) for each in named) for place in places), outcome


def test_another_body_is_refused(journey: Journey) -> None:
    """Only Parameters are read."""
    status, outcome = journey.post("/fhir/Questionnaire/$questionnaire-package", a_coverage())
    assert (status, outcome["resourceType"]) == (400, "OperationOutcome")


def test_a_malformed_order_is_refused_where_r4_forbids_it(journey: Journey) -> None:
    """The problem stands at its place in the Parameters; what only a profile of others demands is no problem."""
    order = an_order("ServiceRequest", CPT, "98940")
    order["meta"] = {"profile": ["http://hl7.org/fhir/us/davinci-crd/StructureDefinition/profile-servicerequest"]}
    assert len(packages(handed_out(journey, asking(order)))) == 1
    del order["intent"]
    status, outcome = journey.post("/fhir/Questionnaire/$questionnaire-package", asking(order))
    assert status == 400
    assert {issue["expression"][0] for issue in outcome["issue"]} == {"Parameters.parameter[1].resource"}
    assert "intent" in outcome["issue"][0]["diagnostics"]


def test_a_context_of_nobody_or_of_others_is_unknown(journey: Journey) -> None:
    """Another organization's context looks as if it did not exist (DTR spec-110, spec-130)."""
    topic = next(each for each in topics_with_forms() if each.name == "chiropractic")
    _id, trace = a_pended_request(journey, topic)
    path = "/fhir/Questionnaire/$questionnaire-package"
    assert journey.post(path, asking(context="never-issued"))[0] == 404
    assert journey.post(path, asking(context=trace), SOUTH_TOKEN)[0] == 404
    assert journey.post(path, asking(context=trace))[0] == 200


def test_a_context_that_waits_for_no_answers_is_refused(journey: Journey) -> None:
    """An approved line asked for no form."""
    answer = journey.submit(fresh_sample("approved-consultation"))
    authorization = journey.payer.authorizations.get(NORTH, response_of(answer)["id"])
    assert authorization is not None
    trace = authorization.traces_of(authorization.lines[0])[0]
    status, outcome = journey.post("/fhir/Questionnaire/$questionnaire-package", asking(context=trace))
    assert status == 422
    assert "does not wait" in outcome["issue"][0]["diagnostics"]


def test_a_launch_by_context_leads_back_to_the_request(journey: Journey) -> None:
    """The draft names member and coverage as the client's Claim did, and carries the context."""
    topic = next(each for each in topics_with_forms() if each.name == "chiropractic")
    _id, trace = a_pended_request(journey, topic)
    [package] = packages(handed_out(journey, asking(coverages=(), context=trace)))
    draft = draft_in(package)
    assert draft["identifier"] == {"system": "urn:placet:form-context", "value": trace}
    assert draft["subject"]["reference"].startswith("Patient/")
    assert extensions(draft, "qr-coverage")[0]["valueReference"]["reference"].startswith("Coverage/")


def answers_in(items: list[Json]) -> Iterator[tuple[str, Json]]:
    """Every answer of a draft, by linkId."""
    for item in items:
        yield from ((item["linkId"], each) for each in item.get("answer", []))
        yield from answers_in(item.get("item", []))


@pytest.mark.parametrize("dialect", list(BASES))
def test_the_recommended_amount_of_the_plan_is_filled_in(journey: Journey, dialect: str) -> None:
    """Form and draft say it; the mark of the content is not sent (PF-14)."""
    form = content().forms.get("urn:placet:form:home-health")
    for plan in ("commercial", "medicare-advantage"):
        [topic] = [t for t in content().topics if t.form == form.canonical and plan in t.plans and t.holds(plan, TODAY)]
        body = asking(questionnaire=form.url, coverages=(a_coverage(plan),))
        [package] = packages(handed_out(journey, body, dialect))
        given = dict(answers_in(draft_in(package)["item"]))
        assert topic.recommended is not None
        assert given["visits"]["valueInteger"] == topic.recommended.value
        [source] = given["visits"]["extension"][0]["extension"]
        assert source["valueCode"] == ("auto-server" if dialect == "2.2.0" else "auto")
        assert "urn:placet:extension" not in json.dumps(package)


def first_request(answer: Json) -> list[bool]:
    """What the draft says about this being the first request."""
    [package] = packages(answer)
    given = answers_in(draft_in(package).get("item", []))
    return [each["valueBoolean"] for name, each in given if name == "first-request"]


def test_an_earlier_authorization_of_the_caller_says_that_it_is_not_the_first(journey: Journey) -> None:
    """Only to the organization that has it, and only for the member by an identifier of their own (DTR spec-40)."""
    sample = fresh_sample("approved-consultation")
    patient = next(each["resource"] for each in sample["entry"] if each["resource"]["resourceType"] == "Patient")
    anonymous = asking(questionnaire="urn:placet:form:chiropractic")
    identified = copy.deepcopy(anonymous)
    identified["parameter"][0]["resource"]["beneficiary"] = PATIENT | {"identifier": patient["identifier"][0]}
    assert first_request(handed_out(journey, identified)) == []
    authorize_chiropractic(journey)
    assert first_request(handed_out(journey, identified)) == [False]
    assert first_request(handed_out(journey, anonymous)) == []
    status, others = journey.post("/fhir/Questionnaire/$questionnaire-package", identified, SOUTH_TOKEN)
    assert (status, first_request(others)) == (200, [])


def authorize_chiropractic(journey: Journey) -> None:
    """The payer authorizes chiropractic for the member of the samples."""
    topic = next(each for each in topics_with_forms() if each.name == "chiropractic")
    id, _trace = a_pended_request(journey, topic)
    authorization = journey.payer.authorizations.get(NORTH, id)
    assert authorization is not None
    decide_lines(journey.payer, Staff("nurse"), authorization, None, Decision(Verdict.APPROVE, "nurse"))


@pytest.mark.parametrize("dialect", list(BASES))
def test_only_what_changed_since_is_handed_out_again(journey: Journey, dialect: str) -> None:
    """The form and everything it depends on count; nothing changed is said, not an error."""
    form = "urn:placet:form:home-oxygen"
    [package] = packages(handed_out(journey, asking(questionnaire=form), dialect))
    seen = package["entry"][0]["resource"]["meta"]["lastUpdated"]
    assert seen == "2026-11-23T15:00:00.000Z"
    journey.clock.move(days=3)
    before = handed_out(journey, asking(questionnaire=form, changedsince="2026-11-23T14:59:59Z"), dialect)
    assert len(packages(before)) == 1
    after = handed_out(journey, asking(questionnaire=form, changedsince=seen), dialect)
    assert (packages(after), said(after)) == ([], [("information", "informational")])


def test_a_form_that_is_over_is_not_chosen_for_an_order(journey: Journey) -> None:
    """A client reports it as an error (DTR spec-124); by name it is handed out with a warning."""
    over = next(form for form in content().forms if form.url == "urn:placet:form:chiropractic")
    journey.clock.now = datetime(2025, 6, 1, tzinfo=UTC)
    assert over.first is None or over.first > journey.clock.now.date()
    answer = handed_out(journey, asking(an_order("ServiceRequest", CPT, "98940")))
    assert packages(answer) == []
    named = handed_out(journey, asking(questionnaire=over.canonical))
    assert (len(packages(named)), said(named)) == (1, [("warning", "expired")])


def test_forms_of_two_orders_come_in_two_packages(journey: Journey) -> None:
    """One package for each form; each draft names its own order."""
    oxygen = next(each for each in topics_with_forms() if each.name == "home-oxygen")
    orders = (an_order("ServiceRequest", CPT, "98940"), an_order_of(oxygen) | {"id": "order-2"})
    answer = handed_out(journey, asking(*orders))
    assert len(packages(answer)) == 2
    contexts = [
        [each["valueReference"]["reference"].rpartition("/")[2] for each in extensions(draft_in(package), "qr-context")]
        for package in packages(answer)
    ]
    assert contexts == [["order-1"], ["order-2"]]
