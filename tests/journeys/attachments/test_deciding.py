"""A document that was asked for comes apart, and the line that waited is decided (PF-17, CDex 2.1, PAS ainfo)."""

from __future__ import annotations

import base64
import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
from pymongo.database import Database

from conformance.answers import answered_lines
from profiles import issues_in
from server.authorization.casework import InformationRequest
from server.authorization.decision import Decision, Verdict
from server.authorization.documentation import DocumentationRequirement
from server.authorization.request import Code
from server.authorization.systems import LOINC
from server.operations.line_decision import ask_for_information, decide_lines
from tests.journeys.attachments.attaching import (
    FILMS,
    NURSE,
    PAS,
    Json,
    asked_for,
    attached,
    control_number,
    current_answer,
    films,
    happened,
    observation,
    parameters,
    record,
    replayed,
    statuses,
    without_films,
)
from tests.journeys.conftest import Journey, response_of
from tests.journeys.plan_functions.asking import (
    KNEE,
    a_document,
    a_form,
    a_request,
    asked_by,
)
from tests.journeys.test_submit import an_update


def test_a_document_that_was_asked_for_and_attached_decides_the_line(
    journey: Journey, database: Database[Json]
) -> None:
    answer = journey.submit(without_films())
    number = record(journey, answer).numbers[0]
    assert asked_for(answer) == ["CommunicationRequest", "Task"]
    journey.clock.move(days=2)

    said = attached(journey, parameters(control_number(answer), films()))

    assert said == "1 attachment received and put on the record of the request."
    now = record(journey, answer)
    assert (now.statuses, now.numbers, now.version) == (("approved",), (number,), 2)
    assert happened(journey, answer) == ["filed", "document received", "reviewed again"]
    status, response = journey.get(f"/fhir/ClaimResponse/{now.id}")
    assert (status, "communicationRequest" in response) == (200, False)
    assert [issue for issue in issues_in(response) if issue.refuses] == []
    told = current_answer(journey, answer)
    assert (asked_for(told), answered_lines(told)[0].number) == ([], number)
    assert [issue for issue in issues_in(told, PAS + "profile-pas-response-bundle") if issue.refuses] == []
    document = database["authorization"].find_one({"_id": f"payer:{now.id}"})
    assert document is not None
    assert [(event["kind"], event["line"], event["version"]) for event in document["events"]] == [
        ("reviewed again", 1, 2)
    ]
    assert replayed(journey, answer) == []


def test_before_the_last_one_nothing_is_reviewed(journey: Journey) -> None:
    answer = journey.submit(without_films())
    tracking = control_number(answer)
    said = attached(journey, parameters(tracking, films(), final=False))
    assert "Final=true" in said
    assert (statuses(journey, answer), record(journey, answer).version) == (("pended",), 1)

    attached(journey, parameters(tracking, a_document("11506-3", "2026-11-20"), final=True))

    assert statuses(journey, answer) == ("approved",)
    assert happened(journey, answer).count("document received") == 2


def test_the_same_document_may_be_the_last_one(journey: Journey) -> None:
    answer = journey.submit(without_films())
    attached(journey, parameters(control_number(answer), films(), final=False))
    attached(journey, parameters(control_number(answer), films(), final=True))
    assert statuses(journey, answer) == ("approved",)


def test_two_at_once_both_count(journey: Journey) -> None:
    answer = journey.submit(without_films())
    documents = [films(), *(a_document("11506-3", f"2026-11-{day}") for day in (18, 19, 20))]
    for number, each in enumerate(documents):
        each["content"][0]["attachment"]["data"] = base64.b64encode(f"page {number}".encode()).decode()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: attached(journey, parameters(control_number(answer), each)), documents))

    now = record(journey, answer)
    assert (now.statuses, len(now.received)) == (("approved",), 4)
    assert happened(journey, answer).count("document received") == 4
    assert replayed(journey, answer) == []


@pytest.mark.parametrize(
    ("day", "code", "decided"),
    [("2026-11-20", FILMS, "approved"), ("2025-11-01", FILMS, "pended"), ("2026-11-20", "11506-3", "pended")],
    ids=["a fresh one of its type", "too old", "of another type"],
)
def test_a_document_counts_by_its_type_and_age(journey: Journey, day: str, code: str, decided: str) -> None:
    answer = journey.submit(without_films())
    said = attached(journey, parameters(control_number(answer), a_document(code, day)))
    assert statuses(journey, answer) == (decided,)
    assert ("Line 1 still waits for 18748-4." in said) is (decided == "pended")
    assert bool(asked_for(current_answer(journey, answer))) is (decided == "pended")


def test_the_code_of_the_attachment_says_what_the_document_is(journey: Journey) -> None:
    answer = journey.submit(without_films())
    document = a_document("34133-9", "2026-11-20")
    sent = parameters(control_number(answer), document)
    code = {"coding": [{"system": "http://loinc.org", "code": FILMS}]}
    sent["parameter"][4]["part"].append({"name": "Code", "valueCodeableConcept": code})
    attached(journey, sent)
    assert statuses(journey, answer) == ("approved",)


