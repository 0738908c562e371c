"""Documents that come apart from their request: asked for, attached, reviewed again (PF-17, CDex 2.1, PAS ainfo)."""

from __future__ import annotations

import base64
import copy
import json
import random
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fhir.resources.R4B.operationoutcome import OperationOutcome
from pymongo.database import Database

from conformance.answers import answered_lines
from profiles import issues_in
from server.authorization.attachment import State, Way
from server.authorization.casework import InformationRequest
from server.authorization.decision import Decision, Verdict
from server.authorization.documentation import DocumentationRequirement
from server.authorization.record import Authorization
from server.authorization.request import Code
from server.authorization.systems import LOINC
from server.cli import placet
from server.operations.authorization_replay import replay
from server.operations.line_decision import ask_for_information, decide_lines
from server.payer import Staff
from server.stores.attachments import MongoAttachments
from tests.journeys.conftest import SOUTH_TOKEN, Journey, response_of, settings_with_two_callers
from tests.journeys.plan_functions.asking import (
    KNEE,
    a_document,
    a_form,
    a_request,
    asked_by,
    for_member,
    resource,
    supported,
)
from tests.journeys.plan_functions.desk import NURSE_TOKEN
from tests.journeys.test_submit import an_update

Json = dict[str, Any]
Edit = Callable[[Json], None]

SUBMIT_ATTACHMENT = "/fhir/$submit-attachment"
PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
NPI = "http://hl7.org/fhir/sid/us-npi"
FILMS, NURSE = "18748-4", Staff("nurse")
MEMBER = "PLX0001"


def without_films(**changes: Any) -> Json:
    """A request for a knee replacement that lacks the report of the films, and nothing else."""
    return a_request(KNEE, **{"documents": [], **changes})


def control_number(answer: Json, code: str = FILMS) -> Json:
    """The identifier under which an answer asks for a document."""
    asked = [each["resource"] for each in answer["entry"] if each["resource"]["resourceType"] == "CommunicationRequest"]
    found: Json = next(each["identifier"][0] for each in asked if each["payload"][0]["contentString"] == code)
    return found


def parameters(tracking: Json, *contents: Json, final: bool | None = None, lines: tuple[str, ...] = ()) -> Json:
    """Parameters that attach resources."""
    given: list[Json] = [
        {"name": "TrackingId", "valueIdentifier": tracking},
        {"name": "AttachTo", "valueCode": "preauthorization"},
        {"name": "OrganizationId", "valueIdentifier": {"system": NPI, "value": "1999999976"}},
        {"name": "MemberId", "valueIdentifier": {"value": MEMBER}},
    ]
    numbered = [{"name": "LineItem", "valueString": each} for each in lines]
    given += [{"name": "Attachment", "part": [*numbered, {"name": "Content", "resource": each}]} for each in contents]
    given += [] if final is None else [{"name": "Final", "valueBoolean": final}]
    return {"resourceType": "Parameters", "parameter": given}


def films(day: str = "2026-11-20", words: str = "Joint space gone.") -> Json:
    """The report of the films, of a day."""
    document = a_document(FILMS, day)
    document["content"][0]["attachment"] |= {"data": base64.b64encode(words.encode()).decode()}
    return document


def attached(journey: Journey, sent: Json, status: int = 200, **more: Any) -> str:
    """Send attachments; the answer is a proper OperationOutcome: its words."""
    got, outcome = journey.post(SUBMIT_ATTACHMENT, sent, **more)
    assert got == status, outcome
    OperationOutcome.model_validate(outcome)
    assert [issue for issue in issues_in(outcome) if issue.refuses] == []
    said = json.dumps(outcome)
    assert not any(word in said for word in (MEMBER, "PLX", "Joint space", "1999999976", "ehr.example.org"))
    return " ".join(each["diagnostics"] for each in outcome["issue"])


def record(journey: Journey, answer: Json) -> Authorization:
    """What is on record now."""
    found = journey.payer.authorizations.get(NURSE, response_of(answer)["id"])
    assert found is not None
    return found


