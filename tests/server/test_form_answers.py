"""A filled form is held against the version of the form that it names, and only its own problems are told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mappers.dtr.read import read_answers
from questionnaires.form_file import read_form
from questionnaires.forms import Forms
from server.operations.form_answers import MOST_FAULTS, as_issue, checked_answers, held_against_form
from tests.dtr_client import by_hand

Json = dict[str, Any]
URL = "urn:test:form"


def a_form(version: str, *link_ids: str) -> Json:
    """A version that requires yes or no of these items."""
    items = [{"linkId": each, "text": each, "type": "boolean", "required": True} for each in link_ids]
    root = {"resourceType": "Questionnaire", "url": URL, "version": version, "title": "T", "status": "active"}
    return root | {"item": items}


@pytest.fixture
def forms(tmp_path: Path) -> Forms:
    """A form in two versions: the earlier one asks for less."""
    read = []
    for number, each in enumerate((a_form("1.0.0", "a"), a_form("2.0.0", "a", "b"))):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(each))
        form = read_form(path, [])
        assert form is not None
        read.append(form)
    return Forms(read)


def filled(form: str, **answers: Any) -> Json:
    """A response to a form."""
    items = [{"linkId": name, "answer": [by_hand(value)]} for name, value in answers.items()]
    return {"resourceType": "QuestionnaireResponse", "questionnaire": form, "status": "completed", "item": items}


YES = {"valueBoolean": True}


@pytest.mark.parametrize(
    ("form", "open_", "rules"),
    [
        (f"{URL}|1.0.0", (), []),
        (f"{URL}|2.0.0", ("b",), ["R4 Questionnaire.item.required"]),
        (URL, ("b",), ["R4 Questionnaire.item.required"]),
        (f"{URL}|7.0.0", ("b",), ["R4 Questionnaire.item.required", "DTR spec-122"]),
        ("urn:others:form|1", (), []),
    ],
)
def test_a_response_is_held_against_the_version_it_names(
    forms: Forms, form: str, open_: tuple[str, ...], rules: list[str]
) -> None:
    response = filled(form, a=YES)
    answers, problems = held_against_form(read_answers(response), response, forms)

    assert (answers.open, [each.rule for each in problems]) == (open_, rules)
    assert [each.link_id for each in answers.answers] == ["a"]


def test_what_does_not_count_is_left_out_told_and_still_open(forms: Forms) -> None:
    answers = checked_answers(filled(f"{URL}|2.0.0", a={"valueString": "a secret"}, b=YES), forms, (3,))

    assert [each.link_id for each in answers.answers] == ["b"]
    assert (answers.open, answers.lines) == (("a",), (3,))
    assert answers.faults == (
        "In the filled form item 'a' is of type boolean and has a valueString; write valueBoolean.",
    )


def test_only_so_many_problems_are_told_to_people(forms: Forms) -> None:
    response = filled(f"{URL}|2.0.0", a=YES, b=YES)
    response["item"] += [{"linkId": f"unknown-{n}-{'x' * n}"} for n in range(50)]
    response["item"] += [{"linkId": "a", "answer": [by_hand({f"value{each}": 1})]} for each in ("Code", "Uri", "Time")]

    assert 0 < len(checked_answers(response, forms).faults) <= MOST_FAULTS


def test_a_problem_is_kept_as_a_warning_where_it_is(forms: Forms) -> None:
    response = filled(f"{URL}|2.0.0", a={"valueString": "x"}, b=YES)
    _, problems = held_against_form(read_answers(response), response, forms)
    issue = as_issue(problems[0], "Bundle.entry[3].resource")

    assert issue == replace(
        issue, severity="warning", code="value", expression="Bundle.entry[3].resource.item[0].answer[0]"
    )
