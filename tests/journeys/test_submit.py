"""A provider's request is answered: through the door, with a number and a status for every line."""

from __future__ import annotations

import copy
import json
import re
import tarfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from conformance.answers import answered_lines
from conformance.samples import fresh_sample, sample, sample_names
from server.authorization.numbers import as_number
from tests.journeys.conftest import IG, SOUTH_TOKEN, Journey, response_of

Json = dict[str, Any]

STATUSES = {
    "approved-consultation": ["approved"],
    "denied-fertility": ["denied"],
    "medicare-home-health": ["pended"],
    "modified-test-strips": ["modified"],
    "pended-wheelchair": ["pended"],
    "several-lines": ["approved", "approved", "pended", "denied", "modified", "pended"],
}


def references_in(node: Any) -> list[str]:
    """Every literal reference below a node."""
    if isinstance(node, list):
        return [reference for each in node for reference in references_in(each)]
    if not isinstance(node, dict):
        return []
    own = [node["reference"]] if isinstance(node.get("reference"), str) else []
    return own + [reference for value in node.values() for reference in references_in(value)]


def assert_is_pas_response(answer: Json, request: Json) -> None:
    """What the guide says of every response Bundle (PAS spec-30 to spec-34)."""
    urls = [entry["fullUrl"] for entry in answer["entry"]]
    response = response_of(answer)
    assert answer["type"] == "collection"
    assert answer["identifier"] == request["identifier"]
    assert answer["timestamp"]
    assert len(urls) == len(set(urls))
    for entry in answer["entry"]:
        if entry["resource"]["resourceType"] != "Claim":
            for reference in references_in(entry["resource"]):
                assert urls.count(reference) == 1, reference
    echoed = {entry["fullUrl"]: entry["resource"] for entry in request["entry"]}
    for entry in answer["entry"][1:]:
        if entry["fullUrl"] in echoed:
            assert entry["resource"].get("identifier") == echoed[entry["fullUrl"]].get("identifier")
    assert response["outcome"] in ("complete", "partial", "error")
    asked = [item["sequence"] for item in request["entry"][0]["resource"]["item"]]
    assert [item["itemSequence"] for item in response["item"]] == asked


@pytest.mark.parametrize("name", STATUSES)
def test_a_sample_is_answered_with_a_status_and_a_number_for_every_line(journey: Journey, name: str) -> None:
    request = fresh_sample(name)
    answer = journey.submit(request)
    assert_is_pas_response(answer, request)
    lines = answered_lines(answer)
    assert [line.status for line in lines] == STATUSES[name]
    assert all(as_number(line.number) == line.number for line in lines)
    assert len({line.number for line in lines}) == len(lines)
    assert all(line.reason for line in lines if line.status in ("denied", "modified", "pended"))


def test_every_sample_has_its_statuses_here() -> None:
    assert set(STATUSES) <= set(sample_names())


def action_parts(item: Json) -> Json:
    """The parts of an item's review action by the end of their url."""
    [action] = item["adjudication"][0]["extension"]
    return {part["url"].rpartition("-")[2]: part for part in action["extension"]}


def test_the_number_stands_where_its_status_says(journey: Journey) -> None:
    """PF-1: approved, modified: reviewAction.number; pended: both; denied: only the administration reference number."""
    shown = {}
    for item, line in zip(
        response_of(answer := journey.submit(fresh_sample("several-lines")))["item"],
        answered_lines(answer),
        strict=True,
    ):
        urls = {each["url"].rpartition("/")[2]: each for each in item["extension"]}
        reference = urls.get("extension-administrationReferenceNumber", {}).get("valueString")
        shown[line.status] = (action_parts(item).get("number", {}).get("valueString"), reference)
    assert shown["approved"][0] and shown["approved"][1] is None
    assert shown["modified"][0] and shown["modified"][1] is None
    assert shown["pended"][0] == shown["pended"][1] is not None
    assert shown["denied"][0] is None and shown["denied"][1]


def test_a_modified_line_says_what_was_authorized_instead(journey: Journey) -> None:
    """PAS spec-36, spec-37."""
    response = response_of(journey.submit(fresh_sample("modified-test-strips")))
    [item], [added] = response["item"], response["addItem"]
    code = action_parts(item)["reviewActionCode"]["valueCodeableConcept"]["coding"][0]
    assert (code["system"], code["code"]) == ("https://codesystem.x12.org/005010/306", "A6")
    assert added["itemSequence"] == [item["itemSequence"]]
    assert added["quantity"]["value"] == 3
    assert added["quantity"]["unit"]
    assert action_parts(item)["reasonCode"]["valueCodeableConcept"]["coding"][0]["code"]
    assert response["preAuthPeriod"]["start"] <= response["preAuthPeriod"]["end"]


