"""A package is all that a client needs to fill its form from a record: the ELM in it gives the expected answers."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from mappers.wire import to_bytes
from questionnaires.form_file import ADAPTIVE
from questionnaires.prepopulation import defines_named
from tests.dtr_client import contained_items, fill, values_for
from tests.journeys.conftest import Journey
from tests.prepopulation.engine import elm_of, prefill_each, unavailable
from tests.prepopulation.expectations import EMPTY, expectations, forms, patients

Json = dict[str, Any]
NAMES = {"/fhir": "packagebundle", "/r201/fhir": "PackageBundle"}
COVERAGE = {
    "resourceType": "Coverage",
    "id": "coverage-1",
    "status": "active",
    "subscriberId": "SUB-0001",
    "beneficiary": {"reference": "Patient/member-1"},
    "payor": [{"display": "Placet demo payer"}],
}
MOST_STEPS = 20
FORMS = forms()
ADAPTIVE_FORMS = [topic for topic, form in FORMS.items() if ADAPTIVE in {each["url"] for each in form["extension"]}]


@cache
def full_record(topic: str) -> str:
    """The first record of the topic's expectations that is not empty."""
    return next(name for name in expectations()[topic] if name not in EMPTY)


def package_of(journey: Journey, topic: str, base: str = "/fhir") -> Json:
    form = FORMS[topic]
    parameters = [
        {"name": "coverage", "resource": COVERAGE},
        {"name": "questionnaire", "valueCanonical": f"{form['url']}|{form['version']}"},
    ]
    body = {"resourceType": "Parameters", "parameter": parameters}
    status, answer = journey.post(f"{base}/Questionnaire/$questionnaire-package", body)
    assert status == 200, answer
    [package] = [each["resource"] for each in answer["parameter"] if each["name"] == NAMES[base]]
    return package


def of_type(package: Json, kind: str) -> list[Json]:
    return [entry["resource"] for entry in package["entry"] if entry["resource"]["resourceType"] == kind]


def said(answer: Json) -> Any:
    """An answer as expectations write it."""
    [value] = answer.values()
    kept = {"valueCoding": ("system", "code"), "valueQuantity": ("value", "unit")}
    return {name: value[name] for kind in answer for name in kept[kind]} if isinstance(value, dict) else value


def expected_answers(topic: str) -> Json:
    """linkId -> what the full record gives; what it does not say is left out."""
    given = expectations()[topic][full_record(topic)]
    values = {link_id: given[define] for link_id, _library, define in defines_named(FORMS[topic])}
    lists = {link_id: value if isinstance(value, list) else [value] for link_id, value in values.items()}
    return {link_id: several for link_id, several in lists.items() if several not in ([], [None])}


def questions_of(journey: Journey, package: Json) -> Json | None:
    """All that an adaptive form asks of somebody who gives the first answer that fits; None for a standard form."""
    [response] = of_type(package, "QuestionnaireResponse")
    if "contained" not in response:
        return None
    for _ in range(MOST_STEPS):
        status, response = journey.post("/fhir/Questionnaire/$next-question", to_bytes(response))
        assert status == 200, response
        if response["status"] == "completed":
            break
        response = fill(contained_items(response), response, lambda item: values_for(item, lambda several: several[0]))
    questionnaire: Json = response["contained"][0]
    return questionnaire


def test_the_elm_of_a_package_fills_its_form(journey: Journey) -> None:
    if reason := unavailable():
        pytest.skip(reason)
    packages = {topic: package_of(journey, topic) for topic in FORMS}
    asked = {topic: questions_of(journey, package) for topic, package in packages.items()}
    filled = prefill_each((packages[topic], patients()[full_record(topic)], asked[topic]) for topic in FORMS)
    for topic, form in zip(FORMS, filled, strict=True):
        given = {link_id: [said(each) for each in several] for link_id, several in form.items()}
        named = {link_id for link_id, _library, _define in defines_named(asked[topic] or FORMS[topic])}
        expected = {link_id: values for link_id, values in expected_answers(topic).items() if link_id in named}
        assert (topic, given) == (topic, expected)
        assert given


def test_adaptive_forms_are_among_them() -> None:
    assert len(ADAPTIVE_FORMS) >= 2


def test_both_bases_hand_out_the_same_elm(journey: Journey) -> None:
    for topic in FORMS:
        current, former = (of_type(package_of(journey, topic, base), "Library") for base in NAMES)
        assert [elm_of(each) for each in current] == [elm_of(each) for each in former]
        assert {each["name"] for each in current} >= {"PlacetCommon"}