def test_answers_that_are_attached_answer_the_form(journey: Journey) -> None:
    asks = asked_by({"like": KNEE, "asks": {}})
    answer = journey.submit(a_request(KNEE, answers=dict.fromkeys(asks["answers"])))
    assert statuses(journey, answer) == ("pended",)
    assert asked_for(answer) == ["CommunicationRequest", "Task"]

    attached(journey, parameters(control_number(answer, "102089-0"), a_form("knee-replacement", asks["answers"])))

    assert statuses(journey, answer) == ("approved",)
    assert asked_for(current_answer(journey, answer)) == []
    assert replayed(journey, answer) == []


OTHERS: dict[str, Json] = {
    "an Observation": observation(),
    "a Bundle of a document": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": films()}]},
    "a Bundle of findings": {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": "2026-11-20T10:00:00Z",
        "entry": [{"resource": observation()}],
    },
    "a Binary": {"resourceType": "Binary", "contentType": "application/pdf", "data": "JVBERi0xLjcK"},
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_resources_are_taken_too(journey: Journey, name: str) -> None:
    answer = journey.submit(without_films())
    sent = parameters(control_number(answer), OTHERS[name])
    code = {"coding": [{"system": "http://loinc.org", "code": FILMS}]}
    sent["parameter"][4]["part"].append({"name": "Code", "valueCodeableConcept": code})
    attached(journey, sent)
    [kept] = journey.payer.attachments.of(record(journey, answer).id)  # type: ignore[union-attr]
    assert kept.document is not None
    assert FILMS in [code.code for code in kept.document.types]
    # a Binary gives no day: where a fresh document is wanted it does not serve
    assert statuses(journey, answer) == (("pended",) if name == "a Binary" else ("approved",))


def test_an_attachment_for_one_line_serves_that_line_only(journey: Journey) -> None:
    request = without_films()
    items = request["entry"][0]["resource"]["item"]
    second = copy.deepcopy(items[0]) | {"sequence": 2}
    second["locationCodeableConcept"] = items[0]["locationCodeableConcept"]
    items.append(second)
    answer = journey.submit(request)
    assert statuses(journey, answer) == ("pended", "pended")

    attached(journey, parameters(response_of(answer)["identifier"][0], films(), lines=("2",)))

    assert statuses(journey, answer) == ("pended", "approved")
    assert record(journey, answer).lines[0].reviewed == 1
    assert replayed(journey, answer) == []


def test_what_comes_after_the_decision_is_kept_for_people(journey: Journey) -> None:
    answer = journey.submit(without_films())
    denial = Decision(Verdict.DENY, "nurse", code=Code("urn:x", "0F"), words="Not needed yet.")
    decide_lines(journey.payer, NURSE, record(journey, answer), None, denial)

    attached(journey, parameters(control_number(answer), films()))

    now = record(journey, answer)
    assert (now.statuses, now.version) == (("denied",), 3)
    assert now.history[-1].what == "document received"
    assert "for people to look at" in now.history[-1].note
    assert "18748-4, text/plain, 17 bytes" in now.history[-1].note


def test_what_a_reviewer_asked_for_goes_back_to_the_reviewer(journey: Journey) -> None:
    answer = journey.submit(without_films())
    operation = DocumentationRequirement(Code(LOINC, "11504-8"), "The note of the earlier operation", fresh_days=365)
    ask_for_information(journey.payer, NURSE, record(journey, answer), 1, InformationRequest("nurse", (operation,)))
    asked = current_answer(journey, answer)
    assert asked_for(asked) == ["CommunicationRequest"] * 2 + ["Task"]

    said = attached(journey, parameters(control_number(asked, "11504-8"), a_document("11504-8", "2026-10-01")))
    assert said.endswith("Line 1 still waits for 18748-4.")
    said = attached(journey, parameters(control_number(asked), films()))

    line = record(journey, answer).lines[0].determination
    assert (line.action.status, line.waits_for, line.missing) == ("pended", "clinical review", ())
    assert asked_for(current_answer(journey, answer)) == []


def test_a_late_document_is_not_a_retrospective_request(journey: Journey) -> None:
    answer = journey.submit(without_films(**{"from": "2026-11-24"}))
    before = statuses(journey, answer)
    journey.clock.move(days=5)
    attached(journey, parameters(control_number(answer), films()))
    assert (before, statuses(journey, answer)) == (("pended",), ("approved",))


def test_an_update_after_an_attachment_still_counts_the_attachment(journey: Journey) -> None:
    request = without_films()
    answer = journey.submit(request)
    attached(journey, parameters(control_number(answer), films()))
    update = an_update(request, "update-1")
    update["entry"][0]["resource"]["item"][0]["quantity"]["value"] = 2

    journey.submit(update)

    assert record(journey, answer).lines[0].determination.missing == ()
    assert replayed(journey, answer) == []
