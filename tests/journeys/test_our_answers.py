"""Every resource the server answers with holds to its own profile; a sample is checked at run time, too."""

from __future__ import annotations

import logging
import re
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome
from pymongo.database import Database

from conformance.samples import fresh_sample, sample, sample_names
from profiles import Issue, issues_in, profile_of
from server.authorization.decision import Decision, Verdict
from server.cli import placet
from server.operations.line_decision import decide_lines
from server.payer import Staff
from server.web import own_answers
from tests.journeys.conftest import IG, Journey, response_of, settings_with_two_callers
from tests.journeys.test_inquire import an_inquiry
from tests.journeys.test_submit import an_update, withdraw

Json = dict[str, Any]
PAYMENT = "Only requests for authorization are taken here: send claims for payment to the claims system."

SUBMIT = "/fhir/Claim/$submit"
PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
RESPONSE_BUNDLE = PAS + "profile-pas-response-bundle"
CLAIM_RESPONSE = PAS + "profile-claimresponse"
REQUESTS = re.compile(
    r"package/example/Bundle-(\w*AuthorizationBundle|\w*AuthorizationUpdateBundle|SurgicalRequestBundle)Example\.json"
)


def errors(resource: Json, profile: str) -> list[Issue]:
    """What is wrong with one of our own answers; it declares the profile, or is held to it all the same."""
    return [issue for issue in issues_in(resource, profile) if issue.refuses]


def official_requests(package: str) -> list[Any]:
    """The request Bundles among a package's official examples, each a test; one that is skipped where it is missing."""
    path = IG / package
    if not path.exists():
        return [pytest.param(b"", marks=pytest.mark.skip(reason=f"{package} is not beside the repository"))]
    with tarfile.open(path) as archive:
        return [
            pytest.param(archive.extractfile(each).read(), id=each.name.rpartition("/")[2])  # type: ignore[union-attr]
            for each in archive
            if REQUESTS.fullmatch(each.name)
        ]


@pytest.mark.parametrize("name", sample_names())
def test_the_answer_to_a_sample_is_a_pas_response_bundle(journey: Journey, name: str) -> None:
    answer = journey.submit(sample(name))
    assert profile_of(answer) == RESPONSE_BUNDLE
    assert errors(answer, RESPONSE_BUNDLE) == []
    Bundle.model_validate(answer)


@pytest.mark.parametrize("raw", official_requests("davinci_pas_2.2.1.tgz"))
def test_the_answer_to_an_official_request_is_a_pas_response_bundle(journey: Journey, raw: bytes) -> None:
    assert errors(journey.submit(raw), RESPONSE_BUNDLE) == []


def test_the_answer_of_a_dry_run_is_a_pas_response_bundle(journey: Journey) -> None:
    _, answer = journey.post(SUBMIT + "?dry-run=true", sample("several-lines"))
    assert errors(answer, RESPONSE_BUNDLE) == []


def test_the_answer_to_an_update_and_to_a_cancellation_is_a_pas_response_bundle(journey: Journey) -> None:
    request = fresh_sample("several-lines")
    journey.submit(request)
    update = an_update(request, "update-1")
    assert errors(journey.submit(update), RESPONSE_BUNDLE) == []
    cancellation = an_update(request, "update-2")
    for item in cancellation["entry"][0]["resource"]["item"]:
        withdraw(item)
    assert errors(journey.submit(cancellation), RESPONSE_BUNDLE) == []


def test_the_answer_to_a_request_that_is_rejected_in_words_is_a_pas_response_bundle(journey: Journey) -> None:
    request = fresh_sample("approved-consultation")
    claim = request["entry"][0]["resource"]
    claim["item"] = [{**claim["item"][0], "sequence": number} for number in range(1, 12)]
    answer = journey.submit(request)
    assert response_of(answer)["outcome"] == "error"
    assert errors(answer, RESPONSE_BUNDLE) == []


