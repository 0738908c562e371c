"""A form is read whole: its tree, what is asked when, what may be answered; and what is wrong with it, by line."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from questionnaires.form_file import read_form
from questionnaires.form_valuesets import FormValueSets, read_valuesets
from questionnaires.forms import EnableWhen, Form
from questionnaires.problem import Problem
from server.authorization.request import Code, Quantity
from server.authorization.systems import ICD_10_CM

CORE, SDC = "http://hl7.org/fhir/StructureDefinition/", "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
DISEASES = {
    "resourceType": "ValueSet",
    "url": "urn:test:diseases",
    "version": "1.0.0",
    "status": "active",
    "compose": {
        "include": [
            {"system": ICD_10_CM, "concept": [{"code": "M17.11"}, {"code": "M17.12"}]},
            {"valueSet": ["urn:test:more"]},
        ],
        "exclude": [{"system": ICD_10_CM, "concept": [{"code": "M17.12"}]}],
    },
}
MORE = {
    "resourceType": "ValueSet",
    "url": "urn:test:more",
    "version": "1.0.0",
    "status": "active",
    "expansion": {"contains": [{"system": ICD_10_CM, "code": "G47.33", "contains": [{"code": "x", "abstract": True}]}]},
}
WHOLE_SYSTEM = {**MORE, "url": "urn:test:all", "expansion": None, "compose": {"include": [{"system": ICD_10_CM}]}}


def a_form(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A Questionnaire with these items."""
    root = {"resourceType": "Questionnaire", "url": "urn:test:form", "version": "1.0.0", "title": "Test"}
    return {**root, "status": "active", **more, "item": list(items)}


def question(link_id: str, type_: str = "boolean", **more: Any) -> dict[str, Any]:
    """A question."""
    return {"linkId": link_id, "text": f"About {link_id}", "type": type_, **more}


def read(tmp_path: Path, form: dict[str, Any], *sets: dict[str, Any]) -> tuple[Form | None, list[Problem]]:
    """The form as it is read from a file beside these ValueSets."""
    for number, each in enumerate(sets):
        (tmp_path / f"{number}.json").write_text(json.dumps({k: v for k, v in each.items() if v is not None}))
    problems: list[Problem] = []
    named = read_valuesets(tmp_path, problems) if sets else FormValueSets()
    path = tmp_path / "questionnaire.form"
    path.write_text(json.dumps(form, indent=1))
    return read_form(path, problems, named), problems


def the(tmp_path: Path, *items: dict[str, Any], sets: tuple[dict[str, Any], ...] = (), **more: Any) -> Form:
    """The form with these items, which has no problem."""
    form, problems = read(tmp_path, a_form(*items, **more), *sets)
    assert (form is not None, [str(each) for each in problems]) == (True, [])
    assert form is not None
    return form


def test_items_are_a_tree_and_a_list_in_the_same_order(tmp_path: Path) -> None:
    inner = question("help", "display", extension=[control("help")])
    form = the(tmp_path, question("g", "group", item=[question("a", item=[inner]), question("b")]), question("c"))

    assert list(form.items) == ["g", "a", "help", "b", "c"]
    assert [item.link_id for item in form.tree] == ["g", "c"]
    assert form.tree[0].items[0].items[0] is form.items["help"]
    assert form.around == {"a": "g", "b": "g", "help": "a"}
    assert [item.link_id for item in form.questions()] == ["a", "b", "c"]
    assert form.items["help"].help and not form.items["a"].help


def control(code: str) -> dict[str, Any]:
    """An itemControl."""
    coding = {"system": "http://hl7.org/fhir/questionnaire-item-control", "code": code}
    return {"url": CORE + "questionnaire-itemControl", "valueCodeableConcept": {"coding": [coding]}}


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ({"answerBoolean": True}, True),
        ({"answerInteger": 5}, Decimal(5)),
        ({"answerDecimal": 5.25}, Decimal("5.25")),
        ({"answerString": "x"}, "x"),
        ({"answerCoding": {"system": "urn:test", "code": "x"}}, Code("urn:test", "x")),
        ({"answerQuantity": {"value": 15, "system": "u", "code": "/h"}}, Quantity(Decimal(15), "/h", "u")),
    ],
)
@pytest.mark.parametrize("operator", ["=", "!=", ">", "<", ">=", "<="])
def test_what_an_item_depends_on_is_read(tmp_path: Path, operator: str, answer: dict[str, Any], meant: object) -> None:
    condition = {"question": "a", "operator": operator, **answer}
    form = the(tmp_path, question("a"), question("b", enableWhen=[condition]))

    assert form.items["b"].enabled == (EnableWhen("a", operator, meant),)