def statuses(journey: Journey, answer: Json) -> tuple[str, ...]:
    return record(journey, answer).statuses


def current_answer(journey: Journey, answer: Json) -> Json:
    """The answer as it stands now: what a notification carries."""
    written: Json = json.loads(journey.payer.authorizations.answer(NURSE, response_of(answer)["id"]) or b"")
    return written


def asked_for(answer: Json) -> list[str]:
    """The types of resources that ask for something."""
    kinds = [each["resource"]["resourceType"] for each in answer["entry"]]
    return [kind for kind in kinds if kind in ("CommunicationRequest", "Task")]


def happened(journey: Journey, answer: Json) -> list[str]:
    return [event.what for event in record(journey, answer).history]


def replayed(journey: Journey, answer: Json) -> list[str]:
    """What is different when every review is made again; the rules are those that are in force."""
    payer = replace(journey.payer, rules_kept=lambda _fingerprint: journey.payer.rules_for)
    return [each for made in replay(payer, NURSE, record(journey, answer)) for each in made.differences]


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


TRACKED = {
    "the control number": control_number,
    "the control number without its system": lambda answer: {"value": control_number(answer)["value"]},
    "the identifier of the ClaimResponse": lambda answer: response_of(answer)["identifier"][0],
    "its value": lambda answer: {"value": response_of(answer)["identifier"][0]["value"]},
    "the trace number": lambda answer: trace(answer),  # noqa: PLW0108 - defined below
    "the value of the trace number": lambda answer: {"value": trace(answer)["value"]},
}


def trace(answer: Json) -> Json:
    """The trace number of the first item."""
    url = PAS + "extension-itemTraceNumber"
    [found] = [each["valueIdentifier"] for each in response_of(answer)["item"][0]["extension"] if each["url"] == url]
    given: Json = found
    return given


@pytest.mark.parametrize("key", TRACKED)
def test_any_of_three_keys_is_a_tracking_id(journey: Journey, key: str) -> None:
    answer = journey.submit(without_films())
    attached(journey, parameters(TRACKED[key](answer), films()))
    assert statuses(journey, answer) == ("approved",)


def changed(parameter: str, value: Any) -> Edit:
    """Give a parameter another value."""

    def change(sent: Json) -> None:
        [found] = [each for each in sent["parameter"] if each["name"] == parameter]
        found[next(name for name in found if name.startswith("value"))] = value

    return change


MISMATCHES: dict[str, Edit] = {
    "another member": changed("MemberId", {"value": "PLX9999"}),
    "the same id of another system": changed("MemberId", {"system": "https://other.example/ids", "value": MEMBER}),
    "another provider": changed("OrganizationId", {"system": NPI, "value": "1234567893"}),
    "another reference number": lambda sent: sent["parameter"].append(
        {"name": "AdminRefNumber", "valueIdentifier": {"value": "BBBB-BBBB-BBBB-B"}}
    ),
    "a line that is not asked for": lambda sent: sent["parameter"][4]["part"].append(
        {"name": "LineItem", "valueString": "2"}
    ),
    "a tracking number of nobody": changed("TrackingId", {"value": "nobody"}),
    "the tracking number of another system": changed("TrackingId", {"system": "urn:x", "value": "filled below"}),
}


def held_words(journey: Journey) -> str:
    """What is said when nothing is known of a tracking number."""
    return attached(journey, parameters({"value": "never heard of"}, films(words="unheard")))


@pytest.mark.parametrize("mismatch", MISMATCHES)
def test_what_does_not_fit_is_held_and_nothing_tells_why(journey: Journey, mismatch: str) -> None:
    answer = journey.submit(without_films())
    sent = parameters(control_number(answer), films())
    MISMATCHES[mismatch](sent)
    if "filled below" in json.dumps(sent):
        sent["parameter"][0]["valueIdentifier"]["value"] = control_number(answer)["value"]

    assert attached(journey, sent) == held_words(journey)
    assert (statuses(journey, answer), record(journey, answer).version) == (("pended",), 1)


