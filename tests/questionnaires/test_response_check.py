"""A filled form is held against its form: every kind of problem, at its place, by its rule, with a repair."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from questionnaires.answer_problem import Checked
from questionnaires.form_file import read_form
from questionnaires.forms import Form
from questionnaires.problem import Problem, Severity
from questionnaires.response_check import MOST_PROBLEMS, check_response
from server.authorization.scores import Formula, Score

HERE = Path(__file__).parent
CASES = yaml.safe_load((HERE / "response_cases.yaml").read_text("utf-8"))
ORIGIN = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin"
SCORE = Score("score", ("s-1", "s-2"), Decimal(0), Decimal(5), Formula.SUM, 2)


@pytest.fixture(scope="module")
def form() -> Form:
    """A form with an item of every kind."""
    problems: list[Problem] = []
    read = read_form(HERE / "every_item.json", problems)
    assert (problems, read is not None) == ([], True)
    assert read is not None
    return replace(read, scores=(SCORE,))


def answer(value: Any, origin: dict[str, Any] | None = None) -> dict[str, Any]:
    """An answer: {Boolean: true} is valueBoolean true; by default a person gave it."""
    if origin is None:
        author = {"url": "author", "extension": [{"url": "role", "valueCodeableConcept": {"text": "Nurse"}}]}
        parts = [{"url": "source", "valueCode": "manual"}, author]
    else:
        parts = [{"url": "source", "valueCode": origin["source"]}] if "source" in origin else []
        parts += [{"url": "author", "extension": []}] if origin.get("author") else []
    given = {f"value{type_}": Decimal(str(each)) if type_ == "Decimal" else each for type_, each in value.items()}
    return {**given, "extension": [{"url": ORIGIN, "extension": parts}] if parts else []}


def item(link_id: str, given: Any) -> dict[str, Any]:
    """An item of a response: a list of answers, or a mapping of the items in it."""
    if isinstance(given, dict):
        return {"linkId": link_id, "item": items(given)}
    return {"linkId": link_id, "answer": [answer(each, origin=each.pop("origin", None)) for each in map(dict, given)]}


def items(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Items by linkId; "linkId#2" is another one of the same."""
    return [item(link_id.partition("#")[0], each) for link_id, each in given.items()]


def response(case: dict[str, Any]) -> dict[str, Any]:
    """The response of a case: every required answer is there unless the case says otherwise."""
    given = {"start": [{"Boolean": False}], **case.get("items", {})}
    root = {"resourceType": "QuestionnaireResponse", "status": case.get("status", "completed")}
    return {**root, "item": items({name: each for name, each in given.items() if each is not None})}


def checked(case: dict[str, Any], form: Form) -> Checked:
    """What is found in the response of a case."""
    return check_response(response(case), form, canonical=case.get("form", form.canonical))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_what_is_wrong_is_found(case: dict[str, Any], form: Form) -> None:
    found = checked(case, form)
    told = [f"{each.severity} {each.expression.partition('.')[2] or '-'} {each.rule}" for each in found.problems]

    assert told == case.get("problems", [])
    assert sorted(found.dropped) == sorted(case.get("dropped", []))
    assert list(found.missing) == case.get("missing", [])
    assert all(each.what and each.mend for each in found.problems)


def test_every_check_and_every_type_has_a_case() -> None:
    rules = {problem.split(" ", 2)[2] for case in CASES for problem in case.get("problems", [])}
    types = {type_ for case in CASES for type_ in str(case.get("items", "")).split("'") if type_[:1].isupper()}

    assert {"R4 Questionnaire.item.required", "SDC sdcqr-2", "DTR dtrx-1", "R4 questionnaire-unitOption"} <= rules
    assert {"Boolean", "Decimal", "Integer", "Date", "DateTime", "Time", "String", "Uri", "Coding"} <= types
    assert {"Quantity", "Reference", "Attachment"} <= types


def test_nothing_that_was_answered_is_repeated(form: Form) -> None:
    case = {"items": {"kind": [{"Coding": {"system": "urn:secret", "code": "secret"}}], "words": [{"Integer": 77123}]}}
    found = checked(case, form)

    assert found.problems
    assert all("secret" not in str(each) and "77123" not in str(each) for each in found.problems)


@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, [None], [7], ["x"], [[]], {"item": 7}, [{"linkId": []}]])
def test_oddly_built_responses_are_told_or_ignored(odd: Any, form: Form) -> None:
    for node in (
        {"item": odd},
        {"item": [{"linkId": "kind", "answer": odd}]},
        {"item": [{"linkId": "g", "item": odd}]},
    ):
        assert all(each.what for each in check_response(node, form).problems)
    for name in ("Boolean", "Coding", "Quantity", "Date", "Reference", "Decimal"):
        assert check_response({"item": [{"linkId": "start", "answer": [{f"value{name}": odd}]}]}, form).problems


def test_a_long_response_takes_time_in_proportion(form: Form) -> None:
    def seconds(count: int) -> float:
        bad = {"g": {f"again#{number}": {"inner": [{"Integer": number}]} for number in range(count)}}
        sent = response({"items": {**bad, **{f"kind#{number}": [{"Boolean": True}] for number in range(count)}}})
        began = time.process_time()
        found = check_response(sent, form)
        assert len(found.problems) == MOST_PROBLEMS
        return time.process_time() - began

    assert seconds(5000) < 2


def test_deep_nesting_is_not_followed(form: Form) -> None:
    node: dict[str, Any] = {"linkId": "kind"}
    for _ in range(5000):
        node = {"linkId": "kind", "item": [node]}
    found = check_response({"status": "completed", "item": [node]}, form)

    assert len(found.problems) < 10


def test_errors_come_before_warnings(form: Form) -> None:
    case = {"items": {"words": [{"String": "x", "origin": {}}], "kind": [{"Boolean": True}]}}
    severities = [each.severity for each in checked(case, form).problems]

    assert severities == sorted(severities, key=lambda each: each is not Severity.ERROR)
    assert len(set(severities)) == 2