def test_a_claim_response_is_read_back_by_its_own_organization_only(journey: Journey) -> None:
    response = response_of(journey.submit(fresh_sample("approved-consultation")))
    assert journey.get(f"/fhir/ClaimResponse/{response['id']}") == (200, response)
    status, outcome = journey.get(f"/fhir/ClaimResponse/{response['id']}", SOUTH_TOKEN)
    missing_status, missing = journey.get("/fhir/ClaimResponse/nobody-has-this", SOUTH_TOKEN)
    assert (status, outcome) == (missing_status, missing)
    assert status == 404


def test_the_same_bytes_again_get_the_first_answer_and_file_nothing(journey: Journey) -> None:
    raw = json.dumps(fresh_sample("several-lines")).encode()
    first = journey.submit(raw)
    assert journey.submit(raw) == first
    assert journey.payer.authorizations.counts().authorizations == 1


def test_another_organization_with_the_same_bytes_has_its_own_case(journey: Journey) -> None:
    raw = json.dumps(fresh_sample("approved-consultation")).encode()
    assert response_of(journey.submit(raw))["id"] != response_of(journey.submit(raw, SOUTH_TOKEN))["id"]


def test_the_same_bytes_after_the_window_are_a_new_request(journey: Journey) -> None:
    raw = json.dumps(fresh_sample("approved-consultation")).encode()
    first = response_of(journey.submit(raw))["id"]
    journey.clock.move(minutes=11)
    assert response_of(journey.submit(raw))["id"] != first


def test_another_bundle_that_reuses_identifiers_is_a_new_request(journey: Journey) -> None:
    bundle = sample("approved-consultation")
    first = journey.submit(bundle)
    bundle["timestamp"] = "2026-11-02T10:30:05-05:00"
    assert response_of(journey.submit(bundle))["id"] != response_of(first)["id"]


def test_equal_requests_at_the_same_moment_file_one_authorization(journey: Journey) -> None:
    raw = json.dumps(fresh_sample("several-lines")).encode()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: journey.submit(raw), range(6)))
    assert all(answer == answers[0] for answer in answers)
    assert journey.payer.authorizations.counts().authorizations == 1


def test_a_dry_run_gives_the_answer_without_numbers_and_stores_nothing(journey: Journey) -> None:
    request = fresh_sample("several-lines")
    status, dry = journey.post("/fhir/Claim/$submit?dry-run=true", request)
    assert status == 200
    assert [line.status for line in answered_lines(dry)] == STATUSES["several-lines"]
    assert not any(line.number for line in answered_lines(dry))
    assert journey.payer.authorizations.counts().authorizations == 0
    real = journey.submit(request)
    assert [line.status for line in answered_lines(real)] == STATUSES["several-lines"]


OFFICIAL = "davinci_pas_2.2.1.tgz"


def official_requests() -> list[tuple[str, bytes]]:
    """The request Bundles among the official examples; none where the package is not there."""
    if not (IG / OFFICIAL).exists():
        return []
    with tarfile.open(IG / OFFICIAL) as package:
        wanted = re.compile(
            r"package/example/Bundle-(\w*AuthorizationBundle\w*|HomecareAuthorizationUpdate\w*|Surgical\w*)\.json"
        )
        return [
            (member.name.rpartition("/")[2], package.extractfile(member).read())  # type: ignore[union-attr]
            for member in package
            if wanted.fullmatch(member.name)
        ]


@pytest.mark.skipif(not (IG / OFFICIAL).exists(), reason="the official PAS package is not beside the repository")
def test_every_official_request_is_answered_line_by_line(journey: Journey) -> None:
    found = official_requests()
    assert len(found) >= 5
    for _, raw in found:
        assert_is_pas_response(journey.submit(raw), json.loads(raw))


def test_a_relative_reference_is_answered_absolutely(journey: Journey) -> None:
    request = fresh_sample("approved-consultation")
    assert request["entry"][0]["resource"]["patient"]["reference"] == "Patient/member"
    assert response_of(journey.submit(request))["patient"]["reference"] == "https://ehr.example.org/fhir/Patient/member"


