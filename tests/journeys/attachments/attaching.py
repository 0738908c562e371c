"""Attaching documents through the door: a request that lacks one, the message that brings it, what came of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fhir.resources.R4B.operationoutcome import OperationOutcome

from profiles import issues_in
from server.authorization.record import Authorization
from server.operations.authorization_replay import replay
from server.payer import Staff
from tests.journeys.conftest import Journey, response_of
from tests.journeys.plan_functions.asking import (
    KNEE,
    a_document,
    a_request,
)

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


def observation() -> Json:
    """A finding by itself."""
    code = {"coding": [{"system": "http://loinc.org", "code": FILMS}]}
    return {"resourceType": "Observation", "status": "final", "code": code, "effectiveDateTime": "2026-11-20"}


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


def changed(parameter: str, value: Any) -> Edit:
    """Give a parameter another value."""

    def change(sent: Json) -> None:
        [found] = [each for each in sent["parameter"] if each["name"] == parameter]
        found[next(name for name in found if name.startswith("value"))] = value

    return change


def with_more(*more: Json) -> Edit:
    return lambda sent: sent["parameter"].extend(more)


def with_data(data: bytes, label: str = "application/pdf") -> Json:
    """A document that says it is a PDF."""
    document = films()
    document["content"][0]["attachment"] = {"contentType": label, "data": base64.b64encode(data).decode()}
    return document