@pytest.mark.parametrize("known", [True, False])
def test_the_answer_to_an_inquiry_holds_to_its_profiles(journey: Journey, known: bool) -> None:
    if known:
        journey.submit(fresh_sample("several-lines"))
    status, parameters = journey.post("/fhir/Claim/$inquire", an_inquiry())
    assert status == 200
    assert [issue for issue in issues_in(parameters) if issue.refuses] == []
    bundles = [each["resource"] for each in parameters.get("parameter", ()) if each["name"] == "return"]
    assert [errors(bundle, PAS + "profile-pas-inquiry-response-bundle") for bundle in bundles] == [[]] * known


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.DENY])
def test_a_claim_response_that_is_read_holds_to_its_profile_before_and_after_a_decision(
    journey: Journey, verdict: Verdict
) -> None:
    response = response_of(journey.submit(sample("pended-wheelchair")))
    read = f"/fhir/ClaimResponse/{response['id']}"
    assert errors(journey.get(read)[1], CLAIM_RESPONSE) == []
    staff = Staff("reviewer")
    found = journey.payer.authorizations.get(staff, response["id"])
    assert found is not None
    decide_lines(journey.payer, staff, found, None, decision(verdict))
    status, decided = journey.get(read)
    assert (status, decided["outcome"]) == (200, "complete")
    assert errors(decided, CLAIM_RESPONSE) == []


def decision(verdict: Verdict) -> Decision:
    """A complete decision: a denial has its code and words."""
    from server.authorization.request import Code
    from server.authorization.systems import DECISION_REASONS

    code = Code(DECISION_REASONS, "0F") if verdict is Verdict.DENY else None
    return Decision(verdict=verdict, by="reviewer", code=code, words="The record does not show the need yet.")


def refused_requests() -> dict[str, Json | bytes]:
    """Requests that are refused, each for another reason."""
    wrong = sample("several-lines")
    wrong["entry"][0]["resource"] |= {"use": "claim", "status": "done", "colour": "red"}
    empty = {**sample("several-lines"), "entry": []}
    return {"no JSON": b"{", "wrong": wrong, "empty": empty, "nothing": {"resourceType": "Patient"}}


@pytest.mark.parametrize("name", refused_requests())
def test_a_refusal_is_an_operation_outcome(journey: Journey, name: str) -> None:
    status, outcome = journey.post(SUBMIT, refused_requests()[name])
    assert status == 400
    assert_outcome(outcome)


@pytest.mark.parametrize("path", ["/fhir/Nothing", "/fhir/ClaimResponse/nobody", "/fhir/Claim/$submit"])
def test_a_call_that_is_not_offered_gets_an_operation_outcome(journey: Journey, path: str) -> None:
    status, outcome = journey.get(path)
    assert status in (404, 405)
    assert_outcome(outcome)


def assert_outcome(outcome: Json) -> None:
    """An OperationOutcome by our tables and by those of another library, readable by people."""
    assert outcome["resourceType"] == "OperationOutcome"
    assert issues_in(outcome) == []
    OperationOutcome.model_validate(outcome)
    for issue in outcome["issue"]:
        assert issue["diagnostics"].endswith((".", "..."))
        assert issue["details"]["text"] in issue["diagnostics"]


def test_the_capability_statement_is_one(journey: Journey) -> None:
    _, statement = journey.get("/fhir/metadata")
    assert issues_in(statement) == []
    CapabilityStatement.model_validate(statement)


# ---- what a refusal tells --------------------------------------------------------------------------------------------


def test_a_refusal_tells_warnings_beside_errors_and_whose_fault_it_is(journey: Journey) -> None:
    request = sample("approved-consultation")
    claim = request["entry"][0]["resource"]
    claim["use"] = "claim"
    claim["item"][0]["revenue"] = {"coding": [{"system": "https://www.nubc.org/revenue-code", "code": "0420"}]}
    request["entry"] = [each for each in request["entry"] if each["resource"]["resourceType"] != "Practitioner"]
    status, outcome = journey.post(SUBMIT, request)
    assert status == 400
    by_place = {issue["expression"][0].partition("resource.")[2]: issue for issue in outcome["issue"]}
    error, warning, external = by_place["use"], by_place["practitioner.reference"], by_place["item[0].revenue"]
    assert outcome["issue"][0] == error
    assert [issue["severity"] for issue in (error, warning, external)] == ["error", "warning", "information"]
    assert error["details"] == {
        "coding": [{"system": "urn:placet:rule", "code": "PAS profile-claim Claim.use pattern"}],
        "text": "Must be \"preauthorization\", not 'claim'.",
    }
    assert error["diagnostics"] == f"Must be \"preauthorization\", not 'claim'. {PAYMENT}"
    assert {"system": "urn:placet:verdict", "code": "not-checkable"} in external["details"]["coding"]
    counts = journey.payer.authorizations.counts()
    assert (counts.authorizations, counts.exchanges) == (0, 0)