def test_the_tracking_number_of_another_organization_looks_like_one_of_nobody(journey: Journey) -> None:
    answer = journey.submit(without_films())
    said = attached(journey, parameters(control_number(answer), films()), token=SOUTH_TOKEN)
    assert said == held_words(journey)
    assert statuses(journey, answer) == ("pended",)


def test_a_caller_attaches_for_providers_it_speaks_for(new_journey: Callable[..., Journey]) -> None:
    tokens = [{"token": "t" * 20, "name": "n", "organization": "north-clinic", "npis": "1234567893"}]
    settings = replace(
        settings_with_two_callers(), tokens=settings_with_two_callers(tokens_inline=json.dumps(tokens)).tokens
    )
    journey = new_journey(settings)
    answer = journey.submit(without_films(), token="t" * 20)
    said = attached(journey, parameters(control_number(answer), films()), token="t" * 20)
    assert said.startswith("Received and held")
    assert statuses(journey, answer) == ("pended",)


def test_a_number_without_a_system_that_two_requests_have_means_neither(journey: Journey) -> None:
    one, two = without_films(), without_films()
    two["entry"][0]["resource"]["identifier"] = one["entry"][0]["resource"]["identifier"]
    first, second = journey.submit(one), journey.submit(two)
    both = response_of(first)["identifier"][0]

    assert attached(journey, parameters({"value": both["value"]}, films())).startswith("Received and held")
    assert statuses(journey, first) == statuses(journey, second) == ("pended",)
    attached(journey, parameters(both, films()))
    assert sorted([*statuses(journey, first), *statuses(journey, second)]) == ["approved", "pended"]


def test_what_is_held_is_joined_when_its_request_comes(journey: Journey) -> None:
    request = without_films()
    tracking = request["entry"][0]["resource"]["identifier"][0]
    assert attached(journey, parameters(tracking, films())).startswith("Received and held")
    journey.clock.move(days=29)

    answer = journey.submit(request)

    assert statuses(journey, answer) == ("approved",)
    assert happened(journey, answer) == ["filed", "document received"]
    assert replayed(journey, answer) == []
    [kept] = journey.payer.attachments.of(record(journey, answer).id)  # type: ignore[union-attr]
    assert (kept.settled, kept.way) == (True, Way.APART)


def test_a_claim_announces_the_control_number_of_what_comes_apart(journey: Journey) -> None:
    request = supported(without_films(), a_document("11506-3", "2026-11-20"))
    info = request["entry"][0]["resource"]["supportingInfo"][-1]
    info["extension"][0]["extension"].append({"url": "controlNumber", "valueString": "PWK-4711"})
    sent = parameters({"system": "https://ehr.example.org/pwk", "value": "PWK-4711"}, films())
    before, after = copy.deepcopy(request), for_member("PLX0002", copy.deepcopy(request))
    attached(journey, sent)
    assert statuses(journey, journey.submit(before)) == ("approved",)

    answer = journey.submit(after)
    assert statuses(journey, answer) == ("pended",)
    changed("MemberId", {"value": "PLX0002"})(sent)
    attached(journey, sent)
    assert statuses(journey, answer) == ("approved",)


@pytest.mark.parametrize("days", [29, 31])
def test_what_is_held_is_held_for_30_days(journey: Journey, days: int) -> None:
    request = without_films()
    attached(journey, parameters(request["entry"][0]["resource"]["identifier"][0], films()))
    journey.clock.move(days=days)
    assert statuses(journey, journey.submit(request)) == (("approved",) if days < 30 else ("pended",))


