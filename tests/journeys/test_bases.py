"""Two bases, one for each dialect of DTR: what each says of itself, and by which guides it checks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from profiles import issues_in
from tests.journeys.conftest import NORTH_TOKEN, Journey, settings_with_two_callers

DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/"


@pytest.mark.parametrize("base", ["/fhir", "/r201/fhir"])
def test_a_base_describes_itself(journey: Journey, base: str) -> None:
    """The CapabilityStatement names the base it was read from and is a right one."""
    status, statement = journey.get(f"{base}/metadata")
    assert status == 200
    assert statement["implementation"]["url"] == f"http://localhost{base}"
    assert [issue for issue in issues_in(statement) if issue.refuses] == []


def test_pas_is_spoken_at_one_base_only(journey: Journey) -> None:
    """DTR 2.0.1 has a base of its own; a Claim is submitted at the other one."""
    status, outcome = journey.post("/r201/fhir/Claim/$submit", {"resourceType": "Bundle"})
    assert (status, outcome["resourceType"]) == (404, "OperationOutcome")


@pytest.mark.parametrize(("base", "version"), [("/fhir", "2.2.0"), ("/r201/fhir", "2.0.1")])
def test_a_resource_is_held_to_the_guides_of_the_base(journey: Journey, base: str, version: str) -> None:
    """$validate takes an unversioned claim as the version that is spoken at the base."""
    form = {
        "resourceType": "Questionnaire",
        "meta": {"profile": [DTR + "dtr-std-questionnaire"]},
        "status": "active",
        "subjectType": ["Patient"],
    }
    status, outcome = journey.post(f"{base}/Questionnaire/$validate", form)
    assert status == 200
    missing = {
        word for issue in outcome["issue"] for word in ("text", "item") if f"{word} is missing" in issue["diagnostics"]
    }
    assert missing == ({"item"} if version == "2.2.0" else {"text"})


@pytest.mark.parametrize(
    ("given", "second"),
    [
        ({"PLACET_BASE_URL": "https://pas.example.org/fhir"}, "https://pas.example.org/r201/fhir"),
        ({"PLACET_BASE_URL": "https://pas.example.org"}, "https://pas.example.org/r201/fhir"),
        (
            {"PLACET_BASE_URL": "https://pas.example.org/a", "PLACET_BASE_URL_R201": "https://dtr.example.org/b/"},
            "https://dtr.example.org/b",
        ),
    ],
)
def test_both_public_bases_are_right_behind_a_proxy(
    new_journey: Callable[..., Journey], given: dict[str, str], second: str
) -> None:
    """Each statement names the base that callers reach it by."""
    settings = settings_with_two_callers(
        base_url=given["PLACET_BASE_URL"], base_url_r201=given.get("PLACET_BASE_URL_R201")
    )
    journey = new_journey(settings)
    bases = [journey.get(f"{path}/metadata")[1]["implementation"]["url"] for path in ("/fhir", "/r201/fhir")]
    assert bases == [given["PLACET_BASE_URL"], second]


def test_an_unsigned_caller_is_refused_at_both_bases(journey: Journey) -> None:
    """The second base asks for the same tokens."""
    for base in ("/fhir", "/r201/fhir"):
        assert journey.post(f"{base}/$validate", {"resourceType": "Patient"}, token="nobody" * 5)[0] == 401
        assert journey.post(f"{base}/$validate", {"resourceType": "Patient"}, token=NORTH_TOKEN)[0] == 200