def test_a_target_missing_further_away_is_kept_as_a_warning(journey: Journey) -> None:
    request = fresh_sample("approved-consultation")
    request["entry"] = [each for each in request["entry"] if each["resource"]["resourceType"] != "Practitioner"]
    answer = journey.submit(request)
    assert_is_pas_response(answer, request)
    from server.payer import Staff

    exchange = journey.payer.authorizations.exchange(Staff("test"), response_of(answer)["id"])
    assert exchange is not None
    assert any(issue["severity"] == "warning" and "practitioner" in issue["expression"] for issue in exchange.issues)


def an_update(of: Json, name: str) -> Json:
    """A Bundle that updates the request `of`: its own Claim first, the prior one second."""
    prior = of["entry"][0]
    claim = copy.deepcopy(prior)
    claim["resource"]["id"] = name
    claim["fullUrl"] = claim["fullUrl"].rpartition("/")[0] + f"/{name}"
    claim["resource"]["meta"]["profile"] = [
        "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/profile-claim-update"
    ]
    claim["resource"]["identifier"] = [{"system": "https://ehr.example.org/requests", "value": name}]
    relationship = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship", "code": "prior"}]
    }
    claim["resource"]["related"] = [{"claim": {"reference": prior["fullUrl"]}, "relationship": relationship}]
    bundle = {**of, "id": name, "identifier": {**of["identifier"], "value": name}}
    return bundle | {"entry": [claim, prior, *of["entry"][1:]]}


PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"


def withdraw(item: Json) -> None:
    """Cancel an item as the guide says (PAS spec-69, spec-70)."""
    item["modifierExtension"] = [{"url": PAS + "modifierextension-infoCancelled", "valueBoolean": True}]
    for each in item["extension"]:
        if each["url"].endswith("certificationType"):
            each["valueCodeableConcept"]["coding"] = [{"system": "https://codesystem.x12.org/005010/1322", "code": "3"}]


def test_an_update_changes_what_it_changes_and_numbers_stay(journey: Journey) -> None:
    """PF-1, PF-34, PAS spec-46."""
    first = fresh_sample("several-lines")
    before = {line.sequence: line for line in answered_lines(journey.submit(first))}
    second = an_update(first, "second")
    items = second["entry"][0]["resource"]["item"]
    withdraw(items[0])
    items[1]["quantity"]["value"] = 99
    answer = journey.submit(second)
    assert_is_pas_response(answer, second)
    after = {line.sequence: line for line in answered_lines(answer)}
    assert {sequence: line.number for sequence, line in after.items()} == {s: line.number for s, line in before.items()}
    assert after[1].status == "cancelled"
    assert (before[2].status, after[2].status) == ("approved", "pended")
    assert [after[s].status for s in (3, 4, 5, 6)] == [before[s].status for s in (3, 4, 5, 6)]
    assert response_of(answer)["id"] == response_of(journey.submit(second))["id"]


def test_cancelling_the_whole_request_cancels_every_line(journey: Journey) -> None:
    first = fresh_sample("several-lines")
    journey.submit(first)
    last = an_update(first, "last")
    cancel = {"coding": [{"system": "https://codesystem.x12.org/005010/1322", "code": "3"}]}
    last["entry"][0]["resource"]["extension"] = [
        {"url": PAS + "extension-certificationType", "valueCodeableConcept": cancel}
    ]
    assert {line.status for line in answered_lines(journey.submit(last))} == {"cancelled"}


def test_an_update_of_a_denied_request_is_a_business_error(journey: Journey) -> None:
    first = fresh_sample("denied-fertility")
    journey.submit(first)
    response = response_of(journey.submit(an_update(first, "again")))
    assert response["outcome"] == "error"
    assert response["error"][0]["code"]["coding"][0]["system"] == "https://codesystem.x12.org/005010/901"


def test_an_update_of_an_unknown_request_is_taken_as_a_new_one_and_says_so(journey: Journey) -> None:
    answer = journey.submit(an_update(fresh_sample("approved-consultation"), "orphan"))
    assert answered_lines(answer)[0].status == "approved"
    assert "not on record" in answered_lines(answer)[0].reason


def test_more_than_ten_lines_are_rejected_in_words(journey: Journey) -> None:
    """PF-6."""
    request = fresh_sample("approved-consultation")
    claim = request["entry"][0]["resource"]
    claim["item"] = [{**copy.deepcopy(claim["item"][0]), "sequence": number} for number in range(1, 12)]
    response = response_of(journey.submit(request))
    assert (response["outcome"], response.get("item")) == ("error", None)
    assert "at most 10" in response["error"][0]["code"]["text"]
