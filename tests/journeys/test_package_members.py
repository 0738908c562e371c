"""Whose forms are handed out where the payer has a roster: what it knows goes over what the coverage says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pymongo.database import Database

from server.authorization.eligibility import Enrollment
from server.authorization.request import Identifier, Period
from server.operations.catalogue import catalogue
from server.settings import Settings
from server.stores.members import Roster, RosterMember
from server.web.access import access_for
from server.web.fhir import web_application
from tests.journeys.conftest import Journey, settings_with_two_callers
from tests.journeys.test_questionnaire_package import (
    BASES,
    a_coverage,
    an_order,
    answers_in,
    asking,
    content,
    draft_in,
    forms_in,
    handed_out,
    packages,
    said,
)

Json = dict[str, Any]

CPT = "http://www.ama-assn.org/go/cpt"
PATH = "/Questionnaire/$questionnaire-package"
ENROLLED = RosterMember(
    Identifier("", "SUB-0001"),
    (Enrollment("medicaid", Period(date(2026, 1, 1), date(2026, 12, 31))),),
    date(2019, 3, 1),
)
LEFT = RosterMember(Identifier("", "SUB-0002"), (Enrollment("medicaid", Period(None, date(2026, 6, 30))),))


@pytest.fixture
def enrolling(new_journey: Callable[..., Journey], database: Database[Json]) -> Journey:
    """An installation whose payer knows its members."""
    journey, settings = new_journey(), settings_with_two_callers()
    roster = Roster(database, plans=lambda: {plan.id for plan in content().plans})
    roster.load([ENROLLED, LEFT], "hash-of-a-file")
    payer = replace(journey.payer, members=roster)
    return Journey(payer, journey.clock, _client(settings, payer))


def _client(settings: Settings, payer: Any) -> Any:
    return web_application(settings, catalogue(), payer, access_for(settings), ready=lambda: True).test_client()


@pytest.mark.parametrize("base", list(BASES.values()))
def test_the_coverage_of_a_stranger_is_refused(enrolling: Journey, base: str) -> None:
    """4xx with its place, and nothing of what it says (DTR spec-130)."""
    body = asking(an_order("ServiceRequest", CPT, "98940"), coverages=(a_coverage(subscriberId="SUB-9999"),))
    status, outcome = enrolling.post(base + PATH, body)
    assert status == 404
    assert outcome["issue"][0]["expression"] == ["Parameters.parameter[0].resource"]
    assert "SUB-9999" not in json.dumps(outcome)


def test_the_plan_of_the_roster_goes_over_the_one_of_the_coverage(enrolling: Journey) -> None:
    """The recommended number is the one of the plan that the member has."""
    form = content().forms.get("urn:placet:form:home-health")
    body = asking(questionnaire=form.url, coverages=(a_coverage("commercial"),))
    given = dict(answers_in(draft_in(packages(handed_out(enrolling, body))[0])["item"]))
    on = enrolling.clock.now.date()
    [topic] = [
        t for t in content().topics if t.form == form.canonical and "medicaid" in t.plans and t.holds("medicaid", on)
    ]
    assert topic.recommended is not None
    assert given["visits"]["valueInteger"] == topic.recommended.value


def test_the_birth_date_of_the_roster_decides_for_the_subscriber_only(enrolling: Journey) -> None:
    """A child has the form for children; of a dependent under the same number nobody knows the age."""
    order = an_order("ServiceRequest", CPT, "97110")
    [form] = forms_in(handed_out(enrolling, asking(order)))
    assert form.startswith("urn:placet:form:therapy-pediatric|")
    spouse = a_coverage(relationship={"coding": [{"code": "spouse"}]})
    assert said(handed_out(enrolling, asking(order, coverages=(spouse,)))) == [("warning", "incomplete")]


def test_who_is_not_covered_today_gets_the_forms_with_a_warning(enrolling: Journey) -> None:
    """A request for earlier days may still be under way."""
    body = asking(an_order("ServiceRequest", CPT, "98940"), coverages=(a_coverage(subscriberId="SUB-0002"),))
    answer = handed_out(enrolling, body)
    assert (len(packages(answer)), said(answer)) == (1, [("warning", "business-rule")])


def test_a_coverage_that_identifies_nobody_is_taken_as_it_is(enrolling: Journey) -> None:
    """Optional elements that are missing are no error (DTR conf-12)."""
    coverage = a_coverage()
    del coverage["subscriberId"]
    answer = handed_out(enrolling, asking(an_order("ServiceRequest", CPT, "98940"), coverages=(coverage,)))
    assert (len(packages(answer)), said(answer)) == (1, [("warning", "incomplete")])
