"""Every expression that fills a form is run by a CQL engine on invented records, full ones and empty ones."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from questionnaires.content import DEMO
from tests.prepopulation.answers import answers
from tests.prepopulation.engine import TOOLS, Values, evaluate, unavailable
from tests.prepopulation.expectations import (
    EMPTY,
    SHARED,
    expectations,
    forms,
    libraries,
    named_defines,
    patients,
    plain,
    shared_expectations,
    value_sets,
)

FORMS, EXPECTED = forms(), expectations()
EACH = [(topic, patient) for topic, expected in EXPECTED.items() for patient in expected]
TRIED = shared_expectations()


@pytest.fixture(scope="module")
def values() -> Values:
    """Every define of every library for every patient."""
    if reason := unavailable():
        pytest.skip(reason)
    known = libraries()
    compiled = [json.loads(library.elm) for library in known if library.elm]
    names = [library.name for library in known if library.elm]
    return evaluate(compiled, value_sets() + value_sets(SHARED), patients(), names)


def library_of(topic: str) -> str:
    return next(each.name for each in libraries() if each.path == DEMO / topic / "prepopulation.cql")


@pytest.mark.parametrize(("topic", "patient"), EACH)
def test_a_record_fills_the_form_as_expected(topic: str, patient: str, values: Values) -> None:
    given = values[patient][library_of(topic)]
    expected = EXPECTED[topic][patient]
    assert {name: plain(given.get(name, "no such define")) for name in expected} == expected


@pytest.mark.parametrize("topic", FORMS)
def test_what_fills_a_question_is_an_answer_that_it_takes(topic: str, values: Values) -> None:
    sets = value_sets()
    filled = {name: answers(FORMS[topic], values[name], sets) for name in EXPECTED[topic]}
    assert any(filled.values())


@pytest.mark.parametrize("topic", FORMS)
def test_every_question_that_is_filled_is_tried_with_full_and_empty_records(topic: str) -> None:
    expected = EXPECTED.get(topic, {})
    named = [*named_defines(FORMS[topic])]
    missing = {name: [each for each in named if each not in given] for name, given in expected.items()}
    assert not any(missing.values()), f"{topic}.yaml: no expectation: {missing}"
    assert set(EMPTY) < set(expected), f"{topic}.yaml: {EMPTY} and at least one full record are needed"
    nothing = [each for each in named if all(values[each] in (None, []) for values in expected.values())]
    assert not nothing, f"{topic}.yaml: no record gives {nothing}"


def test_expectations_are_about_forms_that_are_filled() -> None:
    assert set(EXPECTED) == set(FORMS)
    assert {patient for expected in EXPECTED.values() for patient in expected} <= set(patients())


@pytest.mark.parametrize("name", patients())
def test_a_record_is_valid_fhir(name: str) -> None:
    bundle = patients()[name]
    get_fhir_model_class("Bundle").model_validate(bundle)
    people = [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Patient"]
    assert [person["id"] for person in people] == [name]


@pytest.mark.parametrize("patient", TRIED)
def test_a_shared_function_gives_what_the_record_says(patient: str, values: Values) -> None:
    given = values[patient]["PlacetCommonChecks"]
    assert {name: plain(given.get(name, "no such define")) for name in TRIED[patient]} == TRIED[patient]


def test_every_shared_function_is_tried() -> None:
    known = {library.name: library for library in libraries()}
    shared = {each["name"] for each in known["PlacetCommon"].compiled["statements"]["def"]} - {"Patient"}
    used = set(_names_from(known["PlacetCommonChecks"].compiled["statements"]))
    assert shared <= used


def test_make_elm_would_write_the_same() -> None:
    if reason := unavailable():
        pytest.skip(reason)
    command = [shutil.which("node") or "node", str(TOOLS / "compile.mjs"), "--check", str(DEMO), str(SHARED)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


def _names_from(value: Any) -> list[str]:
    """What of PlacetCommon is used, at any depth."""
    if isinstance(value, list):
        return [name for each in value for name in _names_from(each)]
    if not isinstance(value, dict):
        return []
    own = [value["name"]] if value.get("libraryName") == "Common" else []
    return own + _names_from([*value.values()])
