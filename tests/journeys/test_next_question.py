"""An adaptive form is asked step by step through the door, in both dialects; every answer conforms to the guide."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from mappers.wire import to_bytes
from profiles import issues_in
from questionnaires.content import load_content
from tests.dtr_client import DTR, Pick, begun, by_hand, coded, contained_items, fill, given, questions, values_for
from tests.journeys.conftest import Journey

Json = dict[str, Any]

BASES = {"2.2.0": "/fhir", "2.0.1": "/r201/fhir"}
GUIDES = {"2.2.0": "2.2.1", "2.0.1": "2.0.1"}
PROFILES = {"2.2.0": DTR + "dtr-questionnaireresponse-adapt", "2.0.1": DTR + "dtr-questionnaireresponse"}
FORMS = [form for form in load_content().forms if form.adaptive]
PAP = "urn:placet:form:pap-device"
NEXT = "/Questionnaire/$next-question"
MOST_STEPS = 20
FIRST_DEVICE = {
    "request-kind": coded("first"),
    "pressure": coded("one"),
    "condition": coded("osa"),
    "examined": {"valueDate": "2026-10-01"},
    "study-date": {"valueDate": "2026-10-10"},
    "ahi": {"valueQuantity": {"value": 20, "system": "http://unitsofmeasure.org", "code": "/h"}},
    "events": {"valueInteger": 60},
    "instructed": {"valueBoolean": True},
}

dialects = pytest.mark.parametrize("dialect", BASES)


def canonical(url: str) -> str:
    """The newest version of a form."""
    return next(form.canonical for form in FORMS if form.url == url)


def ask(journey: Journey, response: Json, dialect: str) -> Json:
    """The next step."""
    status, answer = journey.post(BASES[dialect] + NEXT, to_bytes(response))
    assert status == 200, answer
    return answer


def steps(journey: Journey, url: str, dialect: str, pick: Pick) -> list[Json]:
    """Every answer of a session, until it is completed."""
    response, found = begun(canonical(url), dialect), []
    for _ in range(MOST_STEPS):
        found.append(ask(journey, response, dialect))
        if found[-1]["status"] == "completed":
            return found
        response = fill(contained_items(found[-1]), found[-1], pick)
    raise AssertionError("the session has no end")


def asked(response: Json) -> list[str]:
    """What the contained form asks."""
    return list(questions(contained_items(response)))


def errors(response: Json, dialect: str) -> list[str]:
    """What is wrong with an answer of ours by the guide of the dialect."""
    found = issues_in(response, PROFILES[dialect], version=GUIDES[dialect])
    return [str(issue) for issue in found if issue.severity == "error"]


def decimals(response: Json) -> Json:
    """JSON with decimals as they were written."""
    read: Json = json.loads(json.dumps(response), parse_float=Decimal)
    return read


@dialects
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("url", [form.url for form in FORMS])
def test_a_session_ends_and_every_step_conforms(journey: Journey, url: str, seed: int, dialect: str) -> None:
    random = Random(seed)
    session = steps(journey, url, dialect, lambda item: values_for(item, random.choice))

    assert [wrong for step in session for wrong in errors(decimals(step), dialect)] == []
    assert [step["status"] for step in session[:-1]] == ["in-progress"] * (len(session) - 1)
    assert asked(session[-1]) == asked(session[-2]) or dialect == "2.0.1"


def test_in_2_2_0_questions_come_with_their_conditions_in_few_steps(journey: Journey) -> None:
    first, second, last = steps(journey, PAP, "2.2.0", given(FIRST_DEVICE))

    assert {"request-kind", "pressure", "condition"} <= set(asked(first))
    assert not {"study-date", "nights-used"} & set(asked(first))
    assert {"study-date", "ahi", "instructed"} <= set(asked(second))
    assert not {"nights-used", "paco2", "central-index"} & set(asked(last))
    assert "enableWhen" in json.dumps(contained_items(first))


def test_in_2_0_1_nothing_has_a_condition_and_deciding_questions_come_first(journey: Journey) -> None:
    session = steps(journey, PAP, "2.0.1", given(FIRST_DEVICE))

    assert "request-kind" in asked(session[0])
    assert "pressure" not in asked(session[0])
    assert "pressure" in asked(session[1])
    assert all("enableWhen" not in json.dumps(step) and "enableBehavior" not in json.dumps(step) for step in session)


@dialects
def test_the_end_of_the_clinical_part_is_told_before_the_administrative_one(journey: Journey, dialect: str) -> None:
    for step in steps(journey, PAP, dialect, given(FIRST_DEVICE)):
        names = [item["linkId"] for item in contained_items(step)]
        assert ("contact" in names) == ("clinical-done" in names)
        if "contact" in names:
            assert names.index("clinical-done") < names.index("contact")


@dialects
def test_what_no_rule_can_need_is_not_asked(journey: Journey, dialect: str) -> None:
    """With 20 events an hour no symptom is needed; with 7 it is."""
    few = FIRST_DEVICE | {"ahi": {"valueQuantity": {"value": 7, "system": "http://unitsofmeasure.org", "code": "/h"}}}
    few |= {"symptoms": coded("sleepiness")}
    many, fewer = (steps(journey, PAP, dialect, given(answers))[-1] for answers in (FIRST_DEVICE, few))

    assert "symptoms" not in [each["linkId"] for each in all_items(many)]
    assert "symptoms" in [each["linkId"] for each in all_items(fewer)]


def all_items(response: Json) -> list[Json]:
    """Every item of a response."""
    found, waiting = [], list(response.get("item", []))
    while waiting:
        item = waiting.pop()
        found.append(item)
        waiting += item.get("item", [])
    return found


@dialects
def test_the_contained_form_is_right_in_its_dialect(journey: Journey, dialect: str) -> None:
    step = ask(journey, begun(canonical(PAP), dialect), dialect)
    form = step["contained"][0]
    adaptive = [each["valueUrl"] for each in form["extension"] if each["url"].endswith("questionnaireAdaptive")]

    assert form["derivedFrom"] == [canonical(PAP)]
    assert form["meta"] == {"profile": [f"{DTR}dtr-questionnaire-adapt|{dialect}"]}
    assert (form["subjectType"], "version" in form, len(adaptive)) == (["Patient"], False, 1)
    assert adaptive[0].endswith(BASES[dialect])
    assert ("url" in form, "text" in form) == ((True, False) if dialect == "2.2.0" else (False, True))
    assert step["questionnaire"] == "#" + form["id"]


@dialects
def test_the_same_answers_lead_to_the_same_step(journey: Journey, dialect: str) -> None:
    first = ask(journey, begun(canonical(PAP), dialect), dialect)
    filled = fill(contained_items(first), first, given(FIRST_DEVICE))

    assert ask(journey, begun(canonical(PAP), dialect), dialect) == first
    assert ask(journey, filled, dialect) == ask(journey, filled, dialect)


@dialects
def test_what_was_sent_is_echoed(journey: Journey, dialect: str) -> None:
    first = ask(journey, begun(canonical(PAP), dialect), dialect)
    filled = fill(contained_items(first), first, given(FIRST_DEVICE))
    filled["author"] = {"reference": "Practitioner/1"}
    second = ask(journey, filled, dialect)

    kept = ("id", "meta", "extension", "subject", "author", "authored")
    assert {name: second[name] for name in kept} == {name: filled[name] for name in kept}
    assert set(asked(first)) - set(asked(second)) == set()
    told = {each["linkId"]: each["answer"] for each in all_items(second) if "answer" in each}
    assert all(told[each["linkId"]] == each["answer"] for each in all_items(filled) if "answer" in each)


@dialects
def test_a_completed_response_is_echoed_as_it_is(journey: Journey, dialect: str) -> None:
    last = steps(journey, PAP, dialect, given(FIRST_DEVICE))[-1]

    assert ask(journey, last, dialect) == last


@dialects
def test_required_questions_that_are_open_are_asked_again(journey: Journey, dialect: str) -> None:
    first = ask(journey, begun(canonical(PAP), dialect), dialect)
    again = ask(journey, first, dialect)

    assert again["status"] == "in-progress"
    assert "request-kind" in asked(again)


def test_parameters_of_2_2_0_are_answered_with_parameters(journey: Journey) -> None:
    response = begun(canonical(PAP), "2.2.0")
    parameter = {"name": "questionnaire-response", "resource": response}
    plain = {"resourceType": "Parameters", "parameter": [parameter]}
    claiming = plain | {"meta": {"profile": [DTR + "dtr-next-question-input-parameters|2.2.0"]}}
    bare = ask(journey, response, "2.2.0")

    assert ask(journey, plain, "2.2.0") == bare
    answer = ask(journey, claiming, "2.2.0")
    assert answer["parameter"] == [{"name": "return", "resource": bare}]
    profile = DTR + "dtr-next-question-output-parameters"
    assert [each for each in issues_in(decimals(answer), profile) if each.severity == "error"] == []


def test_a_client_may_send_the_form_itself_as_contained(journey: Journey) -> None:
    """Clients of 2.0.1 do: with url, a boolean mark, without derivedFrom, context or use."""
    url, _, version = canonical(PAP).partition("|")
    mark = {"url": "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-questionnaireAdaptive"}
    form = {"resourceType": "Questionnaire", "id": "search", "url": url, "version": version, "status": "active"}
    response = {
        "resourceType": "QuestionnaireResponse",
        "contained": [form | {"extension": [mark | {"valueBoolean": True}]}],
        "questionnaire": "#search",
        "status": "in-progress",
    }
    answer = ask(journey, response, "2.0.1")

    assert answer["contained"][0]["derivedFrom"] == [canonical(PAP)]
    assert (answer["contained"][0]["id"], answer["questionnaire"]) == ("search", "#search")
    assert "url" not in answer["contained"][0]
    assert answer["authored"]


def test_every_wrong_answer_is_told_at_once(journey: Journey) -> None:
    first = ask(journey, begun(canonical(PAP), "2.2.0"), "2.2.0")
    wrong = {"request-kind": coded("never"), "order-date": {"valueBoolean": True}, "months": {"valueString": "x"}}
    filled = fill(
        contained_items(first), first, lambda item: [wrong[item["linkId"]]] if item["linkId"] in wrong else []
    )
    filled["item"].append({"linkId": "no-such-item", "answer": [by_hand({"valueBoolean": True})]})
    status, outcome = journey.post("/fhir" + NEXT, filled)
    told = [(each["expression"][0], each["severity"]) for each in outcome["issue"] if each["severity"] == "error"]

    assert (status, outcome["resourceType"]) == (400, "OperationOutcome")
    assert len(told) >= 3
    assert any(place.endswith(f"item[{len(filled['item']) - 1}]") for place, _severity in told)
    assert "never" not in json.dumps(outcome)


def test_a_number_out_of_its_range_refuses_nothing(journey: Journey) -> None:
    """DTR conf-10: minValue and maxValue are not mustSupport."""
    first = ask(journey, begun(canonical(PAP), "2.2.0"), "2.2.0")
    filled = fill(contained_items(first), first, given(FIRST_DEVICE | {"months": {"valueInteger": 9999}}))

    assert ask(journey, filled, "2.2.0")["status"] == "in-progress"


def test_an_unknown_version_of_the_form_is_asked_as_the_one_in_force(journey: Journey) -> None:
    answer = ask(journey, begun(f"{PAP}|1.0.0", "2.2.0"), "2.2.0")

    assert answer["contained"][0]["derivedFrom"] == [canonical(PAP)]


@pytest.mark.parametrize(
    ("named", "status"), [("urn:placet:form:unheard-of|1.0.0", 404), ("urn:placet:form:knee-replacement", 422)]
)
def test_other_forms_are_not_asked_here(journey: Journey, named: str, status: int) -> None:
    code, outcome = journey.post("/fhir" + NEXT, begun(named, "2.2.0"))

    assert code == status
    assert outcome["issue"][0]["diagnostics"]


@pytest.mark.parametrize("body", [{"resourceType": "Parameters"}, {"resourceType": "Patient"}])
def test_without_a_response_there_is_no_next_question(journey: Journey, body: Json) -> None:
    status, outcome = journey.post("/fhir" + NEXT, body)

    assert status == 400
    assert outcome["resourceType"] == "OperationOutcome"


def test_a_response_that_breaks_r4_is_refused_at_its_place(journey: Journey) -> None:
    response = begun(canonical(PAP), "2.2.0")
    response["status"] = "maybe"
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "questionnaire-response", "resource": response}]}
    status, outcome = journey.post("/fhir" + NEXT, parameters)

    assert status == 400
    assert outcome["issue"][0]["expression"] == ["Parameters.parameter[0].resource.status"]


def test_the_operation_is_found_without_the_type_too(journey: Journey) -> None:
    status, answer = journey.post("/fhir/$next-question", copy.deepcopy(begun(canonical(PAP), "2.2.0")))

    assert (status, answer["resourceType"]) == (200, "QuestionnaireResponse")