def test_what_may_be_answered_is_read(tmp_path: Path) -> None:
    unit = {"valueCoding": {"system": "http://unitsofmeasure.org", "code": "/h"}}
    days = [{"url": CORE + "minValue", "valueInteger": 0}, {"url": CORE + "maxValue", "valueDecimal": 7.5}]
    form = the(
        tmp_path,
        question("rate", "quantity", extension=[{"url": CORE + "questionnaire-unitOption", **unit}], required=True),
        question("days", "decimal", extension=days, readOnly=True, initial=[{"valueDecimal": 1.5}]),
        question("words", "choice", answerOption=[{"valueString": "x"}], repeats=True),
        question("signed", extension=[{"url": CORE + "questionnaire-signatureRequired"}]),
        question("secret", extension=[{"url": CORE + "questionnaire-hidden", "valueBoolean": True}]),
        effectivePeriod={"start": "2026-01-01"},
        extension=[{"url": SDC + "sdc-questionnaire-questionnaireAdaptive", "valueBoolean": True}],
    )
    rate, days_, words = (form.items[name] for name in ("rate", "days", "words"))

    assert (rate.units, rate.unit, rate.required) == ((Code("http://unitsofmeasure.org", "/h"),), "/h", True)
    assert (days_.low, days_.high, days_.read_only) == (Decimal(0), Decimal("7.5"), True)
    assert days_.initial == ({"valueDecimal": Decimal("1.5")},)
    assert (words.texts, words.options, words.repeats) == (("x",), (), True)
    assert (form.items["signed"].signed, form.items["secret"].hidden) == (True, True)
    assert (form.adaptive, str(form.first), form.last) == (True, "2026-01-01", None)


def test_options_come_from_value_sets(tmp_path: Path) -> None:
    chosen = question("disease", "choice", answerValueSet="urn:test:diseases|1.0.0")
    form = the(tmp_path, chosen, sets=(DISEASES, MORE))

    assert form.items["disease"].options == (Code(ICD_10_CM, "M17.11"), Code(ICD_10_CM, "G47.33"))
    assert [each.canonical for each in form.sets] == ["urn:test:diseases|1.0.0", "urn:test:more|1.0.0"]


def test_a_set_that_only_a_terminology_server_can_list_allows_any_code(tmp_path: Path) -> None:
    form = the(tmp_path, question("any", "choice", answerValueSet="urn:test:all"), sets=(WHOLE_SYSTEM,))

    assert form.items["any"].options == ()


def test_a_change_of_a_value_set_is_a_change_of_the_forms_that_choose_from_it(tmp_path: Path) -> None:
    chosen, other = question("d", "choice", answerValueSet="urn:test:more"), question("a")
    changed = {**MORE, "title": "More"}

    assert the(tmp_path, chosen, sets=(MORE,)).digest != the(tmp_path, chosen, sets=(changed,)).digest
    assert the(tmp_path, other, sets=(MORE,)).digest == the(tmp_path, other, sets=(changed,)).digest


@pytest.mark.parametrize(
    ("items", "what", "line"),
    [
        ([question("d", "choice", answerValueSet="urn:test:x")], "names a value set that is not there", 12),
        ([question("d", "choice", answerOption=[{"valueCoding": {}}])], "an option of item 'd' has no value", 13),
        ([question("a", enableWhen=[{"question": "z"}])], "depends on an item that is not there: z", 13),
        ([question("a", enableWhen=[{"question": "a", "operator": "is"}])], "in a way that is not known", 13),
        (
            [question("a", enableWhen=[{"question": "a", "operator": "exists", "answerBoolean": True}] * 2)],
            "does not say whether all of its conditions count",
            8,
        ),
    ],
)
def test_a_problem_names_its_line(tmp_path: Path, items: list[dict[str, Any]], what: str, line: int) -> None:
    form, problems = read(tmp_path, a_form(*items), MORE)

    assert form is None
    assert [(each.line, what in each.what) for each in problems] == [(line, True)]
    assert all(each.mend for each in problems)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "this is not JSON"),
        ('{"a": 1,\n"a": 2}', "this is not JSON"),
        ("[]", "this is no ValueSet"),
        ('{"resourceType": "ValueSet"}', "the value set has no url"),
    ],
)
def test_a_value_set_that_cannot_be_read_is_told(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "x.json").write_text(text)
    problems: list[Problem] = []

    assert list(read_valuesets(tmp_path, problems)) == []
    assert what in problems[0].what
    assert problems[0].file.endswith("x.json")
