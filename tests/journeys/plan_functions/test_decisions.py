"""How it is decided, by rules and by people (PF-13 to PF-22)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from conformance.answers import answered_lines
from tests.journeys.conftest import Journey, response_of
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
from tests.journeys.test_submit import an_update


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