def test_what_did_not_refuse_is_kept_with_the_exchange_and_shown(
    journey: Journey, database: Database[Json], store_uri: str
) -> None:
    request = sample("approved-consultation")
    request["entry"] = [each for each in request["entry"] if each["resource"]["resourceType"] != "Practitioner"]
    response = response_of(journey.submit(request))
    exchange = journey.payer.authorizations.exchange(Staff("reviewer"), response["id"])
    assert exchange is not None
    (kept,) = exchange.issues
    environment = {"PLACET_DATABASE": database.name, "COLUMNS": "400"}
    shown = CliRunner(env=environment).invoke(placet, ["show", response["id"], "--mongodb", store_uri])
    assert shown.exit_code == 0, shown.output
    assert (
        f"warning {kept['expression']}: What this refers to is not in the Bundle. "
        "Add the resource as an entry with this fullUrl. (PAS spec-13)"
    ) in shown.stdout


def test_a_refusal_is_bounded(journey: Journey) -> None:
    request = sample("several-lines")
    claim = request["entry"][0]["resource"]
    claim["item"] = [{"sequence": number, "colour": "red"} for number in range(1, 900)]
    status, outcome = journey.post(SUBMIT, request)
    assert (status, len(outcome["issue"])) == (400, 1001)
    assert any(issue["code"] == "too-costly" for issue in outcome["issue"])


# ---- at run time -----------------------------------------------------------------------------------------------------


def problems_logged(caplog: pytest.LogCaptureFixture) -> list[Json]:
    return [record.facts for record in caplog.records if record.message == "wrong answer"]  # type: ignore[attr-defined]


@pytest.fixture
def found_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check finds the same thing wrong with every answer."""
    issue = Issue("error", "value", "Bundle.entry[0].resource.patient", "Robin Sample is not here", "PAS spec-13")
    monkeypatch.setattr(own_answers, "issues_in", lambda _resource, version: [issue] * 30)


@pytest.mark.parametrize(("share", "noted"), [("0", 0), ("0.25", 2), ("0.5", 4), ("1", 8)])
@pytest.mark.usefixtures("found_wrong")
def test_a_share_of_the_answers_is_checked_and_the_client_does_not_notice(
    new_journey: Callable[..., Journey], caplog: pytest.LogCaptureFixture, share: str, noted: int
) -> None:
    journey = new_journey(settings_with_two_callers(check_answers=share))
    with caplog.at_level(logging.ERROR, "placet"):
        for _ in range(8):
            journey.submit(sample("approved-consultation"))
    found = problems_logged(caplog)
    assert len(found) == noted
    for facts in found:
        assert facts.keys() == {"request_id", "status", "found", "problems"}
        assert (facts["found"], len(facts["problems"])) == (30, own_answers.MOST_PROBLEMS)
        assert facts["problems"][0] == {"rule": "PAS spec-13", "expression": "Bundle.entry[0].resource.patient"}


def test_refusals_and_the_capability_statement_are_checked_too_and_nothing_is_wrong_with_any(
    new_journey: Callable[..., Journey], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def note(resource: Json, version: str) -> list[Issue]:
        checked.append(resource["resourceType"])
        return issues_in(resource, version=version)

    monkeypatch.setattr(own_answers, "issues_in", note)
    journey = new_journey(settings_with_two_callers(check_answers="1"))
    with caplog.at_level(logging.ERROR, "placet"):
        journey.get("/fhir/metadata")
        journey.get("/fhir/nowhere")
        response = response_of(journey.submit(sample("several-lines")))
        journey.get(f"/fhir/ClaimResponse/{response['id']}")
        journey.client.get("/health")
    assert checked == ["CapabilityStatement", "OperationOutcome", "Bundle", "ClaimResponse"]
    assert problems_logged(caplog) == []


def test_a_check_that_breaks_is_a_bug_in_the_log_and_not_for_the_client(
    new_journey: Callable[..., Journey], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Json, version: str) -> list[Issue]:
        raise KeyError("Robin Sample")

    monkeypatch.setattr(own_answers, "issues_in", broken)
    journey = new_journey(settings_with_two_callers(check_answers="1"))
    with caplog.at_level(logging.ERROR, "placet"):
        journey.submit(sample("approved-consultation"))
    assert [record.message for record in caplog.records] == ["bug"]
    assert "Robin" not in caplog.text
