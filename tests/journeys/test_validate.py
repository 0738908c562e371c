"""$validate tells every problem of a resource with 200, at [base] and at [base]/[type], and stores nothing."""

from __future__ import annotations

from typing import Any

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome

from conformance.samples import sample, sample_names
from profiles.profile_set import profile_set
from tests.journeys.conftest import NORTH_TOKEN, Journey

Json = dict[str, Any]
PAYMENT = "Only requests for authorization are taken here: send claims for payment to the claims system."

PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"


def claim(**changes: Any) -> Json:
    """The Claim of a sample, changed."""
    return {**sample("several-lines")["entry"][0]["resource"], **changes}


def parameters(resource: Json | None, **named: str) -> Json:
    """The Parameters of R4's $validate."""
    given: list[Json] = [{"name": "resource", "resource": resource}] if resource else []
    given += [{"name": name, "valueUri" if name == "profile" else "valueCode": value} for name, value in named.items()]
    return {"resourceType": "Parameters", "parameter": given}


def problems(journey: Journey, path: str, body: Json) -> dict[str, str]:
    """Expression -> rule of every issue that is an error."""
    status, outcome = journey.post(path, body)
    assert status == 200
    OperationOutcome.model_validate(outcome)
    return {
        issue.get("expression", [""])[0]: issue["details"]["coding"][0]["code"]
        for issue in outcome["issue"]
        if issue["severity"] == "error"
    }


def held_to(journey: Journey, path: str, body: Json) -> str:
    """What the last issue says about the profile."""
    _, outcome = journey.post(path, body)
    last: Json = outcome["issue"][-1]
    assert (last["severity"], last["code"]) == ("information", "informational")
    return str(last["diagnostics"])


@pytest.mark.parametrize("name", sample_names())
def test_a_good_resource_is_all_ok_and_the_outcome_says_what_it_was_held_to(journey: Journey, name: str) -> None:
    _, outcome = journey.post("/fhir/$validate", sample(name))
    assert [issue["code"] for issue in outcome["issue"]] == ["informational"]
    assert outcome["issue"][0]["diagnostics"] == (
        f"All OK. Held to {PAS}profile-pas-request-bundle with the guides of PAS 2.2.1."
    )


def test_every_problem_is_told_with_its_place_rule_and_repair(journey: Journey) -> None:
    body = claim(use="claim", colour="red")
    del body["insurer"]
    assert set(problems(journey, "/fhir/Claim/$validate", body)) == {"Claim", "Claim.use", "Claim.colour"}
    _, outcome = journey.post("/fhir/Claim/$validate", body)
    use = next(issue for issue in outcome["issue"] if issue.get("expression") == ["Claim.use"])
    assert use["diagnostics"] == f"Must be \"preauthorization\", not 'claim'. {PAYMENT}"


@pytest.mark.parametrize("path", ["/fhir/$validate", "/fhir/Claim/$validate"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_the_resource_comes_by_itself_or_in_parameters(journey: Journey, path: str, wrapped: bool) -> None:
    wrong = claim(status="done")
    assert set(problems(journey, path, parameters(wrong) if wrapped else wrong)) == {"Claim.status"}


@pytest.mark.parametrize("wrapped", [True, False])
def test_the_profile_is_named_in_the_query_or_in_parameters(journey: Journey, wrapped: bool) -> None:
    path, update = "/fhir/Claim/$validate", PAS + "profile-claim-update"
    found = (
        problems(journey, path, parameters(claim(), profile=update))
        if wrapped
        else problems(journey, f"{path}?profile={update}", claim())
    )
    assert found["Claim"].startswith("PAS profile-claim-update Claim.related")


def test_a_profile_with_an_older_version_is_the_one_of_that_guide(journey: Journey) -> None:
    older = parameters(claim(), profile=PAS + "profile-claim|2.0.1")
    assert held_to(journey, "/fhir/Claim/$validate", older).endswith("with the guides of PAS 2.0.1.")


def test_a_profile_nobody_holds_here_is_told_and_the_resource_checked_all_the_same(journey: Journey) -> None:
    body = parameters(claim(status="done"), profile="http://example.org/StructureDefinition/ours")
    assert problems(journey, "/fhir/$validate", body) == {
        "": "R4 Resource-validate",
        "Claim.status": "PAS profile-claim Claim.status pattern",
    }


def test_another_type_than_that_of_the_path_is_a_problem(journey: Journey) -> None:
    assert set(problems(journey, "/fhir/Patient/$validate", claim())) == {"Claim"}


def test_parameters_of_other_operations_are_a_resource_like_any_other(journey: Journey) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "coverage", "valueString": ""}]}
    assert journey.post("/fhir/$validate", body)[0] == 400  # the strict reader: an empty string is not FHIR JSON
    body = {"resourceType": "Parameters", "parameter": [{"name": "coverage"}]}
    assert "Parameters.parameter[0]" in problems(journey, "/fhir/$validate", body)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (parameters(None, profile=PAS + "profile-claim"), 400),
        (parameters(claim(), mode="perhaps"), 400),
        (parameters(claim(), mode="delete"), 422),
        (parameters(claim(), mode="profile"), 422),
        (parameters(claim(), mode="create"), 200),
    ],
)
def test_only_a_request_that_cannot_be_read_or_done_is_refused(
    journey: Journey, body: Json | bytes, status: int
) -> None:
    answered, outcome = journey.post("/fhir/$validate", body)
    assert (answered, outcome["resourceType"]) == (status, "OperationOutcome")


def test_nothing_is_stored_and_nothing_about_the_resource_is_logged(
    journey: Journey, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        journey.post("/fhir/$validate", sample("several-lines"))
        journey.post("/fhir/Claim/$validate", claim(status="done"))
    counts = journey.payer.authorizations.counts()
    assert (counts.authorizations, counts.exchanges) == (0, 0)
    logged = [getattr(record, "facts", {}) for record in caplog.records if record.name == "placet"]
    assert [(facts["route"], facts["issues"]) for facts in logged] == [
        ("/fhir/$validate", []),
        ("/fhir/Claim/$validate", []),
    ]


def test_who_is_not_signed_in_may_not_validate(journey: Journey) -> None:
    assert journey.post("/fhir/$validate", claim(), token=NORTH_TOKEN + "x")[0] == 401


def test_it_is_offered_on_every_type_there_are_tables_for_and_the_statement_says_so(journey: Journey) -> None:
    _, statement = journey.get("/fhir/metadata")
    rest = statement["rest"][0]
    declared = {
        each["type"] for each in rest["resource"] if any(op["name"] == "validate" for op in each.get("operation", ()))
    }
    assert declared == profile_set().resource_types
    assert [operation["name"] for operation in rest["operation"]].count("validate") == 1
    assert journey.post("/fhir/Nonsense/$validate", claim())[0] == 404


def test_a_bundle_that_is_wrong_all_over_gets_a_bounded_outcome(journey: Journey) -> None:
    bundle = sample("several-lines")
    wrong = {"resourceType": "Observation", "status": "done", "colour": "red"}
    bundle["entry"] += [{"fullUrl": f"https://example.org/Observation/{n}", "resource": wrong} for n in range(900)]
    status, outcome = journey.post("/fhir/$validate", bundle)
    assert status == 200
    assert 1000 <= len(outcome["issue"]) <= 1010
    assert any(issue["code"] == "too-costly" for issue in outcome["issue"])