def test_an_update_joins_what_is_held_and_is_reviewed_with_all_that_came(journey: Journey) -> None:
    request = without_films()
    answer = journey.submit(request)
    update = an_update(request, "update-1")
    update["entry"][0]["resource"]["identifier"] = [{"system": "https://ehr.example.org/requests", "value": "U-1"}]
    attached(journey, parameters({"system": "https://ehr.example.org/requests", "value": "U-1"}, films()))
    assert statuses(journey, answer) == ("pended",)

    journey.submit(update)

    assert statuses(journey, answer) == ("approved",)
    assert replayed(journey, answer) == []


def test_an_update_after_an_attachment_still_counts_the_attachment(journey: Journey) -> None:
    request = without_films()
    answer = journey.submit(request)
    attached(journey, parameters(control_number(answer), films()))
    update = an_update(request, "update-1")
    update["entry"][0]["resource"]["item"][0]["quantity"]["value"] = 2

    journey.submit(update)

    assert record(journey, answer).lines[0].determination.missing == ()
    assert replayed(journey, answer) == []


def test_the_same_again_changes_nothing(journey: Journey, database: Database[Json]) -> None:
    answer = journey.submit(without_films())
    sent = parameters(control_number(answer), films())
    said = [attached(journey, sent) for _ in range(3)]
    assert len(set(said)) == 1
    assert record(journey, answer).version == 2
    assert database["attachment"].count_documents({}) == database["attachment_part"].count_documents({}) == 1


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


def observation() -> Json:
    """A finding by itself."""
    code = {"coding": [{"system": "http://loinc.org", "code": FILMS}]}
    return {"resourceType": "Observation", "status": "final", "code": code, "effectiveDateTime": "2026-11-20"}


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


def test_documents_of_a_request_are_kept_too(journey: Journey) -> None:
    answer = journey.submit(a_request(KNEE))
    [kept] = journey.payer.attachments.of(record(journey, answer).id)  # type: ignore[union-attr]
    assert (kept.way, kept.settled, kept.media_type, kept.size) == (Way.WITH_REQUEST, True, "text/plain", 6)
    assert journey.payer.attachments.content(kept) == b"Sample"  # type: ignore[union-attr]


def test_a_request_with_a_program_among_its_documents_is_refused_whole(
    journey: Journey, database: Database[Json]
) -> None:
    request = a_request(KNEE)
    resource(request, "DocumentReference")["content"][0]["attachment"]["data"] = base64.b64encode(b"MZ\x90\0").decode()
    status, outcome = journey.post("/fhir/Claim/$submit", request)
    assert (status, outcome["issue"][0]["code"]) == (422, "not-supported")
    assert outcome["issue"][0]["expression"][0].endswith(".resource.content[0].attachment")
    assert database["authorization"].count_documents({}) == database["attachment"].count_documents({}) == 0


def with_data(data: bytes, label: str = "application/pdf") -> Json:
    """A document that says it is a PDF."""
    document = films()
    document["content"][0]["attachment"] = {"contentType": label, "data": base64.b64encode(data).decode()}
    return document


def with_attachment(**attachment: Any) -> Json:
    document = films()
    del document["meta"]
    document["content"][0]["attachment"] = attachment
    return document


