"""What may be asked, and what is looked up before (PF-6 to PF-12)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from server.authorization.policy import Rules
from server.authorization.request import AuthorizationRequest, Detail
from tests.journeys.conftest import Journey, response_of
from tests.journeys.plan_functions.asking import DRG, a_request
from tests.journeys.plan_functions.desk import NURSE_TOKEN, errors_of
from tests.journeys.test_inquire import with_payer

Json = dict[str, Any]


REFUSED = 400


@pytest.mark.parametrize(("lines", "words"), [(10, []), (11, ["at most 10 service lines", "in another request"])])
def test_a_request_has_at_most_ten_lines(plan: Journey, lines: int, words: list[str]) -> None:
    """PF-6."""
    bundle = a_request()
    [item] = bundle["entry"][0]["resource"]["item"]
    bundle["entry"][0]["resource"]["item"] = [item | {"sequence": number} for number in range(1, lines + 1)]
    said = errors_of(plan, bundle)
    assert len(said) == (1 if words else 0)
    assert all(each in said[0] for each in words)


@pytest.mark.parametrize(("diagnoses", "rejected"), [(10, False), (11, True)])
def test_a_request_has_one_primary_and_nine_other_diagnoses(plan: Journey, diagnoses: int, rejected: bool) -> None:
    """PF-7."""
    said = errors_of(plan, a_request(diagnoses=[f"M54.{number}" for number in range(diagnoses)]))
    assert ["at most 9 further diagnoses" in each for each in said] == [True] * rejected


def test_a_grouper_is_not_authorized(plan: Journey) -> None:
    """PF-8: the reason says what to ask for in its place."""
    [said] = errors_of(plan, a_request(service=[DRG, "470"]))
    assert "470 groups many services" in said
    assert "Ask for the specific services" in said


def of_use(plan: Journey, use: str) -> tuple[int, Json]:
    """The answer to a Claim of another use."""
    bundle = a_request()
    bundle["entry"][0]["resource"]["use"] = use
    return plan.post("/fhir/Claim/$submit", bundle)


@pytest.mark.parametrize("use", ["claim", "predetermination"])
def test_claims_are_not_paid_here(plan: Journey, use: str) -> None:
    """PF-9: another use is refused, at the place of the use, and nothing is filed."""
    status, refused = of_use(plan, use)
    assert (status, refused["resourceType"]) == (REFUSED, "OperationOutcome")
    assert [each["expression"] for each in refused["issue"]] == [["Bundle.entry[0].resource.use"]]
    assert plan.payer.authorizations.counts().authorizations == 0


def test_a_refused_claim_says_who_handles_it(plan: Journey) -> None:
    """PF-9: the words lead to claims payment, not to asking for authorization of what is to be paid."""
    [issue] = of_use(plan, "claim")[1]["issue"]
    assert "payment" in issue["diagnostics"]
    assert 'Write "preauthorization"' not in issue["diagnostics"]

    named = with_payer(plan, claims_to="Example Clearinghouse, payer id 12345.")
    [issue] = of_use(named, "claim")[1]["issue"]
    assert "Example Clearinghouse, payer id 12345." in issue["diagnostics"]


DETAILS = {
    "member phone": ("Patient", "telecom", [{"system": "phone", "value": "555-0100"}], "33"),
    "member address": ("Patient", "address", [{"line": ["1 Main St"], "city": "Springfield"}], "33"),
    "provider fax": ("Organization", "telecom", [{"system": "fax", "value": "555-0101"}], "33"),
    "provider phone": ("Organization", "telecom", [{"system": "phone", "value": "555-0102"}], "46"),
    "provider address": ("Organization", "address", [{"line": ["2 Main St"], "city": "Springfield"}], "97"),
}


@pytest.mark.parametrize("detail", DETAILS)
def test_a_plan_may_need_details_of_member_and_provider_before_it_decides(plan: Journey, detail: str) -> None:
    """PF-23: without one the request is rejected in words and by code, with it it is decided."""
    kind, name, value, code = DETAILS[detail]
    rules_for = plan.payer.rules_for

    def needing(request: AuthorizationRequest, on: date) -> Rules:
        rules = rules_for(request, on)
        return replace(rules, plan=replace(rules.plan, needs=(Detail(detail), Detail.MEMBER_NAME, Detail.PROVIDER_NPI)))

    strict = with_payer(plan, rules_for=needing)
    bundle = a_request()
    asking = bundle["entry"][0]["resource"]["provider"]["reference"]
    one = next(
        each["resource"]
        for each in bundle["entry"]
        if each["resource"]["resourceType"] == kind and (kind == "Patient" or each["fullUrl"].endswith(asking))
    )
    one.pop(name, None)
    [error] = response_of(strict.submit(bundle))["error"]
    assert detail in json.dumps(error) and f'"{code}"' in json.dumps(error)

    again = a_request()
    for each in again["entry"]:
        if each["resource"]["resourceType"] == kind:
            each["resource"][name] = value
    assert "error" not in response_of(strict.submit(again))


@pytest.mark.parametrize(
    ("name", "code", "authorization", "recommended", "guideline"),
    [
        ("commercial", "97110", "needed", "12 visits", "Therapy 2, adults"),
        ("medicaid", "97110", "needed", "48 units", "Therapy 2, adults"),
        ("commercial", "98940", "needed", "12 visits", "Therapy 5, chiropractic"),
        ("medicare-advantage", "98940", "needed", "12 visits", "chapter 15, section 240"),
        ("commercial", "72148", "needed", "1 unit", "Imaging 1, lumbar spine"),
    ],
)
def test_what_needs_authorization_is_looked_up_before_asking(
    plan: Journey, name: str, code: str, authorization: str, recommended: str, guideline: str
) -> None:
    """PF-12, PF-14: for a plan, with the guideline and the recommended number."""
    status, looked_up = plan.get(f"/api/requirements?plan={name}&code={code}", NURSE_TOKEN)
    assert status == 200
    [found] = [each for each in looked_up["requirements"] if "pediatric" not in each.get("topic", "")]
    assert (found["authorization"], found["recommended"]) == (authorization, recommended)
    assert found["guideline"]["page"] == guideline
