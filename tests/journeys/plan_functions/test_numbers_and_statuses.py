"""Numbers, statuses, and how they are looked up (PF-1 to PF-5)."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.database import Database

from conformance.answers import answered_lines
from questionnaires.content import Content
from tests.journeys.conftest import SOUTH_TOKEN, Journey, response_of
from tests.journeys.plan_functions.asking import (
    ADULT,
    SAYING,
    SUBMITTED,
    a_form,
    a_request,
    asked_by,
    diagnosed,
    supported,
)
from tests.journeys.plan_functions.desk import an_installation, line_of, record_of, shown_numbers
from tests.journeys.test_inquire import an_inquiry, an_item, found, number_of, with_payer
from tests.journeys.test_submit import an_update

Json = dict[str, Any]


def test_a_number_is_issued_once_and_stays(plan: Journey, in_force: Content, database: Database[Json]) -> None:
    """PF-1: the same while pended, approved by an update, on another node; shown where its status says."""
    first = a_request(answers={"score": None})
    pended = plan.submit(first)
    [(number, reference)] = shown_numbers(pended)
    whole = a_form("therapy-adult", asked_by(SAYING[ADULT])["answers"])
    approved = plan.submit(supported(an_update(first, "with-score"), whole))
    another = Journey(plan.payer, plan.clock, an_installation(in_force, database).client)
    denied = shown_numbers(plan.submit(a_request(plan="medicare-advantage", **{"from": "2026-11-16"})))

    assert [line.status for line in answered_lines(pended) + answered_lines(approved)] == ["pended", "approved"]
    assert number == reference is not None
    assert shown_numbers(approved) == [(number, None)]
    assert line_of(another, pended)["number"] == number
    assert denied[0][0] is None
    assert denied[0][1] not in (None, number)


@pytest.mark.parametrize(
    "says",
    [each["says"] for each in SUBMITTED if each["expects"].get("waitsFor") == "missing information"][::6],
)
def test_a_number_on_a_pended_line_is_no_approval(plan: Journey, says: str) -> None:
    """PF-2: its status and words say that it is pending."""
    answered = plan.submit(a_request(says))
    [told], response = answered_lines(answered), response_of(answered)

    assert (told.status, "Pending review, not an approval" in told.reason) == ("pended", True)
    assert told.number
    assert {"preAuthRef", "preAuthPeriod"}.isdisjoint(response)
    tasks = [each["resource"] for each in answered["entry"] if each["resource"]["resourceType"] == "Task"]
    assert tasks
    assert all("not an approval" in task["statusReason"]["text"] for task in tasks)


def communicated(answered: Json) -> list[str]:
    """The diagnoses that the only line of an answer lists."""
    [item] = response_of(answered)["item"]
    listed = [each for each in item["extension"] if each["url"].endswith("communicatedDiagnosis")]
    return [each["valueCodeableConcept"]["coding"][0]["code"] for each in listed]


def test_diagnoses_are_listed_back_and_added_by_an_update(plan: Journey) -> None:
    """PF-4: those that were sent are covered; more may come later."""
    first = a_request(diagnoses=["M54.50", "M17.11"])
    first["entry"][0]["resource"]["item"][0].pop("diagnosisSequence")
    answered = plan.submit(first)
    more = an_update(first, "one-more")
    more["entry"][0]["resource"]["diagnosis"] = diagnosed("M54.50", "M17.11", "M51.26")
    updated = plan.submit(more)

    assert communicated(answered) == ["M54.50", "M17.11"]
    assert communicated(updated) == ["M54.50", "M17.11", "M51.26"]
    assert [each["code"] for each in record_of(plan, updated)["diagnoses"]] == communicated(updated)
    assert number_of(answered) == number_of(updated)


def test_status_is_looked_up_by_number_reference_member_and_provider(plan: Journey) -> None:
    """PF-5: by the submitter, by another provider, and by nobody who names the wrong one."""
    open_plan = with_payer(plan, npi_binding=False)
    answered = open_plan.submit(a_request(answers={"score": None}))
    id, number = response_of(answered)["id"], number_of(answered)

    for example in (an_inquiry(), an_inquiry(an_item(number=number)), an_inquiry(an_item(reference=number))):
        assert found(open_plan, example) == [id]
    for npi, seen_by in (("1999999976", [id]), ("1999999992", [id]), ("1999999968", [])):
        assert found(open_plan, an_inquiry(npi=npi), SOUTH_TOKEN) == seen_by
