"""Every answer conforms and is closed; over realistic requests every must-support element occurs (PAS conf-4 to 6)."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from conformance.samples import fresh_sample, sample_names
from profiles import issues_in
from server.authorization.decision import Decision, Verdict
from server.authorization.request import Code
from server.authorization.systems import DECISION_REASONS
from server.operations.line_decision import decide_lines
from server.payer import Staff
from tests.journeys.conftest import IG, Journey, response_of
from tests.journeys.test_inquire import an_inquiry, resource_in, returned
from tests.journeys.test_submit import OFFICIAL, PAS, an_update, official_requests, references_in, withdraw
from tests.mappers.elements import elements_at

Json = dict[str, Any]

NURSE = Staff("nurse")
DENIAL = Code(DECISION_REASONS, "0F")
WANTED = json.loads((Path(__file__).parent / "must-support.json").read_text("utf-8"))
FORGOTTEN = {
    ("itemAuthorizedProvider", "ClaimResponse.extension"),
    ("communicatedDiagnosis", "ClaimResponse.item.extension"),
    ("productOrServiceCodeEnd", "ClaimResponse.item.extension.extension"),
    ("productOrServiceCodeEnd", "ClaimResponse.addItem.extension"),
    ("serviceItemRequestType", "ClaimResponse.addItem.extension"),
    ("certificationType", "ClaimResponse.addItem.extension"),
    ("revenueUnitRateLimit", "ClaimResponse.addItem.extension"),
    ("reviewActionCode", "ClaimResponse.adjudication.extension.extension"),
}
"""Where the guide asks for an extension that its own context does not let stand there; validators may know it."""


def assert_conforms(answer: Json, profile: str = "profile-pas-response-bundle") -> Json:
    """No error in the answer; where it strays from a context, the guide forgot it; every reference is resolved."""
    issues = issues_in(answer, PAS + profile)
    assert not [issue for issue in issues if issue.severity == "error"]
    for issue in issues:
        if issue.verdict == "guide-defect":
            plain = "".join(part.partition("]")[2] for part in f"]{issue.expression}".split("["))
            path = "ClaimResponse" + plain.removeprefix("Bundle.entry.resource")
            assert (issue.rule.split()[1].removeprefix("extension-"), path) in FORGOTTEN, issue
    assert_closed(answer)
    return answer


def assert_closed(answer: Json) -> None:
    """Every reference of an entry, but the Claim's, is the fullUrl of exactly one entry, and leads in no circle."""
    urls = [entry["fullUrl"] for entry in answer["entry"]]
    leads = {
        entry["fullUrl"]: references_in(entry["resource"])
        for entry in answer["entry"]
        if entry["resource"]["resourceType"] != "Claim"
    }
    for targets in leads.values():
        for target in targets:
            assert urls.count(target) == 1, target
    assert all(each not in reachable(leads, each) for each in leads)


def reachable(leads: dict[str, list[str]], start: str) -> set[str]:
    """Everything that an entry refers to, near or far."""
    seen: set[str] = set()
    waiting = list(leads.get(start, []))
    while waiting:
        target = waiting.pop()
        if target not in seen:
            seen.add(target)
            waiting += leads.get(target, [])
    return seen


@pytest.mark.parametrize("name", sample_names())
def test_the_answer_to_a_sample_conforms(journey: Journey, name: str) -> None:
    assert_conforms(journey.submit(fresh_sample(name)))


@pytest.mark.parametrize("name", sample_names())
def test_a_dry_run_conforms(journey: Journey, name: str) -> None:
    status, answer = journey.post("/fhir/Claim/$submit?dry-run=true", fresh_sample(name))
    assert status == 200
    assert_conforms(answer)


@pytest.mark.skipif(not (IG / OFFICIAL).exists(), reason="the official PAS package is not beside the repository")
def test_the_answers_to_official_requests_conform(journey: Journey) -> None:
    found = official_requests()
    assert len(found) >= 5
    for _, raw in found:
        assert_conforms(journey.submit(raw))


