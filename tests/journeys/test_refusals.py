"""What cannot be processed is refused: one OperationOutcome, every problem in it, the right status, nothing stored."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from conformance.samples import sample
from tests.journeys.conftest import NORTH_TOKEN, Journey

Json = dict[str, Any]
SUBMIT = "/fhir/Claim/$submit"


def changed(change: Callable[[Json, Json], Any]) -> Json:
    """The sample with a change made to (Bundle, Claim)."""
    bundle = sample("several-lines")
    change(bundle, bundle["entry"][0]["resource"])
    return bundle


def without(kind: str) -> Json:
    """The sample without the entries of a resource type."""
    bundle = sample("several-lines")
    bundle["entry"] = [each for each in bundle["entry"] if each["resource"]["resourceType"] != kind]
    return bundle


REFUSED: dict[str, tuple[Json | bytes, int, str]] = {
    "no JSON": (b"{not json", 400, ""),
    "an array": (b"[]", 400, ""),
    "nothing at all": (b"", 400, ""),
    "NaN": (b'{"resourceType": "Bundle", "x": NaN}', 400, ""),
    "a duplicate key": (b'{"resourceType": "Bundle", "resourceType": "Bundle"}', 400, ""),
    "half a surrogate": (b'{"resourceType": "Bundle", "id": "\\ud800"}', 400, ""),
    "UTF-16": ('{"resourceType": "Bundle"}'.encode("utf-16"), 400, ""),
    "ten thousand nested arrays": (b"[" * 10_000 + b"]" * 10_000, 400, ""),
    "an empty Bundle": (
        {**sample("several-lines"), "entry": []},
        400,
        "Bundle.entry",
    ),
    "another resource": (sample("several-lines")["entry"][0]["resource"], 400, ""),
    "no Claim": (without("Claim"), 400, "Bundle.entry[0].resource"),
    "a late Claim": (changed(lambda bundle, _: bundle["entry"].reverse()), 400, "Bundle.entry[0].resource"),
    "a claim for payment": (changed(lambda _, claim: claim.update(use="claim")), 400, "Bundle.entry[0].resource.use"),
    "no patient": (without("Patient"), 400, "Bundle.entry[0].resource.patient.reference"),
    "no coverage": (without("Coverage"), 400, "Bundle.entry[0].resource.insurance[0].coverage.reference"),
    "no patient element": (changed(lambda _, claim: claim.pop("patient")), 400, "Bundle.entry[0].resource"),
    "no insurer element": (changed(lambda _, claim: claim.pop("insurer")), 400, "Bundle.entry[0].resource"),
    "no insurance element": (changed(lambda _, claim: claim.pop("insurance")), 400, "Bundle.entry[0].resource"),
    "no items": (changed(lambda _, claim: claim.pop("item")), 400, "Bundle.entry[0].resource"),
    "two items with one sequence": (
        changed(lambda _, claim: claim["item"][1].update(sequence=1)),
        400,
        "Bundle.entry[0].resource.item[1].sequence",
    ),
    "an entry twice": (
        changed(lambda bundle, _: bundle["entry"].append(copy.deepcopy(bundle["entry"][1]))),
        400,
        "Bundle.entry[8]",
    ),
    "an order that is not there": (
        without("DeviceRequest"),
        400,
        "Bundle.entry[0].resource.item[2].extension[3].value.reference",
    ),
    "an operator where a word belongs": (
        changed(lambda _, claim: claim["identifier"][0].update(value={"$ne": ""})),
        400,
        "",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_an_outcome_and_nothing_is_stored(journey: Journey, name: str) -> None:
    body, expected, expression = REFUSED[name]
    status, outcome = journey.post(SUBMIT, body)
    assert (status, outcome["resourceType"]) == (expected, "OperationOutcome")
    errors = [issue for issue in outcome["issue"] if issue["severity"] == "error"]
    assert errors
    assert all(issue["code"] and issue["diagnostics"] and issue["details"]["text"] for issue in errors)
    places = [place for issue in errors for place in issue.get("expression", [])]
    assert not expression or any(place.startswith(expression) for place in places), places
    counts = journey.payer.authorizations.counts()
    assert (counts.authorizations, counts.exchanges) == (0, 0)


def test_every_problem_is_told_at_once(journey: Journey) -> None:
    def spoil(bundle: Json, claim: Json) -> None:
        claim["use"] = "claim"
        claim["item"][1]["sequence"] = 1
        bundle["type"] = "batch"
        del claim["insurer"]

    _, outcome = journey.post(SUBMIT, changed(spoil))
    told = json.dumps([issue.get("expression") for issue in outcome["issue"] if issue["severity"] == "error"])
    for place in ("resource.use", "item[1].sequence", "Bundle.type", "insurer"):
        assert place in told or place in json.dumps(outcome), place


def test_a_body_over_the_limit_is_too_large(journey: Journey) -> None:
    status, outcome = journey.post(SUBMIT, b" " * (41 * 1024 * 1024))
    assert (status, outcome["resourceType"]) == (413, "OperationOutcome")


REQUESTS = {
    "no token": ("POST", SUBMIT, {"Authorization": ""}, 401),
    "a wrong token": ("POST", SUBMIT, {"Authorization": "Bearer nobody-has-this-token"}, 401),
    "another content type": ("POST", SUBMIT, {"Content-Type": "text/plain"}, 415),
    "XML wanted": ("POST", SUBMIT, {"Accept": "application/fhir+xml"}, 406),
    "another method": ("GET", SUBMIT, {}, 405),
    "an unknown path": ("POST", "/fhir/Claim/$nothing", {}, 404),
    "an unknown type": ("GET", "/fhir/Patient/1", {}, 404),
    "a path outside": ("GET", "/etc/passwd", {}, 404),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_call_that_is_not_offered_gets_an_outcome(journey: Journey, name: str) -> None:
    method, path, headers, expected = REQUESTS[name]
    sent = {"Content-Type": "application/fhir+json", "Authorization": f"Bearer {NORTH_TOKEN}", **headers}
    body = json.dumps(sample("several-lines")) if method == "POST" else None
    reply = journey.client.open(path, method=method, data=body, headers=sent)
    assert reply.status_code == expected
    assert json.loads(reply.data)["resourceType"] == "OperationOutcome"
    assert reply.headers["Content-Type"].startswith("application/fhir+json")


def test_a_bug_is_a_500_with_a_reference_and_no_detail(
    journey: Journey, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("Robin Sample PLX0001")

    monkeypatch.setattr(journey.payer.authorizations, "answer_to_resend", broken)
    status, body = journey.post(SUBMIT, sample("several-lines"))
    assert status == 500
    assert set(body) == {"reference"}
    assert "PLX0001" not in caplog.text


def test_nothing_about_a_person_is_in_a_refusal(journey: Journey) -> None:
    def spoil(_: Json, claim: Json) -> None:
        claim["use"] = "claim"

    body = changed(spoil)
    body["entry"][4]["resource"]["birthDate"] = "1961-13-45"
    _, outcome = journey.post(SUBMIT, body)
    text = json.dumps(outcome)
    assert not [word for word in ("Sample", "Robin", "PLX0001", "1961") if word in text]
