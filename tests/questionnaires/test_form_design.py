"""How the forms that come with the server are built: sections, who fills them in, units, what is filled beforehand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from questionnaires.content import DEMO

Json = dict[str, Any]

FORMS: dict[str, Json] = {path.parent.name: json.loads(path.read_text()) for path in DEMO.glob("*/questionnaire.json")}
VALUE_SETS: dict[str, Json] = {
    f"{each['url']}|{each['version']}": each
    for each in (json.loads(path.read_text()) for path in DEMO.glob("*/valuesets/*.json"))
}
ADAPTIVE = {"pap-device", "therapy-adult"}
EXPANDED_BELOW = 40
MADE_BY_FORMULA = "sdc-questionnaire-calculatedExpression"
FILLED_BEFOREHAND = "sdc-questionnaire-initialExpression"

each_form = pytest.mark.parametrize("form", [pytest.param(form, id=name) for name, form in sorted(FORMS.items())])


def extensions(node: Json) -> dict[str, list[Json]]:
    """The extensions by the last part of their url."""
    found: dict[str, list[Json]] = {}
    for each in node.get("extension", []):
        found.setdefault(each["url"].rpartition("/")[2], []).append(each)
    return found


def every_item(node: Json) -> Iterator[Json]:
    """The items at any depth."""
    for item in node.get("item", []):
        yield item
        yield from every_item(item)


def concepts(value_set: Json) -> list[Json]:
    """What a value set lists."""
    return [concept for include in value_set["compose"]["include"] for concept in include["concept"]]


def test_ten_and_more_forms_are_standard_and_two_are_adaptive() -> None:
    adaptive = {name for name, form in FORMS.items() if "sdc-questionnaire-questionnaireAdaptive" in extensions(form)}

    assert adaptive == ADAPTIVE
    assert len(set(FORMS) - adaptive) >= 10


@each_form
def test_a_form_says_who_fills_it_in_how_long_that_takes_and_since_when_it_holds(form: Json) -> None:
    """DTR dtrq-6, spec-53."""
    told = extensions(form)
    [time] = told["estimated-completion-time"]

    assert [each["valueCode"] for each in told["questionnaireAudience"]] == ["clinical", "admin"]
    assert {part["url"] for part in time["extension"]} == {"clinicalTime", "totalTime"}
    assert form["effectivePeriod"]["start"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", form["version"])
    assert all("|" in each["valueCanonical"] for each in told["cqf-library"])


@each_form
def test_the_clinical_part_comes_first_and_its_end_is_told(form: Json) -> None:
    """DTR spec-22: sections, the end of the clinical part, the administrative part, and the attestation last."""
    names = [item["linkId"] for item in form["item"]]
    end = names.index("clinical-done")

    assert {item["type"] for item in form["item"] if item["linkId"] != "clinical-done"} == {"group"}
    assert form["item"][end]["type"] == "display"
    assert end >= 2
    assert len(names) - end == 3
    assert names[-1] == "attestation"


@each_form
def test_items_have_names_that_rules_can_use(form: Json) -> None:
    names = [item["linkId"] for item in every_item(form)]

    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) or len(name) > 60] == []


@each_form
def test_amounts_have_units_and_choices_have_answers(form: Json) -> None:
    """DTR dtrq-2, dtrq-3, oper-16."""
    for item in every_item(form):
        if item["type"] == "quantity":
            units = [each["valueCoding"] for each in extensions(item)["questionnaire-unitOption"]]
            assert {unit["system"] for unit in units} == {"http://unitsofmeasure.org"}, item["linkId"]
        if item["type"] == "choice":
            assert ("answerOption" in item) is not ("answerValueSet" in item), item["linkId"]
            assert item.get("answerValueSet", "") in {"", *VALUE_SETS}, item["linkId"]


@each_form
def test_none_of_these_excludes_the_other_choices(form: Json) -> None:
    """SDC optionExclusive, where several may be chosen."""
    for item in every_item(form):
        for option in item.get("answerOption", []) if item.get("repeats") else []:
            alone = option["valueCoding"]["code"] == "none"
            assert ("questionnaire-optionExclusive" in extensions(option)) is alone, item["linkId"]


@each_form
def test_what_is_filled_beforehand_can_be_seen_and_corrected(form: Json) -> None:
    """DTR sec-4; what is calculated has no answer before."""
    for item in every_item(form):
        told = extensions(item)
        if FILLED_BEFOREHAND in told:
            assert not item.get("readOnly"), item["linkId"]
            assert "questionnaire-hidden" not in told, item["linkId"]
            assert "initial" not in item, item["linkId"]
        if MADE_BY_FORMULA in told:
            assert "initial" not in item, item["linkId"]


@each_form
def test_only_what_is_needed_is_asked(form: Json) -> None:
    """DTR spec-17: questions depend on answers, which come before them."""
    items = list(every_item(form))
    places = {item["linkId"]: place for place, item in enumerate(items)}
    asked = [(item, condition) for item in items for condition in item.get("enableWhen", [])]

    assert asked
    for item, condition in asked:
        assert places[condition["question"]] < places[item["linkId"]], item["linkId"]
    assert all(("enableBehavior" in item) is (len(item.get("enableWhen", [])) > 1) for item in items)


@each_form
def test_the_recommended_number_is_filled_in_beforehand(form: Json) -> None:
    """PF-14: by the form where one number fits all plans, else by the plan of the member."""
    numbers = [item for item in every_item(form) if item["type"] == "integer"]
    by_plan = [item for item in numbers if "urn:placet:extension:recommended" in extensions(item)]
    by_form = [item for item in numbers if "initial" in item]

    assert not [item for item in by_plan if item in by_form]
    assert len(by_plan) + len(by_form) <= 1


def test_a_form_names_a_short_value_set_and_another_a_long_one() -> None:
    """DTR oper-15, spec-163: short ones are packaged expanded."""
    named = {item["answerValueSet"] for form in FORMS.values() for item in every_item(form) if "answerValueSet" in item}
    sizes = [len(concepts(VALUE_SETS[each])) for each in named]

    assert min(sizes) < EXPANDED_BELOW <= max(sizes)


def test_codes_that_were_replaced_are_in_no_answer() -> None:
    """DTR oper-5: they are deprecated, and the set leaves inactive codes out."""
    replaced = {
        concept["code"]: value_set["compose"]["inactive"]
        for value_set in VALUE_SETS.values()
        for concept in concepts(value_set)
        if "valueset-deprecated" in extensions(concept)
    }

    assert replaced == {"I27.2": False, "J84.17": False}


@pytest.mark.parametrize("value_set", [pytest.param(each, id=name) for name, each in sorted(VALUE_SETS.items())])
def test_a_value_set_lists_each_code_once_with_its_words(value_set: Json) -> None:
    listed = [
        (include["system"], each["code"]) for include in value_set["compose"]["include"] for each in include["concept"]
    ]

    assert len(listed) == len(set(listed))
    assert all(each["display"] for each in concepts(value_set))
    assert value_set["immutable"] in (True, False)