@pytest.mark.parametrize("name", sample_names())
def test_updates_conform_and_are_referred_to_with_a_reason_beside_it(journey: Journey, name: str) -> None:
    first = fresh_sample(name)
    journey.submit(first)
    second = an_update(first, "second")
    withdraw(second["entry"][0]["resource"]["item"][0])
    answer = assert_conforms(journey.submit(second))
    if "item" in response_of(answer):
        assert response_of(answer)["request"]["extension"][0]["valueCode"] == "not-permitted"
        assert response_of(answer)["request"]["reference"] == second["entry"][0]["fullUrl"]
    last = an_update(second | {"entry": [second["entry"][0], *second["entry"][2:]]}, "last")
    cancel = {"coding": [{"system": "https://codesystem.x12.org/005010/1322", "code": "3"}]}
    extension = {"url": PAS + "extension-certificationType", "valueCodeableConcept": cancel}
    last["entry"][0]["resource"]["extension"] = [extension]
    assert_conforms(journey.submit(last))


def too_many_lines() -> Json:
    """A request that is rejected (PF-6)."""
    request = fresh_sample("approved-consultation")
    claim = request["entry"][0]["resource"]
    claim["item"] = [{**copy.deepcopy(claim["item"][0]), "sequence": number} for number in range(1, 12)]
    return request


def test_a_business_error_says_what_to_do_and_which_note_explains_it(journey: Journey) -> None:
    response = response_of(assert_conforms(journey.submit(too_many_lines())))
    [error] = response["error"]
    [element] = [each for each in error["extension"] if each["url"].endswith("errorElement")]
    notes = {each["number"]: each["text"] for each in response["processNote"]}
    assert notes[element["extension"][0]["valuePositiveInt"]] == error["code"]["text"]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_decision_conforms_and_says_that_a_person_made_it(journey: Journey, verdict: Verdict) -> None:
    raw = json.dumps(fresh_sample("pended-facility-stay")).encode()
    decide(journey, response_of(journey.submit(raw))["id"], 1, verdict)
    response = response_of(assert_conforms(journey.submit(raw)))
    [reviewer] = [each for each in response["extension"] if each["url"].endswith("claimResponseReviewer")]
    assert reviewer["extension"] == [{"url": "wasHumanReviewedFlag", "valueBoolean": True}]
    assert ("addItem" in response) == (verdict is Verdict.MODIFY)


def decide(journey: Journey, id: str, line: int, verdict: Verdict) -> None:
    """A nurse decides a line."""
    authorization = journey.payer.authorizations.get(NURSE, id)
    assert authorization is not None
    units = Decimal(20) if verdict is Verdict.MODIFY else None
    decision = Decision(verdict, NURSE.name, units, DENIAL, "A nurse looked at it; your plan covers part of it.")
    decide_lines(journey.payer, NURSE, authorization, line, decision)


def facility_inquiry() -> Json:
    """An inquiry about the member of the facility stay."""
    inquiry = an_inquiry()
    for kind in ("Patient", "Coverage"):
        resource_in(inquiry, kind)["identifier"][0]["value"] = "PLX0007"
    resource_in(inquiry, "Coverage")["subscriberId"] = "PLX0007"
    resource_in(inquiry, "Patient")["birthDate"] = "2016-05-20"
    sent = [("applicationSenderCode", "ASKER"), ("applicationReceiverCode", "PLAN")]
    parts = [{"url": url, "valueString": value} for url, value in sent]
    claim = inquiry["entry"][0]["resource"]
    claim["extension"] = [{"url": PAS + "extension-TransmissionIdentifiers", "extension": parts}]
    return inquiry


@pytest.fixture
def answers(journey: Journey) -> dict[str, list[Json]]:
    """Answers of $submit and $inquire over requests as they come: all samples, an update, an error, a decision."""
    submitted = [journey.submit(fresh_sample(name)) for name in sample_names()]
    first = fresh_sample("several-lines")
    submitted += [journey.submit(first), journey.submit(an_update(first, "again")), journey.submit(too_many_lines())]
    raw = json.dumps(fresh_sample("pended-facility-stay")).encode()
    stay = journey.submit(raw)
    decide(journey, response_of(stay)["id"], 1, Verdict.MODIFY)
    submitted += [stay, journey.submit(raw)]
    rejected = too_many_lines()
    there = {entry["fullUrl"]: entry["resource"] for entry in fresh_sample("pended-facility-stay")["entry"]}
    for entry in rejected["entry"]:
        if entry["resource"]["resourceType"] in ("Patient", "Coverage"):
            entry["resource"] = there[entry["fullUrl"]]
    submitted.append(journey.submit(rejected))
    inquired = []
    for inquiry in (an_inquiry(), facility_inquiry()):
        status, parameters = journey.post("/fhir/Claim/$inquire", inquiry)
        assert status == 200
        inquired += returned(parameters)
    return {"submit": submitted, "inquire": inquired}


