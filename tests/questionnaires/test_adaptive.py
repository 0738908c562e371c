"""Whatever is answered, an adaptive form leads on, comes to an end, and decides as the whole form would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.dtr.read import read_answers
from questionnaires.adaptive import Step, next_step
from questionnaires.content import load_content
from questionnaires.filled import laid_over
from questionnaires.form_file import read_form
from questionnaires.forms import Form
from questionnaires.problem import Problem
from questionnaires.response_check import check_response
from questionnaires.undecided import undecided
from server.authorization.criteria import Result, evaluate
from server.authorization.history import NOTHING_ON_RECORD
from server.authorization.known import facts_for
from server.authorization.policy import Rules, Topic
from server.authorization.request import Answers
from server.authorization.review import review_line
from server.operations.form_answers import held_against_form
from tests.builders import a_line, a_request
from tests.dtr_client import fill, options_of, questions, values_for
from tests.dtr_client import given as answering

Json = dict[str, Any]
CONTENT = load_content()
ON = date(2026, 11, 23)
FORMS = [form for form in CONTENT.forms if form.adaptive]
TOPICS = {form.url: [each for each in CONTENT.topics if each.form == form.canonical] for form in FORMS}
MOST_STEPS = 20
dialects = pytest.mark.parametrize("conditional", [True, False], ids=["2.2.0", "2.0.1"])
forms = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.url)


def picking(form: Form, seed: int) -> Callable[[Json], list[Json]]:
    """Answers at random, the same for the same item; optional items are left open now and then."""

    def pick(item: Json) -> list[Json]:
        random = Random(f"{seed} {item['linkId']}")
        if not item.get("required") and random.random() < 0.3:
            return []
        if "answerValueSet" in item:
            option = random.choice(form.items[item["linkId"]].options[:20])
            return [{"valueCoding": {"system": option.system, "code": option.code}}]
        values = values_for(item, random.choice)
        if item.get("repeats") and len(options_of(item)) > 1 and random.random() < 0.5:
            values += [each for each in values_for(item, random.choice) if each not in values]
        return values

    return pick


def session(form: Form, pick: Callable[[Json], list[Json]], *, conditional: bool) -> Iterator[tuple[Json, Step]]:
    """Every response and the step that follows it, until the form is complete."""
    response: Json = {"resourceType": "QuestionnaireResponse", "status": "in-progress"}
    asked: frozenset[str] = frozenset()
    for _ in range(MOST_STEPS):
        step = next_step(laid_over(form, response), asked, TOPICS.get(form.url, ()), ON, conditional=conditional)
        yield response, step
        if step.complete:
            return
        items = [dict(each) for each in step.items]
        asked = frozenset(each for each in every(items))
        response = fill(items, response, pick)
    raise AssertionError("the session has no end")


def every(items: list[Json]) -> Iterator[str]:
    """The linkIds at any depth."""
    for item in items:
        yield item["linkId"]
        yield from every(item.get("item", []))


@dialects
@forms
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**9))
def test_every_session_ends_and_asks_nothing_twice(form: Form, conditional: bool, seed: int) -> None:
    steps = list(session(form, picking(form, seed), conditional=conditional))
    new = [name for _response, step in steps for name in step.new]

    assert len(new) == len(set(new))
    assert all(step.new for _response, step in steps[:-1])
    assert steps[-1][1].complete


@dialects
@forms
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**9))
def test_at_the_end_nothing_required_is_open(form: Form, conditional: bool, seed: int) -> None:
    response, _step = list(session(form, picking(form, seed), conditional=conditional))[-1]
    checked = check_response(response, form)

    assert list(checked.missing) == []


def standard(form: Form, pick: Callable[[Json], list[Json]]) -> Json:
    """The whole form, filled at once."""
    items = [dict(each) for each in form.resource["item"]]
    return fill(items, {"resourceType": "QuestionnaireResponse", "status": "completed"}, pick)


def found(topic: Topic, form: Form, response: Json) -> tuple[Any, ...]:
    """What is decided for a line by a response, and how every criterion came out."""
    named = response | {"questionnaire": form.canonical, "status": "completed"}
    answers, _problems = held_against_form(read_answers(named), named, CONTENT.forms)
    request = a_request(a_line(code=topic.codes[0].first), answers=(answers,))
    plan = next(plan for plan in CONTENT.plans if plan.id in topic.plans)
    rules = Rules(plan, (topic,))
    line = review_line(request.lines[0], request, rules, ON, NOTHING_ON_RECORD)
    return line.action, line.waits_for, {each.criterion: each.result for each in line.trace}


@dialects
@forms
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**9))
def test_it_decides_as_the_whole_form_would(form: Form, conditional: bool, seed: int) -> None:
    pick = picking(form, seed)
    adaptive = list(session(form, pick, conditional=conditional))[-1][0]

    for topic in TOPICS[form.url]:
        assert found(topic, form, adaptive) == found(topic, form, standard(form, pick))


@dialects
@forms
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**9), share=st.floats(0, 1))
def test_any_part_of_the_answers_leads_to_a_next_step(form: Form, conditional: bool, seed: int, share: float) -> None:
    pick = picking(form, seed)
    whole = standard(form, pick)
    kept = {item.link_id for item in form.questions() if Random(f"{seed} {item.link_id} kept").random() < share}
    part = fill([dict(each) for each in form.resource["item"]], {}, lambda item: pick(item) * (item["linkId"] in kept))
    for response in (part, whole):
        asked = {each["linkId"] for each in flat(response)}
        step = next_step(laid_over(form, response), asked, TOPICS[form.url], ON, conditional=conditional)
        open_ = [name for name in step.enabled if form.items[name].required and not answered(response, name)]

        assert step.new or step.complete or open_


def flat(response: Json) -> Iterator[Json]:
    """Every item of a response."""
    for item in response.get("item", []):
        yield item
        yield from flat(item)


def answered(response: Json, link_id: str) -> bool:
    """Whether the response answers the item."""
    return any(each["linkId"] == link_id and each.get("answer") for each in flat(response))


@forms
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**9))
def test_another_answer_never_makes_a_met_criterion_unknown(form: Form, seed: int) -> None:
    """Answers are added one by one; those that decide what is asked stand before what they decide about."""
    response = standard(form, picking(form, seed)) | {"questionnaire": form.canonical}
    answers = read_answers(response).answers
    for topic in TOPICS[form.url]:
        former: dict[str, Result] = {}
        for count in range(len(answers) + 1):
            given_so_far = Answers(form.canonical, "completed", answers[:count])
            request = a_request(answers=(given_so_far,))
            facts = facts_for(request.lines[0], request, topic, NOTHING_ON_RECORD, ON)
            now = {each.id: evaluate(each.condition, facts).result for each in topic.criteria}
            assert [
                name for name, result in former.items() if result is Result.MET and now[name] is Result.UNKNOWN
            ] == []
            former = now


@forms
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**9))
def test_what_is_not_needed_changes_no_criterion(form: Form, seed: int) -> None:
    """Whatever is answered to a question that criteria do not need any more, they come out the same."""
    response = standard(form, picking(form, seed))
    for topic in TOPICS[form.url]:
        looked_at, open_ = undecided(form, laid_over(form, response), (topic,), ON)
        other = standard(form, picking(form, seed + 1))
        needless = {name for name in looked_at - open_ if name in form.items}
        mixed = [*(each for each in flat(response) if each["linkId"] not in needless)]
        mixed += [each for each in flat(other) if each["linkId"] in needless and not answered(response, each["linkId"])]
        before = results(topic, form, list(flat(response)))
        after = results(topic, form, mixed + [each for each in flat(response) if each["linkId"] in needless])

        assert {name: result for name, result in after.items() if before[name] is not Result.UNKNOWN} == {
            name: result for name, result in before.items() if result is not Result.UNKNOWN
        }


def results(topic: Topic, form: Form, items: list[Json]) -> dict[str, Result]:
    """How the criteria come out by these items."""
    flat_items = [{name: each for name, each in item.items() if name != "item"} for item in items]
    answers = read_answers({"questionnaire": form.canonical, "status": "completed", "item": flat_items})
    request = a_request(answers=(answers,))
    facts = facts_for(request.lines[0], request, topic, NOTHING_ON_RECORD, ON)
    return {each.id: evaluate(each.condition, facts).result for each in topic.criteria}


SMALL: Json = {
    "resourceType": "Questionnaire",
    "url": "urn:test:small",
    "version": "1.0.0",
    "title": "Small",
    "status": "active",
    "item": [
        {"linkId": "g", "text": "G", "type": "group", "item": [
            {"linkId": "kind", "text": "Kind?", "type": "boolean", "required": True},
            {"linkId": "why", "text": "Why?", "type": "string",
             "enableWhen": [{"question": "kind", "operator": "=", "answerBoolean": True}]},
        ]},
        {"linkId": "late", "text": "Late", "type": "group",
         "enableWhen": [{"question": "why", "operator": "exists", "answerBoolean": True}], "item": [
            {"linkId": "last", "text": "Last?", "type": "boolean", "required": True}]},
        {"linkId": "done", "text": "Done", "type": "display"},
        {"linkId": "office", "text": "Office", "type": "group", "item": [
            {"linkId": "phone", "text": "Phone", "type": "string"},
            {"linkId": "both", "text": "Both?", "type": "string", "enableBehavior": "any", "enableWhen": [
                {"question": "kind", "operator": "=", "answerBoolean": True},
                {"question": "last", "operator": "=", "answerBoolean": True}]}]},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Form:
    """A form with a question that decides about another, and that about a section."""
    import json

    path = tmp_path_factory.mktemp("form") / "questionnaire.json"
    path.write_text(json.dumps(SMALL))
    problems: list[Problem] = []
    form = read_form(path, problems)
    assert form is not None, problems
    return form


def walk(form: Form, answers: dict[str, Any], *, conditional: bool) -> list[list[str]]:
    """What is asked by every step."""
    return [
        list(questions([dict(each) for each in step.items]))
        for _response, step in session(form, answering(answers), conditional=conditional)
    ]


TRUE, WORDS = {"valueBoolean": True}, {"valueString": "x"}


@pytest.mark.parametrize(
    ("answers", "conditional", "expected"),
    [
        (
            {"kind": TRUE, "why": WORDS, "last": TRUE},
            True,
            [["kind", "why"], ["kind", "why", "last", "phone", "both"], ["kind", "why", "last", "phone", "both"]],
        ),
        (
            {"kind": TRUE, "why": WORDS, "last": TRUE},
            False,
            [
                ["kind"],
                ["kind", "why"],
                ["kind", "why", "last", "phone", "both"],
                ["kind", "why", "last", "phone", "both"],
            ],
        ),
        ({"kind": {"valueBoolean": False}}, True, [["kind", "why"], ["kind", "phone"], ["kind", "phone"]]),
        ({"kind": {"valueBoolean": False}}, False, [["kind"], ["kind", "phone"], ["kind", "phone"]]),
        (
            {"kind": TRUE},
            False,
            [["kind"], ["kind", "why"], ["kind", "why", "phone", "both"], ["kind", "why", "phone", "both"]],
        ),
    ],
)
def test_a_question_waits_for_the_answer_that_decides_about_it(
    small: Form, answers: dict[str, Any], conditional: bool, expected: list[list[str]]
) -> None:
    assert walk(small, answers, conditional=conditional) == expected


def test_a_required_question_that_stays_open_keeps_the_form_open(small: Form) -> None:
    response = {"resourceType": "QuestionnaireResponse", "status": "in-progress"}
    step = next_step(laid_over(small, response), ["g", "kind", "why", "office", "phone"], (), ON, conditional=True)

    assert (step.new, step.complete) == ((), False)


def test_a_condition_on_what_is_not_asked_is_left_out(small: Form) -> None:
    response = {"item": [{"linkId": "g", "item": [{"linkId": "kind", "answer": [TRUE]}]}]}
    step = next_step(laid_over(small, response), ["g", "kind", "why"], (), ON, conditional=True)
    [both] = [each for each in step.items[-1]["item"] if each["linkId"] == "both"]

    assert [each["question"] for each in both["enableWhen"]] == ["kind"]
    assert "enableBehavior" not in both
