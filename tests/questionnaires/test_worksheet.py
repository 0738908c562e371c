"""Worksheets: a form for people without an EHR (PF-11)."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from questionnaires.content import load_content
from questionnaires.form_file import read_form
from questionnaires.forms import Form
from questionnaires.problem import Problem
from questionnaires.worksheet import Kind, Row, worksheet
from server.authorization.request import Quantity

FORMS = {form.canonical: form for form in load_content().forms}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_question_that_people_see_stands_on_the_worksheet_once(form: Form) -> None:
    rows = worksheet(form).rows
    numbers = [row.number for row in rows if row.number]
    assert len(numbers) == len(set(numbers))
    asked = [item.text for item in form.questions() if not item.hidden]
    assert [row.text for row in rows if row.number and row.kind is not Kind.SECTION] == asked


Sheet = Callable[..., list[Row]]


@pytest.fixture
def sheet_of(tmp_path: Path) -> Sheet:
    """The questions of the worksheet of a form with these items."""

    def sheet(*items: dict[str, Any], recommended: Quantity | None = None) -> list[Row]:
        resource = {"resourceType": "Questionnaire", "url": "urn:f", "version": "1", "title": "F", "status": "active"}
        file, problems = tmp_path / "questionnaire.json", list[Problem]()
        file.write_text(json.dumps(resource | {"item": list(items)}))
        form = read_form(file, problems)
        assert form is not None and not problems
        return [row for row in worksheet(form, recommended).rows if row.number]

    return sheet


def an_item(link_id: str, type: str, **more: Any) -> dict[str, Any]:
    return {"linkId": link_id, "text": f"Ask {link_id}?", "type": type, **more}


THREE_WEEKS = {"value": 3, "unit": "wk"}
COLOUR = {"system": "urn:a", "code": "r", "display": "Red"}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"question": "a", "operator": "=", "answerBoolean": True}, "question 1 is Yes"),
        ({"question": "a", "operator": "exists", "answerBoolean": False}, "question 1 is not answered"),
        ({"question": "n", "operator": ">=", "answerQuantity": THREE_WEEKS}, "question 2 is at least 3 weeks"),
        ({"question": "c", "operator": "!=", "answerCoding": COLOUR}, "question 3 is not Red"),
    ],
)
def test_when_a_question_is_asked_is_said_in_words(sheet_of: Sheet, condition: dict[str, Any], words: str) -> None:
    rows = sheet_of(
        an_item("a", "boolean"),
        an_item("n", "quantity"),
        an_item("c", "choice", answerOption=[{"valueCoding": COLOUR}]),
        an_item("last", "string", enableWhen=[condition]),
    )
    assert rows[-1].when == words


def test_choices_are_shown_by_their_words_and_helps_stand_with_their_question(sheet_of: Sheet) -> None:
    help_item = {
        "linkId": "h",
        "text": "Only the first.",
        "type": "display",
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl",
                "valueCodeableConcept": {"coding": [{"code": "help"}]},
            }
        ],
    }
    (row,) = sheet_of(an_item("c", "choice", answerOption=[{"valueCoding": COLOUR}], item=[help_item]))
    assert (row.kind, row.options, row.help) == (Kind.ONE, ("Red",), ("Only the first.",))


def test_the_recommended_amount_is_filled_in(sheet_of: Sheet) -> None:
    """PF-14."""
    mark = {"url": "urn:placet:extension:recommended", "valueBoolean": True}
    (row,) = sheet_of(an_item("units", "integer", extension=[mark]), recommended=Quantity(Decimal(12), "visit"))
    assert row.filled == "12"
