"""Each standard form is shown, filled in and exported by a real renderer, and what it exports is accepted."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from questionnaires.content import DEMO, load_content
from questionnaires.forms import Form, Item
from questionnaires.problem import Severity
from questionnaires.response_check import check_response
from server.authorization.policy import Topic
from tests.journeys.conftest import Journey
from tests.journeys.plan_functions.asking import a_document, a_request, supported
from tests.journeys.test_questionnaire_package import (
    an_order_of,
    asking,
    draft_in,
    handed_out,
    packages,
    topics_with_forms,
)
from tests.renderer import chromium, lhc_forms
from tests.renderer.lhc_forms import Rendered

Json = dict[str, Any]

FORMS = load_content().forms
PICTURES = Path(os.environ.get("PLACET_PICTURES", Path(__file__).parents[2] / "build" / "pictures"))
"""Where pictures of the filled forms are kept: for people to look at, never committed."""

ORIGIN = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin"


def form_of(topic: Topic) -> Form:
    form = FORMS.get(topic.form)
    assert form is not None
    return form


STANDARD = [topic for topic in topics_with_forms() if not form_of(topic).adaptive]


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[chromium.Page, str]]:
    """A browser with the renderer, one for each test process."""
    if why := lhc_forms.unavailable():
        pytest.skip(why)
    with lhc_forms.served() as url, chromium.opened(tmp_path_factory.mktemp("profile")) as tab:
        yield tab, url


def certified(topic: Topic) -> Json:
    """The first case of the topic that is certified with answers."""
    cases = yaml.safe_load((DEMO / topic.name / "cases.yaml").read_text())
    said = {case["case"]: case for case in cases}

    def whole(case: Json) -> Json:
        before = whole(said[case["like"]]) if "like" in case else {}
        return {**before, **case, "answers": {**before.get("answers", {}), **case.get("answers", {})}}

    wholes = (whole(case) for case in cases)
    return next(case for case in wholes if case["answers"] and case["expect"][0]["status"] in ("approved", "modified"))


def with_its_sets(journey: Journey, package: Json) -> Json:
    """The form with its value sets in it, as an app renders it; long ones are expanded by the server."""
    form, sets = copy.deepcopy(package["entry"][0]["resource"]), []
    for entry in package["entry"]:
        if entry["resource"]["resourceType"] == "ValueSet":
            found = entry["resource"]
            if "expansion" not in found:
                status, found = journey.get(f"/fhir/ValueSet/$expand?url={found['url']}|{found['version']}")
                assert status == 200, found
            sets.append(found | {"id": f"set-{len(sets)}"})
    named = {f"{each['url']}|{each['version']}": f"#{each['id']}" for each in sets}
    whole = json.dumps(form, default=float)
    for canonical, place in named.items():
        whole = whole.replace(f'"answerValueSet": "{canonical}"', f'"answerValueSet": "{place}"')
    form = json.loads(whole)
    return form | ({"contained": sets} if sets else {})


def typed(item: Item, written: Any, form: Form) -> list[str]:
    """What a person types or clicks for the answer of a case."""
    if item.type == "boolean":
        return ["true" if written in (True, "yes") else "false"]
    each = written if isinstance(written, list) else [written]
    if item.type in ("choice", "open-choice"):
        return [shown(item, str(code), form) for code in each]
    if isinstance(written, date):
        return [written.strftime("%m/%d/%Y")]
    if item.type in ("integer", "decimal", "quantity"):
        return [str(written).split()[0]]
    return [str(written)]


def shown(item: Item, code: str, form: Form) -> str:
    """The words of an option."""
    options = [each["valueCoding"] for each in item.resource.get("answerOption", ())]
    named = form.sets.get(item.value_set) if item.value_set else None
    for include in named.resource["compose"]["include"] if named else ():
        options += include.get("concept", ())
    return str(next(each["display"] for each in options if each["code"] == code))


def accepted(draft: Json, exported: Json) -> Json:
    """The draft with the answers of the renderer, each as typed by a person: what an app sends."""

    def with_origin(items: list[Json]) -> list[Json]:
        for item in items:
            for answer in item.get("answer", []):
                author = {"url": "author", "extension": [{"url": "role", "valueCodeableConcept": {"text": "nurse"}}]}
                origin = {"url": ORIGIN, "extension": [{"url": "source", "valueCode": "manual"}, author]}
                answer["extension"] = [origin]
                with_origin(answer.get("item", []))
            with_origin(item.get("item", []))
        return items

    items = with_origin(copy.deepcopy(exported["item"]))
    subject = {"reference": "https://ehr.example.org/fhir/Patient/member"}
    return draft | {"status": "completed", "item": items, "subject": subject, "authored": "2026-11-23T10:00:00Z"}


@pytest.mark.parametrize("topic", STANDARD, ids=lambda topic: topic.name)
def test_a_form_is_filled_in_by_a_renderer_and_what_it_exports_is_accepted(
    journey: Journey, page: tuple[chromium.Page, str], topic: Topic
) -> None:
    form, case = form_of(topic), certified(topic)
    [package] = packages(handed_out(journey, asking(an_order_of(topic), questionnaire=topic.form)))
    rendered = Rendered(*page, with_its_sets(journey, package))
    for section in form.tree:
        if section.type == "group" and not section.enabled:
            assert section.text in rendered.words()
    for link_id, item in form.items.items():
        if link_id in case["answers"] and case["answers"][link_id] is not None:
            assert rendered.shows(link_id), f"{link_id} is not asked"
            rendered.answer(item, typed(item, case["answers"][link_id], form))
    PICTURES.mkdir(parents=True, exist_ok=True)
    rendered.picture(PICTURES / f"{topic.name}.png")

    response = accepted(draft_in(package), rendered.response())
    exact = json.loads(json.dumps(response, default=float), parse_float=Decimal)
    checked = check_response(exact, form)
    assert [each for each in checked.problems if each.severity is Severity.ERROR] == []
    given = {each for each in case["answers"] if case["answers"][each] is not None}
    assert given <= {item["linkId"] for item in answered(response["item"])}

    documents = [a_document("11506-3", "2026-11-20")]
    bundle = supported(a_request(service=["hcpcs", "E0601"], answers={}, documents=[]), response, *documents)
    status, answer = journey.post("/fhir/Claim/$submit", json.dumps(bundle, default=float).encode())
    assert status == 200, answer


def answered(items: list[Json]) -> Iterator[Json]:
    """The items with an answer, at any depth."""
    for item in items:
        if "answer" in item:
            yield item
            for each in item["answer"]:
                yield from answered(each.get("item", []))
        yield from answered(item.get("item", []))
