"""How it is decided, by rules and by people (PF-13 to PF-22)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from pymongo.database import Database

from conformance.answers import answered_lines
from mappers.pas.names import RESPONSE_BUNDLE
from mappers.wire import from_bytes
from profiles import issues_in
from server.cli import placet
from server.payer import Staff
from tests.journeys.conftest import SOUTH_TOKEN, Journey, response_of
from tests.journeys.plan_functions.asking import KNEE, a_document, a_request, supported
from tests.journeys.plan_functions.desk import (
    JSON,
    NURSE_TOKEN,
    asked_for,
    authorized,
    call,
    decided,
    line_of,
    record_of,
)
from tests.journeys.test_inquire import an_inquiry, found, with_payer
from tests.journeys.test_submit import an_update

Json = dict[str, Any]


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


SECOND_CLINIC = {"npi": "1999999984", "name": "Second Clinic"}


def providers_of(extensions: list[Json], name: str) -> list[Json]:
    """The providers that the extensions of this name say, as references."""
    return [
        part["valueReference"]
        for each in extensions
        if each["url"].endswith(name)
        for part in each["extension"]
        if part["url"] == "provider"
    ]


def test_a_clinician_authorizes_another_provider(plan: Journey) -> None:
    """PF-21: in place of the one asked for; the answer names only them, and they may ask about it."""
    answered = plan.submit(a_request(answers={"skilled": False}))
    why = {"reason": "0F", "criterion": "network", "words": "This clinic is in your network."}
    [line] = decided(plan, answered, decision="modify", provider=SECOND_CLINIC, **why)["lines"]
    bundle = from_bytes(plan.payer.authorizations.answer(Staff("nurse"), response_of(answered)["id"]) or b"")
    response = response_of(bundle)
    named = {"identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": SECOND_CLINIC["npi"]}}
    named["display"] = SECOND_CLINIC["name"]

    assert (line["status"], line["authorized"]["provider"]) == (
        "modified",
        {"npis": [SECOND_CLINIC["npi"]], "name": SECOND_CLINIC["name"]},
    )
    assert [each for each in issues_in(bundle, RESPONSE_BUNDLE) if each.severity == "error"] == []
    assert providers_of(response["item"][0]["extension"], "itemAuthorizedProvider") == [named]
    assert response["addItem"][0]["provider"] == [named]
    assert providers_of(response["extension"], "AuthorizedProvider") == []
    open_plan = with_payer(plan, npi_binding=False)
    assert found(open_plan, an_inquiry(npi=SECOND_CLINIC["npi"]), SOUTH_TOKEN) == [response["id"]]


@pytest.mark.parametrize(
    ("provider", "place"),
    [
        ({"npi": "1999999985", "name": "Second Clinic"}, "provider.npi"),
        ({"npi": "1999999984", "name": " "}, "provider.name"),
        ({"npi": "1999999984"}, "provider.name"),
    ],
)
def test_another_provider_has_a_proper_npi_and_a_name(plan: Journey, provider: Json, place: str) -> None:
    """PF-21: as it is written down by the person who decides."""
    record = record_of(plan, plan.submit(a_request(answers={"skilled": False})))
    why = {"reason": "0F", "criterion": "network", "words": "This clinic is in your network."}
    body = {"version": 1, "decision": "modify", "provider": provider, **why}
    status, refused = plan.post(f"/api/authorizations/{record['id']}/lines/1/determination", body, NURSE_TOKEN, **JSON)
    assert status == 400
    assert [each["expression"] for each in refused["issue"]] == [[place]]


def test_the_command_authorizes_another_provider(plan: Journey, database: Database[Json], store_uri: str) -> None:
    """PF-21: placet decide says the same."""
    answered = plan.submit(a_request(answers={"skilled": False}))
    number = line_of(plan, answered)["number"]

    def decide(npi: str) -> tuple[int, str]:
        provider = ["--provider", npi, "--provider-name", SECOND_CLINIC["name"]]
        arguments = ["decide", number, "modify", *provider, "--mongodb", store_uri]
        result = CliRunner().invoke(placet, arguments, env={"PLACET_DATABASE": database.name})
        return result.exit_code, result.output

    status, told = decide("1234567890")
    assert (status, "Another provider needs an NPI" in told) == (1, True)
    status, told = decide(SECOND_CLINIC["npi"])
    assert (status, "modified" in told) == (0, True)
    line = line_of(plan, answered)
    assert line["authorized"]["provider"]["name"] == SECOND_CLINIC["name"]
    assert "another provider is authorized" in line["reasons"][0]["words"]
