"""What a case answers is what its form asks: no wrong answer, and none open where a line is certified."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from questionnaires.cases import Case, cases_in
from questionnaires.content import DEMO
from questionnaires.files import read_files
from questionnaires.forms import Form
from questionnaires.notation import Bound, code_from
from questionnaires.problem import Severity
from questionnaires.response_check import check_response
from server.authorization.units import unit_word

Json = dict[str, Any]

FILES, _ = read_files(DEMO)
FORMS = {topic.topic: topic.form for topic in reversed(FILES.topics) if topic.form}
CASES = [case for case in cases_in(FILES) if case.values["answers"]]
CERTIFIED = ("approved", "modified")
BY_HAND = {
    "url": "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin",
    "extension": [
        {"url": "source", "valueCode": "manual"},
        {"url": "author", "extension": [{"url": "practitioner", "valueReference": {"reference": "Practitioner/1"}}]},
    ],
}


def response_of(case: Case, form: Form) -> Json:
    """The case's answers as a filled form."""
    answers = case.values["answers"]
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": form.canonical,
        "status": "completed",
        "item": list(filled(form.resource["item"], answers)),
    }


def filled(items: list[Json], answers: Json) -> Iterator[Json]:
    """The answered items, in the sections of the form."""
    for item in items:
        inner = list(filled(item.get("item", []), answers))
        if item["linkId"] in answers:
            given = answers[item["linkId"]]
            values = [{"extension": [BY_HAND], "value" + kind: value} for kind, value in answered(item, given)]
            yield {"linkId": item["linkId"], "answer": [*values[:-1], values[-1] | ({"item": inner} if inner else {})]}
        elif inner:
            yield {"linkId": item["linkId"], "item": inner}


def answered(item: Json, given: Any) -> Iterator[tuple[str, Any]]:
    """Type and value of each answer to the item."""
    for each in given if isinstance(given, list) else [given]:
        match item["type"]:
            case "boolean":
                yield "Boolean", each == "yes"
            case "integer":
                yield "Integer", int(each)
            case "decimal":
                yield "Decimal", Decimal(each)
            case "date":
                yield "Date", each
            case "quantity":
                yield "Quantity", quantity(item, each)
            case "choice":
                yield "Coding", coding(item, each)
            case _:
                yield "String", each


def quantity(item: Json, written: str) -> Json:
    """The amount in the unit of the form that the case means."""
    bound = Bound().deserialize(written)
    options = [each["valueCoding"] for each in item["extension"] if each["url"].endswith("unitOption")]
    unit = next(each for each in options if unit_word(each["code"]) == bound.unit)
    return {"value": bound.value, "unit": unit["display"], "system": unit["system"], "code": unit["code"]}


def coding(item: Json, written: str) -> Json:
    """The option, or the code of the value set."""
    options = [each["valueCoding"] for each in item.get("answerOption", ())]
    if options:
        return next(each for each in options if each["code"] == written)
    code = code_from(written)
    return {"system": code.system, "code": code.code}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.topic}, {case.plan}: {case.sentence}")
def test_a_case_answers_what_its_form_asks(case: Case) -> None:
    form = FORMS[case.topic]
    checked = check_response(response_of(case, form), form)

    wrong = [each for each in checked.problems if each.severity is Severity.ERROR]
    assert [f"{each.link_id}: {each.what}" for each in wrong if each.link_id not in checked.missing] == []
    if case.values["expect"] and all(each["status"] in CERTIFIED for each in case.values["expect"]):
        assert checked.missing == ()