NOT_TAKEN = {
    "a program labelled PDF": (with_data(b"MZ\x90\0" + bytes(60)), "The content is a program"),
    "HTML labelled text": (with_data(b"<html><script>x()</script></html>", "text/plain"), "The content is HTML"),
    "an SVG": (with_data(b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/png"), "an SVG drawing"),
    "a PDF labelled JPEG": (with_data(b"%PDF-1.7", "image/jpeg"), "contradict each other"),
    "another size": (with_attachment(contentType="text/plain", data="U2FtcGxl", size=7), "the data are 6 bytes"),
    "another hash": (with_attachment(contentType="text/plain", data="U2FtcGxl", hash="AAAA"), "not the SHA-1"),
    "a url": (with_attachment(contentType="application/pdf", url="https://ehr.example/doc.pdf"), "fetches nothing"),
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_a_content_that_is_not_taken_is_refused_in_words(journey: Journey, database: Database[Json], name: str) -> None:
    document, words = NOT_TAKEN[name]
    answer = journey.submit(without_films())
    assert words in attached(journey, parameters(control_number(answer), films(), document), status=422)
    assert statuses(journey, answer) == ("pended",)
    assert database["attachment"].count_documents({}) == 0


def without(name: str) -> Edit:
    def take_away(sent: Json) -> None:
        sent["parameter"] = [each for each in sent["parameter"] if each["name"] != name]

    return take_away


def with_more(*more: Json) -> Edit:
    return lambda sent: sent["parameter"].extend(more)


def part(name: str, **value: Any) -> Edit:
    """Give the attachment another part."""
    return lambda sent: sent["parameter"][4]["part"].append({"name": name, **value})


def of_type(kind: str) -> Edit:
    def change(sent: Json) -> None:
        sent["parameter"][4]["part"][-1]["resource"] = {"resourceType": kind, "active": True}

    return change


WRONG: dict[str, tuple[Edit, int, str]] = {
    "no TrackingId": (without("TrackingId"), 400, "TrackingId is missing"),
    "no AttachTo": (without("AttachTo"), 400, "AttachTo is missing"),
    "no MemberId": (without("MemberId"), 400, "MemberId is missing"),
    "no sender": (without("OrganizationId"), 400, "Neither OrganizationId nor ProviderId"),
    "no Attachment": (without("Attachment"), 400, "Attachment is missing"),
    "an unknown parameter": (with_more({"name": "Colour", "valueString": "red"}), 400, "not known"),
    "an unknown part": (part("Colour", valueString="red"), 400, "not known"),
    "two members": (with_more({"name": "MemberId", "valueIdentifier": {"value": "x"}}), 400, "more than once"),
    "a tracking string": (
        lambda sent: sent["parameter"].__setitem__(0, {"name": "TrackingId", "valueString": "x"}),
        400,
        "has no valueIdentifier",
    ),
    "an empty identifier": (changed("TrackingId", {"system": "urn:x"}), 400, "TrackingId has no value"),
    "a wrong NPI": (changed("OrganizationId", {"system": NPI, "value": "1999999977"}), 400, "is no NPI"),
    "attached to something else": (changed("AttachTo", "invoice"), 400, "neither claim nor preauthorization"),
    "attached to a claim": (
        lambda sent: (
            changed("AttachTo", "claim")(sent),
            with_more({"name": "ServiceDate", "valueDateTime": "2026-11-20"})(sent),
        ),
        422,
        "claims for payment are not taken",
    ),
    "attached to a claim without its day": (changed("AttachTo", "claim"), 400, "ServiceDate is needed"),
    "a line that is a word": (part("LineItem", valueString="one"), 400, "LineItem is no line number"),
    "two contents": (part("Content", resource=observation()), 400, "more than once"),
    "a Patient": (of_type("Patient"), 422, "not taken as an attachment"),
    "a text of data": (
        lambda sent: sent["parameter"][4]["part"][-1]["resource"]["content"][0]["attachment"].update(data="no base64!"),
        400,
        "base64",
    ),
    "a wrong resource": (
        lambda sent: sent["parameter"][4]["part"][-1]["resource"].update(status="odd"),
        400,
        "status",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_every_row_of_the_guides_table_is_checked(journey: Journey, database: Database[Json], name: str) -> None:
    edit, status, words = WRONG[name]
    sent = parameters({"value": "x"}, films())
    edit(sent)
    assert words in attached(journey, sent, status=status)
    assert database["attachment"].count_documents({}) == 0


def test_every_problem_is_told_at_once(journey: Journey) -> None:
    sent = parameters({"value": "x"}, films())
    for name in ("a line that is a word", "an unknown parameter", "no MemberId", "no AttachTo"):
        WRONG[name][0](sent)
    said = attached(journey, sent, status=400)
    assert all(word in said for word in ("MemberId is missing", "AttachTo is missing", "not known", "no line number"))


def test_who_names_a_payer_names_this_one(journey: Journey) -> None:
    object.__setattr__(journey.payer, "payer_ids", ("789312",))
    for named, status in (("60054", 422), ("789312", 200)):
        sent = parameters({"value": "x"}, films())
        with_more({"name": "PayerId", "valueIdentifier": {"value": named}})(sent)
        attached(journey, sent, status=status)


class Killed(Exception):
    """The end of a process."""


@pytest.mark.parametrize("step", ["mean", "settle"])
def test_what_a_crash_interrupted_is_completed_when_it_is_sent_again(
    journey: Journey, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    answer = journey.submit(without_films())
    sent = parameters(control_number(answer), films())

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as until_then:
        until_then.setattr(MongoAttachments, step, killed)
        assert journey.post(SUBMIT_ATTACHMENT, sent)[0] == 500
    assert statuses(journey, answer) == (("pended",) if step == "mean" else ("approved",))

    attached(journey, sent)

    now = record(journey, answer)
    assert (now.statuses, now.version, len(now.received)) == (("approved",), 2, 1)
    [kept] = journey.payer.attachments.of(now.id)  # type: ignore[union-attr]
    assert kept.settled


@pytest.mark.parametrize("body", [{"resourceType": "Bundle", "type": "collection"}, {"resourceType": "Parameters"}])
def test_what_is_no_parameters_is_refused(journey: Journey, body: Json) -> None:
    assert attached(journey, body, status=400)


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
@pytest.mark.parametrize("path", [SUBMIT_ATTACHMENT, "/fhir/Claim/$submit-attachment"])
def test_it_is_asked_by_post_only(journey: Journey, method: str, path: str) -> None:
    reply = getattr(journey.client, method)(path, headers={"Authorization": "Bearer north-token-0123456789"})
    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")


def test_it_goes_by_the_name_of_claim_too(journey: Journey) -> None:
    answer = journey.submit(without_films())
    status, _ = journey.post("/fhir/Claim/$submit-attachment", parameters(control_number(answer), films()))
    assert (status, statuses(journey, answer)) == (200, ("approved",))


def test_the_limits_stand_in_the_capability_statement(journey: Journey) -> None:
    _, statement = journey.get("/fhir/metadata")
    [found] = [each for each in statement["rest"][0]["operation"] if each["name"] == "submit-attachment"]
    assert all(word in found["documentation"] for word in ("64 MiB", "25 MiB", "413", "Final"))


def a_pdf(size: int) -> bytes:
    """A PDF with one page and a picture that does not compress."""
    noise = zlib.compress(random.Random(3).randbytes(size), 0)
    head = (
        b"%PDF-1.7\n1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj\n2 0 obj <</Type /Pages /Kids [] /Count 0>> endobj\n"
    )
    stream = b"3 0 obj <</Filter /FlateDecode /Length %d>> stream\n%b\nendstream endobj\n" % (len(noise), noise)
    return head + stream + b"trailer <</Root 1 0 R>>\n%%EOF\n"


def test_a_pdf_of_20_megabytes_is_taken_in_seconds(journey: Journey) -> None:
    answer, pdf = journey.submit(without_films()), a_pdf(20_000_000)
    document = films()
    document["content"][0]["attachment"] |= {"contentType": "application/pdf", "data": base64.b64encode(pdf).decode()}
    sent = json.dumps(parameters(control_number(answer), document)).encode()
    started = time.process_time()  # what others do on the machine is not counted
    status, _ = journey.post(SUBMIT_ATTACHMENT, sent)
    assert time.process_time() - started < 5
    assert (status, statuses(journey, answer)) == (200, ("approved",))
    [kept] = journey.payer.attachments.of(record(journey, answer).id)  # type: ignore[union-attr]
    assert (kept.media_type, kept.size) == ("application/pdf", len(pdf))
    assert journey.payer.attachments.content(kept) == pdf  # type: ignore[union-attr]


def test_an_attachment_that_is_too_large_is_refused_with_advice(journey: Journey) -> None:
    document = with_data(b"%PDF-1.7\n" + bytes(25 * 1024 * 1024))
    said = attached(journey, parameters({"value": "x"}, document), status=413)
    assert "26214400 bytes" in said and "Final=false" in said


def test_a_body_that_is_too_large_is_refused_with_advice(journey: Journey) -> None:
    status, outcome = journey.post(SUBMIT_ATTACHMENT, b" " * (64 * 1024 * 1024 + 1))
    assert (status, outcome["issue"][0]["code"]) == (413, "too-long")
    assert "Final=false" in outcome["issue"][0]["diagnostics"]


def test_nothing_that_was_sent_is_logged(journey: Journey, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    answer = journey.submit(without_films())
    attached(journey, parameters(control_number(answer), films()))
    attached(journey, parameters({"value": "SECRET-TRACKING"}, films(words="SECRET words")))
    attached(journey, parameters({"value": "SECRET-TRACKING"}, with_data(b"MZ SECRET")), status=422)
    logged = " ".join(f"{each.getMessage()} {each.__dict__.get('facts')}" for each in caplog.records)
    assert "submit-attachment" in logged
    assert not any(word in logged for word in ("SECRET", MEMBER, "1999999976", control_number(answer)["value"]))


class Fake:
    """A scanner that says what it is told to say."""

    def __init__(self, *said: bool | Exception) -> None:
        self.said = list(said)

    def is_clean(self, blocks: Any) -> bool:
        assert b"".join(blocks())
        said = self.said.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


def scanned_by(journey: Journey, scanner: Fake) -> None:
    object.__setattr__(journey.payer, "scanner", scanner)


def test_what_a_scanner_finds_harmful_is_refused_and_counts_for_nothing(
    journey: Journey, database: Database[Json]
) -> None:
    answer = journey.submit(without_films())
    scanned_by(journey, Fake(False))
    sent = parameters(control_number(answer), films())
    for _ in range(2):  # sent again it is the same one
        assert "harmful" in attached(journey, sent, status=422)
    assert statuses(journey, answer) == ("pended",)
    [kept] = MongoAttachments(database).held(
        "north-clinic", [control_number(answer)["value"]], datetime.min.replace(tzinfo=UTC)
    )
    assert kept.state is State.REFUSED
    assert database["attachment"].count_documents({}) == 1


def test_while_the_scanner_is_down_an_attachment_is_in_quarantine_until_it_is_sent_again(journey: Journey) -> None:
    from server.attachments import ScannerDown

    answer = journey.submit(without_films())
    scanned_by(journey, Fake(ScannerDown(), True))
    sent = parameters(control_number(answer), films())
    status, body = journey.post(SUBMIT_ATTACHMENT, sent)
    assert (status, set(body)) == (503, {"reference"})
    assert statuses(journey, answer) == ("pended",)
    attached(journey, sent)
    assert statuses(journey, answer) == ("approved",)


def test_a_request_whose_documents_nobody_can_scan_is_not_filed(journey: Journey, database: Database[Json]) -> None:
    from server.attachments import ScannerDown

    scanned_by(journey, Fake(ScannerDown()))
    status, _ = journey.post("/fhir/Claim/$submit", a_request(KNEE))
    assert (status, database["authorization"].count_documents({})) == (503, 0)
    now = datetime.now(UTC) + timedelta(days=365)
    assert MongoAttachments(database).sweep(now, now) == 2


def at_the_desk(new_journey: Callable[..., Journey]) -> Journey:
    """An installation with a nurse."""
    staff = json.dumps([{"token": NURSE_TOKEN, "name": "nurse"}])
    return new_journey(settings_with_two_callers(staff_tokens_inline=staff))


def test_the_desk_lists_documents_and_gives_out_their_bytes(new_journey: Callable[..., Journey]) -> None:
    journey = at_the_desk(new_journey)
    answer = journey.submit(without_films())
    document = films()
    document["content"][0]["attachment"]["title"] = "../../etc/passwd <b>.exe"
    attached(journey, parameters(control_number(answer), document, lines=("1",)))
    attached(journey, parameters(control_number(answer), observation(), final=False))
    path = f"/api/authorizations/{record(journey, answer).numbers[0]}/documents"

    status, listed = journey.get(path, NURSE_TOKEN)

    first, second = listed["documents"]
    assert status == 200
    assert {name: first[name] for name in ("lines", "mediaType", "size", "how", "state", "counts", "final")} == {
        "lines": [1],
        "mediaType": "text/plain",
        "size": 17,
        "how": "submit-attachment",
        "state": "clean",
        "counts": "counts",
        "final": True,
    }
    assert (second["counts"], second["mediaType"]) == ("not yet", "application/fhir+json")
    reply = journey.client.get(f"{path}/{first['id']}", headers={"Authorization": f"Bearer {NURSE_TOKEN}"})
    assert (reply.status_code, reply.data, reply.content_type) == (
        200,
        b"Joint space gone.",
        "text/plain",
    )
    name = f"{first['id']}-etc-passwd-b-exe.txt"
    assert reply.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"
    assert reply.headers["Content-Security-Policy"].startswith("sandbox;")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_only_staff_read_documents_and_only_clean_ones(
    new_journey: Callable[..., Journey],
) -> None:
    journey = at_the_desk(new_journey)
    answer, other = journey.submit(without_films()), journey.submit(without_films())
    attached(journey, parameters(control_number(answer), films()))
    [kept] = journey.payer.attachments.of(record(journey, answer).id)  # type: ignore[union-attr]
    path = f"/api/authorizations/{record(journey, answer).id}/documents/{kept.id}"
    elsewhere = f"/api/authorizations/{record(journey, other).id}/documents/{kept.id}"

    assert journey.get(path)[0] == 403
    assert journey.get(elsewhere, NURSE_TOKEN)[0] == journey.get(f"{path}x", NURSE_TOKEN)[0] == 404
    journey.payer.attachments.judge(kept.id, State.QUARANTINED)  # type: ignore[union-attr]
    status, outcome = journey.get(path, NURSE_TOKEN)
    assert (status, outcome["issue"][0]["details"]["text"]) == (409, "The document is quarantined; nobody opens it.")


def test_placet_documents_lists_and_saves(
    journey: Journey, store_uri: str, database: Database[Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACET_DATABASE", database.name)
    answer = journey.submit(without_films())
    attached(journey, parameters(control_number(answer), films()))
    [kept] = journey.payer.attachments.of(record(journey, answer).id)  # type: ignore[union-attr]
    number, saved = record(journey, answer).numbers[0], tmp_path / "saved"
    command = ["documents", number, "--mongodb", store_uri]

    listed = CliRunner(env={"COLUMNS": "200"}).invoke(placet, [*command, "--save", str(saved)])

    assert listed.exit_code == 0, listed.output
    row = (kept.id, FILMS, "text/plain", "17", kept.sha256[:12], "submit-attachment", "counts")
    assert all(word in listed.output for word in row)
    [file] = saved.iterdir()
    assert (file.name, file.read_bytes()) == (f"{kept.id}.txt", b"Joint space gone.")
    assert (file.stat().st_mode & 0o777, saved.stat().st_mode & 0o777) == (0o600, 0o700)
    file.write_bytes(b"edited")
    again = CliRunner().invoke(placet, [*command, "--save", str(saved)])
    assert (again.exit_code, "is there already" in again.output, file.read_bytes()) == (0, True, b"edited")
    journey.payer.attachments.judge(kept.id, State.REFUSED)  # type: ignore[union-attr]
    refused = CliRunner().invoke(placet, [*command, "--save", str(tmp_path / "none")])
    assert "nobody opens it" in refused.output and not (tmp_path / "none").exists()
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(placet, ["show", number, "--mongodb", store_uri])
    assert "document received" in shown.output
    assert CliRunner().invoke(placet, ["documents", "nothing", "--mongodb", store_uri]).exit_code == 1