def absent(answers: list[Json], kind: str, paths: list[str]) -> list[str]:
    """The paths that no resource of the kind has a value at."""
    entries = [entry["resource"] for answer in answers for entry in answer["entry"]]
    resources = answers if kind == "Bundle" else [each for each in entries if each["resourceType"] == kind]
    return [path for path in paths if not any(True for each in resources for _ in elements_at(each, path))]


def test_every_must_support_element_occurs(answers: dict[str, list[Json]]) -> None:
    everything = WANTED["submit"]["ClaimResponse"]
    assert len(everything) == len(set(everything)) == 72
    told = [path for path in everything if path != "communicationRequest"]
    wanted = {
        "submit": {**WANTED["submit"], **WANTED["both"]},
        "inquire": {**WANTED["inquire"], "ClaimResponse": told, **WANTED["both"]},
    }
    missing = {
        (operation, kind): gone
        for operation, kinds in wanted.items()
        for kind, paths in kinds.items()
        if (gone := absent(answers[operation], kind, paths))
    }
    assert missing == {}


def test_an_inquiry_carries_no_communication_request(answers: dict[str, list[Json]]) -> None:
    assert absent(answers["inquire"], "ClaimResponse", ["communicationRequest"]) == ["communicationRequest"]
    for answer in answers["inquire"]:
        assert_conforms(answer, "profile-pas-inquiry-response-bundle")


def test_a_path_that_nothing_has_is_absent(answers: dict[str, list[Json]]) -> None:
    paths = ["item.extension{nothing}", "item.nothing[x]", "identifier.extension{Department}"]
    assert absent(answers["submit"], "ClaimResponse", paths) == paths


def test_what_is_asked_for_is_asked_the_same_way_again(journey: Journey) -> None:
    """Control numbers, trace numbers and fullUrls stay when the answer is written anew; a decision ends the asking."""
    raw = json.dumps(fresh_sample("pended-facility-stay")).encode()
    first = journey.submit(raw)
    decide(journey, response_of(first)["id"], 1, Verdict.APPROVE)
    second = journey.submit(raw)
    kinds = ("CommunicationRequest", "Task")
    asked = [
        [each for each in answer["entry"] if each["resource"]["resourceType"] in kinds] for answer in (first, second)
    ]
    assert response_of(first) != response_of(second)
    assert asked[0] == asked[1] != []
    decide(journey, response_of(first)["id"], 2, Verdict.APPROVE)
    third = journey.submit(raw)
    assert not [each for each in third["entry"] if each["resource"]["resourceType"] in kinds]
    assert "communicationRequest" not in response_of(third)


def test_the_context_of_a_form_is_the_trace_number_of_its_line(journey: Journey) -> None:
    """PAS ainfo-3; the server gives one where the submitter gave none, and it is not the authorization number."""
    answer = journey.submit(fresh_sample("pended-facility-stay"))
    tasks = [each["resource"] for each in answer["entry"] if each["resource"]["resourceType"] == "Task"]
    [task] = [each for each in tasks if each["code"]["coding"][0]["code"] == "attachment-request-questionnaire"]
    [context] = [each["valueString"] for each in task["input"] if "valueString" in each]
    line = next(each for each in response_of(answer)["item"] if each["itemSequence"] == 2)
    [trace] = [each["valueIdentifier"] for each in line["extension"] if each["url"].endswith("itemTraceNumber")]
    assert trace == {"system": "urn:placet:item-trace-number", "value": context}
    assert len(context) == 20
    other = journey.submit(fresh_sample("pended-facility-stay"))
    assert context not in json.dumps(other)
