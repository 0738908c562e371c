"""A provider asks by example what is on record: Claim/$inquire (PAS spec-43 to spec-53, PF-5)."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.samples import fresh_sample
from profiles import issues_in
from server.authorization.record import Authorization
from server.operations.catalogue import catalogue
from server.payer import Caller, Payer
from server.web.access import bearer_access
from server.web.fhir import web_application
from tests.journeys.conftest import NORTH_TOKEN, SOUTH_TOKEN, Journey, response_of, settings_with_two_callers

Json = dict[str, Any]

INQUIRE = "/fhir/Claim/$inquire"
PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
NPI = "http://hl7.org/fhir/sid/us-npi"
PRACTICE, PHYSICIAN = "1999999976", "1999999992"
ANY_SERVICE = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-applicable"}]
}
ITEM_EXTENSIONS = {
    "number": ("extension-authorizationNumber", "valueString"),
    "reference": ("extension-administrationReferenceNumber", "valueString"),
    "trace": ("extension-itemTraceNumber", "valueIdentifier"),
    "action": ("extension-reviewActionCode", "valueCodeableConcept"),
    "issued": ("extension-itemCertificationIssueDate", "valueDate"),
    "effective": ("extension-itemCertificationEffectiveDate", "valuePeriod"),
    "expires": ("extension-itemCertificationExpirationDate", "valuePeriod"),
}


def an_item(sequence: int = 1, service: Json = ANY_SERVICE, serviced: str = "", **extensions: Any) -> Json:
    """An example of a line."""
    given = [
        {"url": PAS + ITEM_EXTENSIONS[name][0], ITEM_EXTENSIONS[name][1]: value} for name, value in extensions.items()
    ]
    item: Json = {"sequence": sequence, "productOrService": service}
    item |= {"extension": given} if given else {}
    return item | ({"servicedDate": serviced} if serviced else {})


def code(system: str, value: str) -> Json:
    return {"coding": [{"system": system, "code": value}]}


def an_inquiry(*items: Json, npi: str = PRACTICE, **claim: Any) -> Json:
    """An inquiry about the member of the samples, by an organization with this NPI."""
    sample = fresh_sample("several-lines")
    there = {entry["fullUrl"].rpartition("/fhir/")[2]: copy.deepcopy(entry) for entry in sample["entry"]}
    there["Organization/practice"]["resource"]["identifier"] = [{"system": NPI, "value": npi}]
    asked = there[next(url for url in there if url.startswith("Claim/"))]["resource"]
    kept = (
        "resourceType",
        "status",
        "type",
        "use",
        "patient",
        "created",
        "insurer",
        "provider",
        "priority",
        "insurance",
    )
    inquiry = {name: asked[name] for name in kept} | {
        "id": "inquiry",
        "meta": {"profile": [PAS + "profile-claim-inquiry"]},
        "identifier": [{"system": "https://ehr.example.org/inquiries", "value": "I-1"}],
        **({"item": list(items)} if items else {}),
        **claim,
    }
    used = ("Organization/practice", "Organization/insurer", "Coverage/coverage", "Patient/member")
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [PAS + "profile-pas-inquiry-request-bundle"]},
        "identifier": sample["identifier"],
        "type": "collection",
        "timestamp": sample["timestamp"],
        "entry": [
            {"fullUrl": "https://ehr.example.org/fhir/Claim/inquiry", "resource": inquiry},
            *(there[each] for each in used),
        ],
    }


def resource_in(bundle: Json, kind: str, id: str = "") -> Json:
    """A resource of a Bundle."""
    found = [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == kind]
    return next(each for each in found if not id or each["id"] == id)


def ask(journey: Journey, inquiry: Json, token: str = NORTH_TOKEN) -> Json:
    """The answer to an inquiry, which every time conforms."""
    status, parameters = journey.post(INQUIRE, inquiry, token)
    assert status == 200, parameters
    assert parameters["resourceType"] == "Parameters"
    for bundle in returned(parameters):
        assert not [each for each in issues_in(bundle, PAS + "profile-pas-inquiry-response-bundle") if each.refuses]
        response = response_of(bundle)
        assert response["request"]["extension"][0]["valueCode"]
        assert not any(each["resource"]["resourceType"] == "Claim" for each in bundle["entry"])
    return parameters


def returned(parameters: Json) -> list[Json]:
    """The Bundles found."""
    return [each["resource"] for each in parameters.get("parameter", []) if each["name"] == "return"]


def found(journey: Journey, inquiry: Json, token: str = NORTH_TOKEN) -> list[str]:
    """The ids of the ClaimResponses found, in order."""
    return [response_of(bundle)["id"] for bundle in returned(ask(journey, inquiry, token))]


def warnings(parameters: Json) -> list[str]:
    """The codes of the warnings beside the results."""
    outcomes = [each["resource"] for each in parameters.get("parameter", []) if each["name"] == "outcome"]
    return [issue["code"] for outcome in outcomes for issue in outcome["issue"] if issue["severity"] == "warning"]


def number_of(answer: Json, line: int = 1) -> str:
    """The authorization number of a line of a submit answer."""
    item = next(each for each in response_of(answer)["item"] if each["itemSequence"] == line)
    parts = item["adjudication"][0]["extension"][0]["extension"]
    return next(each["valueString"] for each in parts if each["url"] == "number")


def at(bundle: Json, day: str) -> Json:
    """The request with another day of service."""
    for item in bundle["entry"][0]["resource"]["item"]:
        item["servicedDate"] = day
    return bundle


@pytest.fixture
def open_journey(journey: Journey) -> Journey:
    """An installation where NPIs are not bound to callers: member id and NPI are enough."""
    return with_payer(journey, npi_binding=False)


def with_payer(journey: Journey, npis: tuple[str, ...] = (), **changes: Any) -> Journey:
    """The same store behind another payer; the caller of the south speaks for these NPIs."""
    payer: Payer = replace(journey.payer, **changes)
    settings = settings_with_two_callers()
    north, south = settings.tokens
    spoken_for = replace(south, caller=Caller(south.caller.name, south.caller.organization, npis))
    app = web_application(
        settings, catalogue(), payer, bearer_access((north, spoken_for)), ready=payer.authorizations.ping
    )
    return Journey(payer, journey.clock, app.test_client())


def test_the_submitter_finds_what_it_filed_as_it_stands_now(journey: Journey) -> None:
    answer = journey.submit(fresh_sample("several-lines"))
    [bundle] = returned(ask(journey, an_inquiry()))
    told, submitted = response_of(bundle), response_of(answer)
    assert told["id"] == submitted["id"]
    assert [each["itemSequence"] for each in told["item"]] == [each["itemSequence"] for each in submitted["item"]]
    assert [each["adjudication"] for each in told["item"]] == [each["adjudication"] for each in submitted["item"]]
    assert told["processNote"] == submitted["processNote"]
    assert told["addItem"] == submitted["addItem"]
    assert told["meta"]["profile"] == [PAS + "profile-claiminquiryresponse"]
    assert "communicationRequest" not in told


def test_echoed_resources_keep_the_urls_of_the_request(journey: Journey) -> None:
    """PAS spec-33."""
    request = fresh_sample("several-lines")
    journey.submit(request)
    sent = {entry["fullUrl"]: entry["resource"].get("identifier") for entry in request["entry"]}
    [bundle] = returned(ask(journey, an_inquiry()))
    echoed = [each for each in bundle["entry"][1:] if each["resource"]["resourceType"] != "Task"]
    assert echoed
    for entry in echoed:
        assert sent[entry["fullUrl"]] == entry["resource"].get("identifier")


def test_the_answer_goes_back_to_who_asked(journey: Journey) -> None:
    journey.submit(fresh_sample("approved-consultation"))
    parts = [("applicationSenderCode", "ASKER"), ("applicationReceiverCode", "PLAN")]
    sent = {"url": PAS + "extension-TransmissionIdentifiers"} | {
        "extension": [{"url": url, "valueString": value} for url, value in parts]
    }
    [bundle] = returned(ask(journey, an_inquiry(extension=[sent])))
    [told] = [each for each in response_of(bundle)["extension"] if each["url"] == sent["url"]]
    assert {each["url"]: each["valueString"] for each in told["extension"]} == {
        "applicationSenderCode": "PLAN",
        "applicationReceiverCode": "ASKER",
    }


def test_another_organization_that_names_member_and_provider_sees_it(open_journey: Journey) -> None:
    """PAS spec-52, spec-53: the requester's NPI, or the rendering physician's."""
    id = response_of(open_journey.submit(fresh_sample("several-lines")))["id"]
    for npi in (PRACTICE, PHYSICIAN):
        assert found(open_journey, an_inquiry(npi=npi), SOUTH_TOKEN) == [id]


def test_another_organization_is_asked_for_nothing(open_journey: Journey) -> None:
    open_journey.submit(fresh_sample("several-lines"))
    [own], [other] = (
        returned(ask(open_journey, an_inquiry(), NORTH_TOKEN)),
        returned(ask(open_journey, an_inquiry(), SOUTH_TOKEN)),
    )
    kinds = [{each["resource"]["resourceType"] for each in bundle["entry"]} for bundle in (own, other)]
    assert "Task" in kinds[0]
    assert "Task" not in kinds[1]
    assert response_of(own)["item"] == response_of(other)["item"]


def unknown_member(inquiry: Json) -> None:
    resource_in(inquiry, "Patient")["identifier"][0]["value"] = "PLX9999"
    resource_in(inquiry, "Coverage")["subscriberId"] = "PLX9999"
    resource_in(inquiry, "Coverage")["identifier"][0]["value"] = "PLX9999"


def wrong_provider(inquiry: Json) -> None:
    resource_in(inquiry, "Organization", "practice")["identifier"][0]["value"] = "1999999968"


def other_insurer(inquiry: Json) -> None:
    resource_in(inquiry, "Organization", "insurer")["identifier"][0]["value"] = "1999999968"


@pytest.mark.parametrize("token", [NORTH_TOKEN, SOUTH_TOKEN])
@pytest.mark.parametrize("change", [unknown_member, wrong_provider, other_insurer])
def test_what_does_not_match_is_not_found_and_all_looks_the_same(
    open_journey: Journey, change: Callable[[Json], None], token: str
) -> None:
    open_journey.submit(fresh_sample("several-lines"))
    inquiry = an_inquiry()
    change(inquiry)
    assert ask(open_journey, inquiry, token) == {"resourceType": "Parameters"}


def test_bound_npis_let_others_see_only_with_an_npi_of_their_own(journey: Journey) -> None:
    """Otherwise the pair of member id and NPI is a password that many know."""
    id = response_of(journey.submit(fresh_sample("several-lines")))["id"]
    assert found(journey, an_inquiry(), NORTH_TOKEN) == [id]
    assert found(journey, an_inquiry(), SOUTH_TOKEN) == []
    known = with_payer(journey, (PHYSICIAN,))
    assert found(known, an_inquiry(npi=PHYSICIAN), SOUTH_TOKEN) == [id]
    assert found(known, an_inquiry(npi=PRACTICE), SOUTH_TOKEN) == []


def test_the_orderer_of_a_line_may_ask(open_journey: Journey) -> None:
    request = fresh_sample("several-lines")
    orderer = {"resourceType": "Practitioner", "id": "orderer", "identifier": [{"system": NPI, "value": "1999999950"}]}
    orderer |= {"meta": {"profile": [PAS + "profile-practitioner"]}, "name": [{"family": "Orderer"}]}
    request["entry"].append({"fullUrl": "https://ehr.example.org/fhir/Practitioner/orderer", "resource": orderer})
    resource_in(request, "DeviceRequest")["requester"] = {"reference": "Practitioner/orderer"}
    id = response_of(open_journey.submit(request))["id"]
    assert found(open_journey, an_inquiry(npi="1999999950"), SOUTH_TOKEN) == [id]


CHART = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}


def by_member_id_of_the_coverage(inquiry: Json) -> None:
    del resource_in(inquiry, "Coverage")["subscriberId"]


def by_subscriber_id(inquiry: Json) -> None:
    resource_in(inquiry, "Coverage")["identifier"][0]["value"] = "another"


@pytest.mark.parametrize("by", [by_member_id_of_the_coverage, by_subscriber_id])
def test_the_ids_of_the_coverage_find_the_member_but_not_the_family(
    open_journey: Journey, by: Callable[[Json], None]
) -> None:
    id = response_of(open_journey.submit(fresh_sample("several-lines")))["id"]
    inquiry = an_inquiry()
    by(inquiry)
    resource_in(inquiry, "Patient")["identifier"] = [{"type": CHART, "system": "urn:ehr:charts", "value": "1"}]
    assert found(open_journey, inquiry) == [id]
    resource_in(inquiry, "Patient")["birthDate"] = "2015-01-01"
    assert found(open_journey, inquiry) == []


def test_a_sibling_with_an_id_of_their_own_is_somebody_else(open_journey: Journey) -> None:
    open_journey.submit(fresh_sample("several-lines"))
    inquiry = an_inquiry()
    resource_in(inquiry, "Patient")["identifier"][0]["value"] = "PLX0002"
    assert found(open_journey, inquiry) == []


def without_member_id(inquiry: Json) -> None:
    resource_in(inquiry, "Patient")["identifier"] = [{"type": CHART, "system": "urn:ehr:charts", "value": "1"}]
    resource_in(inquiry, "Coverage")["identifier"][0].pop("value")
    resource_in(inquiry, "Coverage").pop("subscriberId")


def without_npi(inquiry: Json) -> None:
    tin = {"system": "urn:oid:2.16.840.1.113883.4.4", "value": "123456789"}
    resource_in(inquiry, "Organization", "practice")["identifier"] = [tin]


@pytest.mark.parametrize("change", [without_member_id, without_npi])
def test_without_member_id_or_npi_nobody_is_answered(journey: Journey, change: Callable[[Json], None]) -> None:
    inquiry = an_inquiry()
    change(inquiry)
    status, outcome = journey.post(INQUIRE, inquiry)
    assert (status, outcome["resourceType"]) == (400, "OperationOutcome")
    assert any("PAS spec-53" in json.dumps(issue) for issue in outcome["issue"])


def test_an_inquiry_without_entries_is_refused(journey: Journey) -> None:
    status, outcome = journey.post(INQUIRE, an_inquiry() | {"entry": []})
    assert (status, outcome["resourceType"]) == (400, "OperationOutcome")


HCPCS, CPT = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "http://www.ama-assn.org/go/cpt"
ACTIONS = "https://codesystem.x12.org/005010/306"
FITTING: dict[str, tuple[Json, bool]] = {
    "no code": (an_item(), True),
    "a code of a line": (an_item(service=code(HCPCS, "G0299")), True),
    "a code of an order": (an_item(service=code(HCPCS, "E1390")), True),
    "another code": (an_item(service=code(HCPCS, "G0154")), False),
    "the same code of another system": (an_item(service=code(CPT, "G0299")), False),
    "the day of service": (an_item(serviced="2026-11-16"), True),
    "another day": (an_item(serviced="2026-11-17"), False),
    "a trace number": (an_item(trace={"system": "https://ehr.example.org/lines", "value": "L-5003"}), True),
    "another trace number": (an_item(trace={"system": "https://ehr.example.org/lines", "value": "L-9"}), False),
    "an action that a line has": (an_item(action=code(ACTIONS, "A3")), True),
    "an action that no line has": (an_item(action=code(ACTIONS, "C")), False),
    "the day it was issued": (an_item(issued="2026-11-23"), True),
    "another day of issue": (an_item(issued="2026-11-22"), False),
    "in force from": (an_item(effective={"start": "2026-11-01", "end": "2026-11-30"}), True),
    "in force from another month": (an_item(effective={"start": "2026-10-01", "end": "2026-10-31"}), False),
    "expires later": (an_item(expires={"start": "2026-12-01"}), True),
    "expired before": (an_item(expires={"end": "2026-11-30"}), False),
    "two parts of one line": (an_item(service=code(HCPCS, "G0299"), action=code(ACTIONS, "A1")), True),
    "parts of two lines": (an_item(service=code(HCPCS, "G0299"), action=code(ACTIONS, "A3")), False),
    "a number nobody has": (an_item(number="2222-2222-2222-2"), False),
}


def test_an_example_fits_or_not(journey: Journey) -> None:
    id = response_of(journey.submit(fresh_sample("several-lines")))["id"]
    for name, (item, fits) in FITTING.items():
        assert found(journey, an_inquiry(item)) == ([id] if fits else []), name


def test_one_of_several_examples_is_enough(journey: Journey) -> None:
    id = response_of(journey.submit(fresh_sample("several-lines")))["id"]
    unknown, known = an_item(1, code(HCPCS, "G0154")), an_item(2, code(HCPCS, "G0299"))
    assert found(journey, an_inquiry(unknown, known)) == [id]


def test_the_days_and_diagnoses_of_the_request_narrow_it(journey: Journey) -> None:
    id = response_of(journey.submit(fresh_sample("several-lines")))["id"]
    icd = "http://hl7.org/fhir/sid/icd-10-cm"

    def diagnosed(value: str) -> list[Json]:
        return [{"sequence": 1, "diagnosisCodeableConcept": code(icd, value)}]

    assert found(journey, an_inquiry(billablePeriod={"start": "2026-11-01", "end": "2026-11-16"})) == [id]
    assert found(journey, an_inquiry(billablePeriod={"end": "2026-11-15"})) == []
    assert found(journey, an_inquiry(diagnosis=diagnosed("E11.9"))) == [id]
    assert found(journey, an_inquiry(diagnosis=diagnosed("G35"))) == []


def test_a_number_finds_its_authorization_only_however_it_is_typed(journey: Journey) -> None:
    answers = [journey.submit(fresh_sample("several-lines")) for _ in range(3)]
    wanted = answers[1]
    typed = number_of(wanted).lower().replace("-", "")
    for name in ("number", "reference"):
        assert found(journey, an_inquiry(an_item(**{name: typed}))) == [response_of(wanted)["id"]]
    for_all = [{"url": PAS + "extension-authorizationNumber", "valueString": typed}]
    assert found(journey, an_inquiry(extension=for_all)) == [response_of(wanted)["id"]]


def test_the_claim_identifier_is_not_a_key(journey: Journey) -> None:
    """Field: two servers looked for the identifier of the inquiry itself."""
    id = response_of(journey.submit(fresh_sample("several-lines")))["id"]
    same = [{"system": "https://ehr.example.org/requests", "value": "several-lines"}]
    other = [{"system": "https://ehr.example.org/requests", "value": "nobody-sent-this"}]
    assert found(journey, an_inquiry(identifier=same)) == found(journey, an_inquiry(identifier=other)) == [id]


def test_a_former_number_finds_what_replaced_it(journey: Journey) -> None:
    """PAS spec-47, spec-48: a renewal gives the number it had; without a number both are found."""
    first = journey.submit(fresh_sample("approved-consultation"))
    journey.clock.move(days=60)
    renewal = at(fresh_sample("approved-consultation"), "2027-02-01")
    [item] = renewal["entry"][0]["resource"]["item"]
    item["extension"].append({"url": PAS + "extension-authorizationNumber", "valueString": number_of(first)})
    second = journey.submit(renewal)
    ids = [response_of(each)["id"] for each in (second, first)]
    assert found(journey, an_inquiry(an_item(number=number_of(first)))) == ids[:1]
    assert found(journey, an_inquiry()) == ids


def an_update(of: Json) -> Json:
    """An update that leaves out all lines but the first, which it withdraws."""
    prior = of["entry"][0]
    claim = copy.deepcopy(prior)
    claim["fullUrl"] += "-2"
    claim["resource"] |= {"id": claim["resource"]["id"] + "-2", "meta": {"profile": [PAS + "profile-claim-update"]}}
    relationship = code("http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship", "prior")
    claim["resource"]["related"] = [{"claim": {"reference": prior["fullUrl"]}, "relationship": relationship}]
    [first, *_] = claim["resource"]["item"]
    first["modifierExtension"] = [{"url": PAS + "modifierextension-infoCancelled", "valueBoolean": True}]
    first["extension"][1]["valueCodeableConcept"]["coding"][0]["code"] = "3"
    claim["resource"]["item"] = [first]
    return of | {"identifier": of["identifier"] | {"value": "update"}, "entry": [claim, prior, *of["entry"][1:]]}


def test_every_line_on_record_is_told_also_withdrawn_ones_and_those_left_out(journey: Journey) -> None:
    """PAS spec-46."""
    request = fresh_sample("several-lines")
    number = number_of(journey.submit(request))
    journey.submit(an_update(request))
    [bundle] = returned(ask(journey, an_inquiry(an_item(number=number))))
    items = response_of(bundle)["item"]
    assert [each["itemSequence"] for each in items] == [1, 2, 3, 4, 5, 6]
    actions = [each["adjudication"][0]["extension"][0]["extension"][-1] for each in items]
    codes = [each["valueCodeableConcept"]["coding"][0]["code"] for each in actions]
    assert codes == ["C", "A1", "A4", "A3", "A6", "A4"]
    assert response_of(bundle)["addItem"][0]["productOrService"]["coding"][0]["code"] == "A4253"


def test_the_latest_days_of_service_come_first(journey: Journey) -> None:
    days = ["2026-12-03", "2026-11-30", "2026-12-24"]
    ids = {day: response_of(journey.submit(at(fresh_sample("approved-consultation"), day)))["id"] for day in days}
    assert found(journey, an_inquiry()) == [ids[day] for day in sorted(days, reverse=True)]


def test_more_than_fifty_are_paged_by_date(journey: Journey) -> None:
    for place in range(52):
        journey.submit(at(fresh_sample("approved-consultation"), f"2027-{1 + place // 28:02}-{1 + place % 28:02}"))
    first = ask(journey, an_inquiry())
    pages = [[response_of(each)["id"] for each in returned(first)]]
    assert (len(pages[0]), warnings(first)) == (50, ["incomplete"])
    [said] = [each["resource"] for each in first["parameter"] if each["name"] == "outcome"]
    assert "2027-01-03" in said["issue"][0]["diagnostics"]
    second = ask(journey, an_inquiry(billablePeriod={"end": "2027-01-03"}))
    pages.append([response_of(each)["id"] for each in returned(second)])
    assert (len(pages[1]), warnings(second)) == (3, [])
    assert len({*pages[0], *pages[1]}) == 52


def test_what_is_sensitive_is_told_to_who_orders_or_renders_it(journey: Journey) -> None:
    """PAS spec-49, spec-50: the requester's NPI alone is not enough for another organization."""

    def is_fertility(authorization: Authorization) -> bool:
        return any("not-covered" in line.determination.topic for line in authorization.lines)

    secretive = with_payer(journey, npi_binding=False, sensitive=is_fertility)
    request = fresh_sample("denied-fertility")
    del resource_in(request, "PractitionerRole")["organization"]
    sensitive = response_of(secretive.submit(request))["id"]
    plain = response_of(secretive.submit(fresh_sample("approved-consultation")))["id"]
    asked = ask(secretive, an_inquiry(npi=PRACTICE), SOUTH_TOKEN)
    assert [response_of(each)["id"] for each in returned(asked)] == [plain]
    assert warnings(asked) == ["suppressed"]
    told = ask(secretive, an_inquiry(npi=PHYSICIAN), SOUTH_TOKEN)
    assert {response_of(each)["id"] for each in returned(told)} == {sensitive, plain}
    assert warnings(told) == []
    assert {*found(secretive, an_inquiry(npi=PRACTICE), NORTH_TOKEN)} == {sensitive, plain}


def test_asking_changes_nothing(journey: Journey) -> None:
    journey.submit(fresh_sample("several-lines"))
    before = journey.payer.authorizations.counts()
    inquiry = an_inquiry()
    assert ask(journey, inquiry) == ask(journey, inquiry)
    assert journey.payer.authorizations.counts() == before
